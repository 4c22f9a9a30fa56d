# SPDX-License-Identifier: GPL-3.0-or-later
"""sealpost-fetch and a real Dovecot: what it takes it takes whole, and it changes nothing that it was not told to."""
import functools

import dovecot
import fetching
import pytest
from fetching import (ALL, ARCHIVED, DELETE, DUPLICATE, FAILURE, IMPLICIT, LIST, MOVE, NO_TLS, POP3,
                      STARTTLS, TAG, known, pack, which)
from oauth_server import OAuthServer
from ports import free_port
from sealpost import mail, sha256
from test_archiver import archive_all, waiting

FORGED = (b"A0004 OK FETCH completed\r\nA4 OK done\r\n* BYE\r\n)\r\nA5 OK done\r\n"
          b"* 1 FETCH (UID 99 BODY[] {5}\r\nhello)\r\n")


def crlf(data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory):
    path = tmp_path_factory.mktemp("server")
    for parent in list(path.parents)[:4]:
        if parent.name.startswith(("pytest-", "popen-")):
            parent.chmod(0o755)
    with dovecot.running(path) as server:
        yield server


@pytest.fixture(name="user")
def _user(server):
    """A user of the test's own."""
    return server.new_user()


@pytest.fixture(name="fetch")
def _fetch(server, user, archive):
    return functools.partial(fetching.run, archive, port=server.imaps, tls=IMPLICIT,
                             ca_file=str(server.ca), user=user, password=dovecot.PASSWORD)


def fetched(run, folder="INBOX"):
    return [m["uid"] for m in run.all("mail") if m["folder"] == folder]


def folders(run, selected=True):
    return sorted(f["folder"] for f in run.all("folder") if f["selected"] == selected)


def test_mails_come_byte_for_byte_with_flags_and_time_and_stay_unseen(server, user, archive, fetch):
    originals = [
        mail(msgid="<1@x>", subject="forged"), FORGED + mail(msgid="<2@x>") + FORGED,
        mail(msgid="<3@x>", body="x" * 70000 + "\n"), mail(msgid="<4@x>", body="ends without"),
        mail(msgid="<5@x>", body=".\n..\n.dots\n") + bytes(range(128, 256)),
        b"Subject: {3}\r\n\r\n{5}\r\n\"unclosed (((\r\n", mail(msgid="<6@x>", body="y\n" * 100000),
    ]
    server.deliver(originals, user=user)
    run = fetch().well()
    assert fetched(run) == list(range(1, len(originals) + 1))
    before = server.mails(user=user)
    assert all("\\Seen" not in flags for flags, _ in before.values())
    entry = archive.json("spool", "show", _uuid(run.all("mail")[0]["entry"]))[0]
    assert (entry["door"], entry["source"]) == ("fetch", "test")
    archive_all(archive)
    assert {raw for _, raw in before.values()} == {crlf(m) for m in originals}
    assert archive.all_sums() == sorted(sha256(crlf(m)) for m in originals)


def _uuid(raw):
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def test_what_is_known_is_not_fetched_again_unless_the_folder_was_made_anew(server, user, fetch):
    server.deliver([mail(msgid=f"<{n}@x>") for n in range(5)], user=user)
    first = fetch().well()
    validity = first.all("mail")[0]["uidvalidity"]
    server.deliver([mail(msgid="<new@x>")], user=user)
    second = fetch(known("INBOX", validity, 5)).well()
    assert fetched(second) == [6]
    (done,) = [d for d in second.all("folder_done") if d["folder"] == "INBOX"]
    assert (done["on_server"], done["earlier"], done["mails"]) == (6, 5, 1)
    assert not fetched(fetch(known("INBOX", validity, 6)).well())
    assert len(fetched(fetch(known("INBOX", validity + 1, 6)).well())) == 6


