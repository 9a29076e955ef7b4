"""Faults that nobody took: what a task or a future raised while nobody waited for it any more, or
a loop that ended before its tasks. asyncio logs them when they are collected, so maybe during a
later test."""

from __future__ import annotations

import logging


class Unheard(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._told.append(self.format(record))

    def taken(self) -> list[str]:
        """What came since this was asked the last time."""
        told, self._told = self._told, []
        return told


def watch() -> Unheard:
    handler = Unheard()
    logging.getLogger("asyncio").addHandler(handler)
    return handler
