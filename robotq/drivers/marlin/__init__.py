"""Marlin and controllers that speak like it. See docs/drivers/marlin.md."""

from __future__ import annotations

from robotq.drivers.base import Driver, DriverSetup
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.driver import GcodeDriver
from robotq.drivers.marlin.options import read_options
from robotq.drivers.marlin.robot import MarlinRobot


def create(setup: DriverSetup) -> Driver:
    """`setup.options` as in the module `options`. Raises ConfigError."""
    options = read_options(setup.robot, setup.options)
    controls = Controls()
    return GcodeDriver(setup, controls, MarlinRobot(setup, options, controls), options.scanner)
