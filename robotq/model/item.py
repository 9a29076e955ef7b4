"""An item of the checklist: something that a person does."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec


class ItemStatus(StrEnum):
    """How far an item is. In this order, where items are sorted by it."""

    PENDING = "pending"
    """Not begun."""
    IN_PROGRESS = "in_progress"
    """Somebody is at it; of a step in a robot's queue: the robot waits for it."""
    COMPLETED = "completed"
    """Ticked off."""


class ItemPriority(StrEnum):
    """How much an item matters. In this order, where items are sorted by it; an item can also
    have none."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item, as it is at one revision."""

    id: str
    """A UUID that rises with every item made; see `item_id`."""
    title: str
    created_at_ms: int
    updated_at_ms: int
    session_id: str | None = None
    batch_id: str | None = None
    description: str | None = None
    status: ItemStatus = ItemStatus.PENDING
    priority: ItemPriority | None = None
    due_date_ms: int | None = None
    completed_at_ms: int | None = None
    """Set exactly while the status is completed."""
    task_id: str | None = None
    """The task that made it, and whose robot waits for it."""
    revision: int = 1
    """Raised by every change; the store refuses to write over one that it does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemBatch:
    """Items that were made together. Never changed; it stays when all of its items are gone."""

    id: str
    session_id: str | None
    reason: str | None
    created_at_ms: int


_SERIAL_BITS = 12


class NewItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item as somebody wants it made."""

    title: str
    description: str | None = None
    status: ItemStatus = ItemStatus.PENDING
    priority: ItemPriority | None = None
    due_date_ms: int | None = None
    session_id: str | None = None


class ItemChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be changed of an item; None leaves a field as it is."""

    item_id: str
    title: str | None = None
    description: str | None = None
    status: ItemStatus | None = None
    priority: ItemPriority | None = None
    due_date_ms: int | None = None

    def applied_to(self, item: Item, now_ms: int, *, of_step: bool) -> Item:
        """`of_step`: a robot waits for it, so that only its task can complete it."""
        given: dict[str, Any] = {
            name: value
            for name in ("title", "description", "priority", "due_date_ms")
            if (value := getattr(self, name)) is not None
        }
        done = ItemStatus.COMPLETED
        if self.status not in (None, item.status) and not (of_step and self.status is done):
            given["status"] = self.status
            given["completed_at_ms"] = now_ms if self.status is done else None
        return replace(item, **given)


class ItemIds:
    """Makes UUIDs of version 7 (RFC 9562): milliseconds, a serial number, random bits.

    Each is greater than the one before, so that the order of ids is the order of making also
    within one millisecond, and where the clock was set back.
    """

    def __init__(self) -> None:
        self._last = 0

    def next(self, now_ms: int) -> str:
        """A new id."""
        self._last = max(self._last + 1, now_ms << _SERIAL_BITS)
        at_ms, serial = self._last >> _SERIAL_BITS, self._last & ((1 << _SERIAL_BITS) - 1)
        random = int.from_bytes(os.urandom(8)) >> 2
        value = at_ms << 80 | 7 << 76 | serial << 64 | 2 << 62 | random
        text = f"{value:032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
