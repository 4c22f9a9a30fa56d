# SPDX-License-Identifier: GPL-3.0-or-later
"""app_bundle - app bundles as package/bundle makes them, of small packages; and a system to try appctl on.

The system is this one with a layer above it, in a namespace of its own: what appctl does to it is in the layer, and gone with it.
The packages hold the real program and the real hooks, and stand on nothing that apt would have to fetch.
"""
import fcntl
import importlib.machinery
import importlib.util
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from sealpost import BIN_FAST, ROOT, TIMEOUT_S, VERSION

APPCTL = ROOT / "package/appctl"
LOCK = "run/lock/sealpost-app.lock"
HOOKS = "usr/share/sealpost/appliance"
HERE = pathlib.Path("/etc/debian_version").read_text("ascii").split(".")[0].strip()
MACHINE = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()


# For a shell: wait here, where a test wants it to be ended.
HOLD = "if [ -p /run/hold-{0} ]; then : >/run/held; cat /run/hold-{0}; fi"


def program(name):
    """package/NAME, as a module."""
    loader = importlib.machinery.SourceFileLoader(name, str(ROOT / "package" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


BUNDLE = program("bundle")


def key(folder, name):
    """A new Ed25519 key: the private one's file, and the public one's."""
    private, public = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    return private, public


def package(folder, version=VERSION, debian=HERE, machine=MACHINE, name="sealpost"):
    tree = folder / f"{name}-{version}-{machine}"
    if name == "sealpost":
        (tree / "usr/bin").mkdir(parents=True)
        shutil.copy(BIN_FAST, tree / "usr/bin/sealpost")
        shutil.copytree(ROOT / "package/appliance", tree / HOOKS)
        # Which reverse proxies this machine has is not to matter.
        (tree / HOOKS / "hook-proxy").write_text("#!/bin/sh\n")
    control = tree / "DEBIAN/control"
    control.parent.mkdir(parents=True)
    control.write_text(f"Package: {name}\nVersion: {version}+deb{debian}\nArchitecture: {machine}\nInstalled-Size: 2000\n"
                       "Maintainer: Nobody <nobody@example.org>\nDescription: for a test\n", "utf-8")
    for script in ("postinst", "prerm"):
        (control.parent / script).write_text(f"#!/bin/sh\nset -e\n{HOLD.format(script)}\n", "utf-8")
        (control.parent / script).chmod(0o755)
    made = folder / f"{name}_{version}+deb{debian}_{machine}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Z", "none", "-b", tree, made], check=True, capture_output=True)
    return made


def stage(folder, version=VERSION, debian=HERE, machine=MACHINE, change=lambda app: None):
    """A folder with all of a bundle, not signed yet; CHANGE may alter what app.json says."""
    made = pathlib.Path(tempfile.mkdtemp(dir=folder))
    rows = BUNDLE.take([package(made, version, debian, machine)], made / "app", debian)
    app = BUNDLE.json.loads(BUNDLE.manifest(rows, "vendor"))
    app["version"] = version
    app["disk_mib"] = {"system": 1, "data": 1}
    change(app)
    (made / "app/app.json").write_text(BUNDLE.json.dumps(app), "utf-8")
    return made / "app"


def bundle(folder, private, name="sealpost.app", **more):
    made = stage(folder, **more)
    BUNDLE.sign(made, private)
    BUNDLE.pack(made, folder / name, 0)
    return folder / name


SETUP = """
mount --make-rprivate /
mount -t tmpfs sealpost "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" sealpost "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
# It knows of no package but the app's, so that apt has little to think about.
for place in run tmp var/tmp var/lib/dpkg var/lib/apt; do
	mount -t tmpfs sealpost "$1/root/$place"
done
mkdir "$1/root/var/lib/dpkg/updates" "$1/root/var/lib/dpkg/info" "$1/root/var/lib/dpkg/triggers"
cp -r /var/lib/dpkg/arch "$1/root/var/lib/dpkg/" 2>/dev/null || true
: >"$1/root/var/lib/dpkg/status"
mkdir -p "$1/root/run/lock"
# The tree may lie below the /tmp that is hidden by now.
mkdir -p "$1/root$2" "$1/root$4"
mount --bind "$2" "$1/root$2"
mount -o bind,ro "$4" "$1/root$4"
printf '#!/bin/sh\\nfor word; do case $word in update) exit 0 ;; -s) exec /run/apt-get "$@" ;; esac; done\\n%s\\nexec /run/apt-get "$@"\\n' "$3" \
	>"$1/root/run/front"
cp "$1/root/usr/bin/apt-get" "$1/root/run/apt-get"
chmod 755 "$1/root/run/front"
mount --bind "$1/root/run/front" "$1/root/usr/bin/apt-get"
echo ready
exec cat
"""


class System:
    """with System(folder) as system: system.appctl("install", bundle)"""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="sealpost-system-"))
        self.keeper = subprocess.Popen(["unshare", "--mount", "sh", "-euc", SETUP, "sh", self.top, self.folder, HOLD.format("apt"), ROOT],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.keeper.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *_):
        self.keeper.stdin.close()
        self.keeper.wait()
        self.keeper.stdout.close()
        self.top.rmdir()

    @property
    def upper(self):
        return pathlib.Path(f"/proc/{self.keeper.pid}/root{self.top}/upper")

    @property
    def root(self):
        return pathlib.Path(f"/proc/{self.keeper.pid}/root{self.top}/root")

    def command(self, *command):
        return ["nsenter", "-t", str(self.keeper.pid), "-m", "chroot", str(self.top / "root"), "env", "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", *map(str, command)]

    def run(self, *command, status=0, says="", typed=""):
        done = subprocess.run(self.command(*command), input=typed, text=True, capture_output=True, timeout=TIMEOUT_S, check=False)
        told = done.stdout + done.stderr
        assert done.returncode == status, f"{command}: status {done.returncode}\n{told}"
        assert says in told, told
        return told

    def appctl(self, *args, **more):
        return self.run(APPCTL, *args, **more)

    def begin(self, *args):
        return subprocess.Popen(self.command(APPCTL, *args), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, start_new_session=True)

    def is_free(self):
        """Nothing of appctl, nor of what it started, is left."""
        with open(self.root / LOCK, "w", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def changes(self):
        """All that is in the layer, with what it is."""
        return sorted((str(path.relative_to(self.upper)), path.lstat().st_mode, path.lstat().st_size if path.is_file() else 0)
                      for path in self.upper.rglob("*"))

    def people(self):
        """The users of the package, whom systemd-sysusers makes."""
        self.run("useradd", "--system", "--user-group", "--home-dir", "/var/lib/sealpost", "sealpost")
        self.run("mkdir", "-p", "/var/lib/sealpost")
        self.run("install", "-d", "-o", "sealpost", "/var/lib/sealpost/default")
        return self


def end_all_of(process):
    """Like a power cut, for one program and those it has started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
