# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive brought back by the command line: from media, from shares, from mirrors; and the drills before."""
import itertools
import os
import random
import shutil
import signal
import subprocess

import pytest
import samba
from postfix import wait_until
from sealpost import DATA, ENV, FAILED, REFUSED, TIMEOUT_S, USAGE, Archive, files_below, mail
from shares import letter, medium, packs_on, ship, staged_packs
from serve import Service, send


@pytest.fixture(name="server")
def _server(folder):
    with samba.running(folder) as server:
        yield server


@pytest.fixture(name="local")
def _local(folder, password):
    """An archive with a medium of its own on the local disk, a backup of its catalog, and its key on paper."""
    archive = Archive(folder / "archive").init("--medium", folder / "medium")
    (archive.path / "sealpost.conf").write_text("pack_bytes = 1M\n")
    archive.take(DATA / "mail")
    archive.run("backup", "full")
    print_key(archive, folder, password)
    return archive


@pytest.fixture(name="letters")
def _letters(folder):
    path = folder / "letters"
    path.mkdir()
    for n in range(40):
        (path / f"{n}.eml").write_bytes(letter(n, 100000))
    return path


def print_key(archive, folder, password):
    (folder / "key.txt").write_text(archive.text("key", "export", "--password-file", password))


def key_options(folder, password):
    return ["--key-backup", folder / "key.txt", "--key-password-file", password]


@pytest.fixture(name="key")
def _key(folder, password):
    return key_options(folder, password)


def tree(path):
    """Every file with its bytes and time, and every folder."""
    return files_below(path), {str(f): f.stat().st_mtime_ns for f in path.rglob("*")}


def restore(archive, *args, status=0):
    return archive.json("restore", *args, status=status, talks=True)[0]


# --- what is told and refused ------------------------------------------------------------------------


def test_a_restore_says_what_it_used_and_how_to_go_on(local, folder, key):
    later = folder / "later.eml"
    later.write_bytes(mail(subject="later"))
    local.take(later)
    sums = local.all_sums()
    shutil.rmtree(local.path)
    told = local.text("restore", *key, "--from", folder / "medium")
    assert "The backup of the database of " in told and "1 mail archived after it was taken in" in told
    assert f"The archive {local.path} holds 50 mails from 1 medium and goes on there." in told
    assert local.all_sums() == sums
    local.run("verify", "--all")


def test_what_is_in_use_is_never_restored_over(local, folder, key):
    before = files_below(local.path)
    local.run("restore", *key, "--from", folder / "medium", status=FAILED, says="holds an archive already")
    assert files_below(local.path) == before


def test_a_wrong_password_of_the_key_leaves_nothing(local, folder):
    wrong = folder / "wrong"
    wrong.write_text("wrong horse\n")
    before = tree(folder / "medium")
    new = Archive(folder / "new")
    new.run("restore", *key_options(folder, wrong), "--from", folder / "medium", status=FAILED,
            says="This key or password does not open it. Nothing was changed.")
    assert not new.path.exists() and tree(folder / "medium") == before
    assert local.path.exists()


def test_another_archives_key_is_told_and_leaves_nothing(local, folder, password, key):
    other = Archive(folder / "other").init()
    print_key(other, folder, password)
    before = tree(folder / "medium")
    new = Archive(folder / "new")
    new.run("restore", *key, "--from", folder / "medium", status=FAILED, says="holds another archive's media")
    assert not new.path.exists() and tree(folder / "medium") == before
    assert local.path.exists()


def test_what_is_missing_in_the_call_is_told(local, folder, key):
    local.run("restore", *key, status=USAGE, says="give --key-backup and --from")
    local.run("restore", "--from", folder, status=USAGE, says="give --key-backup and --from")
    local.run("restore", "--drill", "many", status=USAGE, says="the number of mails")
    local.run("restore", *key, "--from", "smb://anna:secret@host/share", status=FAILED, says="--password-file")


# --- what could not be had ---------------------------------------------------------------------------


def test_a_damaged_backup_is_passed_over_and_that_is_said(local, folder, key):
    local.take(DATA / "maildir")
    local.run("backup", "incremental")
    newest = max((folder / "medium").glob("sealpost-*/catalog/*.set"))
    newest.write_bytes(newest.read_bytes()[:-1])
    sums = local.all_sums()
    shutil.rmtree(local.path)
    told = local.text("restore", *key, "--from", folder / "medium")
    assert "1 backup of the database could not be used" in told and newest.name in told
    assert local.all_sums() == sums
    local.run("verify", "--all")


