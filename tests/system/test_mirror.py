# SPDX-License-Identifier: GPL-3.0-or-later
"""The mirror of all media: what travels, what is checked, what is mended, and that an archive comes back from it."""
import shutil
import signal
import subprocess

import pytest
import samba
from sealpost import DATA, DONE, ENV, FAILED, REFUSED, USAGE, Archive, mbox, sha256
from shares import letter, packs_on, put_on_share, ship


@pytest.fixture(name="server")
def _server(folder):
    with samba.running(folder, small_mb=4) as server:
        yield server


@pytest.fixture(name="mirrored")
def _mirrored(filled, folder):
    """An archive with a mirror that is up to date, at folder/mirror."""
    filled.run("backup", "full")
    filled.run("backup", "mirror", "--to", folder / "mirror")
    return filled


def mirror(archive, *args, status=DONE):
    return archive.json("backup", "mirror", *args, status=status, talks=True)[-1]


def flip(path, at=3000):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def files(place):
    return {str(f.relative_to(place)).split("/", 2)[2]: f for f in place.rglob("*") if f.is_file()}


def letters(folder, first, count, size=20000):
    path = folder / f"letters-{first}.mbox"
    path.write_bytes(mbox([letter(n, size).replace(b"\r\n", b"\n") for n in range(first, first + count)]))
    return path


def test_the_mirror_has_every_file_of_the_medium_bit_for_bit(mirrored, folder):
    own, there = mirrored.path / "media", folder / "mirror"
    mine = {f.relative_to(own).parts[1:]: sha256(f.read_bytes())
            for f in own.rglob("*") if f.is_file() and f.name != "medium.json"}
    its = {f.relative_to(there).parts[1:]: sha256(f.read_bytes())
           for f in there.rglob("*") if f.is_file() and f.name != "medium.json"}
    assert mine == its and len(its) == 2


def test_only_what_is_missing_travels(mirrored, folder):
    again = mirror(mirrored)
    assert (again["files"], again["bytes"], again["total_files"]) == (0, 0, 2)
    mirrored.take(letters(folder, 0, 20))
    more = mirror(mirrored)
    assert more["files"] == 1 and more["total_files"] == 3
    assert more["bytes"] == sum(mirrored.packs().values()) - sorted(mirrored.packs().values())[0] or more["bytes"] > 0


def test_a_mirror_is_used_in_the_mediums_stead(mirrored, folder):
    sums = mirrored.all_sums()
    shutil.rmtree(mirrored.path / "media")
    mirrored.run("medium", "set", 1, "--location", folder / "mirror" / "medium-1")
    assert mirrored.all_sums() == sums
    mirrored.run("verify", "--all")


def test_an_archive_is_rebuilt_from_its_mirror_alone(mirrored, folder):
    sums = mirrored.all_sums()
    fresh = Archive(folder / "fresh")
    fresh.path.mkdir(mode=0o700)
    shutil.copy2(mirrored.path / "archive.key", fresh.path / "archive.key")
    shutil.rmtree(mirrored.path)
    fresh.run("rebuild", "--medium", folder / "mirror", talks=True)
    assert fresh.all_sums() == sums
    fresh.run("verify", "--all")


def test_damage_in_the_mirror_is_found_when_it_is_read_again_and_repaired(mirrored, folder):
    (pack,) = (folder / "mirror").rglob("*.pack")
    whole = pack.read_bytes()
    flip(pack)
    report = scrubbed(mirrored)
    assert (report["damaged"], report["repaired"]) == (1, 1)
    assert pack.read_bytes() == whole
    pack.unlink()
    report = mirror(mirrored)
    assert (report["damaged"], report["repaired"]) == (1, 1)
    assert pack.read_bytes() == whole


def scrubbed(archive):
    """All that did not arrive in this very second is read."""
    while True:
        report = mirror(archive, "--scrub-all")
        if report["checked"] == report["total_files"]:
            return report


def test_a_damaged_medium_is_mended_from_the_mirror(mirrored):
    sums = mirrored.all_sums()
    (pack,) = mirrored.packs()
    flip(pack)
    mirrored.run("verify", "--all", status=FAILED)
    text = mirrored.text("verify", "--all", "--repair-from", "mirror")
    assert "mended from the mirror" in text and "everything is as it was captured" in text
    assert mirrored.all_sums() == sums
    pack.unlink()
    mirrored.run("verify", "--all", "--repair-from", "mirror")
    assert mirrored.all_sums() == sums


