# SPDX-License-Identifier: GPL-3.0-or-later
"""What Postfix delivers is archived once, as it came, and what it does not deliver is not: with milters
beside ours, and the same with a filter behind the queue."""
import dataclasses
import os
import smtplib

import pytest
from postfix import ARCHIVE_DOMAIN, running
from sealpost import mail as plain
from test_expire import DAY, age

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Postfix wants to be started by root")

LOCAL, RELAY, BLIND = "games@local.test", "ben@relay.test", "blind@relay.test"
FORGED = "X-Sealpost-Capture: 0123456789abcdef0123456789abcdef.0123456789abcdef01234567\n"
TRACES = (b"x-sealpost-capture", b"copy.invalid")


@pytest.fixture(name="system", scope="module", params=["milters", "filter"])
def _system(request):
    with running(request.param) as system:
        yield system


def message(word, order="", body="Some text.\n", **more):
    """A mail that Postfix adds nothing to, as it goes over the wire."""
    subject = f"[{order}] {word}" if order else word
    data = plain(subject=subject, body=body, msgid=f"<{word}@example.org>", **more)
    return data.replace(b"\n", b"\r\n")


def delivered(system, word):
    """To whom, and what."""
    got = [(r.address, mail.data) for mail in system.relay.of(word) for r in mail.recipients]
    for user in ("games", "irc"):
        got += [(f"{user}@local.test", data) for data in system.postfix.mailbox(user)
                if word.encode() in data]
    return got


def must_leave_no_trace(system, word):
    for address, data in delivered(system, word):
        assert "copy.invalid" not in address and ARCHIVE_DOMAIN not in address
        # quoted or not: what a notice shows of the mail is someone's to read, too
        assert not any(trace in data.lower() for trace in TRACES), data


def must_be_archived(system, word, data, recipients, spam=False):
    """Once, bit for bit, with those recipients."""
    system.settle()
    must_leave_no_trace(system, word)
    found = system.archive.find(word)
    assert len(found) == 1, (found, system.postfix.log())
    assert system.archive.raw(found[0]) == data
    shown, = system.archived(word)
    known = {r for sighting in shown["sightings"] for r in sighting["recipients"]}
    assert known == set(recipients)
    assert system.archive.count(f"is:spam {word}") == spam
    return shown


def must_not_be_archived(system, word):
    system.settle()
    must_leave_no_trace(system, word)
    assert not system.archive.find(word) and not delivered(system, word)


# --- the table --------------------------------------------------------------------------------


@dataclasses.dataclass
class Case:
    """A mail with ORDER in its subject TO these, and what becomes of it. A field may be a pair, for the two
    topologies: milters, filter."""

    order: str = ""
    to: tuple = (LOCAL, RELAY)
    gets: object = None  # who gets the mail; None: all of TO
    known: object = None  # the recipients that the archive knows; None: the same
    code: int = 250
    spam: bool = False
    waits: bool = False  # a capture that nothing will complete stays pending
    fields: dict = dataclasses.field(default_factory=dict)


CASES = {
    "one person of this machine and one outside": Case(),
    "three people, one of them blind": Case(to=(LOCAL, RELAY, BLIND)),
    "an address with an extension": Case(to=("games+list@local.test",),
                                         gets=("games@local.test",),
                                         known=("games+list@local.test",)),
    "an alias of this machine": Case(to=("team@local.test",),
                                     gets=("games@local.test", "irc@local.test"),
                                     known=("team@local.test",)),
    "a virtual alias of two": Case(to=("both@virtual.test",),
                                   gets=(LOCAL, "out@relay.test"),
                                   known=("both@virtual.test",)),
    "a local part that holds the sign of the copies": Case(to=("a=b@relay.test",)),
    "a quoted local part": Case(to=('"a b"@relay.test',)),
    "a milter refuses it": Case("reject", gets=(), code=550, waits=True),
    "a milter has it come later": Case("tempfail", gets=(), code=451, waits=True),
    "a milter discards it": Case("discard", gets=(), waits=True),
    "a milter tags it as spam": Case("tag", spam=True),
    "a milter replaces its attachment": Case("replace"),
    "a milter refuses one recipient": Case(to=(RELAY, "refused@relay.test"), gets=(RELAY,),
                                           known=(RELAY,)),
    # The copies' addresses were made before the milter spoke: the list errs on the safe side.
    "a milter takes a recipient out": Case("delrcpt", to=(RELAY, "deleted@relay.test"), gets=(RELAY,),
                                           known=((RELAY, "deleted@relay.test"), (RELAY,))),
    "a milter adds a recipient": Case("addrcpt", to=(RELAY,), gets=(RELAY, "added@relay.test"),
                                      known=((RELAY,), (RELAY, "added@relay.test"))),
    "a forged mark does not make it spam": Case(fields={"extra": "X-Spam-Flag: YES\n"}),
    "a forged token is archived, and goes no further": Case(fields={"extra": FORGED}),
    "two forged tokens, one in capitals": Case(fields={"extra": FORGED + FORGED.upper()}),
}


