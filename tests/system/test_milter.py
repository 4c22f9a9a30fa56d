# SPDX-License-Identifier: GPL-3.0-or-later
"""The milter captures what the mail server got before it says yes, and leaves no trace of itself."""
import base64
import concurrent.futures
import contextlib
import hashlib
import hmac
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import uuid

import milter_client as mc
import pytest
from peek import peek
from sealpost import BIN, BIN_FAST, ENV, FAILED, ROOT, TIMEOUT_S, USAGE
from test_archiver import poll, waiting

PRELOAD = ROOT / "build" / "fault" / "preload.so"
HEADER = b"X-Sealpost-Capture"
MAIL = b"From: anna@example.org\r\nTo: ben@example.com\r\nSubject: secretword\r\n\r\nthe body\r\n"
# What came on the wire, and has to be in the spool to the last bit.
EXACT = {
    "plain": MAIL,
    "no leading space": b"Subject:x\r\nTo:  two\r\nX-Tab:\ttab\r\nX-Empty:\r\nX-Space: \r\n\r\n",
    "folded": b"Subject: one\r\n two\r\n\tthree  \r\nX-First:\r\n folded at once\r\n\r\nbody\r\n",
    "duplicates": b"Received: a\r\nReceived: b\r\nreceived: a\r\nSubject: x\r\nSubject: y\r\n\r\n",
    "8 bit": b"Subject: gr\xc3\xbc\xc3\x9fe \xe4\xff\r\n\r\n" + bytes(range(1, 256)) + b"\r\n",
    "NUL in the body": b"Subject: x\r\n\r\nbefore\0after\0\r\n",
    "long lines": b"Subject: " + b"x" * 3000 + b"\r\n\r\n" + b"y" * 100000 + b"\r\n",
    "dots": b"Subject: x\r\n\r\n.\r\n..\r\n.x\r\n",
    "blank lines at the end": b"Subject: x\r\n\r\nbody\r\n\r\n\r\n\r\n",
    "no body": b"Subject: x\r\n\r\n",
    "no header": b"\r\nbody\r\n",
    "bare ends of lines in the body": b"Subject: x\r\n\r\na\rb\nc\r\r\n",
    "cut up anywhere": b"Subject: x\r\n\r\n" + b"0123456789abc\r\n" * 20000,
}


