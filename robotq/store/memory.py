"""A store that forgets everything with the process: for tests and for trying things out."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import sqlite3
import tempfile
import uuid
import weakref
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from robotq.model.event import Event
from robotq.store.port import Committed, Mutation, Restored, StoreStatistics, StoreUnavailable
from robotq.store.sqlite import reads
from robotq.store.sqlite.asking import Asking, check_library
from robotq.store.sqlite.changes import Changes
from robotq.store.sqlite.migrations import SCHEMA_VERSION, migrate
from robotq.store.sqlite.writer import is_the_disks

T = TypeVar("T")


class MemoryStore(Asking):
    """A SQLite database in memory, so it answers as the one on disk does.

    No threads: there is no disk to wait for. It may be closed and opened again, as after a
    restart, and has its data as long as somebody has it.
    """

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self._is_open = False
        self._applied = 0
        self._name = uuid.uuid4().hex

    def files(self, name: str) -> Path:
        return _passing() / self._name / name

    async def open(self, *, finished: int) -> Restored:
        """See `Store.open`."""
        if self._connection is None:
            check_library()
            self._connection = _connect()
            weakref.finalize(self, self._connection.close)
            _empty().backup(self._connection)
        self._is_open = True
        return await self.read(lambda found: reads.restore(found, finished))

    def apply(
        self, mutations: Sequence[Mutation], committed: Committed | None = None
    ) -> asyncio.Future[Sequence[Event]]:
        answered: asyncio.Future[Sequence[Event]] = asyncio.get_running_loop().create_future()
        try:
            answered.set_result(self._apply(mutations, committed))
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            answered.set_exception(error)
        return answered

    def _apply(self, mutations: Sequence[Mutation], committed: Committed | None) -> Sequence[Event]:
        connection = self._opened()
        connection.execute("BEGIN")
        try:
            changes = Changes(connection)
            appended = changes.add(mutations)
            changes.flush()
        except Exception as error:
            connection.execute("ROLLBACK")
            if is_the_disks(error):
                raise StoreUnavailable(str(error)) from error
            raise
        connection.execute("COMMIT")
        self._applied += 1
        if committed is not None:
            committed(appended)
        return appended

    def statistics(self) -> StoreStatistics:
        return StoreStatistics(
            kind="memory",
            version=sqlite3.sqlite_version,
            commits=self._applied,
            applied=self._applied,
            waiting=0,
            last_commit_s=0.0,
            details={"schema": SCHEMA_VERSION},
        )

    async def close(self) -> None:
        self._is_open = False

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._opened())
        except sqlite3.Error as error:
            raise StoreUnavailable(str(error)) from error

    async def _change(self, statement: str, parameters: tuple[int, ...] = ()) -> int:
        return await self.read(lambda found: found.execute(statement, parameters).rowcount)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None or not self._is_open:
            raise StoreUnavailable("the store is not open")
        return self._connection


@cache
def _empty() -> sqlite3.Connection:
    """At the present schema. Copied, which takes a quarter of the time that the steps take."""
    connection = _connect()
    migrate(connection)
    return connection


@cache
def _passing() -> Path:
    """A folder that goes with the process: whoever collects a store must not wait for a disk."""
    folder = tempfile.mkdtemp(prefix="robotq-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _connect() -> sqlite3.Connection:
    # whichever thread collects a store that nobody has any more closes its database
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
