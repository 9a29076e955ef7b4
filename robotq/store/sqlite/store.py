"""The Store protocol on one SQLite file."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from robotq.model.errors import DataUnavailable
from robotq.model.event import Event
from robotq.store.port import Committed, Mutation, Restored, StoreStatistics, StoreUnavailable
from robotq.store.sqlite import reads
from robotq.store.sqlite.asking import Asking, check_library
from robotq.store.sqlite.changes import STATEMENTS
from robotq.store.sqlite.lock import FolderLock
from robotq.store.sqlite.migrations import SCHEMA_VERSION, migrate
from robotq.store.sqlite.reader import Reader
from robotq.store.sqlite.writer import Writer

_log = logging.getLogger(__name__)

_READERS = 2
"""A search through a million tasks leaves one for everybody else."""

T = TypeVar("T")


class SqliteStore(Asking):
    """`<data>/robotq.db`, written durably by one thread and read by others.

    Commits survive a power cut (WAL, synchronous=FULL). Exactly one connection writes and
    checkpoints, because before SQLite 3.51.3 two that do so at the same instant can corrupt
    a WAL; the others are opened read-only. A lock file keeps other daemons away.
    """

    def __init__(self, data: Path, ended: Callable[[], bool] = lambda: False) -> None:
        """`ended`: whether the process is to end, so that a long start need not be done. Asked on
        another thread."""
        self._ended = ended
        self._path = data / "robotq.db"
        self._lock: FolderLock | None = None
        self._writer: Writer | None = None
        self._reader: Reader | None = None
        self._closed = threading.Event()
        """Set while it is not open, and not being opened."""

    @property
    def folder(self) -> Path:
        """See `InFolder`."""
        return self._path.parent

    def files(self, name: str) -> Path:
        return self.folder / name

    async def open(self, *, finished: int) -> Restored:
        """See `Store.open`. Makes the folder if absent."""
        check_library()
        self._closed.clear()
        try:
            self._lock = await asyncio.to_thread(FolderLock, self._path.parent)
            self._writer = Writer(self._connect)
            await self._writer.run(lambda found: migrate(found, self._unless_closed))
            restored = await self._writer.run(lambda found: reads.restore(found, finished))
            self._reader = Reader(await asyncio.to_thread(self._connect_readers))
        except BaseException as error:
            await self.close()
            if isinstance(error, (OSError, sqlite3.Error, StoreUnavailable)):
                raise DataUnavailable(f"{self._path.absolute()} cannot be used: {error}") from error
            raise
        _log.info("SQLite %s at schema %d, %s", sqlite3.sqlite_version, SCHEMA_VERSION, self._path)
        return restored

    def apply(
        self, mutations: Sequence[Mutation], committed: Committed | None = None
    ) -> asyncio.Future[Sequence[Event]]:
        if self._writer is None:
            raise StoreUnavailable("the store is not open")
        return self._writer.apply(mutations, committed)

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
        self._closed.set()
        reader, self._reader = self._reader, None
        writer, self._writer = self._writer, None
        lock, self._lock = self._lock, None
        if writer is not None:
            writer.hand_over()

        def close_all() -> None:
            # the writer last, since its connection takes the WAL away with it
            for part in (reader, writer, lock):
                if part is not None:
                    part.close()

        await asyncio.to_thread(close_all)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._reader is None:
            raise StoreUnavailable("the store is not open")
        return await self._reader.run(work)

    async def _change(self, statement: str, parameters: tuple[int, ...] = ()) -> int:
        return await self._writing().run(
            lambda found: found.execute(statement, parameters).rowcount
        )

    def _writing(self) -> Writer:
        if self._writer is None:
            raise StoreUnavailable("the store is not open")
        return self._writer

    def _unless_closed(self) -> None:
        """Raises StoreUnavailable once somebody has ended the start."""
        if self._closed.is_set() or self._ended():
            raise StoreUnavailable("the start was ended before the database was ready")

    def _connect(self) -> sqlite3.Connection:
        return connect(self._path)

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


def connect(path: Path, *, one_thread: bool = True) -> sqlite3.Connection:
    """The one connection that writes, durably. `one_thread`: whether only this one uses it.
    Raises sqlite3.Error."""
    connection = sqlite3.connect(
        path,
        isolation_level=None,
        cached_statements=STATEMENTS,
        check_same_thread=one_thread,
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # macOS: without this a commit is in the drive's cache only. Nothing elsewhere.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
