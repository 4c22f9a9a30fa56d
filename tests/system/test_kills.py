# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 of any process at any moment: every acknowledged mail is archived, once."""
import collections
import contextlib
import os
import random
import signal
import smtplib
import socket
import threading
import time

import milter_client
from postfix import wait_until
from sealpost import TIMEOUT_S, mail, sha256
from serve import Service, children, name, send
from smtp import Client

KILLS = 500
SENDERS, CAPTURERS = 3, 2
MAILS_A_KILL = 8
# A connection may be lost in every way there is, and a door may be closed for a while.
LOST = (OSError, EOFError, AssertionError, smtplib.SMTPException, milter_client.Lost)


class Load:
    """Clients that send mails, each until it is acknowledged, as mail servers do. SOCKETS: where the capture's are; with
    None, all goes by SMTP."""

    def __init__(self, service, sockets=None):
        self.service, self.sockets = service, sockets
        self.budget = threading.Semaphore(0)
        self.ended = False
        self.lock = threading.Lock()
        self.acknowledged = {}  # subject: SHA-256 of the mail
        self.tries = 0
        self.threads = [threading.Thread(target=self.work, args=(self.by_smtp,)) for _ in range(SENDERS)]
        self.threads += [threading.Thread(target=self.work, args=(self.by_milter,))
                         for _ in range(CAPTURERS if sockets else 0)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        """What was begun is sent to its end."""
        self.ended = True
        self.budget.release(len(self.threads))
        for thread in self.threads:
            thread.join()

    def work(self, way):
        while True:
            self.budget.acquire()  # pylint: disable=consider-using-with
            if self.ended:
                return
            with self.lock:
                self.tries += 1
                n = self.tries
            raw = self.letter(n)
            way(n, raw)
            with self.lock:
                self.acknowledged[f"letter {n}"] = sha256(raw)

    def letter(self, n):
        return mail(subject=f"letter {n}", msgid=f"<{n}@x>",
                    body="everyword\n" * random.Random(n).randrange(1, 2000)).replace(b"\n", b"\r\n")

    def until_taken(self, step, *args):
        end = time.monotonic() + TIMEOUT_S
        while True:
            try:
                return step(*args)
            except LOST as lost:
                assert time.monotonic() < end, (lost, self.service.said()[-2000:])
            time.sleep(0.02)  # no busy loop while nobody listens

    def by_smtp(self, _, raw):
        self.until_taken(self.send, raw)

    def send(self, raw):
        with self.service.client() as client:
            send(client, raw)

    def by_milter(self, n, raw):
        """As a mail server does: captured, then its copy delivered, both until it works."""
        token = self.until_taken(self.capture, n, raw)
        self.until_taken(self.deliver, n, raw, token)

    def capture(self, n, raw):
        with milter_client.session(self.sockets / "capture") as client:
            verdict, _, changes = client.message(raw, queue_id=f"4Queue{n}".encode())
        assert verdict in (milter_client.CONTINUE, milter_client.ACCEPT)
        (token,) = [data.split(b"\0")[0].strip(b"<>").decode() for letter, data in changes if letter == b"2"]
        return token

    def deliver(self, n, raw, token):
        top = f"Received: from client by mail.test (Postfix) with ESMTP id 4Queue{n}\r\n".encode()
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(TIMEOUT_S)
            sock.connect(str(self.sockets / "lmtp"))
            client = Client(sock)
            assert client.reply()[0] == 220 and client.say("LHLO mail.test")[0] == 250
            client.begin(token, "ben=example.com@copy.invalid")
            replies = client.data(top + raw, replies=2)
            assert [code for code, _ in replies] == [250, 250]


def processes(service):
    """Those below the service, by program and by whether they are a daemon's first process."""
    found = collections.defaultdict(list)
    for daemon in children(service.process.pid):
        for pid in [daemon, *children(daemon)]:
            if (program := name(pid)).startswith("sealpost-"):
                found[program, "first" if pid == daemon else "child"].append(pid)
    return found


def is_whole(service):
    """All five daemons are there, if not yet at work. Without this the service would be killed as fast as it
    starts, and start less and less often."""
    return len([kind for kind in processes(service) if kind[1] == "first"]) == 5


def kill_one(service, dice):
    """Any kind with the same chance, as there are many workers and one archiver."""
    found = processes(service)
    kind = dice.choice(sorted(found))
    with contextlib.suppress(ProcessLookupError):
        os.kill(dice.choice(found[kind]), signal.SIGKILL)
    return kind


def test_every_acknowledged_mail_is_archived_once_whatever_is_killed(fast, folder):
    dice = random.Random(3)
    (fast.path / "sealpost.conf").write_text("pack_bytes = 1M\n")
    (fast.path / "milter.conf").write_text(f"listen = capture unix:{folder}/capture\nuser =\nreserve_bytes = 0\n")
    killed = collections.Counter()
    with Service(fast, f"listen = lmtp unix:{folder}/lmtp\nhostname = mail.test\n") as service:
        with Load(service, folder) as load:
            for _ in range(KILLS):
                load.budget.release(MAILS_A_KILL)
                wait_until(lambda: is_whole(service), service.said)
                time.sleep(dice.uniform(0, 0.2))  # any moment
                killed[kill_one(service, dice)] += 1
    print(dict(killed), f"{len(load.acknowledged)} mails")
    rows = fast.json("search", "--limit", 1000000, "--", "everyword")
    assert sorted(row["subject"] for row in rows) == sorted(load.acknowledged)
    assert fast.status()["mails"] == len(load.acknowledged)
    assert fast.all_sums() == sorted(load.acknowledged.values())
    assert not [entry for entry in fast.json("spool", "list") if entry["state"] != "pending"]
    fast.run("verify", "--all")
