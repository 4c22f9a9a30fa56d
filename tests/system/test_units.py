# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd units: what systemd says of them, and the programs at work as they say."""
import contextlib
import http.client
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess

import pytest
from http_api import Client
from imap_server import ImapServer
from ports import free_port
from postfix import wait_until
from sealpost import ENV, TIMEOUT_S, mail, mbox
from serve import children
from unit_host import ARCHIVE, UNITS, Host, Unit, short

PASSWORD = "a long enough password"
EXPOSURE = 2.5
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
DAEMONS = ["archiver", "shipper", "scheduler", "api", "smtpd", "milter", "starter"]


# --- what systemd says of them ---------------------------------------------------------------------

@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The units with an instance each, and programs where they look for them."""
    folder = tmp_path_factory.mktemp("units")
    (folder / "lib").mkdir()
    for path in UNITS.glob("*.*"):
        text = path.read_text()
        for program in re.findall(r"^ExecStart=(\S+)", text, re.MULTILINE):
            standin = folder / "lib" / os.path.basename(program)
            standin.write_text("#!/bin/sh\n")
            standin.chmod(0o755)
            text = text.replace(program, str(standin))
        if path.suffix not in (".sysusers", ".tmpfiles"):
            (folder / path.name).write_text(text)
    return folder


def instance(name):
    return name.replace("@.", "@default.")


def analyze(folder, *args):
    return subprocess.run(["systemd-analyze", *args], env={**ENV, "SYSTEMD_UNIT_PATH": f"{folder}:", "SYSTEMD_COLORS": "0"},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def test_systemd_understands_every_line_of_the_units(installed):
    names = sorted(path.name for path in installed.glob("*.*"))
    done = analyze(installed, "verify", "--man=no", *(str(installed / instance(name)) for name in names))
    ours = [line for line in done.stderr.splitlines() if "sealpost" in line]
    assert done.returncode == 0 and not ours, done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_no_unit_is_exposed_more_than_it_must_be(installed, name):
    done = analyze(installed, "security", "--offline=yes", "--no-pager", f"--threshold={int(EXPOSURE * 10)}",
                   str(installed / instance(name)))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_daemon_of_serve_has_a_unit_with_a_watchdog_and_a_bound_of_memory():
    for name in DAEMONS:
        unit = Unit(f"sealpost-{name}@.service")
        assert unit.one("ExecStart") == f"/usr/lib/sealpost/sealpost-{name} --archive {ARCHIVE} --verbose"
        assert unit.one("Type") == "notify" and unit.one("WatchdogSec") and unit.one("MemoryMax")


def test_no_unit_runs_as_root():
    for name in SERVICES:
        assert Unit(name).one("User").startswith("sealpost"), name


# --- at work ---------------------------------------------------------------------------------------

class Socket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=TIMEOUT_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT_S)
        with short(self.path) as address:
            self.sock.connect(address)


class Page(Client):
    """The page's client, at the socket that the reverse proxy has."""

    def __init__(self, host):
        super().__init__(0)
        self.socket = host.root / "run/sealpost/default/api.sock"

    def connection(self):
        return Socket(self.socket)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("machine")
    with Host(folder) as host:
        yield host


@pytest.fixture(scope="module")
def host(machine):
    """The page runs, and an archive was made; its people have a password."""
    machine.listener = machine.listen("sealpost-api@.socket")
    machine.starter = machine.listen("sealpost-starter@.socket")
    machine.api = machine.start("sealpost-api@.service", listener=machine.listener).ready()
    machine.sealpost("init")
    (machine.root / "tmp" / "password").write_text(PASSWORD + "\n")
    for name in ("admin", "auditor"):
        machine.sealpost("user", "password", name, "--password-file", "/tmp/password")
    yield machine
    machine.api.stop()
    machine.listener.close()


def log_in(host, name):
    page = Page(host)
    page.log_in(name, PASSWORD)
    return page


def test_after_the_installation_the_page_waits_for_its_wizard(machine, host):
    assert "asks for this word" in host.api.text()
    assert Page(host).get("/session").status == 200


