# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in a browser: alone, before an archive of fixtures (tests/browser/*.test.mjs), and before the archive's own server."""
import contextlib
import pathlib
import shutil
import subprocess

import pytest
from http_api import Api
from postfix import wait_until
from sealpost import BIN_FAST, DATA, ENV, TIMEOUT_S, Archive
from test_api_setup import Fresh
from test_licence import Vendor

ROOT = pathlib.Path(__file__).parents[2]
WEB = ROOT / "build/web"
PASSWORD = "correct horse battery\n"
LIMIT_S = 900

pytestmark = [
    pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("npm"),
                       reason="left out: the page is tried in Debian's chromium, driven by node"),
    pytest.mark.skipif(not (WEB / "index.html").exists(), reason="left out: the page is not built; make web"),
]


def in_browser(script, **env):
    """A script of the page's package.json; what failed in it, and why, is what it says."""
    done = subprocess.run([ROOT / "package/web", script], env={**ENV, **env}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")


def test_the_page_before_an_archive_of_fixtures():
    in_browser("test")


def test_the_page_before_the_archive_s_own_server(folder):
    password = folder / "password"
    password.write_text(PASSWORD)
    archive = Archive(folder / "archive", BIN_FAST).init()
    archive.take(DATA / "mail")
    archive.run("request", "mode", "approval")
    for name in ("admin", "auditor", "dataofficer"):
        archive.run("user", "password", name, "--password-file", password)
    archive.run("user", "add", "anna", "--address", "anna.becker@example.org", "--full-name", "Anna Becker",
                "--password-file", password)
    with Api(archive, web=WEB) as api:
        in_browser("test-served", SEALPOST_URL=f"http://127.0.0.1:{api.port}/archive/",
                   SEALPOST_PASSWORD=PASSWORD.strip())


@contextlib.contextmanager
def archiving(archive):
    """What an archive that is made meanwhile takes in is archived."""
    with subprocess.Popen([f"{archive.binary}-archiver", "--archive", str(archive.path)], env=ENV, stdin=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as archiver:
        try:
            yield
        finally:
            archiver.terminate()
            archiver.wait(TIMEOUT_S)


def test_the_wizard_leads_from_an_empty_directory_to_a_mail_that_is_found(folder):
    (folder / "new").mkdir()
    with Fresh(Archive(folder / "new", BIN_FAST), web=WEB) as api:
        env = {**ENV, "SEALPOST_URL": f"http://127.0.0.1:{api.port}/archive/", "SEALPOST_PASSWORD": PASSWORD.strip(),
               "SEALPOST_SETUP": api.word}
        with subprocess.Popen([ROOT / "package/web", "test-wizard"], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as browser:
            wait_until(lambda: (folder / "new" / "catalog.db").exists() or browser.poll() is not None)
            wait_until(lambda: api.client().get("/setup").json["archive"] == "ready" or browser.poll() is not None)
            with archiving(api.archive):
                said = browser.communicate(timeout=LIMIT_S)[0].decode("utf-8", "replace")
        assert browser.returncode == 0, said


def test_the_page_when_a_licence_is_asked_for(folder, monkeypatch):
    monkeypatch.setitem(ENV, "SEALPOST_SETTINGS", str(folder / "etc"))
    vendor = Vendor(folder, folder / "etc")
    password = folder / "password"
    password.write_text(PASSWORD)
    archive = Archive(folder / "archive", BIN_FAST).init()
    for verb in (("password", "admin"), ("add", "anna", "--address", "anna@example.org")):
        archive.run("user", *verb, "--password-file", password)
    vendor.asks()
    archive.run("licence", "install", vendor.licence(folder / "old", customer="Old GmbH", until="2025-12-31"))
    with Api(archive, web=WEB) as api:
        in_browser("test-licence", SEALPOST_URL=f"http://127.0.0.1:{api.port}/archive/", SEALPOST_PASSWORD=PASSWORD.strip(),
                   SEALPOST_LICENCE=str(vendor.licence(folder / "licence")))
