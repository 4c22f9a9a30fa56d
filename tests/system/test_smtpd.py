# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail reaches the archive by SMTP and LMTP: what is answered with 250 is there, as it was, and nothing else."""
import contextlib
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import pytest
from ports import free_port
from sealpost import FAILED, TIMEOUT_S, USAGE
from smtp import DOMAIN, Client, Smtpd, certificate, login, plain, token
from test_archiver import archive_all, poll, waiting
from test_milter import running as capturing

MAIL = (b"From: anna@example.org\r\nTo: ben@example.com\r\nSubject: a letter\r\n"
        b"Message-ID: <1@example.org>\r\nDate: Mon, 5 Feb 2024 10:00:00 +0100\r\n\r\neveryword\r\n")
# Of "correct horse", by mkpasswd -m yescrypt.
HASH = "$y$j9T$5zpgTHZcMBBGOxZ8v0cTk.$fuiPdCyn5s4LpJjXfX4YM5kzfxqYMTtzCKmxnFVkIU7"


@pytest.fixture(name="smtpd")
def _smtpd(archive):
    with Smtpd(archive) as smtpd:
        yield smtpd


@pytest.fixture(name="open_smtpd")
def _open_smtpd(archive):
    """One that takes mail for everybody."""
    with Smtpd(archive, accept_all="yes") as smtpd:
        yield smtpd


@pytest.fixture(name="secure")
def _secure(archive, folder):
    """One that wants a log-in from everybody."""
    cert, key = certificate(folder)
    users = folder / "users"
    users.write_text(f"anna:{HASH}\n")
    with Smtpd(archive, network="192.0.2.1", tls_cert=cert, tls_key=key, auth_file=users,
               accept_all="yes") as smtpd:
        yield smtpd


def envelopes(archive, state="ready"):
    return [archive.json("spool", "show", f.name)[0] for f in sorted(waiting(archive, state))]


def only_envelope(archive):
    (envelope,) = envelopes(archive)
    return envelope


def archived(archive):
    """The bytes of the one mail that the spool holds."""
    archive_all(archive)
    return archive.raw(archive.one(""))


# --- what is taken, and as what ---------------------------------------------------------------


def test_a_mail_for_the_archive_s_domain_is_there_bit_for_bit(archive, smtpd):
    with smtpd.smtp() as c:
        c.mail(MAIL + b"..dot\r\n \t\r\nno\x00thing\xff\r\n", f"Any.Thing@{DOMAIN.upper()}")
        assert c.say("QUIT")[0] == 221
        assert c.is_closed()
    envelope = only_envelope(archive)
    assert (envelope["door"], envelope["reverse_path"]) == ("smtp", "anna@example.org")
    assert (envelope["client_addr"], envelope["helo"]) == ("127.0.0.1", "client.example")
    assert envelope["recipients"] == []  # the archive's own address is none
    assert archived(archive) == MAIL + b".dot\r\n \t\r\nno\x00thing\xff\r\n"


def test_mail_for_others_is_not_taken(smtpd):
    with smtpd.smtp() as c:
        c.say("MAIL FROM:<a@b>")
        code, text = c.say("RCPT TO:<ben@example.com>")
        assert code == 550 and text.startswith("5.7.1")
        assert c.says("RCPT TO:<postmaster>", "RCPT TO:<x@sub.archive.example>") == [250, 550]


def test_recipients_are_kept_as_they_were_given(archive, open_smtpd):
    with open_smtpd.smtp() as c:
        c.mail(MAIL, "Ben@example.com", '"a b"@[192.0.2.1]', "@route.example:carl@example.com",
               f"x@{DOMAIN}")
    assert only_envelope(archive)["recipients"] == ["Ben@example.com", '"a b"@[192.0.2.1]',
                                                    "carl@example.com"]


