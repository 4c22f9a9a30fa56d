# SPDX-License-Identifier: GPL-3.0-or-later
"""sealpost-tsa against a private authority: what comes over the network is bounded, and every failure has its own words."""
import os
import socket
import struct
import subprocess

import pytest
from sealpost import BIN, ENV, TIMEOUT_S
from tsa import HTTP_MODES, POLICY, TOKEN_MODES, Query, Tsa, integer, oid, tlv

# tsa/authority_wire.h
ORDER, RESPONSE, FAILED = 1, 2, 3
TEXTS = ("url", "request", "user", "password", "tls_ca", "client_cert", "client_key", "proxy", "proxy_user", "proxy_password")
# base/err.h, in its order
(DENIED, OFFLINE, TIMEOUT, IO, FOREIGN, TOOBIG) = (5, 7, 8, 10, 14, 16)
RESPONSE_MAX = 256 * 1024
PASSWORD = "correct h0rse"

QUERY = tlv(0x30, integer(1), tlv(0x30, tlv(0x30, oid("2.16.840.1.101.3.4.2.1"), tlv(0x05)), tlv(0x04, bytes(range(32)))),
            integer(0x1122334455667788), tlv(0x01, b"\xff"))


def varint(n):
    out = b""
    while n > 0x7F:
        out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
    return out + bytes([n])


def order(timeout_ms=20000, **texts):
    body = b""
    for name in TEXTS:
        text = texts.get(name, b"")
        text = text if isinstance(text, bytes) else text.encode()
        body += varint(len(text)) + text
    return body + varint(timeout_ms)


def read_all(peer):
    data = b""
    while piece := peer.recv(1 << 16):
        data += piece
    return data


class Asker:
    """sealpost-tsa, running; what it may read of its surroundings is as ENVIRONMENT says."""

    def __init__(self, **environment):
        self.peer, theirs = socket.socketpair()

        def preexec():
            os.dup2(theirs.fileno(), 3)

        with theirs:
            self.process = subprocess.Popen([BIN + "-tsa"], env={**ENV, **environment}, stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE, close_fds=False, preexec_fn=preexec)
        self.peer.settimeout(TIMEOUT_S)

    def send(self, body, kind=ORDER):
        self.peer.sendall(struct.pack("<II", kind, len(body)) + body)
        return self

    def end(self, status=0):
        """Its answer: kind and body, None if it has none."""
        data = read_all(self.peer)
        self.peer.close()
        out, err = self.process.communicate(timeout=TIMEOUT_S)
        assert self.process.returncode == status and out == b"", err
        assert status or err == b"", err
        if not data:
            return None
        kind, length = struct.unpack("<II", data[:8])
        assert len(data) == 8 + length
        return kind, data[8:]


def ask(tsa, environment=None, **more):
    return Asker(**(environment or {})).send(order(**{"url": tsa.url, "request": QUERY, **more})).end()


def granted(tsa, **more):
    kind, body = ask(tsa, **more)
    assert kind == RESPONSE, body
    return body


def failed(tsa, **more):
    """The kind of the error and its text, which holds no secret."""
    kind, body = ask(tsa, **more)
    assert kind == FAILED, body
    text = body[1:].decode()
    assert PASSWORD not in text and "anna" not in text
    return body[0], text


@pytest.fixture
def tsa(folder):
    with Tsa(folder / "tsa") as running:
        yield running


def test_a_request_is_posted_and_the_response_comes_back_as_it_is(tsa):
    body = granted(tsa)
    assert body[0] == 0x30 and bytes(range(32)) in body
    assert [query.der for query in tsa.queries] == [QUERY]
    assert Query(QUERY).wants_certificates and Query(QUERY).policy == oid(POLICY)


@pytest.mark.parametrize("mode", [*TOKEN_MODES, "cut", "trailing", "not_der", "empty", "wrong_content_type"])
def test_what_is_no_good_token_comes_through_to_those_who_judge_it(tsa, mode):
    tsa.mode = mode
    granted(tsa)


@pytest.mark.parametrize("mode, kind, says", [
    ("oversized", TOOBIG, "larger than 256 KiB"),
    ("endless", TOOBIG, "larger than 256 KiB"),
    ("http_500", IO, "HTTP status 500"),
    ("http_404", IO, "no timestamping authority at this address"),
    ("redirect", IO, "it has moved"),
    ("broken", IO, "the connection broke"),
    ("page", IO, "it answers with text/html"),
])
def test_another_answer_is_told_in_its_own_words(tsa, mode, kind, says):
    tsa.mode = mode
    found, text = failed(tsa)
    assert found == kind and says in text
    assert len(tsa.queries) == 1


