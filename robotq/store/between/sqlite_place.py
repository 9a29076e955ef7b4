"""The database in a data folder, as a place of tasks for workers."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

from robotq.model.errors import ConfigError
from robotq.model.task import Task
from robotq.store.between.place import Kind, Place, Row, statements
from robotq.store.kept import rows
from robotq.store.port import StoreUnavailable
from robotq.store.shared.what import READ_UP_TO
from robotq.store.sqlite import reads
from robotq.store.sqlite.asking import check_library
from robotq.store.sqlite.changes import WRITE, Added
from robotq.store.sqlite.lock import FolderLock
from robotq.store.sqlite.migrations import migrate
from robotq.store.sqlite.store import connect

_P = ParamSpec("_P")
_T = TypeVar("_T")


class SqlitePlace(Place):
    """Nobody else has it open meanwhile. The disk is waited for on a thread, one call at a time."""

    sql = statements("", "?", rows.TASK_COLUMNS)

    def __init__(self, folder: Path, *, make: bool) -> None:
        """`make`: whether it is made where it is not there."""
        self._path = folder / "robotq.db"
        self._make = make
        self._lock: FolderLock | None = None
        self._connected: sqlite3.Connection | None = None

    @property
    def name(self) -> str:
        return str(self._path.parent)

    async def open(self) -> None:
        check_library()
        try:
            await asyncio.to_thread(self._open)
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"{self.name}: {error}") from error

    def _open(self) -> None:
        if not self._make and not self._path.exists():
            raise ConfigError(f"{self.name} has no database")
        self._lock = FolderLock(self._path.parent)
        self._connected = connect(self._path, one_thread=False)
        migrate(self._connected)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        # the lock last: who gets it may open the database
        for one in (self._connected, self._lock):
            if one is not None:
                one.close()
        self._connected = self._lock = None

    async def _do(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return await asyncio.to_thread(work, *args, **kwargs)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self.name}: {error}") from error

    @property
    def _connection(self) -> sqlite3.Connection:
        assert self._connected is not None
        return self._connected

    @asynccontextmanager
    async def transaction(self, *, changes: bool = True) -> AsyncIterator[None]:  # noqa: ARG002
        await self._do(self._connection.execute, "BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            await self._do(self._connection.execute, "ROLLBACK")
            raise
        await self._do(self._connection.execute, "COMMIT")

    async def rows(self, statement: str, parameters: Row = ()) -> list[Row]:
        return await self._do(lambda: self._connection.execute(statement, parameters).fetchall())

    async def each(self, statement: str, parameters: Sequence[Row]) -> int:
        if not parameters:
            return 0
        return await self._do(lambda: self._connection.executemany(statement, parameters).rowcount)

    async def take_tasks(self, tasks: Sequence[Task]) -> None:
        added = Added()
        for task in tasks:
            added.task(task)
            added.count(task.api, task.queue, task.state.value, 1)
        await self._do(added.insert, self._connection)
        named = [
            (task.seq, *kept)
            for task in tasks
            for kept in sorted(
                {(one.sha256, one.size) for one in task.artifacts if not one.not_kept}
            )
        ]
        await self.each(WRITE["name_file"], named)

    async def take(self, kind: Kind, taken: Sequence[Row]) -> None:
        if kind is not Kind.EVENTS:
            await super().take(kind, taken)
            return
        last = await self._do(reads.last_number, self._connection, "events")
        added = Added()
        for number, row in enumerate(taken, last + 1):
            added.event(rows.event_from_row(row), number)
        await self._do(added.insert, self._connection)
        await self.set_fact(READ_UP_TO, {"event": taken[-1][-1]})

    async def numbered(self, tasks: Sequence[Task], last: int) -> Sequence[int]:  # noqa: ARG002
        first = 1 + await self._do(reads.last_number, self._connection, "tasks")
        return range(first, first + len(tasks))

    async def workers_at_work(self) -> Sequence[str]:
        # the lock of the folder keeps them away
        return ()

    async def events_read(self) -> int:
        known = await self.fact(READ_UP_TO)
        return 0 if known is None else int(known["event"])
