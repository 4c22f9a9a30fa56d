# SPDX-License-Identifier: GPL-3.0-or-later
"""From the staging folder to the share: while the service runs, when it ends, and when the local disk gets full."""
import base64
import contextlib
import os
import random
import shutil
import signal
import smtplib
import subprocess

import pytest
import samba
from postfix import wait_until
from sealpost import ENV, REFUSED, Archive, mail
from serve import Service, send
from shares import ON_SHARE, letter, medium, packs_on, put_on_share, ship, staged_packs
from smtp import Smtpd

MB = 1 << 20


@pytest.fixture(name="server")
def _server(folder):
    with samba.running(folder) as server:
        yield server


@pytest.fixture(name="shared")
def _shared(archive, server):
    return put_on_share(archive, server)


@contextlib.contextmanager
def small_disk(folder, megabytes):
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def bulky(n, size=150000):
    """A mail whose attachment neither compresses nor has words for the index."""
    lines = base64.encodebytes(random.Random(n).randbytes(size)).decode()
    return mail(subject=f"bulky {n}", msgid=f"<{n}@bulky.example>", body="", extra=(
        "MIME-Version: 1.0\n")).replace(
            b"Content-Type: text/plain; charset=utf-8\n\n",
            b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n"
            + lines.encode()).replace(b"\n", b"\r\n")


def takes(service, data):
    """The door takes the mail, or says that it is to come later."""
    with service.client() as client:
        try:
            return send(client, data) == {}
        except smtplib.SMTPSenderRefused as refused:
            assert refused.smtp_code == 452
            return False


def test_a_megabyte_goes_at_once_and_the_rest_when_the_service_ends(shared, server):
    with Service(shared) as service:
        with service.client() as client:
            for n in range(4):
                send(client, letter(n, 500000))
        wait_until(lambda: sum(f.stat().st_size for f in packs_on(server.folder()).values()) > MB, service.said)
        with service.client() as client:
            send(client, letter(5))
        wait_until(lambda: shared.count("everyword") == 5, service.said)
    assert not staged_packs(shared)
    assert medium(shared)["waiting_bytes"] == 0
    assert shared.raw(shared.one("word5")) == letter(5)


def test_a_service_ends_well_while_the_share_is_away_and_the_next_one_ships(shared, server):
    with Service(shared) as service:
        server.kill()
        with service.client() as client:
            send(client, letter(1))
        wait_until(lambda: shared.count("word1") == 1, service.said)
    assert len(staged_packs(shared)) == 1
    assert shared.raw(shared.one("word1")) == letter(1)
    server.start()
    with Service(shared) as service:
        wait_until(lambda: not staged_packs(shared), service.said)
    assert len(packs_on(server.folder())) == 1


def test_it_says_once_that_the_share_is_away_and_once_that_it_is_back(shared, server):
    with Service(shared) as service:
        wait_until(lambda: medium(shared)["answers"] is True, service.said)
        server.kill()
        wait_until(lambda: "medium away" in service.said(), service.said)
        server.start()
        wait_until(lambda: "medium back" in service.said(), service.said)
    assert service.said().count("medium away") == service.said().count("medium back") == 1


def test_an_import_ships_meanwhile_and_says_what_waits_if_it_cannot(shared, server, folder):
    letters = folder / "letters"
    letters.mkdir()
    for n in range(10):
        (letters / f"{n}.eml").write_bytes(letter(n, 200000))
    shared.run("import", letters)
    assert not staged_packs(shared) and packs_on(server.folder())
    server.kill()
    (letters / "more.eml").write_bytes(letter(99))
    shared.run("import", letters, says="wait in the staging folder, safe and readable")
    assert len(staged_packs(shared)) == 1
    assert shared.raw(shared.one("word99")) == letter(99)
    server.start()
    ship(shared)
    assert not staged_packs(shared)
    shared.run("verify", "--all")


