"""Lists of the tasks for workers: by what their interface keeps with them, in pages."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from robotq.model.task import TaskState


class JobOrder(StrEnum):
    """What tasks can be sorted by; those that are the same there by their arrival."""

    ARRIVAL = "arrival"
    PRIORITY = "priority"
    STATE = "state"
    """In the order of the alphabet."""


class JobQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks of one interface to list, and which page of them."""

    api: str
    states: frozenset[TaskState] = frozenset()
    """Empty: all."""
    priority: int | None = None
    match_contains: str | None = None
    """A part of the match key, upper and lower case being different."""
    tags: tuple[str, ...] = ()
    """All of them have to be among `command.extra["tags"]`."""
    submitted_from_ms: int | None = None
    submitted_to_ms: int | None = None
    """Both ends are included."""
    order: JobOrder = JobOrder.ARRIVAL
    descending: bool = True
    """The whole order, also of those that are the same."""
    offset: int = 0
    limit: int = 100