@pytest.mark.parametrize("mode", ["silent", "slow"])
def test_an_authority_that_does_not_answer_in_time_is_given_up(tsa, mode):
    tsa.mode = mode
    kind, text = failed(tsa, timeout_ms=700)
    assert kind == TIMEOUT and "has not answered within 1 s" in text


def test_an_authority_that_is_not_there_is_offline(tsa):
    tsa.stop()
    kind, text = failed(tsa)
    assert kind == OFFLINE and "cannot be reached" in text


def test_a_user_and_password_are_sent_where_they_are_set_and_refused_where_they_are_wrong(folder):
    with Tsa(folder / "tsa", user="archive", password=PASSWORD) as tsa:
        granted(tsa, user="archive", password=PASSWORD)
        for login in ({}, {"user": "archive", "password": "another " + PASSWORD}):
            kind, text = failed(tsa, **login)
            assert kind == DENIED and "HTTP status 401" in text


def test_https_is_trusted_by_the_chosen_ca_only(folder):
    with Tsa(folder / "tsa", tls=True) as tsa:
        granted(tsa, tls_ca=tsa.tls_ca_file.read_bytes())
        for trusted in ({}, {"tls_ca": tsa.ca_file.read_bytes()}):
            kind, text = failed(tsa, **trusted)
            assert kind == FOREIGN and "not to be trusted" in text
        assert len(tsa.queries) == 1


def test_a_client_certificate_opens_what_is_closed_without(folder):
    with Tsa(folder / "tsa", tls=True, client_certificate=True) as tsa:
        trusted = {"tls_ca": tsa.tls_ca_file.read_bytes()}
        granted(tsa, client_cert=tsa.client_file.read_bytes(), client_key=tsa.client_key_file.read_bytes(), **trusted)
        kind, text = failed(tsa, **trusted)
        assert kind == IO and "perhaps it wants a client certificate" in text
        assert len(tsa.queries) == 1


def test_a_proxy_is_used_where_one_is_set_and_lets_in_only_whom_it_knows(folder):
    with Tsa(folder / "tsa", proxy_user="archive", proxy_password=PASSWORD) as tsa:
        through = {"url": "http://tsa.invalid/tsr", "proxy": f"http://{tsa.host}"}
        granted(tsa, proxy_user="archive", proxy_password=PASSWORD, **through)
        assert tsa.proxied == 1
        kind, text = failed(tsa, **through)
        assert kind == DENIED and "the proxy does not let this archive through" in text


def test_a_proxy_of_the_environment_is_not_used(tsa):
    nowhere = "http://127.0.0.1:9"
    granted(tsa, environment={"http_proxy": nowhere, "HTTP_PROXY": nowhere, "ALL_PROXY": nowhere, "all_proxy": nowhere})
    assert tsa.proxied == 0


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "tsa"])
def test_nothing_but_http_is_spoken(tsa, url):
    failed(tsa, url=url)
    assert not tsa.queries


def test_an_order_that_is_malformed_is_refused(tsa):
    whole = order(url=tsa.url, request=QUERY)
    for body, kind in ((whole[:-1], ORDER), (whole + b"\0", ORDER), (b"", ORDER), (whole, ORDER + 7)):
        assert Asker().send(body, kind).end(status=1) is None
    assert not tsa.queries


def test_by_hand_it_says_who_starts_it():
    done = subprocess.run([BIN + "-tsa"], env=ENV, capture_output=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 2 and b"sealpost timestamp" in done.stderr


def test_it_ends_when_it_is_asked_to_while_it_waits_for_an_answer(tsa):
    tsa.mode = "silent"
    asker = Asker().send(order(url=tsa.url, request=QUERY, timeout_ms=100000))
    tsa.asked()
    asker.process.terminate()
    kind, body = asker.end()
    assert kind == FAILED and b"it was stopped" in body


def test_every_mode_is_tested_here():
    assert {"oversized", "endless", "http_500", "http_404", "redirect", "broken", "page", "silent", "slow", "cut",
            "trailing", "not_der", "empty", "wrong_content_type"} == set(HTTP_MODES)
