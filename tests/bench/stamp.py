# SPDX-License-Identifier: GPL-3.0-or-later
"""stamp - what timestamps cost."""
import glob
import json
import os
import pathlib
import shutil
import statistics
import sys

from ground import BENCH, HERE, SEALPOST, fresh, last_json, measure, say

sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))
from tsa import Tsa  # noqa: E402, from the tests of the system

MAILS, MAILS_QUICK, RUNS = 100000, 20000, 3


def stamp_once(folder, authority, mails):
    """The run's report, and the bytes that the evidence takes in catalog and file, per mail."""
    archive = str(folder / "archive")

    def run(*words):
        return last_json(measure([SEALPOST, "--archive", archive, "--json", *words]))

    measure([SEALPOST, "--archive", archive, "init"])
    run("timestamp", "set", "--url", authority.url, "--ca", str(authority.ca_file))
    before = json.loads(measure([f"{BENCH}/bench_stamp", archive, str(mails)]).out)["catalog_bytes"]
    report = run("timestamp", "run")
    assert report["mails"] == mails, report
    after = json.loads(measure([f"{BENCH}/bench_stamp", archive, "0"]).out)["catalog_bytes"]
    file = sum(map(os.path.getsize, glob.glob(os.path.join(archive, "media", "1", "*", "evidence", "*"))))
    return report, (after - before) / mails, file / mails


def bench_stamp(rows, quick):
    mails = MAILS_QUICK if quick else MAILS
    say(f"a timestamp over {mails:,} mails")
    group = f"Timestamps, {mails:,} mails"
    walls, catalogs, files = [], [], []
    top = pathlib.Path(fresh("stamp"))
    with Tsa(top / "tsa") as authority:
        for turn in range(1 if quick else RUNS):
            (top / str(turn)).mkdir()
            report, catalog, file = stamp_once(top / str(turn), authority, mails)
            walls.append(report["own_ms"] / 1000)
            catalogs.append(catalog)
            files.append(file)
    shutil.rmtree(top)
    rows.add(group, "stamping them, without the authority's time", statistics.median(walls), "s", most=None if quick else 3,
             note="runs: " + ", ".join(f"{wall:.2f}" for wall in walls))
    rows.add(group, "evidence of a mail, file and growth of the catalog", statistics.median(files) + statistics.median(catalogs),
             "bytes", most=120, note=f"file {statistics.median(files):.1f}")