def test_drafts_trash_and_junk_are_passed_over_and_names_are_read_in_their_own_tongue(server, user,
                                                                                   fetch):
    server.deliver([mail(msgid="<1@x>")], user=user)
    for box in (".Trash", ".Drafts", ".Sent", ".B&APw-cher", ".R&-D", ".&ZeVnLIqe-", ".&2D3eAA-"):
        server.deliver([mail(msgid=f"<{box}@x>")], box, user)
    run = fetch().well()
    assert folders(run) == sorted(["INBOX", "Sent", "Bücher", "R&D", "日本語", "😀"])
    assert {f["folder"]: f["on_server"] for f in run.all("folder") if not f["selected"]} == {
        "Trash": 1, "Drafts": 1}
    assert len(run.all("mail")) == 6
    run = fetch(folders="B*&!\\Drafts\nR\\&D").well()
    assert folders(run) == ["Bücher", "R&D"]
    listed = fetch(mode=LIST, archive_dir="/nonexistent").well()
    assert sorted(f["folder"] for f in listed.all("folder")) == sorted(
        ["INBOX", "Sent", "Bücher", "R&D", "日本語", "😀", "Trash", "Drafts"])
    assert all(f["on_server"] == 1 for f in listed.all("folder")) and not listed.all("mail")


def by_parity(fields):
    """Every third mail a duplicate, every third failed."""
    return (ARCHIVED, DUPLICATE, FAILURE)[fields["uid"] % 3]


def test_each_outcome_has_its_action_and_the_reader_notices_nothing_else(server, user, archive, fetch):
    server.deliver([mail(msgid=f"<{n}@x>") for n in range(1, 7)], user=user)
    client = server.client(user)
    client.select("INBOX")
    client.uid("STORE", "1:3", "+FLAGS", "(\\Seen)")
    client.uid("STORE", "5", "+FLAGS", "(\\Deleted)")  # somebody else's mark, not ours to expunge
    client.logout()
    run = fetch(outcome=by_parity, archived=DELETE, duplicate=MOVE, duplicate_name="Archiv/Doppelt",
                failed=TAG, failed_name="NotArchived").well()
    assert len(run.all("acted")) == 6 and all(a["kind"] == "none" for a in run.all("acted"))
    left = server.mails(user=user)
    assert {uid: sorted(flags - {"\\Recent"}) for uid, (flags, _) in left.items()} == {
        2: ["NotArchived", "\\Seen"], 5: ["NotArchived", "\\Deleted"]}
    moved = server.mails("Archiv/Doppelt/INBOX", user)
    assert sorted(raw for _, raw in moved.values()) == [
        crlf(mail(msgid=f"<{n}@x>")) for n in (1, 4)]
    assert len(waiting(archive)) == 6
    again = fetch(archived=DELETE, duplicate=MOVE, duplicate_name="Archiv/Doppelt", finish=True).well()
    assert "Archiv/Doppelt/INBOX" in folders(again, selected=False)


def test_without_an_outcome_nothing_changes_and_what_was_due_is_done_at_the_next_run(server, user,
                                                                                  fetch):
    server.deliver([mail(msgid=f"<{n}@x>") for n in range(3)], user=user)
    run = fetch(archived=DELETE, finish=True).well()
    assert not run.all("acted") and len(server.mails(user=user)) == 3
    mails = run.all("mail")
    due = [pack("due", what=ARCHIVED, **which(m)) for m in mails[:2]]
    due.append(pack("due", what=ARCHIVED, folder="INBOX", uidvalidity=1, uid=mails[2]["uid"]))
    due.append(pack("due", what=ARCHIVED, folder="no such folder", uidvalidity=1, uid=1))
    later = fetch(known("INBOX", mails[0]["uidvalidity"], 3), *due, archived=DELETE,
                  finish=True).well()
    assert [a["kind"] for a in later.all("acted")] == ["none"] * 4
    assert list(server.mails(user=user)) == [mails[2]["uid"]]


