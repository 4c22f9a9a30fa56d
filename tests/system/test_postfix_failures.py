# SPDX-License-Identifier: GPL-3.0-or-later
"""When a part of the archive is away, no mail is delivered that is not archived in the end, and people's
mail waits for nothing that is not needed."""
import contextlib
import os
import signal

import pytest
from postfix import running, wait_until
from sealpost import mail as plain
from serve import children
from sink import Sink
from test_postfix_milters import (BLIND, LOCAL, RELAY, delivered, message, must_be_archived,
                                  must_leave_no_trace)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Postfix wants to be started by root")


@pytest.fixture(name="system", scope="module", params=["milters", "filter"])
def _system(request):
    with running(request.param) as system:
        yield system


def send(system, *recipients):
    word = system.word()
    data = message(word)
    system.postfix.send(data, *recipients)
    return word, data


def must_reach(system, word, n):
    """People have it, and the archive's copy waits."""
    wait_until(lambda: len(delivered(system, word)) == n, system.postfix.log)
    wait_until(lambda: system.postfix.waiting_in("deferred", "active"), system.postfix.log)
    assert not system.archive.find(word)


def arrives_late(system, sent):
    """All that was sent meanwhile is archived now."""
    system.postfix.flush()
    for word, data in sent:
        must_be_archived(system, word, data, (LOCAL, BLIND))
    assert not system.postfix.waiting_in("deferred", "active")


# --- the way into the archive -----------------------------------------------------------------


def test_people_get_their_mail_while_the_archive_s_door_is_closed(system):
    before = system.pending()
    with system.smtpd.down():
        sent = [send(system, LOCAL, BLIND) for _ in range(10)]
        for word, _ in sent:
            must_reach(system, word, 2)
        assert len(system.pending() - before) == len(sent)
    arrives_late(system, sent)
    assert system.pending() == before


@contextlib.contextmanager
def frozen(pid):
    """A process and its children that neither work nor go."""
    pids = [pid, *children(pid)]
    for one in pids:
        os.kill(one, signal.SIGSTOP)
    yield
    for one in reversed(pids):
        os.kill(one, signal.SIGCONT)


def test_people_get_their_mail_while_the_archive_answers_nothing(system):
    with frozen(system.smtpd.process.pid):
        sent = [send(system, LOCAL, BLIND) for _ in range(3)]
        for word, _ in sent:
            must_reach(system, word, 2)
    arrives_late(system, sent)


@contextlib.contextmanager
def setting(system, door, line):
    """A door with another setting for a while."""
    path = system.archive.path / f"{door.name}.conf"
    text = path.read_text()
    door.stop()
    path.write_text(f"{text}{line}\n")
    door.start()
    yield
    with door.down():
        path.write_text(text)


def test_a_full_disk_at_the_archive_s_door_loses_nothing_and_holds_nobody_up(system):
    with setting(system, system.smtpd, "reserve_bytes = 1000000000000000"):
        sent = [send(system, LOCAL, BLIND)]
        # to complete a capture may take no space: then it was done even now
        wait_until(lambda: len(delivered(system, sent[0][0])) == 2, system.postfix.log)
    arrives_late(system, sent)
    refusals = [line for line in system.postfix.log().splitlines() if "dsn=5" in line and "lmtp" in line]
    assert not refusals


class Refusing(Sink):
    """An archive that says what ours never does."""

    def mail(self, mail):
        self.mails.append(mail)
        return "550 5.0.0 never"


def test_not_even_a_refusal_by_the_archive_is_told_to_anybody(system):
    word, before = system.word(), system.pending()
    with system.smtpd.down():
        path = system.postfix.sockets / "lmtp.sock"
        path.unlink(missing_ok=True)
        with Refusing(path, lmtp=True) as refusing:
            path.chmod(0o666)
            system.postfix.send(message(word), LOCAL, BLIND)
            wait_until(lambda: refusing.of(word), system.postfix.log)
            wait_until(lambda: not system.postfix.has_work(), system.postfix.log)
        path.unlink()
    recipients = refusing.of(word)[0].recipients
    assert len(recipients) == 3 and all("NOTIFY=NEVER" in to.params for to in recipients)
    system.settle()
    must_leave_no_trace(system, word)
    assert len(delivered(system, word)) == 2  # and no notice
    assert len(system.pending() - before) == 1  # what was lost is still here


