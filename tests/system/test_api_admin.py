# SPDX-License-Identifier: GPL-3.0-or-later
"""The administrator's tabs over HTTP: he sees numbers, places and times, and nothing of any mail."""
import base64
import json
import re
import zlib

import pytest
from http_api import Api
from ports import free_port
from postfix import wait_until
from sealpost import mail
from tsa import Tsa

PASSWORD = "a long enough password"
SECRET_WORD = "Zebrafink"


def png():
    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    head = (1).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(4))) +
            chunk(b"IEND", b""))


@pytest.fixture
def people(archive, folder):
    secret = folder / "people-password"
    secret.write_text(PASSWORD + "\n")
    (folder / "one.eml").write_bytes(mail(SECRET_WORD, sender="anna@example.org", msgid="<1@x>", body=SECRET_WORD))
    archive.take(folder / "one.eml")
    for name in ("admin", "auditor"):
        archive.run("user", "password", name, "--password-file", secret)
    return archive


@pytest.fixture
def api(people):
    with Api(people) as server:
        yield server


@pytest.fixture
def admin(api):
    with api.person("admin", PASSWORD) as person:
        yield person


def got(answer, status=200):
    assert answer.status == status, answer
    return answer.json if answer.body else None


def test_the_status_counts(admin, people):
    status = got(admin.get("/admin/status"))
    assert (status["mails"], status["keyBackedUp"], status["toStamp"]) == (1, False, 1)
    assert status["spool"] == {"pending": 0, "ready": 0, "stuck": 0} and status["directory"] == str(people.path)


def test_whoever_is_not_the_administrator_configures_nothing(api):
    with api.person("auditor", PASSWORD) as auditor:
        for path in ("status", "key", "media", "spool", "jobs", "statistics", "appearance"):
            answer = auditor.get(f"/admin/{path}")
            assert (answer.status, answer.code) == (403, "denied")
    assert api.client().get("/admin/status").code == "no-session"


def test_the_key_is_kept_once_two_groups_were_typed_back(admin, people):
    assert got(admin.get("/admin/key"))["backedUp"] is False
    sheet = got(admin.post("/admin/key/backup", {"password": "the safe's password"}))
    assert "<html" in sheet["page"] and sheet["fileName"].endswith(".txt")
    assert got(admin.get("/admin/key"))["backedUp"] is False
    lines = dict(re.findall(r"^(\d): (.*)$", sheet["text"], re.M))
    groups = [lines[str(c["line"])].split()[c["group"] - 1] for c in sheet["challenge"]]
    assert admin.post("/admin/key/check", {"groups": [groups[0], "0000"]}).code == "syntax"
    assert admin.post("/admin/key/check", {"groups": [groups[0]]}).code == "syntax"
    got(admin.post("/admin/key/check", {"groups": [groups[0].lower(), f" {groups[1]} "]}), 204)
    state = got(admin.get("/admin/key"))
    assert state["backedUp"] and "madeAt" in state
    assert not any("key_backup" == a["alarm"] for a in people.status()["alarms"])


def test_the_key_may_be_skipped_and_the_warning_stays(admin):
    got(admin.post("/admin/key/check", {"skip": True}), 204)
    state = got(admin.get("/admin/key"))
    assert state["skipped"] and not state["backedUp"]


def test_a_sheet_opens_the_key(admin, people, folder):
    sheet = got(admin.post("/admin/key/backup", {"password": "the safe's password"}))["text"]
    (folder / "sheet").write_text(sheet)
    (folder / "safe").write_text("the safe's password\n")
    people.run("--archive", folder / "other", "key", "import", folder / "sheet", "--password-file", folder / "safe")


