# SPDX-License-Identifier: GPL-3.0-or-later
"""People, from the command line."""
import pytest

from sealpost import USAGE


@pytest.fixture
def rita(archive, folder):
    (folder / "password").write_text("battery staple horse correct\n")
    archive.run("user", "add", "rita", "--role", "revisor", "--password-file", folder / "password")
    return archive


@pytest.mark.parametrize("given, told", [
    (("--from", "2023", "--until", "2024"), ("sent from 2023-01-01", "sent until 2024-12-31")),
    (("--until", "2024-02"), ("sent until 2024-02-29",)),
    (("--until", "2024-05-17", "--valid-until", "2026-12-31"), ("sent until 2024-05-17", "account valid until 2026-12-31")),
])
def test_a_revisors_bounds_hold_the_last_day_that_is_named(rita, given, told):
    shown = rita.text("user", "scope", "rita", *given)
    assert [line for line in shown.splitlines() if line.strip() in told] == [f"  {line}" for line in told]


def test_a_bound_that_is_no_date_is_refused(rita):
    rita.run("user", "scope", "rita", "--until", "2024-13", status=USAGE, says="is no date")