def test_what_is_damaged_on_both_sides_is_not_mended_and_says_so(mirrored, folder):
    (pack,) = mirrored.packs()
    (copy,) = (folder / "mirror").rglob("*.pack")
    flip(pack)
    flip(copy, 3500)
    text = mirrored.text("verify", "--all", "--repair-from", "mirror", status=FAILED)
    assert "not mended: the mirror" in text
    mirrored.run("verify", "--all", "--repair-from", "nowhere", status=USAGE)


def test_a_damaged_pack_never_gets_into_the_mirror_nor_replaces_a_good_one(filled, folder):
    (pack,) = filled.packs()
    whole = pack.read_bytes()
    flip(pack)
    report = mirror(filled, "--to", folder / "mirror", status=REFUSED)
    assert (report["files"], report["missing"]) == (0, 1)
    pack.write_bytes(whole)
    assert mirror(filled)["files"] == 1
    flip(pack)
    mirror(filled)
    (copy,) = (folder / "mirror").rglob("*.pack")
    assert copy.read_bytes() == whole


def test_an_erased_mail_leaves_the_mirror_too(mirrored, folder):
    (old,) = (folder / "mirror").rglob("*.pack")
    mail_id = mirrored.find("after:1990")[0]
    mirrored.run("delete", mail_id)
    mirrored.run("erase", "index")
    mirrored.run("erase", "media")
    report = mirror(mirrored)
    assert report["removed"] == 1 and not old.exists()
    (new,) = (folder / "mirror").rglob("*.pack")
    assert new.name == "00000002.pack"


def test_what_a_medium_does_not_give_stays_in_the_mirror(mirrored, folder):
    shutil.move(mirrored.path / "media", folder / "away")
    mirrored_before = files(folder / "mirror").keys()
    report = mirror(mirrored, status=REFUSED)
    assert (report["media_away"], report["missing"]) == (1, 0)
    assert files(folder / "mirror").keys() == mirrored_before
    shutil.move(folder / "away", mirrored.path / "media")
    assert mirror(mirrored)["media_away"] == 0


def test_a_mirror_whose_disk_is_not_mounted_is_not_begun_anew(mirrored, folder):
    shutil.move(folder / "mirror", folder / "unmounted")
    (folder / "mirror").mkdir()
    err = mirrored.run("backup", "mirror", status=FAILED).err
    assert "mount it" in err and "begins anew" in err
    assert not list((folder / "mirror").iterdir())
    assert mirror(mirrored, "--to", folder / "mirror")["files"] == 2
    shutil.rmtree(folder / "mirror")
    shutil.move(folder / "unmounted", folder / "mirror")
    again = mirror(mirrored)
    assert (again["files"], again["damaged"]) == (0, 0)


def test_a_mirror_that_became_the_medium_is_not_its_own_mirror(mirrored, folder):
    shutil.rmtree(mirrored.path / "media")
    mirrored.run("medium", "set", 1, "--location", folder / "mirror" / "medium-1")
    sums = mirrored.all_sums()
    (pack,) = (folder / "mirror").rglob("*.pack")
    flip(pack)
    err = mirrored.run("backup", "mirror", "--scrub-all", status=FAILED).err
    assert "its own mirror" in err
    flip(pack)
    assert mirrored.all_sums() == sums
    assert not list((folder / "mirror").rglob("*.part"))
    (folder / "alias").symlink_to(folder / "mirror")
    err = mirrored.run("backup", "mirror", "--to", folder / "alias", status=FAILED).err
    assert "its own mirror" in err


