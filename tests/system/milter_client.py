# SPDX-License-Identifier: GPL-3.0-or-later
"""milter_client - the mail server's side of the milter protocol, version 6, as Postfix speaks it.

A packet is a length (4 bytes, big-endian), a letter, and what belongs to it; texts end in a NUL.
"""
import contextlib
import socket
import struct

from sealpost import TIMEOUT_S

# actions
ADDHDRS, CHGHDRS, ADDRCPT_PAR = 0x01, 0x10, 0x80
ALL_ACTIONS = 0x1ff
# steps
NOCONNECT, NOHELO, NOMAIL, NORCPT, NOBODY, NOHDRS, NOEOH = (1 << n for n in range(7))
NR_HDR, NOUNKNOWN, NODATA, SKIP, RCPT_REJ = (1 << n for n in range(7, 12))
NR_CONN, NR_HELO, NR_MAIL, NR_RCPT = (1 << n for n in range(12, 16))
NR_DATA, NR_UNKN, NR_EOH, NR_BODY = (1 << n for n in range(16, 20))
LEADSPC = 1 << 20
ALL_STEPS = 0x1fffff
CHUNK = 65535

# letter: what must not be sent, what is not answered
STEPS = {b"C": (NOCONNECT, NR_CONN), b"H": (NOHELO, NR_HELO), b"M": (NOMAIL, NR_MAIL),
         b"R": (NORCPT, NR_RCPT), b"T": (NODATA, NR_DATA), b"L": (NOHDRS, NR_HDR),
         b"N": (NOEOH, NR_EOH), b"B": (NOBODY, NR_BODY)}
CONTINUE, ACCEPT, TEMPFAIL, REJECT, REPLYCODE, PROGRESS = b"c", b"a", b"t", b"r", b"y", b"p"


class Lost(Exception):
    """The milter has closed the connection."""


def texts(*parts):
    return b"".join(p + b"\0" for p in parts)


class Client:
    """One connection to a milter."""

    def __init__(self, path, actions=ALL_ACTIONS, steps=ALL_STEPS):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT_S)
        self.socket.connect(str(path))
        self.send(b"O", struct.pack(">III", 6, actions, steps))
        letter, data = self.receive()
        assert letter == b"O"
        self.version, self.actions, self.steps = struct.unpack(">III", data[:12])

    def close(self):
        self.socket.close()

    def send(self, letter, data=b""):
        try:
            self.socket.sendall(struct.pack(">I", len(data) + 1) + letter + data)
        except (BrokenPipeError, ConnectionResetError) as gone:
            raise Lost from gone

    def read(self, n):
        data = b""
        while len(data) < n:
            try:
                more = self.socket.recv(n - len(data))
            except ConnectionResetError as gone:
                raise Lost from gone
            if not more:
                raise Lost
            data += more
        return data

    def receive(self):
        data = self.read(struct.unpack(">I", self.read(4))[0])
        return data[:1], data[1:]

    def step(self, letter, data=b"", macros=None):
        """Send what the milter wants to hear; its answer, CONTINUE if it gives none."""
        never, unanswered = STEPS[letter]
        if self.steps & never:
            return CONTINUE, b""
        if macros is not None:
            pairs = [p for name, value in macros.items() for p in (name.encode(), value)]
            self.send(b"D", letter + texts(*pairs))
        self.send(letter, data)
        return (CONTINUE, b"") if self.steps & unanswered else self.receive()

    # What a mail server says, one after the other.

    def connect(self, name=b"client.example.org", addr=b"192.0.2.1", family=b"4", macros=None):
        place = family + struct.pack(">H", 4711) + texts(addr)
        return self.step(b"C", texts(name) + place, macros)

    def helo(self, name=b"client", macros=None):
        return self.step(b"H", texts(name), macros)

    def mail(self, sender=b"<anna@example.org>", *params, macros=None):
        return self.step(b"M", texts(sender, *params), macros)

    def rcpt(self, address=b"<ben@example.com>", *params, macros=None):
        return self.step(b"R", texts(address, *params), macros)

    def data(self):
        return self.step(b"T")

    def header(self, name, value):
        if not self.steps & LEADSPC:
            value = value.removeprefix(b" ")
        return self.step(b"L", texts(name, value))

    def end_of_header(self):
        return self.step(b"N")

    def body(self, data):
        for at in range(0, len(data), CHUNK):
            answer = self.step(b"B", data[at:at + CHUNK])
            if answer[0] != CONTINUE:
                return answer
        return CONTINUE, b""

    def end(self, macros=None):
        """The end of the mail: the milter's verdict, its text, and what it wants changed."""
        if macros is not None:
            pairs = [p for name, value in macros.items() for p in (name.encode(), value)]
            self.send(b"D", b"E" + texts(*pairs))
        self.send(b"E")
        changes = []
        while True:
            letter, data = self.receive()
            if letter in (CONTINUE, ACCEPT, TEMPFAIL, REJECT, REPLYCODE):
                return letter, data.rstrip(b"\0"), changes
            changes.append((letter, data))

    def abort(self):
        self.send(b"A")

    def quit(self):
        self.send(b"Q")
        self.close()

    def new_connection(self):
        """QUIT_NC: another client's session over the same socket."""
        self.send(b"K")

    def message(self, raw, sender=b"<anna@example.org>", rcpts=(b"<ben@example.com>",),
                queue_id=b"4XyZ1a2b3c"):
        """A whole mail, its line ends CRLF, cut up as Postfix does; the end's answer."""
        answer = self.mail(sender, macros={"i": queue_id})
        if answer[0] != CONTINUE:
            return (*answer, [])
        for rcpt in rcpts:
            self.rcpt(rcpt)
        self.data()
        head, _, body = (b"\r\n" + raw).partition(b"\r\n\r\n")
        for field in unfold(head[2:]):
            name, _, value = field.partition(b":")
            self.header(name, value)
        self.end_of_header()
        self.body(body)
        return self.end({"i": queue_id})


def unfold(head):
    """The fields of a header; LF before a continuation, as Postfix has it."""
    fields = []
    for line in head.split(b"\r\n") if head else []:
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += b"\n" + line
        else:
            fields.append(line)
    return fields


@contextlib.contextmanager
def session(path, **more):
    client = Client(path, **more)
    try:
        client.connect(macros={"j": b"mx1.example.com", "{daemon_name}": b"smtpd"})
        client.helo()
        yield client
    finally:
        client.close()
