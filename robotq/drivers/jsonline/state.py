"""How a device is, as it has said last."""

from __future__ import annotations

import time
from dataclasses import replace

from robotq.drivers.jsonline.messages import Report, Status
from robotq.model.carried.live_value import LiveValues


class DeviceState:
    """Any thread may ask; each value stands for itself."""

    def __init__(self) -> None:
        self.status: Status | None = None
        self.told_at = 0.0
        """When, by the monotonic clock; 0: something was told since that may have changed it."""
        self._values: LiveValues = {}
        self._values_at = 0.0

    def take(self, status: Status) -> None:
        self.status, self.told_at = status, time.monotonic()
        self._take_values(status.values)

    def take_report(self, report: Report) -> None:
        """A robot that pauses by itself says so in the reports of its command."""
        status = self.status
        if report.held is not None and status is not None:
            still = status.still_moving and report.held
            self.status = replace(
                status, held=report.held, held_because=report.held_because, still_moving=still
            )
        if report.values:
            self._take_values(report.values)

    def outdate(self) -> None:
        """Something is told to the device that may change it."""
        self.told_at = 0.0

    @property
    def values(self) -> LiveValues:
        """What the device has measured last, with how long ago it has said so."""
        age_s = max(0.0, time.monotonic() - self._values_at)
        return {name: replace(value, age_s=age_s) for name, value in self._values.items()}

    def _take_values(self, values: LiveValues) -> None:
        self._values, self._values_at = values, time.monotonic()
