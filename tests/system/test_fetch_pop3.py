# SPDX-License-Identifier: GPL-3.0-or-later
"""POP3 servers that refuse, stall and break off: no mail is lost, and none deleted by a number that means another."""
import functools

import fetching
import pytest
from fetching import ARCHIVED, DELETE, POP3, STARTTLS
from line_server import LineServer
from sealpost import BIN_FAST, mail, sha256
from test_archiver import archive_all, waiting

MAILS = {f"id{n}": mail(msgid=f"<{n}@x>").replace(b"\n", b"\r\n") for n in range(3)}
SILENCE_MS = 1000


class Pop3Server(LineServer):
    """MAILS are {uidl: bytes}. CHANGES, {verb: function(server, arguments)}, take the place of an answer; CUT: after
    so many bytes the connection breaks."""

    def __init__(self, mails, changes=(), cut=None):
        super().__init__(changes, cut)
        self.mails = dict(mails)

    def _rows(self, values):
        self.send(b"+OK\r\n" + b"".join(b"%d %s\r\n" % row for row in enumerate(values, 1)) + b".\r\n")

    def _serve(self, lines):
        session, doomed = list(self.mails), []
        self.send(b"+OK ready\r\n")
        for line in lines:
            verb, *arguments = line.decode().split()
            self.log.append(verb)
            if verb in self.changes:
                self.changes[verb](self, arguments)
            elif verb == "CAPA":
                self.send(b"+OK\r\nUSER\r\nUIDL\r\n.\r\n")
            elif verb == "UIDL":
                self._rows(uidl.encode() for uidl in session)
            elif verb == "LIST":
                self._rows(b"%d" % len(self.mails[uidl]) for uidl in session)
            elif verb == "RETR":
                raw = self.mails[session[int(arguments[0]) - 1]]
                self.send(b"+OK\r\n" + (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n")
            elif verb == "DELE":
                doomed.append(session[int(arguments[0]) - 1])
                self.send(b"+OK\r\n")
            elif verb == "QUIT":
                for uidl in doomed:
                    self.mails.pop(uidl, None)
                self.send(b"+OK\r\n")
                return
            else:
                self.send(b"+OK\r\n")


def fetch(archive, server, **job):
    return fetching.run(archive, port=server.port, protocol=POP3, user="anna", password="secret", **job)


def refusing(server, _):
    server.send(b"-ERR no\r\n")


def test_a_server_that_behaves_is_fetched_from_and_emptied(archive):
    with Pop3Server(MAILS) as server:
        run = fetch(archive, server, archived=DELETE, outcome=lambda _: ARCHIVED).well()
        assert len(run.all("mail")) == 3 and not server.mails
    archive_all(archive)
    assert archive.all_sums() == sorted(sha256(m) for m in MAILS.values())


def test_a_mail_that_is_refused_fails_and_the_others_come(archive):
    def second(server, arguments):
        raw = MAILS[f"id{int(arguments[0]) - 1}"]
        server.send(b"-ERR broken\r\n" if arguments == ["2"] else b"+OK\r\n" + raw + b".\r\n")

    with Pop3Server(MAILS, {"RETR": second}) as server:
        run = fetch(archive, server).well()
        assert [m["uidl"] for m in run.all("mail")] == ["id0", "id2"]
        assert [(f["uidl"], f["kind"]) for f in run.all("failed")] == [("id1", "damaged")]


def test_a_mail_that_is_refused_for_now_is_asked_for_again(archive):
    for code in (b"[SYS/TEMP]", b"[in-use]"):
        def second(server, arguments, code=code):
            raw = MAILS[f"id{int(arguments[0]) - 1}"]
            server.send(b"-ERR %s later\r\n" % code if arguments == ["2"] else b"+OK\r\n" + raw + b".\r\n")

        with Pop3Server(MAILS, {"RETR": second}) as server:
            run = fetch(archive, server).well()
            assert [(f["uidl"], f["kind"]) for f in run.all("failed")] == [("id1", "offline")]


def test_an_answer_that_is_none_condemns_no_mail(archive):
    def astray(server, _):
        server.send(b"Subject: the rest of a mail\r\n")

    with Pop3Server(MAILS, {"RETR": astray}) as server:
        run = fetch(archive, server, idle_ms=SILENCE_MS)
        assert run.error["kind"] in ("syntax", "timeout") and not run.all("failed")


def test_mails_without_a_uidl_of_their_own_are_missing_in_the_sum_and_never_deleted(archive):
    def odd(server, _):
        server.send(b"+OK\r\n1 same\r\n2 same\r\n3 " + b"x" * 2000 + b"\r\n.\r\n")

    def listed(server, _):
        server.send(b"+OK\r\n1 0\r\n2 0\r\n3 0\r\n.\r\n")

    with Pop3Server(MAILS, {"UIDL": odd, "LIST": listed}) as server:
        run = fetch(archive, server, archived=DELETE, outcome=lambda _: ARCHIVED)
        done = run.all("folder_done")[0]
        assert (done["on_server"], done["mails"], done["gone"]) == (3, 1, 0)
        assert [a["kind"] for a in run.all("acted")] == ["unsupported"]
        assert "DELE" not in server.log and len(server.mails) == 3


def test_long_uidls_and_such_with_blanks_are_taken_as_they_are(archive):
    mails = {"x" * 200: MAILS["id0"], "a b": MAILS["id1"]}

    def spaced(server, arguments):
        server.send(b"+OK\r\n" + mails[list(mails)[int(arguments[0]) - 1]] + b".\r\n")

    with Pop3Server(mails, {"RETR": spaced}) as server:
        run = fetch(archive, server).well()
        assert [m["uidl"] for m in run.all("mail")] == list(mails)


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 10000])
def test_dots_come_as_they_are_whatever_the_pieces(archive, piece):
    raw = b".\r\n..\r\n.x\r\nSubject: dots\r\n\r\n\r\n.\r\n.\r.\n.\r\n..\r\n\r\n\r\n"

    def slow(server, _):
        whole = b"+OK\r\n" + (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
        for i in range(0, len(whole), piece):
            server.send(whole[i:i + piece])

    with Pop3Server({"a": raw}, {"RETR": slow}) as server:
        fetch(archive, server).well()
    archive_all(archive)
    assert archive.all_sums() == [sha256(raw)]


@pytest.mark.parametrize("verb", ["UIDL", "LIST"])
def test_without_the_lists_nothing_is_fetched(archive, verb):
    with Pop3Server(MAILS, {verb: refusing}) as server:
        error = fetch(archive, server).error
        assert error["kind"] == "unsupported" and verb in error["text"]


def test_a_deletion_that_is_not_confirmed_stays_due(archive):
    for verb in ("DELE", "QUIT"):
        def late(server, _, verb=verb):
            # what is fetched is quit without a word; only what is deleted needs a good answer
            server.send(b"+OK\r\n" if "DELE" not in server.log else b"-ERR no\r\n")

        with Pop3Server(MAILS, {verb: late}) as server:
            run = fetch(archive, server, archived=DELETE, outcome=lambda _: ARCHIVED).well()
            assert len(run.all("acted")) == 3 and not any(a["kind"] == "none" for a in run.all("acted"))
            assert len(server.mails) == 3


@pytest.mark.parametrize("verb", ["CAPA", "USER", "PASS", "UIDL", "RETR"])
def test_a_silent_server_is_given_up(archive, verb):
    with Pop3Server(MAILS, {verb: lambda *_: None}) as server:
        assert fetch(archive, server, idle_ms=SILENCE_MS).error["kind"] == "timeout"


@pytest.mark.parametrize("verb", ["CAPA", "UIDL", "RETR"])
def test_what_never_ends_is_ended(archive, verb):
    def forever(server, _):
        server.send(b"+OK\r\n")
        while True:
            server.send(b"1 x\r\n" * 20000)

    with Pop3Server(MAILS, {verb: forever}) as server:
        run = fetch(archive, server, mail_bytes=1 << 20, idle_ms=SILENCE_MS, binary=BIN_FAST)
        assert run.end.name == ("done" if verb == "RETR" else "error")
        assert verb != "RETR" or [f["kind"] for f in run.all("failed")] == ["too-big"] * 3
    assert not waiting(archive)


def test_starttls_that_is_not_offered_sends_no_password(archive):
    with Pop3Server(MAILS) as server:
        assert fetch(archive, server, tls=STARTTLS).error["kind"] == "unsupported"
        assert "PASS" not in server.log


def test_a_connection_that_breaks_at_any_byte_loses_and_changes_nothing(fast):
    one = {"a": b"Subject: x\r\n\r\n"}
    run_fast = functools.partial(fetch, fast, archived=DELETE, outcome=lambda _: ARCHIVED, binary=BIN_FAST)
    with Pop3Server(one) as server:
        run_fast(server).well()
        whole = server.sent
        assert not server.mails
    told = 1
    for cut in range(1, whole):
        with Pop3Server(one, cut=cut) as server:
            run = run_fast(server)
            told += len(run.all("mail"))
            assert run.end.name in ("done", "error") and len(waiting(fast)) == told
            assert server.mails or run.all("mail")
            assert all(a["kind"] != "none" or not server.mails for a in run.all("acted"))
            # a number is only used in a session that has listed it
            sessions = "".join(verb[0] for verb in server.log if verb in ("UIDL", "DELE")).split("U")
            assert all(len(s) <= 1 for s in sessions)
    print(whole, "bytes")
