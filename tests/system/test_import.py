# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailboxes of all kinds come in; what cannot, is told."""
import gzip
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest
from sealpost import (DATA, ENV, FAILED, REFUSED, ROOT, files_below, mail, mbox, report, sha256)

BIG_BYTES = 150 * 1000 * 1000
PEAK_MB = 300


@pytest.fixture
def inbox(folder):
    path = folder / "inbox"
    path.mkdir()
    return path


def sums_of(paths):
    return sorted(sha256(p.read_bytes()) for p in paths)


def test_a_maildir_keeps_its_flags_and_leaves_out_what_is_no_mail(archive):
    assert archive.take(DATA / "maildir") == report(8, archived=5, ignored=3)
    shown = archive.text("show", archive.one("subject:M2P1"))
    assert "by import from maildir, cur/1704700001.M2P1.host:2,RS (flags RS)" in shown
    assert "flags" not in archive.text("show", archive.one("subject:M4P1"))
    mails = [f for f in (DATA / "maildir").rglob("*host*") if f.parent.name in ("cur", "new")]
    assert archive.all_sums() == sums_of(mails)


def test_the_kinds_of_mbox_give_the_same_five_mails(archive, folder):
    assert archive.take(DATA / "mbox" / "mboxrd.mbox") == report(5, archived=5)
    plain = archive.all_sums()
    assert set(plain) <= set(sums_of((DATA / "mail").iterdir()))
    assert archive.take(DATA / "mbox" / "mboxcl2.mbox") == report(5, duplicate=5)
    for kind in ("mboxcl", "crlf", "mboxo"):
        told = archive.take(DATA / "mbox" / f"{kind}.mbox")
        # mboxo cannot tell whether a ">" was in the mail; that one mail is another then
        assert told["read"] == 5 and told["failed"] == 0 and told["archived"] <= 1
    archive.run("verify", "--all")


def test_packed_mailboxes_are_unpacked_whatever_their_names(archive, inbox):
    raw = (DATA / "mail" / "plain-ascii.eml").read_bytes()
    (inbox / "box").write_bytes(gzip.compress((DATA / "mbox" / "mboxrd.mbox").read_bytes()))
    (inbox / "one.eml").write_bytes(gzip.compress(raw))
    shutil.copy(ROOT / "tests" / "fuzz" / "seeds" / "mbox" / "zst", inbox / "stored")
    told = archive.take(inbox)
    assert told["archived"] >= 5 and told["duplicate"] == 1 and told["failed"] == 0
    assert sha256(raw) in archive.all_sums()
    cut = inbox / "cut.mbox"
    cut.write_bytes((inbox / "box").read_bytes()[:-20])
    archive.run("import", cut, status=REFUSED, says="gzip: the file ends too early")


def test_a_tree_of_folders_is_walked_and_every_file_accounted_for(archive):
    told = archive.json("import", DATA, status=REFUSED)
    items, last = told[:-1], told[-1]
    assert last["read"] == len(items) == sum(n for name, n in last.items() if name != "read")
    for outcome in ("archived", "duplicate", "ignored", "failed"):
        assert sum(i["outcome"] == outcome for i in items) == last[outcome]
    assert all(i["reason"] for i in items if i["outcome"] in ("ignored", "failed"))
    assert archive.count("") == archive.status()["mails"] == last["archived"]
    assert archive.count("source:data") == last["archived"]


def test_a_dry_run_writes_nothing_and_foretells_the_run(archive, inbox):
    shutil.copytree(DATA / "mail", inbox / "mail")
    (inbox / "box.mbox").write_bytes(mbox([mail(msgid=f"<{i % 7}@x>") for i in range(40)]))
    (inbox / "crlf.eml").write_bytes(
        (DATA / "mail" / "plain-ascii.eml").read_bytes().replace(b"\n", b"\r\n"))
    archive.take(DATA / "maildir")
    before = files_below(archive.path)
    foretold = archive.take("--dry-run", inbox, DATA / "maildir")
    assert files_below(archive.path) == before
    assert foretold["duplicate"] == 33 + 1 + 5
    assert archive.take(inbox, DATA / "maildir") == foretold
    assert archive.count("") == 5 + foretold["archived"]


def test_only_mail_of_the_time_asked_for_comes_in(archive, inbox):
    for year in range(2019, 2025):
        (inbox / f"{year}.eml").write_bytes(
            mail(subject=f"year {year}", date=f"Mon, 01 Jan {year} 00:30:00 +0100"))
    told = archive.take("--since", "2021", "--until", "2023-01", inbox)
    assert told == report(6, archived=2, ignored=4)
    assert archive.count("subject:2021") == archive.count("subject:2022") == 1
    assert archive.take("--since", "2023-01-01", inbox) == report(6, archived=2, ignored=4)


