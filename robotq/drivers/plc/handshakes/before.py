"""What comes before the start of a command: the station is free, or nothing is started."""

from __future__ import annotations

import random
from typing import Any

from robotq.drivers.base import DriverError
from robotq.drivers.plc.handshakes.edges import Edges
from robotq.drivers.plc.handshakes.look import Look

_DRAW = random.SystemRandom()


class NotFree(DriverError):
    """The station cannot begin now. Nothing was started."""


class Before:
    """Of one command."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self.boot: Any = None
        """The number of the PLC's start, as it was at first."""

    def make_ready(self) -> Any:
        """What start will hold: 1, or a number that stands nowhere.

        Raises NotFree, DriverError, Stopped; nothing was started. UncertainOutcome.
        """
        edges, pattern = self._edges, self._edges.pattern
        self.boot = edges.read_boot()
        if pattern.numbered:
            # before the stop bit falls: the PLC may have kept that number for then
            first = edges.look()
            self._at_its_end(first)
            if pattern.idle and first.start:
                edges.reset(pattern.start)
        self._release_stop()
        if pattern.idle and edges.wait_low([pattern.done], edges.station.ready_s):
            raise DriverError(
                f"{pattern.done} has not gone back to 0 for the 0 in {pattern.start}; nothing was "
                "started"
            )
        seen = edges.look()
        if not pattern.numbered and seen.start:
            if not seen.done:
                raise DriverError(
                    f"{pattern.start} is high already, and {pattern.done} is not: the PLC may be "
                    "carrying out a command of somebody else"
                )
            # of a command that is at its end, and whose handshake was cut off
            edges.reset(pattern.start)
        if not pattern.numbered and (late := edges.answers_that_stay()):
            raise DriverError(f"still high from before: {', '.join(late)}; nothing was started")
        taken = self.look_free().taken
        if not pattern.numbered:
            return True
        # drawn, not counted: a PLC that has forgotten its numbers would give this one again
        drawn = _DRAW.sample(range(1, pattern.most + 1), len(taken) + 1)
        return next(number for number in drawn if number not in taken)

    def look_free(self) -> Look:
        """Raises NotFree, DriverError where the station is not free: nothing was started."""
        edges = self._edges
        seen = edges.look()
        if alarms := seen.alarms[0]:
            raise NotFree("; ".join(alarms))
        if seen.boot != self.boot:
            raise DriverError("the PLC has started anew; nothing was started")
        if edges.pattern.idle and (seen.start or seen.done):
            raise DriverError(
                f"{edges.pattern.start} is {seen.start} and {edges.pattern.done} is {seen.done}, "
                "and not both 0; nothing was started"
            )
        if edges.pattern.numbered:
            self._at_its_end(seen)
        elif seen.high:
            raise DriverError(f"high before the start: {', '.join(seen.high)}; nothing was started")
        return seen

    def _at_its_end(self, seen: Look) -> None:
        """Raises NotFree where the PLC may be carrying out what its number stands for."""
        left = seen.left_open
        if left is not None and not self._edges.hooks.at_its_end(left):
            raise NotFree(left.text)

    def _release_stop(self) -> None:
        """Take the stop of before back. Raises DriverError where the PLC still answers it."""
        edges = self._edges
        stop, stopped = edges.station.stop, edges.station.stopped
        if stop is None:
            return
        edges.check()
        if edges.plc.read([stop])[stop]:
            start = edges.pattern.start
            if not edges.pattern.numbered and edges.plc.read([start])[start]:
                # or the PLC would begin again what the stop has ended
                edges.reset(start)
            edges.lower_stop()
        if stopped is not None and edges.wait_low([stopped], edges.station.ready_s):
            raise DriverError(f"{stopped} is still high although {stop} is low")
