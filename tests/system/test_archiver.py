# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that the doors took in reaches the archive: soon, and once, whatever happens to the archiver."""
import contextlib
import os
import random
import re
import signal
import subprocess
import time

import pytest
from sealpost import BIN_FAST, DONE, ENV, FAILED, REFUSED, ROOT, TIMEOUT_S, Archive, mail
from test_terminal import assert_harmless

FEED = os.environ.get("SEALPOST_FEED", str(ROOT / "build" / "opt" / "tests" / "system" / "feed"))
KILLS = 100


def feed(archive, *args):
    """Commit mails; their numbers and their entries' ids."""
    done = subprocess.run([FEED, str(archive.path), *map(str, args)], capture_output=True, env=ENV,
                          timeout=TIMEOUT_S, check=True)
    return [line.split() for line in done.stdout.decode().splitlines()]


def daemon(archive, *args, env=None, **more):
    return subprocess.Popen([archive.binary + "-archiver", "--archive", str(archive.path), *args],
                            env={**ENV, **(env or {})}, stderr=subprocess.PIPE, **more)


@contextlib.contextmanager
def running(archive):
    """An archiver at work; in the end it must go in good order when it is asked to."""
    process = daemon(archive, "--verbose")
    try:
        assert b"archiver ready" in process.stderr.readline()
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0, process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def archive_all(archive, says=b""):
    process = daemon(archive, "--once")
    err = process.communicate(timeout=TIMEOUT_S)[1]
    assert process.returncode == 0 and says in err and bool(says) == bool(err), err


def waiting(archive, state="ready"):
    return [f for f in (archive.path / "spool" / state).iterdir() if f.suffix != ".why"]


def poll(what, seconds):
    """Ask until the answer is yes; how long it took."""
    begun = time.monotonic()
    while not what():
        assert time.monotonic() - begun < seconds, "not in time"
    return time.monotonic() - begun


def must_hold_each_once(archive, numbers):
    """Every mail that was committed is there, once, with its envelope, and nothing else."""
    subjects = [m["subject"] for m in archive.json("search", "--limit", 1000000, "--", "everyword")]
    assert sorted(subjects) == sorted(f"letter {n}" for n in numbers)
    assert archive.count("bcc:blind@example.com") == len(subjects)
    assert archive.status()["mails"] == len(subjects)
    archive.run("verify", "--all")
    assert not waiting(archive) and not waiting(archive, "stuck")


def test_a_mail_is_found_without_waiting_for_the_timetable(fast):
    with running(fast):
        times = []
        for n in range(5):
            feed(fast, "--first", n)
            times.append(poll(lambda n=n: fast.count(f"letter{n}") == 1, TIMEOUT_S))
        print("searchable after", [round(t, 2) for t in times], "s")
    must_hold_each_once(fast, range(5))


def test_what_waited_before_the_archiver_started_is_taken_and_sigterm_ends_it_well(archive):
    numbers = [n for n, _ in feed(archive, "--count", 30, "--bytes", 5000)]
    with running(archive):
        poll(lambda: not waiting(archive), TIMEOUT_S)
    must_hold_each_once(archive, numbers)


def test_the_log_counts_the_mails_and_their_own_bytes(archive, folder):
    letters = [mail(subject=f"letter {n}", msgid=f"<{n}@x>", body="x" * 1000 * n) for n in range(4)]
    for letter in letters:
        (folder / "letter").write_bytes(letter)
        feed(archive, "--file", folder / "letter")
    process = daemon(archive, "--once", "--verbose")
    err = process.communicate(timeout=TIMEOUT_S)[1].decode()
    lines = re.findall(r"archived mails=(\d+) bytes=(\d+) ms=\d+", err)
    assert [sum(column) for column in zip(*(map(int, line) for line in lines))] == \
        [len(letters), sum(map(len, letters))], err


def test_there_is_one_archiver_an_archive(archive):
    with running(archive):
        second = daemon(archive, "--once")
        err = second.communicate(timeout=TIMEOUT_S)[1]
        assert second.returncode == FAILED and b"has an archiver already" in err


