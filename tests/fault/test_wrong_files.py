# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are not what they should be: each is told in its own words, and nothing is changed."""
import glob
import hashlib
import os
import shutil

import pytest

from faults import exported, json_lines, must, new_archive, run


@pytest.fixture(scope="module", name="archives")
def _archives(folder, small_mailbox):
    """Two archives of the same mails."""
    paths = []
    for name in ("ours", "theirs"):
        path = new_archive(os.path.join(folder, name))
        must(path, "import", *small_mailbox.paths)
        paths.append(path)
    return paths


@pytest.fixture(name="ours")
def _ours(copy, archives):
    with copy(archives[0]) as archive:
        yield archive


@pytest.fixture(name="theirs")
def _theirs(archives):
    return archives[1]


def medium_of(archive):
    return glob.glob(f"{archive}/media/1/sealpost-*")[0]


def first_pack(archive):
    return sorted(glob.glob(f"{medium_of(archive)}/packs/*/*.pack"))[0]


def fingerprint(archive, *but):
    """All files but those that any opening makes anew: locks and SQLite's shared memory and log."""
    files = {}
    for path, _, names in os.walk(archive):
        for name in names:
            if name.endswith(("-wal", "-shm", ".lock")) or path.endswith("/lock") or name in but:
                continue
            with open(os.path.join(path, name), "rb") as f:
                files[os.path.join(path, name)] = hashlib.sha256(f.read()).hexdigest()
    return files


def must_refuse(archive, code, *words, verbs=(("verify", "--all"), ("search", "", "--count"))):
    """Every verb fails with this problem code, says all WORDS, and changes no file."""
    before = fingerprint(archive)
    for verb in verbs:
        done = run(archive, "--json", *verb)
        assert done.returncode == 1, done
        problem = json_lines(done.stdout.decode())[-1]
        assert problem["error"] == code, problem
        for word in words:
            assert word in problem["text"], (word, problem)
    assert fingerprint(archive) == before


def must_be_left_out(archive, *words):
    """verify --all says in these words why the medium was not checked, checks the rest, and changes no file but
    the catalog, which notes when all was verified."""
    before = fingerprint(archive, "catalog.db")
    done = run(archive, "--json", "verify", "--all")
    assert done.returncode == 3, done
    medium, total = json_lines(done.stdout.decode())
    assert medium["medium"] == 1 and medium["unchecked_packs"] == total["unchecked_packs"] == 1
    assert total["unchecked_mails"] > 0 and total["findings"] == 0
    for word in words:
        assert word in medium["reason"], (word, medium)
    assert fingerprint(archive, "catalog.db") == before


def must_be_found(archive, *words):
    """verify --all names it; whatever else is read is right or refused. The catalog notes when all was verified."""
    before = fingerprint(archive, "catalog.db")
    done = run(archive, "--json", "verify", "--all")
    assert done.returncode == 1, done
    told = done.stdout.decode() + done.stderr.decode()
    for word in words:
        assert word in told, (word, told)
    assert fingerprint(archive, "catalog.db") == before


def replace(path, data):
    mode = os.stat(path).st_mode
    os.chmod(path, 0o600)
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)


def content(path):
    with open(path, "rb") as f:
        return f.read()


def test_the_key_of_another_archive(ours, theirs):
    replace(f"{ours}/archive.key", content(f"{theirs}/archive.key"))
    must_refuse(ours, "wrong-key", "catalog", "key")


def test_no_key(ours):
    os.remove(f"{ours}/archive.key")
    must_refuse(ours, "not-found", "no archive key", "key import")


@pytest.mark.parametrize("length", [0, 1, 40, -2])
def test_a_key_file_cut_short(ours, length):
    key = content(f"{ours}/archive.key")
    replace(f"{ours}/archive.key", key[:length])
    must_refuse(ours, "damaged", "archive.key")


def test_the_catalog_of_another_archive(ours, theirs):
    shutil.copy(f"{theirs}/catalog.db", ours)
    must_refuse(ours, "wrong-key", "catalog")


