# SPDX-License-Identifier: GPL-3.0-or-later
"""Deleting, erasing and rebuilding, stopped at every step: nothing else is lost, nothing comes back."""
import glob
import os

import pytest

from faults import (ALL_CALLS, check_all, count_calls, exported, fault, must, must_be_clean,
                    new_archive, run, some_of)

SIGKILL = -9


@pytest.fixture(scope="module", name="full")
def _full(folder, small_mailbox):
    """Two imports, so that parts lie in another pack than mails that use them."""
    archive = new_archive(os.path.join(folder, "full"))
    must(archive, "import", small_mailbox.paths[0])
    must(archive, "import", small_mailbox.paths[1])
    return archive


@pytest.fixture(scope="module", name="doomed")
def _doomed(folder, full):
    """Ids of mails to delete: some with shared attachments (all three users of one), some without."""
    mails = exported(folder, full)
    numbers = {0, 4, 8, 1, 5, 2, 12, 13, 37, 39}
    return [mail_id for mail_id, mail in mails.items()
            if any(f"\r\nSubject: letter {n}\r\n".encode() in mail for n in numbers)]


@pytest.fixture(scope="module", name="kept")
def _kept(folder, full, doomed):
    return {i: mail for i, mail in exported(folder, full).items() if i not in doomed}


def erase(archive):
    for what in ("index", "media"):
        must(archive, "erase", what)


def pack_files(archive):
    return sorted(glob.glob(f"{archive}/media/1/sealpost-*/packs/*/*.pack"))


def must_have_just(folder, archive, mails, gone):
    must_be_clean(archive)
    assert exported(folder, archive) == mails, "mails were lost, or came back"
    assert int(must(archive, "search", "everyword", "--count")) == len(mails)
    for mail_id in gone[:2]:
        done = run(archive, "show", mail_id)
        assert done.returncode == 1 and not done.stdout


def rebuild_from_media_alone(archive):
    for path in glob.glob(f"{archive}/catalog.db*") + glob.glob(f"{archive}/index.db*"):
        os.remove(path)
    must(archive, "rebuild")


def test_erase_leaves_nothing_and_frees_what_only_the_erased_used(folder, copy, full, doomed, kept):
    with copy(full) as archive:
        before = sum(map(os.path.getsize, pack_files(archive)))
        must(archive, "delete", *doomed)
        must_have_just(folder, archive, kept, doomed)
        erase(archive)
        must_have_just(folder, archive, kept, doomed)
        after = sum(map(os.path.getsize, pack_files(archive)))
        assert before - after > 8000 + 6 * 4000  # the part all of whose users went, and others
        rebuild_from_media_alone(archive)
        must_have_just(folder, archive, kept, doomed)


@pytest.mark.parametrize("do, calls", [("kill", "rename,link,unlink,fsync,ftruncate"),
                                       ("half", "write"), ("enospc", "write"), ("eio", "fsync")])
@pytest.mark.parametrize("step", ["delete", "erase index", "erase media"])
def test_stopped_anywhere_it_can_be_done_again(folder, copy, full, doomed, kept, step, do, calls):
    words = step.split() + (doomed if step == "delete" else [])
    with copy(full) as before:
        if step != "delete":
            must(before, "delete", *doomed)
        if step == "erase media":
            must(before, "erase", "index")

        def check(at):
            with copy(before) as archive:
                done = run(archive, *words, env=fault(calls, at, do))
                assert done.returncode in ((0, 1) if do in ("enospc", "eio") else (SIGKILL,)), done
                must_be_clean(archive)
                now = exported(folder, archive)
                assert kept.items() <= now.items(), "another mail was lost"
                if step != "delete":
                    assert now == kept, "a deleted mail came back"
                    for mail_id in doomed[:1]:
                        assert run(archive, "show", mail_id).returncode == 1
                else:
                    run(archive, "delete", *doomed)
                erase(archive)
                must_have_just(folder, archive, kept, doomed)
                assert sum(map(os.path.getsize, pack_files(archive))) == erased_bytes
                rebuild_from_media_alone(archive)
                must_have_just(folder, archive, kept, doomed)

        with copy(before) as archive:
            n = count_calls(folder, archive, calls, *words)
            erase(archive)
            erased_bytes = sum(map(os.path.getsize, pack_files(archive)))
        check_all(check, range(1, n + 1) if do == "kill" else some_of(n, 25))


def test_an_old_pack_that_turns_up_again_brings_nothing_back(folder, copy, full, doomed, kept):
    """Erased twice: the newest pack stands for all that came before it."""
    with copy(full) as archive:
        old = {path: open(path, "rb").read() for path in pack_files(archive)}
        for some in (doomed[::2], doomed[1::2]):
            must(archive, "delete", *some)
            erase(archive)
        for path, data in old.items():
            with open(path, "wb") as f:
                f.write(data)
        rebuild_from_media_alone(archive)
        must_have_just(folder, archive, kept, doomed)


@pytest.mark.parametrize("do, calls", [("kill", "rename,link,unlink,fsync,ftruncate"),
                                       ("half", "write")])
def test_rebuild_killed_leaves_the_old_catalog_or_the_new_one(folder, copy, full, doomed, kept, do,
                                                              calls):
    with copy(full) as before:
        must(before, "delete", *doomed)
        erase(before)
        tagged = next(iter(kept))
        must(before, "note", tagged, "--tags", "important")

        def check(at):
            with copy(before) as archive:
                done = run(archive, "rebuild", env=fault(calls, at, do))
                assert done.returncode == SIGKILL
                must_have_just(folder, archive, kept, doomed)
                must(archive, "rebuild")
                must_have_just(folder, archive, kept, doomed)
                assert int(must(archive, "search", "tag:important", "--count")) == 1

        with copy(before) as archive:
            n = count_calls(folder, archive, calls, "rebuild")
        check_all(check, range(1, n + 1) if do == "kill" else some_of(n, 40))


def test_rebuild_of_what_a_killed_importer_left(folder, empty, copy, mailbox):
    """No opening in between: the packs are as the importer left them."""
    def check(at):
        with copy(empty) as archive:
            run(archive, "import", *mailbox.paths, env=fault(ALL_CALLS, at, "half"))
            rebuild_from_media_alone(archive)
            must_be_clean(archive)
            must(archive, "import", *mailbox.paths)
            must_be_clean(archive)
            mails = list(exported(folder, archive).values())
            assert len(mails) == len(mailbox.mails) and not mailbox.mails ^ set(mails)

    with copy(empty) as archive:
        n = count_calls(folder, archive, ALL_CALLS, "import", *mailbox.paths)
    check_all(check, some_of(n, 40))


def test_erase_killed_then_rebuilt_leaves_no_half_written_pack(folder, copy, full, doomed, kept):
    """A rebuild must not pass over the unfinished pack, which holds mails that may be erased later."""
    with copy(full) as before:
        must(before, "delete", doomed[0])
        must(before, "erase", "index")

        def check(at):
            with copy(before) as archive:
                run(archive, "erase", "media", env=fault(ALL_CALLS, at, "half"))
                rebuild_from_media_alone(archive)
                must_be_clean(archive)
                run(archive, "delete", *doomed)
                erase(archive)
                must_have_just(folder, archive, kept, doomed)
                status = {os.path.basename(path) for path in pack_files(archive)}
                rebuild_from_media_alone(archive)
                assert {os.path.basename(path) for path in pack_files(archive)} == status
                assert len(status) == n_packs

        n_packs = len(pack_files(before))
        with copy(before) as archive:
            n = count_calls(folder, archive, ALL_CALLS, "erase", "media")
        check_all(check, some_of(n, 40))
