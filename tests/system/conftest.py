# SPDX-License-Identifier: GPL-3.0-or-later
import pathlib
import shutil
import tempfile

import pytest
from sealpost import BIN_FAST, DATA, Archive


@pytest.fixture
def folder():
    """A folder of the test's own, gone when it ends."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sealpost-test-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def archive(folder):
    return Archive(folder / "archive").init()


@pytest.fixture
def fast(folder):
    """An archive in the hands of the optimised program, for what is much."""
    return Archive(folder / "fast", BIN_FAST).init()


@pytest.fixture
def filled(archive):
    """An archive with the sample mails."""
    archive.take(DATA / "mail")
    return archive


@pytest.fixture
def password(folder):
    path = folder / "password"
    path.write_text("correct horse battery\n")
    return path
