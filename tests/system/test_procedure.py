# SPDX-License-Identifier: GPL-3.0-or-later
"""The procedure documentation: what it tells of an archive, and what it must not tell."""
import re

import pytest
from sealpost import DATA, ENV, USAGE, Archive, mail
from tsa import Tsa

CHAPTERS = ["archive", "intake", "media", "key", "access", "retention", "timestamps", "integrity", "backup", "timetable", "watching",
            "software", "settings"]
SECRETS = ("verysecretword", "hunter2hunter2", "anna@nowhere.example", "A hidden subject")


@pytest.fixture
def lived_in(archive, folder, password):
    """An archive with something of everything."""
    secret = folder / "secret"
    secret.write_text("hunter2hunter2\n")
    (folder / "in").mkdir()
    (folder / "in" / "1.eml").write_bytes(mail(subject="A hidden subject", sender="anna@nowhere.example", body="verysecretword\n"))
    archive.run("key", "export", "--password-file", password)
    archive.take(DATA / "mail", folder / "in")
    archive.run("user", "add", "rita", "--role", "revisor", "--password-file", secret, talks=True)
    archive.run("user", "scope", "rita", "--domain", "example.org", "--valid-until", "2030-12-31", talks=True)
    archive.run("user", "add", "anna", "--full-name", "Anna Ordinary", "--address", "anna@nowhere.example", "--password-file", secret, talks=True)
    archive.run("fetch", "add", "branch-office", "--imap", "imap.example.org", "--user", "anna@nowhere.example", "--password-file", secret,
                talks=True)
    archive.run("request", "mode", "approval", talks=True)
    archive.run("hold", "set", "rechnung", "--reason", "A hidden subject", talks=True)
    (archive.path / "smtpd.conf").write_text("listen = smtp 127.0.0.1:2525\narchive_domain = archive.example\nuser =\n")
    (archive.path / "alarms.conf").write_text("mail_to = anna@nowhere.example\nno_mail_hours = 48\n")
    (archive.path / "timetable.conf").write_text("backup_full = weekly\npause_fetch = yes\n")
    return archive


def facts(archive):
    (found,) = archive.json("status", "--procedure")
    return found


def markdown(archive, language):
    return archive.text("status", "--procedure", "--lang", language)


def test_it_tells_how_the_archive_is(lived_in):
    lived_in.run("verify", "--all")
    lived_in.run("backup", "full", talks=True)
    lived_in.run("restore", "--drill", talks=True)
    lived_in.run("job", "run", "index", talks=True)
    told = facts(lived_in)
    mails = lived_in.status()["mails"]
    assert list(told) == CHAPTERS
    assert told["archive"]["mails"] == mails
    assert told["intake"]["doors"][0]["archive_domain"] == ["archive.example"]
    assert told["intake"]["fetched_mailboxes"][0]["host"] == "imap.example.org"
    assert {row["way"]: row["archived"] for row in told["intake"]["taken_in"]}["import"] == mails
    assert told["media"]["numbered"][0]["kind"] == "local"
    assert re.fullmatch(r"[0-9a-f]{4}( [0-9a-f]{4}){3}", told["key"]["fingerprint"]) and told["key"]["backup_made_at"]
    holders = {row["log_in_name"]: row for row in told["access"]["holders"]}
    assert set(holders) == {"admin", "auditor", "revisor", "dataofficer", "rita"}
    assert holders["rita"]["bounded"] and holders["rita"]["valid_until"].startswith(("2030-12-31", "2031-01-01"))
    assert told["access"]["ordinary_people"] == 1
    assert told["retention"]["deletion"] == "approval" and told["retention"]["holds"] == 1 and told["retention"]["mails_held"] > 0
    assert told["timestamps"]["authority"] == "" and told["timestamps"]["mails_waiting"] == mails
    assert told["integrity"]["last_verify"]["result"] == "done" and told["integrity"]["last_verify"]["mails"] == mails
    assert told["integrity"]["last_drill"]["done_at"] and told["integrity"]["last_drill"]["mails"] > 0
    assert told["integrity"]["audit_log"]["lines"] == len(lived_in.json("audit", "list", "--last", 1000))
    jobs = {row["job"]: row for row in told["timetable"]["jobs"]}
    assert jobs["index"]["result"] == "done" and jobs["backup-full"]["when"] == "Sundays at 01:12"
    assert jobs["fetch"]["paused"] and jobs["fetch"]["next_at"] is None
    assert told["watching"]["alarms_by_mail"]
    assert told["software"]["sealpost"] in lived_in.text("--version") and "SQLCipher" in told["software"]["database"]
    assert {"file": "timetable.conf", "setting": "backup_full", "value": "weekly"} in told["settings"]["set"]


