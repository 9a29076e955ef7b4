"""Programs read by the standard, RS274/NGC: what moves, and in which order. Shares nothing with the
reader."""

from __future__ import annotations

import re
from typing import Any

Event = tuple[Any, ...]

_GROUPS = {
    **dict.fromkeys((0, 1, 2, 3, 80), "motion"),
    **dict.fromkeys((17, 18, 19), "plane"),
    **dict.fromkeys((90, 91), "distance"),
    **dict.fromkeys((20, 21), "units"),
    **dict.fromkeys((93, 94), "feed"),
    **dict.fromkeys((4, 28, 92, 53), "other"),
    54: "system",
    40: "cutter",
    49: "length",
}
_M_GROUPS = {0: "stop", 2: "stop", 30: "stop", 3: "spindle", 4: "spindle", 5: "spindle",
             8: "coolant", 9: "coolant"}  # fmt: skip
_AXES = "XYZ"


class Invalid(Exception):
    """No program by the standard."""


def events(lines: list[str]) -> list[Event]:
    """Raises Invalid."""
    reader = _Standard()
    for line in lines:
        reader.line(line)
        if reader.over:
            break
    return reader.events


class _Standard:
    """Begins in millimetres, absolute, in XY, with feeds per minute, and without a motion."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.over = False
        self._at = [0.0, 0.0, 0.0]
        self._modes: dict[str, int] = {"motion": 80, "plane": 17, "distance": 90, "units": 21,
                                       "feed": 94}  # fmt: skip
        self._feed = 0.0

    def line(self, text: str) -> None:
        bare = re.sub(r"\([^()]*\)|;.*", "", text).upper().replace(" ", "").replace("\t", "")
        if bare.startswith("N"):
            bare = re.sub(r"^N\d+", "", bare)
        if not bare:
            return
        words = re.findall(r"([A-Z])([+-]?(?:\d+\.?\d*|\.\d+))", bare)
        if "".join(map("".join, words)) != bare:
            raise Invalid(text)
        values: dict[str, float] = {}
        groups: dict[str, int] = {}
        for letter, number in words:
            if letter in "GM":
                table = _GROUPS if letter == "G" else _M_GROUPS
                group = table.get(float(number))  # type: ignore[call-overload]
                if group is None or group in groups:
                    raise Invalid(text)
                groups[group] = int(float(number))
            elif letter in values:
                raise Invalid(text)
            else:
                values[letter] = float(number)
        self._carry_out(groups, values)

    def _carry_out(  # noqa: C901, PLR0912 - the order of execution, one thing after the other
        self, groups: dict[str, int], values: dict[str, float]
    ) -> None:
        modes = self._modes
        if "feed" in groups and groups["feed"] != modes["feed"]:
            self._feed = 0.0
        modes.update({name: groups[name] for name in modes if name in groups})
        unit = 25.4 if modes["units"] == 20 else 1.0
        if "F" in values:
            self._feed = values["F"] * unit
        for name in ("spindle", "coolant"):
            if name in groups:
                self.events.append((f"M{groups[name]}",))
        other = groups.get("other")
        if other == 4:
            if "P" not in values:
                raise Invalid("G4")
            self.events.append(("dwell", round(values["P"], 6)))
        axes = [axis for axis in _AXES if axis in values]
        if other == 92:
            if not axes:
                raise Invalid("G92")
            for axis in axes:
                self._at[_AXES.index(axis)] = values[axis] * unit
        elif other == 28:
            if "motion" in groups and groups["motion"] != 80:
                raise Invalid("G28")
            self.events.append(("home", "".join(axes)))
            for axis in axes or _AXES:
                self._at[_AXES.index(axis)] = 0.0
        elif axes or (groups.get("motion", 80) in (2, 3)):
            self._move(axes, values, unit, machine=other == 53)
        if "stop" in groups:
            self.over = groups["stop"] != 0
            if not self.over:
                self.events.append(("M0",))

    def _move(
        self, axes: list[str], values: dict[str, float], unit: float, *, machine: bool
    ) -> None:
        motion = self._modes["motion"]
        if motion == 80 or (machine and motion > 1):
            raise Invalid("no motion")
        for axis in axes:
            index = _AXES.index(axis)
            relative = self._modes["distance"] == 91 and not machine
            base = self._at[index] if relative else 0.0
            self._at[index] = base + values[axis] * unit
        feed = self._feed if motion else None
        if motion and (not self._feed or (self._modes["feed"] == 93 and "F" not in values)):
            raise Invalid("no feed")
        centre: tuple[float, ...] = ()
        if motion > 1:
            plane = {17: "XYIJ", 18: "XZIK", 19: "YZJK"}[self._modes["plane"]]
            if not set(plane[:2]) & set(axes) or not set(plane[2:] + "R") & set(values):
                raise Invalid("arc")
            centre = tuple(values.get(letter, 0.0) * unit for letter in "IJKR")
        self.events.append((f"G{motion}", *self._at, feed, *centre))
