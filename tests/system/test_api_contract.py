# SPDX-License-Identifier: GPL-3.0-or-later
"""Every route of openapi.yaml, for everybody: the right person, the wrong one, none; with good input and with every kind of bad input."""
import http.client
import json
import random
import uuid

import contract
import pytest
from contract import NO_MAIL, broken_bodies, operations, sample, served
from http_api import BASE, Api, Client
from sealpost import BIN_FAST, Archive, mail

ROLES = ("admin", "auditor", "revisor", "dataofficer", "user", "uploader")
PASSWORD = "correct horse battery"
# Routes that end the session that asks, or start what goes on behind the test.
ENDS_SESSION = {"logOut", "logOutEverywhere"}
# What these answer depends on what is there beside the archive: a setup token, a server, a program.
OUTSIDE = {"logIn", "createArchive", "getSetup"}
# Who has which right: product.md's table of the people, written down once more, so that a slip in the program's table shows.
RIGHTS = {
    "SEARCH": {"auditor", "revisor", "dataofficer", "user"},
    "READ": {"auditor", "revisor", "dataofficer", "user"},
    "DOWNLOAD": {"auditor", "revisor", "dataofficer", "user"},
    "NOTE": {"auditor", "revisor", "user"},
    "SEND": {"auditor", "user"},
    "EXPORT": {"auditor", "revisor", "user"},
    "EVIDENCE": {"auditor", "revisor"},
    "REQUEST": {"auditor", "user"},
    "DECIDE": {"dataofficer"},
    "HOLD": {"auditor"},
    "CONFIGURE": {"admin"},
    "AUDIT_LOG": {"admin", "auditor"},
    "UPLOAD": {"uploader"},
}


class House:
    """An archive with a person of each role, and its server."""

    def __init__(self, folder):
        self.archive = Archive(folder / "archive", BIN_FAST).init()
        box = folder / "box"
        box.mkdir()
        for i in range(5):
            (box / f"{i}.eml").write_bytes(mail(subject=f"Number {i}", sender="boss@example.org", to="anna@example.org",
                                                msgid=f"<{i}@example.org>"))
        (box / "other.eml").write_bytes(mail(subject="Otherword", sender="boss@example.org", to="otto@example.org",
                                             msgid="<other@example.org>"))
        self.archive.take(box)
        password = folder / "password"
        password.write_text(PASSWORD + "\n")
        self.names = {"user": "anna", "uploader": "scanner"}
        self.archive.run("user", "add", "anna", "--address", "anna@example.org", "--password-file", password, talks=True)
        self.archive.run("user", "add", "scanner", "--role", "uploader", talks=True)
        self.token = self.archive.text("user", "token", "scanner", "--for", "upload", "--days", 1).strip()
        for role in ("admin", "auditor", "revisor", "dataofficer"):
            self.archive.run("user", "password", role, "--password-file", password, talks=True)
        self.mine = self.archive.one("subject:1")
        self.foreign = self.archive.one("Otherword")
        self.api = Api(self.archive)

    def log_in(self, role):
        """An uploader has a token, and no password."""
        if role == "uploader":
            return self.api.client(bearer=self.token)
        client = self.api.client()
        client.log_in(self.names.get(role, role), PASSWORD)
        return client


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    made = House(tmp_path_factory.mktemp("contract"))
    with made.api:
        yield made


@pytest.fixture(scope="module")
def people(house):
    """A client of each role, logged in."""
    return {role: house.log_in(role) for role in ROLES}


def ask(client, operation, body=None, headers=None, **values):
    path = operation.filled(**values)
    query = operation.query()
    if query:
        path += "?" + "&".join(f"{k}={v}" for k, v in query.items())
    return client.request(operation.method, path, body, headers=headers)


def body_of(operation):
    schema = operation.body_schema()
    return sample(schema) if schema else None


def by_number(_value):
    """For values that make no name."""
    return "try"


def sender(house, people, operation):
    """Somebody who may; to log in, somebody new, since a log-in ends the session before."""
    if operation.is_open:
        return house.api.client()
    return people[next(iter(RIGHTS.get(operation.right, {"user"})))]


def every(operations_):
    return pytest.mark.parametrize("operation", operations_, ids=lambda o: o.name)


SERVED = [o for o in operations() if (o.method, o.path) in served()]
CLOSED = [o for o in SERVED if not o.is_open]


