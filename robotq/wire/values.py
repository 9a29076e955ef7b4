"""What robots measure."""

from __future__ import annotations

from typing import Annotated

from robotq.wire.base import Answer, one_of

State = Annotated[str, one_of("normal", "low", "high", "no_range", "stale")]
"""stale: not heard for a while, or the robot is not connected; nobody knows what it is now."""


class Value(Answer, kw_only=True):
    """A number that a robot tells of itself, as it was heard last."""

    name: str
    value: float
    unit: str
    normal: tuple[float | None, float | None] | None
    """Least and most of what is normal; null where nobody has said."""
    state: State
    age_s: float
    """Seconds since the robot has said it. Never show a stale one as what it is now."""
    alarm: bool
    """It is out of its range for so long that somebody has to act, by the configuration."""


class ValueLook(Value, kw_only=True):
    """A value at one look."""

    trend: tuple[float | None, ...]
    """Of the last hour, oldest first; null where nothing was heard."""


class ValuePoint(Answer, kw_only=True):
    """What was heard within some seconds from `at_ms` on."""

    at_ms: int
    least: float
    most: float
    last: float


class ValueCourse(Value, kw_only=True):
    """A value with its course over the last hour."""

    points: tuple[ValuePoint, ...]
    """Oldest first; times in which nothing was heard are left out."""


class RobotValues(Answer, kw_only=True):
    """What one robot tells of itself."""

    robot_id: str
    at_ms: int
    connected: bool
    every_s: float
    """Seconds of one point."""
    values: tuple[ValueCourse, ...]