def test_jobs_are_listed_run_paused_and_set(admin):
    jobs = {job["job"]: job for job in got(admin.get("/admin/jobs"))["jobs"]}
    assert jobs["backup"]["rhythms"] == ["hourly", "daily"] and jobs["backup"]["rhythm"] == "hourly"
    assert "rhythms" not in jobs["index"] and "last" not in jobs["statistics"]
    got(admin.post("/admin/jobs/backup", {"act": "set", "rhythm": "daily"}), 204)
    got(admin.post("/admin/jobs/index", {"act": "pause"}), 204)
    jobs = {job["job"]: job for job in got(admin.get("/admin/jobs"))["jobs"]}
    assert jobs["backup"]["rhythm"] == "daily" and jobs["index"]["paused"] and "next" not in jobs["index"]
    got(admin.post("/admin/jobs/index", {"act": "resume"}), 204)
    got(admin.post("/admin/jobs/statistics", {"act": "run"}), 204)
    wait_until(lambda: [r for r in got(admin.get("/admin/jobs/statistics"))["runs"] if r["result"] == "done"])
    run = got(admin.get("/admin/jobs/statistics"))["runs"][0]
    assert run["byHand"] and "results of tasks removed" in run["summary"]
    assert admin.get("/admin/jobs/none").code == "not-found"
    assert admin.post("/admin/jobs/index", {"act": "set", "rhythm": "hourly"}).code == "syntax"
    assert admin.post("/admin/jobs/index", {"act": "explode"}).code == "syntax"


def test_statistics_are_numbers_by_day(admin, people):
    people.run("statistics", "update")
    answer = got(admin.get("/admin/statistics", days=7))
    assert answer["days"][-1]["mails"] == 1 and answer["forecast"]["medium"] == 1
    assert admin.get("/admin/statistics", days=0).code == "syntax"


def test_the_spool_is_listed_and_what_is_stuck_retried_or_dropped(admin, people, api):
    token = people.run("user", "add", "scan", "--role", "uploader") and \
        people.text("user", "token", "scan", "--for", "upload", "--days", 1).strip()
    got(api.client(bearer=token).post("/uploads", mail(SECRET_WORD), headers={"Content-Type": "message/rfc822"}), 201)
    entries = got(admin.get("/admin/spool"))["entries"]
    assert [e["state"] for e in entries] == ["ready"] and SECRET_WORD not in json.dumps(entries)
    assert got(admin.post("/admin/spool/act", {"act": "retry", "ids": [entries[0]["id"]]}))["done"] == 0
    assert admin.post("/admin/spool/act", {"act": "drop", "ids": [entries[0]["id"]]}).code == "syntax"
    assert admin.post("/admin/spool/act", {"act": "drop", "ids": ["x"], "confirm": "drop"}).code == "syntax"


def test_name_colour_and_logo_are_the_archives_own(admin, api):
    got(admin.put("/admin/appearance", {"name": "Müller & Söhne", "colour": "#336699",
                                        "logo": base64.b64encode(png()).decode()}), 204)
    shown = got(api.client().get("/session"))["appearance"]
    assert shown == {"name": "Müller & Söhne", "colour": "#336699", "hasLogo": True}
    logo = api.client().get("/logo")
    assert (logo.body, logo.headers["content-type"]) == (png(), "image/png")
    assert admin.put("/admin/appearance", {"colour": "red; }"}).code == "syntax"
    assert admin.put("/admin/appearance", {"logo": base64.b64encode(b"<svg>" * 10).decode()}).code == "syntax"
    got(admin.put("/admin/appearance", {"logo": None}), 204)
    assert api.client().get("/logo").code == "not-found"
    assert got(admin.get("/admin/appearance"))["colour"] == "#336699"


def test_the_administrator_sees_that_was_searched_and_the_auditor_what(api, admin):
    with api.person("auditor", PASSWORD) as auditor:
        assert len(auditor.find(SECRET_WORD)) == 1
        seen = got(auditor.get("/audit", what="search"))["lines"]
        assert any(SECRET_WORD in line["subject"] + line["detail"] for line in seen)
    lines = got(admin.get("/audit", limit=200))["lines"]
    assert any(line["what"] == "search" and line["who"] == "auditor" for line in lines)
    assert SECRET_WORD not in json.dumps(lines)
    assert [line["line"] for line in lines] == sorted((line["line"] for line in lines), reverse=True)
    first = got(admin.get("/audit", limit=2))
    rest = got(admin.get("/audit", limit=200, cursor=first["next"]))
    assert [line["line"] for line in first["lines"] + rest["lines"]][-1] == 1
    assert got(admin.post("/audit/verify"))["ok"]


def test_the_procedure_documentation_is_for_who_sees_the_log(api, admin):
    german = admin.get("/procedure", lang="de")
    assert german.status == 200 and german.headers["content-type"].startswith("text/markdown")
    assert re.search(r'attachment; filename="\d{4}-\d\d-\d\d-procedure.md"', german.headers["content-disposition"])
    assert german.body.decode().startswith("# Verfahrensdokumentation") and SECRET_WORD not in german.body.decode()
    with api.person("auditor", PASSWORD) as auditor:
        assert auditor.get("/procedure").body.decode().startswith("# Procedure documentation")
    assert api.client().get("/procedure").status == 401
    assert admin.get("/procedure", lang="fr").code == "syntax"


