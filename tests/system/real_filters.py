# SPDX-License-Identifier: GPL-3.0-or-later
"""real_filters - SpamAssassin behind spamass-milter, and amavisd, for a mail system of a test's own.

All that they write lies below that mail system's folder, they listen there or on the loopback, ask nobody
in the network, learn nothing, and end with it.
"""
import pathlib
import re
import shutil
import socket
import subprocess

from postfix import MailSystem, connects, wait_until
from sealpost import ENV, TIMEOUT_S

SPAMD, SPAMASS_MILTER, AMAVISD = "/usr/sbin/spamd", "/usr/sbin/spamass-milter", "/usr/sbin/amavisd"
STOCK_RULES, STOCK_PLUGINS = "/usr/share/spamassassin", pathlib.Path("/etc/spamassassin")

# Everything tests for it: https://spamassassin.apache.org/gtube/
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
# A mail with this is marked as spam, and goes on.
SPAMMY = "buy-our-pills-today"
# Who gets spam all the same.
LOVER = "lover@relay.test"

# The mark is in the subject, too, and a report in the text's place: the archive must show neither.
RULES = f"""
required_score 5
report_safe 1
rewrite_header Subject ***SPAM***
use_bayes 0
skip_rbl_checks 1
trusted_networks 10.255.255.255
body TEST_SPAMMY /{SPAMMY}/
score TEST_SPAMMY 8
"""

AMAVISD_CONF = """
use strict;
$MYHOME = '{folder}';
$TEMPBASE = "$MYHOME/tmp";
$QUARANTINEDIR = "$MYHOME/quarantine";
$quarantine_subdir_levels = 0;
$daemon_user = $daemon_group = 'amavis';
$pid_file = "$MYHOME/amavisd.pid";
$lock_file = "$MYHOME/amavisd.lock";
$do_syslog = 0;
$logfile = "$MYHOME/amavisd.log";
$log_level = 2;
$max_servers = 2;
$enable_db = $enable_zmq = 0;
$mydomain = 'local.test';
$myhostname = 'mail.test';
@local_domains_maps = (['.']);

$inet_socket_bind = '127.0.0.1';
$inet_socket_port = {port};
$forward_method = $notify_method = $release_method = 'smtp:[127.0.0.1]:{back}';
$unix_socketname = "$MYHOME/release.sock";
$interface_policy{{SOCK}} = 'RELEASE';
$policy_bank{{RELEASE}} = {{ protocol => 'AM.PDP', auth_required_release => 0 }};

@bypass_virus_checks_maps = (1);
$sa_local_tests_only = 1;
$sa_configpath = '{stock}';
$sa_siteconfigpath = '{rules}';
$sa_tag_level_deflt = undef;
$sa_tag2_level_deflt = 5;
$sa_kill_level_deflt = 100;
$sa_spam_subject_tag = '***SPAM*** ';
@spam_lovers_maps = (['{lover}']);
$final_spam_destiny = $final_banned_destiny = D_DISCARD;
$final_virus_destiny = $final_bad_header_destiny = D_PASS;
$spam_quarantine_method = 'local:spam-%m';
$banned_files_quarantine_method = 'local:banned-%m';
$bad_header_quarantine_method = undef;
$banned_filename_re = new_RE(qr'.\\.exe$'i);
$virus_admin = $spam_admin = $banned_admin = undef;
$path = '/usr/sbin:/usr/bin:/sbin:/bin';
$file = 'file';
1;
"""


class Daemon:
    """A program that stays in the foreground and says what it does into FOLDER/NAME.log."""

    def __init__(self, folder, name, command, is_ready):
        self.log, self.command, self.is_ready = folder / f"{name}.log", command, is_ready
        self.process = None

    def __enter__(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(list(map(str, self.command)), env=ENV, cwd="/", stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        try:
            wait_until(self.ready, self.said)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(TIMEOUT_S)
        finally:
            self.process.kill()
            self.process.wait()

    def ready(self):
        assert self.process.poll() is None, self.said()
        return self.is_ready()

    def said(self):
        return self.log.read_text(errors="replace")


def folder_of(parent, name, user):
    """A folder that a daemon's user may write to."""
    folder = parent / name
    folder.mkdir(mode=0o750)
    shutil.chown(folder, user, user)
    return folder


def rules(parent):
    """SpamAssassin's own rules stand elsewhere; these say what it is in a test."""
    folder = parent / "rules"
    folder.mkdir(mode=0o755)
    for plugins in STOCK_PLUGINS.glob("*.pre"):
        shutil.copy(plugins, folder)
    (folder / "test.cf").write_text(RULES)
    return folder


def spamd(parent):
    folder = folder_of(parent, "spamd", "debian-spamd")
    command = [SPAMD, "--socketpath", folder / "spamd.sock", "--socketmode=666", "-u", "debian-spamd",
               "--nouser-config", "--local", "--max-children=1", "--helper-home-dir", folder, "-s", "stderr",
               "-C", STOCK_RULES, f"--siteconfigpath={rules(parent)}", "--pidfile", folder / "spamd.pid"]
    return Daemon(parent, "spamd", command, lambda: connects(folder / "spamd.sock"))


def spamass_milter(parent, path):
    """Refuses what SpamAssassin is sure about, and marks what it suspects."""
    command = [SPAMASS_MILTER, "-p", path, "-r", "15", "--", "-U", parent / "spamd" / "spamd.sock"]
    return Daemon(parent, "spamass-milter", command, lambda: connects(path))


class Amavis(Daemon):
    """A filter behind the queue, with its quarantine."""

    def __init__(self, parent, port, back):
        self.home = folder_of(parent, "amavis", "amavis")
        for name in ("tmp", "quarantine"):
            folder_of(self.home, name, "amavis")
        conf = parent / "amavisd.conf"
        conf.write_text(AMAVISD_CONF.format(folder=self.home, port=port, back=back, stock=STOCK_RULES,
                                            rules=rules(parent), lover=LOVER))
        self.socket = self.home / "release.sock"
        super().__init__(parent, "amavisd", [AMAVISD, "-c", conf, "foreground"], lambda: listens(port))

    def said(self):
        own = self.home / "amavisd.log"
        return super().said() + (own.read_text(errors="replace") if own.exists() else "")

    def quarantine(self):
        """The names of what lies in it."""
        return {path.name for path in (self.home / "quarantine").iterdir()}

    def release(self, name):
        """As amavisd-release does: AM.PDP, lines of attributes up to an empty one."""
        mail_id = name.partition("-")[2]
        request = f"request=release\r\nmail_id={mail_id}\r\nmail_file={name}\r\nquar_type=F\r\n\r\n"
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(TIMEOUT_S)
            sock.connect(str(self.socket))
            sock.sendall(request.encode())
            answer = b""
            while not answer.endswith(b"\r\n\r\n") and (more := sock.recv(65536)):
                answer += more
        assert re.search(rb"(?m)^setreply=250 ", answer), (answer, self.said())


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class WithSpamAssassin(MailSystem):
    """A mail system whose other milter is spamass-milter."""

    def other_milter(self):
        folder = self.postfix.folder.parent
        self.stack.enter_context(spamd(folder))
        return spamass_milter(folder, self.postfix.queue / "other.sock")


class WithAmavis(MailSystem):
    """A mail system with amavisd behind its queue."""

    def queue_filter(self):
        post = self.postfix
        return Amavis(post.folder.parent, post.filter_port, post.back_port)
