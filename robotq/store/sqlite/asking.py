"""Every question that a store is asked, as SQL. Whoever has the connection runs it."""

from __future__ import annotations

import sqlite3
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

from robotq.model.delivery import Delivery
from robotq.model.errors import ConfigError
from robotq.model.event import Event
from robotq.model.item import Item, ItemBatch
from robotq.model.task import Task
from robotq.store.port import (
    Answer,
    DeliveryQuery,
    ItemBatchQuery,
    ItemQuery,
    Tally,
    TaskQuery,
)
from robotq.store.pruning import Pruning
from robotq.store.queries import JobQuery
from robotq.store.sqlite import lists, reads
from robotq.store.sqlite.changes import WRITE

_OLDEST = (3, 37, 0)
"""The first SQLite with STRICT tables."""

T = TypeVar("T")


class Asking(Pruning):
    """The part of `Store` that is the same wherever the database is."""

    @abstractmethod
    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` finds. Raises StoreUnavailable."""

    @abstractmethod
    async def _change(self, statement: str, parameters: tuple[int, ...] = ()) -> int:
        """Run one statement in a transaction of its own; how many rows it changed.

        Raises StoreUnavailable.
        """

    async def get(self, task_id: str) -> Task | None:
        return await self._read(lambda found: reads.task(found, task_id))

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        return await self._read(lambda found: reads.tasks(found, query))

    async def events_since(
        self,
        event_id: int,
        *,
        limit: int,
        task_id: str | None = None,
        api: str | None = None,
    ) -> Sequence[Event]:
        return await self._read(lambda found: reads.events(found, event_id, limit, task_id, api))

    async def programs_named(self, sha256: Sequence[str]) -> frozenset[str]:
        return await self._read(lambda found: reads.programs_named(found, sha256))

    async def answer(self, scope: str, key: str) -> Answer | None:
        return await self._read(lambda found: reads.answer(found, scope, key))

    async def deliveries(self, query: DeliveryQuery) -> Sequence[Delivery]:
        return await self._read(lambda found: reads.deliveries(found, query))

    async def tallies(self, api: str, *, from_ms: int, to_ms: int) -> Sequence[Tally]:
        return await self._read(lambda found: reads.tallies(found, api, from_ms, to_ms))

    async def unnamed_files(self, hashes: Sequence[str]) -> Sequence[str]:
        return await self._read(lambda found: reads.unnamed_files(found, hashes))

    async def jobs(self, query: JobQuery) -> tuple[Sequence[Task], int]:
        return await self._read(lambda found: lists.jobs(found, query))

    async def items(self, query: ItemQuery) -> tuple[Sequence[Item], int]:
        return await self._read(lambda found: lists.items(found, query))

    async def item_batches(self, query: ItemBatchQuery) -> tuple[Sequence[ItemBatch], int]:
        return await self._read(lambda found: lists.batches(found, query))

    async def probe(self) -> None:
        await self._change(WRITE["probe"])

    async def _remove(self, statement: str, before_ms: int, rows: int) -> int:
        return await self._change(WRITE[statement], (before_ms, rows))


def check_library() -> None:
    """Raises ConfigError where this Python's SQLite is too old."""
    if sqlite3.sqlite_version_info < _OLDEST:
        raise ConfigError(
            "robotq needs SQLite 3.37 or newer, and this Python comes with "
            f"{sqlite3.sqlite_version}. Use a newer Python."
        )