def test_media_are_tested_added_used_and_removed(admin, folder, people):
    place = folder / "second"
    place.mkdir()
    assert got(admin.post("/admin/media/test", {"location": str(place)}))["ok"]
    tested = got(admin.post("/admin/media/test", {"location": str(folder / "none")}))
    assert not tested["ok"] and tested["code"] == "offline" and not list(place.iterdir())
    for order in ({}, {"location": "relative"}, {"location": str(place), "user": "x", "password": "y"},
                  {"location": "smb://host/share"}, {"location": "smb://user:pass@host/share"},
                  {"location": "smb://host/share", "user": "x", "password": "two\nlines"}):
        answer = admin.post("/admin/media", order)
        assert answer.status == 400, answer
    added = got(admin.post("/admin/media", {"location": str(place)}), 201)
    assert (added["medium"], added["active"], added["forTrials"]) == (2, False, True)
    assert admin.post("/admin/media", {"location": str(place)}).code == "exists"
    assert got(admin.post("/admin/media/2/act", {"act": "activate"}))["active"]
    assert [m["active"] for m in got(admin.get("/admin/media"))["media"]] == [False, True]
    assert got(admin.post("/admin/media/2/act", {"act": "check"}))["answers"]
    got(admin.post("/admin/media/1/act", {"act": "activate"}))
    assert admin.delete("/admin/media/2", {"confirm": "yes"}).code == "syntax"
    got(admin.delete("/admin/media/2", {"confirm": "remove"}), 204)
    assert admin.delete("/admin/media/1", {"confirm": "remove"}).code == "denied"
    assert admin.post("/admin/media/9/act", {"act": "check"}).code == "not-found"
    assert admin.patch("/admin/media/1", {"location": str(place)}).status >= 400
    assert any(line["what"] == "medium changed" and line["who"] == "admin" for line in people.json("audit", "list"))


def test_the_authority_is_tested_before_it_is_kept(admin, folder, people):
    assert got(admin.get("/admin/timestamps"))["url"] == ""
    with Tsa(folder / "tsa") as authority:
        with open(authority.ca_file, encoding="ascii") as file:
            ca = file.read()
        order = {"url": authority.url, "ca": ca, "hash": "sha512"}
        tested = got(admin.post("/admin/timestamps/test", order))
        assert tested["ok"], tested
        assert got(admin.get("/admin/timestamps"))["url"] == ""
        got(admin.put("/admin/timestamps", {**order, "rhythm": "weekly"}), 204)
        kept = got(admin.get("/admin/timestamps"))
        assert (kept["url"], kept["hash"], kept["rhythm"]) == (authority.url, "sha512", "weekly")
        people.run("timestamp", "run")
        kept = got(admin.get("/admin/timestamps"))
        assert kept["stamped"] == 1 and kept["stamps"][0]["mails"] == 1
        assert admin.put("/admin/timestamps", {"user": "x", "password": "y", "url": "http://192.0.2.1/"}).status == 400
        assert admin.put("/admin/timestamps", {"hash": "md5"}).code == "syntax"
    bad = got(admin.post("/admin/timestamps/test", {"url": "http://127.0.0.1:1/"}))
    assert not bad["ok"] and bad["code"] == "offline"
    assert PASSWORD not in json.dumps(kept)


def test_backups_and_the_mirror_are_set_and_listed(admin, folder, people):
    assert got(admin.get("/admin/backup"))["sets"] == []
    people.run("backup", "full")
    sets = got(admin.get("/admin/backup"))["sets"]
    assert [s["full"] for s in sets] == [True] and sets[0]["mails"] == 1
    place = folder / "mirror"
    place.mkdir()
    got(admin.put("/admin/backup", {"full": "weekly", "incremental": "off", "keepDays": 30, "keepWeeks": 0,
                                    "mirror": {"location": str(place)}}), 204)
    assert (people.path / "sealpost.conf").read_text().count("backup_keep_days = 30") == 1
    state = got(admin.get("/admin/backup"))
    assert (state["full"], state["incremental"], state["mirror"]["location"]) == ("weekly", "off", str(place))
    assert admin.put("/admin/backup", {"full": "hourly"}).code == "syntax"
    assert admin.put("/admin/backup", {"keepDays": 0}).code == "syntax"
    assert admin.put("/admin/backup", {"mirror": {"location": str(people.path / "media" / "1")}}).code == "denied"
    got(admin.put("/admin/backup", {"mirror": None}), 204)
    assert "mirror" not in got(admin.get("/admin/backup"))


