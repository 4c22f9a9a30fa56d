# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbered media, as an administrator adds, moves, retires and merges them; and what each refusal says."""
import os
import shutil
import subprocess

import pytest
import samba
from ports import free_port
from postfix import wait_until
from sealpost import DATA, FAILED, REFUSED, USAGE, Archive
from serve import Service, send
from shares import Office, letter, medium, packs_on, put_on_share, ship


@pytest.fixture(name="server")
def _server(folder):
    with samba.running(folder, small_mb=8) as server:
        yield server


def refused(archive, *args, status=FAILED, says=()):
    err = archive.run("medium", *args, status=status).err
    for words in says:
        assert words in err, err
    return err


def rows(archive):
    return {row["medium"]: row for row in archive.json("medium", "list")}


def own_folder(place):
    (found,) = place.glob("sealpost-*")
    return found


# --- adding ---------------------------------------------------------------------------------------

def test_a_directory_is_added_as_the_next_number_and_takes_new_mail_once_it_is_active(filled, folder):
    assert "medium activate 2" in filled.text("medium", "add", folder / "two")
    assert (rows(filled)[2]["active"], rows(filled)[2]["state"]) == (False, "in-use")
    filled.run("medium", "activate", 2)
    assert [row["active"] for row in rows(filled).values()] == [False, True]
    filled.take(DATA / "maildir")
    assert rows(filled)[1]["packs"] == rows(filled)[2]["packs"] == 1
    filled.run("verify", "--all")


def test_a_share_is_added_after_its_test_and_leaves_nothing_of_the_test_there(archive, server):
    archive.run("medium", "add", server.url(folder="mail"), *server.login(), "--active")
    files = [f.name for f in server.folder().rglob("*") if f.is_file()]
    assert files == ["medium.json"]
    row = rows(archive)[2]
    assert row["type"] == "smb" and row["active"] and row["answers"] and row["free"] > 0
    assert "for trials only" in archive.text("medium", "list").splitlines()[0]


@pytest.mark.parametrize("share, says", [
    ("none", ["no share \"none\""]),
    ("closed", ["the log-in is good", "no access"]),
    ("locked", ["Permission denied"]),
])
def test_a_share_that_cannot_be_used_is_not_added(archive, server, share, says):
    refused(archive, "add", server.url(share), *server.login(), says=says + ["was not added"])
    assert list(rows(archive)) == [1]


def test_what_is_wrong_with_an_address_or_a_log_in_is_said(archive, server, folder):
    wrong = folder / "wrong"
    wrong.write_text("wrong\n")
    err = refused(archive, "add", server.url(), *server.login(wrong), says=["refuses the log-in"])
    assert "wrong\n" not in err
    login = server.login()
    refused(archive, "add", f"smb://127.0.0.1:{free_port()}/share", *login, says=["Connection refused"])
    refused(archive, "add", "smb://no-such-host.invalid/share", *login, says=["looking up the name"])
    refused(archive, "add", "smb://anna:secret@host/share", *login, says=["--password-file"])
    refused(archive, "add", "smb://host", *login, says=["the share is missing"])
    refused(archive, "add", server.url(), status=USAGE, says=["--user"])
    refused(archive, "add", folder / "x", *login, status=USAGE, says=["only a share"])
    assert list(rows(archive)) == [1]


def test_a_full_share_is_not_added_and_is_once_there_is_room(archive, server):
    filler = server.folder("small") / "filler"
    subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=64k"], check=False, capture_output=True)
    refused(archive, "add", server.url("small"), *server.login(), says=["full"])
    filler.unlink()
    archive.run("medium", "add", server.url("small"), *server.login())


def test_an_archive_does_not_take_its_own_medium_twice_nor_a_folder_that_is_an_archives(filled, folder):
    filled.run("medium", "add", folder / "two")
    refused(filled, "add", folder / "two", says=["is medium 2 of this archive already"])
    refused(filled, "add", own_folder(folder / "two"), says=["itself the folder of an archive"])
    assert list(rows(filled)) == [1, 2]


def test_two_archives_may_share_a_place_but_not_a_folder(archive, folder):
    other = Archive(folder / "other").init()
    other.run("medium", "add", folder / "common")
    archive.run("medium", "add", folder / "common")
    assert len(list((folder / "common").iterdir())) == 2
    shutil.copy(own_folder(other.path / "media" / "1") / "medium.json",
                own_folder(archive.path / "media" / "1") / "medium.json")
    (row,) = [r for r in archive.json("medium", "check", 1, status=FAILED) if r["medium"] == 1]
    assert row["answers"] is False and "another key" in row["trouble"]


