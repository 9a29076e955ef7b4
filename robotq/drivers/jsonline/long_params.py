"""Commands whose params do not fit into one line of the device."""

from __future__ import annotations

from typing import Any

from robotq.drivers.base import DriverError
from robotq.drivers.jsonline.wire import encode
from robotq.drivers.text_lines import split_lines

_ROOM = 160
"""Bytes of a message with lines besides the lines themselves."""


class LongRun:
    """A request that fits, and the lines that the device fetches as it has room for them.

    The longest parameter that is a text of several lines or a list of texts stands in the
    request as `{"$lines": <how many>}`.
    """

    def __init__(self, request: dict[str, Any], max_line: int) -> None:
        """Raises DriverError where it does not fit even so."""
        self.request = request
        self._room = max_line - _ROOM
        self._lines: list[str] = []
        if _size(request) > max_line:
            self._shorten()
        size = _size(self.request)
        if size > max_line:
            raise DriverError(f"the command has {size} bytes, the device takes {max_line}")
        for number, line in enumerate(self._lines, 1):
            if _length(line) > self._room:
                raise DriverError(f"line {number} is too long for the device")

    def lines(self, first: int, count: int) -> list[str]:
        """Lines from `first` on, as many as the device wants and one message holds."""
        room = self._room
        fitting: list[str] = []
        for line in self._lines[first : first + count]:
            room -= _length(line)
            if room < 0:
                break
            fitting.append(line)
        return fitting

    def _shorten(self) -> None:
        params = self.request.get("params")
        if not isinstance(params, dict):
            return
        long = {key: lines for key, value in params.items() if (lines := _lines(value))}
        if long:
            key = max(long, key=lambda name: sum(map(len, long[name])))
            self._lines = long[key]
            short = {**params, key: {"$lines": len(self._lines)}}
            self.request = {**self.request, "params": short}


def _lines(value: object) -> list[str]:
    if isinstance(value, str) and "\n" in value:
        # only what ends a line for a controller: a comment may hold U+2028
        return list(split_lines(value))
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return value
    return []


def _length(line: str) -> int:
    """Bytes of a line in a message, with quotes and comma."""
    return len(encode({"": line}, crc=False)) - len('{"":}')


def _size(request: dict[str, Any]) -> int:
    return len(encode(request, crc=True))
