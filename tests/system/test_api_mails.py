# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding and reading mail over HTTP: what each of those concerned by a mail is told of it."""
import io
import json
import zipfile

import pytest
from http_api import Api
from sealpost import Archive, mail, sha256

PASSWORD = "correct horse battery"
BLIND = b"bcc: carl@example.org"


def letter(n, to, more="", body="words\n"):
    return mail(subject=f"nummer{n}", sender="anna@example.org", to=to, msgid=f"<{n}@x>", extra=more, body=body)


@pytest.fixture(name="api", scope="module")
def _api(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mails")
    archive = Archive(folder / "archive").init()
    box = folder / "box"
    box.mkdir()
    (box / "0.eml").write_bytes(letter(0, "bert@example.org", "Bcc: carl@example.org\n"))
    (box / "1.eml").write_bytes(letter(1, "bert@example.org", "References: <0@x>\n"))
    (box / "2.eml").write_bytes(letter(2, "carl@example.org", "References: <0@x>\n"))
    for n in range(3, 60):
        (box / f"{n}.eml").write_bytes(letter(n, "bert@example.org", body=f"words zebra{n}\n"))
    archive.take(box)
    (folder / "password").write_text(PASSWORD + "\n")
    for name in ("anna", "bert", "carl", "dora"):
        archive.run("user", "add", name, "--address", f"{name}@example.org", "--password-file", folder / "password")
    archive.run("user", "password", "auditor", "--password-file", folder / "password")
    with Api(archive) as api:
        yield api


@pytest.fixture(name="people", scope="module")
def _people(api):
    clients = {}
    for name in ("anna", "bert", "carl", "dora", "auditor"):
        clients[name] = api.client()
        clients[name].log_in(name, PASSWORD)
    return clients


def one(client, query):
    found = client.get(f"/mails?q={query}").json["mails"]
    assert len(found) == 1, found
    return found[0]["id"]


def everything(client, mail_id):
    """All that a person is told of a mail, as bytes in lower case."""
    paths = ("", "?q=nummer0", "/source", "/original", "/thread")
    return b"\n".join(client.get(f"/mails/{mail_id}{path}").body for path in paths).lower()


def test_a_blind_copy_is_known_to_the_sender_to_whom_it_went_and_to_the_auditor(people):
    mail_id = one(people["auditor"], "subject:nummer0")
    for name in ("anna", "auditor"):
        assert b"carl@example.org" in everything(people[name], mail_id), name
        assert BLIND in people[name].get(f"/mails/{mail_id}/original").body.lower()
    told = json.loads(people["carl"].get(f"/mails/{mail_id}").body)
    assert told["recipients"]["bcc"] == [{"address": "carl@example.org"}]
    assert b"carl" not in everything(people["bert"], mail_id)
    assert people["bert"].get("/mails/count?q=carl").json["count"] == 0
    assert people["bert"].get("/mails/count?q=bcc:carl").json["count"] == 0
    assert "carl@example.org" not in people["bert"].get("/complete?prefix=ca").json["addresses"]
    assert people["dora"].get(f"/mails/{mail_id}").status == 404


def test_the_original_is_every_byte_for_who_may_know_all_of_it(api, people):
    mail_id = one(people["auditor"], "subject:nummer0")
    got = people["auditor"].get(f"/mails/{mail_id}/original")
    assert got.body == api.archive.raw(mail_id) and got.headers["content-disposition"].startswith("attachment")
    assert sha256(got.body) == people["auditor"].get(f"/mails/{mail_id}").json["integrity"]["sha256"]


def test_pages_follow_each_other_also_while_mail_comes(api, people, tmp_path):
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        page = people["bert"].get(f"/mails?q=&limit=20{cursor and '&cursor=' + cursor}").json
        seen += [m["subject"] for m in page["mails"]]
        cursor = page.get("next")
        (tmp_path / f"{pages}.eml").write_bytes(letter(100 + pages, "bert@example.org"))
        api.archive.take(tmp_path / f"{pages}.eml")
        pages += 1
    assert pages == 3 and len(seen) == len(set(seen)) == 59


def test_a_mail_knows_its_neighbours_in_the_search_and_its_conversation_in_the_scope(people):
    bert, auditor = people["bert"], people["auditor"]
    found = [m["id"] for m in bert.get("/mails?q=zebra*&limit=200").json["mails"]]
    shown = bert.get(f"/mails/{found[5]}?q=zebra*").json
    assert (shown["previous"], shown["next"]) == (found[4], found[6])
    assert "previous" not in bert.get(f"/mails/{found[0]}?q=zebra*").json
    assert [w["text"] for w in shown["words"]] == ["zebra"]
    first = one(auditor, "subject:nummer0")
    subjects = lambda client: {m["subject"] for m in client.get(f"/mails/{first}/thread").json["mails"]}
    assert subjects(auditor) == {"nummer0", "nummer1", "nummer2"}
    assert subjects(bert) == {"nummer0", "nummer1"}
    assert subjects(people["carl"]) == {"nummer0", "nummer2"}


def test_a_mistake_in_a_query_is_told_with_its_place(people):
    answer = people["bert"].get("/mails?q=angebot%20(")
    assert answer.status == 400 and answer.code == "syntax" and answer.json["position"] == 9


def test_notes_and_saved_searches_are_a_person_s_own(people):
    mail_id = one(people["auditor"], "subject:nummer1")
    assert people["bert"].put(f"/mails/{mail_id}/note", {"categories": ["Steuer"], "note": "heimlich"}).status == 204
    people["bert"].post("/saved-searches", {"name": "mine", "query": "heimlich"})
    for name in ("anna", "auditor"):
        assert b"heimlich" not in everything(people[name], mail_id)
        assert people[name].get("/mails/count?q=heimlich").json["count"] == 0
        assert people[name].get("/categories").json["categories"] == []
        assert people[name].get("/saved-searches").json["searches"] == []
    assert people["bert"].get("/mails/count?q=tag:steuer").json["count"] == 1


def test_a_mail_is_asked_to_go_waits_and_is_held(api, people):
    bert, auditor = people["bert"], people["auditor"]
    api.archive.run("request", "mode", "approval")
    mine = one(auditor, "zebra59")
    asked = bert.post("/deletion-requests", {"mails": [mine], "reason": "private"})
    assert asked.status == 201 and asked.json["state"] == "open"
    number = asked.json["request"]
    assert people["dora"].get(f"/deletion-requests/{number}").status == 404
    assert people["dora"].post("/deletion-requests", {"mails": [mine], "reason": "x"}).status == 404
    assert "deletionRequested" in bert.get(f"/mails/{mine}").json["marks"]
    hold = auditor.post("/holds", {"mails": [mine], "reason": "lawsuit"})
    assert hold.status == 201
    assert bert.post("/deletion-requests", {"mails": [mine], "reason": "again"}).code == "held"
    assert bert.get("/holds").code == "denied"
    assert auditor.request("DELETE", f"/holds/{hold.json['hold']}", {"reason": "settled"}).status == 204


def test_the_proof_of_a_mail_is_for_who_may_have_evidence(people):
    mail_id = one(people["auditor"], "subject:nummer0")
    assert people["bert"].get(f"/mails/{mail_id}/proof").code == "denied"
    answer = people["auditor"].get(f"/mails/{mail_id}/proof")
    if answer.status == 200:
        assert zipfile.ZipFile(io.BytesIO(answer.body)).namelist()
    else:
        assert answer.code == "busy", answer  # not stamped yet