def test_an_adding_that_was_interrupted_leaves_nothing_in_the_way(archive, folder):
    archive.run("medium", "add", folder / "two")
    archive.run("medium", "remove", 2)
    label = own_folder(folder / "two") / "medium.json"
    label.write_bytes(label.read_bytes()[:50])
    archive.run("medium", "add", folder / "two")
    assert list(rows(archive)) == [1, 3]
    label.write_bytes(b"")
    err = refused(archive, "check", 3)
    assert err == "" and "medium.json" in rows(archive)[3]["trouble"]
    (label.parent / "packs" / "00").mkdir(parents=True, exist_ok=True)
    (label.parent / "packs" / "00" / "00000009.pack").write_bytes(b"mail")
    refused(archive, "add", folder / "two", says=["holds mail", "its number cannot be told"])


def test_a_number_is_never_given_twice(archive, folder):
    archive.run("medium", "add", folder / "two")
    archive.run("medium", "remove", 2)
    assert list(rows(archive)) == [1]
    archive.run("medium", "add", folder / "two")
    assert list(rows(archive)) == [1, 3]
    refused(archive, "activate", 2, says=["there is no medium 2"])


# --- states ---------------------------------------------------------------------------------------

def test_what_holds_mail_or_has_a_later_one_holding_mail_is_never_removed(filled, folder):
    filled.run("medium", "add", folder / "two")
    filled.run("medium", "add", folder / "three", "--active")
    refused(filled, "remove", 1, says=["holds mail"])
    refused(filled, "remove", 3, says=["is the active one"])
    filled.take(DATA / "maildir")
    refused(filled, "remove", 2, says=["higher-numbered one that holds mail (medium 3)"])
    filled.run("medium", "deactivate", 2)
    assert rows(filled)[2]["state"] == "deactivated"


def test_a_deactivated_medium_is_not_asked_and_its_mails_are_offline_until_it_is_back(filled, folder):
    filled.run("medium", "add", folder / "two", "--active")
    mail_id = filled.find("after:2000")[0]
    refused(filled, "deactivate", 2, says=["is the active one"])
    filled.run("medium", "deactivate", 1)
    err = filled.run("show", mail_id, "--raw", status=FAILED).err
    assert "medium 1 is deactivated" in err and "reactivate 1" in err
    refused(filled, "activate", 1, says=["is deactivated"])
    filled.run("medium", "reactivate", 1)
    filled.run("show", mail_id, "--raw")


# --- moving ---------------------------------------------------------------------------------------

def test_a_medium_that_moved_is_known_by_its_label(filled, folder):
    sums = filled.all_sums()
    (filled.path / "media" / "1").rename(folder / "elsewhere")
    refused(filled, "check", 1, status=FAILED)
    filled.run("medium", "set", 1, "--location", folder / "elsewhere")
    assert filled.all_sums() == sums
    other = Archive(folder / "other").init()
    refused(filled, "set", 1, "--location", other.path / "media" / "1", says=["is kept as it was"])
    filled.run("medium", "add", folder / "two")
    refused(filled, "set", 1, "--location", folder / "two", says=["is number 2 of this archive"])
    (folder / "empty").mkdir()
    refused(filled, "set", 1, "--location", folder / "empty")
    assert rows(filled)[1]["location"] == str(folder / "elsewhere")


def test_what_is_to_be_set_must_be_said_and_a_folder_is_where_the_shell_is(filled, folder, monkeypatch):
    refused(filled, "set", 1, status=USAGE, says=["say what to set"])
    refused(filled, "set", 1, "--user", "anna", status=USAGE, says=["only a share"])
    monkeypatch.chdir(folder)
    (filled.path / "media" / "1").rename(folder / "elsewhere")
    filled.run("medium", "set", 1, "--location", "elsewhere")
    assert rows(filled)[1]["location"] == str(folder / "elsewhere")
    monkeypatch.chdir("/")
    filled.run("verify", "--all")


