# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail must not steer the terminal of the one who reads it."""
import unicodedata

from sealpost import DONE, REFUSED

ESC = "\x1b]0;owned\x07\x1b[2J\x1b[31m"
EVIL = f"{ESC}a\rb\x08\x7f\u009b31m\u202egnp.exe\u2066x\u2028y\x00z"
ALLOWED = "\n\t"


def evil_mail():
    inner = EVIL.replace("\r", "").replace("\x00", "")
    return (f"From: {inner} <e@example.org>\nTo: \"{inner}\" <o@example.org>\nSubject: s {inner}\n"
            "Date: Mon, 05 Feb 2024 10:00:00 +0100\nMessage-ID: <evil@example.org>\n"
            'Content-Type: multipart/mixed; boundary="b"\n\n'
            f"--b\nContent-Type: text/plain; charset=utf-8\n\nbody {EVIL}\n"
            f"--b\nContent-Type: application/x-{ESC}; name=\"n{inner}.pdf\"\n"
            f"Content-Disposition: attachment; filename=\"n{inner}.pdf\"\n\nx\n--b--\n").encode()


def assert_harmless(text):
    bad = {c for c in text if c not in ALLOWED
           and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")}
    assert not bad, f"{bad!r} in {text!r}"


def test_what_a_mail_says_reaches_the_terminal_harmless(archive, folder):
    box = folder / "in"
    box.mkdir()
    (box / "evil.eml").write_bytes(evil_mail())
    (box / f"name{ESC}.eml").write_bytes(b"\xff\xd8\xff\xe0 no mail")
    for form in ((), ("--json",)):
        ran = archive.run("import", box, *form, status=REFUSED, says="" if form else "not taken in")
        assert_harmless(ran.out.decode() + ran.err)
        assert "JPEG" in ran.out.decode() + ran.err
    one = archive.one("")
    for words in (["search", "body"], ["show", one], ["verify", one]):
        for form in ((), ("--json",)):
            shown = archive.run(*words, *form)
            assert_harmless(shown.out.decode() + shown.err)
    assert archive.raw(one) == evil_mail()


def test_a_mistake_in_a_query_is_shown_harmless(archive):
    ran = archive.run("search", f"from: {EVIL.replace(chr(0), '')}", status=1, says="from: has no value")
    assert_harmless(ran.err)


def test_bytes_that_are_no_utf8_still_make_json(archive, folder):
    one = folder / "latin.eml"
    one.write_bytes(b"From: J\xfcrgen <j\xfc@example.org>\nTo: K\xe4the <k\xe4the@example.org>\n"
                    b"Subject: \xff\xfe\n\n\xc3\x28 \xed\xa0\x80 body\n")
    archive.run("import", one, status=DONE)
    found = archive.json("search", "")[0]
    archive.json("show", found["id"])
