# SPDX-License-Identifier: GPL-3.0-or-later
"""fetching - sealpost-fetch as its parent sees it: messages over a socketpair (protocol.h)."""
import collections
import contextlib
import os
import select
import socket
import struct
import subprocess

from sealpost import BIN, ENV, TIMEOUT_S

IMAP, POP3 = 1, 2
LIST, ALL = 1, 2
IMPLICIT, STARTTLS, NO_TLS = 1, 2, 3
PASSWORD, REFRESH_TOKEN, CLIENT_CREDENTIALS, DEVICE_CODE = 1, 2, 3, 4
ANY, XOAUTH2, OAUTHBEARER = 0, 1, 2
ARCHIVED, DUPLICATE, FAILURE = 0, 1, 2
LEAVE, TAG, MOVE, DELETE = 0, 1, 2, 3

# The fields of each message, in their order: a text where the default is one, else a number.
WHICH = {"folder": "", "uidvalidity": 0, "uid": 0, "uidl": ""}
JOB = {"mode": ALL, "account": "test", "archive_dir": "", "protocol": IMAP, "host": "127.0.0.1",
       "port": 0, "tls": NO_TLS, "ca_file": "", "verify": 1, "user": "", "password": "",
       "grant": PASSWORD, "preset": "", "token_url": "", "device_url": "", "scope": "",
       "client_id": "", "client_secret": "", "refresh_token": "", "mechanism": ANY, "folders": "",
       "archived": LEAVE, "archived_name": "", "duplicate": LEAVE, "duplicate_name": "",
       "failed": LEAVE, "failed_name": "", "unwrap": 0, "idle_ms": 20000, "mail_bytes": 0,
       "folders_max": 0}
MESSAGES = {
    "job": (1, JOB),
    "known": (2, WHICH | {"uidl": ""}),
    "due": (3, WHICH | {"what": 0}),
    "start": (4, {}),
    "outcome": (5, WHICH | {"what": 0}),
    "finish": (6, {}),
    "folder": (32, {"folder": "", "use": "", "selected": 0, "guessed": 0, "uidvalidity": 0,
                    "on_server": 0, "earlier": 0}),
    "mail": (33, WHICH | {"entry": b"", "size_bytes": 0}),
    "failed": (34, WHICH | {"kind": 0, "text": ""}),
    "folder_done": (35, {"folder": "", "uidvalidity": 0, "on_server": 0, "earlier": 0, "mails": 0,
                         "failed": 0, "gone": 0}),
    "acted": (36, WHICH | {"kind": 0, "text": ""}),
    "token": (37, {"refresh_token": ""}),
    "device": (38, {"url": "", "code": "", "expires_s": 0}),
    "note": (39, {"text": ""}),
    "done": (40, {}),
    "error": (41, {"kind": 0, "text": ""}),
    "reached": (42, {"folder": "", "uidvalidity": 0, "uid": 0}),
}
BY_NUMBER = {number: name for name, (number, _) in MESSAGES.items()}
KINDS = ("none usage syntax not-found exists denied no-space offline timeout busy io unsure damaged "
         "wrong-key foreign version too-big not-mail erased unsupported stopped").split()

Message = collections.namedtuple("Message", "name fields")


def _varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def pack(name, **fields):
    number, layout = MESSAGES[name]
    assert set(fields) <= set(layout), set(fields) - set(layout)
    body = b""
    for key, default in layout.items():
        value = fields.get(key, default)
        if isinstance(default, int):
            body += _varint(int(value))
        else:
            value = value if isinstance(value, bytes) else str(value).encode()
            body += _varint(len(value)) + value
    return struct.pack("<II", number, len(body)) + body


def _cut_varint(body, at):
    n = shift = 0
    while True:
        n |= (body[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not body[at - 1] & 0x80:
            return n, at


def unpack(number, body):
    name, at, fields = BY_NUMBER[number], 0, {}
    for key, default in MESSAGES[name][1].items():
        n, at = _cut_varint(body, at)
        if isinstance(default, int):
            fields[key] = n
            continue
        value = body[at:at + n]
        at += n
        fields[key] = value if isinstance(default, bytes) else value.decode()
    assert at == len(body), f"{name}: {body!r}"
    if "kind" in fields:
        fields["kind"] = KINDS[fields["kind"]]
    return Message(name, fields)


def which(fields):
    return {key: fields[key] for key in WHICH}


class Run:
    """What sealpost-fetch said, from START to its end."""

    def __init__(self, messages, status, err):
        self.messages, self.status, self.err = messages, status, err
        self.end = messages[-1] if messages else None

    def all(self, name):
        return [m.fields for m in self.messages if m.name == name]

    @property
    def error(self):
        assert self.end is not None and self.end.name == "error", self
        assert self.status == 1
        return self.end.fields

    def well(self):
        """It ended well, and its sums fit."""
        assert self.end is not None and self.end.name == "done" and self.status == 0, self
        for done in self.all("folder_done"):
            assert done["on_server"] == (done["earlier"] + done["mails"] + done["failed"] +
                                         done["gone"]), done
        return self

    def __repr__(self):
        return f"{self.messages[-5:]} status {self.status} {self.err}"


def _receive(sock, count, process):
    data = b""
    while len(data) < count:
        ready, _, _ = select.select([sock], [], [], TIMEOUT_S)
        if not ready:
            process.kill()
            raise AssertionError("sealpost-fetch is silent")
        try:
            got = sock.recv(count - len(data))
        except ConnectionResetError:
            got = b""
        if not got:
            return data
        data += got
    return data


def run(archive, *before, outcome=None, finish=False, answer=None, binary=BIN, **job):
    """Fetch: BEFORE are messages to send between JOB and START. OUTCOME(mail) is what a mail becomes, None
    for no answer; FINISH: say so after the first FOLDER_DONE. ANSWER(message, send): anything else."""
    ours, theirs = socket.socketpair()
    fields = JOB | {"archive_dir": str(archive.path) if archive else "/nonexistent"} | job

    def preexec():
        os.dup2(theirs.fileno(), 3)

    with ours, subprocess.Popen([binary + "-fetch"], env=ENV, stdin=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, close_fds=False,
                                preexec_fn=preexec) as process:
        theirs.close()
        try:
            ours.sendall(pack("job", **fields) + b"".join(before) + pack("start"))
            messages = []
            while True:
                head = _receive(ours, 8, process)
                if len(head) < 8:
                    break
                number, length = struct.unpack("<II", head)
                message = unpack(number, _receive(ours, length, process))
                messages.append(message)
                if answer:
                    answer(message, lambda *a, **k: ours.sendall(pack(*a, **k)))
                what = outcome(message.fields) if outcome and message.name == "mail" else None
                with contextlib.suppress(BrokenPipeError):  # it may have ended meanwhile
                    if what is not None:
                        ours.sendall(pack("outcome", what=what, **which(message.fields)))
                    if finish and message.name == "folder_done":
                        ours.sendall(pack("finish"))
            status = process.wait(TIMEOUT_S)
        finally:
            process.kill()
        err = process.stderr.read().decode()
    assert "Sanitizer" not in err and "runtime error" not in err, err
    assert status in (0, 1), f"status {status}: {err}"
    return Run(messages, status, err)


def known(folder, uidvalidity, uid):
    return pack("known", folder=folder, uidvalidity=uidvalidity, uid=uid)
