# SPDX-License-Identifier: GPL-3.0-or-later
"""Long work over HTTP: ordered, looked at, stopped, fetched."""
import contextlib
import hashlib
import io
import os
import signal
import stat
import subprocess
import time
import uuid
import zipfile

import pytest
from http_api import Api
from postfix import wait_until
from sealpost import ENV, TIMEOUT_S, mail, sha256
from tsa import Tsa

PASSWORD = "a long enough password"


@pytest.fixture
def people(archive, folder):
    """anna has three mails, otto one; and an auditor."""
    secret = folder / "people-password"
    secret.write_text(PASSWORD + "\n")
    mails = folder / "mails"
    mails.mkdir()
    for n in range(3):
        (mails / f"{n}.eml").write_bytes(mail(f"number {n}", sender="anna@example.org", to="extern@example.net",
                                              msgid=f"<{n}@x>", body="From here\nwidget\n"))
    (mails / "o.eml").write_bytes(mail("for otto", sender="x@example.net", to="otto@example.org", msgid="<o@x>",
                                       body="widget\n"))
    archive.take(mails)
    for name in ("anna", "otto"):
        archive.run("user", "add", name, "--address", f"{name}@example.org", "--password-file", secret)
    for name in ("auditor", "admin"):
        archive.run("user", "password", name, "--password-file", secret)
    archive.mails = mails
    return archive


@pytest.fixture
def api(people):
    with Api(people) as server:
        yield server


def ended(client, task):
    def over():
        answer = client.get(f"/tasks/{task}")
        assert answer.status == 200, answer
        return answer.json if answer.json["state"] not in ("waiting", "running") else None
    wait_until(over)
    return over()


def done(client, **order):
    answer = client.post("/tasks", order)
    assert answer.status == 202, answer
    return ended(client, answer.json["id"])


def result(client, task):
    answer = client.get(f"/tasks/{task['id']}/result")
    assert answer.status == 200, answer
    assert len(answer.body) == task["result"]["size"]
    return answer


def test_all_hits_are_exported_as_a_zip_and_no_mail_of_others(api, people):
    with api.person("anna", PASSWORD) as anna:
        task = done(anna, kind="export", query="widget", format="zip")
        assert task["state"] == "done" and (task["done"], task["total"]) == (3, 3), task
        answer = result(anna, task)
        assert answer.headers["content-disposition"].startswith("attachment")
        with zipfile.ZipFile(io.BytesIO(answer.body)) as got:
            assert got.testzip() is None
            names = [n for n in got.namelist() if n.endswith(".eml")]
            sent = sorted(sha256((people.mails / f"{n}.eml").read_bytes()) for n in range(3))
            assert sorted(sha256(got.read(n)) for n in names) == sent
            assert got.read("SHA256SUMS").decode().count("\n") == 3
            assert b"for otto" not in got.read("manifest.csv")


def test_chosen_mails_come_as_mbox_and_foreign_ids_do_not(api, people):
    foreign = people.one("otto")
    with api.person("anna", PASSWORD) as anna:
        own = anna.find("widget")[:2]
        task = done(anna, kind="export", mails=[*own, foreign, str(uuid.uuid4())], format="mbox")
        assert task["state"] == "done" and "2 left out" in task["text"]
        got = result(anna, task).body
        assert got.count(b"\n>From here\n") == 2 and b"for otto" not in got


def test_nothing_readable_rests_on_the_disk(api, people):
    with api.person("anna", PASSWORD) as anna:
        task = done(anna, kind="export", query="", format="mbox")
        kept = people.path / "tasks" / task["id"]
        assert b"widget" in result(anna, task).body
        assert b"widget" not in kept.read_bytes() and stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert anna.delete(f"/tasks/{task['id']}").status == 204
        assert not kept.exists()
        assert anna.get(f"/tasks/{task['id']}").code == "not-found"


def test_a_task_is_its_persons_alone(api):
    with api.person("anna", PASSWORD) as anna, api.person("auditor", PASSWORD) as auditor:
        task = done(anna, kind="export", query="widget")["id"]
        assert [t["id"] for t in anna.get("/tasks").json["tasks"]] == [task]
        assert auditor.get("/tasks").json["tasks"] == []
        for path in (f"/tasks/{task}", f"/tasks/{task}/result"):
            assert auditor.get(path).code == "not-found"
        assert auditor.delete(f"/tasks/{task}").code == "not-found"
        assert anna.get(f"/tasks/{task}").status == 200