class Milter:
    """sealpost-milter at work, with a socket for each role; its socket folder is the test's."""

    def __init__(self, archive, roles, binary, env, prefix):
        self.archive, self.roles = archive, roles
        self.folder = archive.path.parent / "sockets"
        self.folder.mkdir(exist_ok=True)
        self.log = archive.path.parent / "milter.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*prefix, binary + "-milter", "--archive", str(archive.path), "--verbose"],
                env={**ENV, **env}, stderr=log, stdin=subprocess.DEVNULL)

    def socket(self, role):
        return self.folder / role

    def session(self, role="capture", **more):
        return mc.session(self.socket(role), **more)

    def said(self):
        return self.log.read_text()

    def is_ready(self):
        assert self.process.poll() is None, self.said()
        return all(f"milter ready role={role}" in self.said() for role in self.roles)

    def children(self):
        pid = self.process.pid
        return [int(p) for p in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def start_in_vain(*args):
    """A start that must come to an end by itself."""
    return subprocess.run([BIN + "-milter", *map(str, args)], env=ENV, timeout=TIMEOUT_S,
                          capture_output=True, check=False)


def configure(archive, roles, settings):
    folder = archive.path.parent / "sockets"
    listen = "".join(f"listen = {role} unix:{folder}/{role}\n" for role in roles)
    user = "" if "user =" in settings else "user =\n"
    (archive.path / "milter.conf").write_text(listen + user + settings)


@contextlib.contextmanager
def running(archive, *roles, settings="reserve_bytes = 0\n", binary=BIN, env=None, prefix=(), dies=False):
    """In the end it goes in good order when it is asked to, and has said nothing of any mail."""
    roles = roles or ("capture",)
    configure(archive, roles, settings)
    milter = Milter(archive, roles, binary, env or {}, prefix)
    try:
        poll(milter.is_ready, TIMEOUT_S)
        yield milter
        milter.process.send_signal(signal.SIGTERM)
        assert milter.process.wait(TIMEOUT_S) == 0, milter.said()
        for word in ("Sanitizer", "runtime error", "anna@", "ben@", "secretword"):
            assert word not in milter.said(), milter.said()
        assert dies or "died" not in milter.said()
    finally:
        milter.process.kill()
        milter.process.wait()


def token(archive, entry_id, key=None):
    key = key or bytes.fromhex((archive.path / "spool" / "token.key").read_text())
    entry = uuid.UUID(entry_id).bytes
    proof = hmac.new(key, b"sealpost token v1" + entry, hashlib.sha256).hexdigest()[:24]
    return f"{entry.hex()}.{proof}".encode()


def recipient(archive, entry_id):
    """What asks the mail server to carry the token as one more recipient."""
    return b"2", b"<" + token(archive, entry_id) + b"@copy.invalid>\0NOTIFY=NEVER\0"


def deletion(index):
    return b"m", struct.pack(">I", index) + HEADER + b"\0\0"


# --- capture ------------------------------------------------------------------------------------

def test_a_mail_is_held_with_its_envelope_and_gets_its_token_as_a_recipient(archive):
    with running(archive) as milter:
        client = mc.Client(milter.socket("capture"))
        client.connect(b"mail.example.org", b"192.0.2.7", macros={"j": b"mx1.example.com"})
        client.helo(b"laptop", {"{tls_version}": b"TLSv1.3", "{cipher}": b"TLS_AES_256_GCM_SHA384",
                                "{cipher_bits}": b"256"})
        client.mail(b"<anna@example.org>", b"BODY=8BITMIME", b"SIZE=100", b"RET=HDRS",
                    macros={"i": b"4XyZ1", "{auth_authen}": b"anna"})
        client.rcpt(b"<ben@example.com>", b"NOTIFY=SUCCESS")
        client.rcpt(b"<\"a b\"@example.com>")
        client.header(b"Subject", b" x")
        client.end_of_header()
        client.body(b"body\r\n")
        verdict, _, changes = client.end()
        assert verdict == mc.CONTINUE
        client.quit()
        (entry,) = peek(archive)
    assert changes == [recipient(archive, entry["id"])]
    assert entry["raw"] == b"Subject: x\r\n\r\nbody\r\n"
    told = {name: value for name, value in entry.items() if value}
    for name in ("id", "raw", "seen_ms"):
        del told[name]
    assert told == {
        "door": "milter", "source": "mx1.example.com", "reverse_path": "anna@example.org",
        "recipients": ["ben@example.com", "\"a b\"@example.com"], "queue_id": "4XyZ1",
        "client_name": "mail.example.org", "client_addr": "192.0.2.7", "helo": "laptop",
        "login": "anna", "tls": "TLSv1.3 TLS_AES_256_GCM_SHA384 256",
        "mail_params": "BODY=8BITMIME SIZE=100 RET=HDRS"}
    assert os.readlink(archive.path / "spool" / "queue" / "4XyZ1") == entry["id"]
    assert not waiting(archive)


def test_mail_from_the_local_pickup_has_no_brackets_no_client_and_perhaps_no_sender(archive):
    with running(archive, settings="source = intern\nreserve_bytes = 0\n") as milter:
        client = mc.Client(milter.socket("capture"))
        client.connect(b"localhost", b"127.0.0.1")
        for sender in (b"root@example.org", b"", b"<>"):
            client.mail(sender)
            client.rcpt(b"ben@example.com")
            client.rcpt(b"x@COPY.invalid")
            client.header(b"Subject", b" x")
            client.end_of_header()
            assert client.end()[0] == mc.CONTINUE
        client.close()
        entries = peek(archive)
    assert [e["reverse_path"] for e in entries] == ["root@example.org", "", ""]
    for entry in entries:
        assert entry["recipients"] == ["ben@example.com"]
        assert (entry["queue_id"], entry["login"], entry["source"]) == ("", "", "intern")
    assert not list((archive.path / "spool" / "queue").iterdir())


def test_a_client_may_come_by_ipv6_and_without_a_verified_name(archive):
    with running(archive) as milter:
        client = mc.Client(milter.socket("capture"))
        client.connect(b"unknown", b"IPv6:2001:db8::1", b"6")
        client.message(MAIL)
        client.quit()
        (entry,) = peek(archive)
    assert (entry["client_addr"], entry["client_name"]) == ("2001:db8::1", "")


def test_what_came_on_the_wire_is_held_to_the_last_bit(archive):
    with running(archive) as milter, milter.session() as client:
        for name, raw in EXACT.items():
            assert client.message(raw)[0] == mc.CONTINUE, name
        got = [entry["raw"] for entry in peek(archive)]
    assert got == list(EXACT.values())


def test_a_mail_of_20_mb_is_held_whole(archive):
    body = base64.encodebytes(os.urandom(15 << 20)).replace(b"\n", b"\r\n")
    raw = b"Subject: large\r\n\r\n" + body
    with running(archive) as milter, milter.session() as client:
        assert client.message(raw)[0] == mc.CONTINUE
        (entry,) = peek(archive)
    assert entry["raw"] == raw


def test_a_connection_brings_many_mails_and_other_clients(archive):
    with running(archive) as milter, milter.session() as client:
        for n in range(20):
            client.message(b"Subject: %d\r\n\r\n" % n, queue_id=b"Q%d" % n)
            if n == 9:
                client.new_connection()
                client.connect(b"other.example.org", b"192.0.2.9")
            else:
                client.abort()  # Postfix says it after each mail
        entries = peek(archive)
    assert [e["raw"] for e in entries] == [b"Subject: %d\r\n\r\n" % n for n in range(20)]
    assert [e["client_addr"] for e in entries] == ["192.0.2.1"] * 10 + ["192.0.2.9"] * 10
    assert [e["helo"] for e in entries] == ["client"] * 10 + [""] * 10
    assert len(list((archive.path / "spool" / "queue").iterdir())) == 20


def test_many_connections_at_once_mix_nothing_up(fast):
    def send(milter, n):
        with milter.session() as client:
            for i in range(10):
                raw = b"Subject: %d.%d\r\n\r\n%s\r\n" % (n, i, b"x" * 3000)
                verdict, _, changes = client.message(raw, b"<anna%d@example.org>" % n)
                assert verdict == mc.CONTINUE and len(changes) == 1
                yield changes[0], raw, f"anna{n}@example.org"

    with running(fast, binary=BIN_FAST) as milter:
        with concurrent.futures.ThreadPoolExecutor(30) as pool:
            sent = sum(pool.map(lambda n: list(send(milter, n)), range(30)), [])
        held = [(recipient(fast, e["id"]), e["raw"], e["reverse_path"]) for e in peek(fast)]
    assert sorted(sent) == sorted(held)


STEPS = [lambda c: c.mail(), lambda c: c.rcpt(), lambda c: c.header(b"Subject", b" x"),
         lambda c: c.end_of_header(), lambda c: c.body(b"x" * 100000)]


@pytest.mark.parametrize("leave", ["abort", "quit", "close"])
def test_a_mail_given_up_at_any_step_leaves_nothing(archive, leave):
    with running(archive) as milter:
        for n in range(len(STEPS) + 1):
            with milter.session() as client:
                for step in STEPS[:n]:
                    step(client)
                getattr(client, leave)()
                if leave == "abort":
                    assert client.message(MAIL)[0] == mc.CONTINUE
        entries = peek(archive)
    assert [e["raw"] for e in entries] == ([MAIL] * (len(STEPS) + 1) if leave == "abort" else [])


def test_forged_fields_are_captured_and_then_deleted_the_last_one_first(archive):
    forged = b"X-Sealpost-Capture: " + b"0" * 32 + b"." + b"0" * 24 + b"\r\n"
    folded = b"X-SEALPOST-capture:\r\n folded\r\n"
    raw = forged + b"Subject: x\r\n" + forged.upper() + folded + b"\r\nbody\r\n"
    with running(archive, "capture", "capture-filtered") as milter:
        with milter.session() as client:
            changes = client.message(raw)[2]
            assert client.message(MAIL)[2][0][0] == b"2"  # nothing to delete in the next one
        first, _ = peek(archive)
        with milter.session("capture-filtered") as client:
            filtered = client.message(raw)[2]
        third = peek(archive)[2]
    assert first["raw"] == third["raw"] == raw
    assert changes == [deletion(3), deletion(2), deletion(1), recipient(archive, first["id"])]
    assert filtered == [deletion(3), deletion(2), deletion(1),
                        (b"h", HEADER + b"\0 " + token(archive, third["id"]) + b"\0")]
    link = os.readlink(archive.path / "spool" / "queue" / "4XyZ1a2b3c")
    assert link == third["id"] + ".filtered"


# --- refusing -----------------------------------------------------------------------------------

def test_without_space_a_mail_is_put_off_before_it_is_sent(archive):
    with running(archive, settings="reserve_bytes = 100000G\n") as milter, milter.session() as client:
        letter, text = client.mail()
        assert letter == mc.REPLYCODE and text.startswith(b"452 4.3.1 The mail archive has no")
        assert client.mail()[0] == mc.REPLYCODE
    assert not waiting(archive, "pending")


def is_told_what_to_do(text):
    return text.startswith(b"552 5.3.4") and b"max_mail_bytes" in text


def test_a_mail_that_is_too_large_is_refused_for_good(archive):
    with running(archive, settings="reserve_bytes = 0\nmax_mail_bytes = 10k\n") as milter:
        with milter.session() as client:
            letter, text = client.mail(b"<anna@example.org>", b"SIZE=20000")
            assert letter == mc.REPLYCODE and is_told_what_to_do(text)
            letter, text, changes = client.message(MAIL + b"x" * 20000)
            assert letter == mc.REPLYCODE and is_told_what_to_do(text) and not changes
            assert client.message(MAIL)[0] == mc.CONTINUE
        (entry,) = peek(archive)
    assert entry["raw"] == MAIL


@pytest.mark.parametrize("calls, do, code", [
    ("fsync", "eio", b"451 4.3.0"), ("link", "enospc", b"452 4.3.1"),
    ("write", "enospc", b"452 4.3.1")])
def test_a_disk_that_fails_puts_mail_off_and_holds_nothing(fast, calls, do, code):
    with running(fast, binary=BIN_FAST):
        pass  # makes what is made once
    env = {"LD_PRELOAD": str(PRELOAD), "FAULT_CALLS": calls, "FAULT_AT": "1", "FAULT_DO": do}
    with running(fast, binary=BIN_FAST, env=env) as milter, milter.session() as client:
        letter, text, changes = client.message(MAIL + b"x" * 200000)
        assert letter == mc.REPLYCODE and text.startswith(code) and not changes
        assert client.mail()[0] == mc.CONTINUE  # the session goes on
    assert not waiting(fast, "pending")


def test_a_mail_server_that_cannot_do_what_is_needed_is_turned_away(archive):
    with running(archive) as milter:
        for lacks in ({"actions": mc.ALL_ACTIONS & ~mc.ADDRCPT_PAR},
                      {"steps": mc.ALL_STEPS & ~mc.LEADSPC}):
            with pytest.raises((mc.Lost, AssertionError)):
                mc.Client(milter.socket("capture"), **lacks)
        assert "does not speak version 6" in milter.said()


# --- dying --------------------------------------------------------------------------------------

def test_killed_at_any_step_the_milter_comes_back_and_nothing_is_half_held(fast):
    with running(fast, binary=BIN_FAST, dies=True) as milter:
        for n in range(len(STEPS) + 1):
            with milter.session() as client:
                for step in STEPS[:n]:
                    step(client)
                (child,) = milter.children()
                os.kill(child, signal.SIGKILL)
                with pytest.raises(mc.Lost):
                    client.end()
            poll(lambda n=n: milter.said().count("milter ready") == n + 2, TIMEOUT_S)
        with milter.session() as client:
            assert client.message(MAIL)[0] == mc.CONTINUE
        assert [e["raw"] for e in peek(fast)] == [MAIL]


def test_killed_at_any_call_a_mail_is_held_before_it_is_accepted(fast):
    with running(fast, binary=BIN_FAST):
        pass
    raw = MAIL + b"x" * 200000
    for at in range(1, 100):
        env = {"LD_PRELOAD": str(PRELOAD), "FAULT_CALLS": "write,fsync,link", "FAULT_AT": str(at),
               "FAULT_DO": "kill"}
        before = len(waiting(fast, "pending"))
        with (running(fast, binary=BIN_FAST, env=env, dies=True) as milter,
              milter.session() as client):
            try:
                client.message(raw)
            except mc.Lost:
                assert len(waiting(fast, "pending")) in (before, before + 1)
                continue
        assert len(waiting(fast, "pending")) == before + 1
        break
    assert at > 5
    assert {e["raw"] for e in peek(fast)} == {raw}


def test_on_sigterm_a_mail_that_is_being_received_is_finished(fast):
    with running(fast, binary=BIN_FAST) as milter, milter.session() as client:
        client.mail()
        client.rcpt()
        client.header(b"Subject", b" x")
        milter.process.send_signal(signal.SIGTERM)
        client.end_of_header()
        client.body(b"body\r\n")
        verdict, _, changes = client.end()
        assert verdict == mc.CONTINUE and len(changes) == 1
        milter.process.wait(TIMEOUT_S)
    assert len(waiting(fast, "pending")) == 1


@pytest.mark.skipif(shutil.which("strace") is None, reason="takes strace")
def test_a_slow_disk_is_told_to_the_mail_server_as_progress(fast):
    slow = ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
            "inject=fdatasync:delay_enter=11000000:when=1")
    with running(fast, binary=BIN_FAST):
        pass
    with running(fast, binary=BIN_FAST, prefix=slow) as milter, milter.session() as client:
        verdict, _, changes = client.message(MAIL)
        assert verdict == mc.CONTINUE
        assert [letter for letter, _ in changes] == [mc.PROGRESS, b"2"]


