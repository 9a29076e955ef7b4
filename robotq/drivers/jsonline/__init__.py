"""robotq's own controller protocol, for robots whose program one writes oneself.

One JSON object a line, over any serial port or URL; docs/drivers/jsonline.md specifies it. The
package `device` is the other end, with which any driver of robotq becomes such a device.
"""

from __future__ import annotations

from robotq.drivers.base import Driver, DriverSetup
from robotq.drivers.jsonline.driver import JsonlineDriver


def create(setup: DriverSetup) -> Driver:
    """One device; `setup.options` as in the module `options`. Raises ConfigError."""
    return JsonlineDriver(setup)
