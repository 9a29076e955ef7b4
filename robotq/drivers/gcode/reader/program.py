"""The lines of a program that may be sent, in little room: sixteen bytes each beside their text."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

from robotq.drivers.gcode.reader.line import Line
from robotq.drivers.gcode.reader.rules import UNKNOWN

_AT_ONCE = 256
"""Lines that are made in one go."""


class Same(NamedTuple):
    """What lines of a kind have in common."""

    codes: tuple[str, ...]
    motion: bool
    dwell_s: float
    alone: bool


class Program(Sequence[Line]):
    """Lines are made when somebody asks for them."""

    def __init__(self) -> None:
        self.leaves = UNKNOWN
        """What is in effect behind them."""
        self._text = bytearray()
        self._ends = array("Q")
        """Where each text ends."""
        self._numbers = array("I")
        self._kinds = array("I")
        self._same: list[Same] = []
        self._index: dict[Same, int] = {}

    def kind(self, same: Same) -> int:
        """A number for what lines have in common."""
        found = self._index.get(same)
        if found is None:
            found = self._index[same] = len(self._same)
            self._same.append(same)
        return found

    def add(self, text: bytes, number: int, kind: int) -> None:
        self._text += text
        self._ends.append(len(self._text))
        self._numbers.append(number)
        self._kinds.append(kind)

    def append(self, line: Line) -> None:
        kind = self.kind(Same(line.codes, line.motion, line.dwell_s, line.alone))
        self.add(line.text.encode("ascii"), line.number, kind)

    def text(self, index: int) -> str:
        """Of a line, by its place from 0."""
        start = self._ends[index - 1] if index else 0
        return self._text[start : self._ends[index]].decode("ascii")

    def same(self, index: int) -> Same:
        """What else is to be said of it."""
        return self._same[self._kinds[index]]

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, at: int) -> Line: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Line]: ...

    def __getitem__(self, at: int | slice) -> Line | Sequence[Line]:
        indices = range(len(self))[at]
        if isinstance(indices, int):
            return self._lines(indices, indices + 1)[0]
        if indices.step == 1:
            return self._lines(indices.start, indices.stop)
        return [self._lines(index, index + 1)[0] for index in indices]

    def _lines(self, first: int, behind: int) -> list[Line]:
        """Made in one go: whoever sends a program takes some hundred at a time."""
        start = begun = self._ends[first - 1] if first else 0
        ends = self._ends[first:behind]
        text = self._text[start : ends[-1] if ends else start].decode("ascii")
        made: list[Line] = []
        append, make, same = made.append, Line._make, self._same
        rest = zip(ends, self._numbers[first:behind], self._kinds[first:behind], strict=True)
        for end, number, kind in rest:
            common = same[kind]
            append(make((text[begun - start : end - start], number, *common)))
            begun = end
        return made

    def __iter__(self) -> Iterator[Line]:
        for first in range(0, len(self), _AT_ONCE):
            yield from self._lines(first, first + _AT_ONCE)