# --- binder -------------------------------------------------------------------------------------

def bind(milter, fields):
    with milter.session("binder") as client:
        verdict, _, changes = client.message(b"Subject: x\r\n" + fields + b"\r\nbody\r\n")
    assert verdict == mc.CONTINUE
    return changes


def test_the_binder_turns_the_field_into_a_recipient_and_deletes_every_such_field(archive):
    with running(archive, "binder") as milter:
        known = str(uuid.uuid4())  # if it is in the spool is for the delivery to find out
        good = token(archive, known)
        wrong_key = token(archive, known, b"another key of just any length.")
        wrong_id = token(archive, str(uuid.uuid4()))[:32] + good[32:]
        bound = recipient(archive, known)
        rows = [
            ("none", b"", []),
            ("a good one", HEADER + b": " + good + b"\r\n", [deletion(1), bound]),
            ("upper case", HEADER.upper() + b": " + good.upper() + b"\r\n", [deletion(1), bound]),
            ("folded", HEADER + b":\r\n\t" + good + b" \r\n", [deletion(1), bound]),
            ("folded within", HEADER + b": " + good[:33] + b"\r\n " + good[33:] + b"\r\n",
             [deletion(1), bound]),
            ("under another key", HEADER + b": " + wrong_key + b"\r\n", [deletion(1)]),
            ("of another mail", HEADER + b": " + wrong_id + b"\r\n", [deletion(1)]),
            ("cut short", HEADER + b": " + good[:-1] + b"\r\n", [deletion(1)]),
            ("junk", HEADER + b": \xff\xfe junk\r\n", [deletion(1)]),
            ("empty", HEADER + b":\r\n", [deletion(1)]),
            ("several", HEADER + b": junk\r\n" + HEADER + b": " + good + b"\r\n" +
             HEADER.lower() + b": " + wrong_key + b"\r\n",
             [deletion(3), deletion(2), deletion(1), bound]),
            ("a similar name", HEADER + b"d: " + good + b"\r\n", []),
        ]
        for name, fields, changes in rows:
            assert bind(milter, fields) == changes, name
    assert not waiting(archive, "pending")


