# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix - a mail server of the test's own, set up from package/postfix/, with an archive behind it.

Everything of it lies below one folder and listens on the loopback only. Needs root, as Postfix does.
"""
import contextlib
import os
import pathlib
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time

from filters import Milter, Passwords, QueueFilter
from sealpost import BIN_FAST, ENV, ROOT, TIMEOUT_S, Archive
from sink import Sink
from ports import free_port
from smtp import certificate

PACKAGE = ROOT / "package" / "postfix"
POSTFIX = "/usr/sbin/postfix"
DEBIAN_MASTER = pathlib.Path("/usr/share/postfix/master.cf.dist")
ARCHIVE_DOMAIN = "archive.example"
HOSTNAME = "mail.test"
# Two that every Debian has, and a mailbox may be made for.
LOCAL_USERS = ("games", "irc")

# What the administrator of this mail server had set before.
MAIN_CF = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = {hostname}
mydomain = test
myorigin = local.test
mydestination = local.test
mynetworks = 127.0.0.1
disable_dns_lookups = yes
smtpd_peername_lookup = no
relayhost = [127.0.0.1]:{relay_port}
mail_spool_directory = {folder}/mailboxes/
recipient_delimiter = +
local_recipient_maps =
alias_maps = inline:{{ {{ team = games, irc }} }}
alias_database =
virtual_alias_domains = virtual.test
virtual_alias_maps = inline:{{ {{ both@virtual.test = games@local.test, out@relay.test }} }}
header_checks = regexp:{{ {{ /^Subject: looks/ HOLD }} }}
message_size_limit = 51200000
mailbox_size_limit = 0
smtpd_client_connection_count_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
smtpd_sasl_type = dovecot
smtpd_sasl_path = auth
smtpd_tls_cert_file = {folder}/cert.pem
smtpd_tls_key_file = {folder}/key.pem
"""
OTHER_MILTER = "sealpost_other_milters = { unix:other.sock, default_action=tempfail }\n"
SUBMISSION = """
submission inet n - y - - smtpd
    -o smtpd_tls_security_level=encrypt
    -o smtpd_sasl_auth_enable=yes
"""


def entries(text):
    """The services of a master.cf: {(name, type): lines}."""
    found, last = {}, None
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line[0].isspace():
            last = tuple(line.split()[:2])
            found[last] = []
        found[last].append(line)
    return found


