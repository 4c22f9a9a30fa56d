# SPDX-License-Identifier: GPL-3.0-or-later
"""sealpost - an archive as an administrator sees it: through the command line, and nothing else."""
import collections
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
CORPUS = pathlib.Path(os.environ.get("SEALPOST_CORPUS", ROOT / ".." / "shared" / "corpus"))
BIN = os.environ.get("SEALPOST_BIN", str(ROOT / "build" / "san" / "sealpost"))
BIN_FAST = os.environ.get("SEALPOST_BIN_FAST", str(ROOT / "build" / "sealpost"))
# The rules of the time zone are written out, since a small system may not know its name.
ENV = {**os.environ, "TZ": "CET-1CEST,M3.5.0,M10.5.0/3", "LC_ALL": "C.UTF-8"}
TIMEOUT_S = 120
VERSION = (ROOT / "package/debian/changelog").read_text("utf-8").split("(")[1].split(")")[0]

DONE, FAILED, USAGE, REFUSED = 0, 1, 2, 3

Ran = collections.namedtuple("Ran", "out err")


def mail(subject="A subject", sender="anna@example.org", to="otto@example.org", msgid=None,
         date="Mon, 05 Feb 2024 10:00:00 +0100", body="Some text.\n", extra=""):
    """A plain mail; what is None is left out."""
    fields = (("From", sender), ("To", to), ("Subject", subject), ("Date", date),
              ("Message-ID", msgid))
    head = "".join(f"{name}: {value}\n" for name, value in fields if value is not None)
    text = f"{head}{extra}Content-Type: text/plain; charset=utf-8\n\n{body}"
    return text.encode()


def mbox(mails):
    return b"".join(b"From a@example.org Mon Feb  5 10:00:00 2024\n" + m + b"\n" for m in mails)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def files_below(path):
    """What lies in a folder, with every byte of it."""
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


class Archive:
    def __init__(self, path, binary=BIN):
        self.path = pathlib.Path(path)
        self.binary = binary

    def command(self, *args):
        return [self.binary, "--archive", str(self.path), *map(str, args)]

    def run(self, *args, status=DONE, says="", stdin=b"", talks=False):
        """Run one command. If it is done, it has nothing to say on standard error but SAYS, unless it
        TALKS."""
        done = subprocess.run(self.command(*args), env=ENV, input=stdin, capture_output=True,
                              timeout=TIMEOUT_S, check=False)
        err = done.stderr.decode("utf-8")
        assert done.returncode == status, f"{args}: status {done.returncode}\n{err}"
        assert says in err, f"{args}: {err}"
        assert says or talks or status or not err, f"{args}: {err}"
        assert "Sanitizer" not in err and "runtime error" not in err, err
        return Ran(done.stdout, err)

    def text(self, *args, **more):
        return self.run(*args, **more).out.decode("utf-8")

    def json(self, *args, **more):
        """The lines of an answer in JSON."""
        return [json.loads(line) for line in self.text("--json", *args, **more).splitlines()]

    def init(self, *args):
        self.run("init", *args)
        return self

    def take(self, *paths, status=DONE, says=""):
        """Import, and give the report."""
        return self.json("import", *paths, status=status, says=says)[-1]

    def status(self):
        return self.json("status")[0]

    def find(self, *query):
        """The ids of the mails a query finds."""
        return [m["id"] for m in self.json("search", "--limit", 1000000, "--", *query)]

    def one(self, *query):
        found = self.find(*query)
        assert len(found) == 1, f"{query}: {len(found)} found"
        return found[0]

    def count(self, *query):
        return int(self.text("search", "--count", "--", *query))

    def raw(self, mail_id):
        return self.run("show", mail_id, "--raw").out

    def all_sums(self):
        """SHA-256 of every mail, as the archive gives them back."""
        with tempfile.TemporaryDirectory() as folder:
            self.run("export", "--all", "--to", f"{folder}/out")
            return sorted(sha256(f.read_bytes()) for f in pathlib.Path(folder).rglob("*.eml"))

    def packs(self):
        return {f: f.stat().st_size for f in self.path.rglob("*.pack")}


def report(read, archived=0, duplicate=0, ignored=0, failed=0):
    return {"read": read, "archived": archived, "duplicate": duplicate, "ignored": ignored,
            "failed": failed}
