# SPDX-License-Identifier: GPL-3.0-or-later
"""machine - an appliance to try things on: a Debian with systemd, Postfix and nginx, booted in namespaces of its own.

Its network has nobody but itself, its disk is forgotten at the end, and no process outlives it. What it boots from, Debian's
packages and nothing else, is made once in build/appliance/SUITE.
"""
import ctypes
import itertools
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "appliance"
PLAIN = ROOT / "package" / "plain"
BACKPORTS = {"bookworm": "bookworm-backports"}
# What an appliance has before the app comes; rsyslog and the like are left out, journald is there.
PACKAGES = ("systemd", "systemd-sysv", "dbus", "iproute2", "openssl", "curl", "python3", "procps", "libnss-myhostname")
LATER = ("postfix", "nginx-light")
COMMAND_S, BOOT_S = 300, 60
DISK = "4g"
NUMBERS = itertools.count(1)
LIBC = ctypes.CDLL(None, use_errno=True)

BOOT = """
root=$1 lower=$2 top=$3 disk=$4
mount --make-rprivate /
mount -t tmpfs -o size="$disk" sealpost "$top"
mkdir "$top/upper" "$top/work"
mount -t overlay -o "lowerdir=$lower,upperdir=$top/upper,workdir=$top/work" sealpost "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero full random urandom tty; do
	touch "$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t tmpfs tmpfs "$root/run"
echo appliance >/proc/sys/kernel/hostname
# A chroot would do, but for the user namespaces that units want: these are not to be had in one.
cd "$root"
pivot_root . mnt
exec env -i container=sealpost PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . sh -euc "umount -l /mnt; exec /lib/systemd/systemd"
"""


def logged(log, *command):
    """A long command whose output is of interest only if it fails."""
    with open(log, "ab") as out:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, f"{shlex.join(map(str, command))}:\n{log.read_text(errors='replace')[-4000:]}"


def inside(base, *command, directory="/"):
    logged(base.with_suffix(".log"), PLAIN, "run", base, directory, *command)


# --- what it boots from ---

def base(suite):
    """The folder of a Debian as it stands on an appliance, before the app."""
    folder = BUILD / suite
    if folder.exists():
        return folder
    BUILD.mkdir(parents=True, exist_ok=True)
    new = folder.with_name(f"{suite}-new")
    subprocess.run(["rm", "-rf", new], check=True)
    logged(new.with_suffix(".log"), PLAIN, "make", suite, new, *PACKAGES)
    never_start = new / "usr/sbin/policy-rc.d"
    never_start.write_text("#!/bin/sh\nexit 101\n")
    never_start.chmod(0o755)
    if suite in BACKPORTS:
        (new / "etc/apt/sources.list.d/backports.list").write_text(
            f"deb http://deb.debian.org/debian {BACKPORTS[suite]} main\n")
    inside(new, "apt-get", "update", "-q")
    inside(new, "apt-get", "install", "-y", "-q", "--no-install-recommends", *LATER)
    never_start.unlink()
    for unit in ("console-getty.service", "systemd-modules-load.service", "systemd-logind.service"):
        (new / "etc/systemd/system" / unit).symlink_to("/dev/null")
    new.rename(folder)
    return folder


# --- one that runs ---

