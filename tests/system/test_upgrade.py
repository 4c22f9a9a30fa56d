# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of every format that was ever written, opened by today's program; and newer ones, which it refuses."""
import os
import re
import shutil
import subprocess

import pytest
from http_api import Api
from sealpost import BIN, DATA, ENV, FAILED, ROOT, Archive, files_below, sha256

KEPT = DATA / "archives"
FORMATS = sorted(int(path.name.split("-")[1]) for path in KEPT.glob("FORMAT-*") if path.is_dir())
NEWEST = int(max(path.stem for path in (ROOT / "app/catalog/schema").glob("*.sql")))
ALTER = ROOT / "build/opt/tests/system/alter"
ARCHIVER = BIN + "-archiver"
DELETED, ERASED, NOTED, HELD = "mahnung-1", "mahnung-2", "plain-crlf", "rechnung-agb"


def kept(number, folder):
    """A private copy of a kept archive, and its mails: sum and id by name."""
    shutil.copytree(KEPT / f"FORMAT-{number}", folder / "archive")
    (folder / "archive" / "archive.key").chmod(0o400)
    mails = {}
    for line in (KEPT / f"FORMAT-{number}.mails").read_text("ascii").splitlines():
        total, mail_id, name = line.split()
        mails[name] = total, mail_id
    return Archive(folder / "archive"), mails


@pytest.fixture
def oldest(folder):
    return kept(FORMATS[0], folder)[0]


def password_of(archive, folder, name):
    """A password for a person."""
    (folder / "password").write_text("correct horse battery\n")
    archive.run("user", "password", name, "--password-file", folder / "password")
    return "correct horse battery"


def must_have_all(archive, mails):
    """Every mail byte for byte, found by its words and notes, and nothing of those that went."""
    there = {name: mail for name, mail in mails.items() if name not in (DELETED, ERASED)}
    for total, mail_id in there.values():
        assert sha256(archive.raw(mail_id)) == total
    for name in (DELETED, ERASED):
        archive.run("show", mails[name][1], "--raw", status=FAILED)
    assert archive.find("Thursday") == [mails[NOTED][1]] == archive.find("Zebrastreifen") == archive.find("tag:Steuer")
    assert set(archive.find("")) >= {mail_id for _, mail_id in there.values()}
    archive.run("verify", "--all")


def must_have_its_rows(archive, number, mails):
    """What that version kept besides mail."""
    archive.run("audit", "verify")
    if number >= 4:
        assert "office" in archive.text("fetch", "list")
    if number >= 6:
        archive.run("timestamp", "verify", "--all")
    if number >= 7:
        assert "anna.becker@example.org" in archive.text("user", "show", "anna")
        assert "sales@example.org" in archive.text("group", "list")
        assert "example.com" in archive.text("domain", "list")
        assert "Rechtsstreit" in archive.text("hold", "list")
        archive.run("delete", mails[HELD][1], status=FAILED, says="hold")


def lines_of_upgrades(archive):
    return re.findall("archive upgraded.*", archive.text("audit", "list"))


@pytest.mark.parametrize("number", FORMATS)
def test_an_archive_of_each_format_is_whole_in_todays_program(folder, number):
    archive, mails = kept(number, folder)
    must_have_all(archive, mails)
    must_have_its_rows(archive, number, mails)
    assert (archive.path / f"catalog.db.before-{NEWEST}").exists() == (number < NEWEST)
    assert len(lines_of_upgrades(archive)) == (number < NEWEST)
    # what waited in the spool is archived
    subprocess.run([ARCHIVER, "--archive", archive.path, "--once"], env=ENV, check=True, capture_output=True)
    assert archive.text("spool", "list") == "" and archive.count("") == len(mails) - 1
    # and it comes back from its packs alone
    archive.run("rebuild")
    must_have_all(archive, mails)
    must_have_its_rows(archive, number, mails)
    assert archive.count("") == len(mails) - 1


def test_there_is_a_kept_archive_of_the_newest_format():
    """When a format changes, an archive of it is added here: CONTRIBUTING.md tells how."""
    assert FORMATS[-1] == NEWEST and FORMATS[0] == 1


def test_check_tells_what_is_due_and_changes_nothing(oldest):
    before = files_below(oldest.path)
    assert oldest.json("upgrade", "--check")[0] == {"from": FORMATS[0], "to": NEWEST, "index_anew": True}
    assert f"from {FORMATS[0]} to {NEWEST}" in oldest.text("upgrade", "--check")
    assert files_below(oldest.path) == before


def test_an_upgrade_tells_its_steps_and_is_done_once(oldest):
    text = oldest.text("upgrade")
    assert f"Step {NEWEST} of {NEWEST}" in text and f"catalog.db.before-{NEWEST}" in text
    assert "nothing is to be done" in oldest.text("upgrade")
    assert len(lines_of_upgrades(oldest)) == 1


