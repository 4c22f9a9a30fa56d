# SPDX-License-Identifier: GPL-3.0-or-later
"""sink - the mail servers that a test's own mail server hands its mail to."""
import collections
import contextlib
import re
import socketserver
import threading

from sealpost import TIMEOUT_S

Mail = collections.namedtuple("Mail", "sender params recipients data")
Recipient = collections.namedtuple("Recipient", "address params")


class _Session(socketserver.StreamRequestHandler):
    """SMTP (RFC 5321) or LMTP (RFC 2033), as far as Postfix says it."""

    timeout = TIMEOUT_S

    def say(self, *lines):
        for line in lines[:-1]:
            self.wfile.write(line[:3].encode() + b"-" + line[4:].encode() + b"\r\n")
        self.wfile.write(lines[-1].encode() + b"\r\n")

    def handle(self):
        self.reset()
        self.say("220 sink.test")
        with contextlib.suppress(ConnectionError, TimeoutError):
            while line := self.rfile.readline():
                if not self.answer(line.decode("utf-8", "surrogateescape").rstrip("\r\n")):
                    break

    def reset(self):
        self.sender, self.params, self.recipients = None, "", []

    def answer(self, line):
        verb = line.split(" ", 1)[0].upper()
        if verb == "QUIT":
            self.say("221 bye")
            return False
        if verb in ("EHLO", "LHLO"):
            self.say("250 sink.test", "250 PIPELINING", "250 8BITMIME", "250 SMTPUTF8", "250 DSN",
                     "250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE")
        elif verb == "DATA":
            self.say("354 go on")
            self.take()
        else:
            if verb in ("MAIL", "RCPT"):
                self.say(self.note(verb, line))
            else:
                self.say("250 ok")
            if verb in ("RSET", "HELO"):
                self.reset()
        return True

    def note(self, verb, line):
        address, params = re.fullmatch(r"\w+ (?:FROM|TO):<(.*)>(?: (.*))?", line).groups("")
        if verb == "MAIL":
            self.sender, self.params = address, params
            return "250 ok"
        reply = self.server.owner.recipient(address)
        if reply.startswith("2"):
            self.recipients.append(Recipient(address, params))
        return reply

    def take(self):
        data = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise ConnectionError
            data.append(line[1:] if line.startswith(b".") else line)
        mail = Mail(self.sender, self.params, self.recipients, b"".join(data))
        reply = self.server.owner.mail(mail)
        for _ in mail.recipients if self.server.owner.lmtp else (1,):
            self.say(reply)
        self.reset()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 100


class Sink:
    """Takes every mail and keeps it in MAILS; recipients named gone@ there are not. ADDRESS is a port, or the
    path of a Unix socket. Its own kind of server says other things in recipient() and mail()."""

    def __init__(self, address, lmtp=False):
        self.lmtp = lmtp
        self.mails = []
        if isinstance(address, int):
            self.server = _Server(("127.0.0.1", address), _Session)
        else:
            self.server = _UnixServer(str(address), _Session)
        self.server.owner = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    def recipient(self, address):
        """The reply to RCPT."""
        return "550 5.1.1 nobody here" if address.startswith("gone@") else "250 ok"

    def mail(self, mail):
        """The reply to a mail."""
        self.mails.append(mail)
        return "250 2.0.0 taken"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def of(self, word):
        """The mails that hold a word."""
        return [mail for mail in self.mails if word.encode() in mail.data]