# --- the capture ------------------------------------------------------------------------------


def test_mail_waits_at_its_sender_while_the_capture_is_away(system):
    word = system.word()
    with system.milter.down():
        code, _ = system.postfix.try_to_send(message(word), [RELAY])
        assert code == 451
    system.settle()
    assert not system.archive.find(word) and not delivered(system, word)
    system.postfix.send(message(word), RELAY)
    must_be_archived(system, word, message(word), (RELAY,))


def test_a_program_s_mail_waits_in_the_maildrop_while_the_capture_is_away(system):
    word = system.word()
    text = plain(subject=word, msgid=f"<{word}@x>")
    with system.milter.down():
        system.postfix.sendmail(text, "-f", "anna@sender.test", RELAY)
        wait_until(lambda: system.postfix.waiting_in("maildrop"), system.postfix.log)
        assert not delivered(system, word)
    system.postfix.sendmail(plain(subject="another", msgid=f"<another{word}@x>"), RELAY)  # wakes pickup
    must_be_archived(system, word, text.replace(b"\n", b"\r\n"), (RELAY,))


def test_a_full_disk_at_the_capture_has_mail_come_later(system):
    word = system.word()
    with setting(system, system.milter, "reserve_bytes = 1000000000000000"):
        code, text = system.postfix.try_to_send(message(word), [RELAY])
        assert code // 100 == 4, text
    system.postfix.send(message(word), RELAY)
    must_be_archived(system, word, message(word), (RELAY,))


@contextlib.contextmanager
def begun(postfix):
    """A mail up to DATA, as soon as the capture is there again: a session that missed it goes on without."""
    with contextlib.ExitStack() as stack:
        def is_taken():
            stack.close()
            client = stack.enter_context(postfix.client())
            got = client.mail("anna@sender.test")[0] == 250 and client.rcpt(RELAY)[0] == 250
            return client if got else None

        client = wait_until(is_taken)
        assert client.docmd("DATA")[0] == 354
        yield client


def test_a_capture_that_is_killed_never_leaves_a_delivered_mail_unarchived(system):
    taken = {}
    for kill in range(20):
        word = system.word()
        data = message(word, body="Some text.\n" * 2000)
        with begun(system.postfix) as client:
            half = len(data) * kill // 20
            client.send(data[:half])
            for victim in children(system.milter.process.pid):
                os.kill(victim, signal.SIGKILL)
            client.send(data[half:] + b".\r\n")
            code, text = client.getreply()
        assert code in (250, 451), text
        if code == 250:
            taken[word] = data
    for word, data in taken.items():
        must_be_archived(system, word, data, (RELAY,))


@contextlib.contextmanager
def letting_through(postfix):
    """Set up by an administrator who would rather deliver than wait."""
    path = postfix.etc / "main.cf"
    text = path.read_text()
    path.write_text(text.replace("capture.sock, default_action=tempfail",
                                 "capture.sock, default_action=accept"))
    postfix.run("/usr/sbin/postfix", "reload")
    yield
    path.write_text(text)
    postfix.run("/usr/sbin/postfix", "reload")


def test_what_was_let_through_without_a_capture_is_archived_as_it_was_delivered(system):
    with letting_through(system.postfix):
        with system.milter.down():
            word, data = send(system, LOCAL, BLIND)
        system.postfix.flush()  # behind a filter it had to wait for the binder
        system.settle()
    shown, = system.archived(word)
    assert {to for s in shown["sightings"] for to in s["recipients"]} == {LOCAL, BLIND}
    raw = system.archive.raw(shown["id"])
    assert raw.endswith(data) and b"\tby mail.test (Postfix)" in raw and len(delivered(system, word)) == 2
