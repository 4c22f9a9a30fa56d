# SPDX-License-Identifier: GPL-3.0-or-later
"""People of this system itself, by PAM: its real modules, with accounts of their own."""
import os

import pytest
from own_accounts import MEMBERS, PASSWORD, ArchiveThere, OwnAccounts
from sealpost import FAILED, REFUSED

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="files over those of the system take root")


class Source:
    def __init__(self, folder):
        self.folder = folder
        self.accounts = OwnAccounts(folder / "accounts")
        self.archive = ArchiveThere(folder / "archive", self.accounts).init()
        self.set("--service", self.accounts.service, "--domains", "firm.example Second.example", "--timeout-ms", 20000)

    def set(self, *options, **more):
        return self.archive.run("source", "set", "appliance", *options, **more)

    def test(self, *options, **more):
        return self.archive.json("source", "test", "appliance", *options, **more)[0]

    def log_in(self, name, password=PASSWORD, **more):
        (self.folder / "typed").write_text(password + "\n")
        return self.test("--user", name, "--password-file", self.folder / "typed", **more)


@pytest.fixture
def source(folder):
    return Source(folder)


def test_a_member_of_the_group_is_told_with_addresses_at_each_domain(source):
    person = source.log_in("anna")["person"]
    assert (person["uid"], person["name"], person["shown"]) == ("anna", "anna", "Anna Smith")
    assert person["addresses"] == ["anna@firm.example", "anna@second.example"]


def test_one_whose_first_group_it_is_is_a_member_too(source):
    assert source.log_in("otto")["person"]["shown"] == "otto"


@pytest.mark.parametrize("name,password,verdict", [
    ("anna", "wrong", "password is wrong"), ("nobody-here", PASSWORD, "nobody"), ("carl", PASSWORD, "not in the group"),
    ("berta", PASSWORD, "expired"), ("Anna", PASSWORD, "nobody")])
def test_who_may_not_in_is_told_why(source, name, password, verdict):
    assert verdict in source.log_in(name, password, status=REFUSED)["verdict"]


def test_roots_password_cannot_be_tried(source):
    assert source.log_in("root", status=REFUSED) == source.log_in("root", "wrong", status=REFUSED)


def test_members_are_listed(source):
    people = source.archive.json("source", "people", "appliance")
    assert {p["name"] for p in people} == {*MEMBERS, "otto"}


def test_somebody_can_be_looked_up_without_a_password(source):
    assert source.test("--user", "anna")["ok"]
    assert "expired" in source.test("--user", "berta", status=REFUSED)["verdict"]


def test_the_test_says_who_may_log_in_and_what_is_set_wrongly(source):
    assert "4 accounts" in source.test()["text"]
    source.set("--group", "no-such-group")
    source.test(status=FAILED, says="there is no group no-such-group")
    source.log_in("anna", status=FAILED, says="there is no group")
    source.set("--group", "", "--service", "no-such-service")
    source.test(status=FAILED, says="no PAM service no-such-service")


def test_a_module_gets_the_password_on_its_way_and_it_is_nowhere_else(source):
    source.accounts.use_script('password=$(cat | tr -d "\\000")', f'[ "$password" = \'{PASSWORD}\' ] || exit 1',
                               f"env >{source.folder}/env; tr '\\000' ' ' </proc/$PPID/cmdline >{source.folder}/args")
    assert source.log_in("anna")["ok"]
    source.log_in("anna", "wrong", status=FAILED, says="PAM")  # pam_exec has no other answer for a script that says no
    for name in ("env", "args"):
        assert PASSWORD not in (source.folder / name).read_text()


def test_a_module_that_says_nothing_is_given_up(source):
    os.mkfifo(source.folder / "never")
    source.accounts.use_script(f"exec cat <{source.folder}/never")
    source.set("--timeout-ms", 1500)
    assert source.log_in("anna", status=FAILED, says="not answered within 1500 ms")["error"] == "timeout"
    # pam_exec starts what it starts in a session of its own, which nobody else can end: the script is let go here
    os.close(os.open(source.folder / "never", os.O_WRONLY))


def test_a_slow_module_is_waited_for(source):
    source.accounts.use_script("sleep 0.5")
    assert source.log_in("anna")["ok"]


def test_a_module_that_is_missing_lets_nobody_in(source):
    source.accounts.use("pam_no_such_module.so")
    source.log_in("anna", status=FAILED, says="PAM")


def test_an_account_that_has_to_change_its_password_waits(source):
    shadow = source.accounts.path / "shadow"
    shadow.write_text(shadow.read_text().replace(":19000:::::", ":0:::::", 1).replace("anna:", "anna:", 1))
    lines = [line if not line.startswith("anna:") else ":".join(["anna", line.split(":")[1], "0", "0", "90", "7", "", "", ""])
             for line in shadow.read_text().splitlines()]
    shadow.write_text("\n".join(lines) + "\n")
    assert "disabled" in source.log_in("anna", status=REFUSED)["verdict"]