def test_no_secret_and_nothing_of_a_mail_or_an_ordinary_person_is_in_it(lived_in):
    for text in (markdown(lived_in, "de"), markdown(lived_in, "en"), lived_in.text("--json", "status", "--procedure")):
        for secret in (*SECRETS, "Anna Ordinary", "rechnung"):
            assert secret not in text, secret
    assert {"file": "alarms.conf", "setting": "mail_to", "value": "***"} in facts(lived_in)["settings"]["set"]


def test_the_timestamps_are_in_it(archive, folder):
    with Tsa(folder / "tsa") as authority:
        archive.run("timestamp", "set", "--url", authority.url, "--ca", authority.ca_file, talks=True)
        archive.take(DATA / "mail")
        archive.run("timestamp", "run", talks=True)
        told = facts(archive)["timestamps"]
    assert told["authority"] == authority.url and told["timestamps"] == 1
    assert told["mails_stamped"] == archive.status()["mails"] and told["last_timestamp_at"] and told["certificate_ends_at"]


def test_damage_that_was_found_is_in_it(lived_in):
    (pack,) = lived_in.packs()
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(data)
    lived_in.run("verify", "--all", status=1)
    assert facts(lived_in)["integrity"]["last_verify"]["result"] == "damaged"


def labels(text):
    """Headings, columns, and what stands first in each row of facts."""
    lines = text.splitlines()
    heads = [line for line in lines if line.startswith("#")]
    columns = [line for line, rule in zip(lines, lines[1:]) if rule.startswith("|---")]
    return heads, columns


def test_german_and_english_tell_the_same_each_in_its_own_words(lived_in):
    german, english = markdown(lived_in, "de"), markdown(lived_in, "en")
    assert german.startswith("# Verfahrensdokumentation") and english.startswith("# Procedure documentation")
    assert len(german.splitlines()) == len(english.splitlines())
    heads, columns = zip(labels(german), labels(english))
    assert len(heads[0]) == len(heads[1]) > 20 and len(columns[0]) == len(columns[1])
    # Words that are the same in both languages, and no more: what lacks a German word shows as its key.
    assert set(heads[0]) & set(heads[1]) == {"## Software"}
    assert not re.findall(r"(?m)^\| [a-z]+_[a-z_]+ \|", german + english)
    prose = [[line for line in text.splitlines() if line and line[0] not in "#|"] for text in (german, english)]
    assert len(prose[0]) == len(prose[1]) > 13 and not set(prose[0]) & set(prose[1])
    for word in ("yes", "never", "daily at", "of each hour", "administrator", "on, with"):
        assert word not in german.split("## Einstellungen")[0], word


def test_each_row_of_a_table_has_its_columns(lived_in):
    width = None
    for line in markdown(lived_in, "de").splitlines():
        if not line.startswith("|"):
            width = None
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        assert width in (None, cells), line
        width = cells


def test_the_language_is_the_terminals_unless_it_is_named(archive, monkeypatch):
    assert archive.text("status", "--procedure").startswith("# Procedure")
    monkeypatch.setitem(ENV, "LC_ALL", "de_DE.UTF-8")
    assert archive.text("status", "--procedure").startswith("# Verfahren")
    assert archive.text("status", "--procedure", "--lang", "en").startswith("# Procedure")


@pytest.mark.parametrize("words", [("--procedure", "--lang", "fr"), ("--lang", "de"), ("--procedure", "--check"), ("--procedure", "--metrics")])
def test_what_does_not_go_together_is_refused(archive, words):
    archive.run("status", *words, status=USAGE)


def test_an_archive_that_has_just_been_made_has_one(folder):
    told = facts(Archive(folder / "new").init())
    assert told["integrity"]["last_verify"] == {"done_at": None} and told["settings"]["set"] == []
    assert told["intake"]["spool"] == {"waiting_for_delivery": 0, "waiting_for_archive": 0, "stuck": 0}