def test_the_index_of_another_archive(ours, theirs):
    """Searching is refused, verify names it, reading goes on, and a new index makes it good."""
    some = json_lines(run(ours, "--json", "search", "--limit", "1", "").stdout.decode())[0]["id"]
    run(ours, "medium", "list")  # that the search was counted goes from the log into the catalog
    shutil.copy(f"{theirs}/index.db", ours)
    must_refuse(ours, "wrong-key", "index", "index rebuild", verbs=(("search", "", "--count"),))
    must_be_found(ours, "index")
    assert run(ours, "show", "--raw", some).returncode == 0
    assert run(ours, "index", "rebuild").returncode == 0
    assert run(ours, "verify", "--all").returncode == 0


def test_no_catalog(ours):
    os.remove(f"{ours}/catalog.db")
    must_refuse(ours, "not-found", "catalog", "sealpost rebuild")


@pytest.mark.parametrize("name", ["catalog", "index"])
@pytest.mark.parametrize("cut", [1, 4096, 8192, 20000])
def test_a_database_cut_short(ours, name, cut):
    path = f"{ours}/{name}.db"
    os.truncate(path, os.path.getsize(path) - cut)
    must_be_found(ours, name)


@pytest.mark.parametrize("name", ["catalog", "index"])
def test_a_database_cut_to_its_first_bytes(ours, name):
    os.truncate(f"{ours}/{name}.db", 100)
    must_be_found(ours, name)


def test_an_empty_catalog_is_no_archive(ours):
    os.truncate(f"{ours}/catalog.db", 0)
    must_refuse(ours, "damaged", "catalog")


def test_a_medium_of_another_archive(ours, theirs, folder, copy):
    place = medium_of(ours)
    shutil.rmtree(place)
    shutil.copytree(medium_of(theirs), place)
    before = fingerprint(ours)
    for verb in (("verify", "--all"), ("import", os.path.join(folder, "small"))):
        done = run(ours, *verb)
        assert done.returncode != 0
        assert b"is not this archive's" in done.stderr + done.stdout
    assert {path: sum_ for path, sum_ in fingerprint(ours).items() if "/media/" in path} == \
           {path: sum_ for path, sum_ in before.items() if "/media/" in path}


def test_a_pack_of_another_archive(ours, theirs):
    replace(first_pack(ours), content(first_pack(theirs)))
    must_be_found(ours, '"pack": 1', "belongs to another archive")


def test_a_pack_of_a_future_format(ours):
    pack = bytearray(content(first_pack(ours)))
    pack[8] += 1
    replace(first_pack(ours), pack)
    must_be_found(ours, '"pack": 1', "format 2, this program knows 1")


def test_a_medium_label_of_a_future_format(ours):
    path = f"{medium_of(ours)}/medium.json"
    text = content(path)
    assert b'"format": 1' in text or b'"format":1' in text
    replace(path, text.replace(b'"format": 1', b'"format": 2').replace(b'"format":1', b'"format":2'))
    must_be_left_out(ours, "medium 1", "format 2")


def test_no_medium(ours):
    shutil.rmtree(medium_of(ours))
    must_be_left_out(ours, "medium 1", "No such file or directory")


def test_a_pack_gone(ours):
    os.remove(first_pack(ours))
    must_be_found(ours, '"pack": 1')


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.9, 0.9999])
def test_a_pack_cut_short_gives_out_what_is_left(ours, folder, small_mailbox, share):
    path = first_pack(ours)
    os.truncate(path, int(os.path.getsize(path) * share))
    must_be_found(ours, '"pack": 1')
    to = os.path.join(os.path.dirname(ours), "out")
    done = run(ours, "export", "--all", "--format", "eml", "--to", to)
    assert done.returncode == (3 if share < 0.9 else done.returncode)
    for eml in glob.glob(f"{to}/*.eml"):
        assert content(eml) in small_mailbox.mails


def test_init_leaves_an_archive_alone(ours, folder):
    mails = exported(folder, ours)
    before = fingerprint(ours)
    done = run(ours, "--json", "init")
    assert done.returncode == 1 and b"exists" in done.stdout
    assert fingerprint(ours) == before and exported(folder, ours) == mails
