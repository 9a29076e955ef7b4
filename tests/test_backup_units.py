"""The nightly backup as it stands in config/: its lines are run, only with other folders."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from robotq.testing.daemon import Daemon

CONFIG = Path(__file__).parents[1] / "config"


def run(unit: str, folder: Path) -> subprocess.CompletedProcess[str]:
    text = (CONFIG / unit).read_text(encoding="utf-8")
    (line,) = re.findall(r"^ExecStart=/bin/sh -c '(.*)'$", text, re.MULTILINE)
    line = line.replace("%%", "%").replace("/opt/robotq/bin/robotq", f"{sys.executable} -m robotq")
    line = line.replace("/var/lib/robotq-backups", str(folder / "backups"))
    line = line.replace("/var/lib/robotq", str(folder / "data"))
    return subprocess.run(["/bin/sh", "-c", line], check=False, capture_output=True, text=True)


@pytest.mark.slow
def test_backup__is_made_every_night_and_missed_where_it_is_not(
    tmp_path: Path, robotq_daemon: Daemon
) -> None:
    (tmp_path / "backups").mkdir()
    # the daemon works meanwhile
    (tmp_path / "data").symlink_to(robotq_daemon.data)
    # before the first one
    before = run("robotq-backup-age.service", tmp_path)
    assert (before.returncode, "older than 26 hours" in before.stdout) == (1, True)
    made = run("robotq-backup.service", tmp_path)
    assert made.returncode == 0, made.stderr
    (file,) = (tmp_path / "backups").iterdir()
    assert re.fullmatch(r"robotq-[1-7]\.tar", file.name)
    assert file.stat().st_mode & 0o077 == 0
    assert run("robotq-backup-age.service", tmp_path).returncode == 0
    # nobody has made one since the day before yesterday
    old = time.time() - 27 * 3_600
    os.utime(file, (old, old))
    assert run("robotq-backup-age.service", tmp_path).returncode == 1


def test_units__name_each_other() -> None:
    """A timer starts the service of its name, and both services tell the same alarm."""
    for name in ("robotq-backup", "robotq-backup-age"):
        service = (CONFIG / f"{name}.service").read_text(encoding="utf-8")
        assert (CONFIG / f"{name}.timer").exists()
        assert "OnFailure=robotq-alarm@%n.service" in service
    assert "StateDirectory=robotq robotq-backups" in (CONFIG / "robotq-backup.service").read_text()
    assert (CONFIG / "robotq-alarm@.service").exists()
