# SPDX-License-Identifier: GPL-3.0-or-later
"""peek - what waits in an archive's spool, opened with the archive's key."""
import json
import os
import subprocess

from sealpost import ENV, ROOT, TIMEOUT_S

PEEK = os.environ.get("SEALPOST_PEEK", str(ROOT / "build" / "opt" / "tests" / "system" / "peek"))


def peek(archive, state="pending"):
    """The entries in this state, oldest first: what the envelope tells, and the bytes as "raw"."""
    done = subprocess.run([PEEK, str(archive.path), state], env=ENV, capture_output=True,
                          timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr.decode()
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    for entry in entries:
        entry["raw"] = entry["raw"].encode("latin-1")
    return entries
