# SPDX-License-Identifier: GPL-3.0-or-later
"""The timetable at work: the real scheduler, its real jobs, and an archive whose last night was missed."""
import contextlib
import fcntl
import pathlib
import subprocess
import time

import pytest
from postfix import wait_until
from sealpost import BIN, DATA, ENV, TIMEOUT_S, Archive
from serve import children

NIGHTLY = ["backup-full", "erase-index", "erase-media", "stamp", "statistics"]
DAY_S = 24 * 60 * 60


def command(archive, *args):
    return [BIN + "-scheduler", "--archive", archive.path, *args]


def once(archive, *args, status=0):
    """Work off what is due, and give what the scheduler says."""
    done = subprocess.run(command(archive, "--once", "--verbose", *args), env=ENV, capture_output=True,
                          timeout=TIMEOUT_S, check=False)
    said = done.stderr.decode()
    assert done.returncode == status, said
    assert "Sanitizer" not in said and "runtime error" not in said, said
    assert done.stdout == b""
    return said


def was_off_for(archive, seconds):
    since = int(time.time()) - seconds
    (archive.path / "timetable.state").write_text(f"{since} {since}\n")


def jobs(archive):
    return {job["job"]: job for job in archive.json("job", "list")}


def runs(archive, name):
    return archive.json("job", "history", name)


def settle(archive, *only):
    """Pause all jobs but these."""
    (archive.path / "timetable.conf").write_text("".join(
        f"pause_{name} = yes\n" for name in jobs(archive) if name not in only))


class Scheduler:
    """One that runs on."""

    def __init__(self, archive):
        self.archive = archive
        self.log = archive.path.parent / "scheduler.log"
        self.process = None

    def __enter__(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command(self.archive, "--verbose"), env=ENV, stderr=log)
        self.await_said("scheduler ready")
        return self

    def said(self):
        return self.log.read_text()

    def await_said(self, words):
        wait_until(lambda: words in self.said(), self.said)

    def __exit__(self, *_):
        try:
            self.process.terminate()
            assert self.process.wait(TIMEOUT_S) == 0, self.said()
            assert "Sanitizer" not in self.said() and "runtime error" not in self.said(), self.said()
        finally:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def held(archive, lock):
    """As a job of this class that somebody runs just now."""
    folder = archive.path / "lock"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / lock).open("w") as held_file:
        fcntl.flock(held_file, fcntl.LOCK_EX)
        yield


def test_a_night_that_was_missed_is_made_up_for_once(filled):
    was_off_for(filled, 2 * DAY_S)
    said = once(filled)
    assert "time passed unseen" in said
    for name in NIGHTLY:
        assert f"job begins job={name} " in said
        run, = runs(filled, name)
        assert run["result"] == ("skipped" if name == "stamp" else "done"), (run, said)
        assert run["by_hand"] is False and run["ended"] is not None
    assert filled.json("backup", "list")
    before = {name: len(runs(filled, name)) for name in NIGHTLY}
    said = once(filled)
    assert "unseen" not in said
    assert {name: len(runs(filled, name)) for name in NIGHTLY} == before


def test_a_deleted_mail_is_gone_for_good_after_the_night(filled):
    before = filled.packs()
    gone = filled.find("")[0]
    filled.run("delete", gone)
    was_off_for(filled, 2 * DAY_S)
    once(filled)
    assert gone not in filled.find("")
    assert not set(before) & set(filled.packs())
    filled.run("verify", "--all")


def test_the_first_start_of_all_runs_nothing_that_lies_behind(archive):
    said = once(archive)
    assert not any(f"job begins job={name} " in said for name in NIGHTLY)
    assert (archive.path / "timetable.state").exists()


def test_a_paused_job_is_not_made_up_for(filled):
    settle(filled, "statistics")
    was_off_for(filled, 2 * DAY_S)
    said = once(filled)
    assert said.count("job begins") == 1 and "job begins job=statistics" in said


def test_it_ends_in_good_order_with_a_job_at_work_and_opens_neither_catalog_nor_key(filled):
    settle(filled, "erase-media")
    was_off_for(filled, 2 * DAY_S)
    with held(filled, "jobs-media"), Scheduler(filled) as scheduler:
        scheduler.await_said("job begins job=erase-media")
        wait_until(lambda: children(scheduler.process.pid), scheduler.said)
        job, = children(scheduler.process.pid)
        opened = [f.readlink().name for f in pathlib.Path(f"/proc/{scheduler.process.pid}/fd").iterdir()]
        assert "catalog.db" not in opened and "archive.key" not in opened and "index.db" not in opened
        wait_until(lambda: (filled.path / "lock" / "job-erase-media").exists(), scheduler.said)
    assert not pathlib.Path(f"/proc/{job}").exists()
    assert "job ended on request job=erase-media" in scheduler.said()
    assert "scheduler ends" in scheduler.said()


def test_a_job_that_waits_for_another_goes_on_when_that_has_ended(filled):
    settle(filled, "erase-media")
    was_off_for(filled, 2 * DAY_S)
    with contextlib.ExitStack() as by_hand:
        by_hand.enter_context(held(filled, "jobs-media"))
        with Scheduler(filled) as scheduler:
            scheduler.await_said("job begins job=erase-media")
            by_hand.close()
            scheduler.await_said("job ends job=erase-media status=0")
    assert runs(filled, "erase-media")[0]["result"] == "done"


def test_a_second_scheduler_refuses(archive):
    with Scheduler(archive):
        assert "another scheduler is at work" in once(archive, status=1)


def test_it_says_what_it_lacks(archive, folder):
    assert "there is no archive in" in once(Archive(folder / "nowhere"), status=1)
    (archive.path / "timetable.conf").write_text("# ours\nstamp = monthly\n")
    said = once(archive, status=1)
    assert "timetable.conf line 2: stamp takes one of: daily, weekly; not \"monthly\"" in said
    assert "no job runs by itself" in said


@pytest.mark.parametrize("state", [b"", b"soon\n", b"\xff\xfe\0", b"1 2 3\n"])
def test_a_damaged_state_is_told_and_begins_anew(archive, state):
    (archive.path / "timetable.state").write_bytes(state)
    assert "is damaged" in once(archive)
    assert "is damaged" not in once(archive)
