# SPDX-License-Identifier: GPL-3.0-or-later
import shutil
import subprocess

from sealpost import BIN_FAST, DATA, ENV, ROOT


def test_the_demo_runs_twice_and_finds_its_mail_known_the_second_time(folder):
    (folder / "tests" / "system").mkdir(parents=True)
    (folder / "build").mkdir()
    shutil.copy(ROOT / "tests" / "system" / "demo.sh", folder / "tests" / "system")
    (folder / "tests" / "data").symlink_to(DATA)
    (folder / "build" / "web").mkdir()
    (folder / "build" / "web" / "index.html").write_text("<!doctype html><title>The page</title>")
    for program in ("", "-api", "-archiver", "-login", "-shipper", "-scheduler", "-smtpd"):
        shutil.copy(f"{BIN_FAST}{program}", folder / "build" / f"sealpost{program}")
    for told in ("49 archived", "49 duplicate"):
        done = subprocess.run([folder / "tests" / "system" / "demo.sh"], env=ENV, check=False,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert told in done.stdout
        assert done.stdout.count("Greetings by SMTP") == 1, done.stdout
        assert "is at your service" in done.stdout
        assert "/archive/\n" in done.stdout and "dataofficer" in done.stdout
