# SPDX-License-Identifier: GPL-3.0-or-later
"""shares - an archive whose active medium is a share, and people who write mails to it."""
import base64
import random
import subprocess

from postfix import wait_until
from sealpost import ENV, TIMEOUT_S
from serve import Service, send

ON_SHARE = 2  # medium 1 is the archive's own folder


def put_on_share(archive, server, share="share", folder="", pack_bytes="1M"):
    """Give the archive, which is new, a share for its active medium."""
    (archive.path / "sealpost.conf").write_text(f"pack_bytes = {pack_bytes}\n")
    archive.run("medium", "add", server.url(share, folder), *server.login(), "--active")
    return archive


def ship(archive, status=0):
    """Everything that can go to the share is there; what the shipper had to say."""
    done = subprocess.run([archive.binary + "-shipper", "--archive", archive.path, "--once"], env=ENV,
                          capture_output=True, timeout=TIMEOUT_S, check=False)
    said = done.stderr.decode()
    assert done.returncode == status and "Sanitizer" not in said and "runtime error" not in said, said
    return said


def medium(archive, number=ON_SHARE):
    return next(row for row in archive.json("medium", "list") if row["medium"] == number)


def staged_packs(archive):
    """The packs in staging: their names on the medium, and where they lie."""
    staging = archive.path / "staging" / str(ON_SHARE)
    return {str(f.relative_to(staging)): f for f in staging.rglob("*.pack")}


def packs_on(folder):
    """The packs on a medium, for whoever looks at the server's own disk."""
    return {str(f.relative_to(folder)).split("/", 1)[1]: f for f in folder.glob("sealpost-*/packs/**/*.pack")}


LETTER = """From: anna@example.org
To: otto@example.org
Subject: letter {n}
Date: Mon, 05 Feb 2024 10:00:00 +0100
Message-ID: <{n}@letters.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=between

--between
Content-Type: text/plain

everyword word{n}
--between
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64

{data}--between--
"""


def letter(n, size=2000):
    """One that takes about SIZE bytes in a pack; found by its own word, and by "everyword"."""
    data = base64.encodebytes(random.Random(n).randbytes(size)).decode()
    return LETTER.format(n=n, data=data).replace("\n", "\r\n").encode()


class Office:
    """An archive on a share, its service, and all mails that it acknowledged."""

    def __init__(self, archive, server, **more):
        self.archive, self.server = put_on_share(archive, server, **more), server
        self.service = Service(archive)
        self.sent = {}  # n: mail

    def __enter__(self):
        self.service.__enter__()
        return self

    def __exit__(self, *why):
        return self.service.__exit__(*why)

    def write(self, count=1, size=2000):
        """Send mails, which are taken at once; their numbers."""
        numbers = range(len(self.sent), len(self.sent) + count)
        with self.service.client() as client:
            for n in numbers:
                raw = letter(n, size)
                send(client, raw)
                self.sent[n] = raw
        return list(numbers)

    def fill(self, size, mail_bytes=150000):
        """Mails of SIZE bytes in all."""
        return self.write(-(-size // mail_bytes), mail_bytes)

    def said(self):
        return self.service.said()[-4000:]

    def wait(self, what):
        return wait_until(what, self.said)

    def wait_archived(self):
        self.wait(lambda: self.archive.count("everyword") == len(self.sent))

    def must_read(self, numbers):
        for n in numbers:
            assert self.archive.raw(self.archive.one(f"word{n}")) == self.sent[n], n

    def wait_shipped(self):
        """Nothing waits for the share, and it is known to answer."""
        self.wait_archived()

        def is_shipped():
            row = medium(self.archive)
            return row["answers"] and row["waiting_packs"] == 0
        self.wait(is_shipped)

    def wait_says(self, *words):
        """`medium list` tells what is wrong with the share, in these words."""
        def says():
            row = medium(self.archive)
            return row["answers"] is False and all(word in row["trouble"] for word in words)
        try:
            self.wait(says)
        except AssertionError as e:
            raise AssertionError(medium(self.archive)) from e

    def fill_share(self):
        """Mails of some packs: the first of them are on the share alone then. One batch of the archiver makes one pack,
        however large."""
        numbers = []
        for _ in range(3):
            numbers += self.fill(3 << 19)
            self.wait_archived()
        self.wait(lambda: len(staged_packs(self.archive)) <= 1)
        return numbers
