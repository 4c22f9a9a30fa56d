# SPDX-License-Identifier: GPL-3.0-or-later
"""The share is away, full, frozen, or another one: mail is taken, found and read as ever, each trouble is told in its
own words, and all is well by itself once the share is back."""
import contextlib
import os
import random
import subprocess
import threading
import time

import pytest
import samba
from sealpost import DONE, ENV, FAILED, TIMEOUT_S, Archive, files_below
from shares import ON_SHARE, Office, medium, packs_on, staged_packs

OUTAGES = 10
AWAY = "does not answer"


@pytest.fixture(name="server")
def _server(folder):
    with samba.running(folder) as server:
        yield server


@contextlib.contextmanager
def a_day(archive, server, **more):
    """An office at work; in the evening its archive is found to be perfect."""
    with Office(archive, server, **more) as office:
        yield office
    archive.run("verify", "--all")
    assert len(archive.all_sums()) == len(office.sent)


def must_go_on(office, *words, can_be_read=False):
    """While the share cannot be used, for which these are the WORDS: mail is taken, found and read; only what is
    there alone has to wait, and is never called missing. What was sent meanwhile."""
    archive = office.archive
    fresh = office.fill(2 << 20)
    office.wait_archived()
    office.must_read(fresh[:3] + fresh[-3:])  # from staging
    office.wait_says(*words)
    row = medium(archive)
    assert row["waiting_packs"] > 0 and row["waiting_bytes"] > 1 << 20 and row["since"], row
    told = archive.run("medium", "check", ON_SHARE, status=FAILED)
    assert all(word in told.out.decode() + told.err for word in words), told
    status = archive.text("status")
    assert f"medium {ON_SHARE}" in status and all(word in status for word in words), status
    if can_be_read:
        office.must_read([0])
        return fresh
    said = archive.run("show", archive.one("word0"), "--raw", status=FAILED).err
    assert "medium smb:" in said and all(word in said for word in words), said
    assert "no mail" not in said and "not found" not in said, said
    return fresh


def must_recover(office, fresh):
    office.wait_shipped()
    office.wait(lambda: len(staged_packs(office.archive)) <= 1)
    office.must_read([0, *fresh[:3], *fresh[-3:]])
    assert "all is well" in office.archive.text("medium", "check", ON_SHARE)


def test_a_server_that_is_gone(archive, server):
    with a_day(archive, server) as office:
        office.fill_share()
        with server.down():
            fresh = must_go_on(office, "cannot be reached")
        must_recover(office, fresh)


def test_a_server_that_is_frozen(archive, server):
    with a_day(archive, server) as office:
        office.fill_share()
        with server.frozen():
            fresh = must_go_on(office, "has not answered")
        must_recover(office, fresh)


def test_a_password_that_was_changed(archive, server):
    with a_day(archive, server) as office:
        office.fill_share()
        with server.down():
            server.set_password("another one")
        fresh = must_go_on(office, "refuses the log-in")
        archive.run("medium", "set", ON_SHARE, "--password-file", server.password_file)
        must_recover(office, fresh)


def test_a_share_that_is_empty_all_of_a_sudden(archive, server, folder):
    empty = folder / "empty"
    empty.mkdir()
    with a_day(archive, server) as office:
        office.fill_share()
        with server.swapped(empty):
            fresh = must_go_on(office, "empty")
        assert not list(empty.iterdir())
        must_recover(office, fresh)


def test_a_share_that_is_another_archive_s_all_of_a_sudden(archive, server, folder):
    other = Archive(folder / "other").init("--medium", folder / "foreign")
    theirs, = (folder / "foreign").iterdir()
    with a_day(archive, server) as office:
        office.fill_share()
        ours, = server.folder().iterdir()
        theirs.rename(theirs.parent / ours.name)  # whoever made this mistake made all of it
        before = files_below(folder / "foreign")
        with server.swapped(folder / "foreign"):
            fresh = must_go_on(office, "not this archive's")
        assert files_below(folder / "foreign") == before
        must_recover(office, fresh)
    assert other.status()["mails"] == 0


def test_a_share_that_is_another_medium_s_all_of_a_sudden(archive, server, folder):
    with a_day(archive, server) as office:
        archive.run("medium", "add", server.url(folder="third"), *server.login())
        office.fill_share()
        (server.folder() / "third").rename(folder / "third")
        with server.swapped(folder / "third"):
            fresh = must_go_on(office, "is number 3")
        must_recover(office, fresh)


def test_a_disk_that_is_full(folder):
    with samba.running(folder, small_mb=8) as server:
        with a_day(Archive(folder / "archive").init(), server, share="small") as office:
            office.fill(6 << 20)
            office.wait_shipped()
            room = os.statvfs(server.folder("small"))
            (server.folder("small") / "filler").write_bytes(bytes((room.f_bavail - 16) * room.f_frsize))
            fresh = must_go_on(office, "full", can_be_read=True)
            server.resize(64)
            must_recover(office, fresh)


class Readers:
    """People who read mail all the time: SEEN counts the mails they got, MISSED those that were told to be away; WRONG
    is anything else they were given or told."""

    def __init__(self, office, numbers):
        self.office, self.ids = office, {n: office.archive.one(f"word{n}") for n in numbers}
        self.ended = threading.Event()
        self.seen, self.missed, self.wrong = 0, 0, []
        self.threads = [threading.Thread(target=self.work, args=(seed,)) for seed in range(2)]

    def work(self, seed):
        dice = random.Random(seed)
        while not self.ended.is_set():
            self.read(dice.choice(sorted(self.ids)))

    def read(self, n):
        done = subprocess.run(self.office.archive.command("show", self.ids[n], "--raw"), env=ENV,
                              capture_output=True, timeout=TIMEOUT_S, check=False)
        said = done.stderr.decode()
        if done.returncode == DONE and done.stdout == self.office.sent[n]:
            self.seen += 1
        elif done.returncode == FAILED and "medium smb:" in said and AWAY in said:
            self.missed += 1
        else:
            self.wrong.append((n, done.returncode, said))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def wear_out(office, server, outage):
    """Outages at any moment while packs are shipped and mail is read."""
    old = office.fill_share()
    dice = random.Random(4)
    with Readers(office, old) as readers:
        for _ in range(OUTAGES):
            office.fill(1 << 20)
            time.sleep(dice.uniform(0, 0.5))  # any moment
            with outage():
                seen = readers.seen + readers.missed
                office.wait(lambda: readers.seen + readers.missed > seen or readers.wrong)  # pylint: disable=cell-var-from-loop
        seen = readers.seen
        office.wait(lambda: readers.seen > seen + 2 or readers.wrong)
    assert not readers.wrong
    office.wait_shipped()
    office.wait(lambda: len(staged_packs(office.archive)) <= 1)
    packs = packs_on(server.folder())
    assert not [name for name in packs if not name.endswith(".pack")]


def test_a_server_that_is_killed_again_and_again_while_packs_travel_and_mail_is_read(archive, server):
    with a_day(archive, server) as office:
        wear_out(office, server, server.down)


def test_sessions_that_are_cut_off_again_and_again_while_packs_travel_and_mail_is_read(archive, server):
    @contextlib.contextmanager
    def cut_off():
        server.kill_sessions()
        yield

    with a_day(archive, server) as office:
        wear_out(office, server, cut_off)


def test_a_server_that_freezes_again_and_again_while_packs_travel_and_mail_is_read(archive, server):
    with a_day(archive, server) as office:
        wear_out(office, server, server.frozen)
