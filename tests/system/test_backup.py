# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of the catalog, as the administrator makes and lists them."""
import re

import pytest

from sealpost import FAILED, REFUSED, USAGE, Archive, mail


@pytest.fixture(name="archive")
def _archive(tmp_path):
    archive = Archive(tmp_path / "archive").init()
    source = tmp_path / "mail"
    source.mkdir()
    for i in range(40):
        (source / f"{i}.eml").write_bytes(mail(subject=f"number {i}", msgid=f"<{i}@example.org>"))
    archive.take(source)
    return archive


def note(archive, text):
    archive.run("note", archive.find("number")[0], "--tags", text)


def sets_on_disk(archive):
    return sorted(archive.path.glob("media/1/sealpost-*/catalog/*"))


def test_full_then_incremental_and_both_are_listed(archive):
    full, = archive.json("backup", "full")
    note(archive, "one")
    more, = archive.json("backup", "incremental")
    assert (full["kind"], more["kind"]) == ("full", "incremental")
    assert full["mails"] == more["mails"] == 40
    assert more["bytes"] < full["bytes"] / 4
    assert not full["waits"] and not more["instead"]
    assert [path.name for path in sets_on_disk(archive)] == [
        each["name"].split("/")[1] for each in (full, more)]
    listed = archive.json("backup", "list", "--check")
    assert [each["id"] for each in listed] == [full["id"], more["id"]]
    assert all(each["usable"] and each["medium"] == 1 for each in listed)


def test_the_first_incremental_is_a_full_one_and_says_why(archive):
    text = archive.text("backup", "incremental")
    assert "A full backup was made instead of an incremental one: there is no earlier backup" in text
    assert re.search(r"The catalog of 40 mails is backed up: full, .* medium 1, catalog/", text)


def test_a_broken_chain_is_told_and_the_next_backup_is_a_full_one(archive):
    for turn in range(3):
        note(archive, f"turn {turn}")
        archive.run("backup", "incremental")
    sets_on_disk(archive)[1].unlink()
    text = archive.text("backup", "list", status=REFUSED)
    assert "cannot be restored: the backup" in text and "is missing" in text
    report, = archive.json("backup", "incremental")
    assert report["kind"] == "full" and "cannot be had" in report["instead"]
    usable = [each["usable"] for each in archive.json("backup", "list", status=REFUSED)]
    assert usable == [True, False, True]


def test_a_changed_byte_is_found_by_the_check(archive):
    archive.run("backup", "full")
    archive.run("backup", "incremental")
    path = sets_on_disk(archive)[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert all(each["usable"] for each in archive.json("backup", "list"))
    listed = archive.json("backup", "list", "--check", status=REFUSED)
    assert [each["usable"] for each in listed] == [False, False]
    assert all("damaged" in each["why"] for each in listed)


def test_without_its_medium_nothing_is_backed_up_and_that_is_said(archive):
    archive.run("backup", "full")
    medium = archive.path / "media/1"
    medium.rename(archive.path / "elsewhere")
    archive.run("backup", "incremental", status=FAILED, says="No mail is lost")
    assert "cannot be listed" in archive.text("backup", "list", status=REFUSED)
    (archive.path / "elsewhere").rename(medium)
    report, = archive.json("backup", "incremental")
    assert report["kind"] == "incremental"


def test_old_backups_go_as_the_settings_say(archive):
    (archive.path / "sealpost.conf").write_text("backup_keep_days = 0\n")
    archive.run("backup", "full", status=FAILED, says="backup_keep_days")
    (archive.path / "sealpost.conf").write_text("backup_keep_days = 3\nbackup_keep_weeks = 0\n")
    archive.run("backup", "full")
    assert "backup_keep_weeks" in archive.text("settings")


def test_wrong_words_are_told(archive):
    archive.run("backup", status=USAGE, says="say backup full, incremental, list or mirror")
    archive.run("backup", "everything", status=USAGE, says="usage: sealpost backup")
    archive.run("backup", "full", "--check", status=USAGE, says="--check goes with backup list")
