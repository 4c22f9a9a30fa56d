# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide says what the program does."""
import pathlib
import re

import pytest
from sealpost import USAGE, Archive

GUIDE = pathlib.Path(__file__, "../../../docs/INTAKE.md").resolve().read_text(encoding="utf-8")


def test_the_guide_has_every_setting_as_the_program_has_it(folder):
    told = Archive(folder / "archive").text("settings")
    rows = [line for line in told.splitlines() if line.startswith("| `")]
    assert len(rows) > 30
    missing = [row for row in rows if row not in GUIDE.splitlines()]
    assert not missing, "put the tables of `sealpost settings` into docs/INTAKE.md"


def test_the_guide_has_no_setting_that_the_program_lacks(folder):
    told = Archive(folder / "archive").text("settings")
    tables = GUIDE.split("## All settings", 1)[1]
    assert [row for row in re.findall(r"^\| `.*", tables, re.M) if row not in told] == []


@pytest.mark.parametrize("name", ["smtpd.conf", "milter.conf", "sealpost.conf"])
def test_each_file_of_settings_has_its_table(folder, name):
    assert f"{name}\n\n| name | default |" in Archive(folder / "archive").text("settings")


def test_the_settings_take_no_arguments(folder):
    Archive(folder / "archive").run("settings", "smtpd.conf", status=USAGE, says="no arguments")
