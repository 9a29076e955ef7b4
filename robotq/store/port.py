"""The Store protocol: what the engine needs from a durable store, whichever it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from robotq.model.delivery import Delivery
from robotq.model.event import Event
from robotq.model.hold import Hold, Occupancy
from robotq.model.item import Item, ItemBatch
from robotq.model.json import JsonObject
from robotq.model.task import Task, TaskState
from robotq.store.mutations import (
    AddToTally,
    Answer,
    AppendEvent,
    DropAnswer,
    DropHold,
    DropItem,
    DropOccupancy,
    MarkItemOf,
    Mutation,
    SaveAnswer,
    SaveDelivery,
    SaveHold,
    SaveItem,
    SaveItemBatch,
    SaveOccupancy,
    SaveTask,
    SetFact,
    Tally,
)
from robotq.store.queries import (
    DeliveryQuery,
    ItemBatchQuery,
    ItemOrder,
    ItemQuery,
    JobQuery,
    TaskQuery,
)

__all__ = [
    "MOVING",
    "THERE_FRESH_MS",
    "AddToTally",
    "Answer",
    "AppendEvent",
    "Committed",
    "DeliveryQuery",
    "DropAnswer",
    "DropHold",
    "DropItem",
    "DropOccupancy",
    "DuplicateKey",
    "InFolder",
    "ItemBatchQuery",
    "ItemOrder",
    "ItemQuery",
    "MarkItemOf",
    "Mutation",
    "News",
    "Restored",
    "SaveAnswer",
    "SaveDelivery",
    "SaveHold",
    "SaveItem",
    "SaveItemBatch",
    "SaveOccupancy",
    "SaveTask",
    "SetFact",
    "SharedQueues",
    "SharedUnavailable",
    "StaleRevision",
    "Store",
    "StoreStatistics",
    "StoreUnavailable",
    "Taking",
    "Tally",
    "TaskQuery",
    "moving_away",
]
"""Also what is written and asked for: whoever uses a store finds all of it here."""


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


THERE_FRESH_MS = 20_000
"""For how long a daemon that tells which workers it has is believed to be there."""

MOVING = "workers.moving"
"""The fact of a store whose tasks for workers are being moved to another one."""


def moving_away(fact: JsonObject) -> str:
    """Why nothing of it is handed out."""
    return (
        f"its tasks for workers are being moved to {fact['to']}, and that is not finished: "
        "run `robotq migrate` again"
    )


class StoreUnavailable(Exception):
    """Nothing of the call was written. The store may work again later; see `probe`."""


class SharedUnavailable(StoreUnavailable):
    """The database that daemons share is away. Nothing of the call was written; what is the
    daemon's own works as always."""


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


Taking: TypeAlias = Callable[[Task], Sequence[Mutation] | None]
"""What to write so that somebody has a waiting task; None where it is not to be had any more. May
be called again, for another task: the last call counts."""


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What other daemons have written."""

    tasks: Sequence[Task]
    """As they are now. All unfinished ones, where the database has just come back."""
    counts: Mapping[tuple[str, str, TaskState], int] | None
    """See `Restored`: all of the shared queues; None where nothing has changed."""
    mutations: Sequence[Mutation]
    """What brings the events into the daemon's own journal, and remembers that they are there."""
    more: bool
    """Whether there is more to be read at once."""
    change: int = 0
    """Up to which change this is."""


@runtime_checkable
class SharedQueues(Protocol):
    """A store whose tasks for workers other daemons change as well: what is in memory of them is
    a mirror. A change that comes from an old mirror is refused with StaleRevision."""

    @property
    def reason(self) -> str | None:
        """Why the shared database cannot be read; None while it can."""

    def shares(self, mutations: Iterable[Mutation]) -> bool:
        """Whether these are for the shared database."""

    def shared_queue(self, queue: str) -> bool:
        """Whether the tasks of this queue are there."""

    def next_number(self) -> int:
        """A number of arrival that no other daemon gives; a later one is greater."""

    def claim(
        self, queue: str, match: str, take: Taking, committed: Committed
    ) -> asyncio.Future[Sequence[Event] | None]:
        """Choose the next waiting task, which no other daemon is choosing, and write what `take`
        makes of it. None where there is none. Raises as `Store.apply`."""

    async def news(self, limit: int) -> News:
        """What was written since `taken_over`, at most so many tasks and events. Raises
        SharedUnavailable."""

    def taken_over(self, news: News) -> None:
        """It is in memory, and its events are in the daemon's own journal."""

    def rings(self) -> AsyncIterator[None]:
        """Each time that something waits where nothing did before, at whichever daemon it came in.
        Ends where there is nothing to hear, or no more. News may come without it."""

    async def note_workers(self, there: JsonObject | None) -> None:
        """Tell the other daemons which workers are here; None: this daemon ends. Raises
        SharedUnavailable."""

    async def workers_elsewhere(self) -> Sequence[JsonObject]:
        """What the others have told. Raises SharedUnavailable."""


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

    async def programs_named(self, sha256: Sequence[str]) -> frozenset[str]:
        """Those of these files of programs that some task names."""

    async def answer(self, scope: str, key: str) -> Answer | None: ...

    async def deliveries(self, query: DeliveryQuery) -> Sequence[Delivery]:
        """Newest first, by the end of their tasks."""

    async def unnamed_files(self, hashes: Sequence[str]) -> Sequence[str]:
        """Of these, the SHA-256 of artifacts that no task names."""

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

    def files(self, name: str) -> Path:
        """The folder of this name for files that rows name; it lasts as long as they do. Blocks,
        the first time; nothing need be there yet."""

    def statistics(self) -> StoreStatistics: ...

    async def close(self) -> None:
        """Write what was handed over, then close. Safe to call twice."""
