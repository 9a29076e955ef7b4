"""How lines come in: the receive buffer, the numbers and checksums, the queue of commands."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

_NUMBERED = re.compile(r"N\s*(-?\d+)\s*")
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
            line = raw.decode("latin-1").partition(";")[0].strip()[:_LONGEST]
            if line:
                self._enqueue(line)
        return self._queue.popleft() if self._queue else None

    def _enqueue(self, line: str) -> None:
        found = _NUMBERED.match(line)
        if found is None:
            self._queue.append(line)
            return
        number = int(found[1])
        body, star, checksum = line.rpartition("*")
        command = body[found.end() :].strip() if star else line[found.end() :]
        if command.startswith("M110") and star and _is_sum(body, checksum):
            second = _NUMBERED.search(command)
            self.last = int(second[1]) if second else number
            self._queue.append(command)
        elif not star:
            self._refuse("No Checksum with line number")
        elif not _is_sum(body, checksum):
            self._refuse("checksum mismatch")
        elif number == self.last + 1:
            self.last = number
            self._queue.append(command)
        elif number > self.last:
            self._refuse("Line Number is not Last Line Number+1")

    def _refuse(self, reason: str) -> None:
        # what else has arrived is thrown away
        self._bytes.clear()
        self._say(f"Error:{reason}, Last Line: {self.last}")
        self._say(f"Resend: {self.last + 1}")
        self._say("ok")


def _is_sum(body: str, checksum: str) -> bool:
    total = 0
    for byte in body.encode("latin-1"):
        total ^= byte
    return checksum.strip().isdigit() and int(checksum) == total
