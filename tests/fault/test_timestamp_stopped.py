# SPDX-License-Identifier: GPL-3.0-or-later
"""Stamping, stopped at every step: each mail gets one timestamp, numbers have no gap, and everything is proved afterwards."""
import os
import pathlib
import sys

import pytest

from faults import ROOT, check_all, count_calls, fault, json_lines, must, new_archive, run, some_of

sys.path.insert(0, os.path.join(ROOT, "tests", "system"))
from tsa import Tsa  # noqa: E402, of the system tests


@pytest.fixture(scope="module", name="authority")
def _authority(folder):
    with Tsa(pathlib.Path(folder) / "tsa") as made:
        yield made


@pytest.fixture(scope="module", name="stamped_once")
def _stamped_once(folder, small_mailbox, authority):
    """A timestamp, and mail that came after it."""
    archive = new_archive(os.path.join(folder, "stamped"))
    must(archive, "timestamp", "set", "--url", authority.url, "--ca", str(authority.ca_file))
    must(archive, "import", small_mailbox.paths[0])
    must(archive, "timestamp", "run")
    must(archive, "import", small_mailbox.paths[1])
    return archive


@pytest.mark.parametrize("do, calls", [("kill", "rename,link,unlink,fsync,ftruncate"), ("half", "write"), ("enospc", "write"),
                                       ("eio", "fsync")])
def test_stopped_anywhere_each_mail_has_one_timestamp_in_the_end(folder, copy, stamped_once, do, calls):
    with copy(stamped_once) as archive:
        n = count_calls(folder, archive, calls, "timestamp", "run")
        mails = json_lines(must(archive, "--json", "timestamp", "status"))[0]["mails"]
    assert n > 0

    def check(at):
        with copy(stamped_once) as archive:
            run(archive, "timestamp", "run", env=fault(calls, at, do))
            must(archive, "timestamp", "run")
            status = json_lines(must(archive, "--json", "timestamp", "status"))[0]
            rows = json_lines(must(archive, "--json", "timestamp", "list"))
            assert (status["mails"], status["waiting"]) == (mails, 0)
            assert [row["timestamp"] for row in rows] == [1, 2]
            assert sum(row["mails"] for row in rows) == mails
            report = json_lines(must(archive, "--json", "timestamp", "verify", "--all"))[-1]
            assert report["findings"] == 0 and report["mails"] == mails

    check_all(check, some_of(n, 30))
