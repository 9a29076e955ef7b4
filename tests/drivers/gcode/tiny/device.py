"""The controller: it answers a line when it is carried out, and acts upon three bytes at once."""

from __future__ import annotations

import re
from pathlib import Path

from robotq.testing.emulators.device import Device

RESET, HOLD, GO = 0x18, ord("!"), ord("~")
_FEED = re.compile(r"F([0-9.]+)")
_AXIS = re.compile(r"([XYZ])([-+0-9.]+)")
_BUSY_S = 0.1


class TinyDevice(Device):
    """`greeting` is what it says after each start."""

    def __init__(self, link: Path, *, greeting: str = "tiny 1.0 bench") -> None:
        super().__init__(link)
        self.greeting = greeting
        self.moved: list[str] = []
        """Every motion that was begun."""
        self.held = False
        self._lines: list[str] = []
        self._half = bytearray()
        self._left_s: float | None = None
        """Of the motion that is under way."""
        self._looked = 0.0
        self._at = dict.fromkeys("XYZ", 0.0)

    def boot(self) -> None:
        self._lines.clear()
        self._half.clear()
        self._left_s, self.held = None, False
        self.say(self.greeting)

    def press(self, byte: int) -> None:
        """Somebody presses a button at the machine."""
        self.order(lambda: self._act(byte))

    def take(self, data: bytes) -> None:
        for byte in data:
            if byte in (RESET, HOLD, GO):
                self._act(byte)
            elif byte == ord("\n"):
                self._lines.append(self._half.decode("ascii"))
                self._half.clear()
            else:
                self._half.append(byte)

    def _act(self, byte: int) -> None:
        if byte == RESET:
            self.boot()
            return
        self.held = byte == HOLD
        self.say("held" if self.held else "going")

    def work(self) -> float:
        now = self.now()
        passed, self._looked = now - self._looked, now
        if self.held:
            return _BUSY_S
        if self._left_s is not None:
            self._left_s -= passed
            if self._left_s > 0:
                self.say("busy")
                return min(_BUSY_S, self._left_s)
            self._left_s = None
            self.say("ok")
        while self._lines:
            self._left_s = self._begin(self._lines.pop(0))
            if self._left_s is not None:
                return min(_BUSY_S, self._left_s)
        return _BUSY_S

    def _begin(self, line: str) -> float | None:
        """How long it moves."""
        if line.startswith("M999"):
            self.say("no such code")
        elif line.startswith(("G0", "G1", "G28")):
            self.moved.append(line)
            ends = dict.fromkeys("XYZ", 0.0) if line.startswith("G28") else {}
            ends.update({axis: float(value) for axis, value in _AXIS.findall(line)})
            way = sum(abs(end - self._at[axis]) for axis, end in ends.items())
            self._at.update(ends)
            feed = _FEED.search(line)
            return way / (float(feed[1]) if feed else 60_000.0) * 60
        else:
            self.say("ok")
        return None
