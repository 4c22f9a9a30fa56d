# SPDX-License-Identifier: GPL-3.0-or-later
"""samba_ad - a domain controller of Samba, private to a test: an Active Directory in a network namespace of its own, since its ports cannot
be chosen. Needs root."""
import os
import pathlib
import signal
import subprocess

from dovecot import make_certificates
from postfix import wait_until
from sealpost import BIN, ENV, TIMEOUT_S

BASE = "DC=ad,DC=firm,DC=example"
READER = f"CN=reader,CN=Users,{BASE}"
PASSWORD = 'Pass "wörd\\ 7'
PROVISION = ("samba-tool", "domain", "provision", "--realm=AD.FIRM.EXAMPLE", "--domain=FIRM", "--server-role=dc", "--dns-backend=NONE",
             "--host-ip=127.0.0.1", "--option=interfaces=127.0.0.1", "--option=bind interfaces only=yes", f"--adminpass={PASSWORD}")
OPTIONS = """
server services = ldap
tls enabled = yes
tls keyfile = {folder}/server.key
tls certfile = {folder}/server.crt
tls cafile = {folder}/ca.crt
log file = {folder}/samba.log
pid directory = {folder}/pid
ncalrpc dir = {folder}/ncalrpc
disable netbios = yes
"""
PEOPLE = ("anna", "bert", "dora", "emil", "reader")
# proxyAddresses are what Exchange writes: the first address in capitals, and what is no mail address beside them.
CHANGES = f"""
dn: CN=anna,CN=Users,{BASE}
changetype: modify
add: proxyAddresses
proxyAddresses: SMTP:anna@firm.example
proxyAddresses: smtp:a.smith@firm.example
proxyAddresses: X500:/o=Firm/cn=anna

dn: CN=Sales,CN=Users,{BASE}
changetype: modify
add: mail
mail: sales@firm.example

dn: CN=emil,CN=Users,{BASE}
changetype: modify
replace: accountExpires
accountExpires: 132223104000000000
"""

# Debian has ldbmodify in a package of its own; samba-tool's libraries are there.
MODIFY = """
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
SamDB(sys.argv[1], session_info=system_session(), lp=LoadParm(sys.argv[2])).modify_ldif(sys.stdin.read())
"""


class SambaAd:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.chmod(0o755)
        make_certificates(self.folder)
        self.ca, self.other_ca = self.folder / "ca.crt", self.folder / "other-ca.crt"
        (self.folder / "server.key").chmod(0o600)
        self.tool(*PROVISION, f"--targetdir={self.folder}/dc")
        self.conf = self.folder / "dc/etc/smb.conf"
        options = OPTIONS.format(folder=self.folder)
        ours = {line.partition("=")[0].strip() for line in options.splitlines()}
        kept = [line for line in self.conf.read_text().split("[homes]")[0].splitlines() if line.partition("=")[0].strip() not in ours]
        self.conf.write_text("\n".join(kept) + options)
        for name in ("pid", "ncalrpc"):
            (self.folder / name).mkdir()
        self.people()
        self.process = None

    def tool(self, *command, typed=None):
        done = subprocess.run(command, input=typed, text=True, capture_output=True, env=ENV, timeout=TIMEOUT_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def people(self):
        at = ("-H", f"{self.folder}/dc/private/sam.ldb", "-s", str(self.conf))
        for name in PEOPLE:
            self.tool("samba-tool", "user", "create", name, PASSWORD, f"--mail-address={name}@firm.example", "--use-username-as-cn", *at)
        for group in ("Sales", "Europe"):
            self.tool("samba-tool", "group", "add", group, *at)
        self.tool("samba-tool", "group", "addmembers", "Europe", "anna", *at)
        self.tool("samba-tool", "group", "addmembers", "Sales", "Europe", *at)
        self.tool("samba-tool", "user", "disable", "dora", *at)
        self.tool("/usr/bin/python3", "-c", MODIFY, at[1], at[3], typed=CHANGES)

    def __enter__(self):
        self.process = subprocess.Popen(
            ["unshare", "--net", "sh", "-euc", 'ip link set lo up; exec samba -s "$0" -F', self.conf],
            env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        wait_until(lambda: self.answers(636))
        return self

    def answers(self, port):
        assert self.process.poll() is None
        return subprocess.run([*self.here(), "bash", "-c", f"</dev/tcp/127.0.0.1/{port}"], stderr=subprocess.DEVNULL, check=False).returncode == 0

    def here(self):
        """What a command begins with that is to run on the controller's network."""
        return ["nsenter", "-t", str(self.process.pid), "-n"]

    def program(self):
        """The archive's program, on the controller's network."""
        path = self.folder / "sealpost"
        path.write_text(f'#!/bin/sh\nexec {" ".join(self.here())} {BIN} "$@"\n')
        path.chmod(0o755)
        return str(path)

    def stop_answering(self):
        os.killpg(self.process.pid, signal.SIGSTOP)

    def answer_again(self):
        os.killpg(self.process.pid, signal.SIGCONT)

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(TIMEOUT_S)
