# SPDX-License-Identifier: GPL-3.0-or-later
"""The administrator sets up people, groups, domains and rules over HTTP, and what he says counts at once."""
import pytest
from http_api import Api, Client
from ports import free_port
from sealpost import Archive, mail

PASSWORD = "correct horse battery"


@pytest.fixture(name="api")
def _api(folder):
    archive = Archive(folder / "archive").init()
    box = folder / "box"
    box.mkdir()
    for n, to in enumerate(("anna@one.example", "sales@one.example", "anna@two.example", "carl@far.example")):
        (box / f"{n}.eml").write_bytes(mail(subject=f"nummer{n}", to=to, sender="boss@far.example", msgid=f"<{n}@x>"))
    archive.take(box)
    (folder / "password").write_text(PASSWORD + "\n")
    archive.run("user", "password", "admin", "--password-file", folder / "password")
    with Api(archive) as api:
        yield api


@pytest.fixture(name="admin")
def _admin(api):
    with api.person("admin", PASSWORD) as admin:
        yield admin


def add(admin, name, **more):
    answer = admin.post("/admin/people", {"name": name, "password": PASSWORD, **more})
    assert answer.status == 201, answer
    return answer.json


def sees(api, name):
    client = api.client()
    client.log_in(name, PASSWORD)
    return sorted(m["subject"] for m in client.get("/mails?q=").json["mails"])


def test_a_person_sees_the_mail_of_addresses_groups_and_domains_that_count_alike(api, admin):
    anna = add(admin, "anna", shown="Anna", addresses=["anna@one.example"])
    assert sees(api, "anna") == ["nummer0"]
    group = admin.post("/admin/groups", {"name": "Sales", "members": ["anna@one.example"], "addresses": ["sales@one.example"]})
    assert group.status == 201 and sees(api, "anna") == ["nummer0", "nummer1"]
    assert admin.put("/admin/domains", {"domains": ["one.example", "two.example"], "main": "one.example"}).status == 204
    assert sees(api, "anna") == ["nummer0", "nummer1", "nummer2"]
    assert admin.get(f"/admin/people/{anna['person']}").json["groups"] == ["Sales"]
    number = group.json["group"]
    assert admin.request("DELETE", f"/admin/groups/{number}", {"confirm": "sales"}).status == 400
    assert admin.request("DELETE", f"/admin/groups/{number}", {"confirm": "Sales"}).status == 204
    assert sees(api, "anna") == ["nummer0", "nummer2"]


def test_a_revisor_is_bounded_by_domains_sources_and_dates(api, admin):
    revisor = add(admin, "rita", role="revisor")
    assert len(sees(api, "rita")) == 4
    path = f"/admin/people/{revisor['person']}"
    assert admin.request("PATCH", path, {"bounds": {"domains": ["two.example"]}}).status == 200
    assert sees(api, "rita") == ["nummer2"]
    admin.request("PATCH", path, {"bounds": {"sources": [{"source": "nowhere"}]}})
    assert not sees(api, "rita")
    admin.request("PATCH", path, {"bounds": {"from": "2030-01-01"}})
    assert not sees(api, "rita")
    shown = admin.request("PATCH", path, {"bounds": {"until": "2030-05-17", "validUntil": "2031-01-31"}}).json["bounds"]
    assert shown == {"until": "2030-05-17", "validUntil": "2031-01-31"}
    assert len(sees(api, "rita")) == 4
    assert admin.request("PATCH", path, {"bounds": {"from": "2030-13-01"}}).status == 400


def test_who_is_disabled_or_removed_is_out_at_once(api, admin):
    carl = add(admin, "carl", addresses=["carl@far.example"])
    client = api.client()
    client.log_in("carl", PASSWORD)
    path = f"/admin/people/{carl['person']}"
    assert admin.request("PATCH", path, {"active": False}).json["active"] is False
    assert client.get("/me").status == 401
    assert admin.request("DELETE", path, {"confirm": "karl"}).status == 400
    assert admin.request("DELETE", path, {"confirm": "carl"}).status == 204
    assert admin.get(path).status == 404