def test_mail_comes_in_by_the_door_and_is_read_on_the_page_each_as_its_user(host):
    admin = log_in(host, "admin")
    port = free_port()
    answer = admin.put("/admin/intake", {"smtp": True, "smtpListen": f"127.0.0.1:{port}", "archiveDomain": "archive.example"})
    assert answer.status == 204, answer
    running = [host.start(f"sealpost-{name}@.service").ready() for name in ("archiver", "shipper", "scheduler", "smtpd")]
    with smtplib.SMTP("127.0.0.1", port, timeout=TIMEOUT_S) as client:
        client.sendmail("anna@example.org", ["x@archive.example"], mail("through the units").replace(b"\n", b"\r\n"))
    auditor = log_in(host, "auditor")
    wait_until(lambda: auditor.find("subject:units"), running[0].text)
    found = auditor.find("subject:units")
    assert len(found) == 1
    assert b"through the units" in auditor.get(f"/mails/{found[0]}/original").body
    for unit in running:
        unit.stop()


def test_the_doors_user_reads_his_settings_and_the_public_key_and_nothing_else(host):
    def reads(path):
        return host.person("sealpost-door", "cat", f"{ARCHIVE}/{path}", status=0)

    def fails(*command):
        host.person("sealpost-door", "sh", "-c", "! \"$@\"", "sh", *command)

    assert "archive.example" in reads("smtpd.conf") and reads("spool.pub")
    for path in ("archive.key", "catalog.db", "index.db", "media/1"):
        fails("test", "-r", f"{ARCHIVE}/{path}")
    for path in ("smtpd.conf", "spool.pub", "media", "."):
        fails("test", "-w", f"{ARCHIVE}/{path}")


def test_what_serves_says_that_it_is_ready_and_alive(host):
    unit = host.start("sealpost-archiver@.service").ready()
    wait_until(lambda: "WATCHDOG=1" in unit.hear(), unit.text)
    assert any(line.startswith("STATUS=") for line in unit.said)
    unit.stop()


def test_a_door_ends_for_settings_that_would_do_and_for_no_others(host):
    conf = host.root / ARCHIVE[1:] / "smtpd.conf"
    unit = host.start("sealpost-smtpd@.service").ready()
    with conf.open("a") as file:
        file.write("nonsense = 1\n")
    wait_until(lambda: "nonsense" in unit.text(), unit.text)
    assert unit.process.poll() is None
    conf.write_text(conf.read_text().replace("nonsense = 1\n", "max_connections = 20\n"))
    assert unit.process.wait(TIMEOUT_S) == 0, unit.text()


def test_the_capture_says_that_it_is_ready_when_its_socket_is_there(host):
    conf = host.root / ARCHIVE[1:] / "milter.conf"
    conf.write_text("listen = capture unix:/run/sealpost/default/capture.sock\n")
    os.chown(conf, conf.parent.stat().st_uid, conf.parent.stat().st_gid)
    unit = host.start("sealpost-milter@.service").ready()
    assert host.run("stat", "-c", "%U %a", "/run/sealpost/default/capture.sock") == "sealpost-door 660\n"
    unit.stop()


def test_work_that_is_ordered_outlives_the_page_and_its_person_is_told_when_the_system_ends_it(host):
    # more than is imported at once
    mails = [mail(f"ordered {n}", msgid=f"<{n}@ordered>") for n in range(60000)]
    (host.root / "srv/many").mkdir()
    (host.root / "srv/many/many.mbox").write_bytes(mbox(mails))
    starter = host.start("sealpost-starter@.service", listener=host.starter).ready()
    admin = log_in(host, "admin")
    answer = admin.post("/tasks", {"kind": "import", "location": "/srv/many"})
    assert answer.status == 202, answer
    task = f"/tasks/{answer.json['id']}"
    wait_until(lambda: admin.get(task).json["state"] == "running", starter.text)
    host.api.stop()
    host.api = host.start("sealpost-api@.service", listener=host.listener).ready()
    assert admin.get(task).json["state"] == "running"
    for pid in below(starter.process.pid):  # as systemd does, all of its control group
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    starter.stop()
    told = admin.get(task).json
    assert told["state"] == "failed" and "cut off" in told["text"], told


def below(pid):
    return [lower for child in children(pid) for lower in (child, *below(child))]


def test_an_account_of_the_system_logs_in_though_the_page_can_read_no_password(host):
    host.run("groupadd", "-f", "system-mail")
    host.run("useradd", "-G", "system-mail", "berta")
    host.run("chpasswd", input=f"berta:{PASSWORD}".encode())
    host.sealpost("source", "set", "appliance", "--domains", "example.org")
    host.sealpost("source", "order", "own", "appliance")
    page = Page(host)
    with host.serving("sealpost-pam"):
        assert page.log_in("berta", PASSWORD)["name"] == "berta"
        wrong = Page(host).post("/session", {"name": "berta", "password": "another long password"})
        assert wrong.code == "log-in", wrong


