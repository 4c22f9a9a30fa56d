# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailboxes on other servers are fetched: all of it, once, and nothing happens there too early."""
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time

import dovecot
import pytest
from oauth_server import OAuthServer
from sealpost import DONE, ENV, FAILED, REFUSED, TIMEOUT_S, USAGE, Archive, mail, sha256

SECRET = dovecot.PASSWORD


@pytest.fixture
def server(folder):
    with dovecot.running(folder) as running:
        yield running


@pytest.fixture
def password_file(folder):
    path = folder / "mailbox-password"
    path.write_text(SECRET + "\n")
    return path


def letters(first, n, body="Some text.\n"):
    """As a server gives them out."""
    return [mail(f"letter{i}", msgid=f"<{i}@fetch.example>", body=body).replace(b"\n", b"\r\n")
            for i in range(first, first + n)]


def add(archive, server, password_file, *more, name="anna", protocol="imap", tls="implicit"):
    port = getattr(server, protocol + ("s" if tls == "implicit" else ""))
    archive.run("fetch", "add", name, f"--{protocol}", f"localhost:{port}", "--tls", tls,
                "--user", "anna", "--password-file", password_file, "--ca", server.ca, *more)


def fetch(archive, *args, status=DONE, says="", name="anna"):
    """Run, and give the whole report and those of the folders."""
    lines = archive.json("fetch", "run", name, *args, status=status, says=says)
    folders = {line["folder"]: line for line in lines if "folder" in line}
    whole = next(line for line in lines if "sums_fit" in line)
    for line in [*folders.values(), whole]:
        assert whole["error"] or line["on_server"] == sum(
            line[k] for k in ("earlier", "archived", "duplicate", "failed", "gone", "skipped",
                              "waiting")), line
    assert whole["sums_fit"]
    return whole, folders


def counts(report, *names):
    return [report[name] for name in names]


def must_hold(archive, mails):
    """These mails, bit for bit, each once, and nothing else."""
    assert archive.all_sums() == sorted(sha256(m) for m in mails)
    archive.run("verify", "--all")