def test_a_mirror_with_one_pack_missing_costs_that_packs_mails_alone(local, folder, key, letters):
    local.take(letters)
    local.run("backup", "full")
    local.run("backup", "mirror", "--to", folder / "mirror", talks=True)
    packs = packs_on(folder / "mirror" / "medium-1")
    ids = {n: local.one(f"word{n}") for n in range(40)}
    assert len(packs) >= 3
    lost = packs[sorted(packs)[2]]
    lost.unlink()
    shutil.rmtree(local.path)
    shutil.rmtree(folder / "medium")
    report = restore(local, *key, "--from", folder / "mirror", status=REFUSED)
    assert report["mails"] == 89 and 0 < report["mails_lost"] < 20
    assert len(report["lost"]) == 1 and f"{report['mails_lost']} mails cannot be read" in report["lost"][0]
    gone = 0
    for n, found in ids.items():
        shown = subprocess.run(local.command("show", found, "--raw"), env=ENV, capture_output=True, check=False)
        gone += shown.returncode
        assert shown.stdout == letter(n, 100000) if shown.returncode == 0 else b"damaged" in shown.stderr
    assert gone == report["mails_lost"]


def test_without_any_backup_the_mails_come_back_and_the_rest_is_named(local, folder, key):
    shutil.rmtree(next((folder / "medium").glob("sealpost-*")) / "catalog")
    sums = local.all_sums()
    shutil.rmtree(local.path)
    told = local.text("restore", *key, "--from", folder / "medium")
    assert "There is no usable backup of the database" in told and "notes" in told
    assert local.all_sums() == sums
    local.run("verify", "--all")


# --- shares ------------------------------------------------------------------------------------------


@pytest.fixture(name="shared")
def _shared(archive, server, folder, letters, password):
    """All of it is on a share."""
    (archive.path / "sealpost.conf").write_text("pack_bytes = 1M\n")
    archive.run("medium", "add", server.url(folder="a/b"), *server.login(), "--active")
    archive.take(letters)
    archive.run("backup", "full")
    print_key(archive, folder, password)
    ship(archive)
    return archive


def test_an_archive_comes_back_from_its_share(shared, server, folder, key):
    sums = shared.all_sums()
    shutil.rmtree(shared.path)
    report = restore(shared, *key, "--from", server.url(folder="a/b"), *server.login(), status=0)
    assert report["mails"] == 40 and report["lost"] == []
    assert shared.all_sums() == sums
    row = medium(shared)
    assert row["active"] and row["location"] == server.url(folder="a/b")
    fresh = folder / "fresh.eml"
    fresh.write_bytes(mail(subject="life goes on"))
    shared.take(fresh)
    ship(shared)
    assert not staged_packs(shared)
    shared.run("verify", "--all")


def test_a_wrong_log_in_and_a_wrong_share_are_told_apart_and_leave_nothing(shared, server, folder, key):
    wrong = folder / "wrong"
    wrong.write_text("wrong\n")
    before = tree(server.folder())
    new = Archive(folder / "new")
    url = server.url(folder="a/b")
    for where, login, says in ((url, wrong, "refuses the log-in"), (server.url("closed"), server.password_file, "closed"),
                               (server.url("nothing"), server.password_file, "share"),
                               (server.url(), server.password_file, "holds no medium of the archive")):
        new.run("restore", *key, "--from", where, "--user", server.user, "--password-file", login, status=FAILED,
                says=says)
        assert not new.path.exists()
    with server.down():
        new.run("restore", *key, "--from", url, *server.login(), status=FAILED, says="cannot be reached")
    assert not new.path.exists() and tree(server.folder()) == before
    assert shared.path.exists()


def test_a_pack_torn_on_the_share_is_made_whole_there(shared, server, folder, key):
    """The machine is lost with its staging folder, in the middle of a pack."""
    packs = packs_on(server.folder() / "a/b")
    torn = packs[max(packs)]
    os.truncate(torn, torn.stat().st_size - 5000)
    shutil.rmtree(next((server.folder() / "a/b").glob("sealpost-*")) / "catalog")
    shutil.rmtree(shared.path)
    report = restore(shared, *key, "--from", server.url(folder="a/b"), *server.login())
    assert 20 < report["mails"] < 40
    assert staged_packs(shared)
    ship(shared)
    assert not staged_packs(shared)
    shared.run("verify", "--all")
    drill = restore(shared, "--drill", "1000")
    assert drill["opened"] == report["mails"]


def test_what_is_in_staging_is_rebuilt_while_the_share_is_away(shared, server, folder):
    fresh = folder / "fresh.eml"
    with server.down():
        fresh.write_bytes(mail(subject="not yet there"))
        shared.take(fresh)
        shared.run("rebuild", says="is left out")
        assert shared.count("") == 1
        assert shared.raw(shared.one("yet")) == fresh.read_bytes()
        assert medium(shared)["waiting_packs"] == 1
    shared.run("rebuild")
    assert shared.count("everyword") == 40
    ship(shared)
    assert not staged_packs(shared)
    shared.run("verify", "--all")