def test_programs_that_start_at_once_wait_for_the_one_that_upgrades(oldest):
    started = [subprocess.Popen(oldest.command("search", "--count", ""), env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for _ in range(8)]
    for process in started:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0 and not err, err
    assert len(lines_of_upgrades(oldest)) == 1
    oldest.run("verify", "--all")


def test_back_to_the_catalog_from_before_and_forward_again(folder):
    archive, mails = kept(FORMATS[0], folder)
    archive.run("upgrade")
    copy = archive.path / f"catalog.db.before-{NEWEST}"
    assert copy.stat().st_mode & 0o777 == 0o600
    shutil.copy(copy, archive.path / "catalog.db")
    assert archive.json("upgrade", "--check")[0]["from"] == FORMATS[0]
    must_have_all(archive, mails)


def test_the_copy_goes_with_mails_that_are_erased(oldest):
    oldest.run("upgrade")
    oldest.run("erase", "index")
    oldest.run("erase", "media")
    assert not list(oldest.path.glob("catalog.db.before-*"))


def test_a_copy_without_mails_to_erase_is_kept_as_long_as_backups_are(folder):
    archive, _ = kept(FORMATS[0], folder)
    archive.run("erase", "index")
    archive.run("erase", "media")  # the one that was deleted
    copy = archive.path / f"catalog.db.before-{NEWEST}"
    shutil.copy(archive.path / "catalog.db", copy)
    archive.run("erase", "media")
    assert copy.exists()
    os.utime(copy, (1, 1))
    archive.run("erase", "media")
    assert not copy.exists()


def test_while_an_index_is_made_anew_mail_comes_in_and_searches_say_that_they_lack_some(folder):
    archive, mails = kept(FORMATS[0], folder)
    (archive.path / "sealpost.conf").write_text("index_soon_mails = 3\n")
    says = "not every mail is found yet"
    assert archive.run("search", "--count", "", says=says).out == b"0\n"
    archive.run("import", DATA / "mail" / "plain-ascii.eml", talks=True)
    subprocess.run([ARCHIVER, "--archive", archive.path, "--once"], env=ENV, check=True, capture_output=True)
    assert archive.run("search", "--count", "", says=says).out == b"0\n"
    with Api(archive) as api, api.person("auditor", password_of(archive, folder, "auditor")) as auditor:
        assert auditor.get("/mails?q=").json["indexing"] is True
        archive.run("index", "update")
        assert "indexing" not in auditor.get("/mails?q=").json
    assert archive.count("") == len(mails)


# --- newer archives -------------------------------------------------------------------------------

VERBS = (("search", "word"), ("status",), ("verify", "--all"), ("erase", "media"), ("upgrade",), ("upgrade", "--check"), ("index", "update"),
         ("index", "rebuild"), ("rebuild",), ("backup", "full"), ("import", DATA / "mail" / "plain-ascii.eml"), ("user", "list"))


def must_be_refused(archive, says, verbs):
    before = files_below(archive.path)
    for verb in verbs:
        archive.run(*verb, status=FAILED, says=says)
        archive.run(*verb, status=FAILED, says="upgrade this program")
        assert archive.json(*verb, status=FAILED)[-1]["error"] == "version"
    after = files_below(archive.path)
    assert {name: after.get(name) for name in before} == before
    assert not [name for name in after.keys() - before.keys() if "lock" not in name]


def alter(archive, *args):
    subprocess.run([ALTER, archive.path, *args], check=True)


def test_a_newer_catalog_is_refused_and_left_as_it_is(filled):
    alter(filled, f"PRAGMA user_version={NEWEST + 1}")
    must_be_refused(filled, f"its schema has number {NEWEST + 1}", VERBS)
    done = subprocess.run([ARCHIVER, "--archive", filled.path, "--once"], env=ENV, capture_output=True, text=True, check=False)
    assert done.returncode == FAILED and "its schema has number" in done.stderr


def test_a_newer_index_is_refused_to_searches_and_made_anew_when_asked(filled):
    alter(filled, "--index", "PRAGMA user_version=99")
    must_be_refused(filled, "index database: its schema has number 99", [("search", "word"), ("index", "update")])
    filled.run("export", "--all", "--to", filled.path.parent / "out")
    filled.run("index", "rebuild")
    assert filled.count("") > 0


def test_a_newer_key_file_is_refused(filled):
    key = filled.path / "archive.key"
    key.chmod(0o600)
    key.write_bytes(key.read_bytes().replace(b"archive key v1", b"archive key v2"))
    key.chmod(0o400)
    must_be_refused(filled, "newer format than v1", VERBS)


def test_a_newer_medium_is_not_used(filled):
    label, = filled.path.glob("media/1/sealpost-*/medium.json")
    label.write_bytes(re.sub(rb'"format": ?1', b'"format": 2', label.read_bytes()))
    before = files_below(filled.path / "media")
    filled.run("import", DATA / "odd" / "nul.eml", status=FAILED, says="format 2")
    filled.run("backup", "full", status=FAILED, says="format 2")
    assert files_below(filled.path / "media") == before


def test_a_newer_pack_is_told_and_left_as_it_is(filled):
    mail_id = filled.find("")[0]
    pack, = filled.packs()
    data = bytearray(pack.read_bytes())
    data[8] = 2
    pack.write_bytes(data)
    filled.run("show", mail_id, "--raw", status=FAILED, says="format 2, this program knows 1")
    assert filled.json("show", mail_id, "--raw", status=FAILED)[-1]["error"] == "version"
    filled.run("verify", "--all", status=FAILED)
    filled.run("rebuild", status=FAILED, says="format 2")
    assert pack.read_bytes() == bytes(data)


def test_a_newer_entry_of_the_spool_waits_for_the_newer_program(folder):
    archive, mails = kept(FORMATS[-1], folder)
    entry, = (archive.path / "spool" / "ready").iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(whole.replace(b"SPSPOOL1", b"SPSPOOL2"))
    subprocess.run([ARCHIVER, "--archive", archive.path, "--once"], env=ENV, check=False, capture_output=True)
    stuck = archive.path / "spool" / "stuck" / entry.name
    assert stuck.read_bytes() == whole.replace(b"SPSPOOL1", b"SPSPOOL2")
    archive.run("spool", "show", entry.name, status=FAILED, says="format 2")
    stuck.write_bytes(whole)  # as the newer program would read it
    archive.run("spool", "retry", entry.name)
    subprocess.run([ARCHIVER, "--archive", archive.path, "--once"], env=ENV, check=True, capture_output=True)
    assert archive.count("") == len(mails) - 1