@pytest.mark.parametrize("order, code", [
    ({}, "syntax"), ({"kind": "nonsense"}, "syntax"), ({"kind": "export"}, "syntax"),
    ({"kind": "export", "mails": []}, "syntax"), ({"kind": "export", "mails": ["x"]}, "syntax"),
    ({"kind": "export", "query": "a", "mails": [str(uuid.uuid4())]}, "syntax"),
    ({"kind": "export", "query": "from:("}, "syntax"), ({"kind": "export", "query": "a", "format": "tar"}, "syntax"),
    ({"kind": "export", "query": "a", "evidence": True}, "denied"),
    ({"kind": "export", "query": "a", "more": 1}, "syntax"),
    ({"kind": "export", "query": 1}, "syntax"), ({"kind": "categorise", "query": ""}, "syntax"),
    ({"kind": "verify"}, "denied"), ({"kind": "import", "location": "/tmp"}, "denied"),
    ({"kind": "backup"}, "denied")])
def test_what_is_no_order_or_not_his_to_give_is_refused(api, order, code):
    with api.person("anna", PASSWORD) as anna:
        assert anna.post("/tasks", order).code == code
        assert anna.get("/tasks").json["tasks"] == []


def test_who_is_not_logged_in_orders_nothing(api):
    assert api.client().post("/tasks", {"kind": "export", "query": ""}).code == "no-session"


def test_categories_are_set_on_all_hits_and_taken_off(api):
    with api.person("anna", PASSWORD) as anna, api.person("auditor", PASSWORD) as auditor:
        assert done(anna, kind="categorise", query="widget", category="steuer 2024")["text"].startswith("3 mails")
        assert anna.get("/categories").json["categories"] == [{"name": "steuer 2024", "mails": 3}]
        assert auditor.get("/categories").json["categories"] == []
        done(anna, kind="categorise", mails=anna.find("widget")[:1], category="steuer 2024", remove=True)
        assert anna.get("/categories").json["categories"] == [{"name": "steuer 2024", "mails": 2}]


def test_deletion_of_all_hits_is_one_request(api, people):
    with api.person("anna", PASSWORD) as anna:
        order = {"kind": "requestDeletion", "query": "widget", "reason": "private"}
        task = done(anna, **order)
        assert (task["state"], task["code"]) == ("failed", "switched-off")
        people.run("request", "mode", "approval")
        task = done(anna, **order)
        assert task["state"] == "done", task
        requests = anna.get("/deletion-requests").json["requests"]
        assert [(r["mailCount"], r["reason"]) for r in requests] == [(3, "private")]


def test_an_auditors_export_has_the_evidence_with_it_where_there_is_some(api, people, folder):
    with api.person("auditor", PASSWORD) as auditor:
        task = done(auditor, kind="export", query="", evidence=True)
        assert task["state"] == "done" and "4 wait for their timestamp" in task["text"]
        with Tsa(folder / "tsa") as authority:
            people.run("timestamp", "set", "--url", authority.url, "--ca", authority.ca_file)
            people.run("timestamp", "run")
        task = done(auditor, kind="export", query="", evidence=True)
        assert task["text"] == "4 mails exported", task
        with zipfile.ZipFile(io.BytesIO(result(auditor, task).body)) as got:
            got.extractall(folder / "out")
    proofs = sorted(path for path in (folder / "out").iterdir() if path.is_dir())
    assert len(proofs) == 4
    for proof in proofs:
        checked = subprocess.run([people.binary + "-verify", str(proof)], capture_output=True, timeout=TIMEOUT_S,
                                 env=ENV, check=False)
        assert checked.returncode == 0, checked
    sums = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder / "out", capture_output=True,
                          timeout=TIMEOUT_S, check=False)
    assert sums.returncode == 0, sums


def test_what_is_sent_goes_to_the_person_himself_and_not_onto_a_command_line(api, people, folder):
    script = folder / "sendmail"
    script.write_text(f'#!/bin/sh\necho "$@" >>{folder}/args\ncat >>{folder}/sent\n')
    script.chmod(0o755)
    (people.path / "alarms.conf").write_text(f"sendmail = {script}\n")
    with api.person("anna", PASSWORD) as anna, api.person("auditor", PASSWORD) as auditor:
        task = done(anna, kind="send", mails=anna.find("widget")[:1])
        assert task["text"] == "1 mail sent", task
        sent = (folder / "sent").read_bytes()
        assert b"\nTo: anna@example.org\n" in b"\n" + sent
        assert any((people.mails / f"{n}.eml").read_bytes() in sent for n in range(3))
        assert "@" not in (folder / "args").read_text()
        task = done(auditor, kind="send", query="widget")
        assert (task["state"], task["code"]) == ("failed", "usage")