class Postfix:
    """One instance. TOPOLOGY is milters, or filter: there is one behind the queue, too. SETTINGS come last in
    main.cf."""

    def __init__(self, folder, topology, settings=""):
        self.folder = folder / "postfix"
        self.etc, self.queue = self.folder / "etc", self.folder / "queue"
        self.sockets = self.queue / "archive"
        self.topology = topology
        self.port, self.submission, self.relay_port = free_port(), free_port(), free_port()
        self.filter_port, self.back_port = free_port(), free_port()
        self.settings = settings

    def install(self):
        """As an administrator would by package/postfix/README.md."""
        for path in (self.folder, self.etc, self.queue, self.folder / "mailboxes"):
            path.mkdir()
        (self.folder / "mailboxes").chmod(0o1777)
        (self.folder / "data").mkdir()
        shutil.chown(self.folder / "data", "postfix")
        self.sockets.mkdir(mode=0o750)
        shutil.chown(self.sockets, "root", "postfix")
        certificate(self.folder)
        shutil.copy(PACKAGE / "archive_bcc", self.etc)
        mine = MAIN_CF.format(folder=self.folder, relay_port=self.relay_port, hostname=HOSTNAME)
        ours = (PACKAGE / "main.cf").read_text().replace("sealpost_other_milters =\n", OTHER_MILTER)
        (self.etc / "main.cf").write_text(f"{mine}\n{ours}\n{self.settings}\n")
        (self.etc / "master.cf").write_text(self.master_cf())

    def master_cf(self):
        """Debian's services and those of the package, with the ports of this instance."""
        parts = [DEBIAN_MASTER.read_text(), SUBMISSION, (PACKAGE / "master.cf").read_text()]
        if self.topology == "filter":
            parts.append((PACKAGE / "filter" / "master.cf").read_text())
        services = {}
        for part in parts:
            services.update(entries(part))
        text = "\n".join("\n".join(lines) for lines in services.values()) + "\n"
        for was, port in ((r"^smtp(?=\s+inet)", self.port), (r"^submission(?=\s+inet)", self.submission),
                          (r"(?<=127\.0\.0\.1:)10025", self.back_port),
                          (r"(?<=127\.0\.0\.1\]:)10024", self.filter_port)):
            text = re.sub(was, str(port), text, flags=re.MULTILINE)
        return text

    def run(self, program, *args, status=0, **more):
        done = subprocess.run([program, "-c", str(self.etc), *args], capture_output=True, env=ENV,
                              timeout=TIMEOUT_S, check=False, **more)
        assert done.returncode == status, (done.stderr.decode(), self.log())
        return done.stdout

    def __enter__(self):
        self.install()
        self.run(POSTFIX, "start")
        return self

    def __exit__(self, *_):
        self.run(POSTFIX, "stop")

    def log(self):
        path = self.folder / "mail.log"
        return path.read_text() if path.exists() else ""

    # --- sending ---

    @contextlib.contextmanager
    def client(self, name="client.test"):
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname=name, timeout=TIMEOUT_S) as client:
            client.ehlo()
            yield client

    def try_to_send(self, data, recipients, sender="anna@sender.test", mail_params=(), rcpt_params=()):
        """Bytes go as they are, but for dots. The last reply, (code, text)."""
        with self.client() as client:
            reply = client.mail(sender, mail_params)
            for recipient in recipients:
                if reply[0] // 100 == 2:
                    reply = client.rcpt(recipient, rcpt_params)
            if reply[0] // 100 != 2 or (reply := client.docmd("DATA"))[0] != 354:
                return reply
            client.send(re.sub(rb"(?m)^\.", b"..", data) + b".\r\n")
            return client.getreply()

    def send(self, data, *recipients, **more):
        code, text = self.try_to_send(data, recipients, **more)
        assert code == 250, text

    def submit(self, data, *recipients):
        """As a person does: encrypted, and logged in."""
        with smtplib.SMTP("127.0.0.1", self.submission, local_hostname="laptop.test") as client:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            client.starttls(context=context)
            client.login("anna", "x")
            client.sendmail("anna@sender.test", recipients, data)

    def sendmail(self, data, *args):
        """As a program of this machine does."""
        subprocess.run(["/usr/sbin/sendmail", "-C", str(self.etc), *args], input=data, check=True,
                       env=ENV, timeout=TIMEOUT_S)

    # --- the queue ---

    def super(self, *args):
        self.run("/usr/sbin/postsuper", *args)

    def flush(self):
        self.run("/usr/sbin/postqueue", "-f")

    def waiting_in(self, *names):
        """The ids of the mails in these queues."""
        return {file for name in names for _, _, files in os.walk(self.queue / name) for file in files}

    def has_work(self):
        """Twice, in the direction in which mail moves: what moves on meanwhile is seen the second time."""
        return any(self.waiting_in(name) for _ in range(2)
                   for name in ("maildrop", "incoming", "active", "deferred"))

    def mailbox(self, user):
        """The mails of a local user."""
        return [path.read_bytes() for path in sorted((self.folder / "mailboxes" / user).glob("new/*"))]


