# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs by hand: what they do, what they tell, and what becomes of those that fail, wait, or are killed."""
import contextlib
import fcntl
import os
import pathlib
import pty
import select
import signal
import subprocess

import pytest
from sealpost import DATA, ENV, FAILED, REFUSED, TIMEOUT_S, USAGE, Archive, mail
from tsa import Tsa

NAMES = ["index", "notes", "stamp-many", "fetch", "erase-index", "erase-media", "backup-full", "backup", "statistics", "stamp"]


@pytest.fixture
def archive(folder):
    made = Archive(folder / "archive").init()
    made.run("import", DATA / "mail", talks=True)
    return made


def last(archive, name):
    return next(job["last"] for job in archive.json("job", "list") if job["job"] == name)


def test_all_jobs_are_listed_with_their_times_and_none_has_run(archive):
    jobs = archive.json("job", "list")
    assert sorted(job["job"] for job in jobs) == sorted(NAMES)
    assert all(job["last"] is None and job["next"] and not job["paused"] for job in jobs)
    assert "23:57" in archive.text("job", "list")


@pytest.mark.parametrize("name,result,words", [
    ("index", "done", "Mails in the index: 49"), ("notes", "done", "written anew: 0"),
    ("erase-index", "done", "0 mails erased"), ("erase-media", "done", "0 mails erased"),
    ("backup-full", "done", "full"), ("statistics", "done", "counted"),
    ("stamp", "skipped", "no timestamping authority"), ("stamp-many", "skipped", "no timestamping authority"),
    ("fetch", "skipped", "no account"), ("backup", "done", "no mirror is set up")])
def test_each_job_runs_by_hand_and_leaves_a_row_that_says_what_it_did(archive, name, result, words):
    archive.run("job", "run", name, talks=True)
    run = last(archive, name)
    assert run["result"] == result and words in run["summary"] and run["by_hand"] and run["ended"]
    assert archive.json("job", "history", name)[0]["run"] == run["run"]


def test_stamps_wait_for_ten_thousand_in_the_quarter_hour_job_and_for_nothing_at_night(archive, folder):
    with Tsa(folder / "tsa") as authority:
        archive.run("timestamp", "set", "--url", authority.url, "--ca", authority.ca_file)
        archive.run("job", "run", "stamp-many")
        assert "49 mails wait" in last(archive, "stamp-many")["summary"]
        archive.run("job", "run", "stamp")
        assert "49 mails and 0 later sightings stamped" in last(archive, "stamp")["summary"]


def test_a_job_that_fails_has_its_log_and_stands_in_the_audit_log(archive):
    medium = next((archive.path / "media" / "1").glob("sealpost-*"))
    medium.rename(medium.with_name("away"))
    archive.run("job", "run", "backup-full", status=FAILED, talks=True)
    run = last(archive, "backup-full")
    assert run["result"] == "failed"
    assert "medium 1" in archive.text("job", "log", "backup-full")
    assert any(line["what"] == "job run" and line["subject"] == "backup-full" and line["detail"] == "failed"
               for line in archive.json("audit", "list"))
    medium.with_name("away").rename(medium)
    archive.run("job", "run", "backup-full", talks=True)
    assert last(archive, "backup-full")["result"] == "done"
    assert archive.json("job", "log", "backup-full", "--run", run["run"])[0]["result"] == "failed"


