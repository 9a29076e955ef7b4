"""How lines come in: the receive buffer, the numbers and checksums, the queue of commands."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

_NUMBERED = re.compile(r"N *([+-]?[0-9]*)")
_WHOLE = re.compile(r" *([+-]?[0-9]+)")
_RECEIVE_BYTES = 127
_QUEUE = 4
_LONGEST = 95


class Intake:
    """Only a line with the next number and a checksum that fits becomes a command; one without a
    number always does."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.overflowed = 0
        """Bytes for which there was no room."""
        self.last = 0
        """The number of the last line that was taken."""
        self._say = say
        self._bytes = bytearray()
        self._queue: deque[str] = deque()

    def clear(self) -> None:
        self._bytes.clear()
        self._queue.clear()
        self.last = 0

    def store(self, data: bytes, take_out: Callable[[], object]) -> None:
        """Bytes have arrived. `take_out` is called where they do not fit as a whole."""
        room = max(1, _RECEIVE_BYTES - len(self._bytes))
        for start in range(0, len(data), room):
            piece = data[start : start + room]
            free = _RECEIVE_BYTES - len(self._bytes)
            self.overflowed += max(0, len(piece) - free)
            self._bytes += piece[:free]
            if start + len(piece) < len(data):
                take_out()

    def next_command(self) -> str | None:
        """The next command without number and checksum, taken out; None where there is none."""
        while len(self._queue) < _QUEUE and b"\n" in self._bytes:
            raw, _, rest = bytes(self._bytes).partition(b"\n")
            self._bytes = bytearray(rest)
            # what is longer than MAX_CMD_SIZE is cut, and its checksum with it
            line = _stored(raw.decode("latin-1"))[:_LONGEST].strip(" \r")
            if line:
                self._enqueue(line)
        return self._queue.popleft() if self._queue else None

    def _enqueue(self, line: str) -> None:
        """In the order of queue.cpp: the number is looked at first, damaged as it may be."""
        found = _NUMBERED.match(line)
        if found is None:
            self._queue.append(line)
            return
        sets = "M110" in line
        counted = _NUMBERED.search(line, 4) if sets else None
        number = _whole((counted or found)[1])
        body, star, checksum = line.rpartition("*")
        if number != self.last + 1 and not sets:
            # one of the last two was on its way already when it was asked for
            if number not in (self.last - 1, self.last):
                self._refuse("Line Number is not Last Line Number+1")
        elif not star:
            self._refuse("No Checksum with line number")
        elif _whole(checksum) != _sum(body):
            self._refuse("checksum mismatch")
        else:
            self.last = number
            self._queue.append(body[found.end() :].strip(" "))

    def _refuse(self, reason: str) -> None:
        # what else has arrived is thrown away
        self._bytes.clear()
        self._say(f"Error:{reason}, Last Line: {self.last}")
        self._say(f"Resend: {self.last + 1}")
        self._say("ok")


def _stored(line: str) -> str:
    """Without the comment. A backslash is left out, and what comes behind it is kept."""
    if "\\" not in line:
        return line.partition(";")[0]
    kept, at = "", 0
    while at < len(line) and line[at] != ";":
        at += line[at] == "\\"
        kept += line[at : at + 1]
        at += 1
    return kept


def _whole(text: str) -> int:
    """As strtol reads: what is no number is 0."""
    found = _WHOLE.match(text)
    return int(found[1]) if found else 0


def _sum(body: str) -> int:
    total = 0
    for byte in body.encode("latin-1"):
        total ^= byte
    return total
