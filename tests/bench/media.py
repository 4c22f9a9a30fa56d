# SPDX-License-Identifier: GPL-3.0-or-later
"""media - what a share, backups, the mirror and a restore cost.

A section of the measurement that `run` makes. The file server is the Samba of the system tests, on this machine: encrypted,
and with `sync always`, as docs/ADMIN.md wants it. It shares the processors with the archive.
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from ground import BENCH, ROOT, SEALPOST, fresh, last_json, measure, path, say

# The tests' own programs are these, too, and not those with sanitizers.
os.environ["SEALPOST_BIN"] = SEALPOST
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))
from samba import Samba  # noqa: E402 (its folder had to be named first)

RUNS = 3
READ = 5000  # mails read in process
CATALOG, CATALOG_QUICK = 1000000, 20000  # mails of the catalog that is backed up
ON_SHARE = 2  # medium 1 is the archive's own folder


class Place:
    """A file server, and new archives beside it."""

    def __init__(self):
        # a share's owner must get through to it, which he may not to where the measurement works
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="sealpost-bench-"))
        self.server = Samba(self.top / "samba")
        self.made = 0

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *_):
        self.server.__exit__()
        shutil.rmtree(self.top)

    def run(self, archive, *words, **more):
        return measure([SEALPOST, "--archive", archive, "--json", *map(str, words)], **more)

    def archive(self, on_share):
        self.made += 1
        archive = path("media", str(self.made))
        self.run(archive, "init")
        if on_share:
            self.run(archive, "medium", "add", self.server.url(folder=f"archive-{self.made}"),
                     *self.server.login(), "--active")
        return archive

    def waiting(self, archive):
        """Bytes that wait for the share."""
        media = [json.loads(line) for line in self.run(archive, "medium", "list").out.splitlines()]
        return next(m["waiting_bytes"] for m in media if m["medium"] == ON_SHARE)

    def ship(self, archive):
        return measure([SEALPOST + "-shipper", "--archive", archive, "--once"])


def runs_of(values, digits=0):
    return "runs: " + ", ".join(f"{value:,.{digits}f}" for value in values)


# --- a medium on a share ----------------------------------------------------------------------

def import_once(place, mail, on_share):
    """The archive, and mails a second: until all are archived, which is when the report comes; and until all are at their
    medium, which is when the command ends."""
    archive = place.archive(on_share)
    begun = time.monotonic()
    with subprocess.Popen([SEALPOST, "--archive", archive, "--json", "import", mail.folder], text=True,
                          stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            report, archived = line, time.monotonic() - begun
    whole = time.monotonic() - begun
    assert process.returncode == 0 and json.loads(report)["archived"] == mail.count, report
    return archive, mail.count / archived, mail.count / whole


def bench_import(rows, place, mail, turns):
    """One of each in turn, so that both meet the same machine."""
    group = "A medium on a share"
    local, shared, whole = [], [], []
    for turn in range(turns):
        say(f"import onto a local medium and onto a share, run {turn + 1} of {turns}")
        archive, rate, _ = import_once(place, mail, False)
        local.append(rate)
        shutil.rmtree(archive)
        archive, *rates = import_once(place, mail, True)
        shared.append(rates[0])
        whole.append(rates[1])
        if turn + 1 < turns:
            shutil.rmtree(archive)
    median = statistics.median(local)
    rows.add(group, "import, of the local medium's rate", statistics.median(shared) / median, "", least=0.85,
             note=f"share {runs_of(shared)}; local {runs_of(local)} mails/s")
    rows.add(group, "import, until all is on the share", statistics.median(whole) / median, "",
             note=f"{runs_of(whole)} mails/s; the server's work included")
    return archive


def ship_once(place, mail):
    """MB a second, of what waited when the server was back: carried, read back, compared, told to the catalog. CPU
    seconds for a GB, without the server's."""
    archive = place.archive(True)
    with place.server.down():
        place.run(archive, "import", mail.folder)
        waited = place.waiting(archive)
    done = place.ship(archive)
    assert place.waiting(archive) == 0
    shutil.rmtree(archive)
    return waited / 1e6 / done.wall, done.cpu / (waited / 1e9)


def bench_shipping(rows, place, mail, turns):
    say("shipping what waited while the server was away")
    rates, cpu = zip(*(ship_once(place, mail) for _ in range(turns)))
    rows.add("A medium on a share", "shipping packs of 64 MiB", statistics.median(rates), "MB/s",
             least=150, note=f"{runs_of(rates)}; carried, read back and compared; CPU s for 1 GB: "
                             f"{statistics.median(cpu):.1f}, and the server's")