def test_an_archiver_killed_at_any_moment_archives_every_mail_once(fast):
    dice = random.Random(1)
    (fast.path / "sealpost.conf").write_text("pack_bytes = 1M\n")
    numbers = []
    for kill in range(KILLS):
        with subprocess.Popen([FEED, str(fast.path), "--first", str(kill * 1000), "--count", "12",
                               "--bytes", "20000"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as feeder:
            process = daemon(fast)
            try:
                process.wait(dice.uniform(0, 0.25))
            except subprocess.TimeoutExpired:
                process.kill()
            err = process.communicate()[1]
            assert process.returncode == -signal.SIGKILL, err
            numbers += [line.split()[0].decode() for line in feeder.stdout]
    archive_all(fast)
    assert len(numbers) == 12 * KILLS
    must_hold_each_once(fast, numbers)
    rebuilt = fast.json("rebuild")[0]  # the packs tell the same: one record a mail, no sighting
    assert (rebuilt["mails"], rebuilt["sightings"]) == (len(numbers), 0)


def test_a_door_killed_at_any_moment_leaves_whole_mails_or_nothing(fast):
    dice = random.Random(2)
    numbers = set()
    for kill in range(20):
        with subprocess.Popen([FEED, str(fast.path), "--first", str(kill * 1000), "--count", "500",
                               "--bytes", "100000"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as feeder:
            try:
                feeder.wait(dice.uniform(0, 0.1))
            except subprocess.TimeoutExpired:
                feeder.kill()
            numbers |= {line.split()[0].decode() for line in feeder.stdout if line.endswith(b"\n")}
    archive_all(fast)
    subjects = [m["subject"] for m in fast.json("search", "--limit", 1000000, "--", "everyword")]
    assert {f"letter {n}" for n in numbers} <= set(subjects)
    # one mail more at most a killed door: committed, and not told yet
    assert len(subjects) == len(set(subjects)) <= len(numbers) + 20
    assert not waiting(fast, "stuck")


def damage(path):
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


@pytest.fixture(name="stuck")
def _stuck(archive):
    """An archive with one stuck entry and one archived mail: the id of the first, and its good bytes."""
    (_, bad), _ = feed(archive, "--count", 2)
    path = archive.path / "spool" / "ready" / bad
    good = path.read_bytes()
    damage(path)
    archive_all(archive, says=b"spool entry stuck")
    assert archive.count("everyword") == 1
    return bad, good


def test_a_stuck_entry_is_listed_with_its_reason_and_taken_when_it_is_retried(archive, stuck):
    bad, good = stuck
    (row,) = archive.json("spool", "list")
    assert (row["id"], row["state"]) == (bad, "stuck") and row["reason"].startswith("damaged: ")
    assert row["bytes"] == len(good) and row["age_s"] >= 0
    assert archive.status()["spool"] == {"pending": 0, "ready": 0, "stuck": 1}
    assert "WARNING: 1 incoming mail could not be archived" in archive.text("status")
    line = archive.text("spool", "list")
    assert line.startswith(bad) and "stuck" in line and "damaged" in line
    (archive.path / "spool" / "stuck" / bad).write_bytes(good)
    archive.run("spool", "retry", bad)
    assert archive.json("spool", "list")[0]["state"] == "ready"
    archive_all(archive)
    assert archive.count("everyword") == 2 and not archive.text("spool", "list")


def test_a_dropped_entry_is_named_and_gone(archive, stuck):
    bad, _ = stuck
    archive.run("spool", "drop", bad[:8], status=FAILED, says="is no id")
    archive.run("spool", "drop", bad.replace("-", ""), status=FAILED, says="is no id")
    assert bad in archive.text("spool", "drop", bad)
    assert not archive.text("spool", "list")
    archive.run("spool", "drop", bad, status=FAILED, says="no such entry")


def test_some_entries_that_are_not_there_make_the_rest_no_worse(archive, stuck):
    bad, _ = stuck
    archive.run("spool", "retry", bad, "00000000-0000-7000-8000-000000000000", status=REFUSED,
                says="no such entry")
    assert archive.json("spool", "list")[0]["state"] == "ready"
    archive.run("spool", "retry", bad, status=FAILED, says="is not stuck, but ready")


def test_the_envelope_of_an_entry_is_shown(archive):
    ((_, entry),) = feed(archive)
    shown = archive.json("spool", "show", entry)[0]
    assert shown["recipients"] == ["Ben@Example.COM", "blind@example.com"]
    assert (shown["door"], shown["source"], shown["queue_id"]) == ("smtp", "feed", "4XyZ")
    text = archive.text("spool", "show", entry)
    assert "anna@example.org" in text and "recipient     blind@example.com" in text
    assert_harmless(text)


def test_a_mail_over_the_limit_gets_stuck_and_flows_when_the_limit_grows(archive):
    (archive.path / "sealpost.conf").write_text("max_mail_bytes = 10k\n")
    ((_, entry),) = feed(archive, "--bytes", 20000)
    feed(archive, "--first", 1)
    archive_all(archive, says=b"reason=too-big")
    assert archive.count("everyword") == 1
    (archive.path / "sealpost.conf").unlink()
    archive.run("spool", "retry", entry, status=DONE)
    archive_all(archive)
    assert archive.count("everyword") == 2


def test_what_is_known_of_a_mail_beside_its_bytes_is_shown(archive):
    feed(archive, "--queue", "4ABC")
    archive_all(archive)
    mail_id = archive.one("letter0")
    came = archive.json("show", mail_id)[0]["sightings"][0]
    assert (came["way"], came["source"], came["queue_id"]) == ("smtp", "feed", "4ABC")
    assert (came["client_name"], came["client_addr"]) == ("client.example.org", "192.0.2.1")
    assert (came["tls"], came["reverse_path"]) == ("TLSv1.3", "anna@example.org")
    assert came["recipients"] == ["ben@example.com", "blind@example.com"]
    assert came["trace"] == ["Return-Path: <anna@example.org>", "Received: from client\tby server"]
    text = archive.text("show", mail_id)
    above, own = text.split("\n\n")[:2]
    assert above.startswith("Put on top by the mail server") and "Received: from client" in above
    assert own.startswith("From: ") and "Received" not in own
    assert "Client address: 192.0.2.1" in own and "Delivered to: blind@example.com" in own
    assert b"Received" not in archive.raw(mail_id)


def feed_deadly(archive, folder):
    """Mails, and among them one that no archiver survives; its entry's id."""
    (folder / "deadly").write_bytes(b"Subject: deadly\r\n\r\nthe deadly word: basilisk\r\n")
    feed(archive, "--count", 10)
    ((_, bad),) = feed(archive, "--file", folder / "deadly")
    feed(archive, "--first", 10, "--count", 10)
    return bad


def run_until_it_ends_well(archive, env):
    """How often it did not, and what it said in the end."""
    for deaths in range(100):
        process = daemon(archive, "--once", env=env)
        err = process.communicate(timeout=TIMEOUT_S)[1]
        if process.returncode == 0:
            return deaths, err
    raise AssertionError("it goes on dying")


# The first end tells only that a batch was in hand.
@pytest.mark.parametrize("fault, deaths", [({}, 1 + 3), ({"FAULT_DO": "kill"}, 1 + 10)],
                         ids=["crash", "kill"])
def test_a_mail_that_the_archiver_does_not_survive_is_put_aside(fast, folder, fault, deaths):
    bad = feed_deadly(fast, folder)
    env = {"LD_PRELOAD": str(ROOT / "build" / "fault" / "preload.so"), "FAULT_MARK": "basilisk"}
    died, err = run_until_it_ends_well(fast, {**env, **fault})
    assert died == deaths and f"stuck id={bad}".encode() in err
    assert fast.count("everyword") == 20
    (row,) = fast.json("spool", "list")
    assert row["id"] == bad and f"ended unexpectedly {deaths - 1} times" in row["reason"]
    fast.run("spool", "retry", bad)  # with a better archiver
    archive_all(fast)
    assert fast.count("basilisk") == 1 and not waiting(fast) and not waiting(fast, "stuck")


def test_an_import_beside_the_archiver_hinders_neither(fast, folder):
    box = folder / "box"
    box.mkdir()
    for n in range(300):
        (box / f"{n}.eml").write_text(f"From: a@example.org\nSubject: import {n}\n"
                                      f"Message-ID: <i{n}@x>\n\nimportword\n")
    with running(fast):
        numbers = [n for n, _ in feed(fast, "--count", 20)]
        assert fast.take(box)["archived"] == 300
        numbers += [n for n, _ in feed(fast, "--first", 100, "--count", 20)]
        poll(lambda: fast.count("everyword") == 40 and fast.count("importword") == 300, TIMEOUT_S)
    assert len(numbers) == 40
