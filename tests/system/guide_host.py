#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""guide_host - run every command of docs/ADMIN.md, word for word and in its order, as on a host of one's own.

    unshare --mount --net guide_host.py FOLDER

It has a network, /etc/hosts, /var/lib and /srv of its own, so that the guide's names, ports and folders are the true
ones; FOLDER is the administrator's home. Between the commands happens what the guide's comments "test: ..." say.
"""
import errno
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import time

import samba
import tsa
from sealpost import BIN, ENV, Archive, mail, sha256

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "ADMIN.md"
HOSTS = "127.0.0.1 localhost nas.example.org mirror.example.org tsa.example.org\n"
SMB_PORT, HTTP_PORT = 445, 80
SIOCSIFFLAGS, IFF_UP = 0x8914, 1  # see netdevice(7)
SHARES = ("mail", "moved", "mirror", "from-trial", "production")
TIMEOUT_S = 300
DAY_S = 24 * 60 * 60
KEY_PASSWORD = "correct horse battery"
PERSON_PASSWORD = "battery staple horse correct"


def asks(command):
    """Whether it asks for a password at the terminal."""
    return re.match(r"sealpost user (password|add)\b(?!.*(--password-file|--role uploader))", command)


def shell(command, **more):
    return subprocess.run(["bash", "-c", command], check=True, **more)


def make_host(home):
    """What is done here is seen by nobody else."""
    hosts = home / "hosts"
    hosts.write_text(HOSTS)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
    shell(f"mount --bind {hosts} /etc/hosts && mount -t tmpfs tmpfs /var/lib "
          "&& mount -t tmpfs tmpfs /srv && mkdir /var/lib/sealpost")


def file_server(home):
    """Its share's user is called sealpost, as the guide's is."""
    extra = f"username map = {home}/users\n"
    (home / "users").write_text(f"{samba.USER} = sealpost\n")
    for share in SHARES:
        folder = pathlib.Path("/srv", share)
        folder.mkdir()
        shutil.chown(folder, samba.USER, samba.USER)
        extra += f"[{share}]\npath = {folder}\nread only = no\nvalid users = {samba.USER}\n"
    samba.free_port = lambda: SMB_PORT
    return samba.Samba(home / "samba", extra=extra)


def timestamping_authority(home):
    tsa.free_port = lambda: HTTP_PORT
    return tsa.Tsa(home / "tsa")


class Host:
    def __init__(self, home, server, authority):
        self.home, self.server, self.authority = home, server, authority
        self.env = {**ENV, "HOME": str(home), "PATH": f"{pathlib.Path(BIN).parent}:{os.environ['PATH']}"}
        self.n = 0
        self.mails = {}  # of each archive's folder, the SHA-256 of all that it must hold
        self.sheets = {}

    # --- commands ---

    def typed(self, command):
        """What the administrator types when a command reads what he types."""
        if ">key-password" in command:
            return KEY_PASSWORD + "\n"
        return self.server.password + "\n" if re.search(r">\w+-password", command) else ""

    def run(self, command):
        print("$", command, flush=True)
        state = self.home / "environment"
        script = f"{command}\nstatus=$?; env -0 >{state}; exit $status"
        status, said = (self.at_terminal if asks(command) else self.piped)(script, self.typed(command))
        print(said, flush=True)
        assert status == 0, f"status {status}"
        assert "Sanitizer" not in said and "runtime error" not in said
        assert "warning" not in said or "restore" not in command
        self.env = dict(line.split("=", 1) for line in state.read_text().split("\0") if line)
        self.ship()

    def piped(self, script, typed):
        done = subprocess.run(["bash", "-c", script], cwd=self.home, env=self.env, input=typed.encode(),
                              capture_output=True, timeout=TIMEOUT_S, check=False)
        return done.returncode, done.stdout.decode() + done.stderr.decode()

    def at_terminal(self, script, _):
        """The password is asked for twice."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.home)
            os.execve("/bin/bash", ["bash", "-c", script], self.env)
        said = b""
        while chunk := self.shown(terminal):
            said += chunk
            if said.endswith(b": "):
                os.write(terminal, (PERSON_PASSWORD + "\n").encode())
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said.decode()

    @staticmethod
    def shown(terminal):
        if not select.select([terminal], [], [], TIMEOUT_S)[0]:
            raise TimeoutError("the command waits for something")
        try:
            return os.read(terminal, 4096)
        except OSError as e:  # its end is EIO, see pty(7)
            if e.errno != errno.EIO:
                raise
            return b""

    def ship(self):
        """As the service does all the time."""
        archive = self.archive()
        if (archive.path / "catalog.db").exists():
            subprocess.run([BIN + "-shipper", "--archive", archive.path, "--once"], env=ENV, check=True,
                           capture_output=True, timeout=TIMEOUT_S)

    def archive(self):
        return Archive(self.env["SEALPOST_ARCHIVE"])

    # --- what happens meanwhile ---

    def step(self, name):
        print("--", name, flush=True)
        getattr(self, "do_" + re.sub(r"\W+", "_", name))()

    def do_mail_arrives(self, archive=None):
        archive = archive or self.archive()
        folder = self.home / "incoming"
        folder.mkdir()
        for _ in range(20):
            self.n += 1
            letter = mail(subject=f"letter {self.n}", msgid=f"<{self.n}@example.org>", body=f"word{self.n}\n" * 500)
            (folder / f"{self.n}.eml").write_bytes(letter)
            self.mails.setdefault(str(archive.path), []).append(sha256(letter))
        archive.run("import", folder, talks=True)
        shutil.rmtree(folder)

    def do_the_key_s_password_is_chosen(self):
        (self.home / "key-password").write_text(KEY_PASSWORD + "\n")

    def do_medium_2_is_copied_to_the_share_moved_(self):
        shell("cp -a /srv/mail/sealpost-* /srv/moved/")

    def do_there_is_a_timestamping_authority(self):
        shutil.copy(self.authority.ca_file, self.home / "tsa-ca.pem")

    def do_somebody_comes_from_another_source(self):
        (self.home / "person-password").write_text(PERSON_PASSWORD + "\n")
        self.archive().run("user", "add", "anna.becker", "--password-file", self.home / "person-password")
        (self.home / "person-password").unlink()

    def do_three_requests_are_made(self):
        """The third will be granted."""
        archive = self.archive()
        for mail_id in archive.find("letter")[:3]:
            archive.run("request", "add", mail_id)
        self.mails[str(archive.path)].remove(sha256(archive.raw(mail_id)))

    def do_a_night_passes(self):
        """All jobs that come daily are due, and the scheduler finds that out."""
        archive = self.archive()
        yesterday = int(time.time()) - 2 * DAY_S
        (archive.path / "timetable.state").write_text(f"{yesterday} {yesterday}\n")
        subprocess.run([BIN + "-scheduler", "--archive", archive.path, "--once"], env=self.env, check=True,
                       capture_output=True, timeout=TIMEOUT_S)
        last = {job["job"]: job["last"] for job in archive.json("job", "list")}
        for name in ("backup-full", "erase-index", "erase-media", "statistics"):
            assert last[name]["result"] == "done" and not last[name]["by_hand"], (name, last[name])
        assert last["stamp"]["result"] == "done"
        self.ship()

    def do_a_pack_is_damaged(self):
        pack = max(pathlib.Path("/srv/mail/second").rglob("*.pack"))
        data = bytearray(pack.read_bytes())
        data[len(data) // 2] ^= 1
        pack.write_bytes(data)

    def do_the_machine_is_lost(self):
        """All but the sheet, which is in a drawer."""
        self.sheets[self.env["SEALPOST_ARCHIVE"]] = (self.home / "key.txt").read_text()
        shutil.rmtree(self.env["SEALPOST_ARCHIVE"])
        for f in self.home.glob("*-password"):
            f.unlink()
        (self.home / "key.txt").unlink()

    def do_the_sheet_is_typed(self):
        lines = re.findall(r"^ *[1-5]: .*$", self.sheets[self.env["SEALPOST_ARCHIVE"]], re.M)
        assert len(lines) == 5
        (self.home / "key.txt").write_text("\n".join(lines) + "\n")

    def do_every_mail_is_there(self):
        archive = self.archive()
        assert archive.all_sums() == sorted(self.mails[str(archive.path)])

    def do_there_is_a_mirror_again(self):
        """And its password is in its file."""
        self.archive().run("backup", "mirror", "--to", "smb://mirror.example.org/mirror",
                           *self.server.login(), talks=True)
        shutil.copy(self.server.password_file, self.home / "mirror-password")

    def do_a_new_archive_with_a_mirror(self):
        shutil.rmtree(self.env["SEALPOST_ARCHIVE"])
        shell("rm -rf /srv/*/*")
        archive = self.archive().init()
        self.mails[str(archive.path)] = []
        archive.run("medium", "add", "smb://nas.example.org/mail", *self.server.login(), "--active")
        archive.run("medium", "deactivate", "1")
        self.do_mail_arrives()
        self.do_there_is_a_mirror_again()

    def do_the_share_of_medium_2_is_lost(self):
        shell("rm -rf /srv/mail/*")

    def do_there_is_a_trial(self):
        self.do_mail_arrives(self.archive_at("trial").init())

    def do_the_trial_s_machine_is_gone(self):
        trial = self.archive_at("trial")
        shutil.rmtree(trial.path)
        self.mails["/var/lib/sealpost/production"] = self.mails[str(trial.path)]

    def archive_at(self, name):
        return Archive(self.home / name)


def main(home):
    make_host(home)
    with file_server(home) as server, timestamping_authority(home) as authority:
        conf = (server.path / "smb.conf").read_text().splitlines()
        text = GUIDE.read_text(encoding="utf-8")
        for line in re.search(r"^```ini\n(.*?)^```", text, re.S | re.M)[1].splitlines():
            assert line in conf, line
        host = Host(home, server, authority)
        for step, command in re.findall(r"^ *<!-- test: (.*) -->$|^(?: {3})? {4}(\S.*)$", text, re.M):
            if step:
                host.step(step)
            else:
                host.run(command)
    print("the whole guide was run")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
