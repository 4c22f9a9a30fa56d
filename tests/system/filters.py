# SPDX-License-Identifier: GPL-3.0-or-later
"""filters - a milter and a filter behind the queue that do what a mail's subject tells them.

"Subject: [tag] word" is tagged, and so on; a subject without a word in brackets passes.
"""
import contextlib
import re
import smtplib
import socketserver
import struct
import threading

from sealpost import TIMEOUT_S
from sink import Sink

REPLACED = b"The attachment was taken out.\r\n"
ADDED = "added@relay.test"

ADDHDRS, CHGBODY, ADDRCPT, DELRCPT, CHGHDRS, QUARANTINE = 1, 2, 4, 8, 0x10, 0x20
# What is not asked for: steps whose events this milter has no use for.
NOCONNECT, NOHELO, NOMAIL, NOBODY, NOEOH = 1, 2, 4, 0x10, 0x40


def order(subject):
    """The word in brackets."""
    found = re.match(rb"\s*\[(\w+)\]", subject)
    return found.group(1).decode() if found else ""


class _MilterSession(socketserver.BaseRequestHandler):
    """The filter's side of the milter protocol: length (4 bytes), letter, what belongs to it."""

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.request.recv(n - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data

    def say(self, letter, data=b""):
        self.request.sendall(struct.pack(">I", len(data) + 1) + letter + data)

    def handle(self):
        self.request.settimeout(TIMEOUT_S)
        with contextlib.suppress(ConnectionError, TimeoutError):
            while True:
                length, = struct.unpack(">I", self.read(4))
                packet = self.read(length)
                letter, data = packet[:1], packet[1:]
                if letter == b"Q":
                    return
                if letter not in b"DA":  # macros and aborts are not answered
                    self.answer(letter, data)

    def answer(self, letter, data):
        if letter == b"O":
            self.say(b"O", struct.pack(">III", 6, ADDHDRS | CHGBODY | ADDRCPT | DELRCPT | CHGHDRS
                                       | QUARANTINE,
                                       NOCONNECT | NOHELO | NOMAIL | NOBODY | NOEOH))
            return
        if letter == b"R" and data.startswith(b"<refused@"):
            self.say(b"r")
            return
        if letter == b"L" and data.lower().startswith(b"subject\0"):
            self.order = order(data[8:])
        if letter == b"E":
            self.judge(self.order)
            self.order = ""
        else:
            self.say(b"c")

    order = ""

    def judge(self, word):
        """Say what becomes of the mail."""
        last = {"reject": b"r", "tempfail": b"t", "discard": b"d"}.get(word, b"c")
        if word == "hold":
            self.say(b"q", b"looks bad\0")
        elif word == "tag":
            self.say(b"h", b"X-Spam-Flag\0YES\0")
        elif word == "replace":
            self.say(b"b", REPLACED)
        elif word == "delrcpt":
            self.say(b"-", b"<deleted@relay.test>\0")
        elif word == "addrcpt":
            self.say(b"+", b"<" + ADDED.encode() + b">\0")
        self.say(last)


class _Served:
    """A server on a Unix socket, for as long as it is entered."""

    session = None

    def __init__(self, path):
        self.server = socketserver.ThreadingUnixStreamServer(str(path), self.session)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Milter(_Served):
    """Any milter but ours."""

    session = _MilterSession


class QueueFilter(Sink):
    """A filter behind the queue: takes mail on PORT and, if it likes it, hands it back on BACK."""

    def __init__(self, port, back):
        super().__init__(port)
        self.back = back
        self.quarantine = []
        self.refusing = False

    def recipient(self, address):
        return "250 ok"

    def mail(self, mail):
        subject = re.search(rb"(?im)^Subject:(.*)", mail.data)
        word = order(subject.group(1)) if subject else ""
        recipients = mail.recipients
        if self.refusing:
            return "451 4.3.0 not now"
        if word == "refuse":
            return "550 5.7.1 not this one"
        if word == "quarantine":
            self.quarantine.append((mail, recipients))
        elif word == "half":
            self.quarantine.append((mail, recipients[1:]))
            self.hand_back(mail, recipients[:1])
        elif word == "split":
            for recipient in recipients:
                self.hand_back(mail, [recipient])
        elif word != "drop":
            self.hand_back(self.changed(mail, word), recipients)
        return "250 2.0.0 filtered"

    @staticmethod
    def changed(mail, word):
        head, gap, body = mail.data.partition(b"\r\n\r\n")
        if word == "strip":
            head = re.sub(rb"(?im)^X-.*\r\n", b"", head + b"\r\n")[:-2]
        elif word == "mark":
            head = b"X-Spam-Flag: YES\r\n" + head
        elif word == "cut":
            body = REPLACED
        return mail._replace(data=head + gap + body)

    def hand_back(self, mail, recipients):
        with smtplib.SMTP("127.0.0.1", self.back, local_hostname="filter.test") as back:
            back.ehlo()
            reply = back.mail(mail.sender, re.findall("SMTPUTF8", mail.params))
            for recipient in recipients:
                if reply[0] == 250:
                    reply = back.rcpt(recipient.address, [recipient.params])
            if reply[0] == 250:
                reply = back.data(mail.data)
            if reply[0] != 250:
                raise ConnectionError(reply)

    def release(self):
        """Hand back all that is in quarantine, one after the other."""
        while self.quarantine:
            self.hand_back(*self.quarantine[0])
            self.quarantine.pop(0)

    @contextlib.contextmanager
    def away(self):
        """It takes nothing for a while."""
        self.refusing = True
        try:
            yield
        finally:
            self.refusing = False


class _AuthSession(socketserver.StreamRequestHandler):
    """Dovecot's authentication protocol, as Postfix says it; every password is right."""

    def handle(self):
        self.wfile.write(b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t1\nDONE\n")
        for line in self.rfile:
            words = line.decode().rstrip("\n").split("\t")
            if words[0] == "AUTH":
                self.wfile.write(f"OK\t{words[1]}\tuser=anna\n".encode())


class Passwords(_Served):
    """Lets everybody in, as anna."""

    session = _AuthSession
