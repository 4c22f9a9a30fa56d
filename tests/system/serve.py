# SPDX-License-Identifier: GPL-3.0-or-later
"""serve - `sealpost serve` at work, with an SMTP door on a free port."""
import contextlib
import pathlib
import smtplib
import socket
import subprocess

from postfix import ARCHIVE_DOMAIN, wait_until
from sealpost import ENV, TIMEOUT_S
from ports import free_port


JOBS = ("index", "notes", "stamp-many", "fetch", "erase-index", "erase-media", "backup-full", "backup", "statistics", "stamp")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def children(pid):
    """The processes that this one has started."""
    with contextlib.suppress(FileNotFoundError):
        path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
        return [int(child) for child in path.read_text().split()]
    return []


def name(pid):
    """Of the program; empty once it has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode().rsplit("/")[-1]
    return ""


class Service:
    def __init__(self, archive, settings="", reserve=0):
        self.archive = archive
        self.port = free_port()
        self.log = archive.path.parent / "serve.log"
        (archive.path / "smtpd.conf").write_text(
            f"listen = smtp 127.0.0.1:{self.port}\narchive_domain = {ARCHIVE_DOMAIN}\n"
            f"user =\nreserve_bytes = {reserve}\n{settings}")
        # no job of the minute comes in between
        (archive.path / "timetable.conf").write_text("".join(f"pause_{job} = yes\n" for job in JOBS))
        self.process = None

    def __enter__(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.archive.command("serve"), env=ENV, stderr=log,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        wait_until(self.is_ready, self.said)
        return self

    def is_ready(self):
        assert self.process.poll() is None, self.said()
        return listens(self.port)

    def said(self):
        return self.log.read_text()

    def child(self, program):
        """The process id of a daemon; None while it is away."""
        return next((pid for pid in children(self.process.pid) if name(pid) == program), None)

    def __exit__(self, *_):
        """It ends well when it is asked to."""
        try:
            self.process.terminate()
            told = self.process.communicate(timeout=TIMEOUT_S)[0].decode()
            assert self.process.returncode == 0, (told, self.said())
            assert "Sanitizer" not in self.said() and "runtime error" not in self.said(), self.said()
        finally:
            self.process.kill()
            self.process.wait()

    @contextlib.contextmanager
    def client(self):
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.test",
                          timeout=TIMEOUT_S) as client:
            client.ehlo()
            yield client


def send(client, data):
    """A mail with CRLF line ends."""
    return client.sendmail("anna@example.org", [f"x@{ARCHIVE_DOMAIN}"], data)
