"""Bytes to lines."""

from __future__ import annotations

from collections.abc import Callable


class LineFramer:
    """Cuts a stream of bytes at `end` and hands each line over, without its end of line.

    Holds no more than `limit` bytes. A line that is longer is not handed over at all, only
    counted in `dropped`: half a line could mean something else.
    """

    def __init__(self, on_line: Callable[[bytes], None], *, limit: int, end: bytes = b"\n") -> None:
        self._on_line = on_line
        self._end = end
        self._limit = limit
        self._begun = bytearray()
        self._overlong = False
        self.dropped = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes; calls `on_line` for every line that they complete."""
        *complete, rest = data.split(self._end)
        for part in complete:
            if not self.begun and len(part) <= self._limit:
                # most lines come in one piece
                self._on_line(part.rstrip(b"\r"))
                continue
            self._take(part)
            if self._overlong:
                self.dropped += 1
            else:
                self._on_line(bytes(self._begun.rstrip(b"\r")))
            self.clear()
        self._take(rest)

    @property
    def begun(self) -> bool:
        """A line has begun that has no end yet."""
        return self._overlong or bool(self._begun)

    def clear(self) -> None:
        """Forget the line that has begun."""
        self._begun.clear()
        self._overlong = False

    def _take(self, part: bytes) -> None:
        if self._overlong or len(self._begun) + len(part) > self._limit:
            self._overlong = True
            self._begun.clear()
        else:
            self._begun += part