def test_a_door_of_another_user_works_and_has_neither_key_nor_catalog(archive):
    """As docs/INTAKE.md sets it up: the common group is the door's."""
    door = pwd.getpwnam("backup")
    spool = archive.path / "spool"
    archive.path.parent.chmod(0o755)
    os.chown(archive.path, 0, door.pw_gid)
    archive.path.chmod(0o710)
    shutil.rmtree(spool, ignore_errors=True)
    spool.mkdir()
    os.chown(spool, 0, door.pw_gid)
    spool.chmod(0o2770)
    with Smtpd(archive, user=door.pw_name) as smtpd:
        with smtpd.smtp() as c:
            c.mail(MAIL)
            (worker, *_) = smtpd.children()
            assert os.stat(f"/proc/{worker}/fd").st_uid in (0, door.pw_uid)
            status = pathlib.Path(f"/proc/{worker}/status").read_text()
        assert re.search(r"^Uid:" + f"\t{door.pw_uid}" * 4 + "$", status, re.M), status
        (entry,) = waiting(archive)
        assert (entry.stat().st_uid, entry.stat().st_mode & 0o777) == (door.pw_uid, 0o660)
    archived(archive)
    names = [f.name for f in archive.path.iterdir() if f.is_file()]
    assert {"archive.key", "catalog.db", "index.db", "spool.pub"} <= set(names)
    for name in names:
        read = subprocess.run(
            ["cat", archive.path / name], user=door.pw_uid, group=door.pw_gid, extra_groups=[],
            capture_output=True)
        assert (read.returncode == 0) == (name in ("spool.pub", "smtpd.conf")), name


def test_a_client_from_elsewhere_is_refused(archive):
    with Smtpd(archive, network="192.0.2.0/24") as smtpd, smtpd.smtp() as c:
        code, text = c.say("MAIL FROM:<a@b>")
        assert code == 550 and text.startswith("5.7.1")


def test_settings_with_a_mistake_are_told_with_their_line(archive):
    def says(conf, *args):
        (archive.path / "smtpd.conf").write_text(conf)
        done = subprocess.run([archive.binary + "-smtpd", "--archive", str(archive.path), *args],
                              capture_output=True, timeout=TIMEOUT_S, check=False)
        return done.returncode, done.stderr.decode()

    status, text = says("user =\nlisten = smtp 127.0.0.1:1\nmax_errors = 0\n")
    assert status == FAILED and "smtpd.conf line 3: max_errors" in text
    status, text = says("")
    assert status == FAILED and "listen is not set" in text
    assert says("", "--bogus")[0] == USAGE


def test_the_dialogue_in_all_its_turns(smtpd):
    with smtpd.smtp(hello=False) as c:
        assert c.says("MAIL FROM:<a@b>", "EHLO", "EHLO  ", "HELO client") == [503, 501, 501, 250]
        code, text = c.say("EHLO client.example")
        assert code == 250 and text.splitlines()[0] == "mx.example"
        words = {line.split()[0] for line in text.splitlines()[1:]}
        assert words == {"PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING",
                         "SIZE"}
        assert c.says("RCPT TO:<x@y>", "DATA", "STARTTLS", "AUTH PLAIN =") == [503, 503, 503, 502]
        assert c.says("VRFY x", "EXPN x", "HELP", "NOOP x y", "RSET") == [252, 502, 214, 250, 250]
        assert c.says("LHLO x", "XFORWARD NAME=x", "TURN") == [500, 500, 500]
        assert c.says("MAIL FROM:<a@b>", "MAIL FROM:<a@b>", "DATA") == [250, 503, 503]


