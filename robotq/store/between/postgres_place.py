"""The PostgreSQL that daemons share, as a place of tasks for workers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import orjson

from robotq.model.task import Task
from robotq.postgres import Database, DatabaseAway, PostgresError, migrate
from robotq.postgres.database import Connection
from robotq.store.between.place import Kind, Place, Row, statements
from robotq.store.kept import rows
from robotq.store.port import THERE_FRESH_MS, StoreUnavailable
from robotq.store.postgres.changes import WRITE, Changes, answer_to_row
from robotq.store.postgres.reads import READ, TASK, found
from robotq.store.shared.what import FRONTS, THERE


class PostgresPlace(Place):
    """Daemons may serve it while tasks are moved to it."""

    shared = True
    sql = statements("robotq.", "%s", TASK, (", task_ids", ", string_to_array(%s, ' ')"))

    def __init__(self, database: Database) -> None:
        self._database = database
        self._in: Connection | None = None
        self._front = 0

    @property
    def name(self) -> str:
        return self._database.place

    async def open(self) -> None:
        await self._database.open()
        try:
            await self._database.check()
            await migrate(self._database)
            ((front,),) = await self.rows(READ["front"])
        except DatabaseAway as error:
            raise StoreUnavailable(f"{self.name}: {error}") from error
        self._front = int(front)

    async def close(self) -> None:
        await self._database.close()

    @asynccontextmanager
    async def transaction(self, *, changes: bool = True) -> AsyncIterator[None]:
        try:
            async with self._database.transaction() as connection:
                self._in = connection
                if changes:
                    # commits have an order, and daemons read what is new by it
                    await connection.execute(WRITE["begin"], {"events": 0, "seq": 0})
                yield
        except (DatabaseAway, PostgresError) as error:
            raise StoreUnavailable(f"{self.name}: {error}") from error
        finally:
            self._in = None

    async def rows(self, statement: str, parameters: Row = ()) -> list[Row]:
        if self._in is not None:
            return await found(self._in, statement, parameters)
        try:
            async with self._database.transaction() as connection:
                return await found(connection, statement, parameters)
        except DatabaseAway as error:
            raise StoreUnavailable(f"{self.name}: {error}") from error

    async def each(self, statement: str, parameters: Sequence[Row]) -> int:
        if not parameters:
            return 0
        assert self._in is not None
        async with self._in.cursor() as cursor:
            await cursor.executemany(statement, parameters)
            return cursor.rowcount

    async def portion(self, kind: Kind, limit: int) -> list[Row]:
        if kind is not Kind.EVENTS:
            return await super().portion(kind, limit)
        asked = {"after": self.event, "limit": limit, "api": None}
        async with self.transaction(changes=False):
            assert self._in is not None
            return await found(self._in, READ["events"], asked)

    async def drop(self, kind: Kind, taken: Sequence[Row]) -> bool:
        if kind is not Kind.EVENTS:
            return await super().drop(kind, taken)
        # the journal stays; what of it is elsewhere is remembered there
        self.event = taken[-1][-1]
        return True

    async def take_tasks(self, tasks: Sequence[Task]) -> None:
        assert self._in is not None
        changes = Changes()
        for task in tasks:
            changes.insert(task)
        for statement in changes.statements():
            await self._in.execute(*statement)

    async def take(self, kind: Kind, taken: Sequence[Row]) -> None:
        if kind is Kind.ANSWERS:
            taken = [answer_to_row(rows.answer_from_row(row)) for row in taken]
        await super().take(kind, taken)

    async def numbered(self, tasks: Sequence[Task], last: int) -> Sequence[int]:
        """As daemons give them: by time, and none that another daemon gives."""
        numbers = []
        for task in tasks:
            least = max(last + 1, task.submitted_at_ms * FRONTS)
            last = least + (self._front - least) % FRONTS
            numbers.append(last)
        return numbers

    async def workers_at_work(self) -> Sequence[str]:
        since_ms = time.time() * 1000 - THERE_FRESH_MS
        told = {
            name: orjson.loads(value)
            for name, value in await self.rows(READ["facts_like"], (THERE,))
        }
        return [
            f"daemon {name.removeprefix(THERE)}, {time.time() - known['at_ms'] / 1000:.0f} s ago"
            for name, known in sorted(told.items())
            if known["at_ms"] >= since_ms
        ]