def test_a_job_that_leaves_something_out_is_partly_done(archive, folder):
    with Tsa(folder / "tsa") as authority:
        archive.run("timestamp", "set", "--url", authority.url, "--ca", authority.ca_file, "--hash", "sha512")
        medium = next((archive.path / "media" / "1").glob("sealpost-*"))
        pack = next((medium / "packs").rglob("*.pack"))
        data = bytearray(pack.read_bytes())
        data[len(data) // 2] ^= 1
        pack.chmod(0o600)
        pack.write_bytes(data)
        archive.run("job", "run", "stamp", status=REFUSED, talks=True)
        assert last(archive, "stamp")["result"] == "partly"


def test_a_job_does_not_run_twice_at_once(archive):
    (archive.path / "lock").mkdir(exist_ok=True)
    with open(archive.path / "lock" / "job-index", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        archive.run("job", "run", "index", status=FAILED, says="runs already")
        archive.run("job", "run", "index", "--by-timetable")
    assert last(archive, "index") is None


def test_a_job_waits_for_another_of_its_class_and_can_be_stopped_while_it_waits(archive):
    (archive.path / "lock").mkdir(exist_ok=True)
    with open(archive.path / "lock" / "jobs-media", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(archive.command("job", "run", "backup"), env=ENV, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as waits:
            assert "waiting for another job on the same media" in waits.stderr.readline()
            archive.run("job", "run", "index", talks=True)  # of another class
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert waits.wait() == 0
    assert last(archive, "backup")["result"] == "done"


def test_a_run_told_in_json_is_json_alone(archive):
    assert archive.json("job", "run", "backup-full") == [{"job": "backup-full", "result": "done"}]


def test_a_job_that_fails_on_a_terminal_tells_why_there_and_its_log_says_so(archive):
    next((archive.path / "media" / "1").glob("sealpost-*")).rename(archive.path / "away")
    child, terminal = pty.fork()
    if child == 0:
        os.execve(archive.binary, archive.command("job", "run", "backup-full"), ENV)
    told = b""
    with contextlib.suppress(OSError):  # the terminal's end
        while piece := os.read(terminal, 4096):
            told += piece
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == FAILED
    assert b"medium 1" in told
    assert "on the terminal" in archive.text("job", "log", "backup-full")


def test_what_a_killed_runner_had_started_ends_with_it(archive, folder):
    with Tsa(folder / "tsa") as authority:
        archive.run("timestamp", "set", "--url", authority.url, "--ca", authority.ca_file)
        authority.mode = "silent"
        asked = len(authority.queries)
        with subprocess.Popen(archive.command("job", "run", "stamp"), env=ENV, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as runner:
            authority.asked(asked + 1)
            steps = pathlib.Path(f"/proc/{runner.pid}/task/{runner.pid}/children").read_text().split()
            step = os.pidfd_open(int(steps[0]))
            runner.kill()
        ended = select.select([step], [], [], TIMEOUT_S)[0]
        if not ended:
            signal.pidfd_send_signal(step, signal.SIGKILL)
        os.close(step)
        assert len(steps) == 1 and ended


def test_a_runner_that_was_killed_is_told_by_the_next_run(archive, folder):
    with Tsa(folder / "tsa") as authority:
        archive.run("timestamp", "set", "--url", authority.url, "--ca", authority.ca_file)
        authority.mode = "silent"
        asked = len(authority.queries)
        with subprocess.Popen(archive.command("job", "run", "stamp"), env=ENV, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, start_new_session=True) as runner:
            authority.asked(asked + 1)
            assert last(archive, "stamp")["result"] == "running"
            os.killpg(runner.pid, signal.SIGKILL)
        authority.mode = "good"
        archive.run("job", "run", "stamp", talks=True)
    assert [run["result"] for run in archive.json("job", "history", "stamp")] == ["done", "died"]


def test_a_job_that_is_stopped_says_so_and_ends_what_it_started(archive, folder):
    with Tsa(folder / "tsa") as authority:
        archive.run("timestamp", "set", "--url", authority.url, "--ca", authority.ca_file)
        authority.mode = "silent"
        asked = len(authority.queries)
        with subprocess.Popen(archive.command("job", "run", "stamp"), env=ENV, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as runner:
            authority.asked(asked + 1)
            runner.terminate()
            assert runner.wait() == FAILED
    assert last(archive, "stamp")["result"] == "stopped"


def test_rhythms_are_set_in_their_words_and_pauses_hold(archive):
    archive.run("job", "set", "backup-full", "weekly")
    archive.run("job", "set", "backup", "daily")
    archive.run("job", "set", "fetch", "off")
    archive.run("job", "pause", "stamp")
    jobs = {job["job"]: job for job in archive.json("job", "list")}
    assert "Sunday" in jobs["backup-full"]["when"] and "01:12" in jobs["backup"]["when"]
    assert jobs["fetch"]["next"] is None and jobs["stamp"]["next"] is None and jobs["stamp"]["paused"]
    archive.run("job", "resume", "stamp")
    assert not next(job for job in archive.json("job", "list") if job["job"] == "stamp")["paused"]
    assert [line["detail"] for line in archive.json("audit", "list") if line["what"] == "setting changed"] == [
        "weekly", "daily", "off", "paused", "resumed"]


@pytest.mark.parametrize("words,says", [
    ([], "say what to do"), (["run"], "which job"), (["run", "nonsense"], "no job"), (["set", "index", "daily"], "daily"),
    (["set", "backup"], "how often"), (["dance", "index"], "what is"), (["run", "index", "twice"], "what is")])
def test_wrong_words_are_refused(archive, words, says):
    archive.run("job", *words, status=USAGE, says=says)


def test_a_mistake_in_the_file_is_named_by_its_line(archive):
    (archive.path / "timetable.conf").write_text("backup = sometimes\n")
    archive.run("job", "list", status=FAILED, says="timetable.conf line 1")


def test_no_address_and_no_subject_stands_in_what_jobs_leave(archive, folder):
    (folder / "one.eml").write_bytes(mail(subject="verysecretsubject", sender="hidden.person@example.org"))
    archive.run("import", folder / "one.eml", talks=True)
    for name in NAMES:
        archive.run("job", "run", name, talks=True)
    told = archive.text("job", "history") + "".join(archive.text("job", "log", name) for name in NAMES)
    assert "verysecretsubject" not in told and "hidden.person" not in told and "@" not in told