def test_addresses_and_parameters_are_held_to_their_grammar(archive):
    with Smtpd(archive, accept_all="yes", max_errors=1000) as smtpd, smtpd.smtp() as c:
        for wrong in ("MAIL", "MAIL <a@b>", "MAIL FROM:a@b", "MAIL FROM:<a@b", "MAIL FROM:<a b@c>",
                      "MAIL FROM:<a@b> SIZE=x", "MAIL FROM:<a@b> BODY=BINARYMIME",
                      "MAIL FROM:<a@b> =", "MAIL FROM:<a@b>SIZE=1"):
            assert c.say(wrong)[0] == 501, wrong
        assert c.say("MAIL FROM:<a@b> BOGUS=1")[0] == 555
        assert c.say("MAIL FROM:<m\u00fcller@b>")[0] == 553
        assert c.says("mail from: <m\u00fcller@b> SMTPUTF8 size=9 body=8bitmime RET=HDRS ENVID=x",
                      "RCPT TO:<>", "RCPT TO:<a@b> BOGUS", "RCPT TO:<a@b> NOTIFY=",
                      "rcpt to:<k\u00e4the@b\u00fc.example> NOTIFY=NEVER ORCPT=utf-8;k") == [
                          250, 501, 555, 501, 250]
        assert c.data(MAIL)[0][0] == 250
        envelope = only_envelope(archive)
        assert envelope["recipients"] == ["k\u00e4the@b\u00fc.example"]
        assert envelope["reverse_path"] == "m\u00fcller@b"


def test_everything_at_once_is_answered_in_order(archive, smtpd):
    with smtpd.smtp(hello=False) as c:
        one = f"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<x@{DOMAIN}>\r\nDATA\r\n"
        c.send("EHLO c\r\n" + one + MAIL.decode() + ".\r\n" + one + MAIL.decode() + ".\r\nQUIT\r\n")
        assert [c.reply()[0] for _ in range(12)] == [250] + 2 * [250, 550, 250, 354, 250] + [221]
        assert c.is_closed()
    assert len(waiting(archive)) == 2


def test_rset_hello_and_hanging_up_leave_nothing(archive, smtpd):
    with smtpd.smtp() as c:
        c.begin()
        assert c.says("RSET", "DATA") == [250, 503]
        c.begin()
        assert c.says("EHLO again", "DATA") == [250, 503]
        c.begin()
        assert c.say("DATA")[0] == 354
        c.send(MAIL)
    with smtpd.smtp() as c:
        c.mail(MAIL)
    assert len(waiting(archive)) == 1


# --- where a mail ends ------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r",
                                 b"\n\n.\r\n", b"\r\r\n.\r\r\n", b"\r\n\x00.\r\n"])
def test_no_end_but_the_right_one_smuggles_a_second_mail(archive, open_smtpd, end):
    inner = b"MAIL FROM:<evil@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nevil\r\n"
    with open_smtpd.smtp() as c:
        c.begin("c@d")
        code, text = c.data(MAIL + b"x" + end + inner)[0]
        bare = b"\x00" not in end
        assert (code, text[:5]) == ((550, "5.5.2") if bare else (250, "2.0.0"))
        assert len(waiting(archive)) == (0 if bare else 1)
        assert c.say("NOOP")[0] == 250  # and both still agree where they are


def test_lone_line_ends_are_kept_as_they_are_where_that_is_set(archive):
    with Smtpd(archive, bare_newline="yes") as smtpd, smtpd.smtp() as c:
        c.mail(MAIL + b"a\n.\nb\rc\r\n")
        c.send("NOOP\n")
        assert c.reply()[0] == 250
    assert archived(archive) == MAIL + b"a\n.\nb\rc\r\n"


@pytest.mark.parametrize("line", [b"NOOP\n", b"NOOP\rNOOP\r\n", b"NO\x00OP\r\n", b"NOOP\r\r\n"])
def test_a_command_with_a_lone_line_end_ends_the_connection(smtpd, line):
    with smtpd.smtp() as c:
        c.send(line)
        code, text = c.reply()
        assert code == 500 and text.startswith("5.5.2")
        assert c.is_closed()


def test_a_line_that_is_too_long_is_passed_over(smtpd):
    with smtpd.smtp() as c:
        c.send(b"NOOP " + b"x" * 100000 + b"\r\nNOOP\r\n")
        assert [c.reply()[0], c.reply()[0]] == [500, 250]


