# SPDX-License-Identifier: GPL-3.0-or-later
"""own_accounts - a system with accounts of its own, for commands that run in it: its passwd, group and shadow lie over the real ones
in a mount namespace, and its PAM service is a file in the test's folder. The real system is not touched."""
import pathlib
import subprocess

from sealpost import Archive

PASSWORD = 'pass "wörd\\'
GROUP = "system-mail"

# name, uid, first gid, gecos, day on which it expires
ACCOUNTS = (("anna", 4001, 4001, "Anna Smith,Room 1,,", ""), ("otto", 4002, 4999, "", ""), ("berta", 4003, 4001, "Berta", "1"),
            ("carl", 4004, 4001, "Carl", ""), ("dora.x", 4005, 4001, "Dora", ""))
MEMBERS = ("anna", "berta", "dora.x")

ENTER = """#!/bin/sh
set -eu
for file in passwd group shadow; do mount --bind "{path}/$file" "/etc/$file"; done
exec "$@"
"""


class OwnAccounts:
    """In PATH. .service is the path of its PAM service."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir()
        self.service = self.path / "archive-login"
        hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=PASSWORD.encode(), capture_output=True,
                                check=True).stdout.decode().strip()
        real = {name: pathlib.Path(f"/etc/{name}").read_text(encoding="utf-8") for name in ("passwd", "group")}
        (self.path / "passwd").write_text(real["passwd"] + "".join(
            f"{name}:x:{uid}:{gid}:{gecos}:/nonexistent:/usr/sbin/nologin\n" for name, uid, gid, gecos, _ in ACCOUNTS), encoding="utf-8")
        (self.path / "group").write_text(f"{real['group']}people:x:4001:\n{GROUP}:x:4999:{','.join(MEMBERS)}\n")
        (self.path / "shadow").write_text(f"root:{hashed}:19000::::::\n" + "".join(
            f"{name}:{hashed}:19000:::::{expires}:\n" for name, _, _, _, expires in ACCOUNTS))
        (self.path / "enter").write_text(ENTER.format(path=self.path))
        (self.path / "enter").chmod(0o755)
        self.use("pam_unix.so")

    def use(self, module, account="pam_unix.so"):
        self.service.write_text(f"auth required {module}\naccount required {account}\n")

    def use_script(self, *lines):
        """A script takes the password from its standard input, and says by its exit status whether it is right."""
        script = self.path / "script"
        script.write_text("\n".join(("#!/bin/sh", *lines, "")))
        script.chmod(0o755)
        self.use(f"pam_exec.so expose_authtok quiet {script}")


class ArchiveThere(Archive):
    """One whose commands run in such a system."""

    def __init__(self, path, accounts):
        super().__init__(path)
        self.accounts = accounts

    def command(self, *args):
        return ["unshare", "--mount", str(self.accounts.path / "enter"), *super().command(*args)]
