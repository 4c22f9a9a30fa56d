# SPDX-License-Identifier: GPL-3.0-or-later
"""`sealpost postfix` hooks the archive into a Postfix as it finds it, and takes it out again."""
import contextlib
import itertools
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pytest
from postfix import (DEBIAN_MASTER, HOSTNAME, MAIN_CF, POSTFIX, SUBMISSION, Door, MailSystem, Postfix,
                     entries, wait_until)
from sealpost import BIN_FAST, DONE, ENV, FAILED, TIMEOUT_S, Archive
from sink import Sink
from smtp import certificate
from test_expire import HOUR, age
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
        (self.etc / "main.cf").write_text(self.with_ports(f"# mine\n{mine}\n\n{self.main}# the end\n"))
        (self.etc / "master.cf").write_text(self.master_cf())

    def master_cf(self):
        services = entries(DEBIAN_MASTER.read_text() + SUBMISSION + self.master)
        text = "# services\n" + "\n".join("\n".join(lines) for lines in services.values()) + "\n"
        if self.chroot == "n":
            text = text.replace("  -       y       ", "  -       n       ")
        for was, port in (("\nsmtp      inet", self.port), ("\nsubmission inet", self.submission)):
            text = text.replace(was, f"\n{port} inet")
        return self.with_ports(text)

    def with_ports(self, text):
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
def _folder():
    """One that Postfix's processes can reach."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sealpost-test-"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def ready(*captures, **more):
    """Everything runs, and Postfix is as its administrator left it."""
    with _folder() as folder, Hooked(folder, **more) as system:
        system.before = system.postfix.files()
        system.open_doors(*captures)
        assert system.postfix.files() == system.before
        yield system


class Still:
    """A Postfix that does not run, beside an archive without doors: its files are looked at."""

    def __init__(self, folder, **more):
        self.postfix = Bare(folder, **more)
        self.postfix.install()
        self.archive = Archive(folder / "archive").init()
        self.before = self.postfix.files()

    def verb(self, *args, **more):
        return self.archive.text("postfix", *args, "--config-dir", self.postfix.etc, **more)

    def enable(self, *args, **more):
        return self.verb("enable", "--no-test-mail", *args, **more)

    def value(self, name):
        return self.postfix.run("/usr/sbin/postconf", "-h", name).decode().rstrip("\n")

    def options(self):
        lines = self.postfix.run("/usr/sbin/postconf", "-P").decode().splitlines()
        return dict(line.split(" = ", 1) if " = " in line else (line.rstrip(" ="), "") for line in lines)

    def change(self, *args):
        """By postconf; SUBMISSION is that service."""
        service = f"{self.postfix.submission}/inet"
        self.postfix.run("/usr/sbin/postconf", *(arg.replace("SUBMISSION", service) for arg in args))


@pytest.fixture(name="still")
def _still():
    with _folder() as folder:
        yield Still(folder)


def must_archive(system, *to, how=None, known=None):
    """A mail to them is delivered, and archived once with them as recipients."""
    word = system.word()
    data = message(word)
    (how or system.postfix.send)(data, *to)
    system.settle()
    found = system.archive.find(word)
    assert len(found) == 1, (found, system.postfix.log())
    assert system.archive.raw(found[0]) == data
    shown, = system.archived(word)
    assert {r for s in shown["sightings"] for r in s["recipients"]} == set(known or to)
    assert all(b"copy.invalid" not in mail.data and b"X-Sealpost" not in mail.data
               for mail in system.relay.of(word))


def must_refuse(system, order):
    word = system.word()
    code, _ = system.postfix.try_to_send(message(word, order), [LOCAL])
    assert code == 550
    system.settle()
    assert not system.archive.find(word)


def by_sendmail(system):
    return lambda data, *to: system.postfix.sendmail(data.replace(b"\r\n", b"\n"), "-i", *to)


# --- mail flows -------------------------------------------------------------------------------


def test_a_bare_postfix_is_hooked_and_becomes_what_it_was():
    with ready() as system:
        with Door(system.archive, "archiver", []):
            told, = system.archive.json("postfix", "enable", "--config-dir", system.postfix.etc)
        assert told["changed"] and told["by_smtp"] and told["test_mail_ms"] < 30000
        after = system.postfix.files()
        must_archive(system, LOCAL, RELAY, BLIND)
        must_archive(system, LOCAL, RELAY, how=by_sendmail(system))
        assert "nothing was changed" in system.postfix_verb("enable", "--no-test-mail")
        assert system.postfix.files() == after
        assert "all is as it must be" in system.postfix_verb("check")
        later = time.time() + 3600
        os.utime(system.postfix.etc / "main.cf", (later, later))
        assert "not reloaded" in system.postfix_verb("check", status=FAILED)
        system.postfix_verb("disable")
        assert system.postfix.files() == system.before
        word = system.word()
        system.postfix.send(message(word), RELAY)
        system.settle()
        assert system.relay.of(word) and not system.archive.find(word)


BUSY_MAIN = """smtpd_milters = { unix:other.sock,
# with its own
    default_action=tempfail, protocol=6 }
