# SPDX-License-Identifier: GPL-3.0-or-later
"""intake - how fast mail comes in: by SMTP and LMTP, behind Postfix, fetched from a Dovecot.

A section of the measurement that `run` makes. The daemons, Postfix and Dovecot are those of the system tests.
Whoever sends shares the processors with whoever takes.
"""
import contextlib
import itertools
import json
import os
import pathlib
import shutil
import smtplib
import socket
import statistics
import sys
import tempfile
import time

from ground import BENCH, ROOT, SEALPOST, files_below, fresh, measure, path, percentile, say

# The tests' own programs are these, too, and not those with sanitizers.
os.environ["SEALPOST_BIN"] = SEALPOST
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))
import dovecot  # noqa: E402 (their folder had to be named first)
import postfix  # noqa: E402
from ports import free_port  # noqa: E402
from sealpost import Archive, mail as letter  # noqa: E402

MAILS = 6000  # of the standard set, in each run
RUNS = 3
IDLE = 500
AT_REST = 50
ARCHIVED_TARGETS = {1: 600, 4: 900, 16: 1200}
P99_MS = 50

HOOK_ROUNDS, HOOK_MAILS = 7, 400
HOOK_BYTES = 2000

FETCHED, FETCHED_BYTES = 5000, 20000

CONF = """listen = smtp 127.0.0.1:{port}
listen = lmtp unix:{socket}
user =
hostname = mx.example
archive_domain = archive.example
max_connections = {connections}
max_connections_per_client = {connections}
"""
RECIPIENT = "x@archive.example"


# --- doors and load ---------------------------------------------------------------------------

class Doors:
    """A new archive with some of its daemons: smtpd, archiver."""

    numbers = itertools.count(1)

    def __init__(self, *names):
        folder = pathlib.Path(fresh("intake", str(next(self.numbers))))
        self.archive = Archive(folder / "archive", SEALPOST).init()
        self.port = free_port()
        self.socket = folder / "lmtp.sock"
        (self.archive.path / "smtpd.conf").write_text(CONF.format(
            port=self.port, socket=self.socket, connections=IDLE + 100))
        self.doors = {name: postfix.Door(self.archive, name,
                                         [self.socket] if name == "smtpd" else [])
                      for name in names}
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with self.stack:
            for door in self.doors.values():
                self.stack.enter_context(door)
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def load(self, protocol, mail, count, connections):
        way = (["--lmtp", f"unix:{self.socket}"] if protocol == "LMTP"
               else [f"127.0.0.1:{self.port}"])
        return load(*way, os.path.join(mail.folder, "cur"), RECIPIENT, mails=count,
                    connections=connections)

    def processes(self, name):
        """A daemon and its workers."""
        pid = self.doors[name].process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def cpu(self, name):
        """User and system seconds so far, with those of workers that have left."""
        total = 0
        for pid in self.processes(name):
            with contextlib.suppress(FileNotFoundError):
                text = pathlib.Path(f"/proc/{pid}/stat").read_text()
                total += sum(map(int, text.rsplit(")", 1)[1].split()[11:15]))
        return total / os.sysconf("SC_CLK_TCK")

    def memory(self, name):
        """Bytes, where what processes share counts once (PSS)."""
        total = 0
        for pid in self.processes(name):
            with contextlib.suppress(FileNotFoundError):
                for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1]) * 1024
        return total

    def wait_for(self, count):
        """Until the catalog has so many mails, and the index all of them."""
        ready = self.archive.path / "spool" / "ready"
        postfix.wait_until(lambda: not any(ready.iterdir()), self.archive.status)

        def is_searchable():
            status = self.archive.status()
            return status["mails"] == count and status["indexed"] == count

        postfix.wait_until(is_searchable, self.archive.status)