def test_an_interrupted_mirror_is_gone_on_with(filled, folder):
    filled.take(letters(folder, 0, 150))
    (filled.path / "sealpost.conf").write_text("mirror_rate = 200k\n")
    with subprocess.Popen(filled.command("backup", "mirror", "--to", folder / "mirror"), env=ENV,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not list((folder / "mirror").rglob("*.pack")):
            assert process.poll() is None, process.stderr.read()
        process.send_signal(signal.SIGINT)
        out = process.communicate()
        assert process.returncode == FAILED and b"the next run goes" in out[1], out
    (filled.path / "sealpost.conf").unlink()
    report = mirror(filled)
    assert report["total_files"] == 2
    sums = filled.all_sums()
    shutil.rmtree(filled.path / "media")
    filled.run("medium", "set", 1, "--location", folder / "mirror" / "medium-1")
    assert filled.all_sums() == sums


def test_hours_are_kept_to_unless_a_person_says_now(mirrored):
    hour = int(subprocess.run(["date", "+%H"], env=ENV, capture_output=True, check=True).stdout)
    (mirrored.path / "sealpost.conf").write_text(
        f"mirror_from_hour = {(hour + 2) % 24}\nmirror_until_hour = {(hour + 4) % 24}\n")
    assert mirror(mirrored)["not_now"] is True
    assert mirror(mirrored, "--now")["not_now"] is False


def test_a_place_for_the_mirror_is_tested_first(filled, server, folder):
    refuse = {server.url("none"): "no share", server.url("closed"): "no access",
              server.url("locked"): "Permission denied"}
    for url, words in refuse.items():
        err = filled.run("backup", "mirror", "--to", url, *server.login(), status=FAILED).err
        assert words in err and "nothing was copied" in err
    err = filled.run("backup", "mirror", status=FAILED).err
    assert "no mirror is set up" in err
    filled.run("medium", "add", folder / "two")
    err = filled.run("backup", "mirror", "--to", folder / "two", status=FAILED).err
    assert "is medium 2 itself" in err
    filled.run("backup", "mirror", "--to", folder / "mirror")
    filled.run("backup", "mirror", "--forget")
    filled.run("backup", "mirror", status=FAILED)


def test_a_full_mirror_says_so_and_goes_on_when_there_is_room(filled, server, folder):
    filled.take(letters(folder, 0, 150, 60000))
    err = filled.run("backup", "mirror", "--to", server.url("small"), *server.login(), status=FAILED).err
    assert "the disk there is full" in err and "the next run goes on" in err
    server.resize(64)
    assert mirror(filled)["missing"] == 0


def test_a_mirror_that_is_away_says_so_and_is_gone_on_with(filled, server, folder):
    filled.run("backup", "mirror", "--to", server.url(), *server.login())
    filled.take(letters(folder, 0, 20))
    with server.down():
        err = filled.run("backup", "mirror", status=FAILED).err
        assert "cannot be reached" in err
    assert mirror(filled)["files"] == 1


def test_a_share_is_mended_through_staging(archive, server, folder):
    put_on_share(archive, server)
    archive.take(DATA / "mail", letters(folder, 0, 30))
    ship(archive)
    archive.run("backup", "mirror", "--to", folder / "mirror")
    sums = archive.all_sums()
    for pack in packs_on(server.folder()).values():
        flip(pack)
    archive.run("verify", "--all", status=FAILED)
    archive.run("verify", "--all", "--repair-from", "mirror")
    assert archive.all_sums() == sums
    ship(archive)
    own = {name: sha256(f.read_bytes()) for name, f in packs_on(server.folder()).items()}
    its = {name: sha256(f.read_bytes()) for name, f in packs_on(folder / "mirror" / "medium-2").items()}
    assert own == its
    archive.run("verify", "--all")


def test_what_the_share_has_not_got_yet_is_mirrored_too(archive, server, folder):
    put_on_share(archive, server)
    archive.take(DATA / "mail")
    ship(archive)
    with server.down():
        archive.run("import", letters(folder, 0, 10), talks=True)
        report = mirror(archive, "--to", folder / "mirror", status=REFUSED)
        assert report["missing"] == 1  # of the share's own, which is away
    assert len(list((folder / "mirror" / "medium-2").rglob("*.pack"))) == 1
    ship(archive)
    assert mirror(archive)["missing"] == 0


def test_a_mirror_made_while_archiving_goes_on_can_be_restored(fast, folder):
    with subprocess.Popen(fast.command("import", letters(folder, 0, 3000, 4000)), env=ENV,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        fast.run("backup", "full", talks=True)
        fast.run("backup", "mirror", "--to", folder / "mirror", talks=True)
        while process.poll() is None:
            fast.run("backup", "mirror", talks=True)
    fresh = Archive(folder / "fresh", fast.binary)
    fresh.path.mkdir(mode=0o700)
    shutil.copy2(fast.path / "archive.key", fresh.path / "archive.key")
    fast.run("backup", "mirror", talks=True)
    sums = fast.all_sums()
    shutil.rmtree(fast.path)
    fresh.run("rebuild", "--medium", folder / "mirror", talks=True)
    assert fresh.all_sums() == sums and len(sums) == 3000
    fresh.run("verify", "--all")
