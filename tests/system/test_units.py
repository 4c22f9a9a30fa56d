# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd units: what systemd says of them, and the programs at work as they say."""
import http.client
import os
import re
import shutil
import smtplib
import socket
import subprocess

import pytest
from http_api import Client
from ports import free_port
from postfix import wait_until
from sealpost import ENV, TIMEOUT_S, mail
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