def test_a_second_run_finds_all_known_and_leaves_no_pack_behind(archive):
    first = archive.take("--source", "anna", DATA / "mail")
    packs = archive.packs()
    assert archive.take("--source", "anna", DATA / "mail") == report(49, duplicate=first["archived"])
    assert archive.packs() == packs
    assert archive.count("source:anna") == 49 and archive.count("source:mail") == 0


def test_an_interrupted_import_ends_in_good_order_and_is_completed_by_the_next(fast, folder):
    box = folder / "box.mbox"
    total = 20000
    box.write_bytes(mbox([mail(subject=f"number {i}", msgid=f"<{i}@x>") for i in range(total)]))
    # What it says is not read on at first, so that it cannot have come to its end.
    with subprocess.Popen(fast.command("--json", "import", box), env=ENV, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as run:
        run.stdout.readline()
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == FAILED
    assert b"the import was stopped" in err and b"run it again to go on" in err
    told = json.loads(out.splitlines()[-1])
    assert 0 < told["archived"] == told["read"] < total
    assert fast.count("") == told["archived"]
    fast.run("verify", "--all")
    again = fast.take(box)
    assert (again["duplicate"], again["archived"]) == (told["archived"], total - told["archived"])
    assert fast.count("") == total


def test_the_same_mail_from_two_sources_is_one_with_both_recipients(archive, inbox):
    for name, to in (("anna", "anna@example.org"), ("dora", "dora@example.com")):
        (inbox / name).mkdir()
        (inbox / name / "1.eml").write_bytes(mail(sender="boss@example.net", to=to, msgid="<1@x>"))
    assert archive.take(inbox / "anna") == report(1, archived=1)
    assert archive.take(inbox / "dora") == report(1, duplicate=1)
    one = archive.one("")
    for query in ("to:anna@example.org", "to:dora@example.com", "to:dora", "any:dora",
                  "source:anna", "source:dora"):
        assert archive.find(query) == [one], query
    shown = archive.text("show", one)
    assert "by import from anna, 1.eml" in shown
    assert "Seen again: " in shown and "by import from dora, 1.eml" in shown
    assert archive.raw(one) == (inbox / "anna" / "1.eml").read_bytes()


def test_two_mails_of_one_message_id_are_both_kept_and_flagged(archive):
    archive.take(DATA / "mail" / "same-id-a.eml")
    assert archive.find("is:flagged") == []
    archive.take(DATA / "mail" / "same-id-b.eml")
    twins = archive.find("is:flagged")
    assert len(twins) == 2 and sorted(twins) == sorted(archive.find("msgid:twin@mail.example.org"))
    assert all("the same Message-ID" in archive.text("show", i) for i in twins)


ODD = {
    "without Message-ID, Date, From": mail(sender=None, msgid=None, date=None),
    "no byte": b"",
    "one line end": b"\n",
    "header only": b"Subject: header only\nFrom: a@example.org\n",
    "header, no line end": b"Subject: no end",
    "NUL bytes": mail(body="before\0after\n", subject="nul\0nul"),
    "8-bit header": "From: Jürgen Groß <j@example.org>\nSubject: Größe\n\nx\n".encode("latin-1"),
    "lone carriage returns": mail(subject="cr").replace(b"\n", b"\r"),
    "a line of a megabyte": mail(subject="line", body="x" * 1000000 + "\n"),
    "a header of a megabyte": mail(subject="field", extra="X-Long: " + "y" * 1000000 + "\n"),
    "a date far away": mail(subject="late", date="Mon, 05 Feb 9999 10:00:00 +0100"),
    "a date before all computers": mail(subject="early", date="Mon, 05 Feb 1900 10:00:00 +0100"),
    "base64 that is none": mail(subject="none", extra="Content-Transfer-Encoding: base64\n", body="%%%%=\n"),
    "text behind the end of a multipart": mail(
        subject="behind", extra="Content-Type: multipart/mixed; boundary=b\n", body="--b\n\nx\n--b--\nbehind\n"),
}


def test_odd_mails_are_taken_and_given_back_as_they_are(archive, inbox):
    for name, raw in ODD.items():
        (inbox / f"{name.replace(',', '')}.eml").write_bytes(raw)
    assert archive.take(inbox) == report(len(ODD), archived=len(ODD))
    assert archive.all_sums() == sorted(map(sha256, ODD.values()))
    for one in archive.find(""):
        archive.run("show", one)
        archive.json("show", one)
    assert archive.find("Größe") == archive.find("from:groß")
    archive.run("verify", "--all")


def nested(depth):
    raw = b"Subject: innermost\n\nend\n"
    for _ in range(depth):
        raw = b"Content-Type: message/rfc822\n\n" + raw
    return b"Subject: nested\nMessage-ID: <nested@x>\n" + raw


def many_parts(n):
    parts = b"".join(b"--b\nContent-Type: text/plain\n\npart %d\n" % i for i in range(n))
    head = b"Subject: many\nMessage-ID: <many@x>\nContent-Type: multipart/mixed; boundary=b\n\n"
    return head + parts + b"--b--\n"


def test_mails_of_excess_are_taken_and_given_back(fast, inbox):
    to = ",\n ".join(f"person{i}@example{i % 100}.org" for i in range(100000))
    raws = [mail(subject="crowd", to=to), nested(1000), many_parts(1000), many_parts(20000)]
    for i, raw in enumerate(raws):
        (inbox / f"{i}.eml").write_bytes(raw)
    assert fast.take(inbox) == report(4, archived=4)
    assert fast.all_sums() == sorted(map(sha256, raws))
    crowd = fast.json("search", "subject:crowd")[0]
    assert len(crowd["to"]) == 100000
    assert fast.find("to:person5000@example0.org") == [crowd["id"]]
    for raw in ("crowd", "nested", "many"):
        fast.run("show", fast.find(f"subject:{raw}")[0])
    fast.run("verify", "--all")


def test_a_mail_above_the_limit_is_refused_in_words(archive, inbox):
    (archive.path / "sealpost.conf").write_text("max_mail_bytes = 20000\n")
    (inbox / "large.eml").write_bytes(mail(body="x" * 20000))
    (inbox / "small.eml").write_bytes(mail())
    told = archive.json("import", inbox, status=REFUSED)
    assert told[-1] == report(2, archived=1, failed=1)
    failed = [i for i in told if i.get("outcome") == "failed"]
    assert failed[0]["place"] == "large.eml" and failed[0]["error"] == "too-big"
    assert "20000" in failed[0]["reason"]
    archive.run("import", inbox, status=REFUSED, says="not taken in: large.eml: ")


def test_a_wrong_setting_is_named_with_its_line(archive):
    (archive.path / "sealpost.conf").write_text("# mine\nmax_mail_bytes = much\n")
    archive.run("status", status=FAILED, says="sealpost.conf line 2: max_mail_bytes takes a number")


def test_a_picture_in_a_maildir_fails_with_its_reason(archive, folder):
    box = folder / "box"
    for name in ("cur", "new", "tmp"):
        (box / name).mkdir(parents=True)
    (box / "cur" / "1.host:2,S").write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(100))
    (box / "cur" / "2.host:2,S").write_bytes(mail())
    told = archive.json("import", box, status=REFUSED)
    assert told[-1] == report(3, archived=1, failed=1, ignored=1)  # tmp/ is named, too
    failed = [i for i in told if i.get("outcome") == "failed"]
    assert "JPEG" in failed[0]["reason"] and failed[0]["place"] == "cur/1.host:2,S"