class Door:
    """A daemon of ours beside the mail server."""

    def __init__(self, archive, name, sockets):
        self.archive, self.name, self.sockets = archive, name, sockets
        self.log = archive.path.parent / f"{name}.log"
        self.process = None

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [f"{self.archive.binary}-{self.name}", "--archive", str(self.archive.path)],
                env=ENV, stderr=log, stdin=subprocess.DEVNULL)
        wait_until(self.is_ready, self.said)

    def is_ready(self):
        assert self.process.poll() is None, self.said()
        return all(connects(path) for path in self.sockets)

    def said(self):
        return self.log.read_text()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(TIMEOUT_S) == 0, self.said()
        assert "Sanitizer" not in self.said() and "runtime error" not in self.said(), self.said()

    @contextlib.contextmanager
    def down(self):
        """Without it, for a while."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            self.process.kill()
            self.process.wait()


def connects(path):
    with socket.socket(socket.AF_UNIX) as probe:
        return path.exists() and probe.connect_ex(str(path)) == 0


def wait_until(what, says=lambda: ""):
    """A state, not a time: what it is, as soon as there is something."""
    end = time.monotonic() + TIMEOUT_S
    while not (found := what()):
        assert time.monotonic() < end, f"it does not come to that\n{says()}"
        time.sleep(0.01)
    return found


class MailSystem:
    """A mail server with its filters, its relay, and an archive with its doors."""

    def __init__(self, folder, topology, settings=""):
        self.postfix = Postfix(folder, topology, settings)
        self.archive = Archive(folder / "archive")
        self.words = 0
        self.stack = contextlib.ExitStack()
        self.relay = self.filter = self.smtpd = self.milter = None

    def __enter__(self):
        enter = self.stack.enter_context
        with self.stack:
            post = self.postfix
            self.archive.init()
            enter(post)
            sockets = [post.sockets / "capture.sock"]
            if post.topology == "filter":
                sockets.append(post.sockets / "bind.sock")
            self.configure("smtpd.conf", PACKAGE / "smtpd.conf")
            self.configure("milter.conf", PACKAGE / ("filter" if len(sockets) > 1 else "") / "milter.conf")
            self.relay = enter(Sink(post.relay_port))
            self.filter = enter(self.queue_filter())
            enter(self.other_milter())
            enter(Passwords(post.queue / "auth"))
            for path in ("other.sock", "auth"):
                (post.queue / path).chmod(0o666)
            self.smtpd = enter(Door(self.archive, "smtpd", [post.sockets / "lmtp.sock"]))
            self.milter = enter(Door(self.archive, "milter", sockets))
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def queue_filter(self):
        """What stands behind the queue; a kind of mail system with a real filter has it here."""
        return QueueFilter(self.postfix.filter_port, self.postfix.back_port)

    def other_milter(self):
        """What stands beside our milter, at other.sock in Postfix's queue."""
        return Milter(self.postfix.queue / "other.sock")

    def configure(self, name, template):
        """A door's settings, with the paths and the name of this machine."""
        text = template.read_text().replace("/var/spool/postfix", str(self.postfix.queue))
        text = re.sub(r"(?m)^hostname = .*", f"hostname = {HOSTNAME}", text)
        (self.archive.path / name).write_text(text + "user =\n")

    def word(self):
        """One that no other mail has."""
        self.words += 1
        return f"word{self.words:05d}x"

    def settle(self):
        """Wait until the mail server has nothing to do, and the archive has taken what came."""
        wait_until(lambda: not self.postfix.has_work(), self.postfix.log)
        done = subprocess.run([f"{BIN_FAST}-archiver", "--archive", str(self.archive.path), "--once"],
                              env=ENV, capture_output=True, timeout=TIMEOUT_S, check=False)
        assert done.returncode == 0 and not done.stderr, done.stderr
        assert not self.entries("ready") and not self.entries("stuck")

    def archived(self, word):
        """What the archive shows of the mails with a word."""
        return [self.archive.json("show", mail)[0] for mail in self.archive.find(word)]

    def entries(self, state):
        """The ids of the spool's entries; the folders come with the first mail."""
        folder = self.archive.path / "spool" / state
        return {path.name for path in folder.iterdir()} if folder.exists() else set()

    def pending(self):
        return self.entries("pending")


@contextlib.contextmanager
def running(topology, settings="", kind=MailSystem):
    """A mail system in a folder of its own, which other users can reach: Postfix's processes are some. KIND
    is one with other filters."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sealpost-test-"))
    try:
        folder.chmod(0o755)
        with kind(folder, topology, settings) as system:
            yield system
    finally:
        shutil.rmtree(folder)
