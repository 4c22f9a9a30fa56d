# SPDX-License-Identifier: GPL-3.0-or-later
"""There is a manual page for each verb, program and file of settings, and it has what the program has. A second."""
import pathlib
import re
import subprocess

import pytest
from sealpost import BIN, ROOT

COMMON = {"archive", "json", "verbose", "help"}
SOURCES = {f.name: f.read_text(encoding="utf-8") for f in (ROOT / "app" / "cmd").glob("*.c")}
VERBS = re.findall(r"^\tX\((\w+),", (ROOT / "app" / "cmd" / "cmd.h").read_text(encoding="utf-8"), re.M)
LOGIN_SETTINGS = re.findall(r'^\tX\(\w+, \w+, "([\w-]+)", SOURCE_(?!SECRET)',
                            (ROOT / "app" / "access" / "source_wire.h").read_text(encoding="utf-8"), re.M)


@pytest.fixture(scope="module", name="pages")
def pages_(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man")
    subprocess.run([ROOT / "package" / "man", pathlib.Path(BIN).parent, folder], check=True)
    return {page.name: page for page in folder.iterdir()}


def parts_of(page):
    """The verb's, and what is said of a program of that name."""
    return page.read_text(encoding="utf-8").replace(r"\-", "-").partition(".SH THE PROGRAM")


def options_in(text):
    return set(re.findall(r"^\.TP\n\\fB--([a-z0-9-]+)", text, re.M))


def options_of(verb):
    """Those that the verb's sources have rows for: places.h has the ones of a location."""
    mine = [text for name, text in SOURCES.items() if re.fullmatch(rf"{verb}(_\w+)?\.c", name)]
    known = {option for text in mine for option in re.findall(r'\{"([a-z0-9-]+)", OPTION_', text)}
    for location in re.findall(r'PLACES_OPTIONS\("([a-z-]+)"', "".join(mine)):
        known |= {location, "user", "password-file", "domain"}
    return known | (set(LOGIN_SETTINGS) if verb == "source" else set())


@pytest.mark.parametrize("verb", VERBS)
def test_the_page_of_a_verb_has_its_options_and_no_others(pages, verb):
    assert options_in(parts_of(pages[f"sealpost-{verb}.1"])[0]) - COMMON == options_of(verb)


@pytest.mark.parametrize("name", ["archiver", "shipper", "scheduler", "smtpd", "milter", "api", "starter", "task", "verify"])
def test_the_page_of_a_program_has_its_options_and_no_others(pages, name):
    told = subprocess.run([f"{BIN}-{name}", "--help"], capture_output=True, text=True, check=False)
    known = set(re.findall(r"--([a-z-]+)", re.search(r"^usage: (.*)", told.stdout + told.stderr, re.M)[1]))
    page = pages[f"sealpost-{name}.{'1' if name == 'verify' else '8'}"]
    assert known and options_in(parts_of(page)[2 if name == "verify" else 0]) == known


def test_each_program_has_a_page(pages):
    mains = [main.parent.name for main in ROOT.glob("*/**/main.c") if main.parent.name != "cmd" and "build" not in main.parts]
    assert {f"sealpost-{name}.{'1' if name == 'verify' else '8'}" for name in mains} | {"sealpost.1"} <= set(pages)


def test_each_setting_is_in_the_page_of_its_file(pages):
    told = subprocess.run([BIN, "settings"], check=True, capture_output=True, text=True).stdout
    for name, table in re.findall(r"^(\w+\.conf)\n\n(.*?)(?=^\w+\.conf\n|\Z)", told, re.M | re.S):
        rows = re.findall(r"^\| `(.*?)`", table, re.M)
        page = pages[f"{name}.5"].read_text(encoding="utf-8").replace(r"\-", "-")
        assert rows and re.findall(r"^\.TP\n\\fB(.*?)\\fR$", page.split(".SH SETTINGS")[1], re.M) == rows


def test_the_pages_are_well_formed(pages):
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages.values()], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
