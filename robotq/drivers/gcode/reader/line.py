"""A line that may be sent, and one that may not."""

from __future__ import annotations

from typing import NamedTuple

from robotq.drivers.base import DriverError


class Line(NamedTuple):
    """A line that may be sent."""

    text: str
    """Upper case, without comment and line number."""
    number: int
    """Which line of the program it was, from 1."""
    codes: tuple[str, ...]
    """Its G and M codes, without leading zeros: `G1`, `G28.1`."""
    motion: bool
    """It can move the robot."""
    dwell_s: float = 0.0
    """How long it lets the robot stand, at least."""
    alone: bool = False
    """Nothing else is on its way together with it."""


class RefusedLine(DriverError):
    """A line that the controller must not be given."""

    def __init__(self, number: int, text: str, why: str) -> None:
        super().__init__(
            f"line {number}: {text[:200].strip()[:60]!r}: {why}",
            code="bad_parameter",
            field="program",
        )
        self.number = number
        self.text = text
        self.why = why
