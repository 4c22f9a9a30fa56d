# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of the media, stopped at every step: no number is lost, and saying it again is enough."""
import os
import shutil

import pytest

from faults import check_all, count_calls, exported, fault, json_lines, must, must_be_clean, new_archive, run

CALLS = [("kill", "rename,link,unlink,fsync,ftruncate,write"), ("half", "write"), ("enospc", "write"),
         ("eio", "fsync")]


@pytest.fixture(scope="module", name="filled")
def _filled(folder, small_mailbox):
    archive = new_archive(os.path.join(folder, "filled"))
    must(archive, "import", small_mailbox.paths[0])
    return archive


def beside(archive, name):
    """A place that goes with the copy of the archive."""
    return os.path.join(os.path.dirname(archive), name)


def media(archive):
    return {row["medium"]: row for row in json_lines(must(archive, "--json", "medium", "list"))}


def stop_everywhere(folder, copy, archive, do, calls, prepare, args, check):
    """ARGS(archive) is the command; CHECK looks after it was stopped."""
    with copy(archive) as whole:
        prepare(whole)
        n = count_calls(folder, whole, calls, *args(whole))
    assert n > 0

    def stopped(at):
        with copy(archive) as path:
            prepare(path)
            run(path, *args(path), env=fault(calls, at, do))
            check(path)

    check_all(stopped, range(1, n + 1))


@pytest.mark.parametrize("do, calls", CALLS)
def test_adding_stopped_anywhere_loses_no_number(folder, copy, empty, do, calls):
    def args(archive):
        return "medium", "add", beside(archive, "two"), "--active"

    def check(archive):
        added = 2 in media(archive)
        again = run(archive, *args(archive))
        assert again.returncode == (1 if added else 0), again.stderr
        assert not added or b"medium 2 of this archive already" in again.stderr
        rows = media(archive)
        assert list(rows) == [1, 2] and rows[2]["active"] and not rows[1]["active"]
        must(archive, "medium", "check")
        must(archive, "medium", "add", beside(archive, "three"))
        assert list(media(archive)) == [1, 2, 3]

    stop_everywhere(folder, copy, empty, do, calls, lambda archive: None, args, check)


@pytest.mark.parametrize("do, calls", CALLS)
def test_a_place_whose_adding_was_stopped_may_be_left_for_another(folder, copy, empty, do, calls):
    def args(archive):
        return "medium", "add", beside(archive, "two")

    def check(archive):
        number = 3 if 2 in media(archive) else 2
        must(archive, "medium", "add", beside(archive, "three"))
        assert number in media(archive)
        must(archive, "medium", "check")

    stop_everywhere(folder, copy, empty, do, calls, lambda archive: None, args, check)


@pytest.mark.parametrize("do, calls", CALLS)
def test_moving_and_redirecting_stopped_anywhere_loses_sight_of_no_mail(folder, copy, filled, do, calls):
    mails = exported(folder, filled)

    def move(archive):
        shutil.copytree(os.path.join(archive, "media", "1"), beside(archive, "moved"))

    def copy_packs(archive):
        must(archive, "medium", "add", beside(archive, "two"), "--active")
        source, = os.listdir(os.path.join(archive, "media", "1"))
        shutil.copytree(os.path.join(archive, "media", "1", source, "packs"),
                        os.path.join(beside(archive, "two"), source, "packs"), dirs_exist_ok=True)

    def check_with(args):
        def check(archive):
            must_be_clean(archive)
            done = run(archive, *args(archive))
            assert done.returncode == 0 or b"is redirected to medium 2 already" in done.stderr, done.stderr
            shutil.rmtree(os.path.join(archive, "media"))
            must_be_clean(archive)
            assert exported(os.path.dirname(archive), archive) == mails
        return check

    def move_args(archive):
        return "medium", "set", "1", "--location", beside(archive, "moved")

    def redirect_args(_):
        return "medium", "redirect", "1", "--to", "2"

    for prepare, args in ((move, move_args), (copy_packs, redirect_args)):
        stop_everywhere(folder, copy, filled, do, calls, prepare, args, check_with(args))


@pytest.mark.parametrize("do, calls", CALLS)
def test_removing_stopped_anywhere_can_be_said_again(folder, copy, empty, do, calls):
    def prepare(archive):
        must(archive, "medium", "add", beside(archive, "two"))

    def check(archive):
        if 2 in media(archive):
            must(archive, "medium", "check")
            must(archive, "medium", "remove", "2")
        must(archive, "medium", "add", beside(archive, "two"))
        assert list(media(archive)) == [1, 3]
        must(archive, "medium", "check")

    stop_everywhere(folder, copy, empty, do, calls, prepare, lambda _: ("medium", "remove", "2"), check)
