"""A driver that runs against a recording, without the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotq.drivers import jsonline
from robotq.drivers.base import LinkLost
from robotq.model.task import Command
from robotq.testing.driver_contract import RecordingContext, driver_setup
from tests.drivers.jsonline.machine import Machine

_DRIVE = Command(cmd_type="NAVIGATION", params={"area": "BOX_AREA_1"})


def test_replay__of_a_whole_command(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    device = Machine(tmp_path)
    setup, _ = driver_setup(tmp_path, {"port": device.wire.pattern, "record": str(path)})
    driver = jsonline.create(setup)
    driver.connect()
    recorded = RecordingContext()
    result = driver.execute(_DRIVE, recorded)
    driver.close()
    device.close()

    setup, _ = driver_setup(tmp_path, {"replay": str(path)})
    driver = jsonline.create(setup)
    driver.connect()
    replayed = RecordingContext()
    assert driver.execute(_DRIVE, replayed) == result
    assert replayed.steps == recorded.steps
    assert replayed.places == recorded.places
    driver.close()


def test_replay__of_another_command__breaks_the_link(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    device = Machine(tmp_path)
    setup, _ = driver_setup(tmp_path, {"port": device.wire.pattern, "record": str(path)})
    driver = jsonline.create(setup)
    driver.connect()
    driver.execute(_DRIVE, RecordingContext())
    driver.close()
    device.close()

    setup, links = driver_setup(tmp_path, {"replay": str(path)})
    driver = jsonline.create(setup)
    driver.connect()
    with pytest.raises(LinkLost, match="the recording has"):
        driver.execute(Command(cmd_type="NAVIGATION"), RecordingContext())
    assert links
    driver.close()
