# SPDX-License-Identifier: GPL-3.0-or-later
"""Watching over an archive: what monitoring is told, what the administrator gets by mail, what is counted."""
import datetime
import email
import email.policy

import pytest
import samba
from sealpost import DATA, FAILED, USAGE, Archive, mail
from shares import put_on_share, ship

FINE, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3


@pytest.fixture(name="server")
def _server(folder):
    with samba.running(folder) as server:
        yield server


def checked(archive, status):
    """The line for monitoring."""
    out = archive.text("status", "--check", status=status, talks=True)
    assert out.count("\n") == 1
    return out


def alarms(archive):
    return {(row["alarm"], row["subject"]): row for row in archive.status()["alarms"]}


def export_key(archive, password):
    archive.run("key", "export", "--password-file", password)


class Mailbox:
    """A sendmail that keeps what it gets."""

    def __init__(self, folder, archive):
        self.folder = folder / "mailbox"
        self.folder.mkdir()
        self.program = folder / "sendmail"
        self.program.write_text(f"#!/bin/sh\ncat >{self.folder}/$(ls {self.folder} | wc -l)\n")
        self.program.chmod(0o755)
        (archive.path / "alarms.conf").write_text(f"mail_to = admin@example.org\nsendmail = {self.program}\n")

    def mails(self):
        return [email.message_from_bytes(f.read_bytes(), policy=email.policy.default)
                for f in sorted(self.folder.iterdir(), key=lambda f: int(f.name))]


@pytest.fixture(name="mailbox")
def _mailbox(folder, archive):
    return Mailbox(folder, archive)


# --- monitoring -----------------------------------------------------------------------------------

def test_an_archive_in_good_order_is_fine_and_says_so_in_one_line(filled, password):
    export_key(filled, password)
    assert checked(filled, FINE).startswith("OK: ")
    assert filled.status()["alarms"] == []


def test_a_warning_names_what_happened_and_what_to_do(filled):
    line = checked(filled, WARNING)
    assert line.startswith("WARNING: there is no backup of the archive key")
    assert "key export" in line
    (alarm,) = filled.status()["alarms"]
    assert alarm["alarm"] == "key_backup" and alarm["level"] == "warning" and alarm["text"] in line


def test_the_worst_alarm_is_the_one_that_monitoring_is_told(filled):
    (filled.path / "media").rename(filled.path / "away")
    line = checked(filled, CRITICAL)
    assert line.startswith("CRITICAL: medium 1 does not answer") and "(and 1 more: " in line
    told = filled.text("status")
    assert told.index("CRITICAL: ") < told.index("WARNING: ")
    assert told.count("does not answer") == 1
    (filled.path / "away").rename(filled.path / "media")
    assert "key" in checked(filled, WARNING)


def test_an_archive_that_does_not_open_is_unknown(folder):
    assert checked(Archive(folder / "nothing"), UNKNOWN).startswith("UNKNOWN: ")


def test_wrong_settings_are_told_by_their_line(filled):
    (filled.path / "alarms.conf").write_text("mail_too = x\n")
    assert "alarms.conf" in checked(filled, UNKNOWN)
    filled.run("status", status=FAILED, says="alarms.conf")


def test_status_takes_no_words(archive):
    archive.run("status", "now", status=USAGE)


def test_a_search_index_that_is_gone_is_critical_and_its_command_mends_it(filled, password):
    export_key(filled, password)
    (filled.path / "index.db").unlink()
    assert "index rebuild" in checked(filled, CRITICAL)
    filled.run("index", "rebuild", talks=True)
    checked(filled, FINE)


# --- a share that is away -------------------------------------------------------------------------

def test_a_share_that_is_away_is_an_alarm_until_it_is_back(archive, server, password, mailbox):
    export_key(archive, password)
    put_on_share(archive, server)
    archive.take(DATA / "mail")
    ship(archive)
    checked(archive, FINE)
    with server.down():
        archive.run("medium", "check", 2, status=FAILED)
        archive.run("status", "--check", "--tell", status=WARNING, talks=True)
        assert alarms(archive)["staging", "medium 2"]["level"] == "warning"
    archive.run("medium", "check", 2)
    archive.run("status", "--check", "--tell", status=FINE)
    away, back = mailbox.mails()
    assert away["Subject"] == "[Sealpost] WARNING: staging (medium 2)"
    assert "medium 2 does not answer" in " ".join(away.get_content().split())
    assert back["Subject"] == "[Sealpost] OVER: staging (medium 2)"


