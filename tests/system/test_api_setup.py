# SPDX-License-Identifier: GPL-3.0-or-later
"""From an empty directory to an archive that has taken in a mail, as the wizard does it."""
import shutil
import subprocess

import pytest
from http_api import Api
from postfix import wait_until
from sealpost import ENV, TIMEOUT_S, VERSION, Archive, mail

PASSWORD = "a long enough password"


class Fresh(Api):
    """A server without an archive; WORD is what it printed."""

    def __enter__(self):
        self.archive.path.mkdir(exist_ok=True)
        read = subprocess.Popen([self.binary, "--archive", str(self.archive.path), "--verbose"], env=ENV,
                                stderr=subprocess.PIPE, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.process = read
        self.word = read.stdout.readline().split()[-1].decode()
        while b"api ready" not in (line := read.stderr.readline()):
            assert line
            self.log.append(line)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.log.append(self.process.communicate(timeout=TIMEOUT_S)[1])
        assert self.process.returncode == 0, self.said()
        assert "Sanitizer" not in self.said() and "runtime error" not in self.said(), self.said()


@pytest.fixture
def fresh(folder):
    (folder / "new").mkdir()
    with Fresh(Archive(folder / "new")) as api:
        yield api


def create(api, word=None, **more):
    return api.client().post("/setup", {"kind": "create", "name": "Meine GmbH", "adminPassword": PASSWORD, **more},
                             headers={"X-Sealpost-Setup": api.word if word is None else word})


def test_an_empty_directory_becomes_an_archive_whose_administrator_logs_in(fresh):
    assert fresh.client().get("/setup").json["archive"] == "none"
    assert create(fresh).status == 201
    with fresh.person("admin", PASSWORD) as admin:
        assert admin.get("/setup").json == {"archive": "ready", "done": False, "version": VERSION}
        assert admin.get("/session").json["setup"]
        assert admin.get("/admin/status").json["name"] == "Meine GmbH"
        assert admin.post("/setup/done").status == 204
        assert admin.get("/setup").json["done"] and not admin.get("/session").json["setup"]
    assert fresh.word not in fresh.said()


def test_who_does_not_know_the_word_makes_none(fresh):
    for word in ("", "0" * 32, fresh.word[:-1]):
        assert create(fresh, word).code == "denied"
    assert fresh.client().post("/setup", {"kind": "create", "adminPassword": PASSWORD}).code == "denied"
    assert fresh.client().get("/setup").json["archive"] == "none"


def test_an_archive_is_made_once(fresh):
    assert create(fresh, adminPassword="short").code == "syntax"
    assert create(fresh, kind="nonsense").code == "syntax"
    assert create(fresh).status == 201
    assert create(fresh).code == "exists"
    assert create(fresh, adminPassword="another long password").code == "exists"
    assert fresh.client().post("/session", {"name": "admin", "password": "another long password"}).code == "log-in"


def test_a_restarted_server_has_another_word(folder):
    (folder / "new").mkdir()
    with Fresh(Archive(folder / "new")) as api:
        first = api.word
    with Fresh(Archive(folder / "new")) as api:
        assert api.word != first and create(api, first).code == "denied"
        assert create(api).status == 201


def test_a_directory_with_something_else_in_it_stays_as_it_is(folder):
    (folder / "new").mkdir()
    (folder / "new" / "thesis.txt").write_text("mine")
    with Fresh(Archive(folder / "new")) as api:
        assert create(api).code == "exists"
    assert (folder / "new" / "thesis.txt").read_text() == "mine"


def test_a_test_mail_goes_through_the_spool_to_the_index(fresh):
    assert create(fresh).status == 201
    with fresh.person("admin", PASSWORD) as admin:
        mail = admin.post("/setup/test-mail").json["id"]
        state = admin.get(f"/setup/test-mail/{mail}").json
        assert state["state"] == "spooled" and state["seconds"] < TIMEOUT_S
        archiver = subprocess.run([fresh.archive.binary + "-archiver", "--archive", str(fresh.archive.path), "--once"],
                                  env=ENV, capture_output=True, timeout=TIMEOUT_S, check=False)
        assert archiver.returncode == 0, archiver.stderr
        wait_until(lambda: admin.get(f"/setup/test-mail/{mail}").json["state"] == "found")


@pytest.fixture
def lost(folder):
    """The medium and the key's sheet of an archive whose machine is gone."""
    old = Archive(folder / "old").init("--medium", folder / "medium")
    (folder / "one.eml").write_bytes(mail("kept", msgid="<1@x>"))
    old.take(folder / "one.eml")
    old.run("backup", "full")
    (folder / "safe").write_text("the safe's password\n")
    sheet = old.text("key", "export", "--password-file", folder / "safe")
    shutil.rmtree(old.path)
    return {"kind": "import", "adminPassword": PASSWORD, "keyBackup": sheet, "keyPassword": "the safe's password",
            "location": str(folder / "medium")}


def bring_back(api, order):
    answer = api.client().post("/setup", order, headers={"X-Sealpost-Setup": api.word})
    assert (answer.status, answer.json["archive"]) == (202, "restoring"), answer
    wait_until(lambda: api.client().get("/setup").json["archive"] != "restoring")
    return api.client().get("/setup").json


def test_an_archive_is_brought_back_from_its_medium_and_the_sheet(fresh, lost):
    assert bring_back(fresh, lost)["archive"] == "ready"
    assert fresh.archive.count("subject:kept") == 1
    with fresh.person("admin", PASSWORD) as admin:
        assert admin.get("/admin/status").json["mails"] == 1 and admin.get("/admin/key").json["backedUp"]
    assert not (fresh.archive.path / "restore.state").exists()


def test_what_cannot_be_brought_back_is_told_and_can_be_tried_again(fresh, lost, folder):
    failed = bring_back(fresh, {**lost, "keyPassword": "another password"})
    assert failed["archive"] == "failed" and "does not open" in failed["text"]
    (folder / "empty").mkdir()
    assert bring_back(fresh, {**lost, "location": str(folder / "empty")})["archive"] == "failed"
    assert bring_back(fresh, lost)["archive"] == "ready"
