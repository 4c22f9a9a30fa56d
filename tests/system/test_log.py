# SPDX-License-Identifier: GPL-3.0-or-later
"""How much the daemons log is changed while they run, workers included."""
import pytest
from http_api import Api
from postfix import wait_until
from sealpost import FAILED, USAGE, mail
from serve import Service, send


def levels(archive):
    return {row["daemon"]: row["level"] for row in archive.json("log", "list")}


def test_each_worker_of_the_page_heeds_a_new_level(archive):
    with Api(archive, workers=2) as api:

        def said(what):
            assert api.client().get("/session").status == 200
            return what in api.said()

        assert not said("answered route=")
        archive.run("log", "level", "api", "debug")
        wait_until(lambda: said("debug: answered route=get_session"), api.said)
        archive.run("log", "level", "api", "started")
        wait_until(lambda: quiet(api, said), api.said)


def quiet(api, said):
    before = len(api.said())
    for _ in range(4):
        said("")
    return len(api.said()) == before


def test_the_doors_workers_and_the_archiver_heed_theirs_alone(archive):
    with Service(archive) as service:

        def told():
            """By three mails."""
            before = len(service.said())
            for _ in range(3):
                with service.client() as client:
                    send(client, mail(subject="walnut").replace(b"\n", b"\r\n"))
            return service.said()[before:]

        archive.run("log", "level", "smtpd", "error")
        wait_until(lambda: "taken door=smtp" not in told(), service.said)
        wait_until(lambda: "archived mails=" in told(), service.said)
        archive.run("log", "level", "archiver", "error")
        wait_until(lambda: "archived mails=" not in told(), service.said)
        archive.run("log", "level", "all", "started")
        wait_until(lambda: {"taken", "archived"} <= set(told().replace(":", "").split()), service.said)


def test_levels_are_listed_and_set_one_by_one_or_all_at_once(archive):
    assert set(levels(archive).values()) == {"started"}
    archive.run("log", "level", "smtpd", "info")
    archive.run("log", "level", "milter", "debug")
    now = levels(archive)
    assert (now.pop("smtpd"), now.pop("milter"), set(now.values())) == ("info", "debug", {"started"})
    assert "smtpd      info\n" in archive.text("log", "list")
    archive.run("log", "level", "all", "error")
    assert set(levels(archive).values()) == {"error"}
    assert (archive.path / "log.conf").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("words", [(), ("list", "x"), ("level", "api"), ("level", "api", "loud"), ("level", "nobody", "info")])
def test_what_is_no_level_is_refused(archive, words):
    archive.run("log", *words, status=USAGE)


def test_a_file_with_a_mistake_is_named(archive):
    (archive.path / "log.conf").write_text("api = loud\n")
    archive.run("log", "list", status=FAILED, says="log.conf line 1: api takes one of")
