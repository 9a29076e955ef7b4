"""The store in two places: what is the robots' in this daemon's own, tasks for workers and the
checklist of people in one that many daemons share."""

from __future__ import annotations

import asyncio
import logging
import time
from asyncio import Future
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from robotq.model.delivery import DeliveryState
from robotq.model.errors import DataUnavailable
from robotq.model.event import Event
from robotq.model.json import JsonObject
from robotq.store.port import (
    MOVING,
    Committed,
    InFolder,
    Mutation,
    News,
    Restored,
    SaveDelivery,
    SetFact,
    SharedUnavailable,
    Store,
    StoreStatistics,
    StoreUnavailable,
    Taking,
    moving_away,
)
from robotq.store.postgres import PostgresStore
from robotq.store.shared.answers import handed_on
from robotq.store.shared.news import NewsReader, all_counts
from robotq.store.shared.reading import ReadsBoth
from robotq.store.shared.what import (
    FRONTS,
    READ_UP_TO,
    SHARED,
    THERE,
    is_shared,
    tell_what_is_passed_over,
)

_log = logging.getLogger(__name__)


_START_S = 3.0
"""Seconds that a start waits for the shared database; robots go on without it."""


class SharedWorkers(ReadsBoth):
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
        self._news = NewsReader()
        self._sent: set[str] = set()
        """Webhooks of tasks for workers that are on their way, by id."""
        self.reason = "not connected yet"

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
            self._news.event = None if known is None else int(known["event"])
            await tell_what_is_passed_over(self._own, restored)
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
        self._news.change = shared.opened_at
        self._sent.update(one.id for one in theirs.deliveries)
        if self._news.event is None:
            # what was before this daemon came is for whoever was there
            self._news.event = theirs.last_event_id
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
        return any(is_shared(one, self._sent) for one in mutations)

    def shared_queue(self, queue: str) -> bool:
        return queue in SHARED

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
        return handed_on(
            lambda shared: shared.apply(mutations, told), self._there(), lambda _: list[Event]()
        )

    def claim(
        self, queue: str, match: str, take: Taking, committed: Committed
    ) -> Future[Sequence[Event] | None]:
        """See `SharedQueues`."""

        def ask(shared: PostgresStore) -> Future[Sequence[Event] | None]:
            return shared.claim(queue, match, take, lambda _: committed(()))

        return handed_on(ask, self._there(), lambda events: events)

    # -- what other daemons write ----------------------------------------------------------

    async def news(self, limit: int) -> News:
        """See `SharedQueues`."""
        if self._shared is None:
            theirs = await self._connect(0)
            counts = all_counts(theirs.counts)
            return News(tasks=theirs.unfinished, counts=counts, mutations=(), more=True)
        try:
            news = await self._news.read(self._shared, limit)
        except StoreUnavailable as error:
            self.reason = str(error)
            raise SharedUnavailable(self.reason) from error
        self.reason = None
        return news

    def taken_over(self, news: News) -> None:
        """See `SharedQueues`."""
        self._news.taken_over(news)

    async def rings(self) -> AsyncIterator[None]:
        """See `SharedQueues`."""
        if self._shared is not None:
            async for _ in self._shared.rings():
                yield

    async def note_workers(self, there: JsonObject | None) -> None:
        """See `SharedQueues`."""
        shared = self._there()
        noted = SetFact(f"{THERE}{self._front}", there)
        await handed_on(lambda _: shared.apply([noted]), shared, lambda events: events)

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
