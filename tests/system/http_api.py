# SPDX-License-Identifier: GPL-3.0-or-later
"""http_api - sealpost-api at work on a loopback port, and clients that talk to it as a browser or a script would."""
import collections
import contextlib
import http.client
import json
import subprocess
import threading
import urllib.parse

from ports import free_port
from sealpost import ENV, TIMEOUT_S

BASE = "/archive/api/v1"


class Answer(collections.namedtuple("Answer", "status headers body")):
    """What came back; headers by lower-case name, of several the last."""

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """Of a problem."""
        assert self.headers.get("content-type", "").startswith("application/problem+json"), self
        return self.json["code"]


class Api:
    """The server of an archive on PORT; used as a context."""

    def __init__(self, archive, binary=None, **settings):
        self.archive = archive
        self.binary = (binary or archive.binary) + "-api"
        self.port = free_port()
        self.log = []
        values = {"listen": f"127.0.0.1:{self.port}", "user": "", **settings}
        (archive.path / "api.conf").write_text("".join(f"{name} = {value}\n" for name, value in values.items()))
        self.process = self.reader = None

    def __enter__(self):
        self.process = subprocess.Popen([self.binary, "--archive", str(self.archive.path), "--verbose"],
                                        env=ENV, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        line = self.process.stderr.readline()
        while b"api ready" not in line:
            assert line, "the server did not start: " + self.said()
            self.log.append(line)
            line = self.process.stderr.readline()
        # Somebody has to read on, or a talkative server waits for ever.
        self.reader = threading.Thread(target=self.log.extend, args=(self.process.stderr,))
        self.reader.start()
        return self

    def said(self):
        return b"".join(self.log).decode("utf-8", "replace")

    def __exit__(self, *_):
        """It ends well when it is asked to."""
        self.process.terminate()
        try:
            assert self.process.wait(TIMEOUT_S) == 0, self.said()
        finally:
            self.process.kill()
            self.process.wait()
            if self.reader is not None:
                self.reader.join()
            self.process.stderr.close()
        assert "Sanitizer" not in self.said() and "runtime error" not in self.said(), self.said()

    def client(self, **more):
        return Client(self.port, **more)

    @contextlib.contextmanager
    def person(self, name, password, **more):
        """A client who is logged in, and logs out."""
        client = self.client()
        client.log_in(name, password, **more)
        yield client
        client.delete("/session")


class Client:
    """One browser: keeps the session's cookie and sends its token with all that changes anything. With BEARER, a script."""

    def __init__(self, port, bearer=None, host=None):
        self.port = port
        self.bearer = bearer
        self.host = host
        self.cookie = None
        self.token = None

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)

    def request(self, method, path, body=None, headers=None, base=BASE):
        """BODY: bytes as they are, anything else as JSON."""
        sent = {"Host": self.host or "localhost"}
        if self.cookie is not None:
            sent["Cookie"] = f"sealpost={self.cookie}"
        if self.bearer is not None:
            sent["Authorization"] = f"Bearer {self.bearer}"
        if self.token is not None and method not in ("GET", "HEAD"):
            sent["X-Sealpost-Token"] = self.token
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        connection = self.connection()
        try:
            connection.request(method, base + path, body, {k: v for k, v in sent.items() if v is not None})
            got = connection.getresponse()
            answer = Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
        finally:
            connection.close()
        self.keep_cookie(answer)
        return answer

    def keep_cookie(self, answer):
        cookie = answer.headers.get("set-cookie", "")
        if cookie.startswith("sealpost="):
            value = cookie.split(";")[0].partition("=")[2]
            self.cookie = value or None

    def get(self, path, **query):
        return self.request("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def put(self, path, body=None, **more):
        return self.request("PUT", path, body, **more)

    def patch(self, path, body=None, **more):
        return self.request("PATCH", path, body, **more)

    def delete(self, path, body=None, **more):
        return self.request("DELETE", path, body, **more)

    def log_in(self, name, password, code=None):
        """The answer's person."""
        asked = {"name": name, "password": password, **({"code": code} if code else {})}
        answer = self.post("/session", asked)
        assert answer.status == 200, answer
        person = answer.json["person"]
        self.token = person["token"]
        return person

    def find(self, query="", limit=200):
        """The ids of all mails that a query finds, page after page."""
        ids, cursor = [], {}
        while True:
            answer = self.get("/mails", q=query, limit=limit, **cursor)
            assert answer.status == 200, answer
            ids += [m["id"] for m in answer.json["mails"]]
            if "next" not in answer.json:
                return ids
            cursor = {"cursor": answer.json["next"]}