def test_the_binder_carries_nothing_over_to_the_next_mail(archive):
    with running(archive, "binder") as milter, milter.session("binder") as client:
        field = HEADER + b": " + token(archive, str(uuid.uuid4())) + b"\r\n\r\n"
        assert len(client.message(field)[2]) == 2
        assert client.message(MAIL)[2] == []
        client.mail()
        client.header(HEADER, b" " + token(archive, str(uuid.uuid4())))
        client.abort()
        assert client.message(MAIL)[2] == []


# --- settings -----------------------------------------------------------------------------------

@pytest.mark.parametrize("settings, says", [
    ("", "no listener is set"),
    ("listen = catch unix:/x\n", "not \"catch\""),
    ("listen = capture inet:1234\n", "capture unix:/PATH"),
    ("listen = capture\n", "capture unix:/PATH"),
    ("listen = capture unix:/" + "x" * 120 + "\n", "characters"),
    ("listen = capture unix:/x\nsocket_mode = 0888\n", "octal"),
    ("listen = capture unix:/x\nreserve_bytes = much\n", "line 2"),
    ("listen = capture unix:/x\ncolour = red\n", "no setting \"colour\""),
    ("listen = capture unix:/nowhere/x\n", "/nowhere/x"),
])
def test_settings_that_cannot_work_are_refused(archive, settings, says):
    (archive.path / "milter.conf").write_text(settings)
    done = start_in_vain("--archive", archive.path)
    assert done.returncode == FAILED and says in done.stderr.decode(), done.stderr


