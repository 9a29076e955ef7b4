"""The drivers of this package keep the contract that those of others are asked to keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.drivers import jsonline, simulator
from robotq.drivers.base import Driver
from robotq.drivers.simulator.driver import SimulatorDriver
from robotq.model.task import Command
from robotq.system.clocks import ScaledClock
from robotq.testing.driver_contract import DriverBench, DriverContract, driver_setup
from robotq.testing.settle_contract import SettleContract
from tests.drivers.jsonline.machine import QUICK, Machine

_SCALE = 0.05
"""A robot that drives from one end of the lab to the other takes three seconds."""
_FAR = Command(cmd_type="SCAN_QRCODE")
_NEAR = Command(cmd_type="ROBOT_ACTION", params={"action_type": "NOD"})
_QUERY = Command(cmd_type="GET_BATTERY_STATE")


def _pause(driver: Driver) -> None:
    """Somebody presses the button at the simulated robot."""
    assert isinstance(driver, SimulatorDriver)
    driver._body.controls.hold("reason.held_at_robot")


class TestSimulator(DriverContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[DriverBench]:
        setup, links = driver_setup(tmp_path, {}, clock=ScaledClock(_SCALE))
        driver = simulator.create(setup)
        log = tmp_path / "simulator" / "motions.jsonl"
        yield DriverBench(
            driver=driver,
            links=links,
            quick=_NEAR,
            long=_FAR,
            query=_QUERY,
            pause=lambda: _pause(driver),
            go_on=driver.resume,
            motions=lambda: log.read_text().count("\n"),
        )
        driver.close()


class TestJsonline(DriverContract, SettleContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[DriverBench]:
        device = Machine(tmp_path, scale=_SCALE)
        setup, links = driver_setup(tmp_path, {"port": device.wire.pattern, **QUICK})
        driver = jsonline.create(setup)

        yield DriverBench(
            driver=driver,
            links=links,
            quick=_NEAR,
            long=_FAR,
            query=_QUERY,
            pause=lambda: _pause(device._driver),
            go_on=device._driver.resume,
            break_link=device.off_and_away,
            again=lambda: jsonline.create(setup),
            mend_link=device.back,
            motions=lambda: len(device.motions()),
        )
        driver.close()
        device.close()
