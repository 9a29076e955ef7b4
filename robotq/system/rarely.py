"""Lines of the log that whoever sends bytes can cause: a few a second, and how many were not
written."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

_EACH_S = 1.0
_LINES = 3
"""Lines in each second."""


class Rarely:
    """Writes to a logger, but no more than a few lines a second; the first line after some were
    left out says how many."""

    def __init__(self, log: logging.Logger, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._since = -_EACH_S
        self._written = 0
        self._left_out = 0

    def info(self, text: str, *args: object) -> None:
        self._write(logging.INFO, text, args)

    def warning(self, text: str, *args: object) -> None:
        self._write(logging.WARNING, text, args)

    def _write(self, level: int, text: str, args: tuple[object, ...]) -> None:
        now = self._clock()
        if now - self._since >= _EACH_S:
            self._since, self._written = now, 0
        if self._written >= _LINES:
            self._left_out += 1
            return
        self._written += 1
        if self._left_out:
            text, args = text + " (%d such lines were left out)", (*args, self._left_out)
            self._left_out = 0
        self._log.log(level, text, *args)
