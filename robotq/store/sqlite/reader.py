"""Threads that read: they see what is committed and never hold up the writer."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from robotq.store.port import StoreUnavailable
from robotq.store.sqlite.handover import Handover

_WAITING = 1_000
"""Reads that may wait; the next one is refused."""

T = TypeVar("T")


class _Read(NamedTuple):
    work: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]


class Reader:
    """A thread for each connection. Reads wait for the next free one, in their order."""

    def __init__(self, connections: Sequence[sqlite3.Connection]) -> None:
        """`connections` must be of use in any thread, and should be unable to write."""
        self._connections = connections
        self._handover = Handover(_WAITING, "reads")
        self._reads: queue.SimpleQueue[_Read | None] = queue.SimpleQueue()
        # daemon threads: an event loop that ended without `close` must not keep the process
        self._threads = [
            threading.Thread(
                target=self._run,
                args=(connection,),
                name=f"robotq-store-read-{number}",
                daemon=True,
            )
            for number, connection in enumerate(connections)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Raises StoreUnavailable for every sqlite3.Error, and while too many wait already."""
        future: asyncio.Future[T] = self._handover.future()
        self._reads.put(_Read(work, future))
        return await future

    def close(self) -> None:
        """Finish what waits, then close. Blocks until it is done; the last call."""
        for _ in self._threads:
            self._reads.put(None)
        for thread, connection in zip(self._threads, self._connections, strict=True):
            thread.join()
            connection.close()

    def _run(self, connection: sqlite3.Connection) -> None:
        while (read := self._reads.get()) is not None:
            outcome: object = None
            try:
                if not read.future.cancelled():
                    outcome = read.work(connection)
            except sqlite3.Error as error:
                outcome = StoreUnavailable(str(error))
            except Exception as error:  # noqa: BLE001 - whoever asked gets it
                outcome = error
            self._handover.answer([(read.future, outcome, None)])