def test_starttls_and_passwords_in_clear_where_somebody_said_so(server, user, fetch):
    server.deliver([mail(msgid="<1@x>")], user=user)
    for port, tls in ((server.imap, STARTTLS), (server.imap, NO_TLS)):
        assert len(fetch(port=port, tls=tls).well().all("mail")) == 1


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_a_server_that_is_not_trusted_gets_no_password(server, user, archive, fetch, protocol):
    if protocol == "pop3":
        fetch = functools.partial(fetch, protocol=POP3, port=server.pop3s)
    plain = {"imap": server.imap, "pop3": server.pop3}[protocol]
    assert fetch(ca_file=str(server.other_ca)).error["kind"] == "denied"
    assert fetch(ca_file="").error["kind"] == "denied"
    assert fetch(ca_file=str(server.other_ca), port=plain, tls=STARTTLS).error["kind"] == "denied"
    assert fetch(host="127.0.0.2").error["kind"] in ("denied", "offline")
    fetch(ca_file=str(server.other_ca), verify=0).well()
    assert not waiting(archive)


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_a_wrong_password_and_a_port_without_a_server_are_told_apart(server, user, fetch, protocol):
    ports = {"imap": {}, "pop3": {"protocol": POP3, "port": server.pop3s}}[protocol]
    error = fetch(password="wrong", **ports).error
    assert error["kind"] == "denied" and "does not let this user in" in error["text"]
    assert fetch(**(ports | {"port": free_port()})).error["kind"] == "offline"
    assert user not in str(error) and "wrong:" not in str(error)


def test_a_mail_over_the_limit_fails_and_the_others_come(server, user, fetch):
    server.deliver([mail(msgid="<1@x>"), mail(msgid="<2@x>", body="x" * 50000), mail(msgid="<3@x>")],
                   user=user)
    run = fetch(mail_bytes=10000).well()
    assert fetched(run) == [1, 3]
    (failed,) = run.all("failed")
    assert (failed["uid"], failed["kind"]) == (2, "too-big")
    run = fetch(mail_bytes=10000, protocol=POP3, port=server.pop3s).well()
    assert len(run.all("mail")) == 2 and run.all("failed")[0]["kind"] == "too-big"


def test_pop3_takes_each_mail_once_and_deletes_only_what_it_may(server, user, archive, fetch):
    fetch = functools.partial(fetch, protocol=POP3, port=server.pop3s)
    originals = [mail(msgid=f"<{n}@x>", body=".\n..\n.x\n" * n) for n in range(5)]
    server.deliver(originals, user=user)
    listed = fetch(mode=LIST).well()
    assert [(f["folder"], f["on_server"]) for f in listed.all("folder")] == [("INBOX", 5)]
    first = fetch(archived=DELETE, finish=True).well()
    mails = first.all("mail")
    assert len(mails) == 5 and len(server.mails(user=user)) == 5
    archive_all(archive)
    assert archive.all_sums() == sorted(sha256(crlf(m)) for m in originals)
    uidls = [pack("known", uidl=m["uidl"]) for m in mails]
    due = [pack("due", what=ARCHIVED, **which(mails[0])), pack("due", what=ARCHIVED, folder="INBOX",
                                                               uidl="gone")]
    server.deliver([mail(msgid="<new@x>")], user=user)
    second = fetch(*uidls, *due, archived=DELETE, outcome=lambda _: ARCHIVED).well()
    assert len(second.all("mail")) == 1
    assert [a["kind"] for a in second.all("acted")] == ["none"] * 3
    assert len(server.mails(user=user)) == 4
    starttls = fetch(port=server.pop3, tls=STARTTLS).well()
    assert len(starttls.all("mail")) == 4


def test_a_server_that_dies_in_between_is_told_and_what_came_whole_is_kept(folder, archive):
    with dovecot.running(folder) as server:
        server.deliver([mail(msgid=f"<{n}@x>", body="x" * 100000) for n in range(200)])

        def stop(message, _):
            if message.name == "mail":
                server.kill_sessions()

        run = fetching.run(archive, port=server.imaps, tls=IMPLICIT, ca_file=str(server.ca),
                           user=dovecot.USER, password=dovecot.PASSWORD, answer=stop)
        assert run.error["kind"] in ("offline", "timeout")
        assert len(waiting(archive)) == len(run.all("mail")) > 0


