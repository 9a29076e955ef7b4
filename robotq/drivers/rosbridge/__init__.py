"""Robots of ROS behind rosbridge: actions, services and topics as JSON over a WebSocket. What
they are sent is written in YAML, see docs/drivers/rosbridge.md. No ROS is needed here."""

from __future__ import annotations

from robotq.drivers.base import Driver, DriverSetup
from robotq.drivers.rosbridge.driver import RosbridgeDriver
from robotq.drivers.rosbridge.options import read_options


def create(setup: DriverSetup) -> Driver:
    """Raises ConfigError."""
    return RosbridgeDriver(setup, read_options(setup.robot, setup.options))
