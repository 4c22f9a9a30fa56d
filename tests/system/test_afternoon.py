# SPDX-License-Identifier: GPL-3.0-or-later
"""An afternoon with a new archive: make it, fill it, find, give back, delete."""
import csv
import email
import io
import subprocess
import zipfile

import pytest
from sealpost import DATA, FAILED, REFUSED, Archive, files_below, mail, report, sha256

MAILS = sorted((DATA / "mail").glob("*.eml"))


def test_a_new_archive_warns_until_its_key_is_backed_up(archive, password):
    assert "WARNING: there is no backup of the archive key" in archive.text("status")
    assert archive.status()["key_backup"] is False
    page = archive.text("key", "export", "--password-file", password)
    assert "\n1: " in page
    assert "WARNING" not in archive.text("status")
    assert archive.status()["key_backup"] is True


def test_the_key_can_be_printed_as_a_page_for_the_browser(archive, password):
    page = archive.text("key", "export", "--html", "--password-file", password)
    assert page.lstrip().lower().startswith("<!doctype html") and "</html>" in page
    assert "<script" not in page and "http" not in page.replace("http://www.w3.org", "")


def test_an_archive_is_not_made_over_another(filled):
    before = files_below(filled.path)
    filled.run("init", status=FAILED, says="nothing was overwritten")
    assert files_below(filled.path) == before


def test_every_mail_comes_back_byte_for_byte(filled):
    assert filled.all_sums() == sorted(sha256(f.read_bytes()) for f in MAILS)
    for found in filled.json("search", "--limit", 1000):
        raw = filled.raw(found["id"])
        shown = filled.json("show", found["id"])[0]
        assert shown["sha256"] == sha256(raw)
        assert shown["size"] == found["size"] == len(raw)
        assert filled.text("show", found["id"]).startswith(("From: ", "To: ", "Subject: "))


def attachments(raw):
    """What Python takes for attachments that are more than text."""
    return {part.get_payload(decode=True) for part in email.message_from_bytes(raw).walk()
            if part.get_filename() and part.get("Content-Transfer-Encoding", "") == "base64"}


def test_every_attachment_comes_out_byte_for_byte(filled):
    some = 0
    for found in filled.json("search", "has:attachment"):
        parts = filled.json("show", found["id"])[0]["parts"]
        given = {filled.run("show", found["id"], "--part", p["part"]).out
                 for p in parts if p["name"]}
        expected = attachments(filled.raw(found["id"]))
        assert expected <= given
        some += len(expected)
        filled.run("show", found["id"], "--part", len(parts) + 1, status=FAILED,
                   says=f"this mail has parts 1 to {len(parts)}")
    assert some >= 10


SEARCHES = [
    ("from:buchhaltung", "subject:Zahlungserinnerung", True),
    ("from:buchhaltung@example.com", "subject:Zahlungserinnerung", True),
    ("from:example.com", "subject:Zahlungserinnerung", True),
    ("from:anna", "subject:Zahlungserinnerung", False),
    ("to:winter", "subject:Zahlungserinnerung", True),
    ("to:carl@example.net", "subject:Zahlungserinnerung", True),
    ("cc:team@example.org", "subject:folded", True),
    ("to:team@example.org", "subject:folded", False),
    ("bcc:dora@example.com", "subject:group", True),
    ("any:dora@example.com", "subject:group", True),
    ("any:team@example.org", "subject:folded", True),
    ("subject:folded", "subject:folded", True),
    ("body:folded", "subject:folded", False),
    ("body:Aufmerksamkeit", "subject:Zahlungserinnerung", True),
    ("Zahlungserinnerung -entgangen", "subject:Zahlungserinnerung", False),
    ("file:Rechnung-2024-0815.pdf", "subject:0815", True),
    ("file:pdf", "subject:0815", True),
    ("has:attachment", "subject:0815", True),
    ("has:attachment", "subject:Zahlungserinnerung", False),
    ("is:spam", "subject:won", True),
    ("-is:spam", "subject:won", False),
    ("before:2025", "subject:Zahlungserinnerung", True),
    ("before:2024", "subject:Zahlungserinnerung", False),
    ("after:2024-09", "subject:Zahlungserinnerung", True),
    ("after:2024-10", "subject:Zahlungserinnerung", False),
    ("on:2024-09-24", "subject:Zahlungserinnerung", True),
    ("on:2024-09-25", "subject:Zahlungserinnerung", False),
    ("on:2024", "subject:Zahlungserinnerung", True),
    ("larger:20k", "subject:0815", True),
    ("smaller:20k", "subject:0815", False),
    ("smaller:1M", "subject:0815", True),
    ("msgid:m020@mail.example.org", "subject:Zahlungserinnerung", True),
    ("source:mail", "subject:Zahlungserinnerung", True),
    ("source:elsewhere", "subject:Zahlungserinnerung", False),
    ("medium:1", "subject:Zahlungserinnerung", True),
    ("medium:2", "subject:Zahlungserinnerung", False),
    ('"seit 14 Tagen"', "subject:Zahlungserinnerung", True),
    ('"Tagen seit"', "subject:Zahlungserinnerung", False),
    ("zahlungs*", "subject:Zahlungserinnerung", True),
    ("zahlungs", "subject:Zahlungserinnerung", False),
    ("ZAHLUNGSERINNERUNG", "subject:Zahlungserinnerung", True),
    ("einhorn OR entgangen", "subject:Zahlungserinnerung", True),
    ("entgangen NOT rechnung", "subject:Zahlungserinnerung", False),
    ("entgangen -einhorn", "subject:Zahlungserinnerung", True),
    ("tagen (einhorn OR rechnung) -is:spam", "subject:Zahlungserinnerung", True),
    ("tagen (einhorn OR pferd)", "subject:Zahlungserinnerung", False),
    ("faellig", "subject:Zahlungserinnerung", True),
    ("fallig", "subject:Zahlungserinnerung", True),
    ("FÄLLIG", "subject:Zahlungserinnerung", True),
    ("Suessstoff", "subject:Äpfel", True),
]


