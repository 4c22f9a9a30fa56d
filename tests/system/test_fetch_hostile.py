# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that lie, stall, break off and never end: sealpost-fetch says so, and takes no harm."""
import base64
import functools

import fetching
import pytest
from fetching import ARCHIVED, DELETE, LIST, MOVE, STARTTLS, TAG, pack
from imap_server import CAPABILITIES, ImapServer
from line_server import Gone
from ports import free_port
from sealpost import BIN_FAST, mail, sha256
from test_archiver import archive_all, waiting

MAILS = {uid: mail(msgid=f"<{uid}@x>").replace(b"\n", b"\r\n") for uid in (3, 4, 9)}
SILENCE_MS = 300


def fetch(archive, server, *before, **job):
    return fetching.run(archive, *before, port=server.port, user="anna", password="secret", **job)


def uids(run):
    return [m["uid"] for m in run.all("mail")]


def test_a_server_that_behaves_is_fetched_from(archive):
    with ImapServer(MAILS) as server:
        assert uids(fetch(archive, server).well()) == [3, 4, 9]
        assert server.count("EXAMINE") == 1 and not server.count("SELECT")
        assert "UID FETCH 3:4,9 (UID FLAGS INTERNALDATE BODY.PEEK[])" in server.log
    archive_all(archive)
    assert archive.all_sums() == sorted(sha256(m) for m in MAILS.values())


def test_forged_tags_and_responses_in_a_mail_are_its_content(archive):
    forged = {n: b"".join(b"A%d OK done\r\n* BYE\r\n* %d FETCH (UID 77 BODY[] {2}\r\nxx)\r\n" % (k, k)
                          for k in range(20)) for n in (1, 2)}
    with ImapServer(forged) as server:
        assert uids(fetch(archive, server).well()) == [1, 2]
    assert len(waiting(archive)) == 2


def always(data):
    def answer(server, *_):
        while True:
            server.send(data)
    return answer


@pytest.mark.parametrize("verb", ["CAPABILITY", "AUTHENTICATE", "LIST", "EXAMINE", "FETCH"])
@pytest.mark.parametrize("data", [
    b"x" * 65536, b"* OK still here\r\n" * 1000, b"* LIST () \"/\" " + b"(" * 50000 + b"\r\n",
    b"* FETCH ({60000}\r\n" + b"x" * 60000, b"+ \r\n" * 1000,
], ids=["line", "responses", "lists", "literals", "challenges"])
def test_what_never_ends_is_ended(archive, verb, data):
    with ImapServer(MAILS, changes={verb: always(data)}) as server:
        error = fetch(archive, server, binary=BIN_FAST).error
        assert error["kind"] in ("syntax", "denied", "offline"), error
    assert not waiting(archive)


@pytest.mark.parametrize("verb", ["CAPABILITY", "AUTHENTICATE", "LIST", "EXAMINE", "FETCH", "LOGOUT"])
def test_a_silent_server_is_given_up(archive, verb):
    def silence(server, *_):
        server.peer.recv(1)

    with ImapServer(MAILS, changes={verb: silence}) as server:
        run = fetch(archive, server, idle_ms=SILENCE_MS)
        assert verb == "LOGOUT" or run.error["kind"] == "timeout"


def test_a_server_that_accepts_and_says_nothing_is_given_up(archive):
    def nothing(server, *_):
        raise Gone

    with ImapServer(MAILS, greeting=b"* OK half a gree") as server:
        assert fetch(archive, server, idle_ms=SILENCE_MS).error["kind"] == "timeout"
        assert fetch(archive, server, idle_ms=SILENCE_MS, tls=1).error["kind"] == "unsupported"
    with ImapServer(MAILS, changes={"CAPABILITY": nothing}) as server:
        assert fetch(archive, server).error["kind"] == "offline"