def test_a_copy_that_lacks_packs_is_no_place_for_a_medium_that_is_well(filled, folder):
    shutil.copytree(filled.path / "media" / "1", folder / "copy")
    filled.take(DATA / "maildir")
    refused(filled, "set", 1, "--location", folder / "copy",
            says=["1 of its packs are not there", "still answers", "is kept as it was"])
    shutil.rmtree(filled.path / "media")
    told = filled.text("medium", "set", 1, "--location", folder / "copy")
    assert "WARNING: 1 of its packs" in told and "verify --all" in told


def test_the_service_goes_on_where_its_share_moved_to(archive, server):
    with Office(archive, server, folder="old") as office:
        office.write(3)
        office.wait_shipped()
        shutil.copytree(server.folder() / "old", server.folder() / "new")
        subprocess.run(["chown", "-R", server.user, server.folder() / "new"], check=True)
        archive.run("medium", "set", 2, "--location", server.url(folder="new"), *server.login())
        before = {name: f.read_bytes() for name, f in packs_on(server.folder() / "old").items()}
        office.fill(2 << 20)
        office.wait_shipped()
        assert {name: f.read_bytes() for name, f in packs_on(server.folder() / "old").items()} == before
        shutil.rmtree(server.folder() / "old")
        office.must_read([0, 5, 10])
    assert len(packs_on(server.folder() / "new")) > len(before)
    archive.run("verify", "--all")


def test_a_folder_does_not_move_from_under_the_service(archive, folder):
    with Service(archive) as service:
        with service.client() as client:
            send(client, letter(1))
        wait_until(lambda: archive.count("word1") == 1, service.said)
        shutil.copytree(archive.path / "media" / "1", folder / "new")
        refused(archive, "set", 1, "--location", folder / "new", says=["being written", "stop the archiver"])
    shutil.rmtree(folder / "new")
    shutil.copytree(archive.path / "media" / "1", folder / "new")
    archive.run("medium", "set", 1, "--location", folder / "new")
    shutil.rmtree(archive.path / "media")
    assert archive.raw(archive.one("word1")) == letter(1)


def test_new_mail_goes_to_the_medium_that_was_activated_while_the_service_runs(archive, folder):
    with Service(archive) as service, service.client() as client:
        send(client, letter(1))
        wait_until(lambda: archive.count("word1") == 1, service.said)
        archive.run("medium", "add", folder / "two", "--active")
        send(client, letter(2))
        wait_until(lambda: archive.count("word2") == 1, service.said)
        assert rows(archive)[2]["packs"] == 1


def test_a_share_may_get_another_password(archive, server):
    put_on_share(archive, server)
    archive.take(DATA / "mail")
    ship(archive)
    server.kill_sessions()
    server.set_password("another one", tell=False)
    rows_ = archive.json("medium", "check", 2, status=FAILED)
    assert "refuses the log-in" in rows_[0]["trouble"]
    server.set_password("another one")
    archive.run("medium", "set", 2, *server.login())
    archive.run("medium", "check")


# --- checking -------------------------------------------------------------------------------------

def test_check_names_each_medium_and_what_is_wrong_with_it(archive, server, folder):
    put_on_share(archive, server)
    text = archive.text("medium", "check")
    assert text.count("all is well") == 2
    with server.down():
        text = archive.text("medium", "check", status=REFUSED)
        assert text.count("all is well") == 1 and "Connection refused" in text
        assert "DOES NOT ANSWER" in archive.text("status")
        assert "WARNING: medium 2 does not answer" in archive.text("status")
    (folder / "empty").mkdir()
    with server.swapped(folder / "empty"):
        text = archive.text("medium", "check", 2, status=FAILED)
        assert "DOES NOT ANSWER" in text
    archive.run("medium", "check")
    refused(archive, "check", 7, says=["there is no medium 7"])


def test_a_medium_out_of_use_is_asked_by_its_number_alone(archive, server):
    put_on_share(archive, server)
    archive.run("medium", "activate", 1)
    archive.run("medium", "deactivate", 2)
    assert "all is well" in archive.text("medium", "check", 2)
    with server.down():
        assert "medium 2" not in archive.text("medium", "check")
        assert "DOES NOT ANSWER: smb://" in archive.text("medium", "check", 2, status=FAILED)


