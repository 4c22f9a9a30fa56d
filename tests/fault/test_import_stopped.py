# SPDX-License-Identifier: GPL-3.0-or-later
"""The importer stopped, or out of space, at every step: the archive makes itself whole again."""
import os
import random
import subprocess
import time

import pytest

from faults import (ALL_CALLS, SEALPOST, check_all, count_calls, fault, json_lines, must, must_hold,
                    run, some_of)

SIGKILL = -9


def import_with(archive, mailbox, env):
    """Import; returns the exit status and what was reported to be archived."""
    done = run(archive, "--json", "import", *mailbox.paths, env=env)
    items = json_lines(done.stdout.decode())
    return done, [item for item in items if "id" in item]


def calls_of_import(folder, empty, copy, mailbox, calls):
    with copy(empty) as archive:
        return count_calls(folder, archive, calls, "import", *mailbox.paths)


@pytest.mark.parametrize("calls", ["rename,link,unlink", "fsync", "ftruncate"])
def test_killed_before_every_call(folder, empty, copy, mailbox, calls):
    def check(at):
        with copy(empty) as archive:
            done, reported = import_with(archive, mailbox, fault(calls, at))
            assert done.returncode == SIGKILL
            must_hold(folder, archive, mailbox, reported)

    n = calls_of_import(folder, empty, copy, mailbox, calls)
    assert n > 0
    check_all(check, range(1, n + 1))


def test_killed_in_the_middle_of_every_write(folder, empty, copy, mailbox):
    """An even sample of them: most go to the databases."""
    def check(at):
        with copy(empty) as archive:
            done, reported = import_with(archive, mailbox, fault("write", at, "half"))
            assert done.returncode == SIGKILL
            must_hold(folder, archive, mailbox, reported)

    n = calls_of_import(folder, empty, copy, mailbox, "write")
    check_all(check, some_of(n, 80))


@pytest.mark.parametrize("do, calls", [("enospc", "write"), ("enospc", "write,ftruncate,fsync"),
                                       ("eio", "fsync"), ("eio", "write")])
def test_no_space_and_failing_disk_from_any_write_on(folder, empty, copy, mailbox, do, calls):
    def check(at):
        with copy(empty) as archive:
            done, reported = import_with(archive, mailbox, fault(calls, at, do))
            assert done.returncode in (0, 1), done
            if done.returncode == 1 and do == "enospc":
                assert b"space" in done.stderr or b"full" in done.stderr, done.stderr
            must_hold(folder, archive, mailbox, reported)

    n = calls_of_import(folder, empty, copy, mailbox, calls)
    check_all(check, some_of(n, 40))


def test_killed_at_200_random_moments(folder, empty, copy, mailbox):
    with copy(empty) as archive:
        begin = time.monotonic()
        must(archive, "import", *mailbox.paths)
        usual_s = time.monotonic() - begin
    dice = random.Random(200)

    def check(moment_s):
        with copy(empty) as archive:
            with subprocess.Popen([SEALPOST, "--archive", archive, "--json", "import", *mailbox.paths],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
                try:
                    out, _ = process.communicate(timeout=moment_s)
                except subprocess.TimeoutExpired:
                    process.kill()
                    out, _ = process.communicate()
            reported = [item for item in json_lines(out.decode()) if "id" in item]
            must_hold(folder, archive, mailbox, reported)

    check_all(check, [dice.uniform(0, 1.5 * usual_s) for _ in range(200)])


def test_killed_again_and_again_on_the_way_to_the_end(folder, empty, copy, mailbox):
    """Each run, recovery included, is killed a little later than the one before."""
    with copy(empty) as archive:
        reported = []
        for at in range(1, 400, 7):
            done, more = import_with(archive, mailbox, fault(ALL_CALLS, at, "half"))
            reported += more
            if done.returncode == 0:
                break
        must_hold(folder, archive, mailbox, reported)


def synced_sizes(log):
    """What the last sync of each file made safe."""
    sizes = {}
    with open(log, encoding="utf-8") as f:
        for line in f:
            size, path = line.rstrip("\n").split(" ", 1)
            sizes[path] = int(size)
    return sizes


def lose_unsynced_tail(path, synced, dice):
    """What a loss of power may leave of a file that only grows."""
    size = os.path.getsize(path)
    kept = dice.randint(min(synced, size), size)
    tail = dice.choice(["cut", "zeros", "garbage"])
    os.truncate(path, kept)
    if tail == "cut":
        return
    with open(path, "ab") as f:
        n = dice.randint(0, size - kept)
        f.write(bytes(n) if tail == "zeros" else dice.randbytes(n))


def test_power_lost_before_what_was_written_reached_the_disk(folder, empty, copy, mailbox):
    def check(at):
        dice = random.Random(at)
        with copy(empty) as archive:
            log = os.path.join(os.path.dirname(archive), "synced")
            _, reported = import_with(archive, mailbox, fault(ALL_CALLS, at, "kill", synced=log))
            sizes = synced_sizes(log)
            for path, _, names in os.walk(archive):
                for name in names:
                    whole = os.path.join(path, name)
                    if name.endswith((".pack", "-wal")):
                        lose_unsynced_tail(whole, sizes.get(whole, 0), dice)
            must_hold(folder, archive, mailbox, reported)

    n = calls_of_import(folder, empty, copy, mailbox, ALL_CALLS)
    check_all(check, some_of(n, 80))
