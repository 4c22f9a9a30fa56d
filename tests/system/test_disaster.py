# SPDX-License-Identifier: GPL-3.0-or-later
"""The server is lost; a medium and a printed key are left."""
import re
import shutil

import pytest
from sealpost import DATA, FAILED, Archive, files_below, mail

NUMBERED = re.compile(r"^\d+: .*$", re.MULTILINE)


def numbered_lines(page):
    return "\n".join(NUMBERED.findall(page)) + "\n"


@pytest.fixture
def medium(folder):
    return folder / "medium"


@pytest.fixture
def lost(folder, medium, password):
    """An archive with a medium of its own, and its key on paper."""
    archive = Archive(folder / "lost").init("--medium", medium)
    second = folder / "second"
    second.mkdir()
    (second / "copy.eml").write_bytes(copy_for_dora())
    archive.take(DATA / "mail", DATA / "maildir")
    archive.take(second)
    page = archive.text("key", "export", "--password-file", password)
    (folder / "key.txt").write_text(numbered_lines(page))
    return archive


def copy_for_dora():
    raw = (DATA / "mail" / "mahnung-1.eml").read_bytes()
    return raw.replace(b"To: Carl", b"Bcc: dora.secret@example.com\nTo: Carl")


def answers(archive):
    """What the archive knows, but for when and how large its own files are."""
    queries = ("", "rechnung", "to:carl", "cc:team@example.org", "bcc:dora.secret", "is:flagged",
               "is:spam", "has:attachment", "bcc:dora.secret@example.com", "source:second", "source:mail", "fällig", "file:pdf")
    known = {query: archive.find(query) for query in queries}
    shown = {i: archive.text("show", i) for i in known["rechnung"] + known["is:flagged"]}
    status = {name: archive.status()[name] for name in ("mails", "bytes", "parts", "part_uses")}
    return known, shown, status, archive.all_sums()


def test_the_printed_key_and_the_medium_bring_everything_back(lost, medium, folder, password):
    before = answers(lost)
    assert before[0]["bcc:dora.secret"] and len(before[0]["is:flagged"]) == 2
    shutil.rmtree(lost.path)
    found = Archive(folder / "new")
    found.run("key", "import", folder / "key.txt", "--password-file", password)
    found.run("rebuild", "--medium", medium)
    assert answers(found) == before
    found.run("verify", "--all")
    assert found.status()["key_backup"] is True
    fresh = folder / "fresh.eml"
    fresh.write_bytes(mail(subject="life goes on"))
    assert found.take(fresh)["archived"] == 1


def test_a_lost_catalog_is_made_anew_in_place(lost):
    before = answers(lost)
    lost.run("rebuild")
    assert answers(lost) == before
    (lost.path / "index.db").unlink()
    lost.run("index", "rebuild")
    assert answers(lost) == before


def typed_by_hand(lines):
    lines = lines.lower().replace("0", "o").replace("1", "l")
    lines = re.sub(r"^([ol\d]+):", lambda m: m.group(1).replace("o", "0").replace("l", "1") + ":",
                   lines, flags=re.MULTILINE)
    return "  " + lines.replace(" ", "   ")


def test_a_key_typed_with_the_usual_confusions_is_taken(lost, folder, password):
    typed = typed_by_hand((folder / "key.txt").read_text())
    found = Archive(folder / "new")
    found.run("key", "import", "--password-file", password, stdin=typed.encode())
    assert (found.path / "archive.key").read_bytes() == (lost.path / "archive.key").read_bytes()


def test_a_wrong_password_makes_nothing(lost, folder):
    wrong = folder / "wrong"
    wrong.write_text("wrong horse\n")
    found = Archive(folder / "new")
    found.run("key", "import", folder / "key.txt", "--password-file", wrong, status=FAILED,
              says="This key or password does not open it. Nothing was changed.")
    assert not found.path.exists()
    assert lost.path.exists()


def test_a_mistyped_line_is_named_and_makes_nothing(lost, folder, password):
    lines = (folder / "key.txt").read_text().splitlines()
    line = lines[2]
    lines[2] = line[:-1] + ("A" if line[-1] != "A" else "B")
    found = Archive(folder / "new")
    found.run("key", "import", "--password-file", password, status=FAILED, says="line 3",
              stdin="\n".join(lines).encode())
    assert not found.path.exists()
    assert lost.path.exists()


def test_another_archives_key_is_not_overwritten(lost, folder, password):
    other = Archive(folder / "other").init()
    before = files_below(other.path)
    other.run("key", "import", folder / "key.txt", "--password-file", password, status=FAILED)
    assert files_below(other.path) == before
    assert lost.path.exists()


def test_an_archive_does_not_open_without_its_key(lost):
    (lost.path / "archive.key").unlink()
    lost.run("search", "rechnung", status=FAILED, says="holds no archive key")


def test_another_archives_medium_is_refused_in_words(lost, medium, folder):
    other = Archive(folder / "other").init()
    assert lost.path.exists()
    other.take(DATA / "mail")
    other.run("rebuild", "--medium", medium, status=FAILED)
    assert other.count("") == 49