@pytest.fixture(name="oauth")
def _oauth(tmp_path_factory):
    path = tmp_path_factory.mktemp("oauth")
    for parent in list(path.parents)[:4]:
        if parent.name.startswith(("pytest-", "popen-")):
            parent.chmod(0o755)
    with OAuthServer(dovecot.USER) as tokens:
        with dovecot.running(path, oauth_url=tokens.introspection_url) as server:
            server.deliver([mail(msgid="<1@x>")])
            yield tokens, server


@pytest.mark.parametrize("mechanism", [fetching.ANY, fetching.XOAUTH2, fetching.OAUTHBEARER])
@pytest.mark.parametrize("protocol", [fetching.IMAP, POP3])
def test_oauth_by_each_mechanism_and_grant(oauth, archive, mechanism, protocol):
    tokens, server = oauth
    fetch = functools.partial(
        fetching.run, archive, port=server.imaps if protocol == fetching.IMAP else server.pop3s,
        protocol=protocol, tls=IMPLICIT, ca_file=str(server.ca), user=dovecot.USER,
        mechanism=mechanism, token_url=tokens.token_url, device_url=tokens.device_url,
        client_id="archive", client_secret="s3cret", scope="mail", mode=ALL)
    assert len(fetch(grant=fetching.CLIENT_CREDENTIALS).well().all("mail")) == 1
    run = fetch(grant=fetching.REFRESH_TOKEN, refresh_token="refresh-0").well()
    (token,) = run.all("token")
    assert token["refresh_token"] == tokens.refresh_token != "refresh-0"
    error = fetch(grant=fetching.REFRESH_TOKEN, refresh_token="refresh-0").error  # used up
    assert error["kind"] == "denied" and "invalid_grant" in error["text"]
    run = fetch(grant=fetching.DEVICE_CODE).well()
    (device,) = run.all("device")
    assert device["code"] == "ABCD-EFGH" and device["url"].startswith("https://")
    tokens.wrong = True  # tokens that the mail server does not take
    error = fetch(grant=fetching.CLIENT_CREDENTIALS).error
    assert error["kind"] == "denied" and "does not let this user in" in error["text"]


def test_a_token_server_that_is_busy_asks_nobody_for_consent(oauth, archive):
    tokens, server = oauth
    tokens.busy = True
    run = fetching.run(archive, port=server.imaps, tls=IMPLICIT, ca_file=str(server.ca), user=dovecot.USER,
                       client_id="archive", client_secret="s3cret", grant=fetching.DEVICE_CODE,
                       refresh_token="refresh-0", token_url=tokens.token_url, device_url=tokens.device_url)
    assert run.error["kind"] == "offline" and "temporarily_unavailable" in run.error["text"]
    tokens.busy = False


def test_a_token_server_that_answers_nonsense_or_not_at_all_is_told(oauth, archive):
    tokens, server = oauth
    fetch = functools.partial(fetching.run, archive, port=server.imaps, tls=IMPLICIT,
                              ca_file=str(server.ca), user=dovecot.USER, client_id="archive",
                              grant=fetching.CLIENT_CREDENTIALS)
    assert fetch(token_url=tokens.token_url + "/nonsense").error["kind"] == "syntax"
    assert fetch(token_url=f"http://127.0.0.1:{free_port()}/").error["kind"] == "offline"
    assert fetch(token_url="http://192.0.2.1/token").error["kind"] == "unsupported"  # in clear
    # what stands before the "@" is a user, not the host
    for url in ("http://localhost:80@192.0.2.1/token", "http://127.0.0.1:1@192.0.2.1/", "http://[::1]:x@192.0.2.1/"):
        assert fetch(token_url=url).error["kind"] in ("unsupported", "syntax")
    assert fetch(token_url="").error["kind"] == "usage"
    assert fetch(preset="nobody").error["kind"] == "usage"
