# SPDX-License-Identifier: GPL-3.0-or-later
"""appliance - what Sealpost takes of a small machine's memory: all of it in one group that the kernel bounds.

The group has LIMIT for everything, the kernel's cache of its files included; the archive is served the while. Where the system
lets nobody make such a group the figures are taken all the same, and the limit is not held against them.
"""
import base64
import collections
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import smtplib
import subprocess
import sys
import threading
import time
import urllib.parse

from ground import ROOT, SEALPOST, fresh, path, say

os.environ["SEALPOST_BIN"] = SEALPOST
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))
from ports import free_port  # noqa: E402 (their folder had to be named first)
from sealpost import ENV, mail as letter  # noqa: E402

MB = 1 << 20
LIMIT = 512 * MB  # of the 1 GB; the rest is the system's and the mail server's
WORKERS = 2
BIG, TEXT = 110 * MB, 50 * MB  # a mail's attachment; text in one
SEARCHERS, SEARCH_S, DOWNLOADERS = 8, 10, 4
SAMPLE_S = 0.1
GROUPS = ("/sys/fs/cgroup/memory", "/sys/fs/cgroup")
CONF = """listen = smtp 127.0.0.1:{port}
archive_domain = archive.example
user =
reserve_bytes = 0
max_mail_bytes = 256M
"""
JOBS = ("index", "notes", "stamp-many", "fetch", "erase-index", "erase-media", "backup-full", "backup", "statistics", "stamp")


class Group:
    """A control group (v1 or v2) of the kernel, with a limit on memory."""

    def __init__(self):
        self.path = self.peak_file = None
        for top in map(pathlib.Path, GROUPS):
            folder = top / f"sealpost-bench-{os.getpid()}"
            with contextlib.suppress(OSError):
                folder.mkdir()
                if self.bound(folder):
                    self.path = folder
                    return
                folder.rmdir()

    def bound(self, folder):
        for limit, peak in (("memory.max", "memory.peak"), ("memory.limit_in_bytes", "memory.max_usage_in_bytes")):
            if (folder / limit).exists():
                (folder / limit).write_text(str(LIMIT))
                self.peak_file = peak
                return True
        return False

    def join(self):
        """By a process that is about to become one of ours."""
        if self.path is not None:
            (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def killed(self):
        """Whom the kernel killed since it was too much."""
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                rows = dict(line.split() for line in (self.path / name).read_text().splitlines())
                return int(rows.get("oom_kill", 0))
        return 0

    def end(self):
        if self.path is not None:
            self.path.rmdir()


def descendants(pid):
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            found += map(int, pathlib.Path(f"/proc/{one}/task/{one}/children").read_text().split())
    return found


def private_bytes(pid):
    """What it holds that is no file's cache, by name; shared pages by their share."""
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    rows = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in rollup.splitlines()[1:]}
    command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    name = os.path.basename(command[0].decode())
    return name, rows["Pss"]


class Watcher(threading.Thread):
    """Samples memory of all that descends from its processes: the most of all together, and of each program's largest process."""

    def __init__(self):
        super().__init__(daemon=True)
        self.roots, self.most, self.each = set(), 0, collections.Counter()
        self.ended = threading.Event()
        self.lock = threading.Lock()

    def run(self):
        while not self.ended.wait(SAMPLE_S):
            self.sample()

    def sample(self):
        total = 0
        with self.lock:
            for pid in {pid for root in self.roots for pid in descendants(root)}:
                with contextlib.suppress(OSError, IndexError, KeyError):
                    name, size = private_bytes(pid)
                    total += size
                    self.each[name] = max(self.each[name], size)
            self.most = max(self.most, total)

    def take(self):
        """The peaks since the last time."""
        with self.lock:
            most, each = self.most, self.each
            self.most, self.each = 0, collections.Counter()
        return most, each


