"""Work without a server: robotq run, the self-test, and the demo."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from robotq.cli.host.selftest import GROUPS, sample
from robotq.config import packaged
from tests.cli.conftest import MAIN, ROOT, SCAN, Typed, environment, robotq


def test_run__a_file_that_completes_is_0_with_steps_table_and_report(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    done = robotq("run", SCAN, "--time-scale", "0", "--junit", report, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "✓ SCANNING" in done.stdout
    assert "SCAN_QRCODE done" in done.stdout
    (case,) = ET.parse(report).getroot().iter("testcase")
    assert case.find("failure") is None
    assert '"scanned_count": 3' in case.findtext("system-out", "")
    assert {path.name for path in tmp_path.iterdir()} == {"report.xml"}


def test_run__a_file_that_is_no_command_is_told_in_one_line(typed: Typed, tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_text("{")
    told = typed("run", SCAN, file)
    assert told.code == 2
    assert told.err.startswith(f"robotq: {file}: The body is not valid JSON")
    assert "SCANNING" not in told.out
    assert typed("run", tmp_path / "no.json").code == 2


@pytest.mark.long
def test_menu__mode_2_runs_the_sample_here() -> None:
    done = robotq(stdin="2\n\n", ROBOTQ_TIME_SCALE="0")
    assert done.returncode == 0, done.stderr
    assert "SCAN_QRCODE done" in done.stdout


@pytest.mark.long
def test_menu__mode_3_tries_every_sample() -> None:
    done = robotq(stdin="3\n")
    assert done.returncode == 0, done.stdout + done.stderr
    names = {path.name.removesuffix("_command.json") for path in packaged("commands").iterdir()}
    assert names == {name for group in GROUPS for name in group} | {"SCAN_QRCODE_ENTER_ID"}
    types = [json.loads(sample(name).read_bytes())["cmd_type"] for name in names]
    assert all(f"✓  {cmd_type}" in done.stdout for cmd_type in types)


@pytest.mark.long
def test_demo__at_its_own_speed_it_shows_the_scan_and_its_result(tmp_path: Path) -> None:
    started = time.monotonic()
    done = robotq("demo", "--exit", "--port", "0", "--data", tmp_path)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 40
    assert "20 times faster" in done.stdout
    start = done.stdout.index("{", done.stdout.index("Result:"))
    assert json.loads(done.stdout[start:])["scanned_count"] == 3
    assert (tmp_path / "robotq.db").exists()


@pytest.mark.slow
def test_demo__shows_the_scan_and_serves_on_until_ctrl_c(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, MAIN, "demo", "--port", "0", "--time-scale", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=environment(PYTHONUNBUFFERED="1", TMPDIR=str(tmp_path)),
    )
    assert process.stdout is not None
    shown = ""
    for line in process.stdout:
        shown += line
        if "Ctrl-C stops" in line and "curl" in shown:
            break
    assert "✓ PUTTING_DOWN" in shown
    assert '"scanned_count": 3' in shown
    started = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert time.monotonic() - started < 5
    assert list(tmp_path.iterdir()) == []
