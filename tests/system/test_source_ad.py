# SPDX-License-Identifier: GPL-3.0-or-later
"""People of an Active Directory: a real domain controller, Samba's."""
import os
import pathlib
import tempfile

import pytest
from samba_ad import BASE, PASSWORD, READER, SambaAd
from sealpost import FAILED, REFUSED, Archive

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="a domain controller's ports take a network of its own, and that takes root")


@pytest.fixture(scope="module")
def server():
    with tempfile.TemporaryDirectory(prefix="sealpost-test-") as folder:
        with SambaAd(pathlib.Path(folder)) as controller:
            yield controller


class Source:
    def __init__(self, folder, server, url="ldap://127.0.0.1", ca=None):
        self.folder = folder
        self.archive = Archive(folder / "archive", server.program()).init()
        (folder / "reader").write_text(PASSWORD + "\n")
        self.set("--url", url, "--ca", ca or server.ca, "--base", BASE, "--bind-dn", READER,
                 "--password-file", folder / "reader", "--timeout-ms", 20000)

    def set(self, *options):
        self.archive.run("source", "set", "ldap", *options)

    def log_in(self, name, password=PASSWORD, **more):
        (self.folder / "typed").write_text(password + "\n")
        return self.archive.json("source", "test", "ldap", "--user", name, "--password-file", self.folder / "typed", **more)[0]


@pytest.fixture
def source(folder, server):
    return Source(folder, server)


@pytest.mark.parametrize("url", ["ldap://127.0.0.1", "ldaps://127.0.0.1"])
def test_mail_and_proxy_addresses_are_hers_and_what_is_no_mail_address_is_not(folder, server, url):
    person = Source(folder, server, url=url).log_in("anna")["person"]
    assert sorted(person["addresses"]) == ["a.smith@firm.example", "anna@firm.example"]
    assert person["uid"]


@pytest.mark.parametrize("name", ["anna", "ANNA", "anna@ad.firm.example"])
def test_one_person_has_one_id_whatever_she_types(source, name):
    assert source.log_in(name)["person"]["uid"] == source.log_in("anna")["person"]["uid"]


def test_a_group_in_a_group_counts_with_its_address(source):
    groups = {group["name"]: group["addresses"] for group in source.log_in("anna")["person"]["groups"]}
    assert "Europe" in groups and groups["Sales"] == ["sales@firm.example"]
    assert "Sales" not in {group["name"] for group in source.log_in("bert")["person"]["groups"]}


def test_only_who_is_in_the_group_that_may_also_through_another_logs_in(source):
    source.set("--login-group", "Sales")
    assert source.log_in("anna")["ok"]
    assert "group" in source.log_in("bert", status=REFUSED)["verdict"]


@pytest.mark.parametrize("name, password, verdict", [
    ("anna", "wrong", "password is wrong"), ("nobody", PASSWORD, "nobody"), ("dora", PASSWORD, "disabled"), ("emil", PASSWORD, "disabled"),
    ("an*", PASSWORD, "nobody"), ("anna)(objectClass=*", PASSWORD, "nobody")],
    ids=["wrong password", "unknown", "disabled", "expired", "wildcard", "filter"])
def test_who_cannot_is_told_why(source, name, password, verdict):
    assert verdict in source.log_in(name, password, status=REFUSED)["verdict"]


@pytest.mark.parametrize("url", ["ldap://127.0.0.1", "ldaps://127.0.0.1"])
def test_a_certificate_of_another_ca_is_not_trusted(folder, server, url):
    assert Source(folder, server, url=url, ca=server.other_ca).log_in("anna", status=FAILED)["error"] == "foreign"


@pytest.mark.parametrize("url", ["ldap://127.0.0.1", "ldaps://127.0.0.1"])
def test_a_controller_that_falls_silent_is_given_up(folder, server, url):
    source = Source(folder, server, url=url)
    source.set("--timeout-ms", 1500)
    server.stop_answering()
    try:
        assert source.log_in("anna", status=FAILED)["error"] == "timeout"
    finally:
        server.answer_again()
    source.set("--timeout-ms", 20000)
    assert source.log_in("anna")["ok"]
