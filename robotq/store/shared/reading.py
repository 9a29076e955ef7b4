"""Reading what lies in two stores."""

from __future__ import annotations

import itertools
from abc import ABC
from collections.abc import Sequence

from robotq.model.delivery import Delivery
from robotq.model.event import Event
from robotq.model.item import Item, ItemBatch
from robotq.model.task import Task
from robotq.store.port import (
    Answer,
    DeliveryQuery,
    ItemBatchQuery,
    ItemQuery,
    SharedUnavailable,
    Store,
    StoreUnavailable,
    Tally,
    TaskQuery,
)
from robotq.store.postgres import PostgresStore
from robotq.store.queries import JobQuery
from robotq.store.shared.merging import items_of_both
from robotq.store.shared.what import SHARED, of_workers


class ReadsBoth(ABC):
    """The reading half of a store in two places: what is asked of which, and lists of both."""

    _own: Store
    _shared: PostgresStore | None
    """None while there is no link to it."""
    reason: str | None
    """Why the shared database cannot be used; None while it can."""

    def _there(self) -> PostgresStore:
        if self._shared is None:
            raise SharedUnavailable(self.reason)
        return self._shared

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
        return await (self._there() if of_workers(scope) else self._own).answer(scope, key)

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
