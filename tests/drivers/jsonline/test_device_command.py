"""`robotq device`, as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from robotq.drivers import jsonline
from robotq.drivers.jsonline.device.params import MOST_LINES, too_long
from robotq.model.task import Command
from robotq.testing.driver_contract import RecordingContext, driver_setup

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.wall("the device is a process of its own")
def test_device__prints_its_port_and_serves_until_it_is_stopped(tmp_path: Path) -> None:
    link, data = tmp_path / "robot_a.port", tmp_path / "device"
    with subprocess.Popen(
        [sys.executable, ROOT / "main.py", "device", "--time-scale", "0", "--data", data,
         "--link", link],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().strip() == str(link.readlink())
        setup, _ = driver_setup(tmp_path, {"port": str(link)})
        driver = jsonline.create(setup)
        driver.connect()
        result = driver.execute(Command(cmd_type="SCAN_QRCODE"), RecordingContext())
        assert result["scanned_count"] == 3
        assert result["simulated"] is True
        driver.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert not link.is_symlink()
    log = (data / "simulator" / "motions.jsonl").read_text().splitlines()
    assert {json.loads(line)["task_id"] for line in log} == {"task_contract"}


def test_long_parameter__is_refused_where_it_has_more_lines_than_are_kept() -> None:
    def request(lines: object) -> dict[str, object]:
        return {"params": {"program": {"$lines": lines}}}

    assert too_long(request(MOST_LINES + 1))
    assert not too_long(request(MOST_LINES))
    assert not too_long(request("many"))
    assert not too_long({"params": [1]})
