"""A barcode scanner with the habits of real ones: reads the next of its codes when triggered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import xor
from pathlib import Path

from robotq.testing.emulators.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a scanner is set up. Every one of these is met in laboratories."""

    before: bytes = b""
    """Sent in front of each code: STX, or an AIM identifier such as `]d2`."""
    end: bytes = b"\r\n"
    """Sent behind each code: CR, LF, both, ETX, nothing."""
    check: bool = False
    """Behind the end, one byte more: the XOR of all before it, without `before`."""
    encoding: str = "utf-8"
    no_read: bytes | None = None
    """Sent in place of a code that cannot be read; None: it keeps silent."""
    late_s: float = 0.0
    """Seconds from the trigger to the code."""
    again_s: float | None = None
    """Each code comes once more, so many seconds after the first."""

    def wire(self, code: str) -> bytes:
        """What is sent for a code."""
        return self._framed(code.encode(self.encoding))

    def _framed(self, code: bytes) -> bytes:
        body = code + self.end
        return self.before + body + (bytes([reduce(xor, body, 0)]) if self.check else b"")

    def unread(self) -> bytes | None:
        """What is sent where nothing could be read."""
        return None if self.no_read is None else self._framed(self.no_read)


USUAL = Habits()


class ScannerEmulator(Device):
    """Answers `trigger` with the next code; None and the end of the list are unreadable."""

    def __init__(
        self,
        link: Path,
        codes: Iterable[str | None],
        *,
        trigger: bytes = b"\x16T\r",
        habits: Habits = USUAL,
    ) -> None:
        super().__init__(link)
        self._codes = list(codes)
        self._trigger = trigger
        self._habits = habits
        self._heard = b""
        self._due: list[tuple[float, bytes]] = []
        """What is sent later, and when."""
        self.triggered = 0
        self.heard = b""
        """All that it was sent, ever."""

    def boot(self) -> None:
        self._heard = b""
        self._due.clear()

    def take(self, data: bytes) -> None:
        self.heard += data
        self._heard += data
        while self._trigger in self._heard:
            self._heard = self._heard.partition(self._trigger)[2]
            self.triggered += 1
            code = self._codes.pop(0) if self._codes else None
            if code is not None:
                self._read(code)
            elif (unread := self._habits.unread()) is not None:
                self._later(self._habits.late_s, unread)

    def work(self) -> float:
        while self._due:
            at, data = self._due[0]
            left = at - self.now()
            if left > 0:
                return left
            self._due.pop(0)
            self._send(data)
        return 3600.0

    def show(self, code: str) -> None:
        """Put a code in front of a scanner that reads by itself."""
        self.order(lambda: self._read(code))

    def send(self, *pieces: bytes | float) -> None:
        """Bytes as they are, with pauses of so many seconds between them."""

        def plan() -> None:
            after_s = 0.0
            for piece in pieces:
                if isinstance(piece, bytes):
                    self._later(after_s, piece)
                else:
                    after_s += piece

        self.order(plan)

    def _read(self, code: str) -> None:
        data, again_s = self._habits.wire(code), self._habits.again_s
        self._later(self._habits.late_s, data)
        if again_s is not None:
            self._later(self._habits.late_s + again_s, data)

    def _later(self, seconds: float, data: bytes) -> None:
        self._due.append((self.now() + seconds, data))
        self._due.sort(key=lambda due: due[0])
