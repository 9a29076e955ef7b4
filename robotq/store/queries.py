"""What can be asked for: which tasks, webhooks and items, in which order, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from robotq.model.delivery import DeliveryState
from robotq.model.item import ItemStatus
from robotq.model.task import TaskState


class TaskQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks to list, newest first."""

    api: str | None = None
    queue: str | None = None
    states: frozenset[TaskState] = frozenset()
    """Empty: all."""
    cmd_type: str | None = None
    cmd_id: str | None = None
    batch_id: str | None = None
    repeat_of: str | None = None
    """The first run of a repeating command: this one and those that followed."""
    error_code: str | None = None
    submitted_from_ms: int | None = None
    submitted_to_ms: int | None = None
    """Both ends are included."""
    before_seq: int | None = None
    """Only tasks that arrived before this one: the cursor to the next page."""
    limit: int = 50


class DeliveryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which webhooks to list, newest first."""

    state: DeliveryState | None = None
    task_id: str | None = None
    before: tuple[int, str, str] | None = None
    """Only those before this one, by `created_at_ms`, `task_id` and `receiver`: the cursor to
    the next page."""
    limit: int = 50


class ItemOrder(StrEnum):
    """What items can be sorted by. Those that have no such value come last, whichever way;
    those that have the same are sorted by when they were made, oldest first."""

    UPDATED = "updated_at"
    CREATED = "created_at"
    DUE = "due_date"
    PRIORITY = "priority"
    STATUS = "status"


class ItemQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which items of the checklist to list, and in which order."""

    ids: Sequence[str] | None = None
    """None: all that the rest allows."""
    batch_ids: Sequence[str] | None = None
    status: ItemStatus | None = None
    session_id: str | None = None
    task_id: str | None = None
    of_steps: bool | None = None
    """Only those that steps in the queues of robots have made, or only all others."""
    order: ItemOrder = ItemOrder.CREATED
    descending: bool = False
    offset: int = 0
    limit: int | None = None
    """None: all; for `ids` and `batch_ids`, which are limited by themselves."""


class ItemBatchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which batches of items to list, newest first."""

    batch_id: str | None = None
    session_id: str | None = None
    offset: int = 0
    limit: int = 10


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
