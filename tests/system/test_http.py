# SPDX-License-Identifier: GPL-3.0-or-later
"""What sealpost-api does with whatever is sent to it, before any route has a say."""
import contextlib
import gzip
import os
import signal
import socket
import time

import pytest
from http_api import Api, BASE
from postfix import wait_until
from sealpost import TIMEOUT_S, mail
from serve import children


@pytest.fixture
def api(archive):
    with Api(archive) as server:
        yield server


@contextlib.contextmanager
def line(api):
    with socket.create_connection(("127.0.0.1", api.port), timeout=TIMEOUT_S) as sock:
        yield sock


def told(sock):
    """All that comes until the other side closes."""
    with sock.makefile("rb") as stream, contextlib.suppress(ConnectionResetError):
        return stream.read()
    return b""


def raw(api, data):
    with line(api) as sock:
        sock.sendall(data)
        return told(sock)


def test_nobody_is_logged_in_at_first(api):
    answer = api.client().get("/session")
    assert answer.status == 200 and answer.json["person"] is None and not answer.json["setup"]
    assert answer.headers["content-type"] == "application/json"


def test_every_answer_protects_its_reader(api):
    for path in ("/session", "/none", "/../../x"):
        headers = api.client().get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path, status, code", [
    ("/none", 404, "not-found"),
    ("/session/", 404, "not-found"),
    ("/session/x", 404, "not-found"),
    ("//session", 400, "syntax"),
    ("/./session", 400, "syntax"),
    ("/../session", 400, "syntax"),
    ("/%2e%2e/session", 400, "syntax"),
    ("/sess%2fion", 400, "syntax"),
    ("/session%00", 400, "syntax"),
    ("/session%0d%0aX-Evil:%201", 400, "syntax"),
    ("/session%", 400, "syntax"),
    ("/session%zz", 400, "syntax"),
    ("/session%ff", 400, "syntax"),
    ("/session?a=1&a=2", 400, "syntax"),
    ("/session?a=%ff", 400, "syntax"),
    ("/session?" + "&".join(f"a{n}" for n in range(100)), 400, "syntax"),
])
def test_an_address_that_is_none_is_refused(api, path, status, code):
    answer = api.client().get(path)
    assert (answer.status, answer.code) == (status, code)
    assert "x-evil" not in answer.headers


def test_a_method_that_a_route_has_not_is_named_with_those_it_has(api):
    answer = api.client().put("/session")
    assert (answer.status, answer.code) == (405, "method")
    assert answer.headers["allow"].startswith("GET")


def test_who_is_not_logged_in_gets_nowhere(api):
    answer = api.client().delete("/session")
    assert (answer.status, answer.code) == (401, "no-session")


def test_another_host_is_not_ours(api):
    answer = api.client(host="rebound.example").get("/session")
    assert (answer.status, answer.code) == (421, "wrong-host")
    assert api.client(host="127.0.0.1:99").get("/session").status == 200


def test_whose_word_is_not_trusted_cannot_say_for_whom_he_asks(api):
    sent = {"X-Forwarded-Host": "localhost", "X-Forwarded-For": "192.0.2.1"}
    answer = api.client(host="rebound.example").request("GET", "/session", headers=sent)
    assert answer.status == 421


def test_a_trusted_proxy_says_for_whom_it_asks(archive):
    with Api(archive, proxy="127.0.0.1", host="archive.example") as api:
        for host, status in (("archive.example", 200), ("a.example, archive.example", 200),
                             ("archive.example, b.example", 421), ("bad host", 400)):
            sent = {"X-Forwarded-Host": host, "X-Forwarded-Proto": "https"}
            assert api.client().request("GET", "/session", headers=sent).status == status


def test_who_is_not_logged_in_has_no_large_body(api):
    answer = api.client().post("/session", {"name": "anna", "password": "x" * 200000})
    assert (answer.status, answer.code) == (413, "too-big")
    assert api.client().post("/session", {"name": "anna", "password": "x" * 1000}).status != 413