def test_a_mailbox_elsewhere_is_fetched_by_the_doors_user(host):
    with ImapServer({1: mail("fetched by a unit").replace(b"\n", b"\r\n")}) as server, host.serving("sealpost-fetch") as served:
        host.sealpost("fetch", "add", "elsewhere", "--imap", f"localhost:{server.port}", "--tls", "none", "--user", "anna",
                      "--password-file", "/tmp/password")
        host.sealpost("fetch", "run", "elsewhere")
    assert host.sealpost("search", "subject:fetched").count("\n") == 1
    assert served == ["sealpost-door"]


def test_the_key_may_be_a_credential_of_systemd(host):
    key = host.root / ARCHIVE[1:] / "archive.key"
    folder = host.root / "run/credentials/archiver"
    folder.mkdir(parents=True)
    sealed = folder / "archive.key"
    shutil.copy2(key, sealed)
    os.chown(sealed, 0, 0)  # systemd lets the unit's user read it by an access list, whose mask are the group's bits
    sealed.chmod(0o440)
    os.chown(sealed, 0, key.stat().st_gid)
    kept = key.read_bytes()
    key.unlink()
    try:
        assert "holds no archive key" in host.sealpost_fails("status")
        host.credentials = {"CREDENTIALS_DIRECTORY": "/run/credentials/archiver"}
        host.start("sealpost-archiver@.service").ready().stop()
        assert host.sealpost("search", "subject:units")
        sealed.write_bytes(b"sealpost archive key v1\n")
        assert "cut short" in host.sealpost_fails("status")
        sealed.unlink()
        assert "holds no archive key" in host.sealpost_fails("status")
    finally:
        host.credentials = {}
        key.write_bytes(kept)
        os.chown(key, key.parent.stat().st_uid, key.parent.stat().st_gid)
        key.chmod(0o400)


# --- filters of system calls -------------------------------------------------------------------------

def in_group(name, seen=None):
    """The system calls of a group, as systemd knows them."""
    told = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, timeout=TIMEOUT_S, check=True).stdout
    calls = set()
    for word in (line.strip() for line in told.splitlines()[1:]):
        if word.startswith("@"):
            calls |= in_group(word)
        elif word and not word.startswith("#"):
            calls.add(word)
    return calls


def allowed(unit):
    calls = in_group("@default")
    for words in unit.said["SystemCallFilter"]:
        taken = words.startswith("~")
        for word in words.lstrip("~").split():
            of_word = in_group(word) if word.startswith("@") else {word}
            calls = calls - of_word if taken else calls | of_word
    return calls


def test_what_serves_calls_nothing_of_the_system_that_its_filter_does_not_let_through(host, tmp_path):
    conf = host.root / ARCHIVE[1:] / "smtpd.conf"
    port = re.search(r"127\.0\.0\.1:(\d+)", conf.read_text()).group(1)
    host.api.stop()
    running = {}
    for name in ("archiver", "shipper", "scheduler", "smtpd", "milter", "api"):
        trace = ["strace", "-f", "-qq", "-e", "signal=none", "-o", str(tmp_path / name)]
        running[name] = host.start(f"sealpost-{name}@.service", wrapper=trace, listener=host.listener if name == "api" else None).ready()
    with smtplib.SMTP("127.0.0.1", int(port), timeout=TIMEOUT_S) as client:
        client.sendmail("anna@example.org", ["x@archive.example"], mail("under a filter").replace(b"\n", b"\r\n"))
    auditor = log_in(host, "auditor")
    wait_until(lambda: auditor.find("subject:filter"), running["archiver"].text)
    auditor.get(f"/mails/{auditor.find('subject:filter')[0]}")
    for name, unit in running.items():
        unit.stop()
        # From where the program itself begins; what comes before is this test's.
        calls = (tmp_path / name).read_text().partition(f'execve("/usr/lib/sealpost/sealpost-{name}"')[2]
        called = set(re.findall(r"^\d+ +(\w+)\(", calls, re.MULTILINE))
        assert called and not called - allowed(Unit(f"sealpost-{name}@.service")), name
    host.api = host.start("sealpost-api@.service", listener=host.listener).ready()