class Appliance:
    def __init__(self):
        self.archive = pathlib.Path(fresh("appliance")) / "archive"
        self.group, self.watcher = Group(), Watcher()
        self.smtp, self.http = free_port(), free_port()
        self.service = None

    def start(self, *command, **more):
        child = subprocess.Popen(command, env=ENV, stdin=subprocess.DEVNULL, preexec_fn=self.group.join, **more)
        self.watcher.roots.add(child.pid)
        return child

    def run(self, *words, ok=(0,)):
        child = self.start(SEALPOST, "--archive", str(self.archive), *map(str, words), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
        out, err = child.communicate()
        self.watcher.roots.discard(child.pid)
        if child.returncode not in ok:
            raise SystemExit(f"bench: sealpost {' '.join(map(str, words))}: {child.returncode}\n{err.decode()}")
        return out.decode()

    def __enter__(self):
        self.run("init")
        (self.archive / "smtpd.conf").write_text(CONF.format(port=self.smtp))
        (self.archive / "api.conf").write_text(f"listen = 127.0.0.1:{self.http}\nuser =\nworkers = {WORKERS}\n")
        (self.archive / "timetable.conf").write_text("".join(f"pause_{job} = yes\n" for job in JOBS))
        self.watcher.start()
        self.service = self.start(SEALPOST, "--archive", str(self.archive), "serve", stdout=subprocess.DEVNULL,
                                  stderr=(self.archive.parent / "log").open("wb"))
        return self

    def __exit__(self, *_):
        self.watcher.ended.set()
        self.service.terminate()
        self.service.wait()
        self.watcher.join()
        self.group.end()
        shutil.rmtree(self.archive.parent)

    def mails(self):
        return json.loads(self.run("--json", "status"))["mails"]

    def spool(self):
        return sum(len(list((self.archive / "spool" / state).iterdir())) for state in ("ready", "stuck", "pending"))


# --- what is done -------------------------------------------------------------------------------

def send(appliance, data):
    for _ in range(300):
        with contextlib.suppress(OSError):
            with smtplib.SMTP("127.0.0.1", appliance.smtp, local_hostname="client.test", timeout=600) as client:
                client.sendmail("anna@example.org", ["x@archive.example"], data)
            break
        time.sleep(0.1)
    while appliance.spool() > 0:
        time.sleep(0.1)


def with_attachment(name, kind, body):
    head = letter(subject=name, msgid=f"<{name}@x>", body="").split(b"Content-Type")[0]
    return b"".join((head, b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\n'
                     b"Some text.\n--b\nContent-Type: ", kind, b'; name="a"\nContent-Transfer-Encoding: base64\n\n',
                     base64.encodebytes(body), b"--b--\n")).replace(b"\n", b"\r\n")


def send_large(appliance):
    send(appliance, with_attachment("large", b"application/octet-stream", os.urandom(BIG)))


def send_text(appliance):
    words = " ".join(f"wort{n}" for n in range(200000)).encode()
    send(appliance, with_attachment("text", b"text/plain; charset=utf-8", (words * (TEXT // len(words) + 1))[:TEXT]))


def search(appliance, token, ended):
    words = ("projekt", "rechnung", "angebot vertrag", "from:anna", "proj*", '"mit freundlichen"', "has:attachment")
    connection = http.client.HTTPConnection("127.0.0.1", appliance.http, timeout=60)
    for turn in range(1 << 30):
        if time.monotonic() > ended:
            break
        query = urllib.parse.quote(words[turn % len(words)])
        connection.request("GET", f"/archive/api/v1/mails?q={query}&limit=200", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"bench: a search was answered with {answer.status}")
    connection.close()


def search_much(appliance):
    password = appliance.archive.parent / "password"
    password.write_text("correct horse battery\n")
    appliance.run("user", "password", "auditor", "--password-file", password)
    token = appliance.token = appliance.run("user", "token", "auditor", "--for", "search,read", "--days", 1).strip()
    ended = time.monotonic() + SEARCH_S
    threads = [threading.Thread(target=search, args=(appliance, token, ended)) for _ in range(SEARCHERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def fetch(appliance, mail_id, answered):
    connection = http.client.HTTPConnection("127.0.0.1", appliance.http, timeout=60)
    connection.request("GET", f"/archive/api/v1/mails/{mail_id}/original", headers={"Authorization": f"Bearer {appliance.token}"})
    answer = connection.getresponse()
    answer.read()
    answered.append(answer.status)
    connection.close()


def download_much(appliance):
    """One of them gets the mail at once, the others are told to try again."""
    found = json.loads(appliance.run("--json", "search", "subject:large larger:100M"))["id"]
    answered = []
    threads = [threading.Thread(target=fetch, args=(appliance, found, answered)) for _ in range(DOWNLOADERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if 200 not in answered or set(answered) - {200, 429}:
        raise SystemExit(f"bench: downloads were answered with {answered}")


def drill(appliance):
    appliance.run("backup", "full")
    appliance.run("restore", "--drill")


def export(appliance):
    appliance.run("export", "--all", "--format", "zip", "--to", appliance.archive.parent / "out")
    shutil.rmtree(appliance.archive.parent / "out", ignore_errors=True)


def bench_appliance(rows, mail):
    say("an appliance with 1 GB")
    group = "On an appliance with 1 GB"
    works = (
        (f"import of {mail.count:,} mails", lambda a: a.run("import", mail.folder)),
        ("a mail of 150 MB by SMTP", send_large),
        ("a mail with 50 MB of text in an attachment", send_text),
        (f"{SEARCHERS} people who search", search_much),
        (f"{DOWNLOADERS} people who download that of 150 MB", download_much),
        ("export of all mails", export),
        ("verify --all", lambda a: a.run("verify", "--all")),
        ("backup and restore drill", drill),
        ("index rebuild", lambda a: a.run("index", "rebuild")),
    )
    with Appliance() as appliance:
        limited = appliance.group.path is not None
        time.sleep(3)
        rest, daemons = appliance.watcher.take()
        rows.add(group, "all daemons, at rest", rest / 1e6, "MB", most=100)
        peaks = collections.Counter()
        for name, work in works:
            work(appliance)
            most, each = appliance.watcher.take()
            rows.add(group, f"all processes: {name}", most / 1e6, "MB", most=LIMIT / 1e6)
            say(f"{name}: {most / 1e6:.0f} MB; " + ", ".join(f"{n} {s / 1e6:.0f}" for n, s in each.most_common(6)))
            for one, size in each.items():
                peaks[one] = max(peaks[one], size)
        for one, size in sorted(peaks.items()):
            rows.add(group, f"largest process of {one}", size / 1e6, "MB", note=f"at rest {daemons[one] / 1e6:.0f}" if daemons[one] else "")
        rows.add(group, "processes that the kernel had to kill", appliance.group.killed() if limited else None, "", most=0,
                 note=f"limit {LIMIT // MB} MiB, with the cache of files" if limited else "no group could be made: not limited")
