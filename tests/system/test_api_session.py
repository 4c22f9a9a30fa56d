# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in and out over HTTP, and what a session and a token are worth."""
import base64
import hashlib
import hmac
import struct
import time

import pytest
from http_api import Api, Client
from sealpost import Archive, mail

PASSWORD = "correct horse battery"


@pytest.fixture(name="api")
def _api(folder):
    archive = Archive(folder / "archive").init()
    (folder / "one.eml").write_bytes(mail(subject="Angebot", to="anna@example.org", msgid="<1@x>"))
    archive.take(folder / "one.eml")
    (folder / "password").write_text(PASSWORD + "\n")
    for name in ("anna", "bert"):
        archive.run("user", "add", name, "--address", f"{name}@example.org", "--password-file", folder / "password")
    with Api(archive) as api:
        yield api


def try_to_log_in(api, name, password, **more):
    return api.client().post("/session", {"name": name, "password": password, **more})


def test_the_cookie_is_for_this_page_alone_by_tls_alone_and_no_script_reads_it(api):
    with Api(api.archive, proxy="127.0.0.1") as behind:
        answer = behind.client().request("POST", "/session", {"name": "anna", "password": PASSWORD},
                                         {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"})
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "secure", "samesite=strict", "path=/archive/"} <= attributes


def test_unknown_name_wrong_password_and_a_disabled_person_are_told_the_same(api):
    api.archive.run("user", "disable", "bert")
    answers = [try_to_log_in(api, name, password)
               for name, password in (("anna", "wrong"), ("nobody", "wrong"), ("bert", PASSWORD))]
    assert {(a.status, a.body) for a in answers} == {(401, answers[0].body)}
    assert answers[0].code == "log-in"


def test_who_tries_too_often_has_to_wait_also_with_the_right_password(api):
    told = [try_to_log_in(api, "anna", "wrong").code for _ in range(12)]
    assert told[0] == "log-in" and told[-1] == "throttled"
    answer = try_to_log_in(api, "anna", PASSWORD)
    assert answer.code == "throttled" and int(answer.headers["retry-after"]) > 0


def test_a_session_ends_with_a_new_password_with_being_disabled_and_with_log_out(api, folder):
    def logged_in():
        client = api.client()
        client.log_in("anna", PASSWORD)
        assert client.get("/me").status == 200
        return client

    one, two = logged_in(), logged_in()
    assert len(one.get("/sessions").json["sessions"]) == 2
    assert one.delete("/sessions").status == 204
    assert one.get("/me").status == two.get("/me").status == 401
    one = logged_in()
    api.archive.run("user", "password", "anna", "--password-file", folder / "password")
    assert one.get("/me").code == "no-session"
    one = logged_in()
    api.archive.run("user", "disable", "anna")
    assert one.get("/me").code == "no-session"


def test_what_a_person_may_see_follows_what_is_said_of_him_at_once(api):
    bert = api.client()
    bert.log_in("bert", PASSWORD)
    assert bert.get("/mails/count?q=").json["count"] == 0
    api.archive.run("user", "change", "bert", "--address", "bert@example.org", "--address", "anna@example.org")
    assert bert.get("/mails/count?q=").json["count"] == 1
    api.archive.run("user", "change", "bert", "--address", "bert@example.org")
    assert bert.get("/mails/count?q=").json["count"] == 0


def test_a_token_does_what_it_was_made_for_and_no_more(api):
    anna = api.client()
    anna.log_in("anna", PASSWORD)
    made = anna.post("/me/tokens", {"name": "script", "scopes": ["search"], "days": 1})
    assert made.status == 201, made
    script = Client(api.port, bearer=made.json["token"])
    found = script.get("/mails?q=angebot").json["mails"]
    assert len(found) == 1
    assert script.get(f"/mails/{found[0]['id']}").code == "denied"
    assert script.get("/me/tokens").code == "denied"
    number = anna.get("/me/tokens").json["tokens"][0]["token"]
    assert made.json["token"] not in anna.get("/me/tokens").body.decode()
    assert anna.delete(f"/me/tokens/{number}").status == 204
    assert script.get("/mails?q=angebot").code == "no-session"


def code_of(secret, now=None):
    """RFC 6238, as an authenticator app reckons."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int((now or time.time()) // 30)), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06d}"


def test_one_time_codes_are_asked_for_once_they_are_set_up_and_each_is_good_once(api):
    anna = api.client()
    anna.log_in("anna", PASSWORD)
    offer = anna.post("/me/totp").json
    assert "<svg" in offer["qr"] and offer["secret"] in offer["url"]
    now = time.time()
    confirmed = anna.put("/me/totp", {"code": code_of(offer["secret"], now)})
    assert confirmed.status == 200, confirmed
    recovery = confirmed.json["recoveryCodes"]
    assert len(set(recovery)) == 10
    assert try_to_log_in(api, "anna", PASSWORD).code == "second-factor"
    assert try_to_log_in(api, "anna", PASSWORD, code=code_of(offer["secret"], now)).code == "second-factor"
    assert try_to_log_in(api, "anna", PASSWORD, code=recovery[0]).status == 200
    assert try_to_log_in(api, "anna", PASSWORD, code=recovery[0]).code == "second-factor"
