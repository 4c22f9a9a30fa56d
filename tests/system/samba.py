# SPDX-License-Identifier: GPL-3.0-or-later
"""samba - a private smbd on a loopback port: a file server that can be killed, frozen, filled and changed."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest

from ports import free_port

USER = "backup"  # stock user of a Debian system; Samba wants its users to be the system's, too
PASSWORD = 'pass "wörd\\'
START_S = STOP_S = 60

CONF = """
[global]
netbios name = TESTFS
workgroup = TESTWG
server role = standalone server
security = user
smb ports = {port}
interfaces = 127.0.0.1
bind interfaces only = yes
disable netbios = yes
disable spoolss = yes
load printers = no
printcap name = /dev/null
passdb backend = tdbsam:{dir}/private/passdb.tdb
private dir = {dir}/private
state directory = {dir}/state
cache directory = {dir}/cache
lock directory = {dir}/lock
pid directory = {dir}/pid
ncalrpc dir = {dir}/ncalrpc
winbindd socket directory = {dir}/wb
binddns dir = {dir}/state
log file = {dir}/log/log.%m
log level = 1
max log size = 0
map to guest = never
server min protocol = SMB3_11
server signing = mandatory
server smb encrypt = {encrypt}
rpc start on demand helpers = no
strict sync = yes
sync always = {sync}
{extra}
"""

SHARE = """
[{name}]
path = {path}
read only = {read_only}
valid users = {users}
"""


def processes_of(group):
    """The processes of a process group, those that are only waited for left out."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state, _, pgrp = stat.read_text().rsplit(")", 1)[1].split()[:3]
            if int(pgrp) == group and state not in "ZX":
                found.append(int(stat.parent.name))
    return found


class Samba:
    """PATH is made, and holds all of it. Shares: "share", which may be written, "locked", which may not, "closed",
    which USER may not use, and "small", of SMALL_MB, if that is given. Use it in a `with`."""

    def __init__(self, path, sync_always=True, encrypt="required", small_mb=0, extra=""):
        self.path = pathlib.Path(path)
        self.port = free_port()
        self.user, self.password = USER, PASSWORD
        self.password_file = self.path / "password"
        self.small_mb = small_mb
        self.process = None
        for folder in ("private", "state", "cache", "lock", "pid", "log", "ncalrpc", "wb"):
            (self.path / folder).mkdir(parents=True)
        # the server acts as the owner of the shares, who must get through
        self.path.parent.chmod(0o755)
        self.path.chmod(0o755)
        conf = CONF.format(dir=self.path, port=self.port, encrypt=encrypt, extra=extra,
                           sync="yes" if sync_always else "no")
        for name, read_only, users in (("share", "no", USER), ("locked", "yes", USER),
                                       ("closed", "no", "root"), ("small", "no", USER)):
            if name != "small" or small_mb:
                self.folder(name).mkdir()
                conf += SHARE.format(name=name, path=self.folder(name), read_only=read_only, users=users)
        (self.path / "smb.conf").write_text(conf)

    def __enter__(self):
        for name in ("share", "locked", "closed"):
            shutil.chown(self.folder(name), USER, USER)
        if self.small_mb:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.small_mb}m,mode=0755,uid={USER}",
                            "sealpost-test", self.folder("small")], check=True)
        try:
            self.set_password(PASSWORD)
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.kill()
        if self.small_mb:
            subprocess.run(["umount", "--lazy", self.folder("small")], check=True)
        shutil.rmtree(self.path)

    def folder(self, share="share"):
        """Where the files of a share lie."""
        return self.path / f"on-{share}"

    def url(self, share="share", folder=""):
        return f"smb://127.0.0.1:{self.port}/{share}" + (f"/{folder}" if folder else "")

    def login(self, password_file=None):
        """The options by which a command logs in."""
        return ["--user", self.user, "--password-file", password_file or self.password_file]

    def set_password(self, password, tell=True):
        """Of USER; sessions that are there go on. TELL: the password file has it, too."""
        self.password = password
        subprocess.run(["smbpasswd", "-c", self.path / "smb.conf", "-a", "-s", USER], check=True,
                       input=f"{password}\n{password}\n".encode(), capture_output=True)
        if tell:
            self.password_file.touch(0o600)
            self.password_file.write_text(f"{password}\n")

    def answers(self):
        """It talks to whoever knocks: a connection alone is the kernel's."""
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self.port), 1) as knock:
                knock.sendall(b"\0\0\0\x04\xffSMB")  # no request at all: it hangs up
                return knock.recv(1) is not None
        return False

    def start(self):
        """It makes itself a process group of its own, which can be killed as one."""
        assert self.process is None
        with (self.path / "log" / "out").open("ab") as log:
            self.process = subprocess.Popen(["smbd", "-F", "-s", self.path / "smb.conf"], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < deadline, self.said()
            time.sleep(0.02)
        return self

    def _end(self, sign):
        if self.process is None:
            return
        group, self.process = self.process, None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group.pid, sign)
        group.send_signal(sign)  # it may have died before it had a group
        group.wait(STOP_S)
        deadline = time.monotonic() + STOP_S
        while processes_of(group.pid):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self):
        """As an administrator does."""
        self._end(signal.SIGTERM)

    def kill(self):
        """As a loss of power does; frozen ones, too."""
        self._end(signal.SIGKILL)

    def resize(self, small_mb):
        """The share "small" has another disk, with the same files on it."""
        subprocess.run(["mount", "-o", f"remount,size={small_mb}m", self.folder("small")], check=True)

    @contextlib.contextmanager
    def swapped(self, other):
        """The server has another folder in the place of "share" meanwhile. Sessions do not outlive the change: they
        would go on in the folder they know."""
        kept = self.path / "kept"
        with self.down():
            self.folder().rename(kept)
            other.rename(self.folder())
            for path in [self.folder(), *self.folder().rglob("*")]:
                shutil.chown(path, self.user, self.user)
        try:
            yield
        finally:
            with self.down():
                self.folder().rename(other)
                kept.rename(self.folder())

    @contextlib.contextmanager
    def down(self, sign=signal.SIGKILL):
        self._end(sign)
        yield
        self.start()

    @contextlib.contextmanager
    def frozen(self):
        """It holds its connections, and answers nothing."""
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def freeze(self):
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.killpg(self.process.pid, signal.SIGCONT)

    def kill_sessions(self):
        """Those who are connected now are cut off; the server goes on."""
        for pid in processes_of(self.process.pid):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                if pid != self.process.pid and self._has_session(pid):
                    os.kill(pid, signal.SIGKILL)

    def _has_session(self, pid):
        """Only a child that serves somebody has left the listening sockets behind."""
        listening = {row.split()[9] for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
                     if row.split()[3] == "01" and row.split()[1].endswith(f":{self.port:04X}")}
        held = set()
        for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                held.add(os.readlink(fd))
        return any(f"socket:[{inode}]" in held for inode in listening)

    def said(self):
        return "".join(f.read_text(errors="replace") 
                       for f in sorted((self.path / "log").iterdir()) if f.is_file())


@contextlib.contextmanager
def running(folder, **options):
    """A server in FOLDER/smb, gone in the end."""
    if os.geteuid() != 0:
        pytest.skip("a private smbd needs root to start")
    with Samba(pathlib.Path(folder) / "smb", **options) as server:
        yield server
