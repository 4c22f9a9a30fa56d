# SPDX-License-Identifier: GPL-3.0-or-later
"""backup - what backups of a large catalog cost, and how long they hold up who archives.

A section of the measurement that `run` makes.
"""
import json
import shutil

from ground import BENCH, fresh, measure, say

MAILS, QUICK_MAILS, CHANGED = 1000000, 100000, 1000
MOST_S, MOST_MB, MOST_STALL_MS = 5, 20, 250


def add_incremental(rows, group, name, took):
    rows.add(group, f"incremental, {name}", took["s"], "s", most=MOST_S,
             note=f"{took['pages']:,} pages")
    rows.add(group, f"size of it, {name}", took["bytes"] / 1e6, "MB", most=MOST_MB)


def bench_backup(rows, quick):
    mails = QUICK_MAILS if quick else MAILS
    say(f"backups of a catalog of {mails:,} synthetic mails")
    group = f"Backups, {mails:,} synthetic mails"
    folder = fresh("backup")
    shutil.rmtree(folder)  # the program makes the archive
    took = json.loads(measure([f"{BENCH}/bench_backup", folder, str(mails)]).out)
    rows.add(group, "full", took["full"]["s"], "s",
             note=f"{took['full']['bytes'] / 1e6:,.0f} MB of {took['catalog_bytes'] / 1e6:,.0f}")
    add_incremental(rows, group, f"{CHANGED:,} new mails", took["incremental_new"])
    add_incremental(rows, group, f"{CHANGED:,} changed mails", took["incremental_changed"])
    without = took["at_work_without_backup"]["worst_ms"]
    for kind in ("full", "incremental"):
        work, held = took[f"at_work_{kind}"], took[f"{kind}_at_work"]["held_ms"]
        rows.add(group, f"longest batch beside it, {kind}", work["worst_ms"], "ms",
                 most=MOST_STALL_MS,
                 note=f"{without:.0f} without a backup; the catalog was held for {held} ms")
    rows.add(group, "the catalog's log behind a full one", took["log_bytes"] / 1e6, "MB",
             note=f"{took['at_work_full']['mails_per_s']:,.0f} mails/s were written meanwhile")
    shutil.rmtree(folder)