def test_another_medium_in_its_place_gets_nothing_though_the_connection_stays(shared, server, folder):
    """Also one of the same archive: it is known by its label, looked at anew in each run."""
    shared.run("medium", "add", server.url(folder="other"), *server.login())
    other = server.folder() / "other"
    ours = next(server.folder().glob("sealpost-*"))
    theirs = next(other.glob("sealpost-*"))
    with Service(shared) as service:
        with service.client() as client:
            send(client, letter(1, MB))
        wait_until(lambda: packs_on(server.folder()), service.said)
        ours.rename(folder / "kept")
        theirs.rename(ours)
        with service.client() as client:
            send(client, letter(2, MB))
        wait_until(lambda: "number 3" in medium(shared)["trouble"], service.said)
        assert medium(shared)["answers"] is False
        assert not list(ours.rglob("*.pack"))
        ours.rename(theirs)
        shutil.move(folder / "kept", ours)
        wait_until(lambda: medium(shared)["answers"] is True, service.said)
    assert not staged_packs(shared)
    shared.run("verify", "--all")


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_a_shipper_that_is_ended_at_any_moment_loses_nothing(shared, server, folder, sign):
    letters = folder / "letters"
    letters.mkdir()
    for n in range(8):
        (letters / f"{n}.eml").write_bytes(letter(n, 700000))
    server.kill()
    shared.run("import", letters, talks=True)
    server.start()
    ended = 0
    for grace in range(20):
        with subprocess.Popen([shared.binary + "-shipper", "--archive", shared.path, "--once"], env=ENV,
                              stderr=subprocess.DEVNULL) as shipper:
            with contextlib.suppress(subprocess.TimeoutExpired):
                shipper.wait(0.01 * grace)
            ended += shipper.poll() is None
            shipper.send_signal(sign)
    assert ended > 0
    ship(shared)
    assert not staged_packs(shared)
    assert "8 mails" in shared.text("verify", "--all")
    assert medium(shared)["packs"] == len(packs_on(server.folder()))


@pytest.mark.parametrize("staging_reserve", ["8M", "32M"])
def test_a_full_local_disk_makes_the_doors_say_later_and_loses_nothing(server, folder, staging_reserve):
    """The share is away: staging stops at its reserve, the spool at its own, and all drains when it is back; even
    if the spool alone leaves less than staging is to."""
    if os.geteuid() != 0:
        pytest.skip("a small disk needs root to mount")
    with small_disk(folder / "disk", 64) as disk:
        archive = put_on_share(Archive(disk / "archive").init(), server)
        with (archive.path / "sealpost.conf").open("a") as conf:
            conf.write(f"staging_reserve_bytes = {staging_reserve}\n")
        sent = []
        with Service(archive, reserve="16M") as service:
            server.kill()
            with service.client() as client, pytest.raises(smtplib.SMTPResponseException) as refused:
                for n in range(400):
                    send(client, bulky(n))
                    sent.append(n)
            assert refused.value.smtp_code == 452
            assert len(sent) > 100  # 15 MB at least
            wait_until(lambda: "in reserve" in service.said(), lambda: service.said()[-2000:])
            wait_until(lambda: archive.find("bulky"), lambda: service.said()[-2000:])
            assert archive.raw(archive.find("bulky")[0])
            server.start()
            wait_until(lambda: archive.count("bulky") == len(sent), service.said)
            wait_until(lambda: takes(service, bulky(1000)), service.said)
            sent.append(1000)
            wait_until(lambda: archive.count("bulky") == len(sent), service.said)
        assert not staged_packs(archive) and not archive.json("spool", "list")
        for n in (sent[0], sent[len(sent) // 2], sent[-2], sent[-1]):
            assert archive.raw(archive.one(f'subject:"bulky {n}"')) == bulky(n)
        archive.run("verify", "--all")


def test_erasing_waits_for_the_share_and_the_old_pack_goes_last(shared, server, folder):
    for n in range(2):
        (folder / f"{n}.eml").write_bytes(letter(n))
    shared.run("import", folder / "0.eml", folder / "1.eml")
    old = set(packs_on(server.folder()))
    shared.run("delete", shared.one("word0"))
    shared.run("erase", "index")
    server.kill()
    done = shared.text("erase", "media", status=REFUSED)
    assert "1 pack not yet: the medium does not answer" in done
    server.start()
    shared.run("erase", "media")
    assert old <= set(packs_on(server.folder()))  # its replacement is in staging still
    ship(shared)
    assert not old & set(packs_on(server.folder())) and not staged_packs(shared)
    assert shared.raw(shared.one("word1")) == letter(1)
    shared.run("verify", "--all")
    assert medium(shared, ON_SHARE)["packs"] == 1


def test_the_archiver_archives_for_a_share_though_it_has_no_network(shared, server):
    """As its unit has it: what goes over the network is the shipper's."""
    with Smtpd(shared) as door, door.smtp() as client:
        client.mail(letter(7))
    done = subprocess.run(["unshare", "--net", shared.binary + "-archiver", "--archive", str(shared.path), "--once"], env=ENV,
                          capture_output=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert shared.count("") == 1 and staged_packs(shared)
    ship(shared)
    assert packs_on(server.folder()) and medium(shared)["state"] != "silent"
