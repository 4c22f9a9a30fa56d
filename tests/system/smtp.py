# SPDX-License-Identifier: GPL-3.0-or-later
"""smtp - sealpost-smtpd at work, and clients that say to it exactly what a test wants said."""
import base64
import contextlib
import hashlib
import hmac
import re
import select
import signal
import socket
import ssl
import subprocess
import threading

from ports import free_port
from sealpost import ENV, TIMEOUT_S

DOMAIN = "archive.example"


def certificate(folder):
    """A certificate for localhost and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-keyout", str(key), "-out", str(cert)],
                   check=True, capture_output=True)
    return cert, key


class Smtpd:
    """The daemon of an archive, listening by SMTP on PORT and by LMTP on a Unix socket."""

    def __init__(self, archive, binary=None, **settings):
        self.archive = archive
        self.binary = (binary or archive.binary) + "-smtpd"
        self.port = free_port()
        self.socket = archive.path / "lmtp.sock"
        self.log = []
        values = {"listen": [f"smtp 127.0.0.1:{self.port}", f"lmtp unix:{self.socket}"],
                  "user": "", "hostname": "mx.example", "archive_domain": DOMAIN,
                  "reserve_bytes": 0, **settings}
        lines = [f"{name} = {value}" for name, given in values.items()
                 for value in (given if isinstance(given, list) else [given])]
        (archive.path / "smtpd.conf").write_text("\n".join(lines) + "\n")
        self.process = self.reader = None

    def __enter__(self):
        self.process = subprocess.Popen(
            [self.binary, "--archive", str(self.archive.path), "--verbose"], env=ENV,
            stderr=subprocess.PIPE)
        line = self.process.stderr.readline()
        while b"smtpd ready" not in line:
            assert line, "the daemon did not start: " + b"".join(self.log).decode()
            self.log.append(line)
            line = self.process.stderr.readline()
        # Somebody has to read on, or a talkative daemon waits for ever.
        self.reader = threading.Thread(target=self.log.extend, args=(self.process.stderr,))
        self.reader.start()
        return self

    def __exit__(self, kind, *_):
        """It goes in good order when it is asked to."""
        try:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            self.process.wait(TIMEOUT_S)
        finally:
            self.process.kill()
            self.process.wait()
            self.reader.join()
            self.process.stderr.close()
        said = b"".join(self.log).decode("utf-8")
        assert "Sanitizer" not in said and "runtime error" not in said, said
        assert kind or self.process.returncode in (0, -signal.SIGKILL), said

    def smtp(self, hello=True, **more):
        client = Client(socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S, **more))
        greeting = client.reply()
        assert greeting[0] == 220, greeting
        if hello:
            assert client.say("EHLO client.example")[0] == 250
        return client

    def lmtp(self, hello=True):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(TIMEOUT_S)
        sock.connect(str(self.socket))
        client = Client(sock)
        assert client.reply()[0] == 220
        if hello:
            assert client.say("LHLO mx.example")[0] == 250
        return client

    def children(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children",
                  encoding="ascii") as f:
            return [int(pid) for pid in f.read().split()]


class Client:
    """One connection. A reply is (code, text), its lines joined by newlines."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def line(self):
        while b"\n" not in self.buffer:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError(self.buffer)
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        assert line.endswith(b"\r"), line
        return line[:-1].decode()

    def reply(self):
        lines = [self.line()]
        while lines[-1][3] == "-":
            lines.append(self.line())
        assert re.fullmatch(r"[2345]\d\d", lines[0][:3]), lines
        return int(lines[0][:3]), "\n".join(line[4:] for line in lines)

    def say(self, command):
        self.send(command + "\r\n")
        return self.reply()

    def says(self, *commands):
        """The codes of commands said one by one."""
        return [self.say(command)[0] for command in commands]

    def begin(self, *recipients, sender="anna@example.org", params=""):
        assert self.say(f"MAIL FROM:<{sender}>{params}")[0] == 250
        for recipient in recipients or (f"x@{DOMAIN}",):
            assert self.say(f"RCPT TO:<{recipient}>")[0] == 250

    def data(self, mail, replies=1):
        """The bytes as they are, and the replies to them."""
        assert self.say("DATA")[0] == 354
        self.send(mail + b".\r\n")
        return [self.reply() for _ in range(replies)]

    def mail(self, mail, *recipients, **more):
        self.begin(*recipients, **more)
        (reply,) = self.data(mail)
        assert reply[0] == 250, reply

    def is_closed(self):
        """Nothing more is said, and the other side has hung up."""
        assert not self.buffer, self.buffer
        with contextlib.suppress(ConnectionResetError):
            assert self.sock.recv(1) == b""
        return True

    def has_input(self, seconds):
        return bool(select.select([self.sock], [], [], seconds)[0])

    def start_tls(self, **versions):
        assert self.say("STARTTLS")[0] == 220
        self.handshake(**versions)

    def handshake(self, **versions):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        for name, version in versions.items():
            setattr(context, name, version)
        self.sock = context.wrap_socket(self.sock)


def plain(name, password):
    return base64.b64encode(f"\0{name}\0{password}".encode()).decode()


def login(text):
    return base64.b64encode(text.encode()).decode()


def token(archive, entry):
    """What the milter writes for an entry: its id, and the proof that it is ours."""
    key = bytes.fromhex((archive.path / "spool" / "token.key").read_text().strip())
    raw = bytes.fromhex(entry.replace("-", ""))
    proof = hmac.new(key, b"sealpost token v1" + raw, hashlib.sha256).hexdigest()[:24]
    return f"{raw.hex()}.{proof}"
