"""Devices beside a robot, for steps of its commands: see docs/drivers/line.md."""

from __future__ import annotations

from robotq.drivers.base import Driver, DriverSetup
from robotq.drivers.devices.driver import WithDevices
from robotq.drivers.devices.options import Devices, read_devices
from robotq.drivers.devices.settling import SettlesWithDevices
from robotq.drivers.settling import Settles

__all__ = ["Devices", "read_devices", "with_devices"]


def with_devices(setup: DriverSetup, robot: Driver) -> Driver:
    """The robot with its devices; it settles where the robot's own driver does. Raises
    ConfigError."""
    return (SettlesWithDevices if isinstance(robot, Settles) else WithDevices)(setup, robot)
