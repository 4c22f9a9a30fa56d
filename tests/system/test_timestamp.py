# SPDX-License-Identifier: GPL-3.0-or-later
"""Stamping against a private authority, true and hostile: whatever it answers, no mail loses its turn."""
import subprocess

import pytest
from sealpost import DATA, ENV, FAILED, USAGE, Archive, files_below, mail
from tsa import Tsa

MAILS = 49


@pytest.fixture
def authority(folder):
    with Tsa(folder / "tsa") as made:
        yield made


def new_archive(folder, authority, *options):
    archive = Archive(folder / "archive").init()
    archive.run("import", DATA / "mail", talks=True)
    archive.run("timestamp", "set", "--url", authority.url, "--ca", authority.ca_file, *options)
    return archive


@pytest.fixture
def archive(folder, authority):
    return new_archive(folder, authority)


def status(archive):
    return archive.json("timestamp", "status")[0]


def test_one_timestamp_covers_all_that_waits_and_the_next_one_what_came_since(archive, folder):
    assert status(archive)["waiting"] == MAILS and status(archive)["oldest_waiting"]
    report = archive.json("timestamp", "run")[0]
    assert (report["timestamps"], report["mails"], report["waiting"]) == (1, MAILS, 0)
    (folder / "new.eml").write_bytes(mail(subject="later"))
    archive.run("import", folder / "new.eml", talks=True)
    assert archive.json("timestamp", "run")[0]["mails"] == 1
    rows = archive.json("timestamp", "list")
    assert [row["mails"] for row in rows] == [MAILS, 1]
    assert archive.json("timestamp", "run")[0]["timestamps"] == 0
    assert "0 mails" in archive.text("timestamp", "run")


def test_below_the_threshold_mails_wait(archive):
    assert "49 mails wait" in archive.text("timestamp", "run", "--at-least", 50)
    assert status(archive)["timestamps"] == 0
    assert archive.json("timestamp", "run", "--at-least", 49)[0]["mails"] == MAILS


@pytest.mark.parametrize("mode,says", [
    ("wrong_imprint", "imprint"), ("wrong_nonce", "nonce"), ("other_ca", "trusted certificate authority"), ("expired_signer", "ended"),
    ("missing_usage", "timestamp"), ("not_critical", "critical"), ("rejected", "refus"), ("cut", "cut off"), ("trailing", "something follows"),
    ("not_der", "no timestamp response"), ("empty", "cut off"), ("hour_off", "3600 s after"), ("weak", "too weak"), ("other_policy", "its policy is 1.2.3.4.2")])
def test_an_answer_that_is_not_as_it_must_be_counts_for_nothing_and_is_kept(folder, archive, authority, mode, says):
    policy = mode == "other_policy"
    if policy:
        archive.run("timestamp", "set", "--policy", "1.2.3.4.1")
    authority.mode = mode
    archive.run("timestamp", "run", status=FAILED, says="waits on")
    authority.mode = "good"
    assert status(archive)["waiting"] == MAILS and status(archive)["timestamps"] == 0
    refused = archive.json("timestamp", "refused", "--to", folder / "refused")
    assert len(refused) == 1 and says in refused[0]["reason"], refused
    assert (folder / "refused" / f"refused-{refused[0]['refused']}.tsr").stat().st_size == refused[0]["bytes"]
    assert archive.json("timestamp", "run")[0]["mails"] == MAILS
    archive.run("timestamp", "verify", "--all")


@pytest.mark.parametrize("mode,says", [
    ("http_500", "500"), ("http_404", "404"), ("redirect", "has moved"), ("oversized", "larger than 256 KiB"),
    ("endless", "larger than 256 KiB"), ("broken", "connection broke"), ("page", "text/html")])
def test_what_is_no_answer_is_told_and_mails_wait(archive, authority, mode, says):
    authority.mode = mode
    archive.run("timestamp", "run", status=FAILED, says=says)
    assert status(archive)["refused"] == 0 and status(archive)["waiting"] == MAILS
    authority.mode = "good"
    assert archive.json("timestamp", "run")[0]["mails"] == MAILS