def test_the_server_answers_what_the_contract_knows_and_nothing_else_each_with_its_right():
    known = {(o.method, o.path): (o.right, "json" if o.body_schema() else None, snake(o.name)) for o in operations()}
    assert set(served()) == set(known)
    for route, (right, body, name) in served().items():
        want_right, want_body, want_name = known[route]
        assert (right, name) == (want_right, want_name), route
        assert (body == "json") == (want_body == "json"), route


def snake(name):
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


@every(CLOSED)
def test_without_a_log_in_nothing_is_told(house, operation):
    answer = ask(house.api.client(), operation, body_of(operation))
    assert answer.status == 401 and answer.code == "no-session", (operation, answer)
    operation.check(answer)


@every([o for o in CLOSED if o.changes])
def test_what_changes_anything_needs_the_sessions_token(house, people, operation):
    for role in set(ROLES) - {"uploader"}:  # who sends a token needs none beside it
        client = Client(house.api.port)
        client.cookie = people[role].cookie
        for token in (None, "x" * 43):
            answer = ask(client, operation, body_of(operation), headers={"X-Sealpost-Token": token})
            assert answer.status == 403 and answer.code == "forged", (operation, role, answer)


@every([o for o in CLOSED if o.right in RIGHTS])
def test_who_lacks_the_right_is_refused_before_anything_is_looked_at(house, people, operation):
    for role in set(ROLES) - RIGHTS[operation.right]:
        for values in ({}, {"id": house.mine}, {"id": house.foreign}):
            answer = ask(people[role], operation, body_of(operation), **values)
            assert answer.status == 403 and answer.code == "denied", (operation, role, answer)
            operation.check(answer)


@every([o for o in CLOSED if o.method == "GET"])
def test_who_has_the_right_gets_what_the_contract_says(house, people, operation):
    for role in RIGHTS.get(operation.right, set(ROLES) - {"uploader"}):
        answer = ask(people[role], operation, **({"id": house.mine} if role != "dataofficer" else {}))
        assert answer.status in (200, 404, 409) or answer.code == "busy", (operation, role, answer)  # not stamped yet
        operation.check(answer)
        schema = operation.spec["responses"]["200"]
        content = contract.resolved(schema).get("content", {})
        if answer.status == 200 and "application/json" in content:
            unknown = contract.undocumented(content["application/json"]["schema"], answer.json)
            assert not unknown, (operation, unknown)


@every([o for o in SERVED if o.body_schema() and o.name not in ENDS_SESSION])
def test_bad_input_is_refused_in_words_and_changes_nothing(house, people, operation):
    client = sender(house, people, operation)
    for what, body in broken_bodies(operation.body_schema()):
        headers = {"Content-Type": "application/json"} if isinstance(body, bytes) else None
        answer = ask(client, operation, body, headers, id=house.mine)
        assert 400 <= answer.status < 500 and answer.status not in (401, 403), (operation, what, answer)
        operation.check(answer)


@every([o for o in SERVED if o.body_schema()])
def test_what_is_too_large_or_no_json_is_refused(house, people, operation):
    client = sender(house, people, operation)
    try:
        large = ask(client, operation, b'{"x": "' + b"y" * (2 << 20) + b'"}', {"Content-Type": "application/json"})
        assert large.status == 413 and large.code == "too-big", (operation, large)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it does not read what it does not take
    other = ask(client, operation, b"name=anna", {"Content-Type": "application/x-www-form-urlencoded"})
    assert other.status == 415, (operation, other)


@every([o for o in SERVED if "id" in o.path and o.right in ("READ", "DOWNLOAD", "NOTE", "EVIDENCE", "SEARCH")])
def test_a_mail_that_is_not_ones_own_is_answered_like_one_that_is_not_there(house, people, operation):
    client = people["user"] if operation.right != "EVIDENCE" else people["revisor"]
    if operation.right == "EVIDENCE":
        return  # who has this right and sees all mail has nothing foreign; revisor's bounds: test_api_scope.py
    answers = [ask(client, operation, body_of(operation), id=i) for i in (house.foreign, NO_MAIL)]
    assert [a.status for a in answers] == [404, 404], (operation, answers)
    told = [(sorted(a.headers.items()), a.body) for a in (strip(answers[0]), strip(answers[1]))]
    assert told[0] == told[1], operation


