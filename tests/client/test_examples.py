"""The example programs do what they say, as processes, at a real daemon."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from robotq.client import Client
from robotq.testing.daemon import Daemon
from robotq.testing.process import clean_environment

ROOT = Path(__file__).parents[2]
SCAN = ROOT / "commands" / "SCAN_QR_CODE_command.json"


def start(name: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / name), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment({"PYTHONUTF8": "1"}),
        text=True,
    )


@pytest.mark.parametrize("name", ["poll_task.py", "run_commands.py"])
def test_example__scans(name: str, robotq_daemon: Daemon) -> None:
    program = start(name, str(SCAN), "--url", robotq_daemon.url)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 0, err
    assert json.loads(out)["success"]
    assert len({motion["task_id"] for motion in robotq_daemon.motions()}) == 1


def test_example__shows_events_as_they_come(robotq_client: Client) -> None:
    task = robotq_client.run("NAVIGATION", {"area": "HOME"})
    program = start("watch_events.py", "--from-the-beginning", "--url", robotq_client.url)
    try:
        assert program.stdout is not None
        for line in program.stdout:
            if "task.completed" in line:
                assert task.task_id in line
                break
    finally:
        program.kill()
        program.communicate()
