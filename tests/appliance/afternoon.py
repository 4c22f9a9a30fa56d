# SPDX-License-Identifier: GPL-3.0-or-later
"""afternoon - an appliance gets the app, works with it, is upgraded, and gets rid of it again: in the order of the methods, on one machine."""
import json
import pathlib
import shutil
import tempfile

import pytest
from browse import HOST, Browser, Smtp
from bundle import PUBLIC_KEY, Bundle, of_manifest
from machine import ROOT, Machine, base, difference

APPCTL = ROOT / "package/appctl"
ARCHIVE = "/var/lib/sealpost/default"
ADMIN, AUDITOR = "a long enough password", "another password, as long"
HOSTS = f"127.0.0.1 localhost {HOST} mail.example archive.example\n"
NGINX = f"""
server {{
	listen 443 ssl default_server;
	server_name {HOST};
	ssl_certificate /etc/ssl/appliance.pem;
	ssl_certificate_key /etc/ssl/appliance.key;
	root /var/www/html;
}}
"""
SIGNATURE, PART, ARCHITECTURE, RELEASE, SPACE, OLDER = 3, 4, 5, 6, 7, 8  # as appctl says them


def letter(number, to="anna@mail.example", sender="carl@example.net"):
    return (f"From: Carl <{sender}>\r\nTo: {to}\r\nSubject: letter {number}\r\nMessage-ID: <letter-{number}@example.net>\r\n"
            f"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Transfer-Encoding: 8bit\r\n\r\nGrüße, {number}\r\n").encode()


LOCAL = ("carl@mail.example", "anna@mail.example")  # to and from of letter 2
KEPT = {"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow",  # whom the archive's files belong to
        "/etc/pam.d/sealpost"}  # like any package's settings


def sent(number):
    return letter(number, *(LOCAL if number == 2 else ()))


def spoil(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


class Appliance(Machine):
    """With a certificate, a TLS server, local people, and a trusted vendor."""

    def __enter__(self):
        super().__enter__()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sealpost-bundles-"))
        self.bundle = Bundle(self.folder)
        (self.root / "etc/hosts").write_text(HOSTS)
        (self.root / "etc/appliance/app-keys").mkdir(parents=True)
        shutil.copy(PUBLIC_KEY, self.root / "etc/appliance/app-keys/vendor.pem")
        shutil.copy(APPCTL, self.root / "usr/local/sbin/appctl")
        self.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                 "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", "/etc/ssl/appliance.key",
                 "-out", "/etc/ssl/appliance.pem")
        (self.root / "etc/nginx/sites-enabled/appliance").write_text(NGINX)
        self.run("systemctl", "reload", "nginx")
        self.run("postconf", "-e", f"myhostname={HOST}", "mydestination=mail.example", "inet_protocols=ipv4", "mynetworks=127.0.0.0/8")
        self.run("useradd", "--create-home", "anna")
        self.run("systemctl", "restart", "postfix")
        return self

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(self.folder)

    def appctl(self, verb, *words, bundle=None, status=0, typed=""):
        """What it said."""
        if bundle:
            shutil.copy(bundle, self.root / "srv" / bundle.name)
            words = (*words, f"/srv/{bundle.name}")
        done = self.run("appctl", verb, *words, ok=False, typed=typed)
        if bundle:
            (self.root / "srv" / bundle.name).unlink()
        assert done.returncode == status, f"appctl {verb}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def sealpost(self, *words, **more):
        return self.run("runuser", "-u", "sealpost", "--", "sealpost", *words, **more)

    def browser(self):
        return Browser(self, (self.root / "etc/ssl/appliance.pem").read_text())

    def is_active(self, *units):
        return self.text("systemctl", "is-active", *units, ok=False).split() == ["active"] * len(units)

    def failed_units(self):
        return self.text("systemctl", "--failed", "--no-legend", "--plain")

    def auditor(self):
        browser = self.browser()
        browser.log_in("auditor", AUDITOR)
        return browser

    def has_letter(self, number):
        """Found through the reverse proxy, and byte for byte what was sent (behind the lines that mail servers put in front)."""
        found = self.auditor().find(f"subject:letter subject:{number}")
        if not found:
            return False
        mail_id, = found
        original = self.auditor().get(f"/mails/{mail_id}/original")
        assert original.status == 200 and original.body.endswith(sent(number))
        return True


