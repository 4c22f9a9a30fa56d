# SPDX-License-Identifier: GPL-3.0-or-later
"""bundle - the app bundle that was built, and others made of it: spoiled ones, and a newer one."""
import hashlib
import json
import shutil
import subprocess
import tarfile

from machine import ROOT

PACKAGE = ROOT / "build/package"
KEY = ROOT / "build/trial-key.pem"
PUBLIC_KEY = PACKAGE / "app-key.pem"


def is_signature(path):
    return path.name.startswith("SHA256SUMS")


class Bundle:
    def __init__(self, folder):
        self.folder = folder
        self.file, = PACKAGE.glob("sealpost-*.app")

    def changed(self, name, change, signed=True):
        """The bundle after CHANGE(its unpacked folder), signed anew or not."""
        unpacked = self.folder / name
        with tarfile.open(self.file) as tar:
            tar.extractall(unpacked)
        change(unpacked)
        if signed:
            self.sign(unpacked)
        members = sorted((path for path in unpacked.rglob("*") if path.is_file()), key=lambda path: not is_signature(path))
        made = self.folder / f"{name}.app"
        with tarfile.open(made, "w", format=tarfile.USTAR_FORMAT) as tar:
            for member in members:
                tar.add(member, member.relative_to(unpacked))
        shutil.rmtree(unpacked)
        return made

    @staticmethod
    def sign(unpacked):
        names = sorted(str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file() and not is_signature(path))
        sums = "".join(f"{hashlib.sha256((unpacked / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
        (unpacked / "SHA256SUMS").write_text(sums)
        subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", KEY, "-in", unpacked / "SHA256SUMS",
                        "-out", unpacked / "SHA256SUMS.sig"], check=True)

    def newer(self, version):
        """The same programs, called VERSION."""
        return self.changed(version, lambda unpacked: rename(unpacked, version))


def of_manifest(change):
    """What Bundle.changed() takes: CHANGE(app.json's content)."""
    def apply(unpacked):
        path = unpacked / "app.json"
        app = json.loads(path.read_text())
        change(app)
        path.write_text(json.dumps(app, ensure_ascii=False, indent=2) + "\n")
    return apply


def rename(unpacked, version):
    app = json.loads((unpacked / "app.json").read_text())
    old, app["version"] = app["version"], version
    for row in app["packages"]:
        package = unpacked / row["file"]
        row["version"] = row["version"].replace(old, version, 1)
        row["file"] = row["file"].replace(f"_{old}", f"_{version}", 1)
        repack(package, unpacked / row["file"], row["version"])
    (unpacked / "app.json").write_text(json.dumps(app, ensure_ascii=False, indent=2) + "\n")


def repack(package, to, version):
    tree = package.with_suffix("")
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN/control"
    lines = control.read_text().splitlines()
    control.write_text("".join(f"Version: {version}\n" if line.startswith("Version:") else f"{line}\n" for line in lines))
    package.unlink()
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, to], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
