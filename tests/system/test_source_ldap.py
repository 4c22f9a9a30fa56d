# SPDX-License-Identifier: GPL-3.0-or-later
"""People from a directory that is no Active Directory: a real slapd, and what may stand between it and the archive."""
import subprocess

import pytest
from between import Between
from ports import free_port
from sealpost import BIN, FAILED, REFUSED, USAGE, Archive
from slapd import BASE, PASSWORD, SEARCHER, SEARCHER_PASSWORD, Slapd

ANNA = ["anna.smith@firm.example", "anna@firm.example"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    with Slapd(tmp_path_factory.mktemp("ldap") / "slapd") as server:
        yield server


class Source:
    """An archive whose source ldap is set up for a directory."""

    def __init__(self, folder, directory, port=None, scheme="ldaps"):
        self.folder = folder
        self.archive = Archive(folder / "archive").init()
        self.set("--url", f"{scheme}://127.0.0.1:{port or getattr(directory, scheme)}", "--ca", directory.ca, "--base", BASE,
                 "--bind-dn", SEARCHER, "--password-file", directory.path / "password", "--timeout-ms", 20000)

    def set(self, *options, **more):
        return self.archive.run("source", "set", "ldap", *options, **more)

    def test(self, *options, **more):
        return self.archive.json("source", "test", "ldap", *options, **more)[0]

    def log_in(self, name, password=PASSWORD, **more):
        (self.folder / "typed").write_text(password + "\n")
        return self.test("--user", name, "--password-file", self.folder / "typed", **more)


@pytest.fixture
def source(folder, directory):
    return Source(folder, directory)


def groups(person):
    return {group["name"]: group["addresses"] for group in person["groups"]}


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_who_knows_the_password_is_told_with_addresses_and_groups_of_groups(folder, directory, scheme):
    answer = Source(folder, directory, scheme=scheme).log_in("anna")
    person = answer["person"]
    assert (answer["ok"], person["name"], person["shown"], person["addresses"]) == (True, "anna", "Anna Smith", ANNA)
    assert groups(person) == {"staff": ["staff@firm.example"], "company": ["all@firm.example"], "unix": []}
    assert len(person["uid"]) == 36


def test_the_uid_stays_when_the_name_changes(source, directory):
    before = source.log_in("emil")["person"]["uid"]
    directory.rename("uid=emil,ou=people", "uid=emilia")
    after = source.log_in("emilia")["person"]
    assert (after["uid"], after["name"]) == (before, "emilia")
    assert "nobody" in source.log_in("emil", status=REFUSED)["verdict"]


def test_groups_in_a_ring_end(source):
    assert set(groups(source.log_in("otto")["person"])) == {"ring one", "ring two", "others"}


@pytest.mark.parametrize("name,password,verdict", [
    ("anna", "wrong", "password is wrong"), ("anna", "", "password is wrong"), ("nobody", PASSWORD, "nobody"),
    ("*", PASSWORD, "nobody"), ("ann*", PASSWORD, "nobody"), ("anna)(uid=*", PASSWORD, "nobody"),
    ("anna\\", PASSWORD, "nobody"), ("berta", PASSWORD, "disabled"), ("berta", "wrong", "disabled"),
    ("carl", PASSWORD, "disabled")])
def test_who_may_not_in_is_told_why(source, name, password, verdict):
    if password == "":
        source.folder.joinpath("typed").write_text("\n")
        source.archive.run("source", "test", "ldap", "--user", name, "--password-file", source.folder / "typed", status=FAILED)
        return
    answer = source.log_in(name, password, status=REFUSED)
    assert verdict in answer["verdict"] and "person" not in answer


def test_a_name_may_have_what_filters_are_made_of(source):
    assert source.log_in("o(x)*")["person"]["addresses"] == ["odd@firm.example"]


def test_an_account_that_never_expires_may_in_without_an_address(source):
    assert source.log_in("dora")["person"]["addresses"] == []


@pytest.mark.parametrize("group", ["company", "COMPANY", f"cn=company,ou=groups,{BASE}", f"CN=Company, OU=Groups, {BASE}"])
def test_one_group_may_log_in_and_those_in_its_groups(source, group):
    source.set("--login-group", group)
    assert source.log_in("anna")["ok"]
    assert "not in the group" in source.log_in("otto", status=REFUSED)["verdict"]
    assert "password is wrong" in source.log_in("otto", "wrong", status=REFUSED)["verdict"]


def test_filter_and_attributes_can_be_chosen(source):
    source.set("--user-filter", "(&(objectClass=inetOrgPerson)(mail=%s))", "--name-attribute", "mail", "--shown-attribute", "sn",
               "--mail-attributes", "mail")
    person = source.log_in("anna@firm.example")["person"]
    assert (person["shown"], person["addresses"]) == ("anna", ANNA)


def test_a_filter_that_finds_two_lets_nobody_in(source):
    source.set("--user-filter", "(|(uid=%s)(uid=otto))")
    answer = source.log_in("anna", status=REFUSED)
    assert "nobody" in answer["verdict"] and "several" in answer["text"]


def test_somebody_can_be_looked_up_without_a_password(source):
    assert source.test("--user", "anna")["person"]["addresses"] == ANNA
    assert "disabled" in source.test("--user", "berta", status=REFUSED)["verdict"]


def test_all_people_are_listed_over_the_servers_own_limits_by_pages(source):
    people = source.archive.json("source", "people", "ldap")
    assert len(people) == 155 and {"anna", "u000", "u149"} <= {p["name"] for p in people}
    assert "berta" not in {p["name"] for p in people}


# --- what is set wrongly ----------------------------------------------------------------------------

def test_the_test_says_what_is_found(source):
    assert "155 people" in source.test()["text"]


@pytest.mark.parametrize("options,says", [
    (("--base", "dc=elsewhere"), "check base"), (("--base", "nonsense"), "check base"),
    (("--bind-dn", f"cn=nobody,{BASE}"), "bind-dn"), (("--user-filter", "(uid=%s"), "user-filter"),
    (("--base", f"ou=empty,{BASE}"), "nobody is found"), (("--group-base", "dc=nowhere"), "group-base"),
    (("--name-attribute", "employeeNumber"), "name-attribute")])
def test_the_test_says_what_is_set_wrongly(source, options, says):
    source.set(*options)
    source.test(status=FAILED, says=says)


def test_without_an_account_that_searches_it_is_tried_anonymously(source):
    source.set("--bind-dn", "")
    assert source.test(status=FAILED, says="Insufficient access")["error"] == "denied"


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_a_certificate_of_another_ca_is_not_trusted(folder, directory, scheme):
    source = Source(folder, directory, scheme=scheme)
    source.set("--ca", directory.other_ca)
    source.log_in("anna", status=FAILED, says="not trusted")
    source.set("--ca", "")
    source.log_in("anna", status=FAILED, says="not trusted")


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_a_certificate_for_another_host_is_not_trusted(folder, directory, scheme):
    with Between(getattr(directory, scheme), host="127.0.0.2") as between:
        source = Source(folder, directory)
        source.set("--url", f"{scheme}://127.0.0.2:{between.port}")
        assert source.log_in("anna", status=FAILED, says="not trusted")["error"] == "foreign"


def test_no_password_goes_out_without_tls(source):
    source.set("--url", "ldap://192.0.2.1", "--tls", "none", status=FAILED, says="without TLS")


# --- what may happen on the way ---------------------------------------------------------------------

@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
@pytest.mark.parametrize("pieces", [None, 0, 1, 2])
def test_a_directory_that_falls_silent_is_given_up(folder, directory, scheme, pieces):
    with Between(None if pieces is None else getattr(directory, scheme), pieces=pieces) as between:
        source = Source(folder, directory, port=between.port, scheme=scheme)
        source.set("--timeout-ms", 500)
        source.log_in("anna", status=FAILED, says="not answered within 500 ms")


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_a_slow_directory_is_waited_for(folder, directory, scheme):
    with Between(getattr(directory, scheme), delay_s=0.2) as between:
        assert Source(folder, directory, port=between.port, scheme=scheme).log_in("anna")["ok"]


def test_one_that_is_too_slow_is_given_up(folder, directory):
    with Between(directory.ldaps, delay_s=0.3) as between:
        source = Source(folder, directory, port=between.port)
        source.set("--timeout-ms", 700)
        source.log_in("anna", status=FAILED, says="not answered within 700 ms")


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_one_that_is_away_is_offline(folder, directory, scheme):
    source = Source(folder, directory, port=free_port(), scheme=scheme)
    answer = source.log_in("anna", status=FAILED, says="Connection refused")
    assert answer["error"] == "offline"


def test_another_one_takes_its_place(source, directory):
    source.set("--url", f"ldaps://127.0.0.1:{free_port()} ldaps://127.0.0.1:{directory.ldaps}")
    assert source.log_in("anna")["ok"]


# --- secrets ----------------------------------------------------------------------------------------

def test_no_password_shows_anywhere(folder, source, directory):
    source.log_in("anna")
    source.log_in("anna", "wr0ng-wr0ng", status=REFUSED)
    told = source.archive.text("--json", "source", "list") + source.archive.text("audit", "list")
    assert '"bind-password"' in told and "source.ldap.bind-password" in told
    for secret in (SEARCHER_PASSWORD, PASSWORD, "wr0ng-wr0ng"):
        assert secret not in told
        for path in (folder / "archive").rglob("*"):
            assert not path.is_file() or secret.encode() not in path.read_bytes()


@pytest.mark.parametrize("args", [
    (), ("nonsense",), ("test",), ("test", "nowhere"), ("set", "ldap", "--domains", "x"), ("set", "imap", "--password-file", "x"),
    ("order", "nowhere"), ("list", "ldap"), ("test", "ldap", "--password-file", "x")])
def test_wrong_usage_is_told(archive, args):
    archive.run("source", *args, status=USAGE, says="usage:")


def test_the_order_is_set_and_shown(archive):
    archive.run("source", "order", "ldap", "own")
    places = {row["source"]: row["place"] for row in archive.json("source", "list")}
    assert places == {"own": 2, "appliance": 0, "ldap": 1, "imap": 0}
    for wrong in (("fixed",), ("own", "own"), ()):
        archive.run("source", "order", *wrong, status=FAILED, says="Nothing was changed")
    archive.run("source", "order", "oidc", status=FAILED, says="cannot ask")


def test_nobody_starts_the_program_by_hand():
    done = subprocess.run([f"{BIN}-login"], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == USAGE and b"is started by" in done.stderr
