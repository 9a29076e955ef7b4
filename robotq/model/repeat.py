"""A command that repeats by the clock of the wall, and when it is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache

import msgspec

from robotq.model.json import JsonObject

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Days of the week as `date.weekday` counts them."""


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run did not take place."""

    at_ms: int
    """When it was due; of several, the last one."""
    missed: int
    """How many in a row for this reason."""
    code: str
    """Of `model.texts`."""
    args: JsonObject = msgspec.field(default_factory=dict)


class ByTheClock(msgspec.Struct, frozen=True, kw_only=True):
    """A command that is submitted at a time of day."""

    id: str
    at: str
    """`HH:MM` on the wall."""
    days: tuple[str, ...]
    """Some of `DAYS`."""
    zone: str | None
    """A name such as Europe/Berlin; None: the time zone of the machine."""
    within_s: int
    """Seconds that a run has to begin; then it expires."""
    robot: str
    command: JsonObject
    """As it was sent, with its robot."""
    actor: str
    agent: bool
    made_ms: int
    handled_ms: int
    """What was due until then has run or was skipped."""
    last_ms: int | None = None
    last_task_id: str | None = None
    skipped: Skipped | None = None
    """The latest."""

    def next_ms(self) -> int:
        """The first time after what is handled already."""
        return next_due_ms(self.at, self.days, zone_of(self.zone), self.handled_ms)


@lru_cache(maxsize=64)
def zone_of(name: str | None) -> tzinfo | None:
    """The time zone of this name, None for that of the machine. Raises ValueError for one that
    this machine does not know."""
    if name is None:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - seldom needed

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError(f"this machine knows no time zone {name!r}") from error


def next_due_ms(at: str, days: tuple[str, ...], zone: tzinfo | None, after_ms: int) -> int:
    """The first time of day `at` on one of `days` that is later than `after_ms`."""
    hour, minute = at.split(":")
    on_the_wall = time(int(hour), int(minute))
    day = datetime.fromtimestamp(after_ms / 1000, zone).date() - timedelta(days=1)
    for _ in range(10):
        due_ms = moment_ms(day, on_the_wall, zone)
        if DAYS[day.weekday()] in days and due_ms > after_ms:
            return due_ms
        day += timedelta(days=1)
    raise ValueError("no day of the week is chosen")


def moment_ms(day: date, on_the_wall: time, zone: tzinfo | None) -> int:
    """When this time of day is, in milliseconds since 1970.

    A time that a change of the clocks leaves out is when they are put forward: 02:30 is 03:00
    then. Of a time that comes twice it is the first one.
    """
    wall = datetime.combine(day, on_the_wall)
    at_s = wall.replace(tzinfo=zone, fold=0).timestamp()
    if datetime.fromtimestamp(at_s, zone).replace(tzinfo=None) == wall:
        return round(at_s * 1000)
    # `at_s` is as much behind the change as the time is behind the gap's beginning
    before_s, after_s = int(wall.replace(tzinfo=zone, fold=1).timestamp()), int(at_s)
    forward = _ahead_s(after_s, zone)
    while after_s - before_s > 1:
        middle_s = (before_s + after_s) // 2
        if _ahead_s(middle_s, zone) == forward:
            after_s = middle_s
        else:
            before_s = middle_s
    return after_s * 1000


def _ahead_s(at_s: int, zone: tzinfo | None) -> float:
    """By how much the clocks are ahead of UTC."""
    offset = datetime.fromtimestamp(at_s, zone).astimezone(zone).utcoffset()
    return 0.0 if offset is None else offset.total_seconds()


def to_fact(repeat: ByTheClock) -> JsonObject:
    fact: JsonObject = msgspec.to_builtins(repeat)
    return fact


def from_fact(fact: Mapping[str, object]) -> ByTheClock:
    """Raises msgspec.ValidationError."""
    return msgspec.convert(fact, ByTheClock)
