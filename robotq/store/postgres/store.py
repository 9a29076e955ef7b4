"""The Store protocol on PostgreSQL."""

from __future__ import annotations

import logging
import uuid
from asyncio import Future
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import psycopg

from robotq.model.errors import DataUnavailable
from robotq.model.event import Event
from robotq.model.task import Task, TaskState
from robotq.postgres import SCHEMA_VERSION, Database, DatabaseAway, migrate
from robotq.postgres.bell import heard
from robotq.postgres.database import Connection, one
from robotq.store.port import (
    Committed,
    Mutation,
    Restored,
    StoreStatistics,
    StoreUnavailable,
    Taking,
)
from robotq.store.postgres import reads
from robotq.store.postgres.changes import BELL, WRITE
from robotq.store.postgres.refusals import refusal
from robotq.store.postgres.writer import Writer
from robotq.store.pruning import Pruning

_log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


def _asked(
    question: Callable[Concatenate[Connection, P], Awaitable[T]],
) -> Callable[Concatenate[PostgresStore, P], Coroutine[Any, Any, T]]:
    """The method of the store that asks this."""

    async def ask(store: PostgresStore, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await store.read(lambda found: question(found, *args, **kwargs))

    return ask


class Since(NamedTuple):
    """What was written after a change."""

    tasks: Sequence[Task]
    change: int
    """Up to which change they are."""
    events: Sequence[Event]
    counts: Mapping[tuple[str, str, TaskState], int] | None
    """Of all tasks, as new as `tasks` or newer; None where there are none."""


class PostgresStore(Pruning):
    """Everything in the schema `robotq` of a database, for any number of daemons.

    A daemon keeps no truth of it in memory: a change names the revision that it is over, and is
    refused with StaleRevision where another daemon was first. Commits survive what the server's
    `synchronous_commit` makes them survive.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        """`folder`: where files go that rows name; the database has none."""
        self._database = database
        self._folder = folder
        self._writer: Writer | None = None
        self._version = ""
        self.opened_at = 0
        """The last change that `open` has read for certain: what `since` goes on from."""

    @property
    def database(self) -> Database:
        return self._database

    def files(self, name: str) -> Path:
        return self._folder / name

    async def open(self, *, finished: int) -> Restored:
        """See `Store.open`. Any number of daemons may have it open."""
        try:
            await self._database.open()
            self._version = await self._database.check()
            await migrate(self._database)
            writer = Writer(self._database, f"{self._database.name} {uuid.uuid4().hex[:12]}")
            await writer.open()
            self._writer = writer
            # before all else: what is written meanwhile is read twice, and not never
            self.opened_at = await self.read(reads.last_change)
            restored = await self.read(lambda found: reads.restore(found, finished))
        except BaseException as error:
            await self.close()
            if isinstance(error, DatabaseAway | StoreUnavailable):
                raise DataUnavailable(f"{self._database.place} cannot be used: {error}") from error
            raise
        _log.info(
            "PostgreSQL %s at schema %d, %s", self._version, SCHEMA_VERSION, self._database.place
        )
        return restored

    def apply(
        self, mutations: Sequence[Mutation], committed: Committed | None = None
    ) -> Future[Sequence[Event]]:
        if self._writer is None:
            raise StoreUnavailable("the store is not open")
        return self._writer.apply(mutations, committed)

    def claim(
        self, queue: str, match: str, take: Taking, committed: Committed
    ) -> Future[Sequence[Event] | None]:
        """See `Writer.claim`: the database chooses, whichever daemon asks."""
        if self._writer is None:
            raise StoreUnavailable("the store is not open")
        return self._writer.claim(queue, match, take, committed)

    async def join(self) -> int:
        """A number for this daemon, which the next thousand that come do not get."""

        async def ask(connection: Connection) -> int:
            (front,) = await one(connection, reads.READ["front"])
            return int(front)

        return await self.read(ask)

    @property
    def applied(self) -> tuple[int, int]:
        """Calls of `apply` that were written, and those that are on their way."""
        return (0, 0) if self._writer is None else (self._writer.applied, self._writer.waiting)

    async def since(self, change: int, event: int, limit: int, *, counted: bool = False) -> Since:
        """What was written after a change, and the journal after an event. At most `limit` tasks
        of whole commits, and as many events. `counted`: with counts in any case."""

        async def ask(connection: Connection) -> Since:
            tasks, last = await reads.changed(connection, change, limit)
            events = await reads.events(connection, event, limit)
            counts = await reads.counts(connection) if tasks or counted else None
            return Since(tasks, last, events, counts)

        return await self.read(ask)

    facts = _asked(reads.facts)

    def rings(self) -> AsyncIterator[None]:
        """Each time that something waits where nothing did before. Ends with the connection, and
        where a pooler stands between."""
        return heard(self._database, BELL)

    get = _asked(reads.task)
    list = _asked(reads.tasks)
    events_since = _asked(reads.events)
    programs_named = _asked(reads.programs_named)
    answer = _asked(reads.answer)
    deliveries = _asked(reads.deliveries)
    unnamed_files = _asked(reads.unnamed_files)
    jobs = _asked(reads.jobs)
    items = _asked(reads.items)
    item_batches = _asked(reads.batches)
    tallies = _asked(reads.tallies)

    async def probe(self) -> None:
        async def write(connection: Connection) -> None:
            await connection.execute(WRITE["probe"])

        await self.read(write)

    def statistics(self) -> StoreStatistics:
        writer, connections = self._writer, self._database.statistics()
        return StoreStatistics(
            kind="postgres",
            version=self._version,
            commits=writer.commits if writer is not None else 0,
            applied=writer.applied if writer is not None else 0,
            waiting=writer.waiting if writer is not None else 0,
            last_commit_s=writer.last_commit_s if writer is not None else 0.0,
            details={
                "place": self._database.place,
                "schema": SCHEMA_VERSION,
                "connections": connections.connections,
                "connections_waited_for": connections.waiting,
            },
        )

    async def close(self) -> None:
        """See `Store.close`."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()
        await self._database.close()

    async def read(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """What `work` finds, in one transaction. Raises StoreUnavailable."""
        if self._writer is None:
            raise StoreUnavailable("the store is not open")
        try:
            async with self._database.transaction() as connection:
                return await work(connection)
        except DatabaseAway as error:
            raise StoreUnavailable(str(error)) from error
        except psycopg.DataError as error:
            raise refusal(error) from error

    async def _remove(self, statement: str, before_ms: int, rows: int) -> int:
        """Any daemon may do it; two of them do no harm."""

        async def remove(connection: Connection) -> int:
            asked = {"before": before_ms, "rows": rows}
            return (await connection.execute(WRITE[statement], asked)).rowcount

        return await self.read(remove)
