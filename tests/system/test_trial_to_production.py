# SPDX-License-Identifier: GPL-3.0-or-later
"""From trial to production: an archive that was tried on the local disk goes on on a share.

The guide tells it so: back up the catalog, mirror the archive to a share, see that both arrived, have the key
on paper; remove the program with its data, install it again, import the key, and use the share from then on.
"""
import shutil

import pytest
import samba
from sealpost import DATA, Archive, mail, sha256
from shares import medium, packs_on, ship
from test_disaster import answers, copy_for_dora

FOLDER = "archive/mirror"


@pytest.fixture(name="server")
def _server(folder):
    with samba.running(folder) as server:
        yield server


@pytest.fixture(name="trial")
def _trial(archive, folder, password):
    """Some weeks of a trial: mail, notes, tags, a mailbox that is fetched; an older backup of the catalog, too."""
    archive.take(DATA / "mail")
    archive.run("backup", "full")
    archive.take(DATA / "maildir")
    (folder / "second").mkdir()
    (folder / "second" / "copy.eml").write_bytes(copy_for_dora())
    archive.take(folder / "second")
    for n, found in enumerate(archive.find("rechnung")):
        archive.run("note", found, "--tags", "Steuer 2024, Buchhaltung", "--text", f"geprüft, Nr. {n}")
    archive.run("fetch", "add", "office", "--imap", "localhost:993", "--user", "anna", "--password-file", password)
    return archive


def staged(archive):
    return list((archive.path / "staging").rglob("*.pack"))


def known(archive):
    """Everything that people see of it."""
    return (answers(archive), {i: archive.text("show", i) for i in archive.find("")}, archive.json("fetch", "list"),
            archive.text("key", "show"))


def must_have_arrived(server):
    """What the administrator looks for on the share, before he removes anything."""
    place = server.folder() / FOLDER / "medium-1"
    assert packs_on(place)
    assert list(place.glob("sealpost-*/catalog/*.set"))


def put_in_production(archive, server, folder, password):
    """A new machine: nothing but the program, the printed key, its password, and the share's log-in."""
    archive.run("restore", "--key-backup", folder / "key.txt", "--key-password-file", password,
                "--from", server.url(folder=FOLDER), *server.login())


def test_an_archive_moves_from_the_local_disk_to_a_share(trial, server, folder, password):
    late = folder / "late.eml"
    late.write_bytes(mail(subject="zuletzt", msgid="<late@example.org>"))
    trial.run("backup", "full")
    trial.take(late)  # after the backup, and before the mirror
    trial.run("backup", "mirror", "--to", server.url(folder=FOLDER), *server.login(), talks=True)
    must_have_arrived(server)
    (folder / "key.txt").write_text(trial.text("key", "export", "--password-file", password))
    before = known(trial)
    number = medium(trial, 1)
    assert number["type"] == "local"

    shutil.rmtree(trial.path)
    found = Archive(trial.path)
    put_in_production(found, server, folder, password)
    assert known(found) == before
    found.run("verify", "--all")
    place = medium(found, 1)
    assert (place["type"], place["active"]) == ("smb", True)
    assert place["location"] == server.url(folder=f"{FOLDER}/medium-1")
    assert place["packs"] == number["packs"]
    assert len(found.json("medium", "list")) == 1
    assert found.status()["key_backup"] is True

    fresh = folder / "fresh.eml"
    fresh.write_bytes(mail(subject="life goes on"))
    assert found.take(fresh)["archived"] == 1
    assert found.take(DATA / "mail")["archived"] == 0  # it knows what it has
    ship(found)
    assert not staged(found)
    assert found.raw(found.one("life")) == fresh.read_bytes()
    assert found.all_sums() == sorted([*before[0][3], sha256(fresh.read_bytes())])
    found.run("backup", "incremental")
    found.run("verify", "--all")
    found.run("restore", "--drill", "1000")
