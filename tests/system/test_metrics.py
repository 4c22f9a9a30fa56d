# SPDX-License-Identifier: GPL-3.0-or-later
"""What a monitoring program is told: OpenMetrics, on this machine alone."""
import contextlib
import http.client
import socket
import subprocess

import pytest
from http_api import Api
from ports import free_port
from postfix import wait_until
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from sealpost import DATA, ENV, TIMEOUT_S, USAGE, Archive, mail
from serve import Service, send

TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def parse(text):
    """The samples as {(name, labels): value}; whatever the format does not allow is an error."""
    assert text.endswith("\n# EOF\n")
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.name.startswith("sealpost_") and family.documentation.endswith((".", "?", "...")), family
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.values()))
            assert key not in found, key
            found[key] = sample.value
    return found


class Monitor:
    """The API of an archive, with metrics on a port of its own."""

    def __init__(self, archive, **settings):
        self.port = free_port()
        self.api = Api(archive, metrics_listen=f"127.0.0.1:{self.port}", **settings)

    def ask(self, path="/metrics", method="GET", host=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            connection.request(method, path, headers={"Host": host or f"127.0.0.1:{self.port}"})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type"), answer.read().decode()

    def numbers(self):
        status, kind, text = self.ask()
        assert (status, kind) == (200, TYPE)
        return parse(text)


@pytest.fixture
def monitor(archive):
    monitor = Monitor(archive)
    with monitor.api:
        yield monitor


def taken(numbers, way, outcome):
    return numbers["sealpost_mails_taken_total", *sorted((way, outcome))]


def test_the_numbers_move_as_mail_comes_in(archive, monitor):
    before = monitor.numbers()
    assert before["sealpost_up",] == 1 and taken(before, "smtp", "archived") == 0
    archive.take(DATA / "mail")
    letter = mail(subject="walnut", msgid="<1@x>").replace(b"\n", b"\r\n")
    with Service(archive) as service:
        with service.client() as client:
            send(client, letter)
            wait_until(lambda: taken(monitor.numbers(), "smtp", "archived") == 1, service.said)
            send(client, letter)
            wait_until(lambda: taken(monitor.numbers(), "smtp", "duplicate") == 1, service.said)
    now = monitor.numbers()
    assert taken(now, "import", "archived") == archive.status()["mails"] - 1
    assert now["sealpost_archive_latency_seconds_count",] == 1
    assert now["sealpost_archive_latency_seconds_bucket", "+Inf"] == 1
    assert 0 < now["sealpost_archive_latency_seconds_sum",] < TIMEOUT_S
    assert now["sealpost_spool_mails", "ready"] == 0
    assert now["sealpost_medium_reachable", "1"] == 1 and now["sealpost_medium_pack_bytes", "1"] > 0
    assert now["sealpost_size_bytes", "packs"] == now["sealpost_medium_pack_bytes", "1"]
    assert now["sealpost_index_lacks_mails",] == 0


def test_what_waits_and_is_stuck_is_counted_with_its_age(archive, monitor):
    with Service(archive) as service, service.client() as client:
        wait_until(lambda: service.child("sealpost-archiver") is not None, service.said)
        with stopped(service.child("sealpost-archiver")):
            send(client, mail(subject="walnut").replace(b"\n", b"\r\n"))
            assert monitor.numbers()["sealpost_spool_mails", "ready"] == 1
            wait_until(lambda: monitor.numbers()["sealpost_spool_oldest_seconds", "ready"] > 0, service.said)
        (archive.path / "spool" / "ready" / "01900000-0000-7000-8000-000000000000").write_bytes(b"no mail")
        wait_until(lambda: monitor.numbers()["sealpost_spool_mails", "stuck"] == 1, service.said)
        wait_until(lambda: monitor.numbers()["sealpost_spool_mails", "ready"] == 0, service.said)
    assert monitor.numbers()["sealpost_spool_oldest_seconds", "stuck"] > 1e6
    assert monitor.numbers()["sealpost_spool_oldest_seconds", "ready"] == 0


@contextlib.contextmanager
def stopped(pid):
    subprocess.run(["kill", "-STOP", str(pid)], check=True)
    try:
        yield
    finally:
        subprocess.run(["kill", "-CONT", str(pid)], check=True)


def test_jobs_and_alarms_are_told(archive, monitor):
    archive.take(DATA / "mail")
    assert monitor.numbers()["sealpost_alarm", "key_backup", "warning"] == 1
    assert monitor.numbers()["sealpost_alarm", "critical", "index"] == 0
    assert ("sealpost_job_last_start_timestamp_seconds", "index") not in monitor.numbers()
    archive.run("job", "run", "index", talks=True)
    now = monitor.numbers()
    assert now["sealpost_job_result", "done", "index"] == 1 and now["sealpost_job_result", "failed", "index"] == 0
    assert now["sealpost_job_last_start_timestamp_seconds", "index"] > 1e9
    assert 0 <= now["sealpost_job_last_duration_seconds", "index"] < TIMEOUT_S
    assert now["sealpost_job_failed_runs", "index"] == 0


def test_the_last_proofs_are_told(archive, monitor):
    archive.take(DATA / "mail")
    assert ("sealpost_proof_fine", "verify") not in monitor.numbers()
    archive.run("verify", "--all")
    archive.run("backup", "full", talks=True)
    archive.run("restore", "--drill", talks=True)
    now = monitor.numbers()
    assert now["sealpost_proof_fine", "verify"] == 1 and now["sealpost_proof_timestamp_seconds", "verify"] > 1e9
    assert ("sealpost_proof_fine", "drill") in now
    (pack,) = archive.packs()
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(data)
    archive.run("verify", "--all", status=1)
    assert monitor.numbers()["sealpost_proof_fine", "verify"] == 0


def test_the_searches_of_all_workers_are_one_sum(archive, password):
    archive.take(DATA / "mail")
    archive.run("user", "password", "auditor", "--password-file", password)
    monitor = Monitor(archive, workers=3)
    with monitor.api:
        people = [monitor.api.client() for _ in range(6)]
        for person in people:
            person.log_in("auditor", password.read_text().strip())
            assert person.get("/mails", q="rechnung").status == 200
        now = monitor.numbers()
        assert now["sealpost_search_seconds_count",] == 6
        assert now["sealpost_search_seconds_bucket", "30.0"] == 6
    with monitor.api:  # a start anew forgets nothing
        assert monitor.numbers()["sealpost_search_seconds_count",] == 6


def test_without_an_archive_it_tells_that(folder):
    archive = Archive(folder / "none")
    archive.path.mkdir()
    monitor = Monitor(archive)
    with monitor.api:
        now = monitor.numbers()
    assert now.pop(("sealpost_up",)) == 0 and [name for name, *_ in now] == ["sealpost_build_info"]


def test_an_archive_that_does_not_open_is_told_as_a_number(archive, monitor):
    (archive.path / "catalog.db").write_bytes(b"x" * 8192)
    assert monitor.numbers()["sealpost_up",] == 0
    wait_until(lambda: "metrics not counted" in monitor.api.said(), monitor.api.said)


def test_nothing_of_mails_or_people_is_in_it(archive, monitor, folder):
    (folder / "in").mkdir()
    (folder / "in" / "1.eml").write_bytes(mail(subject="verysecret", sender="hidden@nowhere.example"))
    archive.take(folder / "in", "--source", "theirname")
    text = monitor.ask()[2]
    for word in ("verysecret", "hidden", "nowhere", "theirname", "auditor", str(archive.path)):
        assert word not in text


def test_only_metrics_are_answered_and_only_to_this_machines_names(monitor):
    assert monitor.ask("/")[0] == 404
    assert monitor.ask("/archive/api/v1/session")[0] == 404
    assert monitor.ask(method="POST")[0] == 405
    assert monitor.ask(method="HEAD")[0:3] == (200, TYPE, "")
    assert monitor.ask(host="evil.example")[0] == 421
    assert monitor.ask(host="localhost.evil.example")[0] == 421
    assert monitor.ask(host="localhost")[0] == 200


def test_the_page_does_not_have_them(monitor):
    answer = monitor.api.client().request("GET", "/metrics", base="")
    assert answer.status == 404 or b"sealpost_" not in answer.body
    assert b"sealpost_mails" not in monitor.api.client().get("/metrics").body


def test_who_says_nothing_keeps_nobody_else_waiting_for_long(monitor):
    with socket.create_connection(("127.0.0.1", monitor.port), timeout=TIMEOUT_S) as silent:
        silent.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert monitor.numbers()["sealpost_up",] == 1


@pytest.mark.parametrize("where", ["0.0.0.0:8481", "192.0.2.1:8481", "8481", "example.org:8481"])
def test_no_other_machine_can_be_let_at_them(archive, where):
    (archive.path / "api.conf").write_text(f"metrics_listen = {where}\n")
    done = subprocess.run([archive.binary + "-api", "--archive", str(archive.path)], env=ENV, capture_output=True,
                          timeout=TIMEOUT_S, check=False)
    assert done.returncode == 1 and b"metrics_listen reads" in done.stderr


def test_a_port_that_is_taken_stops_no_search(archive):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with Api(archive, metrics_listen=f"127.0.0.1:{other.getsockname()[1]}") as api:
            assert api.client().get("/session").status == 200
            assert "no metrics: " in api.said()


def test_they_can_be_had_as_a_file(archive):
    archive.take(DATA / "mail")
    assert taken(parse(archive.text("status", "--metrics")), "import", "archived") == archive.status()["mails"]
    archive.run("status", "--metrics", "--check", status=USAGE)


def test_counters_that_are_damaged_begin_anew(archive, folder):
    (archive.path / "counters").write_bytes(b"nonsense")
    archive.take(DATA / "mail")
    assert taken(parse(archive.text("status", "--metrics")), "import", "archived") == archive.status()["mails"]
    (archive.path / "counters").unlink()
    (archive.path / "counters").mkdir()
    (folder / "1.eml").write_bytes(mail(subject="one more"))
    assert archive.take(folder / "1.eml")["archived"] == 1
