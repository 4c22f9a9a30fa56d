# SPDX-License-Identifier: GPL-3.0-or-later
"""Licences, where a vendor asks for one: whatever is wrong with one, no mail is lost for it."""
import datetime
import json
import re
import subprocess

import pytest
from http_api import Api
from sealpost import BIN, DATA, ENV, FAILED, ROOT, USAGE, Archive, mail

SIGN = ROOT / "package" / "sign-licence"
ALTER = ROOT / "build/opt/tests/system/alter"
PASSWORD = "correct horse battery"
TODAY = datetime.datetime.now(datetime.timezone.utc).date()


def day(days):
    return (TODAY + datetime.timedelta(days)).isoformat()


class Vendor:
    """Who signs licences, and the machine that has his app."""

    def __init__(self, folder, settings):
        self.settings = settings
        self.key = folder / "vendor.pem"
        settings.mkdir(exist_ok=True)
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.key], check=True, capture_output=True)

    def asks(self, enforced=True, **more):
        public = subprocess.run([SIGN, "--public", self.key], check=True, capture_output=True, text=True).stdout.strip()
        licence = {"feature": "mail-archive", "enforced": enforced, "publicKey": public, **more}
        (self.settings / "app.json").write_text(json.dumps({"name": "sealpost", "licence": licence}))
        return self

    def licence(self, path, **fields):
        fields = {"customer": "Muster GmbH", "features": "groupware, mail-archive", "users": 2, **fields}
        lines = "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None)
        path.write_bytes(subprocess.run([SIGN, self.key], input=lines.encode(), check=True, capture_output=True).stdout)
        return path


@pytest.fixture
def vendor(folder, monkeypatch):
    monkeypatch.setitem(ENV, "SEALPOST_SETTINGS", str(folder / "etc"))
    return Vendor(folder, folder / "etc")


@pytest.fixture
def password(folder):
    path = folder / "password"
    path.write_text(PASSWORD + "\n")
    return path


def add_user(archive, name, password, **how):
    archive.run("user", "add", name, "--address", f"{name}@example.org", "--password-file", password, **how)


def state(archive):
    return archive.json("licence", "show")[0]["state"]


def mail_must_go_on(archive, folder):
    """By import and by the spool; and it is found, read, exported, verified, backed up."""
    (folder / "one.eml").write_bytes(mail(subject="zebra", msgid="<zebra@example.org>"))
    archive.take(folder / "one.eml")
    subprocess.run([ROOT / "build/opt/tests/system/feed", archive.path, "--file", DATA / "mail/utf8-qp.eml", "--quiet"], check=True,
                   capture_output=True)
    subprocess.run([BIN + "-archiver", "--archive", archive.path, "--once"], env=ENV, check=True, capture_output=True)
    assert archive.count("") == 2 and archive.raw(archive.one("zebra"))
    archive.run("export", "--all", "--to", folder / "out")
    archive.run("verify", "--all")
    archive.run("backup", "full")
    archive.run("note", archive.one("zebra"), "--text", "a note")


def settings_must_wait(archive, password, says):
    add_user(archive, "new", password, status=FAILED, says=says)
    for verb in (("group", "set", "Sales", "--member", "a@example.org"), ("domain", "set", "example.org"), ("request", "mode", "on"),
                 ("source", "order", "own"), ("fetch", "add", "office", "--imap", "mail.example.org", "--user", "a", "--password-file", password)):
        archive.run(*verb, status=FAILED, says="No mail is lost")
        assert archive.json(*verb, status=FAILED)[-1]["error"] == "licence"


def test_without_a_vendor_who_asks_everything_works(archive, folder, vendor, password):
    assert state(archive) == "not-asked"
    vendor.asks(enforced=False)
    assert state(archive) == "not-asked" and "No licence is asked for" in archive.text("licence", "show")
    for name in ("anna", "ben", "carl"):
        add_user(archive, name, password)
    archive.run("domain", "set", "example.org")
    archive.run("licence", "install", vendor.licence(folder / "one", users=1, until=day(-10)))
    assert state(archive) == "not-asked"
    add_user(archive, "dora", password)
    mail_must_go_on(archive, folder)