def of_topology(value, system):
    """One of a pair of tuples, or the value."""
    if value and isinstance(value[0], tuple):
        return value[system.postfix.topology == "filter"]
    return value


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_mail_that_was_delivered_is_archived_once_and_no_other(system, case):
    word, before = system.word(), system.pending()
    data = message(word, case.order, **case.fields)
    code, text = 250, b""
    with system.postfix.client() as client:
        client.mail("anna@sender.test")
        taken = [to for to in case.to if client.rcpt(to)[0] == 250]
        code, text = client.data(data)
    assert code == case.code, text
    gets = taken if case.gets is None else case.gets
    if gets:
        known = of_topology(case.known, system) or gets
        must_be_archived(system, word, data, known, case.spam)
    else:
        must_not_be_archived(system, word)
    assert sorted(address for address, _ in delivered(system, word)) == sorted(gets)
    assert len(system.pending() - before) == case.waits


# --- held, released, deleted ------------------------------------------------------------------


def hold(system, word, order, subject=""):
    """Send a mail that is held; its bytes and its queue id."""
    data = message(subject + word, order)
    system.postfix.send(data, LOCAL, BLIND)
    system.settle()
    assert not system.archive.find(word) and not delivered(system, word)
    queue_id, = system.postfix.waiting_in("hold")
    return data, queue_id


@pytest.mark.parametrize("order, subject", [("hold", ""), ("", "looks bad ")],
                         ids=["by a milter", "by a header check"])
def test_a_held_mail_is_archived_when_it_is_released(system, order, subject):
    word, before = system.word(), system.pending()
    data, queue_id = hold(system, word, order, subject)
    assert len(system.pending() - before) == 1
    system.postfix.super("-H", queue_id)
    system.postfix.flush()
    must_be_archived(system, word, data, (LOCAL, BLIND))
    assert len(delivered(system, word)) == 2 and system.pending() == before


def test_a_held_mail_that_goes_through_the_queue_anew_is_archived_once(system):
    word, before = system.word(), system.pending()
    data, queue_id = hold(system, word, "hold")
    system.postfix.super("-r", queue_id)
    system.postfix.flush()
    must_be_archived(system, word, data, (LOCAL, BLIND))
    assert system.pending() == before


def test_a_held_mail_that_is_deleted_is_not_archived(system):
    word, before = system.word(), system.pending()
    _, queue_id = hold(system, word, "hold")
    system.postfix.super("-d", queue_id)
    must_not_be_archived(system, word)
    assert len(system.pending() - before) == 1


# --- other ways into Postfix ------------------------------------------------------------------


def test_a_submitted_mail_tells_who_logged_in_and_how_it_was_encrypted(system):
    word = system.word()
    data = message(word)
    system.postfix.submit(data, RELAY)
    shown = must_be_archived(system, word, data, (RELAY,))
    facts = shown["sightings"][0]
    assert (facts["login"], facts["client_addr"], facts["helo"]) == ("anna", "127.0.0.1", "laptop.test")
    assert facts["tls"].startswith("TLSv1.3 ") and facts["reverse_path"] == "anna@sender.test"


def test_what_the_mail_server_puts_on_top_is_kept_beside_the_mail(system):
    word = system.word()
    system.postfix.send(message(word), RELAY, mail_params=["BODY=8BITMIME"])
    system.settle()
    facts = system.archived(word)[0]["sightings"][0]
    assert facts["mail_params"] == "BODY=8BITMIME" and facts["queue_id"]
    line = facts["trace"][-1]
    assert line.startswith("Received: from client.test") and facts["queue_id"] in line
    assert len(facts["trace"]) == (2 if system.postfix.topology == "filter" else 1)


def test_a_program_s_mail_is_archived_with_its_blind_recipients(system):
    word, sender = system.word(), "anna@sender.test"
    text = plain(subject=word, to=RELAY, msgid=f"<{word}@x>", extra=f"Bcc: {BLIND}\n")
    system.postfix.sendmail(text, "-t", "-f", sender)
    expected = text.replace(f"Bcc: {BLIND}\n".encode(), b"").replace(b"\n", b"\r\n")
    shown = must_be_archived(system, word, expected, (RELAY, BLIND))
    assert shown["sightings"][0]["reverse_path"] == sender


@pytest.mark.parametrize("sender", ["x@foo#bar", "x@[foo bar]", "l" * 1500 + "@sender.test"],
                         ids=["a sign", "a blank", "long"])
def test_no_sender_s_address_is_too_odd(system, sender):
    if system.postfix.topology == "filter" and not sender.startswith("l"):
        pytest.skip("what comes back from the filter, Postfix holds to the grammar")
    word = system.word()
    text = plain(subject=word, msgid=f"<{word}@x>")
    system.postfix.sendmail(text, "-f", sender, RELAY)
    shown = must_be_archived(system, word, text.replace(b"\n", b"\r\n"), (RELAY,))
    assert shown["sightings"][0]["reverse_path"] == sender


