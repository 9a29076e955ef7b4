"""A store in two places: what is the robots' in this daemon's own, tasks for workers and the
checklist of people in one that many daemons share."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from asyncio import Future
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from robotq.model.delivery import Delivery, DeliveryState
from robotq.model.errors import DataUnavailable
from robotq.model.event import Event
from robotq.model.item import Item, ItemBatch
from robotq.model.json import JsonObject
from robotq.model.task import Task, TaskState
from robotq.store.job_query import JobQuery
from robotq.store.merging import items_of_both
from robotq.store.port import (
    MOVING,
    AddToTally,
    Answer,
    AppendEvent,
    Committed,
    DeliveryQuery,
    DropItem,
    InFolder,
    ItemBatchQuery,
    ItemQuery,
    Mutation,
    News,
    Restored,
    SaveAnswer,
    SaveDelivery,
    SaveItem,
    SaveItemBatch,
    SaveTask,
    SetFact,
    SharedUnavailable,
    Store,
    StoreStatistics,
    StoreUnavailable,
    Taking,
    Tally,
    TaskQuery,
    moving_away,
)
from robotq.store.postgres import PostgresStore

SHARED = frozenset({"task_queue", "orchestrator", "dispatcher"})
"""Interfaces, and their queues."""

CHECKLIST = "checklist"
"""The interface of the checklist. What people put on it is shared; an item that a step in the queue
of a robot has made stays beside its task."""

THERE = "workers.there "
"""Begins the name of the fact that says which workers a daemon has."""

_log = logging.getLogger(__name__)

READ_UP_TO = "workers.read_up_to"
"""The fact that says which events of the shared journal are in the daemon's own."""

T = TypeVar("T")

_START_S = 3.0
"""Seconds that a start waits for the shared database; robots go on without it."""

_UNCOUNTED = 50
"""Looks after which counts are taken over, whatever this daemon is writing."""

FRONTS = 1_024
"""Daemons whose numbers of arrival differ for certain."""