def test_a_head_that_is_too_large_is_refused(api):
    answer = api.client().request("GET", "/session", headers={"X-Much": "x" * 17000})
    assert (answer.status, answer.code) == (413, "too-big")
    assert b" 431 " in raw(api, b"GET " + BASE.encode() + b"/session HTTP/1.1\r\nHost: localhost\r\n" +
                           b"X: " + b"x" * 60000 + b"\r\n\r\n")


@pytest.mark.parametrize("head", [
    b"Content-Length: 2\r\nContent-Length: 3\r\n", b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: -1\r\n", b"Content-Length: 1x\r\n", b"Content-Length: 2\r\n"])
def test_a_head_that_says_two_things_or_nonsense_is_refused(api, head):
    got = raw(api, b"GET " + BASE.encode() + b"/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + head +
              b"\r\n{}")
    assert b" 400 " in got or b" 413 " in got, got


def test_a_head_that_does_not_end_costs_nobody_more_than_its_time(archive):
    with Api(archive, head_timeout="1", workers="1") as api, line(api) as slow:
        slow.sendall(b"GET " + BASE.encode() + b"/session HTTP/1.1\r\n")
        begun = time.monotonic()
        slow.settimeout(0.1)
        closed = False
        while not closed and time.monotonic() < begun + TIMEOUT_S:
            try:
                slow.sendall(b"X")  # something comes all the time
                closed = slow.recv(100) == b""
            except TimeoutError:
                assert api.client().get("/session").status == 200
            except OSError:
                closed = True
        assert closed


def test_many_who_say_nothing_harm_nobody(archive):
    with Api(archive, workers="2", connections="2000") as api, contextlib.ExitStack() as idle:
        for _ in range(500):
            idle.enter_context(line(api))
        assert api.client().get("/session").status == 200


def test_a_worker_that_is_killed_is_replaced(api):
    wait_until(lambda: len(children(api.process.pid)) == 4, api.said)
    first = children(api.process.pid)
    os.kill(first[0], signal.SIGKILL)
    wait_until(lambda: len(children(api.process.pid)) == 4 and first[0] not in children(api.process.pid), api.said)
    assert api.client().get("/session").status == 200


def test_workers_do_not_outlive_their_master(archive):
    api = Api(archive)
    with contextlib.suppress(AssertionError), api:
        wait_until(lambda: len(children(api.process.pid)) == 4, api.said)
        workers = children(api.process.pid)
        os.kill(api.process.pid, signal.SIGKILL)
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))


def test_it_listens_at_a_unix_socket(archive, folder):
    with Api(archive, listen=f"unix:{folder}/api.sock"):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(TIMEOUT_S)
            sock.connect(f"{folder}/api.sock")
            sock.sendall(b"GET " + BASE.encode() + b"/session HTTP/1.1\r\nHost: any.example\r\n"
                         b"X-Forwarded-Proto: https\r\nConnection: close\r\n\r\n")
            assert b" 200 OK" in told(sock)


@pytest.mark.parametrize("listen", ["0.0.0.0:8480", "192.0.2.1:80", "127.0.0.1", "127.0.0.1:x", "unix:relative"])
def test_no_other_machine_may_reach_it(archive, listen):
    api = Api(archive, listen=listen)
    with pytest.raises(AssertionError, match="did not start"):
        api.__enter__()
    api.process.wait(TIMEOUT_S)
    api.process.stderr.close()


def test_an_archive_that_is_not_there_yet_has_a_page_to_make_it(folder):
    from sealpost import Archive
    (folder / "new").mkdir()
    with Api(Archive(folder / "new")) as api:
        assert api.client().get("/session").json["setup"]
        assert api.client().delete("/session").code in ("no-archive", "no-session")


@pytest.fixture
def page(archive, folder):
    """A server with a small page; beside it lies a file that is none of the page's."""
    web = folder / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("<!doctype html><title>page</title>")
    (web / "assets" / "x-1234.js").write_text("let x = 1;")
    (web / "assets" / "x-1234.js.gz").write_bytes(gzip.compress(b"let x = 1;"))
    (web / ".hidden").write_text("hidden")
    (folder / "beside.html").write_text("beside")
    (web / "link.html").symlink_to(folder / "beside.html")
    with Api(archive, web=web) as api:
        yield api


