# SPDX-License-Identifier: GPL-3.0-or-later
"""The upgrade of the oldest kept archive, stopped at every step: the same archive afterwards."""
import glob
import hashlib
import os
import shutil

import pytest

from faults import ROOT, check_all, count_calls, fault, json_lines, must, must_be_clean, run, some_of

SIGKILL = -9
KEPT = os.path.join(ROOT, "tests/data/archives")


@pytest.fixture(scope="module", name="oldest")
def _oldest(folder):
    path = os.path.join(folder, "oldest")
    shutil.copytree(os.path.join(KEPT, "FORMAT-1"), path)
    os.chmod(os.path.join(path, "archive.key"), 0o400)
    return path


@pytest.fixture(scope="module", name="mails")
def _mails():
    """SHA-256 by id, of those that are neither deleted nor erased."""
    with open(os.path.join(KEPT, "FORMAT-1.mails"), encoding="ascii") as f:
        rows = [line.split() for line in f]
    return {mail_id: total for total, mail_id, name in rows if not name.startswith("mahnung")}


def schema_of(archive):
    return json_lines(must(archive, "--json", "upgrade", "--check"))[0]["from"]


def copies(archive):
    return [path for path in glob.glob(f"{archive}/catalog.db.before-*") if not path.endswith((".part", "-wal", "-shm"))]


def must_be_upgraded(archive, mails):
    """Opening it again makes it whole: each mail, the note, one line of the upgrade, and the catalog from before."""
    must(archive, "upgrade")
    assert must(archive, "audit", "list").count("archive upgraded") == 1
    must(archive, "audit", "verify")
    for mail_id, total in mails.items():
        assert hashlib.sha256(run(archive, "show", mail_id, "--raw").stdout).hexdigest() == total
    assert int(must(archive, "search", "", "--count")) == len(mails)
    assert int(must(archive, "search", "tag:Steuer Zebrastreifen", "--count")) == 1
    must_be_clean(archive)
    copy, = copies(archive)
    assert not glob.glob(f"{archive}/*.part*")
    shutil.copy(copy, f"{archive}/catalog.db")
    assert schema_of(archive) == 1


@pytest.mark.parametrize("calls", ["rename,link,unlink", "fsync", "ftruncate"])
def test_killed_before_every_call(folder, oldest, copy, mails, calls):
    def check(at):
        with copy(oldest) as archive:
            assert run(archive, "upgrade", env=fault(calls, at)).returncode == SIGKILL
            # what there is of a copy is whole, and no step comes before it
            assert copies(archive) or schema_of(archive) == 1
            must_be_upgraded(archive, mails)

    with copy(oldest) as archive:
        n = count_calls(folder, archive, calls, "upgrade")
    assert n > 0
    check_all(check, range(1, n + 1))


def test_killed_in_the_middle_of_every_write(folder, oldest, copy, mails):
    """An even sample of them."""
    def check(at):
        with copy(oldest) as archive:
            assert run(archive, "upgrade", env=fault("write", at, "half")).returncode == SIGKILL
            must_be_upgraded(archive, mails)

    with copy(oldest) as archive:
        n = count_calls(folder, archive, "write", "upgrade")
    check_all(check, some_of(n, 40))


@pytest.mark.parametrize("do, calls", [("enospc", "write"), ("eio", "fsync")])
def test_no_space_and_a_failing_disk_from_any_call_on(folder, oldest, copy, mails, do, calls):
    def check(at):
        with copy(oldest) as archive:
            done = run(archive, "upgrade", env=fault(calls, at, do))
            assert done.returncode in (0, 1), done
            if done.returncode == 1:
                assert b"no mail is touched" in done.stderr or b"is safe" in done.stderr, done.stderr
            must_be_upgraded(archive, mails)

    with copy(oldest) as archive:
        n = count_calls(folder, archive, calls, "upgrade")
    check_all(check, some_of(n, 20))


def test_killed_again_and_again_on_the_way_to_the_end(oldest, copy, mails):
    with copy(oldest) as archive:
        for at in range(1, 200, 3):
            if run(archive, "upgrade", env=fault("rename,unlink,fsync,write", at)).returncode == 0:
                break
        must_be_upgraded(archive, mails)
