# SPDX-License-Identifier: GPL-3.0-or-later
"""slapd - OpenLDAP's server, private to a test: people, groups, and TLS with a CA of its own."""
import contextlib
import pathlib
import subprocess

from dovecot import make_certificates
from ports import free_port
from postfix import wait_until
from sealpost import ENV, TIMEOUT_S
from serve import listens

BASE = "dc=firm,dc=example"
READER, READER_PASSWORD = f"cn=reader,{BASE}", "lets the archive search"
PASSWORD = 'pass "wörd\\'

CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
argsfile {folder}/args
TLSCACertificateFile {ca}
TLSCertificateFile {cert}
TLSCertificateKeyFile {key}
security simple_bind=128
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by users none by * none
database mdb
suffix "{base}"
rootdn "cn=root,{base}"
directory {folder}/data
maxsize 16777216
"""

PERSON = """
dn: uid={name},ou=people,{base}
objectClass: inetOrgPerson
uid: {name}
cn: {shown}
sn: {shown}
displayName: {shown}
mail: {name}@firm.example
userPassword: {password}
"""


def ldif():
    entries = [f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Firm\ndc: firm\n",
               f"dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n",
               f"dn: ou=groups,{BASE}\nobjectClass: organizationalUnit\nou: groups\n",
               f"dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\n"
               f"userPassword: {READER_PASSWORD}\n"]
    entries += [PERSON.format(name=name, shown=shown, base=BASE, password=PASSWORD).lstrip()
                for name, shown in (("anna", "Anna Smith"), ("bert", "Bert Jones"))]
    entries.append(f"dn: cn=sales,ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: sales\n"
                   f"member: uid=anna,ou=people,{BASE}\n")
    return "\n".join(entries)


class Slapd:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ldap, self.ldaps = free_port(), free_port()
        make_certificates(self.folder)
        self.ca, self.other_ca = self.folder / "ca.crt", self.folder / "other-ca.crt"
        (self.folder / "data").mkdir()
        conf = self.folder / "slapd.conf"
        conf.write_text(CONF.format(folder=self.folder, ca=self.ca, cert=self.folder / "server.crt", key=self.folder / "server.key", base=BASE, reader=READER))
        (self.folder / "people.ldif").write_text(ldif(), encoding="utf-8")
        subprocess.run(["/usr/sbin/slapadd", "-f", conf, "-l", self.folder / "people.ldif"], check=True, capture_output=True, env=ENV)
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(
            ["/usr/sbin/slapd", "-d", "0", "-f", self.folder / "slapd.conf", "-h",
             f"ldap://127.0.0.1:{self.ldap} ldaps://127.0.0.1:{self.ldaps}"],
            env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: listens(self.ldaps))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(TIMEOUT_S)


@contextlib.contextmanager
def running(folder):
    with Slapd(folder) as server:
        yield server
