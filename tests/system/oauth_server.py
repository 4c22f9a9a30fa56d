# SPDX-License-Identifier: GPL-3.0-or-later
"""oauth_server - a small OAuth 2.0 server: token, device and introspection endpoints, for one user."""
import http.server
import json
import threading
import urllib.parse

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):  # noqa: N802, the base class calls it so
        length = int(self.headers.get("Content-Length", 0))
        form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        status, answer = self.server.owner.answer(urllib.parse.urlparse(self.path).path, form)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class OAuthServer:
    def __init__(self, user):
        self.user = user
        self.tokens = set()
        self.refreshed = 0
        self.polled = 0
        self.wrong = False
        self.busy = False
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.owner = self
        base = f"127.0.0.1:{self.server.server_address[1]}"
        self.token_url = f"http://{base}/token"
        self.device_url = f"http://{base}/device"
        self.introspection_url = f"http://archive:s3cret@{base}/introspection"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def refresh_token(self):
        return f"refresh-{self.refreshed}"

    def _issue(self, **more):
        token = f"access-{len(self.tokens)}"
        if self.wrong:
            return 200, {"access_token": "not this one", "token_type": "Bearer"}
        self.tokens.add(token)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 60, **more}

    def _token(self, form):
        grant = form.get("grant_type")
        if form.get("client_id") != "archive" or form.get("client_secret") != "s3cret":
            return 401, {"error": "invalid_client"}
        if grant == "client_credentials":
            return self._issue()
        if grant == "refresh_token":
            if form.get("refresh_token") != self.refresh_token:
                return 400, {"error": "invalid_grant"}
            self.refreshed += 1
            return self._issue(refresh_token=self.refresh_token)
        if grant == DEVICE_GRANT and form.get("device_code") == "device code&=+":
            self.polled += 1
            if self.polled % 2:
                return 400, {"error": "authorization_pending"}
            return self._issue()
        return 400, {"error": "unsupported_grant_type"}

    def answer(self, path, form):
        if self.busy:
            return 503, {"error": "temporarily_unavailable"}
        if path == "/token":
            return self._token(form)
        if path == "/device":
            return 200, {"device_code": "device code&=+", "user_code": "ABCD-EFGH", "interval": 1,
                         "verification_uri": "https://login.example.org/device", "expires_in": 60}
        if path == "/introspection":
            active = form.get("token") in self.tokens
            return 200, {"active": active, **({"sub": self.user} if active else {})}
        return 200, b"<html>nonsense</html>"
