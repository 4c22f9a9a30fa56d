# SPDX-License-Identifier: GPL-3.0-or-later
"""`sealpost postfix` hooks the archive into a Postfix as it finds it, and takes it out again."""
import contextlib
import os
import pathlib
import shutil
import tempfile

import pytest
from filters import Milter
from postfix import (DEBIAN_MASTER, HOSTNAME, MAIN_CF, POSTFIX, SUBMISSION, Door, MailSystem, Postfix,
                     entries, wait_until)
from sealpost import DONE, FAILED, REFUSED
from sink import Sink
from smtp import certificate
from test_postfix_milters import message

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Postfix wants to be started by root")

LOCAL, RELAY, BLIND = "games@local.test", "ben@relay.test", "blind@relay.test"
OTHER = "smtpd_milters = { unix:other.sock,\n    default_action=tempfail }\n"


class Bare(Postfix):
    """A Postfix that knows of no archive. MAIN and MASTER are what its administrator added."""

    def __init__(self, folder, main="", master="", chroot="y"):
        super().__init__(folder, "milters")
        self.main, self.master, self.chroot = main, master, chroot

    def install(self):
        for path in (self.folder, self.etc, self.queue, self.folder / "mailboxes"):
            path.mkdir()
        (self.folder / "mailboxes").chmod(0o1777)
        (self.folder / "data").mkdir()
        shutil.chown(self.folder / "data", "postfix")
        certificate(self.folder)
        mine = MAIN_CF.format(folder=self.folder, relay_port=self.relay_port, hostname=HOSTNAME)
        (self.etc / "main.cf").write_text(f"# mine\n{mine}\n\n{self.main}# the end\n")
        (self.etc / "master.cf").write_text(self.master_cf())

    def master_cf(self):
        services = entries(DEBIAN_MASTER.read_text() + SUBMISSION + self.master)
        text = "# services\n" + "\n".join("\n".join(lines) for lines in services.values()) + "\n"
        if self.chroot == "n":
            text = text.replace("  -       y       ", "  -       n       ")
        for was, port in (("\nsmtp      inet", self.port), ("\nsubmission inet", self.submission)):
            text = text.replace(was, f"\n{port} inet")
        return text.replace("BACK", str(self.back_port)).replace("FILTER", str(self.filter_port))

    def files(self):
        return {path.name: path.read_bytes() for path in self.etc.iterdir()}


class Hooked(MailSystem):
    """Such a Postfix, and an archive beside it whose doors run as soon as they have settings."""

    def __init__(self, folder, **more):
        super().__init__(folder, "milters")
        self.postfix = Bare(folder, **more)

    def __enter__(self):
        enter = self.stack.enter_context
        with self.stack:
            post = self.postfix
            self.archive.init()
            enter(post)
            self.relay = enter(Sink(post.relay_port))
            self.filter = enter(self.queue_filter())
            enter(self.other_milter())
            (post.queue / "other.sock").chmod(0o666)
            self.stack = self.stack.pop_all()
        return self

    def postfix_verb(self, *args, **more):
        return self.archive.text("postfix", *args, "--config-dir", self.postfix.etc, **more)

    def open_doors(self, *captures):
        """Write the settings, and start what they are for."""
        self.postfix_verb("enable", "--wait", "0", status=FAILED, says="do not run")
        for name in ("milter.conf", "smtpd.conf"):
            with (self.archive.path / name).open("a") as conf:
                conf.write("user =\n")
        sockets = self.postfix.sockets
        self.smtpd = self.stack.enter_context(Door(self.archive, "smtpd", [sockets / "lmtp.sock"]))
        self.milter = self.stack.enter_context(
            Door(self.archive, "milter", [sockets / name for name in captures or ["capture.sock"]]))


@contextlib.contextmanager
def hooked(*captures, **more):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sealpost-test-"))
    try:
        folder.chmod(0o755)
        with Hooked(folder, **more) as system:
            system.before = system.postfix.files()
            system.open_doors(*captures)
            assert system.postfix.files() == system.before
            yield system
    finally:
        shutil.rmtree(folder)


def must_archive(system, *to, how=None):
    """A mail to them is delivered, and archived once with them as recipients."""
    word = system.word()
    data = message(word)
    (how or system.postfix.send)(data, *to)
    system.settle()
    found = system.archive.find(word)
    assert len(found) == 1, (found, system.postfix.log())
    assert system.archive.raw(found[0]) == data
    shown, = system.archived(word)
    assert {r for s in shown["sightings"] for r in s["recipients"]} == set(to)


def test_a_bare_postfix_is_hooked_and_becomes_what_it_was():
    with hooked() as system:
        system.postfix_verb("enable")
        after = system.postfix.files()
        must_archive(system, LOCAL, RELAY, BLIND)
        assert "nothing was changed" in system.postfix_verb("enable")
        assert system.postfix.files() == after
        assert "all is as it must be" in system.postfix_verb("check")
        system.postfix_verb("disable")
        assert system.postfix.files() == system.before
