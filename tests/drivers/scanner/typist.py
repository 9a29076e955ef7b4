"""A scanner that is a keyboard: the events that Linux gives for what it types, in the numbers of
linux/input-event-codes.h, and recordings in the words of `evemu-record`."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from robotq.drivers.scanner.hid import HidOptions, KeyEvent

SHIFT, CTRL, ALT_GR, ENTER, TAB, RIGHT_SHIFT = 42, 29, 100, 28, 15, 54
_US = dict(zip("1234567890-", range(2, 13), strict=True))
_US |= dict(zip("qwertyuiop", range(16, 26), strict=True))
_US |= dict(zip("asdfghjkl;", range(30, 40), strict=True))
_US |= dict(zip("zxcvbnm,./", range(44, 54), strict=True)) | {" ": 57, "\\": 43, "[": 26, "]": 27}
_US_SHIFT = {"!": 2, "@": 3, "#": 4, "_": 12, "+": 13, ":": 39, "?": 53, "{": 26, "|": 43}
_DE = {**_US, "z": 21, "y": 44, "-": 53, "ß": 12, "ü": 26, "ö": 39, "ä": 40, "+": 27, "#": 43,
       "<": 86}  # fmt: skip
_DE_SHIFT = {"!": 2, '"': 3, "§": 4, "/": 8, "=": 11, "?": 12, ":": 52, ";": 51, "_": 53, ">": 86}
_DE_ALT_GR = {"@": 16, "€": 18, "{": 8, "[": 9, "]": 10, "}": 11, "\\": 12, "|": 86, "~": 27}
for _letter in ";/[]\\":
    del _DE[_letter]


def keys_of(letter: str, keyboard: str) -> tuple[list[int], int]:
    """Which keys are held, and which is pressed."""
    plain, shifted = (_US, _US_SHIFT) if keyboard == "us" else (_DE, _DE_SHIFT)
    if letter == "\r":
        return [], ENTER
    if letter == "\t":
        return [], TAB
    if letter == "\x1d" and keyboard == "us":
        return [CTRL], 27
    if letter in plain:
        return [], plain[letter]
    if letter in shifted:
        return [SHIFT], shifted[letter]
    if keyboard == "de" and letter in _DE_ALT_GR:
        return [ALT_GR], _DE_ALT_GR[letter]
    return [SHIFT], plain[letter.lower()]


def typed(text: str, keyboard: str = "us") -> list[KeyEvent]:
    """As most scanners do it: each letter goes up before the next one goes down."""
    events = []
    for letter in text:
        held, key = keys_of(letter, keyboard)
        events += [KeyEvent(each, 1) for each in held]
        events += [KeyEvent(key, 1), KeyEvent(key, 0)]
        events += [KeyEvent(each, 0) for each in reversed(held)]
    return events


def recorded(text: str) -> list[KeyEvent]:
    """The keys in a recording: `E: 0.000001 0001 001e 0001` is A that goes down."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 5 or words[0] != "E:":
            continue
        kind, code, value = int(words[2], 16), int(words[3], 16), int(words[4])
        if kind == 1:
            found.append(KeyEvent(code, value))
        elif (kind, code) == (0, 3):
            found.append(KeyEvent(0, 0, lost=True))
    return found


class Keyboard:
    """A keyboard at the seam, which types what the test says."""

    def __init__(self) -> None:
        self.options: HidOptions | None = None
        self.opened = 0
        self.closed = 0
        self.name = "/dev/input/event7"
        self._there: list[KeyEvent] = []
        self._gone = False
        self._changed = threading.Condition()

    def open(self, options: HidOptions) -> Keyboard:
        self.options = options
        self.opened += 1
        self._gone = False
        return self

    def type(self, events: Sequence[KeyEvent]) -> None:
        with self._changed:
            self._there += events
            self._changed.notify_all()

    def unplug(self) -> None:
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._there or self._gone, timeout_s)
            if self._gone:
                raise OSError(19, "No such device")
            return bool(self._there)

    def read(self) -> Sequence[KeyEvent]:
        with self._changed:
            there, self._there = self._there, []
            return there

    def close(self) -> None:
        self.closed += 1
