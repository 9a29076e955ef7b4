"""Devices that answer a line: balances, heaters, stirrers, pumps, instruments. What they say is
written in YAML, see docs/drivers/line.md."""

from __future__ import annotations

from robotq.drivers.base import Driver, DriverSetup
from robotq.drivers.line.driver import LineDriver
from robotq.drivers.line.options import read_options


def create(setup: DriverSetup) -> Driver:
    """Raises ConfigError."""
    return LineDriver(setup, read_options(setup.robot, setup.options))
