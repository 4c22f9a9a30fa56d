# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides say what the program does."""
import os
import pathlib
import re
import subprocess
import sys

import pytest
from sealpost import ENV, ROOT, USAGE, Archive

INTAKE, ADMIN = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("INTAKE.md", "ADMIN.md"))
GUIDE_S = 900


def rows_of(text):
    return [line for line in text.splitlines() if line.startswith("| `")]


def table_of(told, name):
    """What the program tells of one file of settings."""
    return rows_of(told.split(f"{name}\n\n", 1)[1].split(".conf\n")[0])


def test_the_guides_have_every_setting_as_the_program_has_it(folder):
    told = Archive(folder / "archive").text("settings")
    assert len(rows_of(told)) > 30
    assert table_of(told, "sealpost.conf") + table_of(told, "timetable.conf") + table_of(told, "alarms.conf") + table_of(told, "log.conf") + \
        table_of(told, "api.conf") == \
        rows_of(ADMIN.split("## Settings", 1)[1]), "put the tables of `sealpost settings` into docs/ADMIN.md"
    assert table_of(told, "smtpd.conf") + table_of(told, "milter.conf") == \
        rows_of(INTAKE.split("## All settings", 1)[1]), "put the others into docs/INTAKE.md"


@pytest.mark.parametrize("name", ["smtpd.conf", "milter.conf", "sealpost.conf", "timetable.conf", "alarms.conf", "api.conf"])
def test_each_file_of_settings_has_its_table(folder, name):
    assert f"{name}\n\n| name | default |" in Archive(folder / "archive").text("settings")


def test_the_settings_take_no_arguments(folder):
    Archive(folder / "archive").run("settings", "smtpd.conf", status=USAGE, says="no arguments")


def texts_of(source):
    """A source without its comments, and with the strings put together that stand behind each other."""
    return re.sub(r'"\s*\n\s*"', "", re.sub(r"/\*.*?\*/", "", source, flags=re.S)).replace('\\"', '"')


def test_every_message_that_the_guide_explains_is_one():
    explained = re.findall(r"^\| `(.*?)` \|", ADMIN.split("## What a message means")[1].split("## Settings")[0], re.M)
    assert len(explained) > 20
    said = [texts_of(source.read_text(encoding="utf-8"))
            for folder in ("app", "backup", "storage", "tsa") for source in (ROOT / folder).rglob("*.c")]
    assert [words for words in explained if not any(words in text for text in said)] == []


def test_the_guide_tells_of_each_alarm_what_to_do():
    alarms = re.findall(r"^\tX\((\w+),", (ROOT / "app" / "watch" / "alarms.h").read_text(encoding="utf-8"), re.M)
    chapter = ADMIN.split("## Watching over it")[1].split("\n## ")[0]
    assert len(alarms) >= 10 and re.findall(r"^\| `(.*?)` \|", chapter, re.M) == alarms


@pytest.mark.skipif(os.getuid() != 0, reason="a network of its own takes root")
def test_every_command_of_the_administrators_guide_does_what_it_says(folder):
    """With a file server, on a host of its own: from the first share to the restore, and from a trial to production."""
    host = pathlib.Path(__file__).with_name("guide_host.py")
    done = subprocess.run(["unshare", "--mount", "--net", sys.executable, "-B", host, folder], env=ENV,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=GUIDE_S, check=False)
    assert done.returncode == 0, done.stdout.decode()[-5000:]


def paragraphs_of(chapter):
    blocks = [block.strip("\n") for block in re.split(r"\n[ \n]*\n", chapter)]
    return sum(1 for block in blocks[1:] if block and not re.match(r"\||- |(?: {3})? {4}\S", block))


def shape_of(guide):
    """What both languages have in common: levels of headings, commands, what stands in fences, the rows of tables, and
    how many paragraphs a chapter has."""
    text = guide.split("\n", 1)[1]
    fences = re.findall(r"^```.*?^```", text, re.M | re.S)
    prose = re.sub(r"^```.*?^```$|^ *<!--.*?-->$", "", text, flags=re.M | re.S)
    return {"chapters": re.findall(r"^#+(?= )", prose, re.M), "commands": re.findall(r"^(?: {3})? {4}(\S.*)$", prose, re.M), "fences": fences,
            "paragraphs": [paragraphs_of(chapter) for chapter in re.split(r"^#+ ", prose, flags=re.M)],
            "rows": [re.findall(r"^\| *(`.*?`)?", row)[0] for row in re.findall(r"^\|.*", prose, re.M)],
            "steps": re.findall(r"^\d\.", prose, re.M), "points": re.findall(r"^- ", prose, re.M)}


def test_the_german_guide_has_what_the_english_one_has():
    """Whoever changes docs/ADMIN.md changes docs/ADMIN.de.md: each chapter, command, alarm, message and setting, in their order."""
    german = (ROOT / "docs" / "ADMIN.de.md").read_text(encoding="utf-8")
    for part, english in shape_of(ADMIN).items():
        assert shape_of(german)[part] == english, part
    values = [[cell.strip() for cell in row.split("|")[1:3]] for row in rows_of(ADMIN.split("\n## Settings\n")[1])]
    assert [[cell.strip() for cell in row.split("|")[1:3]] for row in rows_of(german.split("\n## Einstellungen\n")[1])] == values


@pytest.mark.parametrize("guide", sorted((ROOT / "docs").glob("*.md")), ids=lambda guide: guide.name)
def test_what_a_guide_refers_to_is_there(guide):
    text = guide.read_text(encoding="utf-8")
    for name, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", re.sub(r"`[^`]*`", "", text)):
        there = guide.parent / name if name else guide
        assert there.exists(), name
        if anchor:
            headings = re.findall(r"^#+ (.*)", there.read_text(encoding="utf-8"), re.M)
            assert anchor in [re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings], f"{name}#{anchor}"


def words_of_the_page(language):
    """All that the page says in a language; a text.ts has both."""
    web = ROOT / "ui-backend" / "web" / "src"
    return {word for name in (f"{language}.ts", "text.ts") for source in web.rglob(name)
            for word in re.findall(r'(?::|one:|other:) "(.*?)"[ ,}]', source.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("guide, language", [("USER.md", "en"), ("USER.de.md", "de")])
def test_what_the_users_guide_names_stands_on_the_page(guide, language):
    text = re.sub(r"\s+", " ", (ROOT / "docs" / guide).read_text(encoding="utf-8"))
    named = set(re.findall(r"\*\*(.*?)\*\*", text))
    assert len(named) > 15 and named - words_of_the_page(language) == set()


def test_the_searches_in_the_users_guide_are_right(archive):
    for guide in ("USER.md", "USER.de.md"):
        queries = re.findall(r"^\| `(.*?)` \|", (ROOT / "docs" / guide).read_text(encoding="utf-8").split("| Feld")[0], re.M)
        assert len(queries) == 6
        for query in queries:
            archive.run("search", "--", query)
