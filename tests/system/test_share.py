# SPDX-License-Identifier: GPL-3.0-or-later
"""A share as a medium: what it does, what it says when it cannot, and that nothing hangs on it."""
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

import pytest
import samba
from ports import free_port
from sealpost import BIN, ROOT, TIMEOUT_S

PROBE = str(ROOT / "build" / "opt" / "tests" / "system" / "smb_probe")
MANY = 20_000_000


class Probe:
    """One open medium, commanded line by line."""

    def __init__(self, location, server, folder="sealpost-x", password_file=None, timeout_ms=20000,
                 programs=None, wait=True):
        env = dict(os.environ, SEALPOST_PROGRAMS=str(programs or pathlib.Path(BIN).parent))
        self.process = subprocess.Popen(
            [PROBE, location, folder, server.user, str(password_file or server.password_file),
             str(timeout_ms)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.opened = self.read() if wait else None

    def read(self):
        return self.process.stdout.readline().strip()

    def __call__(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.read()

    def do(self, *lines):
        for line in lines:
            assert self(line).startswith("ok"), line

    def helpers(self):
        """The processes sealpost-smb that it has started."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(TIMEOUT_S)
        self.process.stdout.close()


@pytest.fixture(name="server", scope="module")
def _server():
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to the server's user
        with samba.running(folder, small_mb=8) as server:
            yield server


def refused(kind, text, answer):
    assert answer.startswith(f"error {kind} ") and text in answer, answer


def test_files_are_written_read_listed_cut_replaced_and_removed(server):
    with Probe(server.url(folder="deep/er"), server) as probe:
        assert probe.opened == "ok"
        probe.do("test", "create packs/00/1.pack", f"append 0 {MANY}", "sync", "close")
        assert probe("size packs/00/1.pack") == f"ok {MANY}"
        assert probe(f"read packs/00/1.pack 0 {MANY}") == f"ok {MANY}"
        assert probe(f"read packs/00/1.pack {MANY - 7} 100") == "ok 7"
        assert probe("list packs") == f"ok packs/00/1.pack={MANY}"
        assert probe("list none") == "ok"
        probe.do("threads packs/00/1.pack", "cut packs/00/1.pack 1000", "reopen packs/00/1.pack",
                 "append 1000 500", "sync", "close")
        assert probe("read packs/00/1.pack 0 5000") == "ok 1500"
        probe.do("create new.part", "append 0 10", "sync", "close", "replace new.part packs/00/1.pack")
        assert probe("read packs/00/1.pack 0 5000") == "ok 10"
        refused("not-found", "new.part", probe("size new.part"))
        probe.do("replace packs/00/1.pack moved", "remove moved")
        refused("not-found", "moved", probe("read moved 0 10"))


def test_what_is_there_is_not_made_again(server):
    with Probe(server.url(), server, folder="again") as probe:
        probe.do("create a", "append 0 10", "close")
        refused("exists", "a: create", probe("create a"))
        assert probe("size a") == "ok 10"
        refused("usage", "cannot be cut", probe("cut a 11"))
        probe.do("remove a")


def test_what_was_never_made_takes_no_files_place(server):
    with Probe(server.url(), server, folder="unmade") as probe:
        probe.do("create a", "append 0 10", "sync", "close")
        refused("not-found", "none", probe("replace none a"))
        assert probe("read a 0 100") == "ok 10"
        probe.do("remove a")


def test_a_file_that_was_read_can_be_removed_by_another_soon_after(server):
    with Probe(server.url(), server) as reader, Probe(server.url(), server) as remover:
        reader.do("create a", "append 0 10", "sync", "close", "read a 0 10")
        deadline = time.monotonic() + TIMEOUT_S
        while (answer := remover("remove a")) != "ok":
            refused("busy", "in use", answer)
            assert time.monotonic() < deadline
        refused("not-found", "a:", reader("read a 0 10"))


def test_names_may_have_what_a_url_may_not(server):
    with Probe(server.url(folder="a b/ü%20#x&+;[1]@"), server) as probe:
        assert probe.opened == "ok"
        probe.do("test", "create f", "append 0 10", "close")
        assert (server.folder() / "a b" / "ü%20#x&+;[1]@" / "sealpost-x" / "f").stat().st_size == 10
        probe.do("remove f")


def test_a_folder_with_many_files_is_listed_whole(server):
    with Probe(server.url(), server, folder="many") as probe:
        names = [f"packs/{n // 256:02x}/{n:08}.pack" for n in range(1000)]
        probe.do("create first", "close", *(line for name in names for line in (f"create {name}", "close")))
        assert sorted(probe("list packs").split()[1:]) == [f"{name}=0" for name in names]


@pytest.mark.parametrize("share, kind, text", [
    ("none", "not-found", 'no share "none"'),
    ("closed", "denied", "the log-in is good"),
    ("locked", "denied", "make a folder"),
])
def test_a_share_that_cannot_be_used_says_why(server, share, kind, text):
    with Probe(server.url(share), server) as probe:
        refused(kind, text, probe.opened)


def test_a_share_that_cannot_be_written_fails_its_test(server):
    with Probe(server.url("locked"), server, folder="") as probe:
        refused("denied", "nothing can be written there", probe("test"))


def test_a_wrong_password_is_told_from_a_closed_share(server, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong\n")
    with Probe(server.url(), server, password_file=wrong) as probe:
        refused("denied", "refuses the log-in", probe.opened)


def test_a_host_may_be_named_by_its_address_in_either_version():
    with tempfile.TemporaryDirectory() as folder:
        with samba.running(folder, extra="interfaces = 127.0.0.1 ::1") as server:
            for host in ("127.0.0.1", "localhost", "[::1]"):
                with Probe(f"smb://{host}:{server.port}/share", server) as probe:
                    assert (host, probe.opened) == (host, "ok")
                    probe.do("test")


def test_a_full_share_says_so_and_is_of_use_again_when_there_is_room(server):
    with Probe(server.url("small"), server) as probe:
        probe.do("create big")
        refused("no-space", "the disk there is full", probe("append 0 20000000"))
        probe.do("close")
        refused("no-space", "it is full", probe("test"))
        probe.do("remove big", "test")


@pytest.mark.parametrize("location, kind, text", [
    ("smb://no-such-host.invalid/share", "offline", "looking up the name"),
    ("smb://127.0.0.1:{port}/share", "offline", "Connection refused"),
    ("smb://anna:secret@127.0.0.1/share", "usage", "--password-file"),
    ("smb://127.0.0.1:0/share", "usage", "the port"),
    ("smb://127.0.0.1", "usage", "the share is missing"),
    ("smb:///share", "usage", "the host is missing"),
    ("smb://host/share/a?b", "usage", "cannot have any of"),
    ("smb://host/share/dot.", "usage", "end in a dot"),
    ("smb://host/share//b", "usage", "an empty name"),
    ("http://host/share", "usage", "only smb://"),
])
def test_a_location_that_leads_nowhere_says_why(server, location, kind, text):
    with Probe(location.format(port=free_port()), server) as probe:
        refused(kind, text, probe.opened)


def test_a_server_that_never_answers_costs_no_more_than_the_timeout(server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with Probe(f"smb://127.0.0.1:{silent.getsockname()[1]}/share", server, timeout_ms=1500) as probe:
            refused("timeout", "has not answered within 2 s", probe.opened)


def test_a_killed_connection_is_opened_once_more_but_a_file_of_it_is_dead_for_ever(server):
    with Probe(server.url(), server, folder="killed") as probe:
        probe.do("create a", "append 0 3000000")
        with server.down():
            refused("offline", "a:", probe("append 3000000 10"))
            refused("offline", "cannot be reached", probe("size a"))
        assert probe("size a") == "ok 3000000"
        refused("offline", "the connection over which it was opened is gone", probe("append 3000000 10"))
        probe.do("close", "reopen a", "append 3000000 10", "sync", "close")
        assert probe("read a 0 4000000") == "ok 3000010"
        server.kill_sessions()
        assert probe("size a") == "ok 3000010"
        probe.do("remove a")


def test_a_frozen_server_costs_one_timeout_and_is_of_use_again_when_thawed(server):
    with Probe(server.url(), server, folder="frozen", timeout_ms=2000) as probe:
        probe.do("create a", "append 0 3000000")
        with server.frozen():
            refused("timeout", "has not answered", probe("append 3000000 10"))
            assert not probe.helpers()
            refused("timeout", "", probe("size a"))
        probe.do("close", "size a")
        assert probe("read a 0 3000000") == "ok 3000000"
        probe.do("remove a")


def test_a_helper_that_dies_is_replaced(server):
    with Probe(server.url(), server, folder="helper") as probe:
        probe.do("create a", "append 0 10", "close")
        (helper,) = probe.helpers()
        os.kill(helper, signal.SIGKILL)
        assert probe("size a") == "ok 10"
        assert probe.helpers() != [helper]
        probe.do("threads a", "remove a")


def test_a_helper_that_hangs_costs_no_more_than_the_timeout(server):
    with Probe(server.url(), server, folder="hangs", timeout_ms=2000) as probe:
        probe.do("create a")
        (helper,) = probe.helpers()
        os.kill(helper, signal.SIGSTOP)
        refused("timeout", "has not answered", probe("append 0 3000000"))
        assert not probe.helpers()
        probe.do("close", "size a", "remove a")


def test_a_server_of_another_kind_is_told_from_one_that_is_away(server):
    with socket.create_server(("127.0.0.1", 0)) as other:
        with Probe(f"smb://127.0.0.1:{other.getsockname()[1]}/share", server, wait=False) as probe:
            for _ in range(2):  # the library, and then we
                other.accept()[0].close()
            refused("offline", "does not talk SMB 3.1.1 with us: log in: ", probe.read())


def test_no_secret_is_on_a_command_line_or_in_the_environment(server):
    with Probe(server.url(), server) as probe:
        (helper,) = probe.helpers()
        for name in ("cmdline", "environ"):
            assert server.password.encode() not in pathlib.Path(f"/proc/{helper}/{name}").read_bytes()


def test_a_missing_helper_is_named(server, tmp_path):
    with Probe(server.url(), server, programs=tmp_path) as probe:
        refused("unsupported", "sealpost-smb is missing", probe.opened)