def test_a_licence_that_is_asked_for_and_missing(archive, folder, vendor, password):
    vendor.asks()
    assert state(archive) == "missing"
    settings_must_wait(archive, password, "There is no licence")
    mail_must_go_on(archive, folder)
    archive.run("licence", "remove", status=FAILED, says="no licence was installed")


def test_a_valid_licence_is_for_so_many_users_and_not_one_more(archive, folder, vendor, password):
    vendor.asks()
    archive.run("licence", "install", vendor.licence(folder / "licence", until=day(0), serial="4711"))
    shown = archive.json("licence", "show")[0]
    assert (shown["state"], shown["customer"], shown["users"], shown["counted"]) == ("valid", "Muster GmbH", 2, 0)
    add_user(archive, "anna", password)
    add_user(archive, "ben", password)
    add_user(archive, "carl", password, status=FAILED, says="as many")
    archive.run("user", "add", "scanner", "--role", "uploader")  # hands in mail, and is no user
    archive.run("domain", "set", "example.org")
    assert state(archive) == "valid" and "users 2 of 2" in archive.text("licence", "show")
    archive.run("user", "disable", "ben")
    add_user(archive, "carl", password)
    assert re.search("setting changed *licence *4711", archive.text("audit", "list"))
    mail_must_go_on(archive, folder)


def test_more_users_than_it_is_for(archive, folder, vendor, password):
    vendor.asks()
    archive.run("licence", "install", vendor.licence(folder / "large", users="unlimited"))
    for name in ("anna", "ben", "carl"):
        add_user(archive, name, password)
    archive.run("licence", "install", vendor.licence(folder / "small"))
    assert state(archive) == "exceeded"
    settings_must_wait(archive, password, "for 2 users, and there are 3")
    mail_must_go_on(archive, folder)
    archive.run("user", "password", "anna", "--password-file", password)
    archive.run("user", "remove", "ben")
    assert state(archive) == "valid"


@pytest.mark.parametrize("fields, expected, says", [
    ({"until": day(-1), "trial": "yes"}, "ended", f"The trial licence ended on {day(-1)}"),
    ({"until": day(-400)}, "ended", f"The licence ended on {day(-400)}"),
    ({"from": day(30)}, "early", f"begins on {day(30)}")])
def test_a_licence_is_for_a_time(archive, folder, vendor, password, fields, expected, says):
    vendor.asks()
    archive.run("licence", "install", vendor.licence(folder / "licence", **fields))
    assert state(archive) == expected
    settings_must_wait(archive, password, says)
    mail_must_go_on(archive, folder)


def test_a_clock_that_is_set_back_prolongs_nothing(archive, folder, vendor):
    vendor.asks()
    archive.run("licence", "install", vendor.licence(folder / "licence", until=day(30)))
    assert state(archive) == "valid"
    later_ms = int(datetime.datetime.now().timestamp() + 40 * 86400) * 1000
    subprocess.run([ALTER, archive.path, f"INSERT INTO audit SELECT line + 1, {later_ms}, '', '', '', '', hash FROM audit ORDER BY line DESC LIMIT 1"],
                   check=True)
    assert state(archive) == "ended"
    mail_must_go_on(archive, folder)


def changed(data):
    return data.replace(b"users: 2", b"users: 9")


@pytest.mark.parametrize("damage, says", [
    (changed, "was changed, or was not signed"),
    (lambda data: data.replace(b"signature: ", b"signature: AAAA", 1), "signature is none"),
    (lambda data: data[:data.index(b"signature")], "signature is missing"),
    (lambda data: data[:40], "signature is missing"),
    (lambda data: data.replace(b"licence v1", b"licence v2"), "newer format"),
    (lambda data: b"", "no licence of Sealpost"),
    (lambda data: b"\0" * 20000, ""),
    (lambda data: b"\xff\xfe:\n" * 100, "no licence of Sealpost")])
def test_what_is_no_good_is_not_installed_and_what_was_there_stays(archive, folder, vendor, damage, says):
    vendor.asks()
    good = vendor.licence(folder / "good")
    archive.run("licence", "install", good)
    (folder / "bad").write_bytes(damage(good.read_bytes()))
    archive.run("licence", "install", folder / "bad", status=FAILED, says=says)
    assert state(archive) == "valid"


