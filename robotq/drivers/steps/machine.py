"""What steps need from a driver."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from robotq.model.json import JsonObject

Scan = Callable[[float], str | None]
"""Gives the next code that the scanner reads, within so many seconds; None where it reads none."""

Part = Callable[[str, JsonObject], JsonObject]
"""Carries out a command that the robot has by itself, with these params; gives its result."""


class Machine(Protocol):
    """What steps need from a driver. Every method returns when the robot is done and stands;
    `timeout_s` None leaves the limit to the command. They raise what `Driver.execute` may."""

    def run(
        self,
        lines: Iterable[str],
        *,
        from_client: bool = False,
        progress: Callable[[float], None] | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """Carry out lines of G-code. Raises DriverError before anything moves for a line that
        this controller must not be given; `from_client` ones may do less than the operator's."""

    def home(self, axes: str, *, timeout_s: float | None = None) -> None:
        """Find the reference point; no axes: of all."""

    def unlock(self) -> None:
        """Leave an alarm, and take the position for known where the controller has one."""

    def jog(self, axes: str, *, timeout_s: float | None = None) -> None:
        """A relative motion in millimetres, such as `X10 F300`."""

    def query(self, line: str, *, timeout_s: float | None = None) -> Sequence[str]:
        """The lines with which the controller answers."""

    def wait(self, seconds: float) -> None:
        """Let time pass. Ends with Stopped when the robot is stopped."""