def test_fetch_accounts_take_secrets_and_never_tell_them(admin, people):
    order = {"name": "old server", "settings": {"host": "127.0.0.1", "port": "1", "tls": "none", "user": "anna",
                                                "password": "geheim-and-long"}}
    added = got(admin.post("/admin/fetch-accounts", order), 201)
    assert added["secretsSet"] == ["password"] and "password" not in added["settings"]
    assert admin.post("/admin/fetch-accounts", order).code == "exists"
    assert admin.post("/admin/fetch-accounts", {"name": "-x", "settings": {}}).code == "syntax"
    assert admin.post("/admin/fetch-accounts", {"name": "x", "settings": {"colour": "red"}}).code == "syntax"
    path = "/admin/fetch-accounts/old%20server"
    assert got(admin.patch(path, {"settings": {"archived": "delete"}}))["settings"]["archived"] == "delete"
    assert admin.patch(path, {"settings": {"archived": "explode"}}).code == "syntax"
    tested = got(admin.post(path + "/test"))
    assert not tested["ok"] and tested["code"] == "offline", tested
    assert "geheim" not in json.dumps(got(admin.get("/admin/fetch-accounts")))
    assert admin.delete(path, {"confirm": "no"}).code == "syntax"
    got(admin.delete(path, {"confirm": "old server"}), 204)
    assert got(admin.get("/admin/fetch-accounts"))["accounts"] == []


def test_the_doors_are_set_up_and_what_a_door_would_not_take_is_taken_back(admin, people):
    command = f"sealpost --archive {people.path} postfix enable"
    assert got(admin.get("/admin/intake")) == {"milter": False, "smtp": False, "archiveDomain": "", "networks": [],
                                               "postfix": {"hooked": False, "configDir": "", "command": command}}
    port = free_port()
    got(admin.put("/admin/intake", {"archiveDomain": "archive.example", "smtp": True, "milter": True,
                                    "smtpListen": f"127.0.0.1:{port}", "networks": ["192.0.2.0/24"]}), 204)
    state = got(admin.get("/admin/intake"))
    assert (state["smtp"], state["smtpRuns"], state["milter"], state["milterRuns"]) == (True, False, True, False)
    assert state["dnat"] == {"address": "127.0.0.1", "port": port} and state["networks"] == ["192.0.2.0/24"]
    assert state["journalAddress"] == "journal@archive.example"
    conf = people.path / "smtpd.conf"
    conf.write_text("# mine\nlisten = lmtp unix:/tmp/x\n" + conf.read_text())
    before = conf.read_text()
    for order in ({"networks": ["everywhere"]}, {"smtpListen": "nonsense"}, {"archiveDomain": "two\nlines"},
                  {"networks": ["192.0.2.1/8"]}):
        assert admin.put("/admin/intake", order).code == "syntax"
        assert conf.read_text() == before
    (people.path / "postfix.conf").write_text("config_dir = /etc/postfix\ndomain = archive.example\n")
    assert got(admin.get("/admin/intake"))["postfix"]["hooked"]
    assert admin.put("/admin/intake", {"milter": False}).code == "denied"
    (people.path / "postfix.conf").unlink()
    got(admin.put("/admin/intake", {"smtp": False, "milter": False}), 204)
    state = got(admin.get("/admin/intake"))
    assert not state["smtp"] and not state["milter"] and state["archiveDomain"] == "archive.example"
    assert "# mine" in conf.read_text() and "lmtp unix:/tmp/x" in conf.read_text()
    conf.write_text(conf.read_text().replace("lmtp unix:/tmp/x", f"smtp 127.0.0.1:{port}"))
    got(admin.put("/admin/intake", {"milter": True, "smtp": True, "smtpListen": f"127.0.0.1:{port}"}), 204)
    got(admin.put("/admin/intake", {"smtp": False}), 204)
    assert not conf.exists()
    assert "capture unix:" in (people.path / "milter.conf").read_text()