def test_silence_ends_by_the_time_limit_and_holds_up_nobody(folder, archive, authority):
    archive.run("timestamp", "set", "--timeout", 2)
    authority.mode = "silent"
    asked = len(authority.queries)
    with subprocess.Popen(archive.command("timestamp", "run"), env=ENV, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as run:
        authority.asked(asked + 1)
        (folder / "new.eml").write_bytes(mail(subject="meanwhile"))
        archive.run("import", folder / "new.eml", talks=True)
        archive.run("timestamp", "run", status=FAILED, says="another process")
        said = run.communicate()[1]
        assert run.returncode == FAILED and "waits on" in said
    authority.mode = "good"
    assert archive.json("timestamp", "run")[0]["mails"] == MAILS + 1


def test_an_authority_that_is_gone_is_offline(archive, authority):
    authority.stop()
    archive.run("timestamp", "run", status=FAILED, says=authority.host)
    assert status(archive)["waiting"] == MAILS


def test_a_later_sighting_is_stamped_of_its_own(archive):
    archive.run("timestamp", "run")
    archive.run("import", DATA / "mail", "--source", "again", talks=True)
    assert status(archive)["waiting"] == 0 and status(archive)["waiting_sightings"] == MAILS
    assert archive.json("timestamp", "run")[0]["sightings"] == MAILS
    archive.run("timestamp", "verify", "--all")


def test_before_its_certificate_ends_a_timestamp_is_stamped_again_by_a_newer_one(archive, authority):
    authority.signer = "short"
    archive.run("timestamp", "run")
    assert status(archive)["renewal_due"] < status(archive)["certificate_ends"]
    assert archive.json("timestamp", "run")[0]["renewed"] == 0, "the same certificate gains nothing"
    authority.signer = "good"
    assert archive.json("timestamp", "run", "--renew")[0]["renewed"] == 1
    first, second = archive.json("timestamp", "list")
    assert first["renewed_by"] == 2 and second["renews"] == 1 and first["ends"] < second["ends"]
    archive.run("timestamp", "verify", "--all")
    assert archive.json("timestamp", "run", "--renew")[0]["renewed"] == 0


def test_a_hash_function_is_retired_over_data_and_evidence(archive, authority):
    archive.run("timestamp", "run")
    archive.run("timestamp", "set", "--hash", "sha512")
    assert status(archive)["old_hash"] == MAILS
    assert "rehash" in archive.text("timestamp", "status")
    archive.run("timestamp", "rehash")
    assert status(archive)["old_hash"] == 0
    rows = archive.json("timestamp", "list")
    assert [(row["hash"], row["retired"]) for row in rows] == [("sha256", True), ("sha512", False)]
    archive.run("timestamp", "verify", "--all")
    assert archive.json("timestamp", "rehash")[0]["timestamps"] == 0


def test_without_an_authority_it_says_what_to_set(folder):
    archive = Archive(folder / "archive").init()
    archive.run("timestamp", "run", status=FAILED, says="timestamp set")
    assert "no timestamping authority" in archive.text("timestamp", "run", "--if-set")


def test_what_does_not_work_is_not_set(folder, archive, authority):
    before = archive.json("timestamp", "status")
    for words, says in ((["--url", "ftp://x"], "http"), (["--ca", authority.other_ca_file], "trusted certificate authority"), (["--hash", "md5"], "none of"),
                        (["--policy", "nonsense"], "no object identifier"), (["--url", "http://127.0.0.1:1/tsr"], "cannot be reached"), (["--ca", folder / "none"], "No such")):
        archive.run("timestamp", "set", *words, status=FAILED, says=says)
    assert archive.json("timestamp", "status") == before
    assert archive.json("timestamp", "run")[0]["mails"] == MAILS
    archive.run("timestamp", "set", "--forget")
    archive.run("timestamp", "run", status=FAILED)


def test_secrets_lie_nowhere_in_the_clear(folder):
    with Tsa(folder / "tsa", tls=True, client_certificate=True, user="customer-17", password="correct h0rse") as authority:
        (folder / "password").write_text("correct h0rse\n")
        archive = new_archive(folder, authority, "--tls-ca", authority.tls_ca_file, "--user", "customer-17", "--password-file",
                              folder / "password", "--client-cert", authority.client_file, "--client-key", authority.client_key_file)
        archive.run("timestamp", "run")
        key = open(authority.client_key_file, "rb").read().splitlines()[1]
        for name, content in files_below(archive.path).items():
            for secret in (b"correct h0rse", b"customer-17", authority.url.encode(), key):
                assert secret not in content, name
        told = archive.text("audit", "list")
        assert "correct h0rse" not in told and "tsa.password" in told


@pytest.mark.parametrize("words", [[], ["dance"], ["run", "twice"], ["verify"], ["verify", "--all", "x"], ["verify", "no-id"],
                                   ["export"], ["export", "x"], ["verify", "--all", "--at", "yesterday"]])
def test_wrong_words_are_refused(archive, words):
    archive.run("timestamp", *words, status=USAGE, says="usage")