def test_an_unknown_option_is_refused(archive):
    done = start_in_vain("--archief", archive.path)
    assert done.returncode == USAGE and b"usage" in done.stderr


def test_a_socket_has_the_rights_that_are_set_and_nobody_takes_its_place(archive):
    with running(archive, settings="reserve_bytes = 0\nsocket_mode = 0606\n") as milter:
        assert milter.socket("capture").stat().st_mode & 0o7777 == 0o606
        second = start_in_vain("--archive", archive.path)
        assert second.returncode == FAILED and b"somebody listens there already" in second.stderr
        with milter.session() as client:
            assert client.message(MAIL)[0] == mc.CONTINUE


@pytest.mark.skipif(os.getuid() != 0, reason="becoming another user takes root")
def test_it_becomes_another_user_and_shares_the_spool_with_its_group(archive):
    archive.path.parent.chmod(0o755)
    archive.path.chmod(0o755)
    spool = archive.path / "spool"
    spool.mkdir(exist_ok=True)
    os.chown(spool, 0, 65534)
    spool.chmod(0o2770)
    settings = "reserve_bytes = 0\nuser = nobody\nsocket_group = nogroup\n"
    with running(archive, settings=settings) as milter:
        with milter.session() as client:
            assert client.message(MAIL)[0] == mc.CONTINUE
        (child,) = milter.children()
        assert os.stat(f"/proc/{child}").st_uid in (0, 65534)
        (held,) = waiting(archive, "pending")
        assert (held.stat().st_uid, held.stat().st_mode & 0o777) == (65534, 0o660)
        assert milter.socket("capture").stat().st_gid == 65534
    assert [e["raw"] for e in peek(archive)] == [MAIL]