# --- BDAT -------------------------------------------------------------------------------------


def chunks(mail, size):
    parts = [mail[i:i + size] for i in range(0, len(mail), size)]
    return b"".join(b"BDAT %d\r\n%s" % (len(p), p) for p in parts), len(parts)


@pytest.mark.parametrize("size", [1, 7, 64, 100000])
def test_chunks_of_any_size_are_the_same_mail(archive, smtpd, size):
    mail = MAIL + b".\r\n.\r\nlone\nline ends\r and no last one"
    stream, n = chunks(mail, size)
    with smtpd.smtp() as c:
        c.begin()
        c.send(stream + b"BDAT 0 LAST\r\nNOOP\r\n")
        assert {c.reply()[0] for _ in range(n + 2)} == {250}
    assert archived(archive) == mail


def test_a_chunk_that_is_refused_is_no_command(archive, smtpd):
    with smtpd.smtp() as c:
        c.send("BDAT 6\r\nRSET\r\nNOOP\r\n")
        assert [c.reply()[0], c.reply()[0]] == [503, 250]
        c.say("MAIL FROM:<a@b>")
        c.send("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
        assert [c.reply()[0], c.reply()[0]] == [503, 250]
        assert c.say(f"RCPT TO:<x@{DOMAIN}>")[0] == 250
        c.send("BDAT 3\r\nabc")
        assert c.reply()[0] == 250
        assert c.says("DATA", f"RCPT TO:<x@{DOMAIN}>") == [503, 503]
    with smtpd.smtp() as c:
        assert c.say("BDAT 99999999999999999999")[0] == 501
        assert c.is_closed()
    assert not waiting(archive)


def test_chunks_behind_one_that_is_too_much_are_drained(archive):
    with Smtpd(archive, max_mail_bytes=65536) as smtpd, smtpd.smtp() as c:
        c.begin()
        c.send(b"BDAT 70000\r\n" + 7000 * b"RSET\r\nxx\r\n" + b"BDAT 6\r\nQUIT\r\n"
               b"BDAT 2 LAST\r\n\r\n")
        replies = [c.reply() for _ in range(3)]
        assert {(code, text[:5]) for code, text in replies} == {(552, "5.3.4")}
        c.mail(MAIL)
    assert len(waiting(archive)) == 1


# --- TLS and log-in ---------------------------------------------------------------------------


def test_a_user_logs_in_over_tls_and_his_name_is_kept(archive, secure):
    with secure.smtp() as c:
        assert "STARTTLS" in c.say("EHLO c")[1] and "AUTH" not in c.say("EHLO c")[1]
        assert c.say("AUTH PLAIN " + plain("anna", "correct horse"))[0] == 538
        assert c.say("MAIL FROM:<a@b>")[0] == 530
        c.start_tls()
        assert c.say("MAIL FROM:<a@b>")[0] == 503  # what was said in clear is forgotten
        text = c.say("EHLO c")[1]
        assert "AUTH PLAIN LOGIN" in text and "STARTTLS" not in text
        assert c.says("STARTTLS", "MAIL FROM:<a@b>") == [503, 530]
        assert c.say("AUTH PLAIN " + plain("anna", "correct horse"))[0] == 235
        assert c.say("AUTH PLAIN " + plain("anna", "correct horse"))[0] == 503
        c.mail(MAIL, "ben@example.com")
    assert only_envelope(archive)["login"] == "anna"


def test_log_in_by_steps_and_its_mistakes(secure):
    with secure.smtp() as c:
        c.start_tls()
        c.say("EHLO c")
        assert c.says("AUTH LOGIN", login("anna"), login("correct horse")) == [334, 334, 235]
    with secure.smtp() as c:
        c.start_tls()
        c.say("EHLO c")
        assert c.says("AUTH PLAIN", "*", "AUTH CRAM-MD5", "AUTH PLAIN !!!!") == [334, 501, 504, 501]
        assert c.says("AUTH PLAIN =", "AUTH PLAIN", plain("anna", "correct horse")) == [501, 334,
                                                                                        235]


def test_wrong_passwords_end_the_connection(secure):
    with secure.smtp() as c:
        c.start_tls()
        c.say("EHLO c")
        assert c.says("AUTH PLAIN " + plain("anna", "wrong"), "AUTH PLAIN " + plain("nobody", "x"),
                      "AUTH PLAIN " + plain("anna", "")) == [535, 535, 421]
        assert c.is_closed()


def test_what_comes_in_clear_behind_starttls_is_refused(archive, secure):
    with secure.smtp() as c:
        c.send("STARTTLS\r\nMAIL FROM:<evil@b>\r\n")
        assert c.reply()[0] == 554
        assert c.is_closed()
    assert not waiting(archive)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_and_what_is_no_tls_get_nowhere(secure):
    with secure.smtp() as c, pytest.raises((ssl.SSLError, ConnectionError)):
        c.start_tls(minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
    with secure.smtp() as c:
        assert c.say("STARTTLS")[0] == 220
        c.send("MAIL FROM:<evil@b>\r\n")
        with contextlib.suppress(EOFError, ConnectionError, AssertionError):
            while c.sock.recv(100):
                pass
    with secure.smtp() as c:
        c.start_tls(minimum_version=ssl.TLSVersion.TLSv1_2,
                    maximum_version=ssl.TLSVersion.TLSv1_2)
        assert c.say("EHLO c")[0] == 250


# --- limits -----------------------------------------------------------------------------------


def test_a_mail_that_is_too_large_is_refused_before_and_after_its_bytes(archive):
    with Smtpd(archive, max_mail_bytes=65536) as smtpd, smtpd.smtp() as c:
        code, text = c.say("MAIL FROM:<a@b> SIZE=65537")
        assert code == 552 and text.startswith("5.3.4") and "max_mail_bytes" in text
        c.begin(params=" SIZE=10")
        assert c.data(1000 * (b"x" * 70 + b"\r\n"))[0][0] == 552
        c.mail(MAIL)
    assert len(waiting(archive)) == 1


def test_ten_thousand_recipients_are_taken_and_then_no_more(archive):
    with Smtpd(archive, accept_all="yes") as smtpd, smtpd.smtp() as c:
        assert c.say("MAIL FROM:<a@b>")[0] == 250
        for i in range(0, 10000, 100):
            c.send("".join(f"RCPT TO:<user{n}@example.com>\r\n" for n in range(i, i + 100)))
            assert {c.reply()[0] for _ in range(100)} == {250}
        c.send(100 * "RCPT TO:<one.more@example.com>\r\n")
        for code, text in (c.reply() for _ in range(100)):
            assert code == 452 and text.startswith("4.5.3")
        assert c.data(MAIL)[0][0] == 250
    assert only_envelope(archive)["recipients"] == [f"user{n}@example.com" for n in range(10000)]


def test_too_many_errors_end_the_connection(archive):
    with Smtpd(archive, max_errors=3) as smtpd, smtpd.smtp() as c:
        assert c.says("X", "Y", "Z") == [500, 500, 500]
        assert c.reply()[0] == 421
        assert c.is_closed()


def test_a_silent_client_is_told_good_bye(archive):
    with Smtpd(archive, idle_timeout=1) as smtpd, smtpd.smtp() as c:
        assert c.reply()[0] == 421
        assert c.is_closed()


def test_a_client_that_drips_does_not_drip_for_ever(archive):
    with Smtpd(archive, data_timeout=2) as smtpd, smtpd.smtp() as c:
        c.begin()
        assert c.say("DATA")[0] == 354
        with contextlib.suppress(ConnectionError):
            while not c.has_input(0.1):
                c.send("x")
        assert c.reply()[0] == 421
    with Smtpd(archive, session_timeout=2) as smtpd, smtpd.smtp() as c:
        with contextlib.suppress(ConnectionError):
            while not c.has_input(0.1):
                c.send("N")
        assert c.reply()[0] == 421
    assert not waiting(archive)


def test_a_client_with_too_many_connections_is_told_so(archive):
    with Smtpd(archive, max_connections_per_client=3) as smtpd, contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(smtpd.smtp())
        with socket.create_connection(("127.0.0.1", smtpd.port), TIMEOUT_S) as sock:
            assert sock.recv(100).startswith(b"421 4.3.2")


def test_a_disk_without_room_says_452_and_loses_nothing(archive):
    with Smtpd(archive, reserve_bytes=2**62) as smtpd, smtpd.smtp() as c:
        code, text = c.say("MAIL FROM:<a@b> SIZE=1000")
        assert code == 452 and text.startswith("4.3.1")
    with Smtpd(archive) as smtpd, smtpd.smtp() as c:
        assert c.say(f"MAIL FROM:<a@b> SIZE={100 * 2**20}")[0] == 250
    assert not waiting(archive)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_disk_that_fills_up_in_the_midst_of_a_mail_says_452(archive):
    spool = archive.path / "spool"
    spool.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(spool)], check=True)
    try:
        with Smtpd(archive) as smtpd:
            with smtpd.smtp() as c:
                c.begin()
                code, text = c.data(40000 * (b"x" * 70 + b"\r\n"))[0]
                assert code == 452 and text.startswith("4.3.1")
                c.mail(MAIL)
            with smtpd.lmtp() as c:
                c.begin(params=" SIZE=1")
                assert c.data(40000 * (b"x" * 70 + b"\r\n"))[0][0] == 452
        assert len(waiting(archive)) == 1
    finally:
        subprocess.run(["umount", str(spool)], check=True)


