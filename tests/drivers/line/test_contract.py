"""A line device keeps the promises of every driver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from robotq.drivers import line
from robotq.model.task import Command
from robotq.testing.driver_contract import DriverBench, DriverContract, driver_setup
from tests.drivers.line.pump import OPTIONS, Pump
from tests.drivers.line.wire import Wire


class TestLine(DriverContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[DriverBench]:
        pump = Pump()
        wire = Wire(pump)
        setup, links = driver_setup(tmp_path, {"port": wire.url, **OPTIONS})
        driver = line.create(setup)
        yield DriverBench(
            driver=driver,
            links=links,
            quick=Command(cmd_type="PUMP", params={"volume_ml": 0.5}),
            long=Command(cmd_type="PUMP", params={"volume_ml": 600}),
            query=Command(cmd_type="VOLUME"),
            break_link=wire.unplug,
            mend_link=wire.plug_in,
            # what it has begun it goes on with, without a link too
            motions=lambda: pump.moves,
        )
        driver.close()
        wire.close()
