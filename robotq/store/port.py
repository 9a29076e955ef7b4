"""The Store protocol: what the engine needs from a durable store, whichever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from robotq.model.delivery import Delivery, DeliveryState
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode, Occupancy
from robotq.model.item import Item, ItemBatch, ItemStatus
from robotq.model.json import JsonObject
from robotq.model.task import Task, TaskState
from robotq.store.job_query import JobQuery


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
    | SetFact
    | SaveDelivery
    | SaveItem
    | DropItem
    | SaveItemBatch
    | MarkItemOf
    | AddToTally
)


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


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the engine keeps in memory, as found on disk."""

    unfinished: Sequence[Task]
    """Pending and running, by arrival."""
    finished: Sequence[Task]
    """The latest ended ones, latest last."""
    counts: Mapping[tuple[str, str, TaskState], int]
    """Tasks ever accepted by (api, queue, state), also those that retention has removed."""
    holds: Sequence[Hold]
    occupancies: Sequence[Occupancy]
    facts: Mapping[str, JsonObject]
    deliveries: Sequence[Delivery]
    """Webhooks that are not delivered and not given up, oldest first."""
    last_seq: int
    """The highest number of arrival ever given; a new task gets a higher one."""
    last_event_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatistics:
    """Numbers for /health and /metrics."""

    kind: str
    """sqlite, memory."""
    version: str
    """Of the database library."""
    commits: int
    """Commits since the start."""
    applied: int
    """Calls of `apply` since the start; more than commits where commits were shared."""
    waiting: int
    """Calls of `apply` that are handed over and not yet answered."""
    last_commit_s: float
    """Seconds the last commit took."""
    details: JsonObject = field(default_factory=dict)


Committed: TypeAlias = Callable[[Sequence[Event]], None]
"""What a caller of `apply` does as soon as its mutations are on disk. Raises nothing."""


class StoreUnavailable(Exception):
    """Nothing of the call was written. The store may work again later; see `probe`."""


class StaleRevision(Exception):
    """A task or an item was changed by somebody else since it was read, or a robot would have
    two running tasks. Nothing was written."""


class DuplicateKey(Exception):
    """An answer for this scope and key is there already. Nothing was written."""


@runtime_checkable
class InFolder(Protocol):
    """A store that keeps its data in a folder, where other parts can keep theirs beside it."""

    @property
    def folder(self) -> Path: ...


class Store(Protocol):
    """The durable truth. All methods are of the loop that called `open`, and none of them blocks
    it. Those that read see whatever `apply` has returned from, and raise
    StoreUnavailable where the disk cannot be read or too many reads wait."""

    async def open(self, *, finished: int) -> Restored:
        """Open, migrate to the present schema, and read what the engine needs.

        `finished` is how many ended tasks to return at most.
        Raises ConfigError when another daemon uses the same data, when a later robotq wrote it,
        when it cannot be used, or when the library is too old.
        """

    def apply(
        self, mutations: Sequence[Mutation], committed: Committed | None = None
    ) -> asyncio.Future[Sequence[Event]]:
        """Write all mutations in one transaction, or none.

        `committed` is called with the events, on the loop, in the order of the commits, and
        before the caller goes on; also where the caller was cancelled meanwhile, so that
        nothing can be on disk that memory does not know of.

        When the future is done they survive a power cut. Calls take effect in the order in which
        they were made; one whose caller is cancelled while it waits takes effect all the same,
        and so does one whose caller has answered the future itself because it took too long.
        Gives the appended events with their numbers.
        Raises StoreUnavailable, also at once, StaleRevision, DuplicateKey; and TypeError or
        ValueError for what JSON or the database cannot hold, e.g. a whole number of more than 64
        bits.
        """

    async def get(self, task_id: str) -> Task | None: ...

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        """Newest first, by number of arrival."""

    async def events_since(
        self,
        event_id: int,
        *,
        limit: int,
        task_id: str | None = None,
        api: str | None = None,
    ) -> Sequence[Event]:
        """The journal after an event, oldest first: all of it, or what is about a task, or
        about the tasks of an interface."""

    async def answer(self, scope: str, key: str) -> Answer | None: ...

    async def deliveries(self, query: DeliveryQuery) -> Sequence[Delivery]:
        """Newest first, by the end of their tasks."""

    async def jobs(self, query: JobQuery) -> tuple[Sequence[Task], int]:
        """Those of the page, and how many there are on all pages."""

    async def items(self, query: ItemQuery) -> tuple[Sequence[Item], int]:
        """Those of the page, and how many there are on all pages."""

    async def item_batches(self, query: ItemBatchQuery) -> tuple[Sequence[ItemBatch], int]:
        """Those of the page, newest first, and how many there are on all pages."""

    async def tallies(self, api: str, *, from_ms: int, to_ms: int) -> Sequence[Tally]:
        """Those of the hours from `from_ms` to `to_ms`, both included; oldest first, then by
        name. `from_ms=0, to_ms=0` are those over all time."""

    async def prune(
        self, *, tasks_before_ms: int, events_before_ms: int, answers_before_ms: int, limit: int
    ) -> int:
        """Remove ended tasks, events and answers that are older, at most `limit` of each.

        Webhooks go at the age of tasks, and so do completed items that tasks have made; tallies
        of an hour at that of events. An answer stays while a task of it is unfinished, or ended
        at `answers_before_ms` or later. Tasks whose unknown outcome nobody has resolved are kept,
        and webhooks that are still to be sent. Returns how many rows went; call again while it
        is not 0.
        """

    async def probe(self) -> None:
        """Write something small. Raises StoreUnavailable while the store takes no writes."""

    def statistics(self) -> StoreStatistics: ...

    async def close(self) -> None:
        """Write what was handed over, then close. Safe to call twice."""