def test_a_program_s_mail_without_a_sender_is_archived(system):
    word = system.word()
    text = plain(subject=word, msgid=f"<{word}@x>")
    system.postfix.sendmail(text, "-f", "<>", RELAY)
    shown = must_be_archived(system, word, text.replace(b"\n", b"\r\n"), (RELAY,))
    assert shown["sightings"][0]["reverse_path"] == ""


def test_a_program_s_mail_that_a_milter_refuses_comes_back_and_is_not_archived(system):
    word = system.word()
    text = plain(subject=f"[reject] {word}", msgid=f"<{word}@x>")
    system.postfix.sendmail(text, "-f", "anna@sender.test", RELAY)
    system.settle()
    notice, = system.relay.of(word)
    assert notice.sender == "" and notice.recipients[0].address == "anna@sender.test"
    assert not system.archive.find(f"{word} from:example.org")


# --- notices ----------------------------------------------------------------------------------


def test_a_mail_that_the_next_server_refuses_is_archived_and_the_notice_tells_nothing(system):
    word = system.word()
    data = message(word)
    system.postfix.send(data, "gone@relay.test")
    must_be_archived(system, word, data, ("gone@relay.test",))
    (address, notice), = delivered(system, word)
    assert address == "anna@sender.test" and b"gone@relay.test" in notice


def test_a_notice_of_delivery_tells_nothing_of_the_archive(system):
    word = system.word()
    data = message(word)
    system.postfix.send(data, LOCAL, rcpt_params=["NOTIFY=SUCCESS"])
    must_be_archived(system, word, data, (LOCAL,))
    notices = [got for address, got in delivered(system, word) if address == "anna@sender.test"]
    assert len(notices) == 1 and b"games@local.test" in notices[0]


# --- the archive's own domain -----------------------------------------------------------------


def test_mail_for_the_archive_s_domain_is_archived_once_and_shows_no_address_of_the_archive(system):
    word, before = system.word(), system.pending()
    data = message(word)
    system.postfix.send(data, f"Any.Thing@{ARCHIVE_DOMAIN}", sender="")
    must_be_archived(system, word, data, ())
    assert not delivered(system, word) and system.pending() == before


def test_mail_for_people_and_the_archive_s_domain_is_archived_once(system):
    word, before = system.word(), system.pending()
    data = message(word)
    system.postfix.send(data, RELAY, f"x@{ARCHIVE_DOMAIN}", LOCAL)
    must_be_archived(system, word, data, (LOCAL, RELAY))
    assert len(delivered(system, word)) == 2 and system.pending() == before


def test_nobody_can_write_to_the_addresses_of_the_copies(system):
    word = system.word()
    code, _ = system.postfix.try_to_send(message(word), ["a=b.example@copy.invalid"])
    assert code == 554
    must_not_be_archived(system, word)


def test_nobody_outside_can_write_to_the_archive_s_domain(system):
    with smtplib.SMTP("127.0.0.1", system.postfix.port, source_address=("127.0.0.2", 0)) as client:
        client.ehlo()
        client.mail("eve@outside.test")
        assert client.rcpt(f"x@{ARCHIVE_DOMAIN}")[0] == 554
        assert client.rcpt("a=b.example@copy.invalid")[0] // 100 in (4, 5)
        assert client.rcpt(LOCAL)[0] == 250


def test_the_same_mail_sent_twice_is_one_mail_with_all_its_recipients(system):
    word = system.word()
    data = message(word)
    system.postfix.send(data, LOCAL)
    system.settle()
    system.postfix.send(data, RELAY)
    shown = must_be_archived(system, word, data, (LOCAL, RELAY))
    assert len(shown["sightings"]) == 2


def test_hundreds_of_recipients_are_one_mail(system):
    word = system.word()
    data = message(word)
    many = [f"r{n}@relay.test" for n in range(300)]
    system.postfix.send(data, *many)
    must_be_archived(system, word, data, many)


def test_a_capture_stays_while_the_queue_knows_its_mail_and_goes_when_it_does_not(system):
    def expire():
        command = f"/usr/sbin/postqueue -c {system.postfix.etc} -j"
        system.archive.run("spool", "expire", "--postqueue", command, talks=True)
        return {path for path in folder.iterdir() if path in aged}

    word, folder = system.word(), system.archive.path / "spool" / "pending"
    before = system.pending()
    assert system.postfix.try_to_send(message(word, "reject"), [RELAY])[0] == 550
    rejected, = system.pending() - before
    _, queue_id = hold(system, word, "hold")
    held, = system.pending() - before - {rejected}
    aged = {name: age(folder / name, 40 * DAY) for name in (rejected, held)}
    aged_held, aged = aged[held], set(aged.values())
    assert expire() == {aged_held}
    system.postfix.super("-d", queue_id)
    assert not expire()