class Machine:
    """with Machine(base("trixie")) as m: m.run("systemctl", "status")"""

    def __init__(self, lower, disk=DISK):
        self.lower, self.disk = lower, disk
        self.cgroup = self.init = self.boot = None

    def __enter__(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="sealpost-appliance-"))
        for name in ("root", "disk"):
            (self.top / name).mkdir()
        self.cgroup = cgroup_of_its_own()
        self.boot = subprocess.Popen(
            ["sh", "-euc", f'echo $$ >"{self.cgroup}/cgroup.procs"; exec "$@"', "sh",
             "unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child",
             "sh", "-euc", BOOT, "sh", self.top / "root", self.lower, self.top / "disk", self.disk],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            self.wait_for(self.find_init, "its first process", BOOT_S)
            self.wait_for(self.is_up, "the end of booting", BOOT_S)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.init:
            os.kill(self.init, signal.SIGKILL)  # and with it, all that is in its namespace
        self.boot.kill()
        self.boot.wait()
        remove_cgroup(self.cgroup)
        for name in ("root", "disk", ""):
            (self.top / name).rmdir()

    def find_init(self):
        children = pathlib.Path(f"/proc/{self.boot.pid}/task/{self.boot.pid}/children")
        for child in children.read_text().split() if self.boot.poll() is None else ():
            if pathlib.Path(f"/proc/{child}/comm").read_text() == "systemd\n":
                self.init = int(child)
        return self.init

    def is_up(self):
        state = self.run("systemctl", "is-system-running", ok=False).stdout.strip()
        assert state != "degraded", self.text("systemctl", "--failed", "--no-pager")
        return state == "running"

    def wait_for(self, reached, what, seconds=COMMAND_S):
        end = time.monotonic() + seconds
        while not (value := reached()):
            assert time.monotonic() < end, f"{what} did not come in {seconds} s"
            time.sleep(0.1)
        return value

    @property
    def root(self):
        """Its files, from outside."""
        return pathlib.Path(f"/proc/{self.init}/root")

    def command(self, *command):
        return ["nsenter", "-t", str(self.init), "-m", "-p", "-n", "-u", "-i", "-C", "-r", "--wd", "env", "-i", "LANG=C.UTF-8",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
                "DEBIAN_FRONTEND=noninteractive", *map(str, command)]

    def run(self, *command, ok=True, typed=""):
        done = subprocess.run(self.command(*command), input=typed, text=True, errors="replace", capture_output=True, timeout=COMMAND_S,
                              check=False)
        assert not ok or done.returncode == 0, \
            f"{shlex.join(map(str, command))}: status {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done

    def text(self, *command, **more):
        return self.run(*command, **more).stdout

    def connect(self, address, *_, **__):
        """A socket of its network; for http.client and smtplib, which take it for socket.create_connection."""
        with open(f"/proc/{self.init}/ns/net", "rb") as its, open("/proc/thread-self/ns/net", "rb") as ours:
            enter(its)
            try:
                return socket.create_connection(("127.0.0.1", address[1]), timeout=COMMAND_S)
            finally:
                enter(ours)

    def files(self):
        """Every path on its disk with what it is; what the system writes by itself is left out."""
        listed = self.text("find", "/", "-xdev", "-type", "d", "-printf", r"%p\t%m %u %g\n", "-o",
                           "-printf", r"%p\t%y %m %u %g %s %l\n")
        return dict(line.split("\t", 1) for line in listed.splitlines() if not line.startswith(BY_ITSELF))


def difference(before, after):
    """Of two lists of files, what is not in both."""
    return {path: (before.get(path), after.get(path)) for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def enter(network):
    """Python 3.11 has no os.setns()."""
    if LIBC.setns(network.fileno(), 0) < 0:
        raise OSError(ctypes.get_errno(), "setns")


# Of these only what is there counts, not who wrote when how much.
BY_ITSELF = ("/var/log/", "/var/cache/", "/var/lib/apt/", "/var/lib/dpkg/", "/var/lib/systemd/", "/tmp/", "/run/", "/proc", "/sys",
             "/dev", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/root/", "/var/tmp/", "/etc/ld.so.cache", "/var/lib/postfix/", "/var/spool/postfix/", "/var/mail")


# --- its place among the host's processes ---

def cgroup2():
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(where)
    raise FileNotFoundError("this host has no cgroup v2 to boot a machine in")


def cgroup_of_its_own():
    folder = cgroup2() / f"sealpost-appliance-{os.getpid()}-{next(NUMBERS)}"
    folder.mkdir()
    return folder


def remove_cgroup(folder):
    end = time.monotonic() + BOOT_S
    while (folder / "cgroup.events").read_text().startswith("populated 1"):
        assert time.monotonic() < end, f"processes of the machine live on: {folder}"
        time.sleep(0.05)
    for path, *_ in os.walk(folder, topdown=False):
        os.rmdir(path)