@contextlib.contextmanager
def no_archiver(archive):
    """The place of the archiver is taken, but nobody works."""
    with open(archive.path / "archiver.lock", "a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_an_administrators_afternoon_with_a_mailbox(archive, server, password_file):
    mails = letters(0, 5)
    server.deliver(mails)
    server.deliver(letters(90, 1), ".Trash")
    add(archive, server, password_file)
    assert "not fetched yet" in archive.text("fetch", "list")
    tested = archive.text("fetch", "test", "anna")
    assert "INBOX: 5 on the server\n" in tested and "Trash: 1 on the server: 1 skipped" in tested
    assert "The login works" in tested and archive.status()["mails"] == 0

    whole, folders = fetch(archive)
    assert counts(whole, "on_server", "archived", "skipped") == [6, 5, 1]
    assert counts(folders["INBOX"], "on_server", "archived") == [5, 5]
    assert not folders["Trash"]["wanted"] and folders["Trash"]["use"] == "\\Trash"
    must_hold(archive, mails)
    assert archive.count("letter3") == 1
    assert {n for flags, _ in server.mails().values() for n in flags} <= {"\\Recent"}

    whole, _ = fetch(archive)
    assert counts(whole, "earlier", "archived", "duplicate") == [5, 0, 0]
    later = letters(5, 2)
    server.deliver(later)
    whole, _ = fetch(archive)
    assert counts(whole, "earlier", "archived") == [5, 2]
    must_hold(archive, mails + later)
    assert "so far 7 archived" in archive.text("fetch", "list")

    assert "The 7 mails it archived stay" in archive.text("fetch", "remove", "anna")
    assert archive.text("fetch", "list") == "" and archive.status()["mails"] == 7


def test_each_outcome_has_its_own_action(archive, server, password_file):
    (archive.path / "sealpost.conf").write_text("max_mail_bytes = 20k\n")
    known = mail("letter0", msgid="<0@fetch.example>")
    (archive.path.parent / "known.eml").write_bytes(known)
    archive.take(archive.path.parent / "known.eml")
    server.deliver(letters(0, 3) + letters(3, 1, "much " * 8000))
    server.deliver(letters(4, 1), ".Projekt")
    add(archive, server, password_file, "--archived", "move=Archiv", "--duplicate", "tag=Twice",
        "--failed", "move=Failed", "--folders", "INBOX", "--folders", "Projekt")
    whole, _ = fetch(archive, status=REFUSED, says="larger than the limit")
    assert counts(whole, "archived", "duplicate", "failed", "not_acted") == [3, 1, 1, 0]
    assert [flags for flags, _ in server.mails().values()] == [{"Twice"}]
    assert len(server.mails("Archiv/INBOX")) == 2 and len(server.mails("Failed/INBOX")) == 1
    assert len(server.mails("Archiv/Projekt")) == 1 and not server.mails("Projekt")
    whole, _ = fetch(archive)
    assert counts(whole, "archived", "duplicate", "failed", "earlier") == [0, 0, 0, 1]


def test_archived_mail_is_deleted_where_that_is_wanted(archive, server, password_file):
    mails = letters(0, 20)
    server.deliver(mails)
    add(archive, server, password_file, "--archived", "delete", "--duplicate", "delete")
    whole, _ = fetch(archive)
    assert counts(whole, "on_server", "archived") == [20, 20]
    assert not server.mails()
    must_hold(archive, mails)


def test_a_mailbox_of_pop3(archive, server, password_file):
    mails = letters(0, 4)
    server.deliver(mails)
    add(archive, server, password_file, protocol="pop3")
    whole, _ = fetch(archive)
    assert counts(whole, "on_server", "archived") == [4, 4]
    whole, _ = fetch(archive)
    assert counts(whole, "earlier", "archived", "duplicate") == [4, 0, 0]
    archive.run("fetch", "set", "anna", "--archived", "delete")
    more = letters(4, 2)
    server.deliver(more)
    whole, _ = fetch(archive)
    assert counts(whole, "earlier", "archived", "duplicate") == [4, 2, 0]
    assert len(server.mails()) == 4
    must_hold(archive, mails + more)
    whole, _ = fetch(archive)
    assert counts(whole, "on_server", "earlier") == [4, 4]


def test_other_uids_lead_to_a_full_look_and_no_mail_twice(archive, server, password_file):
    mails = letters(0, 6)
    server.deliver(mails)
    add(archive, server, password_file)
    fetch(archive)
    server.stop()
    for name in ("dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache"):
        (server.maildir() / name).unlink(missing_ok=True)
    time.sleep(1.1)  # UIDVALIDITY is the time in seconds, and must be another one
    server.start()
    whole, _ = fetch(archive)
    assert counts(whole, "earlier", "archived", "duplicate") == [0, 0, 6]
    whole, _ = fetch(archive)
    assert counts(whole, "earlier", "duplicate") == [6, 0]
    must_hold(archive, mails)


def test_one_time_runs_take_all_and_keep_nothing(archive, server, password_file):
    mails = letters(0, 3)
    server.deliver(mails)
    add(archive, server, password_file)
    assert fetch(archive, "--once")[0]["archived"] == 3
    assert counts(fetch(archive, "--once")[0], "earlier", "duplicate") == [0, 3]
    assert counts(fetch(archive)[0], "earlier", "duplicate") == [0, 3]
    must_hold(archive, mails)


def test_without_an_archiver_mail_waits_and_stays_on_the_server(archive, server, password_file):
    mails = letters(0, 3)
    server.deliver(mails)
    add(archive, server, password_file, "--archived", "delete")
    with no_archiver(archive):
        whole, _ = fetch(archive, "--wait", 1, status=REFUSED)
        assert counts(whole, "archived", "waiting") == [0, 3]
        assert len(server.mails()) == 3
        assert "3 waiting" in archive.text("fetch", "list")
        whole, _ = fetch(archive, "--wait", 1, status=FAILED, says="still wait in the spool")
        assert whole["error"] == "busy"
    whole, _ = fetch(archive)
    assert counts(whole, "settled", "archived", "duplicate") == [3, 0, 0]
    assert not server.mails()
    must_hold(archive, mails)


def run_until(archive, reached):
    """Start a run and leave it when a state is reached, or it has ended."""
    process = subprocess.Popen(archive.command("fetch", "run"), env=ENV,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    begun = time.monotonic()
    while not reached() and process.poll() is None:
        assert time.monotonic() - begun < TIMEOUT_S
    return process


def in_spool(archive):
    ready = archive.path / "spool" / "ready"
    return len(os.listdir(ready)) if ready.exists() else 0


def test_a_server_that_goes_away_in_the_midst_is_made_good(fast, server, password_file):
    mails = letters(0, 1500, "some more text " * 200)
    server.deliver(mails)
    add(fast, server, password_file, "--archived", "delete", "--duplicate", "delete")
    for enough in (1, 200):
        process = run_until(fast, lambda enough=enough: in_spool(fast) >= enough)
        server.stop()
        assert process.wait(TIMEOUT_S) in (DONE, FAILED)
        server.start()
    fetch(fast)
    assert not server.mails()
    must_hold(fast, mails)


def test_a_run_that_is_killed_or_stopped_is_made_good(fast, server, password_file):
    mails = letters(0, 1500, "some more text " * 200)
    server.deliver(mails)
    add(fast, server, password_file, "--archived", "move=Archiv", "--duplicate", "move=Archiv")
    archiver = subprocess.Popen([fast.binary + "-archiver", "--archive", str(fast.path)], env=ENV)
    try:
        for enough, sent in ((1, signal.SIGKILL), (100, signal.SIGKILL), (100, signal.SIGTERM)):
            process = run_until(fast, lambda enough=enough: in_spool(fast) >= enough)
            process.send_signal(sent)
            process.wait(TIMEOUT_S)
        fetch(fast)
    finally:
        archiver.terminate()
        assert archiver.wait(TIMEOUT_S) == 0
    assert not server.mails() and len(server.mails("Archiv/INBOX")) == len(mails)
    must_hold(fast, mails)


def test_what_is_not_set_is_the_prototypes(archive, server, password_file):
    otto = server.new_user()
    server.deliver(letters(0, 2))
    server.deliver(letters(2, 1), user=otto)
    archive.run("fetch", "add", "office", "--prototype", "--imap", f"localhost:{server.imap}",
                "--tls", "starttls", "--ca", server.ca, "--password-file", password_file,
                "--archived", "tag=Archived")
    for name, user in (("anna", "anna"), ("otto", otto)):
        archive.run("fetch", "add", name, "--like", "office", "--user", user)
    listed = {a["name"]: a for a in archive.json("fetch", "list")}
    assert listed["otto"]["tls"] == "starttls" and listed["otto"]["like"] == "office"
    lines = archive.json("fetch", "run")
    assert {line["account"]: line["archived"] for line in lines if "sums_fit" in line} == \
        {"anna": 2, "otto": 1}
    assert [flags for flags, _ in server.mails(user=otto).values()] == [{"Archived"}]
    archive.run("fetch", "run", "office", status=FAILED, says="is a prototype")
    archive.run("fetch", "remove", "office", status=FAILED, says="inherit from")
    archive.run("fetch", "set", "otto", "--disable")
    assert {line["account"] for line in archive.json("fetch", "run")} == {"anna"}


def test_a_device_code_is_shown_and_a_new_refresh_token_is_remembered(archive, folder):
    with OAuthServer("anna") as tokens, \
            dovecot.running(folder, oauth_url=tokens.introspection_url) as server:
        mails = letters(0, 2)
        server.deliver(mails)
        (folder / "client-secret").write_text("s3cret\n")
        (folder / "refresh-token").write_text(tokens.refresh_token + "\n")
        archive.run("fetch", "add", "anna", "--imap", f"localhost:{server.imaps}", "--user", "anna",
                    "--ca", server.ca, "--oauth", tokens.token_url, "--device-url",
                    tokens.device_url, "--client-id", "archive", "--client-secret-file",
                    folder / "client-secret")
        assert fetch(archive, says="and enter the code ABCD-EFGH")[0]["archived"] == 2
        archive.run("fetch", "set", "anna", "--grant", "refresh-token", "--refresh-token-file",
                    folder / "refresh-token")
        for _ in range(3):  # each run gets another one
            assert fetch(archive)[0]["earlier"] == 2
        assert tokens.refreshed == 3 and archive.json("fetch", "list")[0]["refresh-token"] is True
        must_hold(archive, mails)


def test_a_test_says_what_is_wrong(archive, server, folder, password_file):
    wrong = folder / "wrong"
    wrong.write_text("not this one\n")
    add(archive, server, password_file)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{unused.getsockname()[1]}"
        for options, says in (
                (("--password-file", wrong), "does not let this user in"),
                (("--password-file", password_file, "--ca", server.other_ca), "certificate"),
                (("--ca", server.ca, "--imap", nobody), "refused"),
                (("--imap", "no-such-host.invalid:993"), "no-such-host.invalid")):
            archive.run("fetch", "set", "anna", *options)
            archive.run("fetch", "test", "anna", status=FAILED, says=says)
            archive.run("fetch", "run", "anna", status=FAILED, says=says)
            archive.run("fetch", "run", "anna", status=FAILED, says="No mail is lost")
        archive.run("fetch", "set", "anna", "--imap", f"localhost:{server.imap}")
        archive.run("fetch", "test", "anna", status=FAILED, says="Check host, port and --tls")
    assert "broke off (" in archive.text("fetch", "list")
    archive.run("fetch", "set", "anna", "--imap", f"localhost:{server.imaps}", "--folders", "Recieved")
    archive.run("fetch", "run", "anna", says="none of its folders is wanted")
    archive.run("fetch", "set", "anna", "--disable")
    archive.run("fetch", "run", says="no account to fetch")


def test_what_makes_no_sense_is_refused_with_its_reason(archive, password_file):
    def refused(*args, says, status=FAILED):
        archive.run("fetch", "add", "x", *args, "--password-file", password_file, status=status,
                    says=says)

    refused("--user", "anna", says="host: is missing")
    refused("--imap", "h", says="user: is missing")
    refused("--imap", "h:0", "--user", "anna", says="port: a number from 1")
    refused("--imap", "h", "--user", "a", "--tls", "ssl", says="tls: implicit, starttls, none")
    refused("--imap", "h", "--user", "a", "--failed", "delete", says="is never deleted")
    refused("--pop3", "h", "--user", "a", "--archived", "tag=x", says="POP3 has no folders")
    refused("--imap", "h", "--user", "a", "--oauth", "google", says="client-id: is missing")
    refused("--imap", "h", "--user", "a", "--like", "nobody", says='no prototype "nobody"')
    refused("--imap", "h", "--pop3", "h", says="contradict", status=USAGE)
    refused("--bogus", says="no option --bogus", status=USAGE)
    archive.run("fetch", status=USAGE, says="say what to do")
    archive.run("fetch", "test", "x", status=FAILED, says='no account "x"')
    archive.run("fetch", "remove", "x", status=FAILED, says='no account "x"')
    archive.run("fetch", "add", "x", "--imap", "h", "--user", "a", status=FAILED, says="terminal")
    assert archive.text("fetch", "list") == ""


def arguments_and_environment():
    """Of our processes, as root may see them; everybody sees the arguments."""
    seen = b""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            for name in ("cmdline", "environ"):
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    seen += file.read()
    return seen


def test_the_password_is_nowhere_in_clear(fast, server, folder, password_file):
    server.deliver(letters(0, 300))
    add(fast, server, password_file)
    seen = []
    process = run_until(fast, lambda: seen.append(arguments_and_environment()))
    assert process.wait(TIMEOUT_S) == DONE
    assert any(b"sealpost-fetch" in all_of_them for all_of_them in seen)
    assert not any(SECRET.encode() in all_of_them for all_of_them in seen)
    told = fast.run("--verbose", "fetch", "run", "anna", talks=True)
    told = (told.out.decode() + told.err + fast.text("fetch", "list") +
            fast.text("--json", "fetch", "list") + fast.text("--json", "fetch", "test", "anna"))
    assert SECRET not in told and SECRET[:7] not in told
    for path in fast.path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert SECRET.encode() not in data and b"letter1" not in data, path


def test_accounts_outlive_a_rebuild(archive, server, password_file):
    server.deliver(letters(0, 2))
    add(archive, server, password_file)
    fetch(archive)
    listed = archive.json("fetch", "list")
    archive.run("rebuild", talks=True)
    assert archive.json("fetch", "list") == listed
    assert counts(fetch(archive)[0], "earlier", "archived", "duplicate") == [2, 0, 0]


def test_an_account_is_not_removed_while_it_is_fetched(archive, server, password_file):
    add(archive, server, password_file)
    lock_file = archive.path / "account-1.lock"
    with open(lock_file, "a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        archive.run("fetch", "remove", "anna", status=FAILED, says="another run fetches this account")
        assert "anna" in archive.text("fetch", "list")
    archive.run("fetch", "remove", "anna")
    assert not lock_file.exists()


def test_another_server_is_another_mailbox(archive, server, folder, password_file):
    mails = letters(1, 3)
    server.deliver(mails)
    add(archive, server, password_file)
    fetch(archive)
    archive.run("fetch", "set", "anna", "--imap", f"127.0.0.1:{server.imaps}")
    whole, _ = fetch(archive, says="another mailbox")
    assert counts(whole, "earlier", "duplicate") == [0, 3]
    whole, _ = fetch(archive)
    assert counts(whole, "earlier", "duplicate") == [3, 0]
    must_hold(archive, mails)


def test_a_missing_program_is_named(archive, server, password_file, folder):
    add(archive, server, password_file)
    alone = Archive(archive.path, shutil.copy(archive.binary, folder / "sealpost"))
    alone.run("fetch", "test", "anna", status=FAILED, says="sealpost-fetch is missing")
