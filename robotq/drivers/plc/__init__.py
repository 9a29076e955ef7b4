"""Stations behind a PLC, over Modbus TCP or RTU, OPC UA or S7: a handshake over nodes that stand
in a table, see docs/drivers/plc.md."""

from __future__ import annotations

from robotq.drivers.base import Driver, DriverSetup
from robotq.drivers.plc.connections import check_installed
from robotq.drivers.plc.driver import PlcDriver
from robotq.drivers.plc.options import read_options


def create(setup: DriverSetup) -> Driver:
    """Raises ConfigError."""
    options = read_options(setup.robot, setup.options)
    # not where options are only looked at: that may be another machine
    check_installed(options.ready)
    return PlcDriver(setup, options)
