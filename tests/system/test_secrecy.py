# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing of a mail lies readable in any file, and nothing of it is in the log."""
import base64
import subprocess

from sealpost import ENV, REFUSED, Archive, mail, mbox

MARKS = ["Kolibriflug", "nachtfalter", "quastenflosser@geheim.example", "Mondlandung.pdf",
         "Anlagentext", "schnurrbart", "m4rk-9f2c@x.example", "Zettelkasten", "steuerstempel",
         "Quellenname", "correct horse battery"]


def marked_mail(i=0):
    return mail(subject=f"Kolibriflug {i}", sender="Quastenflosser <quastenflosser@geheim.example>",
                to="schnurrbart@geheim.example", msgid=f"<{i}.m4rk-9f2c@x.example>",
                body=f"nachtfalter {i}\n" * 20)


def with_attachment():
    data = base64.encodebytes(b"Anlagentext " * 3000).decode()
    return mail(subject="Kolibriflug", msgid="<a.m4rk-9f2c@x.example>",
                extra='Content-Disposition: attachment; filename="Mondlandung.pdf"\n'
                      "Content-Transfer-Encoding: base64\n", body=data)


def readable(folder):
    """Marks found in the bytes of any file below FOLDER, in any case and in UTF-16."""
    found = set()
    for path in folder.rglob("*"):
        try:
            data = path.read_bytes().lower() if path.is_file() else b""
        except FileNotFoundError:
            continue  # a log that was folded in meanwhile
        for mark in MARKS:
            for code in ("utf-8", "utf-16-le", "utf-16-be"):
                if mark.lower().encode(code) in data:
                    found.add((mark, path.name))
    return found


def test_no_file_holds_anything_readable_after_an_afternoon(folder, password):
    home = folder / "home"
    archive = Archive(home / "archive").init("--medium", home / "medium")
    box = folder / "Quellenname"
    box.mkdir()
    (box / "a.eml").write_bytes(with_attachment())
    (box / "b.mbox").write_bytes(mbox([marked_mail(i) for i in range(50)]))
    (box / "c.eml").write_bytes(b"\xff\xd8\xff\xe0 nachtfalter")
    told = archive.run("--verbose", "import", box, status=REFUSED, says="not taken in: c.eml").err
    one = archive.one("Anlagentext OR file:Mondlandung.pdf")
    for step in (["note", one, "--tags", "steuerstempel", "--text", "Zettelkasten"],
                 ["key", "export", "--password-file", password], ["search", "nachtfalter"],
                 ["show", one, "--raw"]):
        told += archive.run("--verbose", *step, talks=True).err
    assert not readable(home)
    archive.run("delete", one)
    for step in (["erase", "index"], ["erase", "media"], ["rebuild"], ["verify", "--all"]):
        told += archive.run("--verbose", *step, talks=True).err
    assert not readable(home)
    assert not [mark for mark in MARKS if mark.lower() in told.lower()]


def test_no_file_holds_anything_readable_while_the_program_writes(folder):
    archive = Archive(folder / "archive").init()
    box = folder / "box.mbox"
    box.write_bytes(mbox([marked_mail(i) for i in range(3000)]))
    looks = 0
    with subprocess.Popen(archive.command("--json", "import", box), env=ENV,
                          stdout=subprocess.PIPE) as run:
        for _ in range(3):
            run.stdout.readline()  # the rest is not read yet: it waits in the middle of its work
            looks += any(archive.path.glob("*-wal"))
            assert not readable(archive.path)
        run.communicate(timeout=100)
    assert run.returncode == 0
    assert looks == 3
    assert not readable(archive.path)