def test_a_path_that_is_not_there_is_named_and_nothing_taken(archive, inbox):
    (inbox / "1.eml").write_bytes(mail())
    archive.run("import", inbox, inbox / "none", status=FAILED, says=f"{inbox}/none")
    assert archive.count("") == 0


def big_body():
    line = b" ".join(b"word%d" % (i * 7919 % 10007) for i in range(9)) + b"\n"
    return line * (BIG_BYTES // len(line))


def write_big_box(path):
    with open(path, "wb") as box:
        box.write(mbox([mail(subject=f"n {i}", msgid=f"<{i}@x>") for i in range(200)]))
        box.write(mbox([mail(subject="big", msgid="<big@x>", body="START\n") + big_body()]))
        box.write(mbox([mail(subject=f"n {i}", msgid=f"<{i}@x>") for i in range(200, 400)]))


def peak_mb(command):
    """Peak memory of one program. The kernel counts in what its parent had, so that is a small one."""
    parent = ("import resource, subprocess, sys\n"
              "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n")
    done = subprocess.run([sys.executable, "-c", parent, *command], env=ENV, check=True,
                          stdout=subprocess.PIPE)
    return int(done.stdout) * 1024 / 1e6


def test_a_mail_of_150_megabytes_fits_into_little_memory(fast, folder, capsys):
    box = folder / "big.mbox"
    write_big_box(box)
    begin = time.monotonic()
    peak = peak_mb(fast.command("--json", "import", box))
    seconds = time.monotonic() - begin
    with capsys.disabled():
        print(f"\nimport of a mailbox with a mail of 150 MB: {peak:.0f} MB, {seconds:.1f} s")
    if b"__asan_init" not in pathlib.Path(fast.binary).read_bytes():
        assert peak < PEAK_MB
    assert fast.count("") == 401
    raw = fast.raw(fast.one("subject:big"))
    assert raw.endswith(big_body()) and len(raw) > BIG_BYTES * 0.99
