# SPDX-License-Identifier: GPL-3.0-or-later
"""dovecot - a private Dovecot with TLS from a private CA, as a foreign server to fetch from."""
import contextlib
import datetime
import imaplib
import ipaddress
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ports import free_port

PASSWORD = 'pass "wörd\\'  # what has to be quoted, or sent as a literal
USER = "anna"
OWNER = "backup"  # stock user of a Debian system, who owns the mailboxes
START_S = 30

CONF = """
auth_failure_delay = 0
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
info_log_path = {dir}/info.log
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{dir}/server.crt
ssl_key = <{dir}/server.key
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
mail_location = maildir:~/Maildir
mail_home = {dir}/mail/%u
mail_uid = {owner}
mail_gid = {owner}
first_valid_uid = 1
mail_max_userip_connections = 50
mail_fsync = never
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {dir}/users
  mechanisms = plain login
}}
{oauth}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home={dir}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
  mailbox Trash {{
    auto = create
    special_use = \\Trash
  }}
  mailbox Drafts {{
    auto = create
    special_use = \\Drafts
  }}
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
{extra}
"""

OAUTH = """
passdb {{
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {dir}/oauth2.conf.ext
}}
"""


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject, key, issuer, issuer_key, *extensions):
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer))
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now - datetime.timedelta(days=1))
               .not_valid_after(now + datetime.timedelta(days=1)))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, hashes.SHA256())


def make_certificates(path):
    """PATH/ca.crt, other-ca.crt, server.crt and server.key, for localhost and 127.0.0.1."""
    def pem(what):
        return what.public_bytes(serialization.Encoding.PEM)

    keys = {}
    for ca in ("ca", "other-ca"):
        keys[ca] = ec.generate_private_key(ec.SECP256R1())
        (path / f"{ca}.crt").write_bytes(pem(_certificate(
            ca, keys[ca], ca, keys[ca], (x509.BasicConstraints(True, None), True))))
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"),
                                         x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    (path / "server.crt").write_bytes(pem(_certificate(
        "localhost", key, "ca", keys["ca"], (names, False), (x509.BasicConstraints(False, None), True))))
    (path / "server.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))


class Dovecot:
    """One that runs, with its ports imap, imaps, pop3 and pop3s, and ca, the file of its CA."""

    def __init__(self, path, oauth_url=None, separator="/", extra=""):
        self.path = pathlib.Path(path)
        self.ca = self.path / "ca.crt"
        self.other_ca = self.path / "other-ca.crt"
        ports = {name: free_port() for name in ("imap", "imaps", "pop3", "pop3s")}
        self.imap, self.imaps, self.pop3, self.pop3s = ports.values()
        for folder in ("run", "state", "mail"):
            (self.path / folder).mkdir(parents=True)
        self.path.chmod(0o755)
        make_certificates(self.path)
        # all at once: Dovecot looks for changes once a second
        (self.path / "users").write_text("".join(
            f"{name}:{{PLAIN}}{PASSWORD}\n" for name in (USER, *(f"user{n}" for n in range(1, 100)))))
        self.n_users = 0
        if oauth_url:
            (self.path / "oauth2.conf.ext").write_text(
                f"introspection_mode = post\nintrospection_url = {oauth_url}\n"
                "username_attribute = sub\nactive_attribute = active\nactive_value = true\n")
        (self.path / "dovecot.conf").write_text(CONF.format(
            dir=self.path, owner=OWNER, separator=separator, extra=extra, **ports,
            mechanisms="plain login" + (" oauthbearer xoauth2" if oauth_url else ""),
            oauth=OAUTH.format(dir=self.path) if oauth_url else ""))
        shutil.chown(self.path / "mail", OWNER, OWNER)
        self.process = None

    def new_user(self):
        """One that nobody has used yet."""
        self.n_users += 1
        return f"user{self.n_users}"

    def start(self):
        self.process = subprocess.Popen(["dovecot", "-F", "-c", str(self.path / "dovecot.conf")],
                                        stdin=subprocess.DEVNULL)
        begun = time.monotonic()
        while True:
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", self.imap), 1) as s:
                    if s.recv(4) == b"* OK":
                        return self
            assert self.process.poll() is None and time.monotonic() - begun < START_S
            time.sleep(0.01)

    def kill_sessions(self):
        """As if the machine had crashed, for all who are connected."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in tasks.read_text().split():
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() in ("imap", "pop3"):
                    os.kill(int(pid), signal.SIGKILL)

    def stop(self):
        """Gone, with all its sessions."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(START_S)
        self.process = None

    def client(self, user=USER):
        """A mail program's own session."""
        client = imaplib.IMAP4("127.0.0.1", self.imap)
        client.authenticate("PLAIN", lambda _: f"\0{user}\0{PASSWORD}".encode())
        return client

    def maildir(self, folder="INBOX", user=USER):
        """Where the mails of a folder lie; FOLDER in Maildir's own spelling, ".Sent"."""
        base = self.path / "mail" / user / "Maildir"
        return base if folder == "INBOX" else base / folder

    def deliver(self, mails, folder="INBOX", user=USER):
        """Put mails (bytes) into a folder, unseen; their file names."""
        box = self.maildir(folder, user)
        for part in ("", "cur", "new", "tmp"):
            (box / part).mkdir(parents=True, exist_ok=True)
        names = []
        for mail in mails:
            names.append(f"{time.time_ns()}.M{len(names)}.test")
            (box / "new" / names[-1]).write_bytes(mail)
        for path in (self.path / "mail" / user).rglob("*"):
            shutil.chown(path, OWNER, OWNER)
        shutil.chown(self.path / "mail" / user, OWNER, OWNER)
        return names

    def mails(self, folder="INBOX", user=USER):
        """UID: (flags, bytes) of all mails in a folder, without changing anything."""
        client = self.client(user)
        answer = client.select(f'"{folder}"', readonly=True)
        found = {}
        if answer[0] == "OK" and answer[1] != [b"0"]:
            for row in client.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")[1]:
                if isinstance(row, tuple):
                    head = row[0].decode()
                    flags = head.split("FLAGS (")[1].split(")")[0]
                    found[int(head.split("UID ")[1].split()[0])] = (set(flags.split()), row[1])
        client.logout()
        return found

    def folders(self, user=USER):
        client = self.client(user)
        names = [row.decode().rsplit(' "/" ', 1)[-1].strip('"') for row in client.list()[1]]
        client.logout()
        return sorted(names)


@contextlib.contextmanager
def running(folder, **options):
    """A Dovecot in FOLDER/dovecot, stopped in the end. Errors in its log fail the test."""
    if os.geteuid() != 0:
        pytest.skip("a private Dovecot needs root to start")
    # the users that own mailbox and login processes must get through
    pathlib.Path(folder).chmod(0o755)
    server = Dovecot(pathlib.Path(folder) / "dovecot", **options)
    try:
        yield server.start()
    finally:
        server.stop()


def tls_context(server):
    return ssl.create_default_context(cafile=str(server.ca))
