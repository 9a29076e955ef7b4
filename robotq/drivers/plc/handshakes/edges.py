"""The single edges of a handshake: bits that are written low, and waited for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from robotq.drivers.base import Stopped, UncertainOutcome
from robotq.drivers.plc.handshakes.look import Look
from robotq.drivers.plc.pattern import Hooks, Pattern, Plc, Refused, Reports, Station


class Edges:
    """Of one command."""

    def __init__(
        self, plc: Plc, pattern: Pattern, station: Station, hooks: Hooks, reports: Reports
    ) -> None:
        self.plc = plc
        self.pattern = pattern
        self.station = station
        self.hooks = hooks
        self.reports = reports

    def look(self) -> Look:
        return Look(self.plc, self.pattern, self.station)

    def read_boot(self) -> Any:
        name = self.station.boot
        return None if name is None else self.plc.read([name])[name]

    def check(self) -> None:
        """Raises Stopped where somebody wants that."""
        if self.hooks.stopping() or self.hooks.latched():
            raise Stopped

    def reset(self, name: str) -> None:
        """Told as a step, so that it stands in the journal."""
        with self.reports.step("reset", node=name):
            self.write_low(name)

    def write_low(self, name: str) -> None:
        try:
            self.plc.write(name, False)
        except Refused as error:
            raise UncertainOutcome("answer_lost", f"the PLC refuses a reset: {error}") from error

    def withdraw(self) -> None:
        """So that nothing begins later. A number cannot be taken back."""
        if not self.pattern.numbered:
            self.reset(self.pattern.start)

    def lower_stop(self) -> None:
        """Take the stop bit back. An emergency stop may come while it is being lowered."""
        if self.station.stop is not None:
            self.reset(self.station.stop)
            if self.hooks.latched():
                self.plc.write(self.station.stop, True)

    def answers_that_stay(self) -> Sequence[str]:
        """Done and accepted, where they do not fall in time."""
        return self.wait_low(self.pattern.of_command[1:], self.station.ready_s)

    def wait_low(self, names: Collection[str], limit_s: float) -> Sequence[str]:
        """Those that are still high at the end."""
        began = self.hooks.now()
        while True:
            seen = self.plc.read(names)
            high = [name for name in names if seen[name]]
            if not high or self.hooks.now() - began > limit_s:
                return high
            self.hooks.pause()
