# SPDX-License-Identifier: GPL-3.0-or-later
"""The page through real reverse proxies over TLS, set up by the hook that the package has: nginx, Apache and HAProxy."""
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess

import pytest
from http_api import BASE, Client
from ports import free_port
from postfix import wait_until
from sealpost import ENV, ROOT, TIMEOUT_S, mail
from serve import children
from smtp import certificate
from unit_host import Host

PASSWORD = "a long enough password"
WORD = "Quetschkommode"
LARGE = 40 << 20
HOOK = "/usr/share/sealpost/appliance/hook-proxy"
# What a proxy may write to: its logs, what it runs by, and what is no file.
HARMLESS = re.compile(r"^(/var/log/|/run/|/var/run/|/dev/|/proc/|/tmp/\.none)")


class Browser(Client):
    """A client of the proxy; CONNECTION has SNI and checks the certificate."""

    def __init__(self, proxy, **more):
        super().__init__(proxy.port, **more)
        self.context = ssl.create_default_context(cafile=str(proxy.cert))

    def connection(self):
        return http.client.HTTPSConnection("localhost", self.port, timeout=TIMEOUT_S, context=self.context)


class Proxy:
    """One of the servers on a machine: as Debian has it, with one TLS server on a port of its own."""

    def __init__(self, host, folder):
        self.host = host
        self.port = free_port()
        self.cert, self.key = certificate(folder)
        (host.root / "etc/ssl/proxy.pem").write_bytes(self.cert.read_bytes() + self.key.read_bytes())
        self.trace = folder / f"{self.name}.trace"
        self.process = None
        self.configure()

    def write(self, path, text):
        there = self.host.root / path
        there.unlink(missing_ok=True)
        there.write_text(text)

    def tree(self):
        """The server's configuration with its rights, every byte."""
        return self.host.run("sh", "-c", f"cd {self.folder} && find . ! -type d -printf '%p %M %u %g %l\\n' -exec sh -c '[ -h $1 ] || sha256sum $1' sh {{}} \\; | sort")

    def hook(self, verb, status=0):
        return self.host.run(HOOK, verb, self.name, status=status)

    def clashes(self):
        """Where the server would not take it, all is as it was."""
        path, text = self.clash
        there = self.host.root / path
        kept = there.read_text() if there.exists() else None
        self.write(path, text or kept + "\nbackend sealpost\n\tmode tcp\n")
        clashing = self.tree()
        self.hook("enable", status=1)
        assert self.tree() == clashing
        there.unlink()
        if kept is not None:
            self.write(path, kept)
        assert self.tree() == self.before

    def __enter__(self):
        command = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=open,openat,creat", "-e", "signal=none", "-o", str(self.trace),
                   *self.host.enter(*self.command)]
        with (self.host.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=ENV, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self.answers, (self.host.folder / f"{self.name}.log").read_text)
        return self

    def answers(self):
        assert self.process.poll() is None, (self.host.folder / f"{self.name}.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, *_):
        for server in children(self.process.pid):  # strace's
            os.kill(server, signal.SIGTERM)
        self.process.wait(TIMEOUT_S)

    def written(self):
        """The files that it has opened for writing."""
        opened = re.findall(r'(?:openat|open|creat)\([^"]*"([^"]*)", ([A-Z_|0-9]*)', self.trace.read_text())
        return {path for path, how in opened if re.search("O_WRONLY|O_RDWR|O_CREAT|O_TMPFILE", how)}

    def logs(self):
        return self.host.run("sh", "-c", "cat /var/log/nginx/* /var/log/apache2/* /var/log/haproxy* 2>/dev/null || true")


class Nginx(Proxy):
    name = "nginx"
    logged = "GET /archive/api/v1/mails HTTP/1.1"
    clash = ("etc/nginx/conf.d/other.conf", "upstream sealpost { server 127.0.0.1:9; }\n")
    folder = "/etc/nginx"
    command = ["nginx", "-g", "daemon off;"]

    def configure(self):
        self.write("etc/nginx/sites-enabled/default", f"""# a server without TLS, and no newline at the end
server {{
	listen 127.0.0.1:{free_port()} default_server;
	root /var/www/html;
}}
server {{
	listen 127.0.0.1:{self.port} ssl; # the appliance's
	server_name localhost;
	ssl_certificate /etc/ssl/proxy.pem;
	ssl_certificate_key /etc/ssl/proxy.pem;
	location ~ \\.php$ {{ return 404; }}
}}""")


class Apache(Proxy):
    name = "apache"
    logged = '"/archive/api/v1/mails"'
    clash = ("etc/apache2/conf-enabled/zz-other.conf", "<IfModule proxy_module>\nNonsense on\n</IfModule>\n")
    folder = "/etc/apache2"
    command = ["sh", "-c", ". /etc/apache2/envvars; mkdir -p $APACHE_RUN_DIR $APACHE_LOCK_DIR; exec apache2 -D FOREGROUND"]

    def configure(self):
        self.host.run("a2enmod", "-q", "ssl")
        self.host.run("a2dissite", "-q", "000-default")
        self.write("etc/apache2/ports.conf", f"Listen 127.0.0.1:{self.port}\n")
        self.write("etc/apache2/sites-enabled/appliance.conf", f"""<VirtualHost *:{self.port}>
	ServerName localhost
	SSLEngine on
	SSLCertificateFile /etc/ssl/proxy.pem
	CustomLog ${{APACHE_LOG_DIR}}/access.log combined
	ErrorLog ${{APACHE_LOG_DIR}}/error.log
</VirtualHost>
""")


class HaProxy(Proxy):
    name = "haproxy"
    logged = ""
    clash = ("etc/haproxy/haproxy.cfg", None)
    folder = "/etc/haproxy"
    command = ["haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"]

    def configure(self):
        config = self.host.root / "etc/haproxy/haproxy.cfg"
        self.write("etc/haproxy/haproxy.cfg", config.read_text() + f"""
frontend appliance
	bind 127.0.0.1:{self.port} ssl crt /etc/ssl/proxy.pem
	default_backend other

backend other
	http-request return status 404""")

    def __enter__(self):
        """As systemd does by the two drop-ins that the hook has put in place."""
        dropins = self.host.root / "etc/systemd/system"
        socket_dropin = (dropins / "sealpost-api@.socket.d/haproxy.conf").resolve()
        assert "SocketGroup=haproxy" in self.host.run("cat", "/etc/systemd/system/sealpost-api@.socket.d/haproxy.conf"), socket_dropin
        assert "BindPaths=/run/sealpost:/var/lib/haproxy/run/sealpost" in self.host.run("cat", "/etc/systemd/system/haproxy.service.d/sealpost.conf")
        self.host.run("chgrp", "haproxy", "/run/sealpost/default/api.sock")
        self.host.run("mkdir", "-p", "/var/lib/haproxy/run/sealpost", "/run/haproxy")
        self.host.run("mount", "--bind", "/run/sealpost", "/var/lib/haproxy/run/sealpost")
        return super().__enter__()

    def __exit__(self, *_):
        super().__exit__()
        self.host.run("umount", "/var/lib/haproxy/run/sealpost")
        self.host.run("chgrp", "sealpost-web", "/run/sealpost/default/api.sock")


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """The page at its socket, with an auditor, an uploader's token, and the proxies' part of the package."""
    with Host(tmp_path_factory.mktemp("machine")) as machine:
        for part in ("proxy", "appliance"):
            shutil.copytree(ROOT / "package" / part, machine.root / "usr/share/sealpost" / part, dirs_exist_ok=True)
        listener = machine.listen("sealpost-api@.socket")
        machine.sealpost("init")
        (machine.root / "tmp" / "password").write_text(PASSWORD + "\n")
        machine.sealpost("user", "password", "auditor", "--password-file", "/tmp/password")
        machine.sealpost("user", "add", "scanner", "--role", "uploader", "--password-file", "/tmp/password")
        machine.token = machine.sealpost("user", "token", "scanner", "--for", "upload", "--days", "1").strip()
        machine.api = machine.start("sealpost-api@.service", listener=listener).ready()
        machine.archiver = machine.start("sealpost-archiver@.service").ready()
        yield machine
        machine.archiver.stop()
        machine.api.stop()
        listener.close()


@pytest.fixture(scope="module", params=[Nginx, Apache, HaProxy], ids=lambda kind: kind.name)
def proxy(request, host, tmp_path_factory):
    server = request.param(host, tmp_path_factory.mktemp(request.param.name))
    server.before = server.tree()
    server.clashes()
    server.hook("enable")
    with server:
        yield server
    server.hook("disable")
    assert server.tree() == server.before


def large_mail(name):
    line = f"{WORD} und noch mehr davon, immer wieder, bis es viel ist\r\n"
    return mail(f"large by {name}", msgid=f"<large@{name}>").replace(b"\n", b"\r\n") + line.encode() * (LARGE // len(line))


def test_a_mail_is_handed_in_searched_read_and_fetched_through_the_proxy(proxy, host):
    raw = large_mail(proxy.name)
    answer = Browser(proxy, bearer=host.token).post("/uploads", raw, headers={
        "Content-Type": "message/rfc822", "X-Sealpost-From": "a@example.org", "X-Sealpost-To": "b@example.org"})
    assert answer.status == 201, answer
    auditor = Browser(proxy)
    answer = auditor.post("/session", {"name": "auditor", "password": PASSWORD})
    assert answer.status == 200 and re.search("; *Secure", answer.headers["set-cookie"]), answer
    wait_until(lambda: auditor.find(f"{WORD} subject:{proxy.name}"), host.archiver.text)
    mail_id, = auditor.find(f"{WORD} subject:{proxy.name}")
    assert auditor.get(f"/mails/{mail_id}", q=f"{WORD} subject:{proxy.name}").json["subject"] == f"large by {proxy.name}"
    assert auditor.get(f"/mails/{mail_id}/original").body == raw


def test_a_mail_whose_length_is_not_told_goes_through_as_well(proxy, host):
    connection = Browser(proxy).connection()
    connection.request("POST", f"{BASE}/uploads", iter([b"Subject: in pieces\r\n\r\n", *[WORD.encode() * 100] * 1000]), encode_chunked=True, headers={
        "Content-Type": "message/rfc822", "Authorization": f"Bearer {host.token}", "Transfer-Encoding": "chunked"})
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()
    connection.close()


def test_nothing_of_a_mail_and_no_search_word_was_written_down(proxy, host):
    auditor = Browser(proxy)
    host.run("mv", "/run/sealpost/default/api.sock", "/run/sealpost/default/away")
    try:
        for worker in children(host.api.process.pid):  # with the connections that proxies keep
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: auditor.get("/mails", q=WORD).status in (502, 503))
    finally:
        host.run("mv", "/run/sealpost/default/away", "/run/sealpost/default/api.sock")
    wait_until(lambda: auditor.get("/session").status == 200)
    assert auditor.get("/mails", q=WORD).status == 401
    wait_until(lambda: proxy.logged in proxy.logs())
    assert not [path for path in proxy.written() if not HARMLESS.match(path)], proxy.written()
    assert WORD not in proxy.logs()


def test_what_comes_from_outside_as_if_a_proxy_had_said_it_is_not_believed(proxy, host):
    lies = {"X-Forwarded-For": "192.0.2.66", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http",
            "Forwarded": "for=192.0.2.66;host=evil.example;proto=http"}
    liar = Browser(proxy)
    answer = liar.post("/session", {"name": "auditor", "password": PASSWORD}, headers=lies)
    assert answer.status == 200 and re.search("; *Secure", answer.headers["set-cookie"]), answer
    told = liar.request("GET", "/sessions", headers=lies)
    assert told.status == 200 and b"192.0.2.66" not in told.body, told


def test_without_the_slash_one_is_led_to_the_page(proxy):
    answer = Browser(proxy).request("GET", "", base="/archive")
    assert answer.status == 301 and answer.headers["location"].endswith("/archive/"), answer


def test_setting_it_up_twice_changes_nothing_more(proxy):
    once = proxy.tree()
    proxy.hook("enable")
    assert proxy.tree() == once
    assert "enabled" in proxy.hook("status")
