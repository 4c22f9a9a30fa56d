# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fault tests share: mailboxes, archives, faults to order, and what must hold after them."""
import base64
import concurrent.futures
import json
import os
import random
import shutil
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEALPOST = os.environ.get("SEALPOST_BIN_FAST", os.path.join(ROOT, "build/opt/sealpost"))
PRELOAD = os.path.join(ROOT, "build/fault/preload.so")
ALL_CALLS = "rename,link,unlink,fsync,ftruncate,write"
TIMEOUT_S = 60


def run(archive, *args, env=None):
    return subprocess.run([SEALPOST, "--archive", archive, *args], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT_S,
                          env={**os.environ, **(env or {})}, check=False)


def must(archive, *args, env=None):
    """Run, and be content with nothing less than exit status 0."""
    done = run(archive, *args, env=env)
    assert done.returncode == 0, (args, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout.decode()


def json_lines(text):
    """The whole lines; a process that was killed may leave a last one unfinished."""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def fault(calls, at=0, do="kill", **files):
    env = {"LD_PRELOAD": PRELOAD, "FAULT_CALLS": calls, "FAULT_AT": str(at), "FAULT_DO": do}
    return {**env, **{f"FAULT_{name.upper()}": path for name, path in files.items()}}


def count_calls(folder, archive, calls, *args):
    """Carry out a command whole, on this archive, and count its calls."""
    path = os.path.join(folder, "count")
    must(archive, *args, env=fault(calls, count=path))
    with open(path, encoding="ascii") as f:
        return int(f.read())


class Mailbox:
    """Mails in files: small ones, some with attachments that they share, and duplicates."""

    def __init__(self, folder, rich, tiny, attachment_bytes, seed=1):
        self.paths = [os.path.join(folder, name) for name in ("rich", "tiny")]
        self.mails = set()  # the distinct ones
        self.n_files = 0
        dice = random.Random(seed)
        shared = [dice.randbytes(attachment_bytes) for _ in range(max(1, rich // 3))]
        for path in self.paths:
            os.makedirs(path)
        for i in range(rich):
            parts = [shared[i % len(shared)], dice.randbytes(attachment_bytes // 2)]
            self.add(self.paths[0], f"{i:04}.eml", self.mail(i, parts))
        for i in range(rich, rich + tiny):
            self.add(self.paths[1], f"{i:04}.eml", self.mail(i, []))
        for i in range(0, rich + tiny, 10):
            mail = self.mail(i, []) if i >= rich else None
            if mail is not None:
                self.add(self.paths[1], f"{i:04}.again.eml", mail)
        for i in range(rich, rich + tiny, 25):  # seen on another way: one mail, two sightings
            again = b"Received: from elsewhere\r\nTo: late@example.org\r\n" + self.mail(i, [])
            self.add(self.paths[1], f"{i:04}.late.eml", again, distinct=False)

    def mail(self, i, parts):
        text = (f"From: anna{i % 7}@example.org\r\nTo: ben{i % 5}@example.com\r\n"
                f"Subject: letter {i}\r\nMessage-ID: <{i}@example.org>\r\n"
                f"Date: Mon, 1 Jan 2024 {i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02} +0000\r\n")
        if not parts:
            return f"{text}\r\nword{i} everyword\r\n".encode()
        text += 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="=b"\r\n\r\n'
        text += f"--=b\r\n\r\nword{i} everyword\r\n"
        for n, part in enumerate(parts):
            text += (f"--=b\r\nContent-Type: application/octet-stream; name=file{n}.bin\r\n"
                     "Content-Transfer-Encoding: base64\r\n\r\n")
            lines = base64.b64encode(part).decode()
            text += "".join(f"{lines[at:at + 76]}\r\n" for at in range(0, len(lines), 76))
        return f"{text}--=b--\r\n".encode()

    def add(self, folder, name, mail, distinct=True):
        with open(os.path.join(folder, name), "wb") as f:
            f.write(mail)
        self.n_files += 1
        if distinct:
            self.mails.add(mail)


def new_archive(path):
    must(path, "init")
    with open(os.path.join(path, "sealpost.conf"), "w", encoding="ascii") as f:
        f.write("pack_bytes = 1M\n")
    return path


def exported(folder, archive):
    """All mails of the archive, by id."""
    to = tempfile.mkdtemp(dir=folder)
    must(archive, "export", "--all", "--format", "eml", "--to", os.path.join(to, "out"))
    mails = {}
    for name in os.listdir(os.path.join(to, "out")):
        if name.endswith(".eml"):
            with open(os.path.join(to, "out", name), "rb") as f:
                mails[name[:-4]] = f.read()
    shutil.rmtree(to)
    return mails


def must_be_clean(archive):
    done = run(archive, "--json", "verify", "--all")
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])


def must_hold(folder, archive, mailbox, reported):
    """What the archive owes after a fault: it opens by itself and is clean, has all that was
    reported, and a second run completes it with no duplicates. REPORTED: items with an id."""
    must_be_clean(archive)
    ids = {item["id"] for item in reported}
    before = exported(folder, archive)
    assert not ids - before.keys(), "reported as archived, and missing"
    assert not set(before.values()) - mailbox.mails, "a mail that never was"
    assert len(set(before.values())) == len(before), "a duplicate"
    for item in reported[:1] + reported[-1:]:
        done = run(archive, "show", item["id"], "--raw")
        assert done.returncode == 0 and done.stdout == before[item["id"]]
    assert int(must(archive, "search", "everyword", "--count")) == len(before)
    items = json_lines(must(archive, "--json", "import", *mailbox.paths))
    total = items.pop()
    assert total["failed"] == 0
    assert total["archived"] + total["duplicate"] == mailbox.n_files
    assert total["archived"] == len(mailbox.mails) - len(before)
    now = {item["place"]: item["id"] for item in items}
    for item in reported:
        assert now[item["place"]] == item["id"]
    must_be_clean(archive)
    after = exported(folder, archive)
    assert len(after) == len(mailbox.mails) and not mailbox.mails ^ set(after.values())
    for word in ("", "everyword"):
        assert int(must(archive, "search", word, "--count")) == len(mailbox.mails)


def some_of(n, most):
    """1 to N, evenly thinned out to about MOST."""
    return range(1, n + 1, max(1, -(-n // most)))


def check_all(check, cases):
    """check(case) for all cases, on all processors; names those that fail."""
    def told(case):
        try:
            check(case)
            return None
        except Exception as e:  # pylint: disable=broad-except
            return f"{case}: {type(e).__name__}: {str(e)[:3000]}"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failed = [text for text in pool.map(told, cases) if text]
    assert not failed, f"{len(failed)} of {len(cases)} failed\n" + "\n".join(failed[:5])


class Copies:
    """Short-lived copies of an archive, each for one case."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, archive):
        return Copy(self.folder, archive)


class Copy:
    def __init__(self, folder, archive):
        self.folder = folder
        self.archive = archive
        self.path = None

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="case-", dir=self.folder)
        copy = os.path.join(self.path, "archive")
        shutil.copytree(self.archive, copy)
        return copy

    def __exit__(self, *_):
        shutil.rmtree(self.path)