def fetch(api, path, **headers):
    return api.client().request("GET", path, headers=headers, base="")


def test_the_page_is_served_from_its_folder_alone(page):
    index = fetch(page, "/archive/")
    assert index.status == 200 and b"<title>page" in index.body
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert index.headers["cache-control"] == "no-cache"
    policy = index.headers["content-security-policy"]
    assert "script-src 'self';" in policy and "frame-ancestors 'none'" in policy and "unsafe-eval" not in policy
    for path in ("/archive/link.html", "/archive/.hidden", "/archive/beside.html", "/archive/assets/", "/archive/x",
                 "/archive/%2e%2e/beside.html", "/archive/../beside.html", "/archive/assets", "/beside.html"):
        assert fetch(page, path).status in (400, 404), path


def test_who_leaves_the_slash_out_is_led_to_the_page(page):
    answer = fetch(page, "/archive")
    assert (answer.status, answer.headers["location"]) == (308, "/archive/")


def test_what_has_a_hash_in_its_name_is_kept_and_comes_compressed(page):
    plain = fetch(page, "/archive/assets/x-1234.js")
    assert plain.body == b"let x = 1;" and "immutable" in plain.headers["cache-control"]
    assert plain.headers["content-type"].startswith("text/javascript")
    small = fetch(page, "/archive/assets/x-1234.js", **{"Accept-Encoding": "br, gzip"})
    assert small.headers["content-encoding"] == "gzip" and gzip.decompress(small.body) == plain.body
    for refused in ("gzip;q=0", "identity", ""):
        assert "content-encoding" not in fetch(page, "/archive/assets/x-1234.js", **{"Accept-Encoding": refused}).headers


def test_who_has_the_page_already_is_told_so(page):
    first = fetch(page, "/archive/")
    again = fetch(page, "/archive/", **{"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_the_page_can_only_be_looked_at(page):
    assert page.client().request("POST", "/archive/", b"x", base="").status == 405
    assert page.client().request("HEAD", "/archive/", base="").status == 200


def test_the_base_is_a_setting(archive, folder):
    (folder / "web").mkdir()
    (folder / "web" / "index.html").write_text("page")
    with Api(archive, web=folder / "web", base="/mail/box/") as api:
        assert fetch(api, "/mail/box/").body == b"page"
        assert fetch(api, "/archive/").status == 404
        assert fetch(api, "/mail/box/api/v1/session").status == 200


def test_many_large_mails_on_slow_lines_do_not_fill_the_memory(archive, folder, password):
    (folder / "large.eml").write_bytes(mail(subject="walnut", msgid="<1@x>") + b"line of sixty characters, as a mail has them, more or less\n" * 700000)
    (folder / "small.eml").write_bytes(mail(subject="hazelnut", msgid="<2@x>"))
    archive.take(folder / "large.eml", folder / "small.eml")
    archive.run("user", "password", "auditor", "--password-file", password)
    large, small = (archive.one(word) for word in ("walnut", "hazelnut"))
    with Api(archive, workers=1) as api, contextlib.ExitStack() as slow:
        client = api.client()
        client.log_in("auditor", password.read_text().strip())
        ask = (f"GET {BASE}/mails/{large}/original HTTP/1.1\r\nHost: localhost\r\nCookie: sealpost={client.cookie}\r\n\r\n").encode()
        heads = []
        for _ in range(5):  # of 41 MB each: two of eight units
            sock = slow.enter_context(line(api))
            sock.sendall(ask)
            heads.append(sock.recv(12, socket.MSG_WAITALL))
        assert heads == [b"HTTP/1.1 200"] * 4 + [b"HTTP/1.1 429"]
        refused = client.get(f"/mails/{large}")
        assert refused.code == "overload" and client.get(f"/mails/{small}").status == 200
        slow.close()
        wait_until(lambda: client.get(f"/mails/{large}/original").status == 200, api.said)
