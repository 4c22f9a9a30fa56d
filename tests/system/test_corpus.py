# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of real mails: none is lost, none is changed, each is found by its own words."""
import collections
import email
import json
import pathlib
import random
import re
import shutil
import subprocess
import tempfile

import pytest
from sealpost import BIN_FAST, CORPUS, DONE, ENV, REFUSED, Archive

LEFT_OUT = ("11", "12", "13")  # no mail
FOLDERS = sorted(p for p in CORPUS.glob("[0-2][0-9]-*") if not p.name.startswith(LEFT_OUT))
SAMPLE = 500
WORD = re.compile(r"(?<=\s)[A-Za-z]{4,20}(?=[\s.,;])")
QUOTABLE = re.compile(rb"^(>*From )", re.MULTILINE)


def import_folder(archive, *words):
    """Among real mail lies what is none, which is refused with a reason; the rest comes in."""
    done = subprocess.run(archive.command("--json", "import", *words), env=ENV,
                          capture_output=True, check=False)
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert done.returncode == (REFUSED if lines[-1]["failed"] else DONE), done.stderr
    return lines[:-1], lines[-1]


@pytest.fixture(scope="module")
def corpus():
    """An archive with the whole corpus; what the import said; the exported mails by id."""
    if not FOLDERS:
        pytest.skip("the corpus tests were left out: SEALPOST_CORPUS has no mail")
    path = tempfile.mkdtemp(prefix="sealpost-corpus-")
    archive = Archive(f"{path}/archive", BIN_FAST).init()
    told = {}
    for folder in FOLDERS:
        foretold = import_folder(archive, "--dry-run", folder)[1]
        items, told[folder] = import_folder(archive, folder)
        assert told[folder] == foretold, folder.name
        told[folder] = items
    archive.run("export", "--all", "--to", f"{path}/out")
    yield archive, told, exported(path)
    shutil.rmtree(path)


def exported(path):
    checked = subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "SHA256SUMS"],
                             cwd=f"{path}/out", check=False)
    assert checked.returncode == 0
    return {f.stem: f.read_bytes() for f in pathlib.Path(path, "out").glob("*.eml")}


def items_of(told):
    for folder, items in told.items():
        for item in items:
            yield folder, item


def test_no_real_mail_is_lost_or_changed(corpus, capsys):
    archive, told, mails = corpus
    counts = collections.Counter(item["outcome"] for _, item in items_of(told))
    assert len(mails) == counts["archived"] == archive.status()["mails"]
    same_bytes = 0
    for folder, item in items_of(told):
        if item["outcome"] in ("archived", "duplicate"):
            same_bytes += is_kept(folder, item, mails[item["id"]])
    with capsys.disabled():
        print(f"\ncorpus: {sum(counts.values())} read, {dict(counts)}; "
              f"{same_bytes} of the duplicates have the same bytes")


def is_kept(folder, item, kept):
    """1: a duplicate with just these bytes. A mail archived must have the bytes of its file; of an
    mbox, its bytes stand in the file, quoted or not."""
    place, _, number = item["place"].partition("#")
    path = folder / place
    if number and not path.exists():
        path = folder / item["place"]
        number = ""
    data = path.read_bytes()
    if item["outcome"] == "duplicate":
        assert number or is_packed(data) or message_id(data) == message_id(kept), item
        return not number and data == kept
    if number:
        assert is_packed(data) or kept in data or QUOTABLE.sub(rb">\1", kept) in data, item
    elif not is_packed(data):
        assert data == kept or data.startswith(b"From ") and data.endswith(kept), item
    return 0


def message_id(raw):
    raw = re.sub(rb"\r\n?", b"\n", raw)
    if raw.startswith(b"From "):
        raw = raw.partition(b"\n")[2]
    return re.sub(r"\s+", "", str(email.message_from_bytes(raw)["message-id"]))


def is_packed(data):
    return data.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd"))


def test_what_was_not_taken_has_a_reason_and_no_eml_was_ignored(corpus, capsys):
    _, told, _ = corpus
    reasons = collections.Counter()
    for _, item in items_of(told):
        if item["outcome"] in ("failed", "ignored"):
            assert item["reason"]
            assert item["outcome"] == "failed" or not item["place"].endswith(".eml"), item
            reasons[item["outcome"], item["reason"]] += 1
    with capsys.disabled():
        for (outcome, reason), n in reasons.most_common():
            print(f"\ncorpus: {n} {outcome}: {reason}", end="")


def test_a_corpus_in_the_archive_verifies_clean(corpus):
    archive, _, mails = corpus
    answer = archive.json("verify", "--all")
    assert (len(answer), answer[0]["mails"]) == (1, len(mails))


def test_real_mails_are_found_by_their_own_words(corpus, capsys):
    archive, _, mails = corpus
    rng = random.Random(1)
    found = poor = 0
    for one in rng.sample(sorted(mails), min(SAMPLE, len(mails))):
        text = archive.json("show", one)[0]["text"][:500000]
        words = sorted(set(WORD.findall(text)) - {"NOT", "AND", "OR"})
        if not words:
            poor += 1
            continue
        query = " ".join(rng.sample(words, min(3, len(words))))
        assert one in archive.find(query), f"{one}: {query}"
        found += 1
    with capsys.disabled():
        print(f"\ncorpus: {found} of a sample of {found + poor} mails found by their words, "
              f"{poor} have no such words")
    assert found > 0.8 * (found + poor)


def test_a_second_import_of_real_mail_finds_all_of_it_known(corpus):
    archive, _, _ = corpus
    packs = archive.packs()
    for folder in FOLDERS:
        assert import_folder(archive, folder)[1]["archived"] == 0
    assert archive.packs() == packs
