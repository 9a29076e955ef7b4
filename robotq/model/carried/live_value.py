"""A number that a robot tells of itself while it works and while it does not."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Range: TypeAlias = tuple[float | None, float | None]
"""Least and most; None where there is no such limit."""

MOST_VALUES = 32
"""Of one robot."""
LONGEST_UNIT = 16
VALUE_NAME = r"^[a-z][a-z0-9_]{0,47}$"
"""Names stand in addresses and in labels of metrics."""

_NAME = re.compile(VALUE_NAME, re.ASCII)
_UNIT = re.compile(r"[^\x00-\x1f\x7f]*")


class ValueState(StrEnum):
    """`stale` goes before all others: nobody knows what it is now."""

    NORMAL = "normal"
    LOW = "low"
    """Below its normal range."""
    HIGH = "high"
    NO_RANGE = "no_range"
    """Nobody has said what is normal."""
    STALE = "stale"
    """Not heard for a while, or the robot is not connected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveValue:
    """What a driver has heard, such as the charge of a battery."""

    value: float
    unit: str = ""
    """As people write it: %, °C, mm, N."""
    normal: Range | None = None
    """What it is while all is well. None: every value is as good as any other."""
    age_s: float = 0.0
    """Seconds since the robot has said it. A value that was heard long ago is no value of now."""


def fault_of(name: object, value: object) -> str:
    """Why this is not kept; empty where nothing is wrong. Drivers may come from anywhere."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return "a name is a small letter, and up to 47 of a-z, 0-9 and _"
    if not isinstance(value, LiveValue):
        return "expected a LiveValue"
    number: object = value.value
    if isinstance(number, bool) or not isinstance(number, int | float):
        return "expected a number"
    try:
        finite = math.isfinite(number)
    except OverflowError:
        finite = False
    if not finite:
        return "expected a finite number"
    unit: object = value.unit
    if not isinstance(unit, str) or len(unit) > LONGEST_UNIT or not _UNIT.fullmatch(unit):
        return f"a unit has {LONGEST_UNIT} characters at most"
    if not _is_range(value.normal):
        return "a range is two numbers, least and most; None for one that there is not"
    age_s: object = value.age_s
    if not isinstance(age_s, int | float) or not age_s >= 0:
        return "an age is in seconds, 0 or more"
    return ""


def _is_range(normal: object) -> bool:
    if normal is None:
        return True
    if not isinstance(normal, tuple | list) or len(normal) != 2:
        return False
    least, most = normal
    numbers = [one for one in (least, most) if one is not None]
    if not all(isinstance(one, int | float) and math.isfinite(one) for one in numbers):
        return False
    return len(numbers) < 2 or numbers[0] <= numbers[1]


def state_of(value: float, normal: Range | None) -> ValueState:
    """Where a value stands beside its range."""
    if normal is None or normal == (None, None):
        return ValueState.NO_RANGE
    least, most = normal
    if least is not None and value < least:
        return ValueState.LOW
    return ValueState.HIGH if most is not None and value > most else ValueState.NORMAL


LiveValues: TypeAlias = Mapping[str, LiveValue]
