# SPDX-License-Identifier: GPL-3.0-or-later
"""Journal reports of Exchange: the mail in them is archived, with all who got it, and the report is kept."""
import base64
import json
import re

import pytest
from sealpost import CORPUS, DATA, FAILED, sha256
from test_archiver import archive_all, feed, running, waiting

SYNTHETIC = CORPUS / "02-journal-synthetic"
REAL = sorted((CORPUS / "01-journal-real").glob("*.eml"))
EXPECTED = (json.loads((SYNTHETIC / "expected.json").read_text())
            if (SYNTHETIC / "expected.json").exists() else {})


def feed_report(archive, path, queue="Q1"):
    feed(archive, "--file", path, "--unwrap", "--queue", queue, "--first", 0)


def take_report(archive, path, queue="Q1"):
    """The ids of the mails in the archive after this report."""
    feed_report(archive, path, queue)
    archive_all(archive)
    assert not waiting(archive) and not waiting(archive, "stuck")
    return archive.find()


def shown(archive, mail_id):
    return archive.json("show", mail_id)[0]


def is_original(raw, expected):
    """The corpus gives the digest of what was sent: with CRLF where a relay made it LF, still encoded where
    it came in base64, and without the last line end of a report that was cut."""
    lines = re.findall(b".{1,76}", base64.b64encode(raw))
    forms = (raw, raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), raw[:-2],
             b"".join(line + b"\r\n" for line in lines))
    return expected in {sha256(form) for form in forms}


@pytest.mark.skipif(not EXPECTED, reason="the journal corpus was left out: SEALPOST_CORPUS has none")
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_mail_in_a_report_is_archived_with_all_its_people(archive, name):
    expected = EXPECTED[name]
    (mail_id,) = take_report(archive, SYNTHETIC / name)
    assert is_original(archive.raw(mail_id), expected["inner_sha256"])
    (came,) = shown(archive, mail_id)["sightings"]
    assert (came["way"], came["report"]) == ("journal", True)
    people = {r[key].lower() for r in expected.get("recipients", ())
              for key in ("addr", "source") if r[key]}
    assert set(came["recipients"]) == people or "recipients" not in expected
    assert came["reverse_path"] == expected.get("sender", came["reverse_path"]).lower()
    assert came["on_behalf_of"] == (expected.get("on_behalf_of") or "").lower()
    assert ("journal-cut" in came["flags"]) == (name == "23-truncated.eml")
    for person in people:
        assert archive.find(f"any:{person}") == [mail_id]
    report = archive.run("show", mail_id, "--report").out
    assert b"Sender:" in report or b"base64" in report or b"quoted-printable" in report
    before = shown(archive, mail_id)
    archive.run("rebuild", talks=True)
    assert shown(archive, mail_id) == before


@pytest.mark.skipif(not REAL, reason="the journal corpus was left out: SEALPOST_CORPUS has none")
@pytest.mark.parametrize("path", REAL, ids=lambda p: p.name)
def test_a_real_report_gives_its_mail_and_is_kept(archive, path):
    (mail_id,) = take_report(archive, path)
    raw, report = archive.raw(mail_id), archive.run("show", mail_id, "--report").out
    whole = path.read_bytes()
    assert raw in whole and len(report) + len(raw) == len(whole)
    assert whole.startswith(report[:100]) and whole.endswith(report[-20:])


@pytest.mark.parametrize("name, mails, way", [
    ("all-lines.eml", 1, "journal"), ("exchange-2003.eml", 1, "journal"),
    ("rights-managed.eml", 2, "journal"), ("undeliverable.eml", 1, "journal"),
    ("utf16-base64.eml", 1, "journal")])
def test_every_kind_of_report_is_unwrapped(archive, name, mails, way):
    ids = take_report(archive, DATA / "journal" / name)
    assert len(ids) == mails
    for mail_id in ids:
        assert shown(archive, mail_id)["sightings"][0]["way"] == way
        # the archive's own copy of the report is not one more mail
        assert b"X-MS-Journal-Report" not in archive.raw(mail_id).split(b"\r\n\r\n")[0]


def test_a_report_that_cannot_be_read_is_archived_as_it_is_and_flagged(archive):
    path = DATA / "journal" / "undeliverable-header-only.eml"
    feed_report(archive, path)
    archive_all(archive, says=b"journal report not read, archived as it is")
    (mail_id,) = archive.find()
    assert archive.raw(mail_id) == path.read_bytes()
    came = shown(archive, mail_id)["sightings"][0]
    assert came["flags"] == "journal-unread" and not came["report"]
    archive.run("show", mail_id, "--report", status=FAILED, says="no journal report came")


def test_two_reports_of_one_mail_are_both_kept(archive):
    path = DATA / "journal" / "all-lines.eml"
    take_report(archive, path, "Q1")
    (mail_id,) = take_report(archive, path, "Q2")
    assert [s["place"] for s in shown(archive, mail_id)["sightings"]] == ["Q1", "Q2"]
    assert archive.run("show", mail_id, "--report").out.count(b"X-MS-Journal-Report") == 2


def test_reports_come_in_while_the_archiver_runs(fast):
    with running(fast):
        for n in range(20):
            feed_report(fast, DATA / "journal" / "rights-managed.eml", f"Q{n}")
    archive_all(fast)
    assert len(fast.find()) == 2
    assert all(len(shown(fast, m)["sightings"]) == 20 for m in fast.find())
