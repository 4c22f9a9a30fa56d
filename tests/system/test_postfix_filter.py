# SPDX-License-Identifier: GPL-3.0-or-later
"""What a filter behind Postfix's queue lets through is archived as it came, to whom it let it through."""
import os

import pytest
from filters import REPLACED
from postfix import running, wait_until
from test_postfix_milters import (BLIND, FORGED, LOCAL, RELAY, delivered, message, must_be_archived,
                                  must_not_be_archived)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Postfix wants to be started by root")


@pytest.fixture(name="system", scope="module")
def _system():
    with running("filter") as system:
        yield system


def send(system, order, *recipients, **more):
    """A mail's word, its bytes, and what was pending before it."""
    word, before = system.word(), system.pending()
    data = message(word, order, **more)
    system.postfix.send(data, *recipients)
    return word, data, before


def test_a_mail_that_the_filter_refuses_is_not_archived_and_its_sender_is_told(system):
    word, _, before = send(system, "refuse", RELAY)
    system.settle()
    (address, notice), = delivered(system, word)
    assert address == "anna@sender.test" and b"550 5.7.1 not this one" in notice
    assert not system.archive.find(word) and len(system.pending() - before) == 1


def test_a_mail_that_the_filter_drops_is_not_archived(system):
    word, _, before = send(system, "drop", RELAY)
    must_not_be_archived(system, word)
    assert len(system.pending() - before) == 1


def test_a_mail_in_quarantine_is_archived_when_it_is_released(system):
    word, data, before = send(system, "quarantine", LOCAL, BLIND)
    must_not_be_archived(system, word)
    system.filter.release()
    must_be_archived(system, word, data, (LOCAL, BLIND))
    assert len(delivered(system, word)) == 2 and system.pending() == before


def test_a_late_release_whose_capture_is_gone_archives_the_copy(system):
    word, data, before = send(system, "quarantine", LOCAL)
    system.settle()
    capture, = system.pending() - before
    system.archive.run("spool", "drop", capture)
    system.filter.release()
    system.settle()
    shown, = system.archived(word)
    assert shown["sightings"][0]["recipients"] == [LOCAL]
    raw = system.archive.raw(shown["id"])
    assert raw.endswith(data.partition(b"\r\n\r\n")[2]) and b"X-Sealpost" not in raw


def test_a_mail_that_is_split_by_recipient_is_one_mail_with_all_of_them(system):
    word, data, before = send(system, "split", LOCAL, RELAY, BLIND)
    must_be_archived(system, word, data, (LOCAL, RELAY, BLIND))
    assert len(delivered(system, word)) == 3 and system.pending() == before


def test_what_one_gets_now_and_another_later_is_archived_at_once_and_shows_both_in_the_end(system):
    word, data, before = send(system, "half", RELAY, BLIND)
    must_be_archived(system, word, data, (RELAY,))
    system.filter.release()
    must_be_archived(system, word, data, (RELAY, BLIND))
    assert len(delivered(system, word)) == 2 and system.pending() == before


def test_a_filter_that_strips_the_token_hinders_nothing(system):
    word, data, before = send(system, "strip", LOCAL, RELAY, extra="X-Mine: kept\n")
    must_be_archived(system, word, data, (LOCAL, RELAY))
    assert b"X-Mine" not in delivered(system, word)[0][1] and system.pending() == before


def test_the_filter_s_mark_makes_it_spam(system):
    word, data, _ = send(system, "mark", LOCAL)
    must_be_archived(system, word, data, (LOCAL,), spam=True)


def test_a_forged_mark_that_the_filter_leaves_in_does_not(system):
    word, data, _ = send(system, "", LOCAL, extra="X-Spam-Flag: YES\n")
    must_be_archived(system, word, data, (LOCAL,))


def test_an_attachment_that_the_filter_takes_out_is_in_the_archive(system):
    word, data, _ = send(system, "cut", RELAY)
    must_be_archived(system, word, data, (RELAY,))
    assert delivered(system, word)[0][1].endswith(REPLACED)


def test_a_token_forged_into_a_mail_that_is_stripped_and_split_reaches_nobody(system):
    word, data, before = send(system, "split", RELAY, BLIND, extra=FORGED + FORGED.swapcase())
    must_be_archived(system, word, data, (RELAY, BLIND))
    assert system.pending() == before


def test_mail_waits_for_a_filter_that_is_away(system):
    with system.filter.away():
        word, data, before = send(system, "", RELAY)
        wait_until(lambda: system.postfix.waiting_in("deferred"), system.postfix.log)
        assert len(system.pending() - before) == 1
    system.postfix.flush()
    must_be_archived(system, word, data, (RELAY,))


def test_mail_waits_for_a_binder_that_is_away(system):
    word, data, before = send(system, "quarantine", RELAY)
    system.settle()
    with system.milter.down(), pytest.raises(ConnectionError, match="4.7.1"):
        system.filter.release()
    assert len(system.pending() - before) == 1 and not delivered(system, word)
    system.filter.release()
    must_be_archived(system, word, data, (RELAY,))