def test_each_way_of_searching_finds_what_the_guide_says(filled):
    for query, wanted, found in SEARCHES:
        assert (filled.one(wanted) in filled.find(query)) is found, query
        assert filled.count(query) == len(filled.find(query)), query
    assert filled.count("") == len(MAILS)


def test_umlauts_are_found_in_their_three_spellings(archive, folder):
    box = folder / "in"
    box.mkdir()
    names = {"Müller": "umlaut", "Mueller": "written-out", "Muller": "plain"}
    for name, label in names.items():
        (box / f"{label}.eml").write_bytes(mail(subject=label, body=f"Herr {name} ruft an.\n"))
    archive.take(box)

    def who(query):
        return {archive.json("show", i)[0]["subject"] for i in archive.find(query)}

    assert who("müller") == {"umlaut", "written-out", "plain"}
    assert who("mueller") == {"umlaut", "written-out"}
    assert who("muller") == {"umlaut", "plain"}


def test_an_id_finds_its_mail_and_pages_make_up_the_whole(filled):
    ids = filled.find("")
    assert all(filled.find(f"id:{i}") == [i] for i in ids[:5])
    pages = [filled.json("search", "--limit", 10, "--offset", n, "--", "") for n in range(0, 60, 10)]
    assert [m["id"] for page in pages for m in page] == ids
    sent = [m["sent"] for page in pages for m in page]
    assert sent == sorted(sent, reverse=True)


def test_tags_and_a_note_are_kept_and_found(filled):
    one = filled.one("subject:0815")
    filled.run("note", one, "--tags", "steuer 2024", "--text", "Für den Anwalt")
    assert filled.json("note", one) == [{"tags": "steuer 2024", "note": "Für den Anwalt"}]
    filled.run("note", one, "--text", "erledigt")
    assert filled.find("tag:steuer") == filled.find("note:erledigt") == [one]
    assert filled.find("note:anwalt") == []


def test_every_answer_can_be_had_in_json(filled, folder, password):
    one = filled.one("subject:Zahlungserinnerung")
    for words in (["search", "rechnung"], ["search", "--count", "rechnung"], ["show", one],
                  ["verify", one], ["verify", "--all"], ["status"], ["medium", "list"],
                  ["key", "show"], ["note", one], ["index", "update"], ["index", "rebuild"],
                  ["export", "--all", "--to", folder / "out"], ["import", "--dry-run", DATA / "mail"],
                  ["delete", one], ["erase", "index"], ["erase", "media"], ["rebuild"]):
        assert filled.json(*words), words
    gone = filled.json("show", one, status=FAILED, says="was erased")
    assert gone[0]["error"] == "erased"
    assert Archive(folder / "second").json("init")