def test_the_administrator_orders_work_on_the_archive(api, people, folder):
    more = folder / "more"
    more.mkdir()
    (more / "m.eml").write_bytes(mail("one more", msgid="<m@x>"))
    with api.person("admin", PASSWORD) as admin:
        task = done(admin, kind="import", location=str(more), sourceName="old server")
        assert task["state"] == "done" and task["text"].startswith("1 read: 1 archived"), task
        assert done(admin, kind="import", location=str(folder / "none"))["state"] == "failed"
        for kind in ("verify", "updateIndex", "backup"):
            task = done(admin, kind=kind)
            assert task["state"] == "done", task
        assert admin.post("/tasks", {"kind": "import", "location": "-x"}).code == "syntax"
        assert admin.post("/tasks", {"kind": "export", "query": ""}).code == "denied"
    assert people.count("subject:one") == 1


def processes(archive):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            line = file.read()
            if b"sealpost-task" in line and str(archive.path).encode() in line:
                found.append(int(pid))
    return found


@pytest.fixture
def slow(people, folder):
    """sendmail that does not come to its end before it may."""
    script = folder / "sendmail"
    script.write_text(f"#!/bin/sh\ntouch {folder}/begun\nwhile test -e {folder}/begun && ! test -e {folder}/go; do sleep 0.1; done\ncat >/dev/null\n")
    script.chmod(0o755)
    (people.path / "alarms.conf").write_text(f"sendmail = {script}\n")
    yield people
    (folder / "go").touch()
    wait_until(lambda: not processes(people))


def order_slow(client, folder):
    task = client.post("/tasks", {"kind": "send", "query": "widget"}).json["id"]
    wait_until((folder / "begun").exists)
    return task


def test_a_task_survives_the_server_and_is_found_again(slow, folder):
    before = Api(slow)
    before.__enter__()
    anna = before.client()
    anna.log_in("anna", PASSWORD)
    task = order_slow(anna, folder)
    before.process.terminate()
    assert before.process.wait(TIMEOUT_S) == 0
    with Api(slow) as api, api.person("anna", PASSWORD) as anna:
        assert anna.get(f"/tasks/{task}").json["state"] == "running"
        (folder / "go").touch()
        assert ended(anna, task)["text"] == "3 mails sent"
    before.__exit__()  # the task had its standard error


def test_a_task_that_is_asked_to_stop_does(slow, folder):
    with Api(slow) as api, api.person("anna", PASSWORD) as anna:
        task = order_slow(anna, folder)
        assert anna.delete(f"/tasks/{task}").status == 204
        (folder / "go").touch()
        assert ended(anna, task)["state"] in ("stopped", "done")


def test_a_task_that_is_killed_has_failed_and_leaves_nothing(slow, folder):
    with Api(slow) as api, api.person("anna", PASSWORD) as anna:
        task = order_slow(anna, folder)
        for pid in processes(slow):
            os.kill(pid, signal.SIGKILL)
        told = ended(anna, task)
        assert (told["state"], told["code"]) == ("failed", "stopped")
        assert not (slow.path / "tasks" / task).exists()
        assert not list((slow.path / "lock").glob("task-*"))


def test_nobody_orders_more_than_a_few_at_once(slow, folder):
    with Api(slow) as api, api.person("anna", PASSWORD) as anna:
        tasks = [order_slow(anna, folder) for _ in range(4)]
        refused = anna.post("/tasks", {"kind": "export", "query": "widget"})
        assert (refused.status, refused.code) == (429, "overload")
        (folder / "go").touch()
        for task in tasks:
            assert ended(anna, task)["state"] == "done"


def test_a_large_export_comes_whole(api, people, folder):
    """Many chunks of the sealed file, and of the answer."""
    big = folder / "big"
    big.mkdir()
    noise = hashlib.shake_256(b"noise").hexdigest(1_500_000)
    lines = "".join(noise[i:i + 70] + "\n" for i in range(0, len(noise), 70))
    (big / "b.eml").write_bytes(mail("a big one", sender="anna@example.org", msgid="<b@x>", body=lines))
    people.take(big)
    with api.person("anna", PASSWORD) as anna:
        begun = time.monotonic()
        task = done(anna, kind="export", query="subject:big", format="mbox")
        got = result(anna, task).body
        assert got.split(b"\n", 1)[1] == (big / "b.eml").read_bytes() + b"\n", time.monotonic() - begun
        assert anna.get(f"/tasks/{task['id']}/result").body == got


def test_all_that_was_done_is_in_the_audit_log(api, people):
    with api.person("anna", PASSWORD) as anna:
        result(anna, done(anna, kind="export", query="widget"))
    lines = people.json("audit", "list")
    assert any(line["who"] == "anna (own)" and line["what"] == "mails exported" for line in lines)
    people.run("audit", "verify")