def test_a_connection_that_breaks_at_any_byte_loses_and_changes_nothing(fast):
    """Every byte of a dialogue with a deletion in it: told mails are in the spool, deleted ones were told."""
    job = {"archived": DELETE, "outcome": lambda _: ARCHIVED, "binary": BIN_FAST}
    with ImapServer({5: b"Subject: x\r\n\r\n"}) as server:
        fetch(fast, server, **job).well()
        whole = server.sent
        assert server.expunged == {5}
    told = 1
    for cut in range(1, whole):
        with ImapServer({5: b"Subject: x\r\n\r\n"}, cut=cut) as server:
            run = fetch(fast, server, **job)
            mails = run.all("mail")
            told += len(mails)
            assert run.end.name in ("done", "error"), run
            assert run.end.name == "done" or run.end.fields["kind"] in ("offline", "syntax"), run
            assert not server.deleted or mails
            assert len(waiting(fast)) == told
            assert all(a["kind"] == "none" for a in run.all("acted"))
            assert server.expunged or not run.all("acted")
    print(whole, "bytes")


def wrong_size(said, real):
    def answer(server, tag, arguments):
        wanted, _, items = arguments.partition(" ")
        for uid in server.uids(wanted):
            if "BODY" not in items:
                server.send(f"* 1 FETCH (UID {uid} RFC822.SIZE {said})\r\n")
            else:
                server.send(f"* 1 FETCH (UID {uid} BODY[] {{{real}}}\r\n" + "x" * min(real, 1 << 20) +
                            ("" if real > 1 << 20 else ")\r\n"))
                if real > 1 << 20:
                    raise Gone
        server.ok(tag)
    return {"FETCH": answer}


def test_two_gigabytes_announced_beforehand_are_not_asked_for(archive):
    with ImapServer(MAILS, changes=wrong_size(1 << 31, 5)) as server:
        run = fetch(archive, server).well()
        assert [f["kind"] for f in run.all("failed")] == ["too-big"] * 3
        assert not any("BODY" in line for line in server.log)


def test_a_mail_that_is_larger_than_it_was_said_to_be_fails_alone(archive):
    with ImapServer(MAILS, changes=wrong_size(10, 50000)) as server:
        run = fetch(archive, server, mail_bytes=20000).well()
        assert [f["kind"] for f in run.all("failed")] == ["too-big"] * 3
    with ImapServer(MAILS, changes=wrong_size(10, 50000)) as server:
        assert len(fetch(archive, server, mail_bytes=50000).well().all("mail")) == 3
    for real in (1 << 31, 1 << 62):
        with ImapServer(MAILS, changes=wrong_size(10, real)) as server:
            assert fetch(archive, server).error["kind"] in ("offline", "syntax", "no-space")
    assert len(waiting(archive)) == 3


def test_a_hundred_thousand_folders_are_listed_and_more_than_the_limit_refused(archive):
    folders = [f"f{n}" for n in range(100000)]
    with ImapServer(MAILS, folders=folders) as server:
        run = fetch(archive, server, mode=LIST, binary=BIN_FAST).well()
        assert len(run.all("folder")) == 100000
    with ImapServer(MAILS, folders=folders[:1001]) as server:
        assert fetch(archive, server, folders_max=1000).error["kind"] == "too-big"


def answering(text):
    """A FETCH of content that is answered with TEXT, and OK."""
    def answer(server, tag, arguments):
        wanted, _, items = arguments.partition(" ")
        if "BODY" in items:
            server.send(text)
            server.ok(tag)
        else:
            server.do_fetch(tag, arguments)
    return {"FETCH": answer}


@pytest.mark.parametrize("text", [
    "* 1 FETCH (UID 77 BODY[] {3}\r\nabc)\r\n", "* 1 FETCH (BODY[] {3}\r\nabc)\r\n",
    "* 1 FETCH (UID 3 BODY[] NIL)\r\n", "* 1 FETCH (UID 3 FLAGS ())\r\n", "* 3 EXPUNGE\r\n", "",
], ids=["other-uid", "no-uid", "nil", "flags", "expunge", "nothing"])
def test_mails_that_are_not_given_out_fail_and_others_are_let_go(archive, text):
    with ImapServer(MAILS, changes=answering(text)) as server:
        run = fetch(archive, server).well()
        assert [f["kind"] for f in run.all("failed")] == ["damaged"] * 3
    assert not waiting(archive)