def manifest(folder):
    with open(folder / "manifest.csv", newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("kind", ["eml", "mbox", "zip"])
def test_an_export_is_whole_and_its_sums_hold(filled, folder, kind):
    out = folder / "out"
    answer = filled.json("export", "--all", "--format", kind, "--to", out)[0]
    assert answer == {"mails": len(MAILS), "bytes": filled.status()["bytes"], "failed": 0}
    checked = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=out, check=False,
                             capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    rows = manifest(out)
    subjects = {m["id"]: m["subject"] for m in filled.json("search", "--limit", 1000)}
    assert {row["id"]: row["subject"] for row in rows} == subjects
    sums = sorted(sha256(f.read_bytes()) for f in MAILS)
    assert sorted(row["sha256"] for row in rows) == sums
    assert exported_sums(out, kind, folder, rows) == sums


def exported_sums(out, kind, folder, rows):
    if kind == "eml":
        given = {f.stem: sha256(f.read_bytes()) for f in out.glob("*.eml")}
        assert given == {row["id"]: row["sha256"] for row in rows}
        return sorted(given.values())
    if kind == "zip":
        with zipfile.ZipFile(io.BytesIO((out / "mails.zip").read_bytes())) as archive:
            assert archive.testzip() is None
            return sorted(sha256(archive.read(name)) for name in archive.namelist())
    return sums_of_mbox(out, folder)


def sums_of_mbox(out, folder):
    """Read back by importing it; what an mbox cannot tell is whether a mail's last line ended."""
    second = Archive(folder / "second").init()
    assert second.take(out / "mails.mbox") == report(len(MAILS), archived=len(MAILS))
    unended = {sha256(raw + b"\n"): sha256(raw)
               for raw in (f.read_bytes() for f in MAILS) if not raw.endswith(b"\n")}
    return sorted(unended.get(one, one) for one in second.all_sums())


def test_what_a_query_finds_is_exported_and_nothing_is_written_over(filled, folder):
    out = folder / "out"
    filled.run("export", "subject:0815", "--to", out)
    assert [f.stem for f in out.glob("*.eml")] == filled.find("subject:0815")
    before = files_below(out)
    filled.run("export", "--all", "--to", out, status=FAILED, says="is not empty")
    assert files_below(out) == before


def test_one_mail_and_all_of_them_are_proven_unchanged(filled):
    one = filled.one("subject:0815")
    assert sha256(filled.raw(one)) in filled.text("verify", one)
    answer = filled.json("verify", "--all")
    assert len(answer) == 1
    assert (answer[0]["mails"], answer[0]["findings"]) == (len(MAILS), 0)


def test_a_flipped_bit_on_the_medium_is_found_and_the_mail_named(filled):
    pack = next(iter(filled.packs()))
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)
    answer = filled.json("verify", "--all", status=FAILED)
    assert answer[-1]["findings"] >= 1
    named = {i for finding in answer[:-1] for i in finding["mails"]}
    assert named
    for one in named:
        filled.run("show", one, "--raw", status=FAILED, says="damaged")
    for one in set(filled.find("")) - named:
        filled.raw(one)


def test_a_deleted_mail_is_gone_at_once_and_erased_for_good(filled):
    lone, shared = filled.one("subject:0815"), filled.one("subject:0816")
    others = {i: filled.raw(i) for i in filled.find("") if i not in (lone, shared)}
    size = sum(filled.packs().values())
    filled.run("delete", lone, shared)

    def gone():
        assert filled.find("2024-0815") == filled.find("file:Rechnung-2024-0815.pdf") == []
        assert filled.count("") == filled.status()["mails"] == len(MAILS) - 2
        filled.run("verify", lone, status=FAILED)
        return filled.run("show", lone, status=FAILED, says=lone).err

    gone()
    filled.run("erase", "index")
    gone()
    freed = filled.json("erase", "media")[0]
    assert freed["mails"] == 2 and freed["packs"] == 1 and freed["refused"] == 0
    assert sum(filled.packs().values()) == size - freed["bytes_freed"]
    assert freed["bytes_freed"] > 5000  # its PDF is gone, too
    assert "this mail was erased at 20" in gone()
    filled.run("rebuild")
    assert "this mail was erased at 20" in gone()
    assert {i: filled.raw(i) for i in filled.find("")} == others
    for offer in filled.find("file:agb.pdf"):
        assert attachments(others[offer]) <= {
            filled.run("show", offer, "--part", p["part"]).out
            for p in filled.json("show", offer)[0]["parts"]}
    filled.run("verify", "--all")


def test_an_erased_mail_may_come_back_as_a_new_one(filled):
    one = filled.one("subject:Zahlungserinnerung")
    filled.run("delete", one)
    filled.run("erase", "index")
    filled.run("erase", "media")
    assert filled.take(DATA / "mail")["archived"] == 1
    assert filled.one("subject:Zahlungserinnerung") != one


def test_an_id_that_does_not_exist_is_named_and_the_others_are_deleted(filled):
    one = filled.one("subject:Zahlungserinnerung")
    unknown = one[:-4] + "ffff"
    filled.run("delete", unknown, one, status=REFUSED, says=unknown)
    assert filled.find("subject:Zahlungserinnerung") == []
    filled.run("delete", "17", status=REFUSED, says='"17" is no id')
