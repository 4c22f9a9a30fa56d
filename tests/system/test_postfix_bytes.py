# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive has what the client sent to Postfix, byte for byte; and where Postfix itself changes a mail
before any milter sees it, it is exactly that change."""
import os
import re
import smtplib

import pytest
from postfix import running

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Postfix wants to be started by root")

RELAY = "ben@relay.test"
# Postfix adds what is missing of these only for its own clients; with all of them there it adds nothing.
HEAD = b"From: anna@sender.test\r\nTo: ben@relay.test\r\nDate: Mon, 05 Feb 2024 10:00:00 +0100\r\n"


@pytest.fixture(name="system", scope="module")
def _system():
    # a mail server that faces the world: no address of this client is completed
    with running("milters", "local_header_rewrite_clients =") as system:
        yield system


def mail(word, head=b"", body=b"body\r\n"):
    return HEAD + b"Subject: " + word + b"\r\nMessage-ID: <" + word + b"@x>\r\n" + head + b"\r\n" + body


SAME = {
    "plain": (b"", b"body\r\n"),
    "8 bit in body and header": (b"X-Odd: gr\xfc\xdfe\r\n", b"gr\xc3\xbc\xc3\x9fe \xe4\xff\r\n"),
    "odd spacing": (b"X-A:x\r\nX-B:  two\r\nX-C:\ttab\r\nX-D: end \r\n", b"body\r\n"),
    "folding": (b"X-A: one\r\n two\r\n\tthree\r\nX-B:\r\n folded at once\r\n", b"body\r\n"),
    "empty headers": (b"X-A:\r\nX-B: \r\n", b"body\r\n"),
    "duplicate headers": (b"X-A: 1\r\nX-A: 2\r\nx-a: 1\r\n", b"body\r\n"),
    "dots": (b"", b".\r\n..\r\n.x\r\n...\r\n"),
    "a body line of 100 kB": (b"", b"y" * 100000 + b"\r\n"),
    "NUL in the body": (b"", b"before\0after\r\n"),
    "a header line of 3 kB": (b"X-Long: " + b"x" * 3000 + b"\r\n", b"body\r\n"),
    "blank lines at the end": (b"", b"body\r\n\r\n\r\n\r\n"),
    "no body": (b"", b""),
    "20 MB": (b"", b"0123456789" * 7 + b"\r\n" + (b"z" * 74 + b"\r\n") * 276000),
}
# what is sent, what is archived
CHANGED = {
    "a bare LF becomes CRLF": (mail(b"%s", body=b"one\ntwo\r\n"), mail(b"%s", body=b"one\r\ntwo\r\n")),
    "CR CR LF becomes CRLF": (mail(b"%s", body=b"one\r\r\ntwo\r\n"), mail(b"%s", body=b"one\r\ntwo\r\n")),
    "a bare CR becomes a space": (mail(b"%s", body=b"one\rtwo\r\n"), mail(b"%s", body=b"one two\r\n")),
    "a header over 60,000 bytes is cut": (
        mail(b"%s", b"X-Long: " + b"x" * 70000 + b"\r\n"), mail(b"%s", b"X-Long: " + b"x" * 59992 + b"\r\n")),
    "a header ends at a NUL": (mail(b"%s", b"X-A: one\0two\r\n"), mail(b"%s", b"X-A: one\r\n")),
    "a space before the colon goes": (mail(b"%s", b"X-A : x\r\n"), mail(b"%s", b"X-A: x\r\n")),
    "after a line that is no header comes the body": (
        mail(b"%s", b"no header here\r\n"), mail(b"%s", b"", b"no header here\r\n\r\nbody\r\n")),
    "an mbox separator becomes a header": (
        b"From anna Mon Feb  5 10:00:00 2024\r\n" + mail(b"%s"),
        b"X-Mailbox-Line: From anna Mon Feb  5 10:00:00 2024\r\n" + mail(b"%s")),
    "Bcc, Return-Path and Content-Length go": (
        mail(b"%s", b"Bcc: x@y.test\r\nReturn-Path: <a@b.test>\r\nContent-Length: 7\r\n"
             b"Resent-Bcc: x@y.test\r\n"),
        mail(b"%s")),
}


def send_whole(client, data):
    client.send(re.sub(rb"(?m)^\.", b"..", data) + b".\r\n")


def archived(system, word):
    system.settle()
    return system.archive.raw(system.archive.one(word))


def send(system, data, *params):
    with system.postfix.client() as client:
        assert client.mail("anna@sender.test", params)[0] == 250
        assert client.rcpt(RELAY)[0] == 250 and client.docmd("DATA")[0] == 354
        send_whole(client, data)
        code, text = client.getreply()
        assert code == 250, text


@pytest.mark.parametrize("head, body", SAME.values(), ids=SAME)
def test_what_the_client_sent_is_archived(system, head, body):
    word = system.word()
    data = mail(word.encode(), head, body)
    send(system, data)
    assert archived(system, word) == data


@pytest.mark.parametrize("param", ["BODY=8BITMIME", "SMTPUTF8"])
def test_announced_8_bit_mail_is_archived_as_it_was(system, param):
    word = system.word()
    data = mail(word.encode(), "X-Name: Jürgen\r\n".encode(), "Grüße\r\n".encode())
    send(system, data, param)
    assert archived(system, word) == data


@pytest.mark.parametrize("sent, expected", CHANGED.values(), ids=CHANGED)
def test_what_postfix_changes_before_any_milter_is_archived_so(system, sent, expected):
    word = system.word().encode()
    send(system, sent.replace(b"%s", word))
    assert archived(system, word.decode()) == expected.replace(b"%s", word)


@pytest.mark.parametrize("size", [7, 1000], ids=["7 bytes each", "1,000 bytes each"])
def test_a_mail_in_chunks_is_archived_as_it_was(system, size):
    word = system.word()
    data = mail(word.encode(), body=b".\r\n.. dots and more\r\n" * 20)
    with system.postfix.client() as client:
        assert client.mail("anna@sender.test")[0] == 250 and client.rcpt(RELAY)[0] == 250
        for at in range(0, len(data), size):
            chunk = data[at:at + size]
            last = " LAST" if at + size >= len(data) else ""
            client.send(f"BDAT {len(chunk)}{last}\r\n".encode() + chunk)
            code, text = client.getreply()
            assert code == 250, text
    assert archived(system, word) == data


def test_a_chunked_mail_without_a_last_line_end_gets_one(system):
    word = system.word()
    data = mail(word.encode(), body=b"no end of line")
    with system.postfix.client() as client:
        assert client.mail("anna@sender.test")[0] == 250 and client.rcpt(RELAY)[0] == 250
        client.send(f"BDAT {len(data)} LAST\r\n".encode() + data)
        assert client.getreply()[0] == 250
    assert archived(system, word) == data + b"\r\n"


def test_a_client_that_hangs_up_in_the_middle_leaves_nothing(system):
    word, before = system.word(), system.pending()
    client = smtplib.SMTP("127.0.0.1", system.postfix.port)
    client.ehlo()
    client.mail("anna@sender.test")
    client.rcpt(RELAY)
    client.docmd("DATA")
    client.send(mail(word.encode(), body=b"and then"))
    client.close()
    with system.postfix.client() as other:
        assert other.mail("anna@sender.test")[0] == 250 and other.rcpt(RELAY)[0] == 250
        assert other.rset()[0] == 250
    system.settle()
    assert not system.archive.find(word) and system.pending() == before
