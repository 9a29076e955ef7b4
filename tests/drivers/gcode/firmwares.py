"""Small models of how firmware reads lines: what moves of what it is sent. They share nothing with
the reader; that of Grbl reads words as the emulator does, which was tried against the firmware."""

from __future__ import annotations

import re
from collections.abc import Sequence

from robotq.testing.emulators.grbl.words import Words, read_words
from tests.drivers.gcode.standard import Event

_AXES = "XYZ"


class Wrong(AssertionError):
    """The firmware answers with an error."""


class Grbl:
    """Every code of a line, in the order of the standard."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._at = [0.0, 0.0, 0.0]
        self._motion, self._relative, self._unit, self._feed = "0", False, 1.0, 0.0
        self._plane = "17"

    def take(self, line: str) -> None:
        if len(line.replace(" ", "")) > 79:
            raise Wrong("error:11")
        words = read_words(re.sub(r"\s", "", line), plain_grbl=True)
        for code in words.g_codes:
            self._relative = code == "91" if code in ("90", "91") else self._relative
            self._unit = {"20": 25.4, "21": 1.0}.get(code, self._unit)
            self._plane = code if code in ("17", "18", "19") else self._plane
            self._feed = 0.0 if code in ("93", "94") and code != self._mode else self._feed
            self._mode = code if code in ("93", "94") else self._mode
        self._motion = words.motion or self._motion
        if "F" in words.values:
            self._feed = words.values["F"] * self._unit
        self.events += [(f"M{code}",) for code in words.m_codes if code in "345"]
        self.events += [(f"M{code}",) for code in words.m_codes if code in "89"]
        self._act(words)
        self.events += [("M0",) for code in words.m_codes if code == "0"]

    _mode = "94"

    def _act(self, words: Words) -> None:
        values = words.values
        if words.axes and self._motion == "80":
            raise Wrong("error:31, also for the axes of G28 and G92")
        if "4" in words.g_codes:
            self.events.append(("dwell", round(values["P"], 6)))
        if "92" in words.g_codes:
            for axis in words.axes:
                self._at[_AXES.index(axis)] = values[axis] * self._unit
            return
        if "28" in words.g_codes:
            self.events.append(("home", words.axes))
            for axis in words.axes or _AXES:
                self._at[_AXES.index(axis)] = 0.0
            return
        if not words.axes:
            return
        if self._motion == "80" or (self._motion != "0" and not self._feed):
            raise Wrong("error:31 or error:22")
        machine = "53" in words.g_codes
        for axis in words.axes:
            index = _AXES.index(axis)
            base = self._at[index] if self._relative and not machine else 0.0
            self._at[index] = base + values[axis] * self._unit
        arc = self._motion in ("2", "3")
        centre = tuple(values.get(each, 0.0) * self._unit for each in "IJKR") if arc else ()
        feed = None if self._motion == "0" else self._feed
        self.events.append((f"G{self._motion}", *self._at, feed, *centre))


class Marlin:
    """The first G, M or T; every later letter is a parameter of it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._at = [0.0, 0.0, 0.0]
        self._relative, self._unit, self._feed = False, 1.0, 0.0

    def take(self, line: str) -> None:
        if len(f"N99999 {line}*255") > 95:
            raise Wrong("cut")
        found = re.match(r"([GMT])(\d+)(?:\.\d+)?", line)
        if found is None:
            raise Wrong(f"unknown {line}")
        code, rest = found[1] + str(int(found[2])), line[found.end() :]
        # the first place of each letter counts, and E ends a number
        values: dict[str, float | None] = {}
        for letter, number in re.findall(r"([A-Z]) *([+-]?(?:\d+\.?\d*|\.\d+))?", rest):
            values.setdefault(letter, float(number) if number else None)
        self._act(code, {k: v for k, v in values.items() if v is not None}, list(values))

    def _act(  # noqa: C901, PLR0912 - one case for each code
        self, code: str, values: dict[str, float], seen: Sequence[str]
    ) -> None:
        axes = [axis for axis in _AXES if axis in values]
        match code:
            case "G0" | "G1" | "G2" | "G3":
                self._feed = values.get("F", 0.0) * self._unit or self._feed
                for axis in axes:
                    index = _AXES.index(axis)
                    base = self._at[index] if self._relative else 0.0
                    self._at[index] = base + values[axis] * self._unit
                arc = code in ("G2", "G3")
                centre = tuple(values.get(e, 0.0) * self._unit for e in "IJKR") if arc else ()
                if axes or arc:
                    feed = None if code == "G0" else self._feed
                    self.events.append((code, *self._at, feed, *centre))
            case "G4":
                seconds = values["S"] if "S" in values else int(values["P"]) / 1000
                self.events.append(("dwell", round(seconds, 6)))
            case "G20" | "G21":
                self._unit = 25.4 if code == "G20" else 1.0
            case "G90" | "G91":
                self._relative = code == "G91"
            case "G28":
                named = "".join(axis for axis in _AXES if axis in seen)
                self.events.append(("home", named))
                for axis in named or _AXES:
                    self._at[_AXES.index(axis)] = 0.0
            case "G92":
                for axis in axes:
                    self._at[_AXES.index(axis)] = values[axis] * self._unit
            case "M0" | "M3" | "M4" | "M5" | "M8" | "M9":
                self.events.append((code,))
            case "M82" | "M83":
                pass
            case _:
                raise Wrong(f"unknown {code}")