non_smtpd_milters = $smtpd_milters
mua_restrictions = permit_mynetworks, reject
relay_domains = other.example
transport_maps = inline:{ { other.example = smtp:[127.0.0.1]:1 } }
always_bcc = keeper@relay.test
smtpd_recipient_restrictions =
    permit_mynetworks,
    reject_unauth_destination
smtpd_relay_restrictions = permit_mynetworks, reject
milter_protocol = 2
"""
BUSY_MASTER = """
127.0.0.1:BACK inet n  -       y       -       -       smtpd
    -o smtpd_recipient_restrictions=$mua_restrictions
    -o smtpd_milters=
"""


def test_a_postfix_with_much_of_its_own_keeps_it():
    with ready(main=BUSY_MAIN, master=BUSY_MASTER, chroot="n") as system:
        system.postfix_verb("enable", "--no-test-mail")
        must_archive(system, LOCAL, RELAY, BLIND)
        must_archive(system, RELAY, how=by_sendmail(system))
        must_refuse(system, "reject")
        system.postfix.port, port = system.postfix.back_port, system.postfix.port
        must_archive(system, RELAY)  # the service that other milters do not see
        system.postfix.port = port
        assert any(r.address == "keeper@relay.test" for mail in system.relay.mails
                   for r in mail.recipients)
        system.postfix_verb("disable")
        assert system.postfix.files() == system.before


FILTER_MASTER = """
filter    unix  -       -       y       -       10      smtp
127.0.0.1:BACK inet n  -       y       -       -       smtpd
    -o content_filter=
    -o mynetworks=127.0.0.0/8
    -o smtpd_recipient_restrictions=permit_mynetworks,reject
    -o receive_override_options=no_header_body_checks,no_milters
