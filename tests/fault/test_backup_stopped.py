# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of the catalog, stopped at every step: what lies on the medium is whole, and the next one is right."""
import glob
import os

import pytest

from faults import check_all, count_calls, fault, json_lines, must, new_archive, run, some_of


@pytest.fixture(scope="module", name="backed_up")
def _backed_up(folder, small_mailbox):
    """A full backup, and mail that came after it."""
    archive = new_archive(os.path.join(folder, "backed-up"))
    must(archive, "import", small_mailbox.paths[0])
    must(archive, "backup", "full")
    must(archive, "import", small_mailbox.paths[1])
    return archive


def must_be_usable(archive, at_least):
    """Every set that has its name reads from end to end, and rests on one that does."""
    sets = json_lines(must(archive, "--json", "backup", "list", "--check"))
    assert len(sets) >= at_least and all(s["usable"] for s in sets), sets
    return sets


@pytest.mark.parametrize("do, calls", [("kill", "rename,link,unlink,fsync,ftruncate"),
                                       ("half", "write"), ("enospc", "write"), ("eio", "fsync")])
@pytest.mark.parametrize("kind", ["full", "incremental"])
def test_stopped_anywhere_it_can_be_done_again(folder, copy, backed_up, kind, do, calls):
    with copy(backed_up) as archive:
        n = count_calls(folder, archive, calls, "backup", kind)
    assert n > 0

    def check(at):
        with copy(backed_up) as archive:
            run(archive, "backup", kind, env=fault(calls, at, do))
            before = must_be_usable(archive, at_least=1)
            again, = json_lines(must(archive, "--json", "backup", "incremental"))
            after = must_be_usable(archive, at_least=2)
            assert len(after) == len(before) + 1 and after[-1]["id"] == again["id"]
            assert again["kind"] == "incremental" and not again["instead"]
            assert not glob.glob(f"{archive}/media/1/*/catalog/*.part")

    check_all(check, some_of(n, 40))
