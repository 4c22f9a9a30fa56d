# SPDX-License-Identifier: GPL-3.0-or-later
"""What timestamps prove: to the administrator, to a stranger with an exported folder, and what is noticed when somebody changed something."""
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from sealpost import BIN, DATA, ENV, FAILED, ROOT, TIMEOUT_S, USAGE, Archive
from tsa import Tsa

ALTER = os.environ.get("SEALPOST_ALTER", str(ROOT / "build" / "opt" / "tests" / "system" / "alter"))
MAILS = 49
NEXT_YEAR = str(datetime.date.today().year + 1) + "-12-31"


@pytest.fixture(name="authority")
def _authority(folder):
    with Tsa(folder / "tsa") as made:
        yield made


@pytest.fixture(name="archive")
def _archive(folder, authority):
    archive = Archive(folder / "archive").init()
    archive.run("import", DATA / "mail", talks=True)
    archive.run("timestamp", "set", "--url", authority.url, "--ca", authority.ca_file)
    archive.run("timestamp", "run")
    return archive


def ids(archive, n=3):
    return [row["id"] for row in archive.json("search", "", "--limit", n)]


def proof(archive, mail_id, *words):
    return archive.json("timestamp", "verify", mail_id, *words)[0]


def alter(archive, sql):
    done = subprocess.run([ALTER, archive.path, sql], env=ENV, capture_output=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr


def findings(archive):
    """What `verify --all` tells; it says by its status that there is something."""
    done = subprocess.run(archive.command("timestamp", "verify", "--all", "--json"), env=ENV, capture_output=True, timeout=TIMEOUT_S,
                          check=False)
    assert done.returncode == FAILED, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["findings"] == len(lines) - 1 > 0
    return " | ".join(line["finding"] for line in lines[:-1])


def check(folder, *words, status=0):
    done = subprocess.run([BIN + "-verify", *words, folder], env=ENV, capture_output=True, timeout=TIMEOUT_S, check=False, text=True)
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def by_hand(folder):
    """The commands of README.txt, as they stand there: did they succeed, and how often was a timestamp found good?"""
    text = (folder / "README.txt").read_text().split("HOW TO CHECK IT", 1)[1]
    commands = "\n".join(re.findall(r"^ {4}(.*)$", text, re.M))
    done = subprocess.run(["sh", "-e", "-c", commands], cwd=folder, capture_output=True, timeout=TIMEOUT_S, check=False, text=True)
    return done.returncode == 0, done.stdout.count("Verification: OK")


def export(archive, mail_id, to):
    archive.run("timestamp", "export", mail_id, "--to", to)
    return to


def test_a_stamped_mail_is_proved_since_the_timestamp(archive):
    told = proof(archive, ids(archive)[0])
    assert told["proof"] == "good" and told["timestamp"] == 1 and "signer-good" in told["authority"]
    assert "nothing is wrong" in archive.text("timestamp", "verify", "--all")


def test_a_mail_that_waits_says_since_when(archive):
    archive.run("import", DATA / "maildir", talks=True)
    waiting = [i for i in ids(archive, 200) if proof(archive, i)["proof"] == "waiting"]
    assert waiting and "waits for one since 20" in proof(archive, waiting[0])["text"]
    archive.run("timestamp", "export", waiting[0], "--to", archive.path.parent / "none", status=FAILED, says="no timestamp yet")
    assert not (archive.path.parent / "none").exists()


def test_no_mail_with_this_id_is_told(archive):
    archive.run("timestamp", "verify", "01a206c3-a168-7020-bcd3-e4dc220e3917", status=FAILED, says="no mail with this id")


def test_an_erased_mail_shows_when_and_by_which_request_and_the_others_stay_proved(archive):
    gone, stays, _ = ids(archive)
    archive.run("delete", gone, "--reason", "asked for")
    archive.run("erase", "index")
    archive.run("erase", "media")
    told = proof(archive, gone)
    assert told["proof"] == "erased" and told["request"] == 1
    assert re.search(r"erased at 20\S+, by request 1; its hash stands in timestamp 1", told["text"])
    assert proof(archive, stays)["proof"] == "good"
    report = archive.json("timestamp", "verify", "--all")[-1]
    assert (report["mails"], report["erased"], report["findings"]) == (MAILS - 1, 1, 0)


def test_an_exported_proof_is_checked_by_the_program_and_by_hand(folder, archive, authority):
    mail_id = ids(archive)[0]
    archive.run("import", DATA / "mail", "--source", "again", talks=True)  # later sightings have a record of their own
    archive.run("timestamp", "run")
    made = export(archive, mail_id, folder / "proof")
    told = check(made)
    assert f"PROVED: mail.eml is mail {mail_id}" in told and "CA, SHA-256" in told
    check(made, "--ca", authority.ca_file)
    check(made, "--ca", authority.other_ca_file, status=1)
    assert by_hand(made) == (True, 2)
    assert (made / "mail.eml").read_bytes() == subprocess.run(archive.command("show", mail_id, "--raw"), env=ENV, capture_output=True,
                                                             check=True).stdout
    archive.run("timestamp", "export", mail_id, "--to", made, status=FAILED, says="not empty")


def test_a_proof_holds_after_renewals_and_another_hash_function(folder, archive, authority):
    mail_id = ids(archive)[0]
    archive.run("timestamp", "set", "--renew-days", 3650)
    archive.run("timestamp", "run", "--renew")
    archive.run("timestamp", "set", "--renew-days", 90, "--hash", "sha512")
    archive.run("timestamp", "rehash")
    made = export(archive, mail_id, folder / "proof")
    assert json.loads(check(made, "--json"))["timestamps"] == len(list(made.glob("token-*.tsr"))) >= 2
    succeeded, times = by_hand(made)
    assert succeeded and times >= 2
    archive.run("timestamp", "verify", "--all")


@pytest.mark.parametrize("name", ["mail.eml", "provenance-1.txt", "evidence.ers", "token-1.tsr", "ca-1.pem", "proof.json"])
def test_a_changed_byte_in_an_exported_proof_is_refused(folder, archive, name):
    made = export(archive, ids(archive)[0], folder / "proof")
    data = bytearray((made / name).read_bytes())
    data[len(data) // 2] ^= 1
    (made / name).write_bytes(data)
    assert "NOT PROVED" in check(made, status=1)
    if name in ("mail.eml", "provenance-1.txt"):
        assert by_hand(made) != (True, 1)


def test_a_folder_that_was_tampered_with_is_refused(folder, archive):
    made = export(archive, ids(archive)[0], folder / "proof")

    def tampered(words):
        told = check(folder / "other", status=1)
        assert "NOT PROVED" in told and words in told, told
        shutil.rmtree(folder / "other")
        shutil.copytree(made, folder / "other")

    shutil.copytree(made, folder / "other")
    (folder / "other" / "more.txt").write_text("more")
    tampered("does not belong to the proof")
    (folder / "other" / "mail.eml").unlink()
    tampered("mail.eml is missing")
    (folder / "other" / "mail.eml").unlink()
    (folder / "other" / "mail.eml").symlink_to(made / "mail.eml")
    tampered("a link")
    text = (folder / "other" / "proof.json").read_text()
    (folder / "other" / "proof.json").write_text(text.replace("provenance-1.txt", "../proof/provenance-1.txt"))
    tampered("proof.json")
    check(folder / "nowhere", status=1)
    check("--nonsense", status=2)


@pytest.mark.parametrize("sql,words", [
    ("UPDATE stamp_nodes SET nodes = zeroblob(length(nodes)) WHERE level = 0", "its imprint is another one"),
    ("UPDATE stamps SET statement = CAST(replace(CAST(statement AS TEXT), 'mails: 49', 'mails: 48') AS BLOB)", "its statement is another one's"),
    ("UPDATE stamps SET mails = 48", "another one"),
    ("UPDATE stamps SET token = substr(token, 1, length(token) - 1) || x'00'", "its signature is not true"),
    ("UPDATE stamps SET statement = x'00'", "statement"),
    ("UPDATE stamp_certificates SET der = x'00'", "certificate"),
    ("DELETE FROM stamp_nodes", "missing"),
    ("UPDATE stamps SET time_ms = time_ms - 86400000", "another time than its token"),
    ("UPDATE stamps SET ends_s = ends_s + 86400", "later end than its certificates"),
    ("UPDATE audit SET detail = 'nothing' WHERE line = 2", "line 2"),
    ("DELETE FROM audit WHERE line >= 2", "audit log"),
    ("DELETE FROM mails WHERE mail = 7", "vanished"),
    ("DELETE FROM stamp_leaves WHERE mail = 7", "no timestamp"),
    ("UPDATE mails SET exact = zeroblob(32) WHERE mail = 7", "another mail than the catalog says")])
def test_whatever_is_changed_in_the_catalog_is_found(archive, sql, words):
    alter(archive, sql)
    assert words in findings(archive)


def test_a_damaged_hash_is_not_held_against_the_mail_it_is_of(archive):
    alter(archive, "UPDATE stamp_nodes SET nodes = zeroblob(32) || substr(nodes, 33) WHERE level = 0 AND chunk = 0")
    first = min(ids(archive, MAILS))  # ids grow with time: the mail of the first leaf
    assert proof(archive, first)["proof"] == "good"
    told = findings(archive)
    assert "its imprint is another one" in told and "other bytes" not in told


def test_a_renewal_that_never_was_is_found_even_if_all_its_mails_are_erased(archive):
    gone = ids(archive, 200)
    archive.run("import", DATA / "maildir", talks=True)
    archive.run("timestamp", "run")
    for mail_id in gone:
        archive.run("delete", mail_id)
    archive.run("erase", "index")
    archive.run("erase", "media")
    archive.run("timestamp", "verify", "--all")
    alter(archive, "UPDATE stamps SET covered_by = 2, covered_at = 0 WHERE stamp = 1")
    assert "renewed another token" in findings(archive)
    archive.run("timestamp", "verify", gone[0], status=FAILED)


def test_a_timestamp_outlives_its_certificate_only_if_it_was_renewed_in_time(archive, authority):
    authority.signer = "short"
    archive.run("import", DATA / "maildir", talks=True)
    archive.run("timestamp", "run")
    newest = next(i for i in ids(archive, 200) if proof(archive, i)["timestamp"] == 2)
    archive.run("timestamp", "verify", newest, "--at", NEXT_YEAR, status=FAILED)
    authority.signer = "good"
    archive.run("timestamp", "run", "--renew")
    told = proof(archive, newest, "--at", NEXT_YEAR)
    assert told["proof"] == "good" and told["renewals"] == 1
    archive.run("timestamp", "verify", "--all", "--at", NEXT_YEAR)


def test_a_timestamp_that_was_taken_out_is_found(archive, folder):
    archive.run("import", DATA / "maildir", talks=True)
    archive.run("timestamp", "run")
    archive.run("import", DATA / "mbox", talks=True)
    archive.run("timestamp", "run")
    alter(archive, "DELETE FROM stamps WHERE stamp = 2")
    assert "it is missing" in findings(archive)
    archive.run("timestamp", "run")  # the medium has its evidence
    archive.run("timestamp", "verify", "--all")
    assert archive.json("timestamp", "list")[1]["timestamp"] == 2


def test_evidence_on_the_medium_that_is_damaged_or_gone_is_told(archive):
    file, = (archive.path / "media" / "1").glob("*/evidence/*.evidence")
    whole = file.read_bytes()
    file.chmod(0o600)
    file.write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    assert "not as it was written" in findings(archive)
    file.unlink()
    assert "no medium has the file" in findings(archive)


def test_media_and_key_alone_bring_the_proofs_back(archive):
    gone, stays, _ = ids(archive)
    archive.run("delete", gone)
    archive.run("erase", "index")
    archive.run("erase", "media")
    for name in ("catalog.db", "catalog.db-wal", "catalog.db-shm", "index.db"):
        (archive.path / name).unlink(missing_ok=True)
    assert archive.json("rebuild")[0]["timestamps"] == 1
    assert proof(archive, stays)["proof"] == "good" and proof(archive, gone)["proof"] == "erased"
    report = archive.json("timestamp", "verify", "--all")[-1]
    assert (report["mails"], report["erased"], report["findings"]) == (MAILS - 1, 1, 0)


def test_a_restore_from_the_mirror_brings_the_proofs_back(folder, archive, authority):
    (folder / "password").write_text("correct horse battery\n")
    (folder / "mirror").mkdir()
    key = folder / "key.txt"
    key.write_text(archive.text("key", "export", "--password-file", folder / "password"))
    archive.run("backup", "full")
    archive.run("import", DATA / "maildir", talks=True)
    archive.run("timestamp", "run")  # its evidence, and the lines of the log that it binds, are newer than the backup
    archive.json("backup", "mirror", "--to", folder / "mirror")
    before = archive.json("timestamp", "verify", "--all")[-1]
    restored = Archive(folder / "restored")
    restored.run("restore", "--key-backup", key, "--key-password-file", folder / "password", "--from", folder / "mirror", talks=True)
    after = restored.json("timestamp", "verify", "--all")[-1]
    assert after["findings"] == 0 and after["mails"] == before["mails"] > MAILS and after["timestamps"] == 2
    restored.run("import", DATA / "mbox", talks=True)
    restored.run("timestamp", "set", "--url", authority.url, "--ca", authority.ca_file)
    restored.run("timestamp", "run")
    alter(restored, "UPDATE audit SET detail = 'other' WHERE what = 'archive restored'")
    assert "audit log" in findings(restored)
    assert pathlib.Path(restored.path).exists()


def test_at_a_day_after_the_certificates_end_nothing_is_proved(archive):
    told = subprocess.run(archive.command("timestamp", "verify", ids(archive)[0], "--at", "2050"), env=ENV, capture_output=True,
                          timeout=TIMEOUT_S, check=False, text=True)
    assert told.returncode == FAILED and "ended" in told.stdout
    archive.run("timestamp", "verify", ids(archive)[0], "--at", "2027")
    archive.run("timestamp", "verify", ids(archive)[0], "--at", "never", status=USAGE)
