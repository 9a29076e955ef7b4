"""The simulated lab: two mobile robots, bottles, stations and believable motions.

It keeps what is where in `<data>/simulator/lab.json`, and writes one line to
`<data>/simulator/motions.jsonl` before each motion.
"""

from __future__ import annotations

from robotq.drivers.base import Driver, DriverSetup
from robotq.drivers.simulator.driver import SimulatorDriver


def create(setup: DriverSetup) -> Driver:
    """One robot of the lab; `setup.options` as in the module `options`. Raises ConfigError."""
    return SimulatorDriver(setup)
