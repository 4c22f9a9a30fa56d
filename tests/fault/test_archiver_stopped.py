# SPDX-License-Identifier: GPL-3.0-or-later
"""The archiver stopped, or out of space, at every step: what the doors acknowledged is archived, once."""
import json
import os
import subprocess

import pytest

from faults import (ROOT, SEALPOST, TIMEOUT_S, check_all, fault, must, must_be_clean, new_archive,
                    some_of)

FEED = os.environ.get("SEALPOST_FEED", os.path.join(ROOT, "build/opt/tests/system/feed"))
REPORT = os.path.join(ROOT, "tests/data/journal/rights-managed.eml")
SIGKILL = -9


def archiver(archive, env=None):
    return subprocess.run([SEALPOST + "-archiver", "--archive", archive, "--once"],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S,
                          env={**os.environ, **(env or {})}, check=False)


def feed(archive, *args):
    done = subprocess.run([FEED, archive, *args], capture_output=True, check=True)
    return done.stdout.decode().split()[1]


def letter(path, head, body):
    with open(path, "wb") as f:
        f.write(b"From: anna@example.org\r\nSubject: captured\r\nMessage-ID: <c@x>\r\n" + head +
                b"\r\n" + body + b"\r\n")


@pytest.fixture(name="waiting", scope="module")
def _waiting(folder):
    """An archive with something of every kind in its spool; some of it is known already."""
    archive = new_archive(os.path.join(folder, "waiting"))
    whole, filtered, lone = (os.path.join(folder, name) for name in ("whole", "filtered", "lone"))
    letter(whole, b"", b"with attachment")
    letter(filtered, b"X-Spam-Flag: YES\r\n", b"without")
    letter(lone, b"X-Spam-Flag: YES\r\n", b"another without")
    feed(archive, "--count", "3")
    assert archiver(archive).returncode == 0
    feed(archive, "--count", "3")
    capture = feed(archive, "--capture", "--file", whole)
    feed(archive, "--first", "3", "--count", "3", "--bytes", "20000")
    feed(archive, "--copy-of", capture, "--file", filtered)
    feed(archive, "--copy-of", "00000000-0000-7000-8000-000000000000", "--file", lone)
    feed(archive, "--unwrap", "--file", REPORT, "--queue", "Q1")
    feed(archive, "--unwrap", "--file", REPORT, "--queue", "Q2")
    return archive


def json_of(archive, *args):
    return [json.loads(line) for line in must(archive, "--json", *args).splitlines()]


def known(archive):
    """All that the archive tells of its mails, but for their ids."""
    mails = []
    for found in json_of(archive, "search", "--limit", "1000", "--", ""):
        shown = json_of(archive, "show", found["id"])[0]
        del shown["id"]
        shown["marks"] = found["marks"]
        shown["sightings"].sort(key=json.dumps)
        mails.append(json.dumps(shown, sort_keys=True))
    return sorted(mails)


def must_be_whole(archive, expected):
    done = archiver(archive)
    assert done.returncode == 0 and not done.stderr, done
    assert not os.listdir(os.path.join(archive, "spool/ready"))
    assert not os.listdir(os.path.join(archive, "spool/stuck"))
    assert known(archive) == expected
    must_be_clean(archive)
    must(archive, "rebuild")
    assert known(archive) == expected


@pytest.fixture(name="expected", scope="module")
def _expected(waiting, copy):
    with copy(waiting) as archive:
        assert archiver(archive).returncode == 0
        mails = known(archive)
        # letters 0 to 5, the captured mail, the copy that has no capture, two of the report
        assert len(mails) == 6 + 1 + 1 + 2
        must_be_whole(archive, mails)
    return mails


def calls_of_archiver(folder, waiting, copy, calls):
    path = os.path.join(folder, "archiver-count")
    with copy(waiting) as archive:
        assert archiver(archive, fault(calls, count=path)).returncode == 0
    with open(path, encoding="ascii") as f:
        return int(f.read())


@pytest.mark.parametrize("calls", ["rename,link,unlink", "fsync", "ftruncate"])
def test_killed_before_every_call(folder, waiting, copy, expected, calls):
    def check(at):
        with copy(waiting) as archive:
            assert archiver(archive, fault(calls, at)).returncode == SIGKILL
            must_be_whole(archive, expected)

    n = calls_of_archiver(folder, waiting, copy, calls)
    assert n > 0
    check_all(check, range(1, n + 1))


def test_killed_in_the_middle_of_writes(folder, waiting, copy, expected):
    def check(at):
        with copy(waiting) as archive:
            assert archiver(archive, fault("write", at, "half")).returncode == SIGKILL
            must_be_whole(archive, expected)

    check_all(check, some_of(calls_of_archiver(folder, waiting, copy, "write"), 60))


@pytest.mark.parametrize("do, calls", [("enospc", "write,ftruncate,fsync"), ("eio", "fsync")])
def test_no_space_and_a_failing_disk_put_nothing_aside(folder, waiting, copy, expected, do, calls):
    def check(at):
        with copy(waiting) as archive:
            assert archiver(archive, fault(calls, at, do)).returncode in (0, 1)
            must_be_whole(archive, expected)

    check_all(check, some_of(calls_of_archiver(folder, waiting, copy, calls), 30))
