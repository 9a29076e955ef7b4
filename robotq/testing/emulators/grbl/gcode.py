"""The modes of G-code that outlive a line, and the errors that depend on them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy

from robotq.testing.emulators.grbl.words import Refused, Words
from robotq.testing.emulators.motion import Point

_RAPID_MM_S = 100.0
_INCH_MM = 25.4
_PLANES = {"17": (0, 1), "18": (2, 0), "19": (1, 2)}
_ALWAYS_USED = frozenset("FNST")
_USED = {"4": "P", "10": "PLR", "43": "H", "43.2": "H"}
_CYCLES = frozenset({"73", "81", "82", "83", "85", "86", "89"})
_USED_BY_M = {"62": "P", "63": "P", "64": "P", "65": "P", "66": "EPLQ", "67": "EQ", "68": "EQ"}

_IN_A_JOG = frozenset({"20", "21", "53", "90", "91"})
_SYNCHRONISING = frozenset({"10", "43.1", "49", "54", "55", "56", "57", "58", "59", "92", "92.1"})
"""Codes that change the offset: what is planned is carried out first."""

_NOWHERE: Point = (0.0, 0.0, 0.0)


class Modes:
    """What one line leaves to the next ones. A reset leaves none of it."""

    def __init__(self, systems: Mapping[str, Point] | None = None) -> None:
        """`systems`: where the stored coordinate systems 54 to 59 begin."""
        self.feed_mm_s = 0.0
        self.motion: str | None = "0"
        self.relative = False
        self.inches = False
        self.plane = "17"
        self.feed_mode = "94"
        self.system = "54"
        self.spindle = False
        self.coolant = False
        self.speed = 0.0
        self.tool = 0.0
        self._turns = "5"
        """3, 4 or 5: how the spindle turns."""
        self.shifted = _NOWHERE
        """By G92."""
        self._systems = systems or {}

    def told(self) -> str:
        """As the answer to `$G` says it."""
        codes = (self.motion or "80", self.system, self.plane, "20" if self.inches else "21",
                 "91" if self.relative else "90", self.feed_mode)  # fmt: skip
        return " ".join(
            [*(f"G{code}" for code in codes), f"M{self._turns}", "M8" if self.coolant else "M9",
             f"T{self.tool:g}", f"F{round(self.feed_mm_s * 60, 3):g}", f"S{self.speed:g}"]
        )  # fmt: skip

    @property
    def speed_mm_s(self) -> float:
        return _RAPID_MM_S if self.motion in (None, "0") else self.feed_mm_s

    @property
    def offset(self) -> Point:
        """Machine coordinates of the point that programs call 0, 0, 0."""
        own, shifted = self._systems.get(self.system, _NOWHERE), self.shifted
        return (own[0] + shifted[0], own[1] + shifted[1], own[2] + shifted[2])

    def take(self, words: Words, at: Point) -> None:
        """`at`: where the planned motions lead. Raises Refused; then nothing is in effect."""
        motion = self._checked(words, at)
        self.motion = motion
        if {"93": "94", "94": "93"}.get(self.feed_mode) in words.g_codes:
            self.feed_mm_s = 0.0
        for code in words.g_codes:
            self.obey(code)
        for code in words.m_codes:
            self.spindle = code in ("3", "4") or (self.spindle and code != "5")
            self.coolant = code in ("7", "8") or (self.coolant and code != "9")
            self._turns = code if code in ("3", "4", "5") else self._turns
        self.speed = words.values.get("S", self.speed)
        self.tool = words.values.get("T", self.tool)
        if "F" in words.values:
            self.feed_mm_s = words.values["F"] * self.unit_mm / 60
        if "92" in words.g_codes:
            own = self._systems.get(self.system, _NOWHERE)
            x, y, z = (
                at[i] - own[i] - words.values[axis] * self.unit_mm
                if axis in words.values
                else self.shifted[i]
                for i, axis in enumerate("XYZ")
            )
            self.shifted = (x, y, z)
        if not {"2", "30"}.isdisjoint(words.m_codes):
            # what the end of a program puts back; units, feed and G92 stay
            self.motion, self.plane, self.feed_mode, self.system = "1", "17", "94", "54"
            self.relative = self.spindle = self.coolant = False
            self._turns = "5"

    def _checked(self, words: Words, at: Point) -> str | None:
        """The motion that is in effect behind the line. Raises Refused."""
        values, codes = words.values, words.g_codes
        motion = words.motion or self.motion
        motion = None if motion == "80" else motion
        moving = bool(words.axes) and not words.own_axes
        mode = next((code for code in codes if code in ("93", "94")), self.feed_mode)
        feeding = motion not in (None, "0") and (moving or words.motion is not None)
        if mode == "93" and feeding and "F" not in values:
            raise Refused(22)
        if "4" in codes and "P" not in values:
            raise Refused(28)
        if "43.1" in codes and words.axes != "Z":
            raise Refused(37)
        if not words.axes and ("10" in codes or "92" in codes):
            raise Refused(26)
        if "10" in codes:
            self._check_stored(values)
        if "53" in codes and motion not in ("0", "1"):
            raise Refused(30)
        if words.axes and motion is None:
            # also those that are meant for G28, G92 and their like
            raise Refused(31)
        if feeding and motion is not None:
            feed = values.get("F", self.feed_mm_s if mode == self.feed_mode else 0.0)
            if not feed:
                raise Refused(22)
            self._check_motion(motion, words, at)
        self._check_used(words, motion if moving or words.motion else None)
        return motion

    def _check_stored(self, values: Mapping[str, float]) -> None:
        if values.keys().isdisjoint("PL"):
            raise Refused(28)
        if int(values.get("P", 0.0)) > len("123456"):
            raise Refused(29)
        if int(values.get("L", 0.0)) != 20 and (int(values.get("L", 0.0)) != 2 or "R" in values):
            raise Refused(20)

    def _check_motion(self, motion: str, words: Words, at: Point) -> None:
        if not words.axes and motion != "1":
            raise Refused(26)
        if motion.startswith("38") and self._ahead(words).end(at, words) == at:
            raise Refused(33)
        if motion in ("2", "3"):
            self._check_arc(words, at)

    def _check_arc(self, words: Words, at: Point) -> None:
        values = words.values
        plane = next((code for code in words.g_codes if code in _PLANES), self.plane)
        first, second = _PLANES[plane]
        if not {"XYZ"[first], "XYZ"[second]} & values.keys():
            raise Refused(32)
        end = self._ahead(words).end(at, words)
        way = (end[first] - at[first], end[second] - at[second])
        unit = self._ahead(words).unit_mm
        if "R" in values:
            if not any(way):
                raise Refused(33)
            if math.hypot(*way) > 2 * abs(values["R"]) * unit + 1e-4:
                raise Refused(34)
            return
        if not {"IJK"[first], "IJK"[second]} & values.keys():
            raise Refused(35)
        centre = (values.get("IJK"[first], 0.0) * unit, values.get("IJK"[second], 0.0) * unit)
        radius = math.hypot(*centre)
        off = abs(math.dist(centre, way) - radius)
        if off > 0.5 or (off > 0.005 and off > 0.001 * radius):
            raise Refused(33)

    def _ahead(self, words: Words) -> Modes:
        """The modes that this line is carried out in."""
        ahead = copy(self)
        for code in words.g_codes:
            ahead.obey(code)
        return ahead

    def _check_used(self, words: Words, motion: str | None) -> None:
        used = set(_ALWAYS_USED)
        for code in words.g_codes:
            used |= set(_USED.get(code, ""))
        for code in words.m_codes:
            used |= set(_USED_BY_M.get(code, ""))
        if words.axes and (words.own_axes or motion is not None):
            used |= set("XYZABCUVW")
        if motion in ("2", "3"):
            used |= {"R"} if "R" in words.values else set("IJK")
        if motion in _CYCLES:
            used |= set("RPQL")
        if not words.values.keys() <= used:
            raise Refused(36)

    def obey(self, code: str) -> None:
        if code in ("90", "91"):
            self.relative = code == "91"
        if code in ("20", "21"):
            self.inches = code == "20"
        if code in ("17", "18", "19"):
            self.plane = code
        if code in ("93", "94"):
            self.feed_mode = code
        if code in ("54", "55", "56", "57", "58", "59"):
            self.system = code
        if code == "92.1":
            self.shifted = _NOWHERE

    def end(self, start: Point, words: Words) -> Point:
        """Where a motion from `start` leads, in machine coordinates."""
        offset = _NOWHERE if "53" in words.g_codes else self.offset
        return _end(
            start, words.values, relative=self.relative, unit_mm=self.unit_mm, offset=offset
        )

    def jog(self, start: Point, words: Words) -> tuple[Point, float]:
        """Where a jog leads, and its speed in mm/s. It leaves no mode behind. Raises Refused."""
        values = words.values
        if "F" not in values:
            raise Refused(22)
        ahead = self._ahead(words)
        if words.own_axes or not _IN_A_JOG.issuperset(words.g_codes) or words.m_codes:
            raise Refused(16)
        if not words.axes:
            raise Refused(26)
        if not set("FNXYZ").issuperset(values):
            raise Refused(36)
        if not values["F"]:
            raise Refused(22)
        return ahead.end(start, words), values["F"] * ahead.unit_mm / 60

    def synchronises(self, words: Words) -> bool:
        """It is answered when what is planned is carried out: before it switches something, or
        the coordinates are others. Asked before it is in effect."""
        if not {"2", "30"}.isdisjoint(words.m_codes):
            return True
        spindle, coolant = self.spindle, self.coolant
        for code in words.m_codes:
            spindle = code in ("3", "4") or (spindle and code != "5")
            coolant = code in ("7", "8") or (coolant and code != "9")
        switched = (spindle, coolant) != (self.spindle, self.coolant)
        return switched or not _SYNCHRONISING.isdisjoint(words.g_codes)

    @property
    def unit_mm(self) -> float:
        return _INCH_MM if self.inches else 1.0


def _end(
    start: Point, values: Mapping[str, float], *, relative: bool, unit_mm: float, offset: Point
) -> Point:
    base = start if relative else offset
    return (
        base[0] + values["X"] * unit_mm if "X" in values else start[0],
        base[1] + values["Y"] * unit_mm if "Y" in values else start[1],
        base[2] + values["Z"] * unit_mm if "Z" in values else start[2],
    )
