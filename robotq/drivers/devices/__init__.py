"""Devices beside a robot, for steps of its commands: see docs/drivers/line.md."""

from __future__ import annotations

from robotq.drivers.devices.driver import with_devices
from robotq.drivers.devices.options import Devices, read_devices

__all__ = ["Devices", "read_devices", "with_devices"]