def load(*words, **options):
    """What smtp_load tells."""
    command = [f"{BENCH}/smtp_load"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    return json.loads(measure(command + list(words)).out)


def median(runs, name):
    return statistics.median(run[name] for run in runs)


def listed(runs, name="mails_s"):
    return "runs: " + ", ".join(f"{run[name]:,.0f}" for run in runs)


def told(connections):
    return f"{connections} connection" + ("s" if connections > 1 else "")


# --- accepted and durable ---------------------------------------------------------------------

def accept_once(protocol, mail, count, connections):
    with Doors("smtpd") as doors:
        run = doors.load(protocol, mail, count, connections)
        run["cpu"] = doors.cpu("smtpd") / count * 1000
    return run


def bench_accepted(rows, mail, count, turns):
    group = "Intake: accepted and durable"
    for protocol in ("SMTP", "LMTP"):
        for connections in (1, 4, 16):
            say(f"{protocol}, {told(connections)}")
            runs = [accept_once(protocol, mail, count, connections) for _ in range(turns)]
            rows.add(group, f"{protocol}, {told(connections)}", median(runs, "mails_s"),
                     "mails/s", least=1500 if connections == 16 else None,
                     note=f"{listed(runs)}; CPU s for 1,000: {median(runs, 'cpu'):.2f}")
            rows.add(group, f"{protocol}, {told(connections)}, p99", median(runs, "p99_ms"), "ms",
                     most=P99_MS if connections == 16 else None,
                     note=f"p50 {median(runs, 'p50_ms'):.1f}, p95 {median(runs, 'p95_ms'):.1f}, "
                          f"longest {median(runs, 'max_ms'):.0f}")


def bench_idle(rows, mail, count):
    """Silent connections, each of which has been greeted, and has a worker of its own."""
    say(f"SMTP beside {IDLE} idle connections")
    group = f"Intake: beside {IDLE} idle connections"
    with Doors("smtpd") as doors, contextlib.ExitStack() as stack:
        for _ in range(IDLE):
            idle = stack.enter_context(socket.create_connection(("127.0.0.1", doors.port)))
            assert idle.recv(4) == b"220 "
        memory = doors.memory("smtpd")
        run = doors.load("SMTP", mail, count, 16)
    rows.add(group, "SMTP, 16 connections", run["mails_s"], "mails/s", least=1500)
    rows.add(group, "SMTP, 16 connections, p99", run["p99_ms"], "ms", most=P99_MS,
             note=f"p50 {run['p50_ms']:.1f}")
    rows.add(group, "memory of the SMTP daemon (PSS)", memory / 1e6, "MB",
             note=f"{memory / IDLE / 1e3:.0f} kB a connection")


# --- archived and searchable ------------------------------------------------------------------

def archive_once(mail, count, connections):
    with Doors("smtpd", "archiver") as doors:
        run = doors.load("SMTP", mail, count, connections)
        begun = time.monotonic()
        doors.wait_for(count)
        run["all_s"] = count / (run["seconds"] + time.monotonic() - begun)
        run["cpu"] = doors.cpu("smtpd") / count * 1000
        run["archiver_cpu"] = doors.cpu("archiver") / count * 1000
    return run


def bench_archived(rows, mail, count, turns):
    group = "Intake: archived and searchable"
    for connections in (1, 4, 16):
        say(f"SMTP until the last mail is found, {told(connections)}")
        runs = [archive_once(mail, count, connections) for _ in range(turns)]
        rows.add(group, f"SMTP, {told(connections)}", median(runs, "all_s"), "mails/s",
                 least=ARCHIVED_TARGETS[connections],
                 note=f"{listed(runs, 'all_s')}; accepted {median(runs, 'mails_s'):,.0f}/s, p99 "
                      f"{median(runs, 'p99_ms'):.0f} ms; CPU s for 1,000: smtpd "
                      f"{median(runs, 'cpu'):.2f}, archiver {median(runs, 'archiver_cpu'):.2f}")


def time_to_find(archive, client, number):
    word = f"wort{number:06d}"
    data = letter(subject=f"at rest {word}", msgid=f"<{word}@example.org>")
    client.sendmail("anna@example.org", [RECIPIENT], data.replace(b"\n", b"\r\n"))
    begun = time.monotonic()
    postfix.wait_until(lambda: archive.count(word) == 1)
    return time.monotonic() - begun


def bench_at_rest(rows):
    say("from 250 to found, at rest")
    with Doors("smtpd", "archiver") as doors, smtplib.SMTP("127.0.0.1", doors.port) as client:
        times = [time_to_find(doors.archive, client, number) for number in range(AT_REST)]
    rows.add("Intake: archived and searchable", "from 250 to found, at rest, longest", max(times),
             "s", most=2, note=f"of {AT_REST}; p50 {percentile(times, 0.5):.3f}, "
                               "the search command included")


# --- behind Postfix ---------------------------------------------------------------------------

# Mail for users vanishes, so that only the way of the mail up to there is measured.
HOOK_SETTINGS = """
sealpost_other_milters =
default_transport = discard:
"""
WITHOUT_HOOK = """
{port} inet n - y - - smtpd
    -o receive_override_options=no_milters,no_address_mappings
"""


def add_plain_port(server):
    """One at which the same Postfix takes mail without the hook."""
    port = free_port()
    with open(server.etc / "master.cf", "a", encoding="utf-8") as file:
        file.write(WITHOUT_HOOK.format(port=port))
    server.run(postfix.POSTFIX, "reload")

    def listens():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    postfix.wait_until(listens, server.log)
    return port


def hook_round(server, port, folder, clients):
    """Milliseconds a mail for those who send: all of the time, divided by the number of mails."""
    run = load(f"127.0.0.1:{port}", folder, "x@relay.test", mails=HOOK_MAILS, connections=clients)
    postfix.wait_until(lambda: not server.has_work(), server.log)
    return run["seconds"] * 1000 / HOOK_MAILS


def bench_hook(rows):
    if os.geteuid() != 0 or not shutil.which("postfix", path="/usr/sbin"):
        say("Postfix is not there, or this is not root: the hook is not measured")
        return
    group = f"Intake: the hook in Postfix, {HOOK_BYTES / 1000:.0f} kB a mail"
    folder = fresh("hook")
    with open(os.path.join(folder, "mail.eml"), "wb") as file:
        text = letter(body="Some text.\n" * (HOOK_BYTES // 11), msgid="<hook@example.org>")
        file.write(text[:HOOK_BYTES])
    with postfix.running("milters", HOOK_SETTINGS) as system:
        server = system.postfix
        plain_port = add_plain_port(server)
        for clients in (4, 1):
            say(f"the hook in Postfix, {clients} clients")
            plain, hooked = [], []
            for _ in range(HOOK_ROUNDS + 1):
                plain.append(hook_round(server, plain_port, folder, clients))
                hooked.append(hook_round(server, server.port, folder, clients))
            # the first round starts Postfix's processes
            cost = statistics.median(h - p for p, h in zip(plain[1:], hooked[1:]))
            rows.add(group, f"cost of a mail, {clients} client" + ("s" if clients > 1 else ""),
                     cost, "ms", most=2,
                     note=f"without {statistics.median(plain[1:]):.2f}, with "
                          f"{statistics.median(hooked[1:]):.2f}")
    shutil.rmtree(folder)


# --- fetched ----------------------------------------------------------------------------------

def near(mail, size, count):
    """The mails whose size comes nearest to this one."""
    names = sorted(files_below(mail.folder), key=lambda name: abs(os.path.getsize(name) - size))
    return [pathlib.Path(name).read_bytes() for name in sorted(names[:count])]


def fetch_once(mails):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sealpost-bench-"))
    try:
        archive = Archive(folder / "archive", SEALPOST).init()
        (folder / "password").write_text(dovecot.PASSWORD + "\n")
        with dovecot.running(folder) as server, postfix.Door(archive, "archiver", []):
            server.deliver(mails)
            server.client().select("INBOX")  # which makes Dovecot's own index
            archive.run("fetch", "add", "anna", "--imap", f"localhost:{server.imaps}", "--tls",
                        "implicit", "--user", dovecot.USER, "--password-file",
                        folder / "password", "--ca", server.ca)
            begun = time.monotonic()
            report = archive.json("fetch", "run", "anna")
            wall = time.monotonic() - begun
        whole = next(line for line in report if "sums_fit" in line)
        assert whole["archived"] == len(mails) and whole["sums_fit"], whole
        return {"mails_s": len(mails) / wall}
    finally:
        shutil.rmtree(folder)


def bench_fetch(rows, mail, turns):
    if os.geteuid() != 0 or not shutil.which("dovecot", path="/usr/sbin"):
        say("Dovecot is not there, or this is not root: fetching is not measured")
        return
    mails = near(mail, FETCHED_BYTES, min(FETCHED, mail.count // 4))
    say(f"{len(mails)} mails from a Dovecot")
    runs = [fetch_once(mails) for _ in range(turns)]
    rows.add("Intake: fetched from a Dovecot over TLS", "until archived", median(runs, "mails_s"),
             "mails/s", least=1500,
             note=f"{listed(runs)}; {len(mails):,} mails of "
                  f"{statistics.mean(map(len, mails)) / 1000:.0f} kB")


def bench_intake(rows, mail, quick):
    """All archives stay to the end: where a file system has much to forget, it is slow to make new files."""
    count, turns = (min(MAILS, mail.count), 1 if quick else RUNS)
    bench_accepted(rows, mail, count, turns)
    bench_idle(rows, mail, count)
    bench_archived(rows, mail, count, turns)
    bench_at_rest(rows)
    bench_hook(rows)
    bench_fetch(rows, mail, turns)
    shutil.rmtree(path("intake"))
