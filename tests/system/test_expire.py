# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures of mail that was never delivered go, and none that the mail server may still deliver."""
import json
import os
import uuid

from milter_client import session
from sealpost import REFUSED
from test_archiver import waiting
from test_milter import MAIL, running

HOUR, DAY = 3600, 86400


def capture(milter, queue_id, role="capture"):
    """Captured just now: the entry's file."""
    folder = milter.archive.path / "spool" / "pending"
    before = set(folder.iterdir())
    with session(milter.socket(role)) as client:
        client.message(MAIL, queue_id=queue_id)
    (entry,) = set(folder.iterdir()) - before
    return entry


def age(entry, seconds):
    """As if it had been captured so long ago: that is in its id, and so in its name."""
    raw = uuid.UUID(entry.name).bytes
    ms = int.from_bytes(raw[:6], "big") - 1000 * seconds
    aged = entry.with_name(str(uuid.UUID(bytes=ms.to_bytes(6, "big") + raw[6:])))
    entry.rename(aged)
    for note in (entry.parents[1] / "queue").iterdir():
        said = os.readlink(note)
        if said.startswith(entry.name):
            note.unlink()
            note.symlink_to(said.replace(entry.name, aged.name))
    return aged


def postqueue(folder, *queue_ids, status=0):
    """A command that shows these in the queue, as Postfix does."""
    mails = [{"queue_name": "hold", "queue_id": queue_id, "sender": "anna@example.org",
              "recipients": [{"address": "ben@example.com"}]} for queue_id in queue_ids]
    lines = "".join(json.dumps(mail) + "\n" for mail in mails)
    (folder / "queue.json").write_text(lines)
    return f"cat '{folder}/queue.json'; exit {status}"


def expire(archive, command, **more):
    return archive.json("spool", "expire", "--postqueue", command, **more)[0]


def test_a_capture_goes_an_hour_after_the_mail_server_has_forgotten_its_mail(archive, folder):
    with running(archive) as milter:
        held = age(capture(milter, b"HELD"), 40 * DAY)
        rejected = age(capture(milter, b"REJECTED"), 2 * HOUR)
        fresh = capture(milter, b"FRESH")
    first = expire(archive, postqueue(folder, "OTHER", "HELD"))
    assert first == {"dropped": 1, "queue_asked": True}
    assert sorted(waiting(archive, "pending")) == sorted([held, fresh])
    assert not rejected.exists()
    assert expire(archive, postqueue(folder)) == {"dropped": 1, "queue_asked": True}
    assert waiting(archive, "pending") == [fresh]
    assert [n.name for n in (archive.path / "spool" / "queue").iterdir()] == ["FRESH"]


def test_what_a_filter_may_still_release_is_kept_for_as_long_as_is_set(archive, folder):
    with running(archive, "capture-filtered") as milter:
        entry = age(capture(milter, b"FILTERED", "capture-filtered"), 20 * DAY)
    assert expire(archive, postqueue(folder))["dropped"] == 0
    (archive.path / "sealpost.conf").write_text(f"pending_keep_filtered_s = {10 * DAY}\n")
    assert expire(archive, postqueue(folder))["dropped"] == 1
    assert not entry.exists()


def test_without_word_of_the_queue_nothing_goes_by_its_queue_id(archive, folder):
    nothing = {"dropped": 0, "queue_asked": False}
    assert expire(archive, "/nowhere/postqueue -j", talks=True) == nothing
    with running(archive) as milter:
        age(capture(milter, b"REJECTED"), 2 * HOUR)
    for command in ("/nowhere/postqueue -j", postqueue(folder, status=69), "echo it is down"):
        assert expire(archive, command, status=REFUSED, says="queue is not known") == nothing
    assert len(waiting(archive, "pending")) == 1