def test_many_idle_clients_harm_nobody(fast):
    with Smtpd(fast, max_connections=600, max_connections_per_client=0) as smtpd, \
            contextlib.ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(smtpd.smtp())
        with smtpd.smtp() as c:
            c.mail(MAIL)
    assert len(waiting(fast)) == 1


# --- ends -------------------------------------------------------------------------------------


def test_when_asked_to_stop_it_says_good_bye_and_keeps_what_it_acknowledged(archive, smtpd):
    with smtpd.smtp() as idle, smtpd.smtp() as busy, smtpd.smtp() as done:
        done.mail(MAIL)
        busy.begin()
        assert busy.say("DATA")[0] == 354
        busy.send(MAIL)
        smtpd.process.send_signal(signal.SIGTERM)
        assert idle.reply()[0] == 421
        assert busy.reply()[0] == 421
        assert idle.is_closed() and busy.is_closed()
        assert smtpd.process.wait(TIMEOUT_S) == 0
    assert len(waiting(archive)) == 1


def send_until_refused(smtpd, acknowledged):
    with contextlib.suppress(EOFError, OSError, AssertionError):
        with smtpd.smtp() as c:
            while True:
                c.begin()
                (reply,) = c.data(MAIL)
                if reply[0] == 250:
                    acknowledged.append(1)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_under_load_nothing_acknowledged_is_lost_however_it_ends(archive, how):
    acknowledged = []
    with Smtpd(archive) as smtpd:
        threads = [threading.Thread(target=send_until_refused, args=(smtpd, acknowledged))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        poll(lambda: len(acknowledged) > 50, TIMEOUT_S)
        pids = smtpd.children()
        smtpd.process.send_signal(how)
        if how == signal.SIGKILL:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, how)
        for thread in threads:
            thread.join(TIMEOUT_S)
        smtpd.process.wait(TIMEOUT_S)
    # one mail more at most a connection: stored, and the reply did not get through
    assert len(acknowledged) <= len(waiting(archive)) <= len(acknowledged) + 4