class SharedWorkers:
    """Everything of a robot is written and read as without a shared database, which may be away
    for as long as it likes. What concerns tasks for workers is refused then, with
    SharedUnavailable.

    Events of the shared journal come into the daemon's own by `news`, whoever caused them, and
    exactly once; so `apply` gives none for what is shared.
    """

    def __init__(self, own: Store, make: Callable[[], PostgresStore]) -> None:
        """`make`: a store that was not opened yet; called until the database is there."""
        self._own = own
        self._make = make
        self._shared: PostgresStore | None = None
        self._front = 0
        self._last_number = 0
        self._change = 0
        """What this daemon has read of the shared tasks."""
        self._event: int | None = None
        """What of the shared journal is in the daemon's own; None: it has never seen it."""
        self._uncounted = 0
        """Looks since counts should have been taken over."""
        self._sent: set[str] = set()
        """Webhooks of tasks for workers that are on their way, by id."""
        self.reason: str | None = "not connected yet"
        """Why the shared database cannot be used; None while it can."""

    @property
    def folder(self) -> Path:
        """See `InFolder`."""
        if not isinstance(self._own, InFolder):
            # as one that has none
            raise AttributeError("folder")
        return self._own.folder

    def files(self, name: str) -> Path:
        return self._own.files(name)

    async def open(self, *, finished: int) -> Restored:
        """See `Store.open`. A database that is away keeps no robot from its work."""
        restored = await self._own.open(finished=finished)
        try:
            known = restored.facts.get(READ_UP_TO)
            self._event = None if known is None else int(known["event"])
            strangers = [task for task in restored.unfinished if task.api in SHARED]
            if strangers:
                _log.warning(
                    "%d tasks for workers are in the daemon's own database, and are not handed "
                    "out while store.workers is set",
                    len(strangers),
                )
            _, items = await self._own.items(ItemQuery(of_steps=False, limit=1))
            if items:
                _log.warning(
                    "%d items of the checklist are in the daemon's own database, and are not "
                    "listed while store.workers is set",
                    items,
                )
            restored = msgspec.structs.replace(
                restored,
                unfinished=[task for task in restored.unfinished if task.api not in SHARED],
                counts={key: n for key, n in restored.counts.items() if key[0] not in SHARED},
            )
            try:
                async with asyncio.timeout(_START_S):
                    theirs = await self._connect(finished)
            except (DataUnavailable, TimeoutError) as error:
                _log.warning("tasks for workers wait: %s", str(error) or "the database is away")
                return restored
        except BaseException:
            await self.close()
            raise
        return msgspec.structs.replace(
            restored,
            unfinished=[*restored.unfinished, *theirs.unfinished],
            finished=sorted(
                [*restored.finished, *theirs.finished], key=lambda task: task.ended_at_ms or 0
            ),
            counts={**restored.counts, **theirs.counts},
            deliveries=[*restored.deliveries, *theirs.deliveries],
        )

    async def _connect(self, finished: int) -> Restored:
        """Raises DataUnavailable, ConfigError."""
        shared = self._make()
        try:
            theirs = await shared.open(finished=finished)
            if MOVING in theirs.facts:
                raise StoreUnavailable(moving_away(theirs.facts[MOVING]))
            self._front = await shared.join()
        except (StoreUnavailable, DataUnavailable) as error:
            self.reason = str(error)
            await shared.close()
            raise DataUnavailable(str(error)) from error
        except BaseException:
            await shared.close()
            raise
        self._shared, self.reason = shared, None
        self._change = shared.opened_at
        self._sent.update(one.id for one in theirs.deliveries)
        if self._event is None:
            # what was before this daemon came is for whoever was there
            self._event = theirs.last_event_id
        return theirs

    def next_number(self) -> int:
        """A number of arrival for a task of workers, which no other daemon gives: later ones are
        greater, by the clocks of the daemons."""
        at = int(time.time() * 1000) * FRONTS + self._front
        self._last_number = max(at, self._last_number + FRONTS)
        return self._last_number

    # -- writing ---------------------------------------------------------------------------

    def shares(self, mutations: Iterable[Mutation]) -> bool:
        """Whether these are for the shared database."""
        return any(map(self._is_shared, mutations))

    def shared_queue(self, queue: str) -> bool:
        return queue in SHARED

    def _is_shared(self, mutation: Mutation) -> bool:
        match mutation:
            case SaveTask(task):
                return task.api in SHARED
            case AddToTally(tally):
                return tally.api in SHARED
            case SaveAnswer(answer):
                return _of_workers(answer.scope)
            case SaveDelivery(delivery):
                return delivery.id in self._sent
            case SaveItem(item):
                return item.task_id is None
            case DropItem(of_step=of_step):
                return not of_step
            case SaveItemBatch():
                return True
            case AppendEvent(event):
                # one that has a number was read from there
                if event.id != 0:
                    return False
                return (event.api in SHARED and event.task_id is not None) or (
                    event.api == CHECKLIST and event.task_id is None
                )
            case _:
                return False

    def apply(
        self, mutations: Sequence[Mutation], committed: Committed | None = None
    ) -> Future[Sequence[Event]]:
        if not self.shares(mutations):
            return self._own.apply(mutations, committed)
        webhooks = [one.delivery for one in mutations if isinstance(one, SaveDelivery)]
        self._sent.update(one.id for one in webhooks)

        def told(_: Sequence[Event]) -> None:
            ended = (one.id for one in webhooks if one.state is not DeliveryState.PENDING)
            self._sent.difference_update(ended)
            if committed is not None:
                committed(())

        # with the numbers of the shared journal they would be nobody's
        return _shared(
            lambda shared: shared.apply(mutations, told), self._there(), lambda _: list[Event]()
        )

    def claim(
        self, queue: str, match: str, take: Taking, committed: Committed
    ) -> Future[Sequence[Event] | None]:
        """See `SharedQueues`."""

        def ask(shared: PostgresStore) -> Future[Sequence[Event] | None]:
            return shared.claim(queue, match, take, lambda _: committed(()))

        return _shared(ask, self._there(), lambda events: events)

    def _there(self) -> PostgresStore:
        if self._shared is None:
            raise SharedUnavailable(self.reason)
        return self._shared

    # -- what other daemons write ----------------------------------------------------------

    async def news(self, limit: int) -> News:
        """See `SharedQueues`."""
        if self._shared is None:
            theirs = await self._connect(0)
            return News(
                tasks=theirs.unfinished, counts=_all(theirs.counts), mutations=(), more=True
            )
        assert self._event is not None
        shared, before = self._shared, self._shared.applied
        try:
            found = await shared.since(
                self._change, self._event, limit, counted=self._uncounted > 0
            )
        except StoreUnavailable as error:
            self.reason = str(error)
            raise SharedUnavailable(self.reason) from error
        self.reason = None
        tasks, change, events, counts = found
        mutations: list[Mutation] = [AppendEvent(event) for event in events]
        if events:
            mutations.append(SetFact(READ_UP_TO, {"event": events[-1].id}))
        more = len(tasks) >= limit or len(events) >= limit
        counted = self._counted(counts, before=before, now=shared.applied)
        return News(tasks=tasks, counts=counted, mutations=mutations, more=more, change=change)

    def _counted(
        self,
        counts: Mapping[tuple[str, str, TaskState], int] | None,
        *,
        before: tuple[int, int],
        now: tuple[int, int],
    ) -> Mapping[tuple[str, str, TaskState], int] | None:
        """Nothing where this daemon has written meanwhile: memory has counted that already, or
        will, and would be set back or count it twice. Under constant load now and then all the
        same."""
        if counts is None:
            return None
        if (before != now or now[1]) and self._uncounted < _UNCOUNTED:
            self._uncounted += 1
            return None
        self._uncounted = 0
        return _all(counts)

    def taken_over(self, news: News) -> None:
        """See `SharedQueues`."""
        self._change = max(self._change, news.change)
        for mutation in news.mutations:
            if isinstance(mutation, AppendEvent):
                self._event = mutation.event.id

    async def rings(self) -> AsyncIterator[None]:
        """See `SharedQueues`."""
        if self._shared is not None:
            async for _ in self._shared.rings():
                yield

    async def note_workers(self, there: JsonObject | None) -> None:
        """See `SharedQueues`."""
        shared = self._there()
        noted = SetFact(f"{THERE}{self._front}", there)
        await _shared(lambda _: shared.apply([noted]), shared, lambda events: events)

    async def workers_elsewhere(self) -> Sequence[JsonObject]:
        """See `SharedQueues`."""
        shared = self._there()
        try:
            facts = await shared.facts("workers.")
        except StoreUnavailable as error:
            raise SharedUnavailable(str(error)) from error
        if MOVING in facts:
            # it began after this daemon had looked
            self._shared, self.reason = None, moving_away(facts[MOVING])
            await shared.close()
            raise SharedUnavailable(self.reason)
        own = f"{THERE}{self._front}"
        return [told for name, told in facts.items() if name.startswith(THERE) and name != own]

    # -- reading ---------------------------------------------------------------------------

    async def get(self, task_id: str) -> Task | None:
        found = await self._own.get(task_id)
        if found is not None and found.api not in SHARED:
            return found
        if self._shared is None:
            # whether it is there nobody can say
            raise SharedUnavailable(self.reason)
        return await self._shared.get(task_id)

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        if query.api in SHARED:
            return await self._there().list(query)
        own = [task for task in await self._own.list(query) if task.api not in SHARED]
        if query.api is not None or self._shared is None:
            return own
        try:
            theirs = await self._shared.list(query)
        except StoreUnavailable:
            # what this daemon has itself can be shown all the same
            return own
        return sorted([*own, *theirs], key=lambda task: -task.seq)[: query.limit]

    async def events_since(
        self,
        event_id: int,
        *,
        limit: int,
        task_id: str | None = None,
        api: str | None = None,
    ) -> Sequence[Event]:
        return await self._own.events_since(event_id, limit=limit, task_id=task_id, api=api)

    async def programs_named(self, sha256: Sequence[str]) -> frozenset[str]:
        return await self._own.programs_named(sha256)

    async def answer(self, scope: str, key: str) -> Answer | None:
        return await (self._there() if _of_workers(scope) else self._own).answer(scope, key)

    async def deliveries(self, query: DeliveryQuery) -> Sequence[Delivery]:
        own = await self._own.deliveries(query)
        if self._shared is None:
            return own
        try:
            theirs = await self._shared.deliveries(query)
        except StoreUnavailable:
            return own
        both = sorted(
            itertools.chain(own, theirs),
            key=lambda one: (one.created_at_ms, one.task_id, one.receiver.value),
            reverse=True,
        )
        return both[: query.limit]

    async def unnamed_files(self, hashes: Sequence[str]) -> Sequence[str]:
        """A file that a shared task may name stays while that cannot be asked."""
        unnamed = await self._own.unnamed_files(hashes)
        return await self._there().unnamed_files(unnamed) if unnamed else unnamed

    async def jobs(self, query: JobQuery) -> tuple[Sequence[Task], int]:
        return await self._there().jobs(query)

    async def items(self, query: ItemQuery) -> tuple[Sequence[Item], int]:
        if query.task_id is not None:
            return await self._own.items(query)
        return await items_of_both(self._own.items, lambda asked: self._there().items(asked), query)

    async def item_batches(self, query: ItemBatchQuery) -> tuple[Sequence[ItemBatch], int]:
        return await self._there().item_batches(query)

    async def tallies(self, api: str, *, from_ms: int, to_ms: int) -> Sequence[Tally]:
        place = self._there() if api in SHARED else self._own
        return await place.tallies(api, from_ms=from_ms, to_ms=to_ms)

    # -- the rest --------------------------------------------------------------------------

    async def prune(
        self, *, tasks_before_ms: int, events_before_ms: int, answers_before_ms: int, limit: int
    ) -> int:
        removed = 0
        for place in (self._own, self._shared):
            try:
                if place is not None:
                    removed += await place.prune(
                        tasks_before_ms=tasks_before_ms,
                        events_before_ms=events_before_ms,
                        answers_before_ms=answers_before_ms,
                        limit=limit,
                    )
            except StoreUnavailable:
                if place is self._own:
                    raise
                _log.warning("old tasks of workers stay for now: the database is away")
        return removed

    async def probe(self) -> None:
        await self._own.probe()

    def statistics(self) -> StoreStatistics:
        """Those of the daemon's own; what is shared stands in the details."""
        own = self._own.statistics()
        shared = None if self._shared is None else self._shared.statistics()
        told: dict[str, Any] = {"reason": self.reason}
        if shared is not None:
            told |= shared.details
            told |= {"commits": shared.commits, "waiting": shared.waiting}
            told["last_commit_s"] = shared.last_commit_s
        return StoreStatistics(
            kind=own.kind,
            version=own.version,
            commits=own.commits,
            applied=own.applied,
            waiting=own.waiting,
            last_commit_s=own.last_commit_s,
            details={**own.details, "workers": told},
        )

    async def close(self) -> None:
        shared, self._shared = self._shared, None
        if shared is not None:
            await shared.close()
        await self._own.close()


def _all(
    counts: Mapping[tuple[str, str, TaskState], int],
) -> Mapping[tuple[str, str, TaskState], int]:
    """With those that are 0, so that what was there before goes."""
    return {(api, api, state): 0 for api in SHARED for state in TaskState} | dict(counts)


def _of_workers(scope: str) -> bool:
    return scope.partition(":")[0] in (*SHARED, CHECKLIST)


def _shared(
    ask: Callable[[PostgresStore], Future[T]], store: PostgresStore, give: Callable[[T], T]
) -> Future[T]:
    """What `give` makes of the answer, or the error that says that the daemon's own store works."""
    ours: Future[T] = asyncio.get_running_loop().create_future()

    def hand_on(done: Future[T]) -> None:
        error = done.exception()
        if ours.done():
            return
        if isinstance(error, StoreUnavailable):
            ours.set_exception(SharedUnavailable(str(error)))
        elif error is not None:
            ours.set_exception(error)
        else:
            ours.set_result(give(done.result()))

    try:
        asked = ask(store)
    except StoreUnavailable as error:
        raise SharedUnavailable(str(error)) from error
    asked.add_done_callback(hand_on)
    return ours
