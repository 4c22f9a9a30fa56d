# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 of any process that writes, while mail travels to a share: each mail is archived and shipped once, and nothing
is left behind."""
import collections
import contextlib
import os
import random
import signal
import subprocess
import threading
import time

import samba
from postfix import wait_until
from sealpost import DONE, ENV, TIMEOUT_S, sha256
from serve import Service, children, name
from shares import letter, medium, packs_on, put_on_share, ship, staged_packs
from test_kills import Load

KILLS = int(os.environ.get("SEALPOST_SMB_KILLS", "200"))
MAILS_A_KILL = 6
MAILS_AN_IMPORT = 10
DAEMONS = {"sealpost-archiver", "sealpost-shipper", "sealpost-smtpd"}
WRITERS = {"sealpost-archiver", "sealpost-shipper", "sealpost-smb", "sealpost"}  # the last are import and erase

# What a command says when it is in another's way, or lost its helper: it is to be given again.
LATER = ("Another program is at work there", "The place does not answer now", "sealpost-smb")


def size_of(n):
    return random.Random(n).randrange(100, 60000)


class Letters(Load):
    """Three clients that send mails, which fill packs."""

    def letter(self, n):
        return letter(n, size_of(n))


class Administrator:
    """Somebody who imports folders and deletes mails for good, each command until it is done."""

    def __init__(self, archive, folder):
        self.archive, self.folder = archive, folder
        self.running = {}  # verb: its process
        self.imported, self.deleted = {}, {}  # n: SHA-256 of the mail
        self.wrong = []  # commands that failed for another reason than being killed
        self.ended = False
        self.threads = []
        self.orders = {step: threading.Semaphore(0) for step in (self.import_folder, self.delete_one)}

    def __enter__(self):
        for step, orders in self.orders.items():
            self.threads.append(threading.Thread(target=self.work, args=(step, orders)))
            self.threads[-1].start()
        return self

    def __exit__(self, *_):
        """What was begun is done to its end."""
        self.ended = True
        for orders in self.orders.values():
            orders.release()
        for thread in self.threads:
            thread.join()

    def order(self):
        """Another folder to import, another mail to delete."""
        for orders in self.orders.values():
            orders.release()

    def work(self, step, orders):
        while True:
            orders.acquire()
            if self.ended:
                return
            try:
                step()
            except AssertionError as e:
                self.wrong.append(e)

    def until_done(self, *args):
        end = time.monotonic() + TIMEOUT_S
        while True:
            with subprocess.Popen(self.archive.command(*args), env=ENV, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE) as process:
                self.running[args[0]] = process
                said = process.communicate(timeout=TIMEOUT_S)[1].decode()
            if process.returncode == DONE:
                return
            if process.returncode != -signal.SIGKILL and not any(words in said for words in LATER):
                self.wrong.append((args, process.returncode, said))
                return
            if time.monotonic() > end:
                self.wrong.append((args, "it never ends", said))
                return
            time.sleep(0.02)

    def import_folder(self):
        first = 100000 + len(self.imported)
        box = self.folder / f"box{first}"
        box.mkdir()
        for n in range(first, first + MAILS_AN_IMPORT):
            (box / f"{n}.eml").write_bytes(letter(n, size_of(n)))
        self.until_done("import", box)
        self.imported.update((n, sha256(letter(n, size_of(n)))) for n in range(first, first + MAILS_AN_IMPORT))

    def delete_one(self):
        """The oldest that was imported; the newest is left in peace, as it may be at work."""
        n = 100000 + len(self.deleted)
        if n not in self.imported:
            return
        wait_until(lambda: self.archive.count(f"word{n}"))  # another process may be at the index
        self.until_done("delete", self.archive.one(f"word{n}"))
        self.until_done("erase", "index")
        self.until_done("erase", "media")
        self.deleted[n] = self.imported[n]


def below(pid):
    return [pid] + [grandchild for child in children(pid) for grandchild in below(child)]


def writers(service, administrator):
    """All that may be killed, by program."""
    roots = [service.process.pid, *(p.pid for p in administrator.running.values() if p.returncode is None)]
    found = collections.defaultdict(list)
    for root in roots:
        for pid in below(root):
            if (program := name(pid)) in WRITERS and pid != service.process.pid:
                found[program].append(pid)
    return found


def is_whole(service):
    return DAEMONS <= {name(pid) for pid in children(service.process.pid)}


def test_every_mail_reaches_the_share_once_whatever_is_killed(fast, folder):
    dice = random.Random(5)
    killed, helpers = collections.Counter(), set()
    with samba.running(folder) as server:
        put_on_share(fast, server)
        with Service(fast) as service:
            with Letters(service) as load, Administrator(fast, folder) as administrator:
                for _ in range(KILLS):
                    load.budget.release(MAILS_A_KILL)
                    administrator.order()
                    wait_until(lambda: is_whole(service), service.said)
                    time.sleep(dice.uniform(0, 0.6))  # any moment; who dies at once each time is let wait by the service
                    found = writers(service, administrator)
                    helpers.update(found["sealpost-smb"])
                    program = dice.choice([program for program in sorted(found) if found[program]])
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(dice.choice(found[program]), signal.SIGKILL)
                    killed[program] += 1
            wait_until(lambda: not medium(fast)["waiting_bytes"], service.said)
        fast.run("erase", "index", talks=True)
        fast.run("erase", "media", talks=True)
        ship(fast)
        print(dict(killed), f"{len(load.acknowledged)} sent, {len(administrator.imported)} imported, "
              f"{len(administrator.deleted)} erased")
        assert not administrator.wrong
        must_be_perfect(fast, server, load, administrator)
        fast.run("rebuild", talks=True)
        must_be_perfect(fast, server, load, administrator)
    assert not [pid for pid in helpers if name(pid) == "sealpost-smb"]


def must_be_perfect(archive, server, load, administrator):
    """Each mail once; staging is empty; on the share there is what the catalog knows, and nothing else."""
    expected = [*load.acknowledged.values(), *administrator.imported.values()]
    for gone in administrator.deleted.values():
        expected.remove(gone)
    assert archive.all_sums() == sorted(expected)
    archive.run("verify", "--all")
    assert not staged_packs(archive) and not list((archive.path / "staging").rglob("*.p*"))
    assert medium(archive)["packs"] == len(packs_on(server.folder()))
    strays = [path for path in server.folder().rglob("*") if path.is_file()
              and path.name != "medium.json" and path not in packs_on(server.folder()).values()]
    assert not strays
