"""Stations behind a PLC, over Modbus TCP or OPC UA: a handshake over nodes that stand in a table,
see docs/drivers/plc.md."""

from __future__ import annotations

from robotq.drivers.base import Driver, DriverSetup
from robotq.drivers.plc.driver import PlcDriver
from robotq.drivers.plc.options import read_options


def create(setup: DriverSetup) -> Driver:
    """Raises ConfigError."""
    return PlcDriver(setup, read_options(setup.robot, setup.options))
