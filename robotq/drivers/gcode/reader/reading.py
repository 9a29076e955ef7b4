"""Reading a program before its first line is sent: it can be broken off at any moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from robotq.drivers.base import DriverError, Stopped
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.reader.lines import Line, Rules, prepare

Progress = Callable[[float], None]

_TELL_S = 0.3
_SHARE = 0.05
"""Of the whole command's progress, for a program that takes long to read."""
_HALF = 100_000
"""Lines after which half of that share is told: how many there are is not known yet."""


def read_program(
    raw: Iterable[str],
    rules: Rules,
    controls: Controls,
    *,
    from_client: bool,
    progress: Progress | None,
) -> tuple[list[Line], Progress | None]:
    """The lines as they are sent, and how to tell the progress of sending them.

    Raises DriverError bad_parameter for a line that cannot be sent, and for a client's program
    without one; Stopped, with nothing sent, as soon as a stop has come.
    """
    begun = told = time.monotonic()
    share = 0.0

    def look(number: int) -> None:
        nonlocal told, share
        if controls.interrupted:
            raise Stopped
        now = time.monotonic()
        if progress is not None and now - told > _TELL_S:
            told = now
            share = _SHARE * number / (number + _HALF)
            progress(share)

    look(0)
    lines = prepare(raw, rules, look=look)
    look(len(lines))
    if from_client and not lines:
        raise DriverError("the program holds no line to be carried out", code="bad_parameter",
                          field="program")  # fmt: skip
    if progress is None or told == begun:
        return lines, progress
    return lines, lambda fraction: progress(share + (1 - share) * fraction)