class Afternoon:
    suite = None

    @pytest.fixture(scope="class")
    def m(self):
        with Appliance(base(self.suite)) as appliance:
            yield appliance

    # --- a bundle that is not good ---

    @pytest.mark.parametrize("name, change, signed, status", [
        ("with another signature", lambda b: spoil(b / "SHA256SUMS.sig"), False, SIGNATURE),
        ("with no signature", lambda b: (b / "SHA256SUMS.sig").unlink(), False, PART),
        ("with a changed package", lambda b: spoil(next(b.rglob("sealpost_*.deb"))), False, PART),
        ("without its packages", lambda b: [shutil.rmtree(f) for f in b.glob("debian*")], False, PART),
        ("for another architecture", of_manifest(lambda app: app.update(architecture=["riscv64"])), True, ARCHITECTURE),
        ("for another Debian", of_manifest(lambda app: app.update(debian=["11"])), True, RELEASE),
        ("that wants more room than there is", of_manifest(lambda app: app["disk_mib"].update(system=10**7)), True, SPACE),
    ])
    def test_a_bundle_is_refused_and_nothing_is_changed(self, m, name, change, signed, status):
        before = m.files()
        said = m.appctl("install", bundle=m.bundle.changed(name.replace(" ", "-"), change, signed), status=status)
        assert "Nothing was changed." in said
        assert difference(before, m.files()) == {}

    # --- installed ---

    def test_it_installs_and_waits_for_its_first_person(self, m):
        m.before = m.files()
        said = m.appctl("install", bundle=m.bundle.file)
        assert "TRIAL KEY" in said and "there is no archive yet" in said
        assert m.is_active("sealpost@default.target", "sealpost-api@default.socket") and not m.failed_units()
        assert not m.is_active("sealpost-archiver@default.service")
        m.wait_for(lambda: m.browser().request("GET", "/setup").status == 200, "the page behind the reloaded proxy")
        assert m.browser().get("/setup").json["archive"] == "none"
        page = m.browser().request("GET", "/archive/", base="")
        assert page.status == 200 and b"<html" in page.body

    def test_the_wizard_makes_an_archive_and_the_rest_begins(self, m):
        said = m.text("journalctl", "-u", "sealpost-api@default", "-o", "cat")
        word, = {line.split()[-1] for line in said.splitlines() if "word" in line.lower() and len(line.split()[-1]) >= 16}
        made = m.browser().post("/setup", {"kind": "create", "name": "Example", "adminPassword": ADMIN},
                                headers={"X-Sealpost-Setup": word})
        assert made.status == 201, made
        admin = m.browser()
        admin.log_in("admin", ADMIN)
        assert admin.get("/admin/status").json["name"] == "Example"
        m.wait_for(lambda: m.is_active("sealpost-archiver@default", "sealpost-shipper@default", "sealpost-scheduler@default"),
                   "archiver, shipper and scheduler")
        assert not m.failed_units()

    def test_the_mail_server_gives_its_mail_to_the_archive(self, m):
        m.run("install", "-m", "0600", "-o", "sealpost", "/dev/null", "/srv/password")
        (m.root / "srv/password").write_text(AUDITOR + "\n")
        m.sealpost("user", "password", "auditor", "--password-file", "/srv/password")
        m.run("rm", "/srv/password")
        m.main_cf, m.master_cf = ((m.root / "etc/postfix" / name).read_bytes() for name in ("main.cf", "master.cf"))
        said = m.text("sealpost", "postfix", "enable", "--domain", "archive.example")
        assert said
        assert m.is_active("sealpost-smtpd@default", "sealpost-milter@default") and not m.failed_units()
        m.run("sealpost", "postfix", "check")

    def test_mail_in_and_out_is_found_through_the_reverse_proxy(self, m):
        with Smtp(m) as smtp:
            smtp.sendmail("carl@example.net", ["anna@mail.example"], letter(1))
        m.run("sendmail", "-i", "-f", "anna@mail.example", "carl@mail.example", "anna@mail.example",
              typed=sent(2).decode().replace("\r\n", "\n"), ok=False)
        for number in (1, 2):
            m.wait_for(lambda n=number: m.has_letter(n), f"letter {number}")
        assert b"letter 1" in (m.root / "var/mail/anna").read_bytes()
        assert m.sealpost("verify", "--all").returncode == 0

    def test_no_word_of_a_mail_is_in_a_log_or_beside_the_archive(self, m):
        said = m.text("journalctl", "-o", "export", "--no-pager", "-u", "sealpost*")
        assert "letter" not in said and "carl" not in said and "anna" not in said
        found = m.run("grep", "-rlE", "letter (1|2)|Grüße", "/var/lib/sealpost", "/var/log/nginx", "/var/lib/nginx", "/run/sealpost", ok=False)
        assert found.stdout == ""

    # --- watched ---

    def test_its_log_is_searched_by_fields_and_its_level_changes_at_once(self, m):
        told = [json.loads(line) for line in m.text("journalctl", "-o", "json", "SEALPOST_EVENT=archived").splitlines()]
        assert sum(int(row["SEALPOST_MAILS"]) for row in told) >= 2
        assert {(row["SYSLOG_IDENTIFIER"], row["PRIORITY"], row["SEALPOST_ARCHIVE"]) for row in told} == {("sealpost-archiver", "6", ARCHIVE)}

        def answers():
            m.browser().get("/session")
            return m.text("journalctl", "-o", "cat", "-t", "sealpost-api", "SEALPOST_EVENT=answered", "SEALPOST_ROUTE=get_session").count("\n")

        assert answers() == 0
        m.sealpost("log", "level", "api", "debug")
        m.wait_for(answers, "more from sealpost-api")
        m.sealpost("log", "level", "api", "started")
        m.wait_for(lambda: answers() == answers(), "less from sealpost-api")
        (m.root / ARCHIVE[1:] / "log.conf").unlink()

    def test_monitoring_gets_its_numbers_and_a_paper_its_facts(self, m):
        settings = m.root / ARCHIVE[1:] / "api.conf"
        before = settings.read_text() if settings.exists() else None
        settings.write_text((before or "") + "metrics_listen = 127.0.0.1:8481\n")
        m.run("systemctl", "restart", "sealpost-api@default")
        told = m.text("curl", "-sf", "http://127.0.0.1:8481/metrics")
        assert "\nsealpost_up 1\n" in told and told.endswith("# EOF\n")
        assert sum(int(line.split()[1]) for line in told.splitlines() if line.startswith("sealpost_mails_taken_total")) >= 2
        assert "sealpost_" not in m.browser().request("GET", "/metrics", base="").body.decode()
        settings.unlink() if before is None else settings.write_text(before)
        m.run("systemctl", "restart", "sealpost-api@default")
        assert m.sealpost("status", "--procedure", "--lang", "de").stdout.startswith("# Verfahrensdokumentation")

    # --- upgraded ---

    def test_an_older_bundle_is_refused(self, m):
        m.appctl("install", bundle=m.bundle.newer("0.0.1"), status=OLDER)

    def test_it_upgrades_and_everything_is_still_there(self, m):
        said = m.appctl("upgrade", bundle=m.bundle.newer("99.0.0"))
        assert "99.0.0" in said
        assert m.text("dpkg-query", "-W", "-f", "${Version}", "sealpost").startswith("99.0.0")
        assert m.is_active("sealpost-archiver@default", "sealpost-smtpd@default", "sealpost-milter@default")
        assert m.has_letter(1) and m.has_letter(2)
        with Smtp(m) as smtp:
            smtp.sendmail("carl@example.net", ["anna@mail.example"], letter(3))
        m.wait_for(lambda: m.has_letter(3), "letter 3")

    # --- removed ---

    def test_removed_without_its_data_it_leaves_only_that(self, m):
        m.appctl("remove")
        assert not m.text("systemctl", "list-units", "--all", "--no-legend", "sealpost*")
        left = difference(m.before, m.files())
        kept = {path for path in left if not path.startswith("/var/lib/sealpost")}
        assert kept == KEPT, kept ^ KEPT
        assert (m.root / "etc/postfix/main.cf").read_bytes() == m.main_cf
        assert (m.root / "etc/postfix/master.cf").read_bytes() == m.master_cf
        with Smtp(m) as smtp:
            smtp.sendmail("carl@example.net", ["anna@mail.example"], letter(4))
        m.wait_for(lambda: b"letter 4" in (m.root / "var/mail/anna").read_bytes(), "mail for Anna without the archive")

    def test_installed_again_everything_is_still_there(self, m):
        m.appctl("install", bundle=m.bundle.newer("99.0.1"))
        m.wait_for(lambda: m.is_active("sealpost-archiver@default"), "the archiver")
        assert all(m.has_letter(number) for number in (1, 2, 3))
        m.run("sealpost", "postfix", "check")

    def test_removed_with_its_data_nothing_is_left(self, m):
        count = m.sealpost("search", "--count", "medium:1").stdout.strip()
        said = m.appctl("remove", "--with-data", typed="wrong\n", status=10)
        assert f"{count} of its mails" in said and m.has_letter(1)
        m.appctl("remove", "--with-data", typed="default\n")
        left = difference(m.before, m.files())
        assert left == {}, left
        assert "sealpost" not in (m.root / "etc/passwd").read_text() + (m.root / "etc/group").read_text()
        assert not m.failed_units()
