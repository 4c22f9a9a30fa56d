# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that a script hands in over HTTP: acknowledged when it is durable, archived bit for bit."""
import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import threading

import pytest
from http_api import BASE, Api
from postfix import wait_until
from sealpost import ENV, TIMEOUT_S, mail, sha256
from serve import children

MAIL = {"Content-Type": "message/rfc822"}
MBOX = {"Content-Type": "application/mbox"}


@pytest.fixture
def token(archive):
    archive.run("user", "add", "scanner", "--role", "uploader")
    return archive.text("user", "token", "scanner", "--for", "upload", "--days", 1).strip()


@pytest.fixture
def api(archive, token):
    with Api(archive) as server:
        server.uploader = server.client(bearer=token)
        yield server


def waiting(archive):
    return [f for f in (archive.path / "spool" / "ready").glob("*") if f.suffix != ".why"]


def archive_all(archive):
    done = subprocess.run([archive.binary + "-archiver", "--archive", str(archive.path), "--once"], env=ENV,
                          capture_output=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr


def test_a_mail_that_is_acknowledged_is_in_the_spool_and_then_in_the_archive(api, archive):
    raw = mail("handed in", msgid="<1@x>").replace(b"\n", b"\r\n") + b"no line end"
    answer = api.uploader.post("/uploads", raw, headers={**MAIL, "X-Sealpost-From": "scan@example.org",
                                                         "X-Sealpost-To": "otto@example.org, bcc@example.org"})
    assert (answer.status, answer.json) == (201, {"accepted": 1})
    assert len(waiting(archive)) == 1 and b"handed in" not in waiting(archive)[0].read_bytes()
    archive_all(archive)
    found = archive.one("subject:handed")
    assert archive.raw(found) == raw
    assert archive.count("bcc@example.org") == 1 and archive.count("source:scanner") == 1


def test_a_batch_comes_apart_into_its_mails_as_they_were(api, archive, folder):
    """What export writes is taken back bit for bit."""
    mails = [mail(f"number {n}", msgid=f"<{n}@x>", body="From here\n>From there\n\nFrom\n\n") for n in range(100)]
    (folder / "mails").mkdir()
    for n, raw in enumerate(mails):
        (folder / "mails" / f"{n}.eml").write_bytes(raw)
    archive.take(folder / "mails")
    archive.run("export", "--all", "--format", "mbox", "--to", folder / "out")
    batch = (folder / "out" / "mails.mbox").read_bytes()
    answer = api.uploader.post("/uploads", batch, headers=MBOX)
    assert (answer.status, answer.json) == (201, {"accepted": 100})
    assert len(waiting(archive)) == 100
    archive_all(archive)
    assert archive.count() == 100  # each was known
    assert archive.all_sums() == sorted(map(sha256, mails))


@pytest.mark.parametrize("body, headers, code", [
    (b"", MAIL, "not-mail"), (b"", MBOX, "not-mail"), (b"no mailbox\n", MBOX, "not-mail"),
    (b"\n\n", MBOX, "not-mail"), (b"x", {"Content-Type": "text/plain"}, "media-type"),
    (b"x", {"Content-Type": None}, "media-type"),
    (b"x", {**MAIL, "X-Sealpost-To": "nobody"}, "syntax"), (b"x", {**MAIL, "X-Sealpost-To": "a@x,,b@x"}, "syntax"),
    (b"x", {**MAIL, "X-Sealpost-From": "<a@x>"}, "syntax"), (b"x", {**MAIL, "X-Sealpost-From": "a @x"}, "syntax"),
    (b"x", {**MAIL, "X-Sealpost-To": "a@" + "x" * 330}, "syntax")])
def test_what_is_no_mail_or_has_no_envelope_is_not_taken(api, archive, body, headers, code):
    answer = api.uploader.post("/uploads", body, headers=headers)
    assert answer.code == code and not waiting(archive)


def test_a_mail_has_its_limit_alone_and_in_a_batch(archive, token):
    with (archive.path / "sealpost.conf").open("a") as conf:
        conf.write("max_mail_bytes = 2000\n")
    with Api(archive) as api:
        uploader = api.client(bearer=token)
        assert uploader.post("/uploads", b"x" * 2001, headers=MAIL).code == "too-big"
        assert uploader.post("/uploads", b"From a\n" + b"x" * 2001, headers=MBOX).code == "too-big"
        assert not waiting(archive)
        assert uploader.post("/uploads", b"x" * 2000, headers=MAIL).status == 201


def test_only_an_uploader_hands_in_mail_and_nothing_else(api, archive, folder):
    assert api.client().post("/uploads", b"x", headers=MAIL).code == "no-session"
    assert api.client(bearer="spt_" + "0" * 64).post("/uploads", b"x", headers=MAIL).code == "no-session"
    for path in ("/mails", "/mails/count", "/admin/jobs", "/audit"):
        assert api.uploader.get(path).code in ("denied", "not-found")
    secret = folder / "secret"
    secret.write_text("a long enough password\n")
    for name in ("admin", "auditor"):
        archive.run("user", "password", name, "--password-file", secret)
        with api.person(name, "a long enough password") as person:
            assert person.post("/uploads", b"x", headers=MAIL).code == "denied"
    assert not waiting(archive)


def test_an_upload_that_is_cut_off_leaves_nothing(api, archive):
    with socket.create_connection(("127.0.0.1", api.port), timeout=TIMEOUT_S) as sock:
        sock.sendall(f"POST {BASE}/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
                     f"Authorization: Bearer {api.uploader.bearer}\r\nContent-Type: message/rfc822\r\n\r\n"
                     "Subject: half\r\n".encode())
    assert api.uploader.post("/uploads", b"Subject: whole\n\nx\n", headers=MAIL).status == 201
    assert len(waiting(archive)) == 1


class Load(threading.Thread):
    """Hands in mails until it is told to end; remembers which were acknowledged."""

    def __init__(self, api, name):
        super().__init__()
        self.api, self.label = api, name
        self.acknowledged = []
        self.ended = threading.Event()

    def run(self):
        client = self.api.client(bearer=self.api.uploader.bearer)
        n = 0
        while not self.ended.is_set():
            n += 1
            raw = mail(f"load {self.label} {n}", msgid=f"<{self.label}.{n}@x>", body="x" * 20000)
            with contextlib.suppress(OSError, http.client.HTTPException):
                if client.post("/uploads", raw, headers=MAIL).status == 201:
                    self.acknowledged.append(sha256(raw))


def test_every_acknowledged_mail_is_there_whatever_worker_is_killed(api, archive):
    dice = random.Random(6)
    loads = [Load(api, name) for name in "abc"]
    for load in loads:
        load.start()
    try:
        for _ in range(4):
            wait_until(lambda: len(children(api.process.pid)) == 4, api.said)
            target = sum(len(load.acknowledged) for load in loads) + 3
            wait_until(lambda: sum(len(load.acknowledged) for load in loads) >= target, api.said)
            with contextlib.suppress(ProcessLookupError):
                os.kill(dice.choice(children(api.process.pid)), signal.SIGKILL)
    finally:
        for load in loads:
            load.ended.set()
        for load in loads:
            load.join()
    acknowledged = sorted(sum((load.acknowledged for load in loads), []))
    archive_all(archive)
    sums = archive.all_sums()
    assert len(acknowledged) >= 12 and set(acknowledged) <= set(sums) and len(sums) == len(set(sums))
