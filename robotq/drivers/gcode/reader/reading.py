"""Reading a program before its first line is sent: it can be broken off at any moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from robotq.drivers.base import DriverError, Stopped
from robotq.drivers.gcode.controls import Controls
from robotq.drivers.gcode.reader.lines import Program, Rules, prepare

Progress = Callable[[float], None]

_TELL_S = 0.3
_PROGRESS_S = 0.2
"""Between two words of how far the sending is."""
_LOOK_S = 0.05
"""Between two looks of the command thread at whether it was stopped."""
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
) -> tuple[Program, Progress | None]:
    """The lines as they are sent, and how to tell the progress of sending them. A client's program
    is read on a thread of its own: the command thread sees a stop meanwhile.

    Raises DriverError bad_parameter for a line that cannot be sent, and for a client's program
    without one; Stopped, with nothing sent, as soon as a stop has come.
    """
    _go_on(controls)
    if not from_client:
        return prepare(raw, rules), progress
    reading = _Reading(raw, rules)
    told, share = time.monotonic(), 0.0
    while not reading.over(_LOOK_S):
        try:
            _go_on(controls)
        except Stopped:
            reading.end()
            raise
        if progress is not None and time.monotonic() - told > _TELL_S:
            told = time.monotonic()
            share = _SHARE * reading.number / (reading.number + _HALF)
            progress(share)
    lines = reading.result()
    _go_on(controls)
    if not lines:
        raise DriverError("the program holds no line to be carried out", code="bad_parameter",
                          field="program")  # fmt: skip
    if progress is None or not share:
        return lines, progress
    return lines, lambda fraction: progress(share + (1 - share) * fraction)


def _go_on(controls: Controls) -> None:
    if controls.interrupted:
        raise Stopped


class _Ended(Exception):
    """Nobody wants the lines any more."""


class _Reading:
    """One program that is being read, on its thread."""

    def __init__(self, raw: Iterable[str], rules: Rules) -> None:
        self.number = 0
        """Lines that were read."""
        self._raw = raw
        self._rules = rules
        self._ended = False
        self._lines = Program()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._read, name="gcode-reading", daemon=True)
        self._thread.start()

    def over(self, within_s: float) -> bool:
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def end(self) -> None:
        """It ends after some milliseconds."""
        self._ended = True

    def result(self) -> Program:
        """Raises what the reading has raised."""
        if self._error is not None:
            raise self._error
        return self._lines

    def _read(self) -> None:
        try:
            self._lines = prepare(self._raw, self._rules, look=self._look)
        except BaseException as error:  # noqa: BLE001 - `result` raises it on the command thread
            self._error = error

    def _look(self, number: int) -> None:
        self.number = number
        if self._ended:
            raise _Ended


def telling(progress: Progress | None, lines: int) -> Callable[[int], None]:
    """Tells how far a program is, and not too often."""
    told = 0.0

    def tell(done: int) -> None:
        nonlocal told
        if progress is not None and time.monotonic() - told > _PROGRESS_S:
            told = time.monotonic()
            progress(min(1.0, done / lines))

    return tell
