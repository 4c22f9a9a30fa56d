# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive on a share of a file server, from the first mail to the day on which everything else is lost."""
import shutil

import pytest
import samba
from sealpost import CORPUS, DATA, FAILED, REFUSED, Archive, mail, mbox, sha256
from shares import ON_SHARE, letter, medium, packs_on, put_on_share, ship, staged_packs
from test_corpus import import_folder
from test_secrecy import marked_mail, readable, with_attachment

BOXES = ("03-german", "06-crypto", "07-torture")  # of the corpus, where there is one


@pytest.fixture(name="server")
def _server(folder):
    with samba.running(folder) as server:
        yield server


@pytest.fixture(name="shared")
def _shared(archive, server):
    """An archive whose mail all lies on the share."""
    put_on_share(archive, server, folder="mail/archive")
    return archive


@pytest.fixture(name="letters")
def _letters(folder):
    """Some packs full of mail, as files."""
    path = folder / "letters"
    path.mkdir()
    for n in range(40):
        (path / f"{n}.eml").write_bytes(letter(n, 100000))
    return path


def root(server):
    return server.folder() / "mail" / "archive"


def take_letters(archive, letters):
    """Each import makes packs of its own, so that there are some."""
    for tens in range(4):
        archive.take(*(letters / f"{n}.eml" for n in range(10 * tens, 10 * tens + 10)))


def must_be_away_from_staging(archive):
    """All of it: no writer is at work."""
    assert not staged_packs(archive)
    row = medium(archive)
    assert (row["waiting_packs"], row["waiting_bytes"]) == (0, 0)


def test_mail_on_a_share_is_read_searched_verified_erased_and_found_again(shared, server, folder, letters):
    sources = [DATA / "mail", DATA / "maildir", letters, *(p for name in BOXES if (p := CORPUS / name).is_dir())]
    for source in sources:
        import_folder(shared, source)
    ship(shared)
    must_be_away_from_staging(shared)
    sums = shared.all_sums()
    assert {sha256(f.read_bytes()) for f in letters.iterdir()} <= set(sums)
    assert len(packs_on(root(server))) >= 4
    assert medium(shared)["packs"] == len(packs_on(root(server)))
    one = shared.one("word17")
    assert shared.raw(one) == letter(17, 100000)
    shared.run("verify", "--all")
    shared.run("delete", one)
    shared.run("erase", "index", talks=True)
    shared.run("erase", "media", talks=True)
    ship(shared)
    must_be_away_from_staging(shared)
    sums.remove(sha256(letter(17, 100000)))
    assert shared.all_sums() == sums
    shared.run("verify", "--all")
    ship(shared)  # what was replaced may go now
    assert medium(shared)["packs"] == len(packs_on(root(server)))
    shared.run("rebuild", talks=True)
    assert shared.all_sums() == sums and shared.count("everyword") == 39
    shared.run("show", one, "--raw", status=FAILED, says="was erased")


def test_the_key_and_the_share_bring_everything_back(shared, server, folder, letters, password):
    take_letters(shared, letters)
    ship(shared)
    sums = shared.all_sums()
    (folder / "key.txt").write_text(shared.text("key", "export", "--password-file", password))
    shutil.rmtree(shared.path)
    found = Archive(shared.path)
    found.run("key", "import", folder / "key.txt", "--password-file", password)
    found.run("rebuild", "--medium", server.url(folder="mail/archive"), *server.login())
    assert found.all_sums() == sums
    found.run("verify", "--all")
    fresh = folder / "fresh.eml"
    fresh.write_bytes(mail(subject="life goes on"))
    assert found.take(fresh)["archived"] == 1
    ship(found)
    must_be_away_from_staging(found)
    assert found.raw(found.one("life")) == fresh.read_bytes()


def test_mail_that_was_not_shipped_yet_is_read_from_staging(shared, server, letters):
    with server.down():
        take_letters(shared, letters)
        assert len(staged_packs(shared)) >= 3 and not packs_on(root(server))
        row = medium(shared)
        assert row["waiting_packs"] == len(staged_packs(shared)) and row["waiting_bytes"] > 3 << 20
        for n in range(0, 40, 13):
            assert shared.raw(shared.one(f"word{n}")) == letter(n, 100000)
        shared.run("verify", "--all")
    ship(shared)
    must_be_away_from_staging(shared)
    shared.run("verify", "--all")


# --- the three states of a mail that cannot be had ---------------------------------------------------


@pytest.fixture(name="settled")
def _settled(shared, letters):
    take_letters(shared, letters)
    ship(shared)
    return shared


def first_pack(server):
    return packs_on(root(server))[min(packs_on(root(server)))]


def must_name_it(archive, state, why, verified):
    """Every command that would need the first mail tells the state it is in, and why, and never calls it missing; the
    others are given out as ever. VERIFIED: how `verify` ends."""
    told = [archive.run("show", archive.one("word0"), "--raw", status=FAILED).err]
    assert state in told[0]
    told.append(archive.run("export", "--all", "--to", archive.path.parent / "out", status=REFUSED).err)
    told.append("".join(map(str, archive.run("verify", "--all", status=verified, talks=True))))
    for text in told:
        assert why in text and "no mail" not in text and "not found" not in text, text


def test_offline(settled, server):
    with server.down():
        must_name_it(settled, "does not answer", "cannot be reached", REFUSED)
    assert settled.raw(settled.one("word0")) == letter(0, 100000)


def test_damaged(settled, server):
    pack = first_pack(server)
    data = bytearray(pack.read_bytes())
    for at in range(4096, len(data), 4096):
        data[at] ^= 1
    pack.write_bytes(data)
    must_name_it(settled, "damaged", "pack 1", FAILED)
    assert settled.raw(settled.one("word39")) == letter(39, 100000)


def test_missing_on_a_medium_that_answers_is_damaged_too(settled, server):
    first_pack(server).unlink()
    must_name_it(settled, "damaged", "pack 1", FAILED)
    assert settled.raw(settled.one("word39")) == letter(39, 100000)


def test_erased(settled):
    one = settled.one("word0")
    settled.run("delete", one)
    settled.run("erase", "index", talks=True)
    settled.run("erase", "media", talks=True)
    settled.run("show", one, "--raw", status=FAILED, says="was erased")


# --- secrets -----------------------------------------------------------------------------------------


def test_nothing_readable_lies_in_staging_or_on_the_share(shared, server, folder):
    box = folder / "Quellenname"
    box.mkdir()
    (box / "a.eml").write_bytes(with_attachment())
    (box / "b.mbox").write_bytes(mbox([marked_mail(i) for i in range(500)]))
    secret = server.password.lower().encode()
    told = ""
    with server.down():
        told += shared.run("--verbose", "import", box, talks=True).err
        assert staged_packs(shared)
        assert not readable(shared.path)
    told += ship(shared)
    assert packs_on(root(server))
    assert not readable(shared.path) and not readable(server.folder())
    for path in shared.path.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes().lower(), path
    assert server.password not in told and "nachtfalter" not in told.lower()
