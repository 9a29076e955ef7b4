"""Params that came in one line, or whose long list is still to come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robotq.drivers.jsonline.device.command import DeviceCommand

_AT_ONCE = 1_000
"""Lines asked for at once; the host sends as many of them as one message holds."""


MOST_LINES = 1_000_000
"""Lines of a long parameter that a device of this kind keeps."""


def too_long(request: Mapping[str, Any]) -> bool:
    """Whether more lines are to come than are kept."""
    params = request.get("params")
    values = params.values() if isinstance(params, dict) else ()
    return any(isinstance(v, dict) and _count(v) > MOST_LINES for v in values)


class Collecting:
    """A command's request, complete once all its lines are there."""

    def __init__(self, command: DeviceCommand, request: Mapping[str, Any]) -> None:
        self.command = command
        self.request = dict(request)
        self._key: str | None = None
        self._expected = 0
        self._lines: list[str] = []
        params = request.get("params")
        for key, value in params.items() if isinstance(params, dict) else ():
            if isinstance(value, dict) and _count(value):
                self._key, self._expected = key, _count(value)

    @property
    def complete(self) -> bool:
        return len(self._lines) >= self._expected

    def ask(self) -> None:
        """Report which lines are wanted next."""
        left = self._expected - len(self._lines)
        self.command.needs(len(self._lines), min(left, _AT_ONCE))

    def take(self, message: Mapping[str, Any]) -> None:
        """Take the next lines; those that are not the next ones were sent twice."""
        lines = message.get("lines")
        if message.get("from") != len(self._lines) or not isinstance(lines, list):
            return
        self._lines += [str(line) for line in lines]
        if self.complete and self._key is not None:
            params = {**self.request["params"], self._key: self._lines}
            self.request = {**self.request, "params": params}
        self.ask()


def _count(value: Mapping[str, Any]) -> int:
    count = value.get("$lines")
    return count if isinstance(count, int) else 0