def test_notes_go_along_when_an_old_id_is_tied_to_a_new_one(api, admin):
    old = add(admin, "carl", addresses=["carl@far.example"])
    new = add(admin, "carl.new", addresses=["carl@far.example"])
    client = api.client()
    client.log_in("carl", PASSWORD)
    mine = client.get("/mails?q=").json["mails"][0]["id"]
    client.put(f"/mails/{mine}/note", {"categories": ["Steuer"], "note": "zebra"})
    act = {"act": "tie", "to": new["person"], "confirm": "carl"}
    assert admin.post(f"/admin/people/{old['person']}/act", act).status == 200
    assert client.get("/me").status == 401
    api.archive.run("index", "notes")
    client = api.client()
    client.log_in("carl.new", PASSWORD)
    assert client.get(f"/mails/{mine}").json["note"] == "zebra"
    assert client.get("/mails/count?q=zebra").json["count"] == 1


def test_an_uploader_has_a_token_and_no_password(api, admin):
    scanner = admin.post("/admin/people", {"name": "scanner", "role": "uploader"}).json
    made = admin.post(f"/admin/people/{scanner['person']}/act", {"act": "makeToken", "name": "door", "days": 1})
    script = Client(api.port, bearer=made.json["token"])
    assert script.get("/me").json["role"] == "uploader"
    assert script.get("/mails?q=").code == "denied"
    anna = add(admin, "anna")
    assert admin.post(f"/admin/people/{anna['person']}/act", {"act": "makeToken"}).status == 400


def test_rules_for_logging_in_are_in_force_at_once(api, admin):
    assert admin.request("PATCH", "/admin/policy", {"passwordLength": 30, "deletion": "approval"}).status == 204
    weak = admin.post("/admin/people", {"name": "bert", "password": PASSWORD})
    assert weak.status == 400 and "30" in weak.json["detail"]
    assert not [p for p in admin.get("/admin/people").json["people"] if p["name"] == "bert"]
    admin.request("PATCH", "/admin/policy", {"passwordLength": 10, "totpDemanded": ["user"]})
    add(admin, "bert")
    client = api.client()
    client.log_in("bert", PASSWORD)
    assert client.get("/session").json["person"]["mustSetUpTotp"] is True
    assert client.get("/mails?q=").code == "denied"


def test_a_source_that_does_not_answer_is_told_in_words_and_nothing_is_kept(admin):
    settings = {"settings": {"host": "127.0.0.1", "port": str(free_port()), "domains": "one.example", "timeout-ms": "2000"}}
    listed = {s["source"]: s for s in admin.get("/admin/people-sources").json["sources"]}
    assert set(listed) == {"own", "ldap", "imap", "appliance"} and listed["own"]["on"]
    tested = admin.post("/admin/people-sources/imap/test", settings)
    assert tested.status == 200 and tested.json["ok"] is False and tested.json["code"] == "offline", tested
    assert "host" not in admin.get("/admin/people-sources").json["sources"][-1]["settings"] or \
        not admin.get("/admin/people-sources").json["sources"][-1]["settings"]["host"]
    assert admin.put("/admin/people-sources/imap", settings).status == 204
    assert admin.put("/admin/people-sources", {"order": ["imap", "own"]}).status == 204
    assert [s["source"] for s in admin.get("/admin/people-sources").json["sources"] if s["on"]] == ["imap", "own"]
    assert admin.put("/admin/people-sources/imap", {"settings": {"nothing": "x"}}).status in (400, 404)


def test_the_admin_reads_no_mail_and_no_one_else_configures(api, admin):
    add(admin, "anna", addresses=["anna@one.example"])
    for path in ("/mails?q=", "/mails/count?q=", "/complete?prefix=a", "/sources"):
        assert admin.get(path).code == "denied"
    anna = api.client()
    anna.log_in("anna", PASSWORD)
    for path in ("/admin/people", "/admin/policy", "/admin/domains"):
        assert anna.get(path).code == "denied"
