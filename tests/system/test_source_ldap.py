# SPDX-License-Identifier: GPL-3.0-or-later
"""People of a directory: a real OpenLDAP server, and what may stand between it and the archive."""
import pathlib
import tempfile

import pytest
from between import Between
from http_api import Api
from ports import free_port
from sealpost import FAILED, REFUSED, Archive, mail
from slapd import BASE, PASSWORD, READER, READER_PASSWORD, running


@pytest.fixture(scope="module")
def server():
    with tempfile.TemporaryDirectory(prefix="sealpost-test-") as folder:
        with running(pathlib.Path(folder)) as slapd:
            yield slapd


class Source:
    def __init__(self, folder, server, url=None, tls="starttls", ca=None):
        self.folder = folder
        self.archive = Archive(folder / "archive").init()
        (folder / "reader").write_text(READER_PASSWORD + "\n")
        self.set("--url", url or f"ldap://127.0.0.1:{server.ldap}", "--tls", tls, "--ca", ca or server.ca, "--base", BASE,
                 "--bind-dn", READER, "--password-file", folder / "reader", "--timeout-ms", 20000)

    def set(self, *options, **more):
        return self.archive.run("source", "set", "ldap", *options, **more)

    def test(self, *options, **more):
        return self.archive.json("source", "test", "ldap", *options, **more)[0]

    def log_in(self, name, password=PASSWORD, **more):
        (self.folder / "typed").write_text(password + "\n")
        return self.test("--user", name, "--password-file", self.folder / "typed", **more)


@pytest.fixture
def source(folder, server):
    return Source(folder, server)


@pytest.mark.parametrize("tls", ["starttls", "ldaps"])
def test_who_can_log_in_is_told_with_addresses(folder, server, tls):
    url = f"ldaps://127.0.0.1:{server.ldaps}" if tls == "ldaps" else None
    person = Source(folder, server, url=url).log_in("anna")["person"]
    assert person["shown"] == "Anna Smith" and person["addresses"] == ["anna@firm.example"] and person["uid"]


@pytest.mark.parametrize("name,password,verdict", [
    ("anna", "wrong", "password is wrong"), ("nobody", PASSWORD, "nobody"), ("an*", PASSWORD, "nobody"),
    ("anna)(uid=*", PASSWORD, "nobody")], ids=["wrong password", "unknown", "wildcard", "filter"])
def test_who_cannot_is_told_why(source, name, password, verdict):
    assert verdict in source.log_in(name, password, status=REFUSED)["verdict"]


def test_a_certificate_of_another_ca_is_not_trusted(folder, server):
    source = Source(folder, server, ca=server.other_ca)
    assert source.log_in("anna", status=FAILED)["error"] == "foreign"


@pytest.mark.parametrize("pieces", [None, 1])
@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_a_server_that_falls_silent_is_given_up(folder, server, scheme, pieces):
    port = None if pieces is None else getattr(server, scheme)
    with Between(port, pieces=pieces) as between:
        source = Source(folder, server, url=f"{scheme}://127.0.0.1:{between.port}")
        source.set("--timeout-ms", 1500)
        assert source.log_in("anna", status=FAILED)["error"] == "timeout"


def test_a_slow_server_is_waited_for(folder, server):
    with Between(server.ldap, delay_s=0.2) as between:
        assert Source(folder, server, url=f"ldap://127.0.0.1:{between.port}").log_in("anna")["ok"]


def test_one_that_is_away_is_offline(folder, server):
    source = Source(folder, server, url=f"ldap://127.0.0.1:{free_port()}")
    assert source.log_in("anna", status=FAILED)["error"] == "offline"


def test_somebody_of_the_directory_logs_in_to_the_archive_and_finds_his_mail(source, folder):
    (folder / "one.eml").write_bytes(mail(subject="Angebot", to="anna@firm.example", msgid="<1@x>"))
    source.archive.take(folder / "one.eml")
    source.archive.run("source", "order", "own", "ldap")
    with Api(source.archive) as api, api.person("anna", PASSWORD) as anna:
        assert anna.get("/mails/count?q=").json["count"] == 1
        assert anna.get("/me").json["source"] == "ldap"
        for wrong in ("wrong", "", " "):
            assert api.client().post("/session", {"name": "anna", "password": wrong}).code in ("log-in", "syntax")