def test_anothers_licence_is_none_here(archive, folder, vendor, password):
    vendor.asks()
    other = Vendor(folder / "etc", folder / "etc")
    archive.run("licence", "install", other.licence(folder / "others"), status=FAILED, says="not signed by this app's vendor")
    archive.run("licence", "install", vendor.licence(folder / "tool", features="groupware"), status=FAILED, says="not the feature mail-archive")
    other_archive = Archive(folder / "other").init()
    uuid = re.search("sealpost-([0-9a-f-]{36})", str(next(archive.path.glob("media/1/sealpost-*"))))[1]
    mine = vendor.licence(folder / "mine", archive=uuid)
    archive.run("licence", "install", mine)
    other_archive.run("licence", "install", mine, status=FAILED, says="for another archive")
    assert state(archive) == "valid" and state(other_archive) == "missing"
    vendor.asks(publicKey="nonsense")
    assert archive.json("licence", "show", talks=True)[0]["state"] == "bad"
    archive.run("search", "word")


def test_the_licence_of_the_machine_counts_where_the_archive_has_none(archive, folder, vendor, password):
    vendor.asks()
    vendor.licence(folder / "etc" / "licence", users=5)
    assert archive.json("licence", "show")[0]["users"] == 5
    add_user(archive, "anna", password)
    archive.run("licence", "install", vendor.licence(folder / "own", users=7))
    assert archive.json("licence", "show")[0]["users"] == 7
    archive.run("rebuild")
    assert archive.json("licence", "show")[0]["users"] == 7
    archive.run("licence", "remove")
    assert archive.json("licence", "show")[0]["users"] == 5
    (folder / "etc" / "licence").write_bytes(changed((folder / "etc" / "licence").read_bytes().replace(b"users: 5", b"users: 2")))
    assert state(archive) == "bad"
    mail_must_go_on(archive, folder)


def test_an_app_json_that_nobody_can_read_asks_for_nothing(archive, folder, vendor, password):
    vendor.asks()
    (folder / "etc" / "app.json").write_text("{")
    assert archive.json("licence", "show", talks=True)[0]["state"] == "not-asked"
    add_user(archive, "anna", password, talks=True)


def test_by_http_and_what_people_see_of_it(archive, folder, vendor, password):
    add_user(archive, "anna", password)
    for name in ("admin", "auditor"):
        archive.run("user", "password", name, "--password-file", password)
    vendor.asks()
    new = {"name": "ben", "password": PASSWORD, "role": "user"}
    with Api(archive) as api, api.person("admin", PASSWORD) as admin, api.person("anna", PASSWORD) as anna:
        assert admin.get("/admin/licence").json["state"] == "missing"
        for answer in (admin.post("/admin/people", new), admin.put("/admin/domains", {"domains": ["example.org"]}),
                       admin.put("/admin/appearance", {"name": "X"}), admin.patch("/admin/policy", {"idleMinutes": 10})):
            assert (answer.status, answer.json["code"]) == (402, "licence"), answer.json
            assert "No mail is lost" in answer.json["detail"] + answer.json["title"]
        assert anna.get("/mails?q=").status == 200 and anna.get("/admin/licence").status == 403
        bad = admin.put("/admin/licence", {"licence": "nonsense"})
        assert (bad.status, bad.json["code"]) == (402, "licence")
        put = admin.put("/admin/licence", {"licence": vendor.licence(folder / "licence").read_text()})
        assert put.status == 200 and put.json["state"] == "valid" and put.json["users"] == 2
        assert admin.post("/admin/people", new).status == 201
        assert admin.post("/admin/people", {**new, "name": "carl"}).json["code"] == "licence"
        assert admin.put("/admin/appearance", {"name": "X"}).status == 204
        assert admin.delete("/admin/licence").json["state"] == "missing"
        assert admin.delete("/admin/licence").status == 404


def test_the_verb_is_used_as_it_says(archive):
    for args in ((), ("show", "x"), ("install",), ("what",)):
        archive.run("licence", *args, status=USAGE, says="licence")
