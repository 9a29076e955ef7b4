"""The way of an arc: how long it is, and how far it reaches beside its ends."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_PLANES = {"G17": ("X", "Y", "Z", "I", "J"), "G18": ("Z", "X", "Y", "K", "I"),
           "G19": ("Y", "Z", "X", "J", "K")}  # fmt: skip
_QUARTER = math.pi / 2
_SAME = 5e-7
"""Radians: grbl's ARC_ANGULAR_TRAVEL_EPSILON. An arc with less is a whole circle."""


class ArcWay(NamedTuple):
    length: float
    reaches: Mapping[str, Sequence[float]]
    """Axis -> where it turns back."""


def arc_way(
    motion: str,
    plane: str,
    start: Mapping[str, float | None],
    end: Mapping[str, float | None],
    *,
    words: Mapping[str, float],
    scale: float,
) -> ArcWay | None:
    """`words`: those of its line; centres are given from its start. None where it is not known
    where it begins. Millimetres."""
    first, second, along, to_first, to_second = _PLANES[plane]
    at = (start.get(first), start.get(second))
    to = (end.get(first), end.get(second))
    if at[0] is None or at[1] is None or to[0] is None or to[1] is None:
        return None
    clockwise = motion == "G2"
    if "R" in words:
        centre = _centre(at[0], at[1], to[0], to[1], words["R"] * scale, clockwise=clockwise)
    else:
        centre = (
            at[0] + words.get(to_first, 0.0) * scale,
            at[1] + words.get(to_second, 0.0) * scale,
        )
    radius = math.hypot(at[0] - centre[0], at[1] - centre[1])
    begin = math.atan2(at[1] - centre[1], at[0] - centre[0])
    turn = math.atan2(to[1] - centre[1], to[0] - centre[0]) - begin
    if clockwise:
        turn = -turn
    while turn <= _SAME:
        turn += 2 * math.pi
    while turn > 2 * math.pi + _SAME:
        turn -= 2 * math.pi
    if "P" in words and words["P"] > 1:
        turn += 2 * math.pi * (int(words["P"]) - 1)
    reaches: dict[str, list[float]] = {first: [], second: []}
    for quarter in range(4):
        angle = quarter * _QUARTER
        ahead = (begin - angle if clockwise else angle - begin) % (2 * math.pi)
        if ahead <= turn:
            axis, middle = (second, centre[1]) if quarter % 2 else (first, centre[0])
            reaches[axis].append(middle + (radius if quarter < 2 else -radius))
    lifted, before = end.get(along), start.get(along)
    height = 0.0 if lifted is None or before is None else lifted - before
    return ArcWay(math.hypot(radius * turn, height), reaches)


def _centre(
    x: float, y: float, to_x: float, to_y: float, radius: float, *, clockwise: bool
) -> tuple[float, float]:
    """A negative radius is the longer one of the two arcs."""
    dx, dy = to_x - x, to_y - y
    chord = math.hypot(dx, dy)
    if not chord:
        return x, y
    off = math.sqrt(max(0.0, radius * radius - chord * chord / 4))
    if clockwise != (radius < 0):
        off = -off
    return x + dx / 2 - dy / chord * off, y + dy / 2 + dx / chord * off
