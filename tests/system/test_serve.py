# SPDX-License-Identifier: GPL-3.0-or-later
"""`sealpost serve`: everything that an archive needs, in one program, for a trial."""
import os
import signal
import smtplib
import socket
import subprocess
import threading

import pytest
from ports import free_port
from postfix import wait_until
from sealpost import FAILED, USAGE, mail
from serve import Service, children, listens, send
from test_archiver import feed, running as archiver_running


def letter(**more):
    return mail(**more).replace(b"\n", b"\r\n")


def test_a_mail_is_sent_and_found(archive):
    with Service(archive) as service:
        with service.client() as client:
            send(client, letter(subject="walnut"))
        wait_until(lambda: archive.count("walnut") == 1, service.said)
    assert archive.status()["mails"] == 1


def test_it_tells_where_mail_is_taken_and_how_to_send_one(archive):
    with Service(archive) as service:
        told = service.process.stdout.peek().decode()
    assert f"smtp 127.0.0.1:{service.port}\n" in told
    assert f"curl smtp://127.0.0.1:{service.port} " in told


def test_what_was_acknowledged_when_it_is_ended_in_full_work_is_archived(archive):
    acknowledged, busy = [], threading.Event()

    def work(first):
        for n in range(first, first + 1000):
            try:
                with service.client() as client:
                    send(client, letter(subject=f"letter {n}", msgid=f"<{n}@x>", body="everyword\n"))
            except (smtplib.SMTPException, OSError):
                return
            acknowledged.append(f"letter {n}")
            if len(acknowledged) > 50:
                busy.set()

    threads = [threading.Thread(target=work, args=(k * 1000,)) for k in range(4)]
    with Service(archive) as service:
        for thread in threads:
            thread.start()
        assert busy.wait(120)
    for thread in threads:
        thread.join()
    rows = archive.json("search", "--limit", 100000, "--", "everyword")
    subjects = [row["subject"] for row in rows]
    # a reply may have been lost on its way when the door closed, a mail not
    assert set(acknowledged) <= set(subjects) and len(subjects) == len(set(subjects))
    assert not archive.json("spool", "list")


@pytest.mark.parametrize("program", ["sealpost-archiver", "sealpost-shipper", "sealpost-smtpd"])
def test_a_daemon_that_is_killed_comes_back(archive, program):
    with Service(archive) as service:
        wait_until(lambda: service.child(program))
        first = service.child(program)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: service.child(program) not in (None, first), service.said)
        wait_until(service.is_ready)
        with service.client() as client:
            send(client, letter(subject="walnut"))
        wait_until(lambda: archive.count("walnut") == 1, service.said)
        assert f"{program} was ended by signal 9; it is started again" in service.said()


def test_what_cannot_stay_up_is_started_less_and_less_often(archive):
    with archiver_running(archive) as other, Service(archive) as service:
        for pause in (100, 200, 400):
            wait_until(lambda p=pause: f"started again in {p} ms" in service.said(), service.said)
        other.terminate()
        wait_until(lambda: "archiver ready" in service.said(), service.said)


def test_a_door_that_does_not_start_is_told_once_and_the_others_go_on(archive):
    service = Service(archive)
    with socket.create_server(("127.0.0.1", service.port)), service:
        wait_until(lambda: "sealpost-smtpd does not start" in service.said(), service.said)
        feed(archive)
        wait_until(lambda: archive.count("letter0") == 1, service.said)
    assert service.said().count("sealpost-smtpd does not start") == 1


@pytest.mark.parametrize("line, says", [
    ("no_such_setting = 1\n", "smtpd.conf line 5"),
    ("max_errors = many\n", "smtpd.conf line 5"),
    ("listen = somewhere\n", "smtpd.conf: "),
])
def test_wrong_settings_are_told_before_anything_starts(archive, line, says):
    service = Service(archive, line)
    done = archive.run("serve", status=FAILED, says=says)
    assert not done.out and not children(os.getpid()) and service.process is None


def test_a_milter_s_wrong_settings_are_told_too(archive):
    (archive.path / "milter.conf").write_text("listen = capture inet:127.0.0.1\n")
    archive.run("serve", status=FAILED, says="milter.conf: ")


def test_an_archive_without_a_door_says_so(archive):
    with subprocess.Popen(archive.command("serve"), stdout=subprocess.PIPE) as process:
        told = b"".join(process.stdout.readline() for _ in range(5)).decode()
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert "No door is open" in told and process.returncode == 0


def test_wrong_calls(archive, folder):
    archive.run("serve", "all", status=USAGE, says="no arguments")
    archive.path = folder / "nothing"
    archive.run("serve", status=FAILED)


def test_a_door_takes_up_changed_settings_and_goes_with_them(archive):
    conf = archive.path / "smtpd.conf"
    with Service(archive) as service:
        kept, other = conf.read_text(), free_port()
        conf.write_text(kept.replace(f":{service.port}\n", f":{other}\n"))
        wait_until(lambda: listens(other), service.said)
        assert not listens(service.port)
        conf.rename(archive.path / "smtpd.conf.off")
        wait_until(lambda: "has no settings any more" in service.said(), service.said)
        assert service.child("sealpost-smtpd") is None and service.child("sealpost-archiver")
