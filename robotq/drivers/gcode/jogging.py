"""What jogs of G-code controllers have in common: the options, and how far there is room."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from robotq.drivers.jogging import JogLimits, JogWanted
from robotq.drivers.reading import Section
from robotq.model.json import JsonObject

AXES = ("x", "y", "z")

WorkArea = Mapping[str, tuple[float, float]]
"""Axis -> the least and the greatest coordinate, in millimetres, as the controller homes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JogOptions:
    most_mm_s: float
    """0: no jog at all."""
    unhomed_mm_s: float
    unhomed_mm: float
    acceleration_mm_s2: float | None


def read_jog(section: Section) -> JogOptions:
    """The option `jog`. Raises ConfigError."""
    inner = section.section("jog") if "jog" in section.names() else Section({}, lambda _: "")
    read = JogOptions(
        most_mm_s=inner.number("most_mm_s", least=0, default=20.0),
        unhomed_mm_s=inner.number("unhomed_mm_s", least=0, default=5.0),
        unhomed_mm=inner.number("unhomed_mm", above=0, default=10.0),
        acceleration_mm_s2=(
            inner.number("acceleration_mm_s2", above=0, default=1.0)
            if "acceleration_mm_s2" in inner.names()
            else None
        ),
    )
    inner.end()
    return read


def read_area(section: Section) -> WorkArea:
    """The option `work_area`. Raises ConfigError."""
    if "work_area" not in section.names():
        return {}
    inner = section.section("work_area")
    area: dict[str, tuple[float, float]] = {}
    for axis in inner.names():
        if axis not in AXES:
            inner.refuse(axis, f"expected one of {', '.join(AXES)}")
        ends = inner.numbers(axis)
        if len(ends) != 2 or ends[0] >= ends[1]:
            inner.refuse(axis, "expected two coordinates, the smaller one first, like [0, 300]")
        area[axis] = (ends[0], ends[1])
    return area


def limits_of(jog: JogOptions, *, known: bool) -> JogLimits | None:
    """`known`: it is known where the robot stands. None where it cannot be jogged."""
    most_mm_s = jog.most_mm_s if known else min(jog.most_mm_s, jog.unhomed_mm_s)
    if not most_mm_s:
        return None
    return JogLimits(axes=AXES, most_mm_s=most_mm_s, most_mm=None if known else jog.unhomed_mm)


def room_mm(
    wanted: JogWanted, at_mm: float | None, area: WorkArea, jog: JogOptions, *, known: bool
) -> float:
    """How far it may go. Who does not know where it stands gets no further than a little way."""
    ends = area.get(wanted.axis)
    if not known or (ends is not None and at_mm is None):
        return jog.unhomed_mm
    if ends is None or at_mm is None:
        return math.inf
    return max(0.0, ends[1] - at_mm if wanted.direction > 0 else at_mm - ends[0])


def told(
    wanted: JogWanted,
    start: Mapping[str, float],
    end: Mapping[str, float],
    *,
    at_limit: bool,
) -> JsonObject:
    """The result of a jog."""
    axis = wanted.axis
    known = axis in start and axis in end
    return {
        "moved_mm": round(abs(end[axis] - start[axis]), 3) if known else None,
        "start": dict(start),
        "end": dict(end),
        "at_limit": at_limit,
    }
