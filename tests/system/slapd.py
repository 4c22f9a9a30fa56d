# SPDX-License-Identifier: GPL-3.0-or-later
"""slapd - a private OpenLDAP server with TLS from a private CA, and a few people and groups in it."""
import os
import pathlib
import shutil
import socket
import subprocess
import time

from dovecot import make_certificates
from ports import free_port

BASE = "dc=firm,dc=example"
SEARCHER, SEARCHER_PASSWORD = f"cn=archive,{BASE}", 'search "wörd\\'
PASSWORD = 'pass "wörd\\'
START_S = STOP_S = 30

CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile {dir}/slapd.pid
TLSCACertificateFile {dir}/ca.crt
TLSCertificateFile {dir}/server.crt
TLSCertificateKeyFile {dir}/server.key
security simple_bind={ssf}
sizelimit 200
database mdb
directory {dir}/data
suffix "{base}"
rootdn "cn=root,{base}"
rootpw root
dbnosync
overlay ppolicy
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{searcher}" read by self read by anonymous auth by * none
"""

PERSON = """dn: uid={uid},ou=people,{base}
objectClass: inetOrgPerson
objectClass: shadowAccount
objectClass: extensibleObject
uid: {uid}
cn: {shown}
sn: {uid}
displayName: {shown}
userPassword: {password}
{more}

"""

GROUP = """dn: cn={name},ou=groups,{base}
objectClass: groupOfNames
objectClass: extensibleObject
cn: {name}
{more}

"""


def _people():
    for uid, shown, more in (
            ("anna", "Anna Smith", "mail: Anna.Smith@firm.example\nmail: anna@firm.example"),
            ("otto", "Otto", "mail: otto@firm.example"),
            ("berta", "Berta", "mail: berta@firm.example\nshadowExpire: 1"),
            ("carl", "Carl", "mail: carl@firm.example\npwdAccountLockedTime: 000001010000Z"),
            ("emil", "Emil", "mail: emil@firm.example"),
            ("dora", "Dora", "shadowExpire: -1"),
            ("o(x)*", "Odd", "mail: odd@firm.example")):
        yield PERSON.format(uid=uid, shown=shown, more=more, base=BASE, password=PASSWORD)


def _groups():
    def member(*names):
        return "\n".join(f"member: {name},{BASE}" for name in names)

    anna, otto = "uid=anna,ou=people", "uid=otto,ou=people"
    for name, more in (
            ("staff", member(anna) + "\nmail: Staff@firm.example"),
            ("company", member("cn=staff,ou=groups") + "\nmail: all@firm.example"),
            ("ring one", member("cn=ring two,ou=groups", otto)),
            ("ring two", member("cn=ring one,ou=groups")),
            ("others", member(otto) + "\nmail: others@firm.example")):
        yield GROUP.format(name=name, more=more, base=BASE)
    yield (f"dn: cn=unix,ou=groups,{BASE}\nobjectClass: posixGroup\ncn: unix\ngidNumber: 1000\n"
           "memberUid: anna\n\n")


def content():
    yield f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Firm\ndc: firm\n\n"
    for unit in ("people", "groups", "empty"):
        yield f"dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n\n"
    yield (f"dn: {SEARCHER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n"
           f"cn: archive\nuserPassword: {SEARCHER_PASSWORD}\n\n")
    yield from _people()
    yield from _groups()
    for n in range(150):
        yield PERSON.format(uid=f"u{n:03}", shown=f"Number {n}", more=f"mail: u{n:03}@firm.example", base=BASE,
                            password=PASSWORD)


class Slapd:
    """One that runs, with its ports ldap and ldaps, and ca and other_ca, files of certificates. Use it in a `with`.
    SSF 128: it takes passwords in TLS only."""

    def __init__(self, path, ssf=128):
        self.path = pathlib.Path(path)
        self.ca, self.other_ca = self.path / "ca.crt", self.path / "other-ca.crt"
        self.ldap, self.ldaps = free_port(), free_port()
        (self.path / "data").mkdir(parents=True)
        make_certificates(self.path)
        (self.path / "password").write_text(SEARCHER_PASSWORD + "\n")
        (self.path / "slapd.conf").write_text(CONF.format(dir=self.path, base=BASE, searcher=SEARCHER, ssf=ssf))
        (self.path / "content.ldif").write_text("".join(content()))
        subprocess.run(["slapadd", "-q", "-f", self.path / "slapd.conf", "-l", self.path / "content.ldif"], check=True,
                       capture_output=True)
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.path)

    def start(self):
        self.process = subprocess.Popen(
            ["slapd", "-f", str(self.path / "slapd.conf"), "-d", "0",
             "-h", f"ldap://127.0.0.1:{self.ldap} ldaps://127.0.0.1:{self.ldaps}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        begun = time.monotonic()
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.ldaps), 1).close()
                return self
            except OSError:
                assert self.process.poll() is None and time.monotonic() - begun < START_S
                time.sleep(0.01)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(STOP_S)
        self.process = None

    def rename(self, name, new):
        subprocess.run(["ldapmodrdn", "-r", "-x", "-H", f"ldaps://127.0.0.1:{self.ldaps}", "-D", f"cn=root,{BASE}", "-w", "root",
                        f"{name},{BASE}", new], env={**os.environ, "LDAPTLS_CACERT": str(self.ca)}, check=True)
