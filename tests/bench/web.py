# SPDX-License-Identifier: GPL-3.0-or-later
"""web - the HTTP API as people use it: through nginx with TLS, by wrk, on the archive of the standard set."""
import json
import os
import random
import re
import shutil
import socket
import subprocess
import time
import urllib.request

from ground import HERE, SEALPOST, WORK, fresh, measure, say

BASE = "/archive/api/v1"
SECONDS = 10
IDLE = 500
WORDS = ["projekt", "rechnung", "angebot", "termin", "vertrag", "anhang", "liste", "besprechung",
         "from:anna", "subject:angebot", "has:attachment", "after:2023", "proj*", '"mit freundlichen"']

NGINX = """
{user} daemon off; pid {home}/nginx.pid; error_log {home}/error.log; worker_processes 1;
events {{ worker_connections 2048; }}
http {{
	access_log off;
	client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/f;
	uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
	upstream archive {{ server unix:{socket}; keepalive 16; }}
	server {{
		listen 127.0.0.1:{port} ssl;
		ssl_certificate {home}/cert.pem; ssl_certificate_key {home}/key.pem;
		location /archive/ {{
			proxy_pass http://archive; proxy_http_version 1.1; proxy_set_header Connection "";
			proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
			proxy_set_header X-Forwarded-Proto https;
		}}
	}}
}}
"""

# Each thread takes the paths in an order of its own.
LUA = """
local paths = {{}}
for line in io.lines("{file}") do paths[#paths + 1] = line end
local at
function init() math.randomseed(tonumber(tostring({{}}):sub(8)) or 1); at = math.random(#paths) end
function request()
	at = at % #paths + 1
	return wrk.format("GET", paths[at], {{["Host"] = "localhost", ["Authorization"] = "Bearer {token}"}})
end
function done(summary, latency)
	local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
	io.write(string.format('\\n{{"rate": %.1f, "p50_ms": %.2f, "p99_ms": %.2f, "bad": %d}}\\n',
		summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, bad))
end
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_for(ready, process):
    for _ in range(1000):
        if ready():
            return
        if process.poll() is not None:
            raise SystemExit("bench: a server did not start")
        time.sleep(0.01)
    raise SystemExit("bench: a server does not answer")


def answers(target):
    family = socket.AF_UNIX if isinstance(target, str) else socket.AF_INET
    with socket.socket(family) as probe:
        return probe.connect_ex(target) == 0


class Served:
    """The archive behind nginx; both end with the context."""

    def __init__(self, archive):
        self.archive = archive
        self.home = fresh("web")
        self.socket = os.path.join(self.home, "api.sock")
        self.port = free_port()
        self.processes = []

    def start(self, command, ready):
        self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_for(ready, self.processes[-1])

    def __enter__(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", f"{self.home}/key.pem",
                        "-out", f"{self.home}/cert.pem"], check=True, capture_output=True)
        with open(os.path.join(self.archive, "api.conf"), "w", encoding="utf-8") as conf:
            conf.write(f"listen = unix:{self.socket}\nuser =\n")
        with open(f"{self.home}/nginx.conf", "w", encoding="utf-8") as conf:
            conf.write(NGINX.format(home=self.home, socket=self.socket, port=self.port,
                                    user="user root;" if os.geteuid() == 0 else ""))
        self.start([SEALPOST + "-api", "--archive", self.archive, "--quiet"], lambda: answers(self.socket))
        self.start(["nginx", "-c", f"{self.home}/nginx.conf", "-e", f"{self.home}/error.log"],
                   lambda: answers(("127.0.0.1", self.port)))
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            process.wait()
        shutil.rmtree(self.home)

    def wrk(self, paths, token, seconds, connections=8):
        """Rate, latencies in ms and how many were not answered well."""
        file, script = f"{self.home}/paths", f"{self.home}/wrk.lua"
        with open(file, "w", encoding="utf-8") as out:
            out.write("\n".join(paths) + "\n")
        with open(script, "w", encoding="utf-8") as out:
            out.write(LUA.format(file=file, token=token))
        done = measure(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script,
                        f"https://127.0.0.1:{self.port}"])
        told = json.loads(done.out.strip().splitlines()[-1])
        if told["bad"]:
            raise SystemExit(f"bench: {told['bad']} requests were not answered well")
        return told


def person(archive):
    """An auditor's token for scripts."""
    password = os.path.join(WORK, "password")
    with open(password, "w", encoding="utf-8") as file:
        file.write("correct horse battery\n")
    measure([SEALPOST, "--archive", archive, "user", "password", "auditor", "--password-file", password])
    told = measure([SEALPOST, "--archive", archive, "user", "token", "auditor", "--for", "search,read", "--days", "1"])
    os.remove(password)
    return told.out.strip()


def queries():
    rnd = random.Random(1)
    pairs = [f"{a} {b}" for a in WORDS[:7] for b in WORDS[:7] if a != b]
    return [f"{BASE}/mails?q={urllib.request.quote(q)}" for q in rnd.sample(WORDS + pairs, len(WORDS + pairs))]


def bench_web(rows, archive, quick):
    if not (shutil.which("wrk") and shutil.which("nginx")):
        say("wrk or nginx is not there: the HTTP API is not measured")
        return
    say("the HTTP API, through nginx")
    group, seconds = "HTTP API, through nginx with TLS", 3 if quick else SECONDS
    token = person(archive)
    found = measure([SEALPOST, "--archive", archive, "--json", "search", "--limit", "500", "smaller:20k"]).out
    ids = re.findall(r'"id": "([^"]+)"', found)
    reads = [f"{BASE}/mails/{one}" for one in ids]
    with Served(archive) as served:
        one = served.wrk(queries(), token, seconds, connections=1)
        rows.add(group, "first page of a search, p99, one person", one["p99_ms"], "ms", most=30,
                 note=f"p50 {one['p50_ms']:.1f}")
        many = served.wrk(queries(), token, seconds)
        rows.add(group, "searches", many["rate"], "a second", least=200,
                 note=f"8 connections, p50 {many['p50_ms']:.1f} ms, p99 {many['p99_ms']:.1f} ms")
        small = served.wrk(reads, token, seconds)
        rows.add(group, "small mails read", small["rate"], "a second", least=300,
                 note=f"8 connections, p50 {small['p50_ms']:.1f} ms, p99 {small['p99_ms']:.1f} ms")
        idle = [socket.socket(socket.AF_UNIX) for _ in range(IDLE)]
        for one in idle:
            one.connect(served.socket)
        beside = served.wrk(queries(), token, seconds)
        rows.add(group, f"searches beside {IDLE} idle connections", beside["rate"], "a second", least=200,
                 note=f"p99 {beside['p99_ms']:.1f} ms")
        for one in idle:
            one.close()