def strip(answer):
    """Without what differs between any two answers."""
    return answer._replace(headers={k: v for k, v in answer.headers.items() if k not in ("date",)})


def test_an_unknown_path_is_not_found_and_a_wrong_method_is_told_the_right_ones(house, people):
    for path in ("/nothing", "/mails/", "/mails//x", "/mails/%2e%2e/x", "/admin", "/session/x"):
        assert people["user"].get(path).status in (400, 404), path
    answer = people["user"].request("PATCH", "/mails")
    assert answer.status == 405 and answer.headers["allow"].replace(" ", "") in ("GET", "GET,HEAD"), answer


def test_every_answer_forbids_sniffing_framing_and_keeping(house, people):
    for operation in SERVED:
        if operation.method != "GET":
            continue
        headers = ask(people["auditor"], operation, id=house.mine).headers
        assert headers["x-content-type-options"] == "nosniff", operation
        # what the page shows in itself may stand in a frame of it, and of nobody else
        assert any(f"frame-ancestors {who}" in headers["content-security-policy"] for who in ("'none'", "'self'")), operation
        assert "script-src" not in headers["content-security-policy"], operation
        if operation.name != "getLogo":
            assert "no-store" in headers["cache-control"], operation


def test_ten_thousand_random_ids_find_nothing(house, people):
    rnd = random.Random(1)
    connection = http.client.HTTPConnection("127.0.0.1", house.api.port)
    headers = {"Host": "localhost", "Cookie": f"sealpost={people['user'].cookie}"}
    seen = set()
    for _ in range(10000):
        connection.request("GET", f"{BASE}/mails/{uuid.UUID(int=rnd.getrandbits(128))}", headers=headers)
        answer = connection.getresponse()
        seen.add((answer.status, json.loads(answer.read())["code"]))
    connection.close()
    assert seen == {(404, "not-found")}


@pytest.mark.parametrize("path", ids=by_number, argvalues=[
    "/mails?q=" + "%ff" * 10, "/mails?q=%00", "/mails?cursor=" + "A" * 500, "/mails?cursor=../../x", "/mails?limit=-1",
    "/mails?limit=99999999999999999999", "/mails?limit=1e3", "/mails?q=" + "(" * 4000, "/mails?unknown=1",
    "/mails/" + "a" * 36, "/mails/" + "%00" * 8, "/mails/..%2f..%2fetc%2fpasswd", "/mails/x%0d%0aSet-Cookie:%20a=b",
    "/complete?prefix=%25", "/complete", "/audit?who=%0a"])
def test_what_somebody_may_try_in_a_path_breaks_nothing(people, path):
    for role in ("user", "auditor"):
        answer = people[role].request("GET", path)
        assert answer.status in (200, 400, 403, 404), (role, path, answer)
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("raw", ids=by_number, argvalues=[
    b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET " + b"/" * 100000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
    b"POST %s/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % BASE.encode(),
    b"POST %s/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n" % BASE.encode(),
    b"GET %s/session HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n" % BASE.encode(),
    b"GET %s/session HTTP/1.1\r\n\r\n" % BASE.encode()])
def test_a_request_that_is_none_is_refused_and_the_next_one_answered(house, raw):
    import socket
    with socket.create_connection(("127.0.0.1", house.api.port)) as probe:
        probe.settimeout(120)  # the head's time limit is 30 s
        try:
            probe.sendall(raw)
            probe.shutdown(socket.SHUT_WR)
            answer = probe.recv(65536)
        except OSError:  # it was closed, before or after it was half closed here
            answer = b""
    assert not answer or answer.split(b" ")[1][:1] in (b"4", b"5"), answer[:200]
    assert house.api.client().get("/session").status == 200


def test_another_host_name_is_not_answered(house):
    client = Client(house.api.port, host="evil.example")
    assert client.get("/session").status in (400, 403, 421)


def test_a_session_that_was_ended_is_worth_nothing(house):
    client = house.log_in("user")
    other = Client(house.api.port)
    other.cookie, other.token = client.cookie, client.token
    assert client.delete("/session").status == 204
    for operation in CLOSED:
        assert ask(other, operation, body_of(operation)).status == 401, operation


def test_nothing_of_it_all_is_in_the_servers_log(house):
    for word in ("Otherword", "anna@example.org", PASSWORD, "boss@example.org"):
        assert word not in house.api.said()
