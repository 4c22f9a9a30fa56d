# SPDX-License-Identifier: GPL-3.0-or-later
"""People of an IMAP server: a real Dovecot, and what may stand between it and the archive."""
import pathlib
import tempfile

import pytest
from between import Between
from dovecot import PASSWORD, USER, running
from imap_server import ImapServer
from ports import free_port
from sealpost import FAILED, REFUSED, Archive


@pytest.fixture(scope="module")
def server():
    """In a folder that its users reach, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="sealpost-test-") as folder:
        pathlib.Path(folder).chmod(0o755)
        with running(pathlib.Path(folder)) as dovecot:
            yield dovecot


class Source:
    def __init__(self, folder, server, port=None, tls="implicit"):
        self.folder = folder
        self.archive = Archive(folder / "archive").init()
        self.set("--host", "127.0.0.1", "--port", port or (server.imaps if tls == "implicit" else server.imap), "--tls", tls,
                 "--ca", server.ca, "--domains", "firm.example second.example", "--timeout-ms", 20000)

    def set(self, *options, **more):
        return self.archive.run("source", "set", "imap", *options, **more)

    def test(self, *options, **more):
        return self.archive.json("source", "test", "imap", *options, **more)[0]

    def log_in(self, name, password=PASSWORD, **more):
        (self.folder / "typed").write_text(password + "\n")
        return self.test("--user", name, "--password-file", self.folder / "typed", **more)


@pytest.fixture
def source(folder, server):
    return Source(folder, server)


@pytest.mark.parametrize("tls", ["implicit", "starttls", "none"])
def test_who_can_log_in_there_is_told_with_an_address(folder, server, tls):
    person = Source(folder, server, tls=tls).log_in(USER)["person"]
    assert person == {"uid": "anna@firm.example", "name": "anna@firm.example", "shown": "anna@firm.example",
                      "addresses": ["anna@firm.example"], "groups": []}


@pytest.mark.parametrize("name,password,verdict", [
    (USER, "wrong", "password is wrong"), ("nobody", PASSWORD, "password is wrong"),
    ("anna@elsewhere.example", PASSWORD, "nobody"), ("anna smith", PASSWORD, "nobody")])
def test_who_cannot_is_told_why(source, name, password, verdict):
    assert verdict in source.log_in(name, password, status=REFUSED)["verdict"]


def test_any_domain_may_be_allowed(source):
    source.set("--domains", "*")
    assert "nobody" in source.log_in(USER, status=REFUSED)["verdict"]
    assert "password is wrong" in source.log_in("anna@elsewhere.example", status=REFUSED)["verdict"]


def test_it_does_not_tell_who_is_there(source):
    source.test("--user", USER, status=FAILED, says="does not tell who")
    source.archive.run("source", "people", "imap", status=FAILED, says="does not tell who")


def test_the_test_says_that_it_answers(source):
    assert "certificate is trusted" in source.test()["text"]


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_certificate_of_another_ca_or_for_another_host_is_not_trusted(folder, server, tls):
    source = Source(folder, server, tls=tls)
    source.set("--ca", server.other_ca)
    assert source.log_in(USER, status=FAILED, says="not trusted")["error"] == "foreign"
    with Between(server.imaps if tls == "implicit" else server.imap, host="127.0.0.2") as between:
        source.set("--ca", server.ca, "--host", "127.0.0.2", "--port", between.port)
        assert source.log_in(USER, status=FAILED, says="not trusted")["error"] == "foreign"


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize("pieces", [None, 1, 2])
def test_a_server_that_falls_silent_is_given_up(folder, server, tls, pieces):
    port = server.imaps if tls == "implicit" else server.imap
    with Between(None if pieces is None else port, pieces=pieces) as between:
        source = Source(folder, server, port=between.port, tls=tls)
        source.set("--timeout-ms", 500)
        assert source.log_in(USER, status=FAILED)["error"] == "timeout"


def test_a_slow_server_is_waited_for(folder, server):
    with Between(server.imaps, delay_s=0.2) as between:
        assert Source(folder, server, port=between.port).log_in(USER)["ok"]


def test_one_that_is_away_is_offline(folder, server):
    source = Source(folder, server, port=free_port())
    assert source.log_in(USER, status=FAILED, says="Connection refused")["error"] == "offline"


def test_a_server_that_cannot_check_it_now_is_offline_and_nobodys_password_is_wrong(folder, server):
    def unavailable(hostile, tag, _):
        hostile.send(f"{tag} NO [UNAVAILABLE] Temporary authentication failure.\r\n")

    with ImapServer({}, changes={"AUTHENTICATE": unavailable}) as hostile:
        source = Source(folder, server, port=hostile.port, tls="none")
        assert source.log_in(USER, status=FAILED, says="cannot check")["error"] == "offline"


def test_a_server_that_knows_plain_log_in_only_gets_that(folder, server):
    with ImapServer({}, capabilities="IMAP4rev1") as plain:
        assert Source(folder, server, port=plain.port, tls="none").log_in(USER)["ok"]
        assert plain.count("LOGIN ") == 1 and plain.count("AUTHENTICATE") == 0
