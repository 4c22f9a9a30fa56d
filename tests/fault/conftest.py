# SPDX-License-Identifier: GPL-3.0-or-later
import os
import shutil
import tempfile

import pytest

from faults import Copies, Mailbox, new_archive


@pytest.fixture(scope="session", name="folder")
def _folder():
    """In memory where there is such a place: these tests sync thousands of times."""
    memory = "/dev/shm"
    path = tempfile.mkdtemp(prefix="sealpost-fault-",
                            dir=memory if os.access(memory, os.W_OK) else None)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session", name="mailbox")
def _mailbox(folder):
    """Of two batches and two packs."""
    return Mailbox(os.path.join(folder, "mailbox"), rich=60, tiny=540, attachment_bytes=24000)


@pytest.fixture(scope="session", name="small_mailbox")
def _small_mailbox(folder):
    return Mailbox(os.path.join(folder, "small"), rich=12, tiny=28, attachment_bytes=8000, seed=2)


@pytest.fixture(scope="session", name="empty")
def _empty(folder):
    """An archive to copy."""
    return new_archive(os.path.join(folder, "empty"))


@pytest.fixture(scope="session", name="copy")
def _copy(folder):
    return Copies(folder)