def bench_reading(rows, place, archive):
    say("mails at random from the share")
    place.ship(archive)
    assert place.waiting(archive) == 0
    read = json.loads(measure([f"{BENCH}/bench_archive", "read", archive, str(READ),
                               os.path.dirname(SEALPOST)]).out)["read"]
    rows.add("A medium on a share", "one mail, in process, median", read["p50_ms"], "ms", most=10,
             note=f"p95 {read['p95_ms']:.2f}, p99 {read['p99_ms']:.2f}")


# --- mirror and restore -----------------------------------------------------------------------

def mirror_once(place, archive, to):
    done = place.run(archive, "backup", "mirror", "--to", to, *place.server.login())
    return last_json(done), done.wall


def bench_mirror(rows, place, archive, turns):
    say("the mirror, from share to share")
    place.run(archive, "backup", "full")
    place.ship(archive)
    rates = []
    for turn in range(turns):
        to = place.server.url(folder=f"mirror-{turn}")
        report, wall = mirror_once(place, archive, to)
        rates.append(report["bytes"] / 1e6 / wall)
    again = mirror_once(place, archive, to)[1]
    rows.add("Mirror and restore", "mirror, from share to share", statistics.median(rates), "MB/s",
             note=f"{runs_of(rates)}; each file verified on arrival; with nothing new {again:.2f} s")
    return to


def bench_restore(rows, place, archive, mirror, mail, turns):
    """From the mirror and the printed key, until mails are read and found."""
    password, printed = place.top / "key-password", place.top / "key.txt"
    password.write_text("correct horse battery\n")
    printed.write_text(place.run(archive, "key", "export", "--password-file", password).out)
    walls = []
    for _ in range(turns):
        say("restore from the mirror")
        to = path("media", "restored")
        shutil.rmtree(to, ignore_errors=True)
        done = place.run(to, "restore", "--key-backup", printed, "--key-password-file", password,
                         "--from", mirror, *place.server.login())
        report = last_json(done)
        assert report["mails"] == mail.count and not report["lost"], report
        walls.append(done.wall)
    rows.add("Mirror and restore", f"restore of {mail.count:,} mails", statistics.median(walls), "s",
             note=f"{runs_of(walls, 1)}; index included")


# --- backups of a large catalog ---------------------------------------------------------------

def bench_backup(rows, mails, aims):
    """AIMS: the targets are those of the whole catalog."""
    say(f"backups of a catalog of {mails:,} mails")
    group = f"Backups of a catalog of {mails:,} mails"
    folder = fresh("backup")
    done = measure([f"{BENCH}/bench_backup", os.path.join(folder, "archive"), str(mails)])
    told = json.loads(done.out)
    shutil.rmtree(folder)

    def most(target):
        return target if aims else None

    for name, text in (("incremental_new", "1,000 new mails"), ("incremental_changed", "1,000 changed mails")):
        run = told[name]
        rows.add(group, f"incremental, {text}", run["s"], "s", most=most(5))
        rows.add(group, f"incremental, {text}, size", run["bytes"] / 1e6, "MB", most=most(20),
                 note=f"{run['pages']:,} pages")
    rows.add(group, "full", told["full"]["s"], "s", note=f"{told['full']['bytes'] / 1e6:,.0f} MB of a catalog "
                                                         f"of {told['catalog_bytes'] / 1e6:,.0f} MB")
    held = max(told[f"incremental_at_work{again}"]["held_ms"] for again in ("", "_again"))
    rows.add(group, "writers held by an incremental one, longest", held, "ms", most=most(250),
             note="while mails are archived")
    full, incremental, without = (told[f"at_work_{how}"]["worst_ms"]
                                  for how in ("full", "incremental", "without_backup"))
    rows.add(group, "longest batch while it is made", incremental, "ms", most=most(250),
             note=f"full {full:.0f}; without a backup {without:.0f}")


def bench_media(rows, mail, quick):
    turns = 1 if quick else RUNS
    if os.geteuid() != 0 or not shutil.which("smbd", path="/usr/sbin"):
        say("Samba is not there, or this is not root: media on shares are not measured")
    else:
        fresh("media")
        with Place() as place:
            archive = bench_import(rows, place, mail, turns)
            bench_shipping(rows, place, mail, turns)
            bench_reading(rows, place, archive)
            mirror = bench_mirror(rows, place, archive, turns)
            bench_restore(rows, place, archive, mirror, mail, turns)
        shutil.rmtree(path("media"))
    bench_backup(rows, CATALOG_QUICK if quick else CATALOG, not quick)