def test_the_same_mail_twice_is_taken_once(archive):
    one = "* 1 FETCH (UID 3 BODY[] {3}\r\nabc)\r\n"
    with ImapServer({3: b"abc"}, changes=answering(one + one)) as server:
        assert uids(fetch(archive, server).well()) == [3]
    with ImapServer({3: b"abc"}, changes=answering("* 1 FETCH (UID 3 BODY[] {1}\r\na BODY[] {1}\r\nb)\r\n")
                    ) as server:
        assert fetch(archive, server).error["kind"] == "syntax"
    assert len(waiting(archive)) == 1


def test_a_mail_that_vanished_is_gone_and_one_that_is_refused_fails_by_itself(archive):
    def fragile(server, tag, arguments):
        wanted, _, items = arguments.partition(" ")
        server.mails.pop(4, None) if "BODY" in items else None
        if "BODY" in items and 9 in server.uids(wanted):
            server.send(f"{tag} NO [SERVERBUG] cannot\r\n")
        else:
            server.do_fetch(tag, arguments)

    with ImapServer(MAILS, changes={"FETCH": fragile}) as server:
        run = fetch(archive, server).well()
        assert uids(run) == [3]
        assert [(f["uid"], f["kind"]) for f in run.all("failed")] == [(9, "damaged")]
        assert run.all("folder_done")[0]["gone"] == 1


def test_a_folder_that_does_not_open_is_left_out_and_noted(archive):
    def closed(server, tag, arguments):
        if "locked" in arguments:
            server.send(f"{tag} NO [NOPERM] no\r\n")
        elif "nouid" in arguments:
            server.ok(tag)
        else:
            server.do_examine(tag, arguments)

    def deaf(server, tag, arguments):
        if server.count("EXAMINE") == 3:
            server.send(f"{tag} BAD what\r\n")
        else:
            server.do_fetch(tag, arguments)

    with ImapServer(MAILS, changes={"EXAMINE": closed, "FETCH": deaf},
                    folders=("locked", "nouid", "deaf", "INBOX")) as server:
        run = fetch(archive, server).well()
        assert uids(run) == [3, 4, 9]
        assert len(run.all("note")) == 3 and "NOPERM" in run.all("note")[0]["text"]
        assert left_out(run) == ["locked", "nouid", "deaf"]


def left_out(run):
    return [f["folder"] for f in run.all("folder")
            if f["selected"] and f["folder"] not in {d["folder"] for d in run.all("folder_done")}]


def sum_of(done):
    return done["earlier"] + done["mails"] + done["failed"] + done["gone"]


def test_a_mail_that_is_counted_but_not_listed_is_missing_in_the_sum(archive):
    def forgetful(server, tag, arguments):
        for uid in server.uids(arguments.split()[0]):
            if uid != 4:
                server.fetch_one(uid, arguments)
        server.ok(tag)

    with ImapServer(MAILS, changes={"FETCH": forgetful}) as server:
        run = fetch(archive, server)
        done = run.all("folder_done")[0]
        assert uids(run) == [3, 9] and run.end.name == "done"
        assert done["earlier"] == 0 and done["on_server"] == 3 != sum_of(done)
    # what lies before the first new mail is earlier, also where one was overlooked; the parent knows how many were settled
    with ImapServer(MAILS, changes={"FETCH": forgetful}) as server:
        done = fetch(archive, server, fetching.known("INBOX", 7, 9)).well().all("folder_done")[0]
        assert done["earlier"] == done["on_server"] == 3
    with ImapServer(MAILS) as server:
        done = fetch(archive, server, fetching.known("INBOX", 7, 3)).well().all("folder_done")[0]
        assert (done["earlier"], done["mails"]) == (1, 2)


def test_mails_that_come_and_go_while_the_folder_is_looked_at_do_not_disturb_the_sum(archive):
    def busy(server, tag, arguments):
        if "SIZE" in arguments:
            server.fetch_one(3, arguments)
            server.send("* 2 EXPUNGE\r\n* 2 EXISTS\r\n* 2 FETCH (UID 9 RFC822.SIZE 5)\r\n* 3 EXISTS\r\n")
            del server.mails[4]
            server.ok(tag)
        else:
            server.do_fetch(tag, arguments)

    with ImapServer(MAILS, changes={"FETCH": busy}) as server:
        assert uids(fetch(archive, server).well()) == [3, 9]


