# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests for deletion and holds, from the command line."""
import pytest
from sealpost import FAILED, mail


@pytest.fixture(name="two")
def _two(archive, folder):
    """An archive with two mails, and the first one's id."""
    for word in ("erste", "zweite"):
        (folder / f"{word}.eml").write_bytes(mail(subject=word, msgid=f"<{word}@x>"))
        archive.take(folder / f"{word}.eml")
    return archive


def test_a_request_waits_is_decided_and_told(two):
    one = two.one("erste")
    two.run("request", "add", one, "--reason", "private", status=FAILED, says="switched off")
    two.run("request", "mode", "approval")
    two.run("request", "add", one, "--reason", "private")
    waiting, = two.json("request", "list")
    assert (waiting["state"], waiting["mails"], waiting["reason"]) == ("open", 1, "private")
    two.run("request", "approve", "1", "--reason", "is private")
    assert not two.find("erste") and two.count("zweite") == 1
    assert two.json("request", "list") == []
    decided, = two.json("request", "list", "--all")
    assert (decided["state"], decided["decision"]) == ("approved", "is private")
    two.run("erase", "index")
    two.run("erase", "media")
    assert two.json("request", "list", "--all")[0]["state"] == "carried out"


def test_a_hold_keeps_mail_until_it_is_lifted(two):
    one = two.one("erste")
    two.run("request", "mode", "on")
    two.run("hold", "set", "erste", "--reason", "lawsuit")
    two.run("request", "add", one, status=FAILED, says="hold")
    two.run("delete", one, status=FAILED, says="hold")
    assert two.find("erste") == [one]
    two.run("hold", "lift", "1", "--reason", "settled")
    hold, = two.json("hold", "list")
    assert hold["lifted"] and hold["reason"] == "lawsuit"
    two.run("delete", one)
    assert not two.find("erste")


def test_a_request_survives_a_rebuild_of_the_catalog(two):
    one = two.one("erste")
    two.run("request", "mode", "approval")
    two.run("request", "add", one, "--reason", "private")
    two.run("hold", "set", "erste", "--reason", "lawsuit")
    two.run("rebuild")
    assert two.json("request", "list")[0]["reason"] == "private"
    two.run("request", "approve", 1, status=FAILED, says="hold")
    two.run("hold", "lift", "1")
    two.run("request", "approve", "1")
    assert not two.find("erste")
