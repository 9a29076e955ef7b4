"""Controllers of the GRBL family: Grbl 1.1, grblHAL, FluidNC. See docs/drivers/grbl.md."""

from __future__ import annotations

from robotq.drivers.base import Driver, DriverSetup
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.driver import GcodeDriver
from robotq.drivers.grbl.options import read_options
from robotq.drivers.grbl.robot import GrblRobot


def create(setup: DriverSetup) -> Driver:
    """`setup.options` as in the module `options`. Raises ConfigError."""
    options = read_options(setup.robot, setup.options)
    controls = Controls()
    return GcodeDriver(setup, controls, GrblRobot(setup, options, controls), options.scanner)
