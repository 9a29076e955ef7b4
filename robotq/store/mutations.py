"""What can be written: a store takes any number of these, and writes all or none."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from robotq.model.delivery import Delivery
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode, Occupancy
from robotq.model.item import Item, ItemBatch, ItemStatus
from robotq.model.json import JsonObject
from robotq.model.task import Task, TaskState


class SaveTask(msgspec.Struct, frozen=True, gc=False):
    """Write a task: a new one when its revision is 1, else over what it was, which must be the
    revision before."""

    task: Task
    was: Task | None
    """What is written over, as it is on disk; None for a new task. Only what is different is
    written where that can be told apart."""
    weight: int | None = None
    """What the command takes in memory, where somebody has weighed it; not written."""

    @property
    def before(self) -> TaskState | None:
        """The state that is written over; None for a new task."""
        return None if self.was is None else self.was.state


class AppendEvent(msgspec.Struct, frozen=True, gc=False):
    """Add a row to the journal; the store gives it the next number."""

    event: Event


class SaveHold(msgspec.Struct, frozen=True):
    """Set or replace the hold of this code on this robot."""

    hold: Hold


class DropHold(msgspec.Struct, frozen=True):
    """Lift a hold; nothing happens when it is not there."""

    robot: str
    code: HoldCode


class SaveOccupancy(msgspec.Struct, frozen=True):
    """Give a resource to a robot, in place of whoever had it."""

    occupancy: Occupancy


class DropOccupancy(msgspec.Struct, frozen=True):
    resource: str


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was answered to a submit with an Idempotency-Key."""

    scope: str
    """Interface and client: two clients may use the same key."""
    key: str
    fingerprint: str
    """SHA-256 of the request's body, hex."""
    body: JsonObject
    """The answer's facts, from which it can be given again."""
    at_ms: int


class SaveAnswer(msgspec.Struct, frozen=True, gc=False):
    """Remember an answer. The pair (scope, key) must be new."""

    answer: Answer


class DropAnswer(msgspec.Struct, frozen=True, gc=False):
    """Forget an answer, so that its key is free. Nothing happens where the key has another one."""

    answer: Answer


class SetFact(msgspec.Struct, frozen=True):
    """Remember a small fact about the daemon by name, e.g. whether it is armed."""

    name: str
    value: JsonObject | None
    """None forgets it."""


class SaveDelivery(msgspec.Struct, frozen=True):
    """Set or replace what is on record about a webhook."""

    delivery: Delivery


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """A number that is kept and never counted anew."""

    api: str
    name: str
    hour_ms: int = 0
    """The full hour that it is about, in milliseconds since the epoch; 0: all time."""
    value: int


class AddToTally(msgspec.Struct, frozen=True):
    """Raise the tally of this interface, name and hour by this value."""

    tally: Tally


class SaveItem(msgspec.Struct, frozen=True):
    """Write an item of the checklist: a new one when its revision is 1, else over the revision
    before."""

    item: Item


class DropItem(msgspec.Struct, frozen=True):
    """Remove an item, which must be at this revision."""

    item_id: str
    revision: int
    of_step: bool = False
    """Whether a step in the queue of a robot has made it."""


class SaveItemBatch(msgspec.Struct, frozen=True):
    """Write a new batch of items; they are written beside it."""

    batch: ItemBatch


class MarkItemOf(msgspec.Struct, frozen=True):
    """Bring the item that a task has made to where the task is. Nothing happens where there is
    none, or where it is completed already."""

    task_id: str
    status: ItemStatus | None
    """None removes it: nobody has to do it any more."""
    at_ms: int


Mutation: TypeAlias = (
    SaveTask
    | AppendEvent
    | SaveHold
    | DropHold
    | SaveOccupancy
    | DropOccupancy
    | SaveAnswer
    | DropAnswer
    | SetFact
    | SaveDelivery
    | SaveItem
    | DropItem
    | SaveItemBatch
    | MarkItemOf
    | AddToTally
)