def test_a_mail_whose_size_is_not_told_is_fetched_all_the_same(archive):
    def sizeless(server, tag, arguments):
        if "SIZE" in arguments:
            server.send("* 1 FETCH (UID 3 RFC822.SIZE -1)\r\n* 2 FETCH (UID 4 RFC822.SIZE NIL)\r\n"
                        "* 3 FETCH (UID 9)\r\n")
            server.ok(tag)
        else:
            server.do_fetch(tag, arguments)

    with ImapServer(MAILS, changes={"FETCH": sizeless}) as server:
        assert uids(fetch(archive, server).well()) == [3, 4, 9]


@pytest.mark.parametrize("greeting", [b"* PREAUTH welcome\r\n", b"* BYE\r\n", b"HTTP/1.1 400\r\n", b"\r\n"])
def test_a_greeting_that_is_none_ends_it_before_anything_is_said(archive, greeting):
    with ImapServer(MAILS, greeting=greeting) as server:
        assert fetch(archive, server, tls=STARTTLS).error["kind"] in ("syntax", "offline")
        assert not server.log


def test_starttls_that_is_not_offered_or_tampered_with_sends_no_password(archive):
    with ImapServer(MAILS) as server:
        error = fetch(archive, server, tls=STARTTLS).error
        assert error["kind"] == "unsupported" and "nothing was sent in clear" in error["text"]

    def injected(server, tag, _):
        server.send(f"{tag} OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n")

    with ImapServer(MAILS, CAPABILITIES + " STARTTLS", {"STARTTLS": injected}) as server:
        assert fetch(archive, server, tls=STARTTLS).error["kind"] in ("syntax", "offline")
        assert not server.count("AUTH") and not server.count("LOGIN")


def test_logging_in_goes_every_way_that_servers_offer(archive):
    with ImapServer(MAILS, "IMAP4rev1") as server:
        fetch(archive, server, mode=LIST).well()
        assert 'LOGIN "anna" "secret"' in server.log
    with ImapServer(MAILS, "IMAP4rev1") as server:
        fetching.run(archive, port=server.port, user="jörg", password='a"b', mode=LIST).well()
        assert "LOGIN 'jörg' \"a\\\"b\"" in server.log
    with ImapServer(MAILS, "IMAP4rev1 LOGINDISABLED") as server:
        assert fetch(archive, server).error["kind"] == "unsupported"
        assert not server.count("LOGIN")

    def step_by_step(server, tag, _):
        server.send("+ \r\n")
        server.log.append(base64.b64decode(server.peer.recv(1000)))
        server.ok(tag)

    with ImapServer(MAILS, "IMAP4rev1 AUTH=PLAIN", {"AUTHENTICATE": step_by_step}) as server:
        fetch(archive, server, mode=LIST).well()
        assert b"\0anna\0secret" in server.log


def test_a_target_folder_is_made_and_a_server_without_uidplus_never_expunges(archive):
    def missing(server, tag, arguments):
        if server.count("CREATE"):
            server.do_copy(tag, arguments)
        else:
            server.send(f"{tag} NO [TRYCREATE] no such folder\r\n")

    job = {"archived": MOVE, "archived_name": "Ärchiv/x", "outcome": lambda _: ARCHIVED}
    with ImapServer(MAILS, CAPABILITIES.replace(" MOVE", ""), {"COPY": missing}) as server:
        fetch(archive, server, **job).well()
        assert server.copies == {"&AMQ-rchiv/x/INBOX": {3, 4, 9}} and server.expunged == {3, 4, 9}
    with ImapServer(MAILS, "IMAP4rev1 AUTH=PLAIN SASL-IR", {"COPY": missing}) as server:
        run = fetch(archive, server, **job).well()
        assert server.deleted == {3, 4, 9} and not server.expunged
        assert not any("EXPUNGE" in line for line in server.log)
        assert len(run.all("note")) == 1 and "UIDPLUS" in run.all("note")[0]["text"]


def test_moved_mails_stay_in_the_users_own_namespace_and_are_not_fetched_from_there(archive):
    folders = ("INBOX", "INBOX.Archiv.x.INBOX", "INBOX.Archiv.xy")
    with ImapServer(MAILS, "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS NAMESPACE", folders=folders) as server:
        run = fetch(archive, server, archived=MOVE, archived_name="Archiv/x", folders="*&!*xy",
                    outcome=lambda _: ARCHIVED).well()
        assert {f["folder"]: f["selected"] for f in run.all("folder")} == {
            "INBOX": 1, "INBOX.Archiv.x.INBOX": 0, "INBOX.Archiv.xy": 0}
        assert server.copies == {"INBOX.Archiv.x.INBOX": {3, 4, 9}}