def test_a_mirror_made_while_mail_came_in_has_all_that_was_there_when_it_began(archive, server, folder, password, key):
    (archive.path / "sealpost.conf").write_text("pack_bytes = 1M\n")
    print_key(archive, folder, password)
    with Service(archive) as service, service.client() as client:
        def write(numbers):
            for n in numbers:
                send(client, letter(n, 50000))
            wait_until(lambda: archive.count("everyword") == n + 1, service.said)
        write(range(40))
        mirror = subprocess.Popen(archive.command("backup", "mirror", "--to", server.url(folder="m"), *server.login()),
                                  env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        write(range(40, 50))
        archive.run("backup", "full")
        write(range(50, 60))
        told = mirror.communicate(timeout=TIMEOUT_S)
        assert mirror.returncode == 0, told
    shutil.rmtree(archive.path)
    report = restore(archive, *key, "--from", server.url(folder="m"), *server.login())
    assert report["mails"] >= 40 and report["mails_lost"] == 0
    for n in range(40):
        assert archive.raw(archive.one(f"word{n}")) == letter(n, 50000)
    archive.run("verify", "--all")


# --- interrupted -------------------------------------------------------------------------------------

STATES = ("archive.key", "catalog.new", "index.db", "spool.pub", "catalog.db")


@pytest.mark.parametrize("state", STATES)
def test_killed_at_any_point_it_is_begun_again(local, folder, key, letters, state):
    """And until it is complete, nobody takes it for an archive."""
    local.take(letters)
    sums = local.all_sums()
    before = tree(folder / "medium")
    shutil.rmtree(local.path)
    args = ["restore", *key, "--from", folder / "medium"]
    process = subprocess.Popen(local.command(*args), env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until((local.path / state).exists)
    process.kill()
    process.wait(TIMEOUT_S)
    if (local.path / "catalog.db").exists():
        local.run("restore", "--drill")
    else:
        local.run("search", "rechnung", status=FAILED)
        assert tree(folder / "medium") == before
        local.run(*args)
    assert local.all_sums() == sums
    local.run("verify", "--all")


# --- drills ------------------------------------------------------------------------------------------


def test_a_drill_of_an_archive_at_work_changes_and_leaves_nothing(local, folder, letters):
    """But a line in its catalog that there was one."""

    def state():
        files = {name: data for name, data in files_below(local.path).items() if not name.startswith("catalog.db")}
        return tree(folder / "medium"), files, sorted(local.path.iterdir())

    local.take(letters)
    before = state()
    told = local.text("restore", "--drill", "20")
    assert "20 of them opened and proved; nothing was changed or kept" in told
    report = restore(local, "--drill")
    assert (report["mails"], report["opened"], report["lost"]) == (89, 89, [])
    assert state() == before
    assert local.json("status", "--procedure")[0]["integrity"]["last_drill"]["mails"] == 89


def test_a_drill_leaves_incoming_mail_its_room(local, letters):
    local.take(letters)
    os.truncate(local.path / "index.db", 1 << 43)  # all of it holes
    told = local.run("restore", "--drill", status=FAILED).err
    assert "a drill makes a second catalog and index" in told and "must be free" in told
    assert local.json("status", "--procedure")[0]["integrity"]["last_drill"] == {"done_at": None}


def test_a_drill_of_the_mirror_needs_the_printed_key_alone(shared, server, folder, key):
    shared.run("backup", "mirror", "--to", server.url("share", "m"), *server.login(), talks=True)
    before = tree(server.folder())
    elsewhere = Archive(folder / "elsewhere")
    (folder / "tmp").mkdir()
    told = subprocess.run(elsewhere.command("--json", "restore", "--drill", *key, "--from", server.url("share", "m"),
                                            *server.login()),
                          env={**ENV, "TMPDIR": str(folder / "tmp")}, capture_output=True, timeout=TIMEOUT_S, check=True)
    assert b'"opened": 40' in told.stdout and b'"lost": []' in told.stdout
    assert tree(server.folder()) == before
    assert not elsewhere.path.exists() and not list((folder / "tmp").iterdir())


def test_a_drill_says_what_a_restore_would_lack(shared, server, folder):
    fresh = folder / "fresh.eml"
    fresh.write_bytes(mail(subject="in staging only"))
    with server.down():
        shared.take(fresh)
    shared.run("backup", "full")
    assert staged_packs(shared)
    report = restore(shared, "--drill", status=REFUSED)
    assert report["lost"] == ["1 of the archive's 41 mails are not there yet, or not any more"]
    assert shared.raw(shared.one("staging")) == fresh.read_bytes()


def ended_in_the_middle(archive, sign):
    """A drill, and a signal as soon as it has begun; was it still at work?"""
    process = subprocess.Popen(archive.command("restore", "--drill"), env=ENV, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    wait_until(lambda: list(archive.path.glob("drill-*/catalog.new")) or process.poll() is not None)
    process.send_signal(sign)
    return process.wait(TIMEOUT_S) != 0


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_drill_that_is_ended_leaves_nothing(local, folder, letters, sign):
    local.take(letters)
    before = tree(folder / "medium"), files_below(local.path)
    while not ended_in_the_middle(local, sign):
        pass  # it was done before the signal came
    wait_until(lambda: not list(local.path.glob("drill-*")))
    assert (tree(folder / "medium"), files_below(local.path)) == before