def test_monitoring_can_have_it_as_json(filled, folder):
    done = filled.json("status", "--check", status=WARNING)[0]
    assert done["state"] == "WARNING" and {row["alarm"] for row in done["alarms"]} == set(name for name, _ in alarms(filled))
    told = filled.json("status")[0]
    assert told["state"] == "WARNING" and told["version"] in filled.text("--version")
    (lost,) = Archive(folder / "none").json("status", "--check", status=UNKNOWN)
    assert lost["state"] == "UNKNOWN" and lost["text"]


# --- mail to the administrator --------------------------------------------------------------------

def test_an_alarm_comes_by_mail_once(filled, mailbox):
    for _ in range(3):
        filled.run("status", "--tell")
    (told,) = mailbox.mails()
    assert told["To"] == "admin@example.org"
    assert told["Auto-Submitted"] == "auto-generated"
    assert told["Message-ID"].startswith("<") and told["Date"].datetime.tzinfo is not None
    assert abs(told["Date"].datetime - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(days=1)
    assert f"sealpost --archive {filled.path} key export" in " ".join(told.get_content().split())
    assert max(map(len, told.as_string().splitlines())) < 200


def test_the_end_of_a_job_tells_too(filled, mailbox):
    filled.run("job", "run", "statistics", talks=True)
    (told,) = mailbox.mails()
    assert "key_backup" in told["Subject"]


def test_no_alarm_names_anything_of_a_mail(archive, folder, mailbox):
    (folder / "in").mkdir()
    (folder / "in" / "1.eml").write_bytes(mail(subject="verysecret", sender="hidden@nowhere.example"))
    archive.take(folder / "in")
    (archive.path / "index.db").unlink()
    archive.run("status", "--check", "--tell", status=CRITICAL, talks=True)
    (told,) = mailbox.mails()
    assert "verysecret" not in told.as_string() and "hidden@" not in told.as_string()


def test_a_sendmail_that_is_not_there_is_told_and_changes_no_status(filled, password):
    (filled.path / "alarms.conf").write_text("mail_to = admin\nsendmail = /nonexistent/sendmail\n")
    filled.run("status", "--check", "--tell", status=WARNING, says="could not be mailed")
    export_key(filled, password)
    filled.run("status", "--check", "--tell", status=FINE)


# --- statistics -----------------------------------------------------------------------------------

def test_what_came_and_was_searched_is_counted_by_day(filled):
    filled.run("import", DATA / "mail", "--source", "again", talks=True)
    for _ in range(3):
        filled.find("rechnung")
    filled.count("rechnung")
    assert "counted; yesterday " in filled.text("statistics", "update")
    rows = filled.json("statistics", "show", "--days", 3)
    total = [row for row in rows if row["source"] is None]
    status = filled.status()
    assert sum(row["mails"] for row in total) == status["mails"]
    assert sum(row["bytes"] for row in total) == status["bytes"]
    assert sum(row["duplicates"] for row in total) == status["mails"]
    assert sum(row["searches"] for row in total) == 4
    assert total[-1]["stored_bytes"] == status["pack_bytes"]
    assert {row["source"] for row in rows} == {None, "mail", "again"}
    assert "mail" in filled.text("statistics", "show")


def test_a_query_with_a_mistake_is_no_search(filled):
    filled.find("rechnung")
    filled.run("search", '"rechnung', status=FAILED)
    filled.run("statistics", "update")
    assert filled.json("statistics", "show")[0]["searches"] == 1


def test_the_words_of_statistics_are_checked(archive):
    archive.run("statistics", status=USAGE)
    archive.run("statistics", "forget", status=USAGE)
    archive.run("statistics", "show", "--days", 0, status=USAGE)
    assert archive.text("statistics", "show").startswith("day ")
