"""The Store protocol on one SQLite file."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from robotq.model.delivery import Delivery
from robotq.model.errors import ConfigError, DataUnavailable
from robotq.model.event import Event
from robotq.model.item import Item, ItemBatch
from robotq.model.task import Task
from robotq.store.job_query import JobQuery
from robotq.store.port import (
    Answer,
    Committed,
    DeliveryQuery,
    ItemBatchQuery,
    ItemQuery,
    Mutation,
    Restored,
    StoreStatistics,
    StoreUnavailable,
    Tally,
    TaskQuery,
)
from robotq.store.sqlite import items, jobs, reads
from robotq.store.sqlite.changes import WRITE
from robotq.store.sqlite.lock import FolderLock
from robotq.store.sqlite.migrations import SCHEMA_VERSION, migrate
from robotq.store.sqlite.reader import Reader
from robotq.store.sqlite.writer import Writer

_log = logging.getLogger(__name__)

_OLDEST = (3, 37, 0)
"""The first SQLite with STRICT tables."""

_READERS = 2
"""A search through a million tasks leaves one for everybody else."""

_PRUNE_ROWS = 200
"""Rows removed in one transaction; a submit waits for one of them at most."""


class SqliteStore:
    """`<data>/robotq.db`, written durably by one thread and read by others.

    Commits survive a power cut (WAL, synchronous=FULL). Exactly one connection writes and
    checkpoints, because before SQLite 3.51.3 two that do so at the same instant can corrupt
    a WAL; the others are opened read-only. A lock file keeps other daemons away.
    """

    def __init__(self, data: Path) -> None:
        self._path = data / "robotq.db"
        self._lock: FolderLock | None = None
        self._writer: Writer | None = None
        self._reader: Reader | None = None

    @property
    def folder(self) -> Path:
        """See `InFolder`."""
        return self._path.parent

    async def open(self, *, finished: int) -> Restored:
        """See `Store.open`. Makes the folder if absent."""
        if sqlite3.sqlite_version_info < _OLDEST:
            raise ConfigError(
                "robotq needs SQLite 3.37 or newer, and this Python comes with "
                f"{sqlite3.sqlite_version}. Use a newer Python, or `store: memory` for a trial."
            )
        try:
            self._lock = await asyncio.to_thread(FolderLock, self._path.parent)
            self._writer = Writer(self._connect)
            await self._writer.run(migrate)
            restored = await self._writer.run(lambda found: reads.restore(found, finished))
            self._reader = Reader(await asyncio.to_thread(self._connect_readers))
        except BaseException as error:
            await self.close()
            if isinstance(error, (OSError, sqlite3.Error, StoreUnavailable)):
                raise DataUnavailable(f"{self._path.absolute()} cannot be used: {error}") from error
            raise
        _log.info("SQLite %s at schema %d, %s", sqlite3.sqlite_version, SCHEMA_VERSION, self._path)
        return restored

    async def apply(
        self, mutations: Sequence[Mutation], committed: Committed | None = None
    ) -> Sequence[Event]:
        return await self._writing().apply(mutations, committed)

    async def get(self, task_id: str) -> Task | None:
        return await self._reading().run(lambda found: reads.task(found, task_id))

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        return await self._reading().run(lambda found: reads.tasks(found, query))

    async def events_since(
        self,
        event_id: int,
        *,
        limit: int,
        task_id: str | None = None,
        api: str | None = None,
    ) -> Sequence[Event]:
        return await self._reading().run(
            lambda found: reads.events(found, event_id, limit, task_id, api)
        )

    async def answer(self, scope: str, key: str) -> Answer | None:
        return await self._reading().run(lambda found: reads.answer(found, scope, key))

    async def deliveries(self, query: DeliveryQuery) -> Sequence[Delivery]:
        return await self._reading().run(lambda found: reads.deliveries(found, query))

    async def tallies(self, api: str, *, from_ms: int, to_ms: int) -> Sequence[Tally]:
        return await self._reading().run(lambda found: reads.tallies(found, api, from_ms, to_ms))

    async def jobs(self, query: JobQuery) -> tuple[Sequence[Task], int]:
        return await self._reading().run(lambda found: jobs.jobs(found, query))

    async def items(self, query: ItemQuery) -> tuple[Sequence[Item], int]:
        return await self._reading().run(lambda found: items.items(found, query))

    async def item_batches(self, query: ItemBatchQuery) -> tuple[Sequence[ItemBatch], int]:
        return await self._reading().run(lambda found: items.batches(found, query))

    async def prune(
        self, *, tasks_before_ms: int, events_before_ms: int, answers_before_ms: int, limit: int
    ) -> int:
        """See `Store.prune`. Submits get in between every few hundred rows."""
        removed = 0
        for statement, before_ms in (
            ("prune_tasks", tasks_before_ms),
            ("prune_events", events_before_ms),
            ("prune_answers", answers_before_ms),
            ("prune_deliveries", tasks_before_ms),
            ("prune_items", tasks_before_ms),
            ("prune_tallies", events_before_ms),
        ):
            removed += await self._remove(WRITE[statement], before_ms, limit)
        return removed

    async def probe(self) -> None:
        await self._writing().run(partial(_change, statement=WRITE["probe"]))

    def statistics(self) -> StoreStatistics:
        writer = self._writer
        return StoreStatistics(
            kind="sqlite",
            version=sqlite3.sqlite_version,
            commits=writer.commits if writer is not None else 0,
            applied=writer.applied if writer is not None else 0,
            waiting=writer.waiting if writer is not None else 0,
            last_commit_s=writer.last_commit_s if writer is not None else 0.0,
            details={"path": str(self._path), "schema": SCHEMA_VERSION},
        )

    async def close(self) -> None:
        """See `Store.close`. The data folder is free for another daemon afterwards."""
        reader, self._reader = self._reader, None
        writer, self._writer = self._writer, None
        lock, self._lock = self._lock, None

        def close_all() -> None:
            # the writer last, since its connection takes the WAL away with it
            for part in (reader, writer, lock):
                if part is not None:
                    part.close()

        await asyncio.to_thread(close_all)

    async def _remove(self, statement: str, before_ms: int, limit: int) -> int:
        removed = 0
        while removed < limit:
            rows = min(limit - removed, _PRUNE_ROWS)
            count = await self._writing().run(
                partial(_change, statement=statement, parameters=(before_ms, rows))
            )
            removed += count
            if count < rows:
                break
        return removed

    def _writing(self) -> Writer:
        if self._writer is None:
            raise StoreUnavailable("the store is not open")
        return self._writer

    def _reading(self) -> Reader:
        if self._reader is None:
            raise StoreUnavailable("the store is not open")
        return self._reader

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # macOS: without this a commit is in the drive's cache only. Nothing elsewhere.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
        return connection

    def _connect_readers(self) -> Sequence[sqlite3.Connection]:
        connections = []
        for _ in range(_READERS):
            connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
            )
            # the first read makes or maps the index of the WAL, which a full disk would not
            # allow later; from then on it can be read whatever happens
            connection.execute("SELECT * FROM probe").fetchall()
            connections.append(connection)
        return connections


def _change(
    connection: sqlite3.Connection, statement: str, parameters: tuple[int, ...] = ()
) -> int:
    """Run one statement in a transaction of its own. Returns how many rows it changed."""
    return connection.execute(statement, parameters).rowcount
