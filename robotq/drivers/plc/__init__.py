"""Stations behind a PLC, over Modbus TCP or OPC UA: a handshake over nodes that stand in a table,
see docs/drivers/plc.md."""

from __future__ import annotations

from robotq.drivers.base import Driver, DriverSetup
from robotq.drivers.plc import modbus, opcua
from robotq.drivers.plc.driver import PlcDriver
from robotq.drivers.plc.options import read_options


def create(setup: DriverSetup) -> Driver:
    """Raises ConfigError."""
    options = read_options(setup.robot, setup.options)
    # not where options are only looked at: that may be another machine
    (modbus if options.ready.written.modbus is not None else opcua).check_installed()
    return PlcDriver(setup, options)