def test_a_worker_that_is_killed_in_the_midst_of_a_mail_leaves_no_half(archive, smtpd):
    with smtpd.smtp() as c:
        c.begin()
        assert c.say("DATA")[0] == 354
        c.send(100 * MAIL)
        killed = set(smtpd.children())
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert c.is_closed()
    assert not waiting(archive)
    poll(lambda: not killed & set(smtpd.children()), TIMEOUT_S)
    with smtpd.smtp() as c:  # others are there for the next
        c.mail(MAIL)
    assert len(waiting(archive)) == 1


# --- LMTP -------------------------------------------------------------------------------------


def test_lmtp_answers_for_each_recipient_and_knows_what_postfix_says(archive, smtpd):
    with smtpd.lmtp(hello=False) as c:
        code, text = c.say("LHLO mx.example")
        assert code == 250 and {line.split()[0] for line in text.splitlines()[1:]} == {
            "PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "XFORWARD", "SIZE"}
        assert c.say("XFORWARD NAME=client.example ADDR=IPV6:2001:db8::1 PORT=17 PROTO=ESMTP")[0] \
            == 250
        assert c.say("XFORWARD HELO=cl+2Bient IDENT=4XyZ SOURCE=REMOTE")[0] == 250
        assert c.says("MAIL FROM:<> SIZE=999999999 BODY=8BITMIME",
                      "RCPT TO:<anna=example.org@copy.invalid> NOTIFY=NEVER ORCPT=rfc822;a+40b",
                      "RCPT TO:<other@example.org>",
                      "RCPT TO:<forged.token@copy.invalid>") == 4 * [250]
        replies = c.data(MAIL, replies=3)
        assert [code for code, _ in replies] == 3 * [250]
        c.begin("ben=example.org@copy.invalid")
        assert c.data(MAIL)[0][0] == 250
    first, second = envelopes(archive)
    assert first["recipients"] == ["anna@example.org", "other@example.org"]
    assert (first["door"], first["queue_id"], first["reverse_path"]) == ("lmtp", "4XyZ", "")
    assert (first["client_name"], first["client_addr"], first["helo"]) == (
        "client.example", "2001:db8::1", "cl+ient")
    assert second["queue_id"] == "" and second["client_addr"] == ""  # XFORWARD is of one mail


def test_lmtp_never_says_5xx(archive):
    said = ["EHLO x", "HELO x", "BOGUS", "", "MAIL", "DATA", "BDAT 0", "BDAT 0 LAST", "EXPN x",
            "AUTH PLAIN =", "STARTTLS", "LHLO", "MAIL FROM:a@b", "MAIL FROM:<a b>", "RCPT TO:<a@b>",
            "XFORWARD BOGUS=1 NAME", "LHLO x", "MAIL FROM:<a@b> BOGUS=1 SIZE=x BODY=z =", "DATA",
            "MAIL FROM:<a@b>", "RCPT TO:<>", "RCPT", "RCPT TO:<a@b> BOGUS =", "XFORWARD NAME=x",
            "x" * 100000, "BDAT x"]
    with Smtpd(archive, reserve_bytes=0, max_errors=1) as smtpd, smtpd.lmtp(hello=False) as c:
        for command in said:
            code, text = c.say(command)
            assert code < 500 and not text.startswith("5."), (command, code, text)
        assert c.is_closed()  # after a BDAT that nobody can read
    with Smtpd(archive, reserve_bytes=2**62) as smtpd, smtpd.lmtp() as c:
        assert c.say("MAIL FROM:<a@b>")[0] == 452
    with Smtpd(archive, max_mail_bytes=65536) as smtpd, smtpd.lmtp() as c:
        c.begin("a=b@copy.invalid")
        assert c.data(2000 * (b"x" * 70 + b"\r\n"))[0][0] == 250  # the mail server has its limit
        c.begin("a=b@copy.invalid")
        assert c.data(MAIL + b"lone\nline\rends\r\n")[0][0] == 250


@pytest.mark.parametrize("address", ["x@foo#bar", "x@[foo bar]", "(a, b)@c", "a b@c", "x@", "@x", "a@b@c>d",
                                     pytest.param("l" * 2000 + "@b.test", id="long")])
def test_lmtp_takes_any_address_that_the_mail_server_does(archive, smtpd, address):
    disguised = address.replace("@", "=") + "@copy.invalid"
    with smtpd.lmtp() as c:
        c.mail(MAIL, "anna=b@copy.invalid", sender=address, params=" SIZE=17")
        c.begin(disguised, sender="")
        assert c.say(f"RCPT TO:<{disguised}> ORCPT=rfc822;{6000 * 'x'}")[0] == 250
        assert [code for code, _ in c.data(MAIL, replies=2)] == [250, 250]
    assert envelopes(archive)[0]["reverse_path"] == address


def test_what_xforward_told_of_a_mail_that_was_refused_is_forgotten(archive, smtpd):
    with smtpd.lmtp() as c:
        assert c.says("XFORWARD IDENT=4Old ADDR=192.0.2.1", f"MAIL FROM:<a@b> SIZE={2**62}") == [250, 452]
        c.mail(MAIL, "anna=b@copy.invalid")
    only = only_envelope(archive)
    assert (only["queue_id"], only["client_addr"]) == ("", "")


def test_lmtp_is_for_the_mail_server_only(archive):
    port = free_port()
    with Smtpd(archive, listen=f"lmtp 127.0.0.1:{port}", network="192.0.2.1"):
        with Client(socket.create_connection(("127.0.0.1", port), TIMEOUT_S)) as c:
            assert c.reply()[0] == 421
            assert c.is_closed()


def test_lmtp_after_a_probe_without_data_goes_on(archive, smtpd):
    with smtpd.lmtp() as c:
        c.begin("a=b@copy.invalid")
        assert c.say("RSET")[0] == 250
        c.begin("a=b@copy.invalid")
        assert c.data(MAIL)[0][0] == 250
        c.begin("a=b@copy.invalid")
        assert c.say("QUIT")[0] == 221
    assert len(waiting(archive)) == 1


def test_lmtp_takes_thousands_of_recipients_in_one_mail(archive, smtpd):
    names = [f"user{n}" for n in range(12000)]
    with smtpd.lmtp() as c:
        assert c.say("MAIL FROM:<a@b>")[0] == 250
        for i in range(0, len(names), 100):
            c.send("".join(f"RCPT TO:<{n}=b@copy.invalid>\r\n" for n in names[i:i + 100]))
            assert {c.reply()[0] for _ in range(100)} == {250}
        assert {code for code, _ in c.data(MAIL, replies=len(names))} == {250}
    assert only_envelope(archive)["recipients"] == [f"{n}@b" for n in names]


def test_a_token_alone_names_the_capture(archive, smtpd):
    with capturing(archive) as milter, milter.session() as client:
        client.message(MAIL)
    (held,) = waiting(archive, "pending")
    for note in (archive.path / "spool" / "queue").iterdir():
        note.unlink()
    with smtpd.lmtp() as c:
        c.begin(f"{token(archive, held.name)}@copy.invalid", "anna=example.org@copy.invalid")
        assert [code for code, _ in c.data(b"Received: x\r\n" + MAIL, replies=2)] == [250, 250]
    assert not waiting(archive, "pending") and only_envelope(archive)["door"] == "milter"
    assert archived(archive) == MAIL


def test_a_token_of_a_capture_that_is_gone_leaves_the_copy(archive, smtpd):
    entry = "01900000-0000-7000-8000-000000000000"
    with smtpd.lmtp() as c:
        c.begin(f"{token(archive, entry)}@copy.invalid", "anna=example.org@copy.invalid")
        assert [code for code, _ in c.data(MAIL, replies=2)] == [250, 250]
    assert only_envelope(archive)["recipients"] == ["anna@example.org"]
    assert archived(archive) == MAIL
