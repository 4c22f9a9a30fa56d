# SPDX-License-Identifier: GPL-3.0-or-later
"""What SpamAssassin and amavisd really do to mail, and what is archived of it. They take their time, so these
tests run only when they are asked for: CONTRIBUTING.md tells how."""
import os
import pathlib

import pytest
from postfix import running, wait_until
from real_filters import AMAVISD, GTUBE, LOVER, SPAMASS_MILTER, SPAMD, SPAMMY, WithAmavis, WithSpamAssassin
from test_postfix_milters import (BLIND, LOCAL, RELAY, delivered, message, must_be_archived,
                                  must_not_be_archived)

HOW = ("left out: the tests with real filters (spamass-milter, spamd, amavisd); to run them as root: "
       "package/deps --tests --slow; SEALPOST_SLOW=1 make test T=tests/system/test_postfix_real.py")
THERE = all(pathlib.Path(program).exists() for program in (SPAMD, SPAMASS_MILTER, AMAVISD))
WANTED = os.environ.get("SEALPOST_SLOW") == "1" and os.geteuid() == 0 and THERE
# Not skipif: pytest says this once, and that for each test.
pytestmark = [] if WANTED else pytest.mark.skip(reason=HOW)

RENAMED = b"Subject: ***SPAM***"
# What begins as a program for Windows does.
EXECUTABLE = """--b
Content-Type: text/plain

See the attachment.
--b
Content-Type: application/octet-stream; name="setup.exe"
Content-Disposition: attachment; filename="setup.exe"
Content-Transfer-Encoding: base64

TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAA=
--b--
"""


def with_executable(word):
    kind, own = b"Content-Type: text/plain; charset=utf-8", b"Content-Type: multipart/mixed; boundary=b"
    return message(word, body=EXECUTABLE, extra="MIME-Version: 1.0\n").replace(kind, own)


# --- spamass-milter ---------------------------------------------------------------------------


@pytest.fixture(name="milters", scope="module")
def _milters():
    with running("milters", kind=WithSpamAssassin) as system:
        yield system


def test_spamassassin_marks_nothing_on_a_harmless_mail(milters):
    word = milters.word()
    data = message(word)
    milters.postfix.send(data, LOCAL, RELAY)
    must_be_archived(milters, word, data, (LOCAL, RELAY))
    assert all(b"X-Spam-Checker-Version: SpamAssassin" in got for _, got in delivered(milters, word))


def test_what_spamassassin_tags_is_archived_as_it_came_and_marked(milters):
    word = milters.word()
    data = message(word, body=f"{SPAMMY}\n")
    milters.postfix.send(data, LOCAL, BLIND)
    must_be_archived(milters, word, data, (LOCAL, BLIND), spam=True)
    for _, got in delivered(milters, word):
        assert b"X-Spam-Flag: YES" in got and RENAMED in got and b"Spam detection software" in got


def test_what_spamassassin_refuses_is_not_archived(milters):
    word, before = milters.word(), milters.pending()
    code, text = milters.postfix.try_to_send(message(word, body=f"{GTUBE}\n"), [LOCAL])
    assert code == 550, text
    must_not_be_archived(milters, word)
    assert len(milters.pending() - before) == 1


def test_a_forged_mark_is_taken_out_by_spamassassin_and_does_not_count(milters):
    word = milters.word()
    data = message(word, extra="X-Spam-Flag: YES\n")
    milters.postfix.send(data, LOCAL)
    must_be_archived(milters, word, data, (LOCAL,))
    assert not any(b"X-Spam-Flag" in got for _, got in delivered(milters, word))


# --- amavisd ----------------------------------------------------------------------------------


@pytest.fixture(name="amavis", scope="module")
def _amavis():
    with running("filter", kind=WithAmavis) as system:
        yield system


def quarantined(system, data, *recipients):
    """Send a mail; its name in amavisd's quarantine, and what was pending before it."""
    before, pending = system.filter.quarantine(), system.pending()
    system.postfix.send(data, *recipients)
    name, = wait_until(lambda: system.filter.quarantine() - before, system.filter.said)
    system.settle()
    return name, pending


def test_a_harmless_mail_passes_amavis_and_is_archived(amavis):
    word, before = amavis.word(), amavis.pending()
    data = message(word)
    amavis.postfix.send(data, LOCAL, RELAY, BLIND)
    must_be_archived(amavis, word, data, (LOCAL, RELAY, BLIND))
    assert len(delivered(amavis, word)) == 3 and amavis.pending() == before


def test_what_amavis_tags_is_archived_as_it_came_and_marked(amavis):
    word = amavis.word()
    data = message(word, body=f"{SPAMMY}\n")
    amavis.postfix.send(data, LOCAL, RELAY)
    must_be_archived(amavis, word, data, (LOCAL, RELAY), spam=True)
    assert all(b"X-Spam-Flag: YES" in got and RENAMED in got for _, got in delivered(amavis, word))


def test_a_forged_mark_does_not_count_behind_amavis(amavis):
    word = amavis.word()
    data = message(word, extra="X-Spam-Flag: YES\n")
    amavis.postfix.send(data, LOCAL)
    must_be_archived(amavis, word, data, (LOCAL,))


@pytest.mark.parametrize("what", ["spam", "banned"])
def test_what_amavis_keeps_is_archived_when_it_is_released(amavis, what):
    word = amavis.word()
    data = message(word, body=f"{GTUBE}\n") if what == "spam" else with_executable(word)
    name, before = quarantined(amavis, data, LOCAL, BLIND)
    assert name.startswith(what)
    must_not_be_archived(amavis, word)
    assert len(amavis.pending() - before) == 1
    amavis.filter.release(name)
    must_be_archived(amavis, word, data, (LOCAL, BLIND))
    assert len(delivered(amavis, word)) == 2 and amavis.pending() == before


def test_a_late_release_from_amavis_whose_capture_is_gone_archives_the_copy(amavis):
    word = amavis.word()
    data = message(word, body=f"{GTUBE}\n")
    name, before = quarantined(amavis, data, LOCAL)
    capture, = amavis.pending() - before
    amavis.archive.run("spool", "drop", capture)
    amavis.filter.release(name)
    amavis.settle()
    shown, = amavis.archived(word)
    assert shown["sightings"][0]["recipients"] == [LOCAL]
    raw = amavis.archive.raw(shown["id"])
    assert raw.endswith(data.partition(b"\r\n\r\n")[2]) and b"X-Sealpost" not in raw


def test_what_one_gets_and_amavis_keeps_from_another_is_archived_at_once_and_shows_both_in_the_end(amavis):
    word = amavis.word()
    data = message(word, body=f"{GTUBE}\n")
    name, before = quarantined(amavis, data, LOVER, LOCAL)
    must_be_archived(amavis, word, data, (LOVER,), spam=True)
    amavis.filter.release(name)
    must_be_archived(amavis, word, data, (LOVER, LOCAL), spam=True)
    assert amavis.pending() == before
    assert {address for address, _ in delivered(amavis, word)} == {LOVER, LOCAL}