def test_a_folder_whose_name_breaks_the_rules_is_fetched_under_its_own_name(archive):
    with ImapServer(MAILS, folders=("\u00e4 b", "&broken", "a&-b")) as server:
        run = fetch(archive, server).well()
        assert sorted(f["folder"] for f in run.all("folder")) == ["a&b", "\ufffd&broken", "\ufffd\u00e4 b"]
        assert len(run.all("mail")) == 9 and "EXAMINE '\u00e4 b'" in server.log


def test_folders_whose_names_cannot_be_shown_are_told_apart(archive):
    def strange(server, tag, _):
        for name in (b"x\xff", b"x\xfe", b"x\r\n1"):
            server.send(b"* LIST () \"/\" {%d}\r\n%s\r\n" % (len(name), name))
        server.ok(tag)

    with ImapServer(MAILS, changes={"LIST": strange, "STATUS": lambda s, tag, _: s.ok(tag)}) as server:
        run = fetch(archive, server, mode=LIST).well()
        assert len({f["folder"] for f in run.all("folder")}) == 3
        assert not any("\n" in f["folder"] for f in run.all("folder"))


def test_what_a_server_refuses_to_do_is_told_of_each_mail(archive):
    def refuse(server, tag, _):
        server.send(f"{tag} NO [OVERQUOTA] full\r\n")

    moving = {"archived": MOVE, "archived_name": "a", "outcome": lambda _: ARCHIVED}
    with ImapServer(MAILS, changes={"MOVE": refuse, "CREATE": refuse}) as server:
        run = fetch(archive, server, **moving).well()
        assert [a["kind"] for a in run.all("acted")] == ["denied"] * 3
        assert all("OVERQUOTA" in a["text"] for a in run.all("acted"))
    with ImapServer(MAILS, changes={"SELECT": refuse}) as server:
        run = fetch(archive, server, **moving).well()
        assert [a["kind"] for a in run.all("acted")] == ["denied"] * 3
    tagging = {"archived": TAG, "outcome": lambda _: ARCHIVED}
    with ImapServer(MAILS) as server:
        run = fetch(archive, server, archived_name="no keyword)", **tagging).well()
        assert [a["kind"] for a in run.all("acted")] == ["unsupported"] * 3
        run = fetch(archive, server, archived_name="Archived", **tagging).well()
        assert [a["kind"] for a in run.all("acted")] == ["none"] * 3
        assert "+FLAGS.SILENT (Archived)" in "".join(server.log) and server.count("UID STORE") <= 3


def test_uses_are_guessed_by_name_where_the_server_tells_none(archive):
    folders = ("INBOX", "Papierkorb", "Entw&APw-rfe", "INBOX/Spam", "Projekte/Spam", "SENT")
    with ImapServer(MAILS, folders=folders) as server:
        run = fetch(archive, server, mode=LIST).well()
    assert {f["folder"]: (f["use"], f["selected"]) for f in run.all("folder")} == {
        "INBOX": ("", 1), "Papierkorb": ("\\Trash", 0), "Entwürfe": ("\\Drafts", 0),
        "INBOX/Spam": ("\\Junk", 0), "Projekte/Spam": ("", 1), "SENT": ("\\Sent", 1)}
    assert all(f["guessed"] for f in run.all("folder"))


def test_a_job_that_makes_no_sense_is_refused(archive):
    run = functools.partial(fetching.run, archive, user="anna", password="x", port=free_port())
    for wrong in ({"port": 0}, {"host": ""}, {"failed": DELETE}, {"archived": TAG},
                  {"protocol": fetching.POP3, "archived": MOVE, "archived_name": "x"}):
        done = run(**wrong)
        assert done.status == 1 and not done.messages and "fetch failed" in done.err
    done = run(pack("outcome", folder="INBOX"))
    assert done.status == 1 and not done.messages
    assert run(folders="a&").error["kind"] == "syntax"