"""
FILTER_OPTIONS = "    -o content_filter=filter:[127.0.0.1]:FILTER\n"
FILTERS = {
    "main.cf": ("content_filter = filter:[127.0.0.1]:FILTER\n", FILTER_MASTER),
    # mail of this machine goes past the filter
    "one service": ("", "smtp      inet  n       -       y       -       -       smtpd\n"
                    + FILTER_OPTIONS + FILTER_MASTER),
}


@pytest.mark.parametrize("where", FILTERS)
def test_behind_a_filter_what_it_lets_through_is_archived_as_it_came(where):
    main, master = FILTERS[where]
    captures = ["filtered.sock", "bind.sock"] + (["capture.sock"] if where == "one service" else [])
    with ready(*captures, main=OTHER + main, master=master) as system:
        system.postfix_verb("enable", "--no-test-mail")
        must_archive(system, LOCAL, RELAY, BLIND)
        must_archive(system, RELAY, how=by_sendmail(system))
        word = system.word()
        system.postfix.send(message(word, "drop"), RELAY)
        system.settle()
        assert not system.archive.find(word) and not system.relay.of(word)
        must_refuse(system, "reject")
        assert "all is as it must be" in system.postfix_verb("check")
        system.postfix_verb("disable")
        assert system.postfix.files() == system.before


def test_what_keeps_the_test_mail_away_is_told():
    with ready() as system:
        tell = lambda says: system.postfix_verb("enable", "--wait", "2", status=FAILED, says=says)
        tell("sealpost-archiver runs")
        system.settle()
        with system.smtpd.down():
            tell("lmtp.sock does not answer")
        system.postfix.run(POSTFIX, "stop")
        tell("Postfix does not run")
        system.postfix.run(POSTFIX, "start")
        with Door(system.archive, "archiver", []):
            system.postfix_verb("enable")


def test_the_hook_is_not_taken_out_while_a_copy_is_in_the_queue():
    with ready() as system:
        system.postfix_verb("enable", "--no-test-mail")
        after, word = system.postfix.files(), system.word()
        with system.smtpd.down():
            system.postfix.send(message(word), LOCAL)
            wait_until(lambda: system.postfix.mailbox("games"))
            system.postfix_verb("disable", "--wait", "1", status=FAILED, says="would be lost")
            assert system.postfix.files() == after
        system.postfix_verb("disable")
        assert system.postfix.files() == system.before
        assert system.archive.path.joinpath("milter.conf.off").exists()
        assert not system.postfix.waiting_in("active", "deferred", "incoming")


def test_the_queue_of_the_postfix_that_is_hooked_is_asked_for_held_mail():
    with ready() as system:
        system.postfix_verb("enable", "--no-test-mail")
        word = system.word()
        system.postfix.send(message("looks " + word), LOCAL)
        system.settle()
        entry, = system.pending()
        age(system.archive.path / "spool" / "pending" / entry, 2 * HOUR)
        told, = system.archive.json("spool", "expire")
        assert told == {"dropped": 0, "queue_asked": True}
        system.postfix_verb("disable", "--wait", "1", status=FAILED, says="held")
        queue_id, = system.postfix.waiting_in("hold")
        system.postfix.super("-H", queue_id)
        system.postfix.flush()
        system.settle()
        assert len(system.archive.find(word)) == 1
        system.postfix_verb("disable")


def test_after_a_kill_while_copies_are_waited_for_the_files_come_back():
    with ready() as system:
        system.postfix_verb("enable", "--no-test-mail")
        fast = Archive(system.archive.path, BIN_FAST)
        killed = subprocess.run(
            ["strace", "-qq", "-o", "/dev/null", "-e", "trace=rename", "-e", "inject=rename:signal=KILL:when=2",
             *fast.command("postfix", "disable", "--config-dir", system.postfix.etc)],
            env=ENV, capture_output=True, check=False, timeout=TIMEOUT_S)
        assert killed.returncode in (-9, 128 + 9), killed.stderr
        assert b"sealpost_domain" in (system.postfix.etc / "main.cf").read_bytes()
        system.postfix_verb("disable")
        assert system.postfix.files() == system.before


# --- files ------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_difference_and_makes_none(still):
    said = still.enable("--dry-run", "--domain", "archive.example")
    assert "+sealpost_domain = archive.example" in said and "+archive " in said
    assert still.postfix.files() == still.before
    assert not (still.archive.path / "milter.conf").exists()


def test_what_root_writes_into_the_archive_belongs_to_its_owner(still):
    subprocess.run(["chown", "-R", "games", still.archive.path], check=True)
    still.enable()
    assert {path.owner() for path in still.archive.path.rglob("*")} == {"games"}
    assert (still.archive.path / "postfix.conf").exists()
    lines = subprocess.run(["runuser", "-u", "games", "--", *still.archive.command("audit", "list")],
                           env=ENV, capture_output=True, check=True, timeout=TIMEOUT_S).stdout
    assert b"mail server" in lines
    still.verb("disable")
    assert {path.owner() for path in still.archive.path.rglob("*")} == {"games"}
    assert not (still.archive.path / "postfix.conf").exists()


def test_what_somebody_changed_meanwhile_stays_when_the_hook_goes(still):
    still.enable()
    still.change("-e", "smtpd_milters=inet:127.0.0.1:1, $sealpost_capture", "mydestination=mine.test",
                 "transport_maps=$sealpost_transport, hash:/x")
    still.change("-P", "SUBMISSION/smtpd_tls_security_level=may")
    still.verb("disable")
    assert still.value("smtpd_milters") == "inet:127.0.0.1:1"
    assert still.value("transport_maps") == "hash:/x"
    assert still.value("mydestination") == "mine.test"
    assert b"sealpost_" not in (still.postfix.etc / "main.cf").read_bytes()
    assert b"\narchive" not in (still.postfix.etc / "master.cf").read_bytes()
    assert set(still.postfix.files()) == set(still.before)


def test_a_second_archive_domain_replaces_the_first_and_the_way_back_is_the_same(still):
    still.enable("--domain", "one.example")
    still.enable("--domain", "two.example")
    assert still.value("sealpost_domain") == "two.example"
    assert "two\\.example" in (still.postfix.etc / "archive_bcc").read_text()
    still.verb("disable")
    assert still.postfix.files() == still.before


def test_enable_puts_right_what_check_finds(still):
    still.enable()
    still.change("-e", "smtpd_milters=inet:127.0.0.1:1, $sealpost_capture")
    still.verb("check", status=FAILED)
    still.enable()
    assert still.value("smtpd_milters") == "$sealpost_capture, inet:127.0.0.1:1"
    still.verb("disable")
    assert still.value("smtpd_milters") == "inet:127.0.0.1:1"


def test_what_postfix_refuses_is_taken_back():
    with _folder() as folder:
        still = Still(folder, main="inet_protocols = none\n")
        still.enable(status=FAILED, says="put back as it was")
        assert still.postfix.files() == still.before


DRIFTS = {
    "another milter came first": (["-e", "smtpd_milters=inet:127.0.0.1:1, $sealpost_capture"],
                                  "smtpd_milters: the capture is not the first"),
    "the milters were emptied": (["-e", "smtpd_milters="], "smtpd_milters"),
    "a parameter went": (["-X", "recipient_bcc_maps"], "recipient_bcc_maps"),
    "the transport went": (["-MX", "archive/unix"], "master.cf, archive/unix"),
    "a service got milters of its own": (["-P", "SUBMISSION/smtpd_milters=inet:127.0.0.1:1"],
                                         "/inet, smtpd_milters"),
    "a service got checks of its own": (["-P", "SUBMISSION/smtpd_recipient_restrictions=reject"],
                                        "/inet, smtpd_recipient_restrictions"),
    "a proxy came before the queue": (["-e", "smtpd_proxy_filter=127.0.0.1:1"], "smtpd_proxy_filter"),
    "short queue ids": (["-e", "enable_long_queue_ids=no"], "enable_long_queue_ids"),
}


def test_check_names_each_drift(still):
    still.enable()
    good = still.postfix.files()
    for name, (change, says) in DRIFTS.items():
        still.change(*change)
        found = still.verb("check", status=FAILED)
        assert says in found, (name, found)
        for file, data in good.items():
            (still.postfix.etc / file).write_bytes(data)
    (still.postfix.etc / "archive_bcc").write_text("")
    assert "archive_bcc was changed" in still.verb("check", status=FAILED)
    still.postfix.sockets.chmod(0o777)
    assert "rights 777" in still.verb("check", status=FAILED)
    shutil.rmtree(still.postfix.sockets)
    told, = still.archive.json("postfix", "check", "--config-dir", still.postfix.etc, status=FAILED)
    assert told["hooked"] and len(told["wrong"]) >= 2


def test_drift_is_an_alarm_and_a_mail_server_without_a_hook_is_none(still):
    def alarms(status):
        found, = still.archive.json("status", "--check", status=status, talks=True)
        return {alarm["alarm"] for alarm in found["alarms"]}

    warning, critical = 1, 2
    assert "mail_server" not in alarms(warning)
    still.enable()
    still.change("-e", "smtpd_milters=")
    assert "mail_server" in alarms(critical)
    still.verb("disable")
    assert "mail_server" not in alarms(warning)


REFUSALS = {
    "a proxy": ("smtpd_proxy_filter = 127.0.0.1:1\n", "", "smtpd_proxy_filter"),
    "milters by client": ("smtpd_milter_maps = inline:{ { 127.0.0.1 = DISABLE } }\n", "",
                          "smtpd_milter_maps"),
    "copies of its own": ("recipient_bcc_maps = inline:{ { a@b.test = c@d.test } }\n", "",
                          "recipient_bcc_maps"),
    "hooked by hand": ("smtpd_milters = unix:archive/capture.sock\n", "", "by hand"),
    "milters off": ("receive_override_options = no_milters\n", "", "no_milters"),
    "a filter that is a command": ("content_filter = mailman:x\n", "", "is run by pipe"),
    "a filter without a way back": ("content_filter = smtp:[127.0.0.1]:1\n", "", "take it back"),
    "an archive of its own": ("", "archive unix - - y - - lmtp\n", "the name archive"),
    "a service with copies of its own": ("", "cleanup unix n - y - 0 cleanup\n    "
                                         "-o recipient_bcc_maps=\n", "own recipient_bcc_maps"),
    "a route for everything": ("transport_maps = regexp:{ { /./ smtp:[127.0.0.1]:1 } }\n", "",
                               "a route for every address"),
    "a domain of people": ("virtual_alias_domains = archive.invalid\n", "", "delivered to people"),
    "white space in an option": ("", "submission inet n - y - - smtpd\n    "
                                 "-o { smtpd_milters = { unix:x, default_action=accept } }\n",
                                 "white space"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_not_understood_is_refused_and_nothing_changes(case):
    main, master, says = REFUSALS[case]
    with _folder() as folder:
        still = Still(folder, main=main, master=master)
        still.enable(status=FAILED, says=says)
        assert still.postfix.files() == still.before
        assert not (still.archive.path / "milter.conf").exists()


def test_of_several_postfixes_one_is_to_be_named(still):
    """What stands in /etc/postfix is put there for this command alone."""
    with (still.postfix.etc / "main.cf").open("a") as main:
        main.write("multi_instance_directories = /etc/postfix-out\n")
    there = still.postfix.files()

    def by_default(*words):
        command = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/postfix && exec "$@"', still.postfix.etc]
        return subprocess.run([*command, *still.archive.command("postfix", *words)], env=ENV,
                              capture_output=True, check=False, timeout=TIMEOUT_S)

    refused = by_default("enable", "--no-test-mail")
    assert refused.returncode == FAILED and b"--config-dir" in refused.stderr
    assert still.postfix.files() == there
    assert by_default("enable", "--dry-run", "--config-dir", "/etc/postfix").returncode == DONE


def test_the_archives_owner_does_not_lead_root_to_settings_of_his_own(still):
    his = still.postfix.folder.parent / "his"
    shutil.copytree(still.postfix.etc, his)
    shutil.chown(his, "games")
    (still.archive.path / "postfix.conf").write_text(f"config_dir = {his}\n")
    for verb in ("enable", "check", "disable"):
        still.archive.run("postfix", verb, status=FAILED, says="others than root")
    shutil.chown(his, "root")
    (his / "main.cf").chmod(0o666)
    still.archive.run("postfix", "check", status=FAILED, says="others than root")


def test_a_postfix_that_gives_its_mail_to_one_archive_gives_it_to_no_other(still, archive):
    still.enable()
    archive.run("postfix", "enable", "--no-test-mail", "--config-dir", still.postfix.etc, status=FAILED,
                says="already")
    still.verb("disable")
    assert not archive.json("postfix", "check", "--config-dir", still.postfix.etc, status=FAILED)[0]["hooked"]


def test_a_master_cf_that_cannot_be_read_is_refused(still):
    path = still.postfix.etc / "master.cf"
    path.write_text(path.read_text() + "smtps inet n\n")
    before = still.postfix.files()
    still.enable(status=FAILED, says="master.cf")
    assert still.postfix.files() == before


# The state, the table of copies, and the two files; back again, the two files.
@pytest.mark.parametrize("verb, names", [("enable", 4), ("disable", 2)])
def test_after_a_kill_at_any_moment_either_verb_carries_on(still, verb, names):
    """Each name that is put in place may be the last."""
    then = itertools.cycle(["enable", "disable"])
    command = Archive(still.archive.path, BIN_FAST).command("postfix", verb, "--config-dir",
                                                            still.postfix.etc)
    for step in itertools.count(1):
        if verb == "disable":
            still.enable()
        killed = subprocess.run(
            ["strace", "-qq", "-o", "/dev/null", "-e", "trace=rename",
             "-e", f"inject=rename:signal=KILL:when={step}", *command,
             *["--no-test-mail"][verb == "disable":]],
            env=ENV, capture_output=True, check=False, timeout=TIMEOUT_S)
        if killed.returncode == 0:
            break
        assert killed.returncode in (-9, 128 + 9), killed.stderr
        if next(then) == "enable":
            still.enable()
            assert "sealpost_capture" in still.value("smtpd_milters")
        still.verb("disable")
        assert still.postfix.files() == still.before, step
    assert step == names + 1