def test_status_tells_what_a_silent_medium_means_for_new_mail(archive, server, folder):
    put_on_share(archive, server)
    assert "nothing waits to be brought" in archive.text("status")
    with server.down():
        archive.take(DATA / "maildir")
        archive.run("medium", "check", 2, status=FAILED)
        told = archive.text("status")
        assert "1 pack, " in told and "waiting to be brought" in told and "in reserve" in told
        assert "new ones wait safely on this machine" in told
        staging = archive.status()["staging"]
        assert staging["packs"] == 1 and staging["bytes"] > 0 and staging["free"] > staging["reserve"] > 0
    ship(archive)
    archive.run("medium", "activate", 1)
    (archive.path / "media" / "1").rename(folder / "away")
    told = archive.text("status")
    assert "new ones cannot be archived" in told and "may not be mounted" in told


def test_since_when_a_medium_answers_is_kept(archive, server):
    put_on_share(archive, server)
    first = medium(archive)
    archive.run("medium", "check")
    assert medium(archive)["since"] == first["since"] and medium(archive)["asked"] >= first["asked"]


# --- redirecting ----------------------------------------------------------------------------------

@pytest.fixture(name="two")
def _two(filled, folder):
    """Mail on medium 1, and a medium 2 that is active, with a copy of the packs of 1."""
    filled.run("medium", "add", folder / "two", "--active")
    source, target = own_folder(filled.path / "media" / "1"), own_folder(folder / "two")
    shutil.copytree(source / "packs", target / "packs", dirs_exist_ok=True)
    return filled


def test_a_medium_whose_packs_were_copied_is_redirected(two, folder):
    sums = two.all_sums()
    two.run("medium", "redirect", 1, "--to", 2)
    assert (rows(two)[1]["state"], rows(two)[1]["redirect"]) == ("redirected", 2)
    shutil.rmtree(two.path / "media" / "1")
    assert two.all_sums() == sums
    two.run("verify", "--all")
    refused(two, "remove", 1, says=["holds mail"])
    refused(two, "activate", 1, says=["is redirected to medium 2"])


def test_what_is_erased_after_a_redirect_vanishes_from_where_it_lies_now(filled, server):
    filled.run("medium", "add", server.url(), *server.login(), "--active")
    source, target = own_folder(filled.path / "media" / "1"), own_folder(server.folder())
    shutil.copytree(source / "packs", target / "packs", dirs_exist_ok=True)
    subprocess.run(["chown", "-R", server.user, server.folder()], check=True)
    filled.run("medium", "redirect", 1, "--to", 2)
    shutil.rmtree(filled.path / "media")
    old = set(packs_on(server.folder()))
    gone = filled.find("after:2000")[0]
    filled.run("delete", gone)
    filled.run("erase", "index", talks=True)
    filled.run("erase", "media", talks=True)
    ship(filled)
    ship(filled)
    assert not old & set(packs_on(server.folder()))
    filled.run("verify", "--all")


def test_nothing_is_redirected_if_a_pack_is_missing_or_differs(two, folder):
    (pack,) = (folder / "two").rglob("*.pack")
    whole = pack.read_bytes()
    pack.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused(two, "redirect", 1, "--to", 2, says=["nothing was changed, since 1 pack"])
    pack.unlink()
    refused(two, "redirect", 1, "--to", 2, says=["nothing was changed, since 1 pack"])
    pack.write_bytes(whole)
    refused(two, "redirect", 1, "--to", 1, says=["itself"])
    refused(two, "redirect", 2, "--to", 1, says=["is the active one"])
    assert rows(two)[1]["state"] == "in-use"


def test_a_pack_that_nobody_can_compare_any_more_proves_itself_by_the_key(two, folder):
    shutil.rmtree(two.path / "media" / "1")
    (pack,) = (folder / "two").rglob("*.pack")
    whole = pack.read_bytes()
    pack.write_bytes(whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:])
    refused(two, "redirect", 1, "--to", 2, says=["nothing was changed"])
    pack.write_bytes(whole)
    two.run("medium", "redirect", 1, "--to", 2)
    two.run("verify", "--all")


def test_no_password_is_in_what_is_printed_or_kept_in_clear(archive, server):
    put_on_share(archive, server)
    out = archive.text("medium", "list") + archive.text("--json", "medium", "list") + archive.text("status")
    assert server.password not in out
    secret = server.password.encode()
    for file in archive.path.rglob("*"):
        assert not file.is_file() or secret not in file.read_bytes(), file
    assert os.path.exists(archive.path / "catalog.db")
