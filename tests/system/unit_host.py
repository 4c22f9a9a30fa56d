# SPDX-License-Identifier: GPL-3.0-or-later
"""unit_host - a machine on which Sealpost is installed, and its units are started as systemd would start them.

There need be no systemd at work: what the units say is read from them, and done with what it is made of (users, capabilities, namespaces,
mounts, a socket that is handed over, the datagrams of sd_notify). The machine's files are this machine's, with a layer of its own in memory
above them, in a mount namespace of its own: nothing of it is left, and nothing of this machine is changed. Filters of system calls
are not set; the tests hold what the programs really call against them.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading

from postfix import wait_until
from sealpost import BIN_FAST, ENV, ROOT, TIMEOUT_S
from serve import children

UNITS = ROOT / "package" / "systemd"
ARCHIVE = "/var/lib/sealpost/default"

MOUNT = """
mount -t tmpfs -o mode=0755 tmpfs "$1"
mkdir "$1/above" "$1/work" "$1/root"
mount -t overlay -o lowerdir=/,upperdir="$1/above",workdir="$1/work" overlay "$1/root"
mount --rbind /proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs -o mode=0755 tmpfs "$1/root/run"
mkdir "$1/root/run/lock"
mount -t tmpfs -o mode=1777 tmpfs "$1/root/tmp"
echo ready
exec sleep infinity
"""

# As root, in a mount namespace that is the unit's alone; then it becomes what the unit says. $1: read and write; $2: not there; the rest is to be run.
ENTER = """
set -e
mount --bind / /
for path in $1; do mount --bind "$path" "$path"; done
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir /tmp/.none; : >/tmp/.file; chmod 0 /tmp/.none /tmp/.file
for path in $2; do if [ -d "$path" ]; then mount --bind /tmp/.none "$path"; else mount --bind /tmp/.file "$path"; fi; done
mount -o remount,bind,ro /
shift 2
[ -z "$FD" ] || [ "$FD" = 3 ] || eval "exec 3<&$FD $FD<&-"
[ -z "$FD" ] || export LISTEN_PID=$$ LISTEN_FDS=1
unset FD
exec "$@"
"""


@contextlib.contextmanager
def short(path):
    """PATH by a name that an address has room for."""
    folder = os.open(path.parent, os.O_PATH)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class Unit:
    """What a unit file says, for one instance: lists of values by key, an empty value begins anew."""

    def __init__(self, name, instance="default"):
        self.name = name
        self.said = {}
        for line in (UNITS / name).read_text().splitlines():
            key, equals, value = line.partition("=")
            if not equals or line.startswith("#"):
                continue
            if value:
                self.said.setdefault(key, []).append(value.replace("%i", instance))
            else:
                self.said[key] = []

    def one(self, key, default=""):
        return (self.said.get(key) or [default])[-1]

    def words(self, key):
        return [word for value in self.said.get(key, []) for word in value.split()]


class Running:
    """A unit's process. SAID is what it told its manager."""

    def __init__(self, host, unit, listener=None, wrapper=()):
        self.host = host
        self.unit = unit
        self.wrapped = bool(wrapper)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify_path = f"/run/notify-{unit.name.replace('@', '')}"
        here = host.root / self.notify_path[1:]
        here.unlink(missing_ok=True)
        with short(here) as address:
            self.notify.bind(address)
        here.chmod(0o666)
        self.notify.setblocking(False)
        self.said = []
        self.log = host.folder / (unit.name + ".log")
        fd = listener.fileno() if listener is not None else None
        env = {"PATH": ENV["PATH"], "TZ": ENV["TZ"], "LC_ALL": ENV["LC_ALL"], "FD": str(fd) if fd is not None else "",
               "NOTIFY_SOCKET": self.notify_path, "WATCHDOG_USEC": "2000000", **host.credentials,
               **dict(setting.split("=", 1) for setting in unit.words("Environment"))}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*wrapper, *host.command(unit)], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            pass_fds=[fd] if fd is not None else [])

    def text(self):
        return self.log.read_text()

    def hear(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.said += self.notify.recv(4096).decode().splitlines()
        return self.said

    def is_ready(self):
        assert self.process.poll() is None, self.text()
        return "READY=1" in self.hear()

    def ready(self):
        wait_until(self.is_ready, self.text)
        return self

    def stop(self):
        """As KillMode=mixed does: the first process alone."""
        first = children(self.process.pid)[:1] if self.wrapped else [self.process.pid]
        for pid in first if self.process.poll() is None else []:
            os.kill(pid, signal.SIGTERM)
        try:
            assert self.process.wait(TIMEOUT_S) == 0, self.text()
        finally:
            self.process.kill()
            self.process.wait()
            self.notify.close()


class Host:
    def __init__(self, folder):
        self.folder = folder
        self.mount = folder / "machine"
        self.mount.mkdir()
        self.holder = None
        self.running = []
        self.credentials = {}

    def __enter__(self):
        self.holder = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-ec", MOUNT, "sh", str(self.mount)],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"ready\n"
        self.root = pathlib.Path(f"/proc/{self.holder.pid}/root{self.mount}/root")
        self.install()
        return self

    def __exit__(self, *_):
        for unit in reversed(self.running):
            with contextlib.suppress(ProcessLookupError):
                unit.process.kill()
                unit.process.wait()
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()

    def enter(self, *command):
        return ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", "chroot", f"{self.mount}/root", *map(str, command)]

    def run(self, *command, status=0, **more):
        """As root."""
        done = subprocess.run(self.enter(*command), env=ENV, capture_output=True, timeout=TIMEOUT_S, check=False, **more)
        assert done.returncode == status, (command, done.stdout, done.stderr)
        return done.stdout.decode()

    def sealpost(self, *args, user="sealpost", **more):
        return self.run("setpriv", "--reuid", user, "--regid", user, "--init-groups", "env", *(f"{k}={v}" for k, v in self.credentials.items()),
                        "sealpost", "--archive", ARCHIVE, *args, **more)

    def sealpost_fails(self, *args):
        """What it said."""
        env = [f"{k}={v}" for k, v in self.credentials.items()]
        done = subprocess.run(self.enter("setpriv", "--reuid", "sealpost", "--regid", "sealpost", "--init-groups", "env", *env, "sealpost", "--archive",
                                         ARCHIVE, *args), env=ENV, capture_output=True, timeout=TIMEOUT_S, check=False)
        assert done.returncode == 1, done
        return done.stderr.decode()

    @contextlib.contextmanager
    def serving(self, name):
        """A socket unit with Accept=yes: a process for each who connects. Gives the users that they were."""
        listener = self.listen(f"{name}.socket")
        unit = Unit(f"{name}@.service")
        users = []

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    connection = listener.accept()[0]
                    fd = connection.fileno()
                    users.append(unit.one("User"))
                    env = {"PATH": ENV["PATH"], "FD": str(fd)}
                    with connection, (self.folder / f"{name}.log").open("ab") as log:
                        subprocess.run(self.command(unit), env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[fd],
                                       timeout=TIMEOUT_S, check=False)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield users
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            listener.close()

    def install(self):
        built = pathlib.Path(BIN_FAST).parent
        lib = self.root / "usr" / "lib" / "sealpost"
        shutil.rmtree(lib, ignore_errors=True)
        lib.mkdir(parents=True)
        for program in built.glob("sealpost-*"):
            if program.is_file():
                shutil.copy(program, lib)
        shutil.copy(BIN_FAST, self.root / "usr" / "bin" / "sealpost")
        shutil.copy(ROOT / "package" / "pam" / "sealpost", self.root / "etc" / "pam.d" / "sealpost")
        for kind, program in (("sysusers", "systemd-sysusers"), ("tmpfiles", "systemd-tmpfiles")):
            rules = self.root / "usr" / "lib" / f"{kind}.d" / "sealpost.conf"
            rules.parent.mkdir(exist_ok=True)
            shutil.copy(UNITS / f"sealpost.{kind}", rules)
            self.run(program, *(["--create"] if kind == "tmpfiles" else []), "sealpost.conf")

    def there(self, paths):
        """Those that the machine has, without the dash that says that they may be missing."""
        found = []
        for path in paths:
            if (self.root / path.lstrip("-/")).exists():
                found.append(path.lstrip("-"))
            else:
                assert path.startswith("-"), path
        return " ".join(found)

    def command(self, unit):
        """What becomes the unit's first process, without a process in between."""
        caps = unit.words("AmbientCapabilities")
        names = ",".join("+" + cap.lower().removeprefix("cap_") for cap in caps)
        user = ["setpriv", "--reuid", unit.one("User"), "--regid", unit.one("Group")]
        user += ["--groups", self.groups(unit)]
        user += ["--bounding-set", "-all" + ("," + names if names else "")]
        user += ["--inh-caps", "-all" + ("," + names if names else "")]
        user += ["--ambient-caps", names] if names else []
        user += ["--no-new-privs"] if unit.one("NoNewPrivileges") == "yes" else []
        namespaces = ["--mount"] + (["--net"] if unit.one("PrivateNetwork") == "yes" else [])
        assert unit.one("ProtectSystem") == "strict" and unit.one("PrivateTmp") == "yes"
        return self.enter("unshare", *namespaces, "--propagation", "private", "bash", "-c", ENTER, "bash",
                          self.there(unit.words("ReadWritePaths") + ["/run", "/dev", "/proc"]), self.there(unit.words("InaccessiblePaths")),
                          *user, "sh", "-c", f"umask {unit.one('UMask')}; exec \"$@\"", "sh", *unit.one("ExecStart").split())

    def groups(self, unit):
        """Numbers of all that a user is in."""
        names = self.run("id", "-Gn", unit.one("User")).split() + unit.words("SupplementaryGroups")
        return ",".join(self.run("getent", "group", name).split(":")[2] for name in dict.fromkeys(names))

    def start(self, name, **more):
        unit = Running(self, Unit(name), **more)
        self.running.append(unit)
        return unit

    def listen(self, name):
        """The socket of a socket unit, with the rights that it says."""
        unit = Unit(name)
        path = self.root / unit.one("ListenStream").lstrip("/")
        path.parent.mkdir(exist_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        with short(path) as address:
            listener.bind(address)
        listener.listen(64)
        self.run("chown", f"{unit.one('SocketUser')}:{unit.one('SocketGroup')}", unit.one("ListenStream"))
        self.run("chmod", unit.one("SocketMode"), unit.one("ListenStream"))
        return listener

    def person(self, user, *command, groups="--init-groups", **more):
        return self.run("setpriv", "--reuid", user, "--regid", user, groups, *command, **more)
