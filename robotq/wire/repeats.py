"""Commands that repeat by the clock of the wall."""

from __future__ import annotations

from typing import Annotated

from robotq.wire.base import Answer, LocalTime, Object, Success, missing, one_of


class SkippedRun(Answer, kw_only=True):
    """A run that did not take place, and is not caught up."""

    at_ms: int
    """When it was due; of several, the last one."""
    at_time: LocalTime
    missed: int
    """How many in a row for the same reason."""
    code: Annotated[str, one_of("skip.off", "skip.held", "skip.before", "skip.refused")]
    reason: str


class RepeatByTheClock(Answer, kw_only=True):
    """A command that is submitted at a time of day."""

    repeat_id: str
    at: str
    """`HH:MM` on the wall."""
    days: tuple[str, ...]
    """Of the week: mon, tue, wed, thu, fri, sat, sun."""
    zone: str | None
    """A time zone by its name; null: that of the daemon."""
    within_s: int
    """Seconds that a run has to begin; then it fails with `expired`."""
    robot_id: str
    command: Object
    actor: str
    made_ms: int
    next_ms: int
    next_time: LocalTime
    last_ms: int | None = missing()
    """When the latest run was due that took place."""
    last_task_id: str | None = missing()
    skipped: SkippedRun | None = missing()
    """The latest."""


class Repeats(Answer, kw_only=True):
    """All of them, the next one first."""

    repeats: tuple[RepeatByTheClock, ...]
    zone: str
    """Of the daemon, as its clock calls it now."""
    clock: str
    """`HH:MM` by that clock."""


class RepeatDone(Answer, kw_only=True):
    success: Success = missing(True)
    message: str = missing("")
    repeat: RepeatByTheClock
