# SPDX-License-Identifier: GPL-3.0-or-later
"""ground - what the sections of a measurement share: where things are, how programs run, the rows."""
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORK = os.environ.get("SEALPOST_BENCH_DIR") or os.path.join(ROOT, "build", "bench")
SEALPOST = os.environ.get("SEALPOST_BIN") or os.path.join(ROOT, "build", "sealpost")
BENCH = os.path.join(ROOT, "build", "opt", "tests", "bench")

Done = collections.namedtuple("Done", "wall cpu memory out")


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def path(*names):
    return os.path.join(WORK, *names)


def fresh(*names):
    """An empty folder."""
    folder = path(*names)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def files_below(top):
    for folder, _, names in os.walk(top):
        for name in names:
            yield os.path.join(folder, name)


def measure(command, ok=(0,), env=None):
    """Run to the end: wall and CPU seconds, peak memory, standard output."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                 env={**os.environ, **(env or {})})
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode not in ok:
            sys.stderr.write(err.read().decode("utf-8", "replace"))
            sys.exit(f"bench: {' '.join(command)} ended with status {child.returncode}")
        return Done(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024,
                    out.read().decode("utf-8", "replace"))


def last_json(done):
    return json.loads(done.out.strip().splitlines()[-1])


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


class Rows:
    """The figures: each belongs to a group and may have a target, at most or at least so much."""

    def __init__(self):
        self.rows = []

    def add(self, group, name, value, unit, most=None, least=None, note=""):
        row = {"group": group, "name": name, "value": value, "unit": unit, "note": note}
        if value is not None and most is not None:
            row.update(target=most, bound="most", met=value <= most)
        elif value is not None and least is not None:
            row.update(target=least, bound="least", met=value >= least)
        self.rows.append(row)
