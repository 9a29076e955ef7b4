"""What robots tell of themselves: values, alarms, and what is to be seen to."""

from __future__ import annotations

from typing import Annotated

from robotq.wire.base import Answer, Success, one_of

ValueState = Annotated[str, one_of("normal", "low", "high", "no_range", "stale")]
"""stale: not heard for a while, or the robot is not connected; nobody knows what it is now."""


class Alarm(Answer, kw_only=True):
    """What somebody has to act on. Its words are those of the hold or wait that it stands for."""

    id: str
    """Another one when it is set again."""
    code: str
    """Of a hold, or of a wait."""
    priority: Annotated[str, one_of("high", "medium", "low")]
    robot_id: str | None
    """Null for all robots."""
    task_id: str | None
    since_ms: int
    first: bool
    """Of several, the one that came first."""
    acknowledged_by: str | None
    """Who has said that they have seen it."""
    acknowledged_at_ms: int | None
    shelved_by: str | None
    """Who wants no sound of it; the hold stays, and is shown."""
    shelved_until_ms: int | None
    """When that ends by itself."""


class Alarms(Answer, kw_only=True):
    alarms: tuple[Alarm, ...]
    """Most urgent first."""


class AlarmDone(Answer, kw_only=True):
    success: Success
    message: str
    alarm: Alarm


class Value(Answer, kw_only=True):
    """A number that a robot tells of itself, as it was heard last."""

    name: str
    value: float
    unit: str
    normal: tuple[float | None, float | None] | None
    """Least and most of what is normal; null where nobody has said."""
    state: ValueState
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


class MaintenanceItem(Answer, kw_only=True):
    """One thing to be seen to, as it stands now."""

    robot_id: str
    item: str
    counts: str
    """commands, hours, days, or a cmd_type."""
    used: float
    """Since somebody has seen to it last."""
    every: float
    state: Annotated[str, one_of("ok", "soon", "due")]
    holds: bool
    """The queue of its robot is paused while it is due."""
    since_ms: int
    done_by: str
    """robotq: it counts from there on."""
    text: str


class Maintenance(Answer, kw_only=True):
    items: tuple[MaintenanceItem, ...]


class MaintenanceDone(Answer, kw_only=True):
    success: Success
    message: str
    item: MaintenanceItem
