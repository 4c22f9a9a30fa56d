# SPDX-License-Identifier: GPL-3.0-or-later
"""People, and all that is theirs, come along when the catalog is made anew."""
from http_api import Api, Client
from sealpost import mail

PASSWORD = "correct horse battery"


def test_people_groups_domains_tokens_and_notes_survive_a_rebuild(archive, folder):
    (folder / "one.eml").write_bytes(mail(subject="Angebot", to="sales@two.example", msgid="<1@x>"))
    archive.take(folder / "one.eml")
    (folder / "password").write_text(PASSWORD + "\n")
    archive.run("user", "add", "anna", "--address", "anna@one.example", "--password-file", folder / "password")
    archive.run("group", "set", "Sales", "--member", "anna@one.example", "--address", "sales@one.example")
    archive.run("domain", "set", "one.example", "two.example")
    token = archive.text("user", "token", "anna", "--for", "search,read", "--days", 1).strip()
    with Api(archive) as api, api.person("anna", PASSWORD) as anna:
        one = anna.get("/mails?q=").json["mails"][0]["id"]
        anna.put(f"/mails/{one}/note", {"categories": ["Steuer"], "note": "zebra"})
        anna.post("/saved-searches", {"name": "mine", "query": "zebra"})
    before = archive.text("user", "list"), archive.text("group", "list"), archive.text("domain", "list")
    archive.run("rebuild")
    archive.run("index", "update")
    assert (archive.text("user", "list"), archive.text("group", "list"), archive.text("domain", "list")) == before
    with Api(archive) as api, api.person("anna", PASSWORD) as anna:
        assert anna.get("/mails/count?q=zebra").json["count"] == 1
        assert anna.get("/saved-searches").json["searches"][0]["query"] == "zebra"
        assert Client(api.port, bearer=token).get("/mails?q=").status == 200
