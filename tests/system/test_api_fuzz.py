# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that were bitten, and JSON that was: the server answers or hangs up, and goes on; the sanitizers have nothing to say."""
import json
import random
import socket

import pytest
from http_api import BASE, Api
from sealpost import Archive, mail

PASSWORD = "correct horse battery"
REQUESTS, BODIES, AT_ONCE = 3000, 2000, 20
LIMIT_S = 60

HEADS = ("Host: localhost", "Host: evil.example", "Cookie: sealpost={cookie}", "Cookie: sealpost=;;=\"", "Authorization: Bearer spt_x",
         "Content-Type: application/json", "Content-Type: message/rfc822", "Content-Length: 10", "Content-Length: 99999999999999999999",
         "Transfer-Encoding: chunked", "Transfer-Encoding: identity, chunked", "Connection: close", "Connection: Upgrade, keep-alive",
         "X-Sealpost-Token: {token}", "X-Forwarded-For: 1.2.3.4, ::1, x", "X-Forwarded-Host: a/b", "Range: bytes=0-,-1", "Expect: 100-continue",
         "Accept-Encoding: br;q=0,*", "Te: trailers", ": empty", "no colon", "X: \x00", " folded: yes")
PATHS = ("/archive/", "/archive", "/", "*", "/archive/assets/index.js", "http://localhost/archive/", "/archive/../etc/passwd", "/archive/%2e%2e/x",
         f"{BASE}/session", f"{BASE}/mails?q=a", f"{BASE}/mails?q=%", f"{BASE}/mails?q=(&limit=&cursor=-", f"{BASE}/mails/%00", f"{BASE}/me",
         f"{BASE}/me/tokens/-1", f"{BASE}/complete?prefix=%ff", f"{BASE}/uploads", f"{BASE}/tasks", f"{BASE}/admin/people?find=%22", f"{BASE}//", BASE)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "X" * 300, "")


@pytest.fixture(name="api", scope="module")
def _api(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    archive = Archive(folder / "archive").init()
    (folder / "one.eml").write_bytes(mail(to="anna@example.org", msgid="<1@x>"))
    archive.take(folder / "one.eml")
    (folder / "password").write_text(PASSWORD + "\n")
    archive.run("user", "add", "anna", "--address", "anna@example.org", "--password-file", folder / "password")
    for role in ("admin", "auditor"):
        archive.run("user", "password", role, "--password-file", folder / "password")
    with Api(archive, head_timeout=2, body_timeout=2, connections=200) as api:
        yield api


def bitten(rnd, data):
    """Some bytes of it changed, doubled or taken out."""
    data = bytearray(data)
    for _ in range(rnd.randrange(4)):
        at = rnd.randrange(len(data) + 1)
        what = rnd.randrange(3)
        if what == 0:
            data[at:at + 1] = bytes([rnd.randrange(256)])
        elif what == 1:
            data[at:at] = data[max(0, at - rnd.randrange(40)):at] * rnd.randrange(1, 4)
        else:
            del data[at:at + rnd.randrange(20)]
    return bytes(data)


def request(rnd, client):
    heads = [head.format(cookie=client.cookie, token=client.token) for head in rnd.sample(HEADS, rnd.randrange(8))]
    if rnd.randrange(3):
        heads.insert(0, "Host: localhost")
    body = rnd.choice(("", "{}", "[" * 100, '{"a":' * 200, "5\r\nabcde\r\n0\r\n\r\n", "\x00" * 50))
    line = f"{rnd.choice(METHODS)} {rnd.choice(PATHS)} HTTP/{rnd.choice(('1.1', '1.1', '1.0', '9', ''))}"
    return bitten(rnd, "\r\n".join([line, *heads, "", body]).encode("latin-1"))


def test_requests_that_were_bitten_harm_nobody(api):
    rnd = random.Random(20261123)
    with api.person("anna", PASSWORD) as client:
        for _ in range(REQUESTS // AT_ONCE):
            probes = []
            for _ in range(AT_ONCE):
                probe = socket.create_connection(("127.0.0.1", api.port), timeout=LIMIT_S)
                try:
                    probe.sendall(request(rnd, client))
                    probe.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                probes.append(probe)
            for probe in probes:
                try:
                    answer = probe.recv(65536)
                    assert not answer or answer.startswith(b"HTTP/1."), answer[:80]
                    assert b"root:" not in answer
                except OSError:
                    pass
                probe.close()
        assert api.client().get("/session").status == 200


def wild(rnd, depth=3):
    """A value that no schema asks for."""
    kind = rnd.randrange(9 if depth else 6)
    if kind < 6:
        return rnd.choice((None, True, -1, 2**63, 1e308, "", "x" * 5000, "\u0000\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
                           "../../x", "2024-13-99", [], {}))
    if kind < 8:
        return [wild(rnd, depth - 1) for _ in range(rnd.randrange(4))]
    return {rnd.choice(("name", "mails", "a", "", "kind")): wild(rnd, depth - 1) for _ in range(rnd.randrange(4))}


BODIES_OF = (("POST", "/session", ("name", "password", "code")), ("PATCH", "/me", ("language", "theme")), ("POST", "/saved-searches", ("name", "query")),
             ("POST", "/me/tokens", ("name", "scopes", "days")), ("POST", "/deletion-requests", ("mails", "reason")), ("POST", "/holds", ("mails", "query", "reason")),
             ("POST", "/tasks", ("kind", "mails", "query", "format")), ("POST", "/admin/people", ("name", "role", "addresses", "bounds", "password")),
             ("PUT", "/admin/domains", ("domains", "main")), ("PATCH", "/admin/policy", ("deletion", "idleMinutes", "totpDemanded")),
             ("PUT", "/admin/intake", ("milter", "archiveDomain", "networks")), ("POST", "/admin/media/test", ("location", "user")),
             ("PUT", "/admin/appearance", ("name", "colour", "logo")), ("POST", "/admin/fetch-accounts", ("name", "settings")))


def test_json_that_was_bitten_is_refused_or_does_no_harm(api):
    rnd = random.Random(4711)
    with api.person("auditor", PASSWORD) as auditor, api.person("admin", PASSWORD) as admin:
        for _ in range(BODIES):
            method, path, names = rnd.choice(BODIES_OF)
            client = api.client() if path == "/session" else admin if path.startswith("/admin") else auditor
            body = {name: wild(rnd) for name in names if rnd.randrange(4)}
            data = json.dumps(body).encode()
            if rnd.randrange(2):
                data = bitten(rnd, data)
            answer = client.request(method, path, data, {"Content-Type": "application/json"})
            assert answer.status != 500, (path, data[:300], answer)
    assert api.client().get("/session").status == 200
