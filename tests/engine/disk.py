"""A store that can be slow, full, or gone with its process at a chosen moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TypeVar

from robotq.model.delivery import Delivery
from robotq.model.event import Event
from robotq.model.item import Item, ItemBatch
from robotq.model.task import Task, TaskState
from robotq.store.memory import MemoryStore
from robotq.store.port import (
    Answer,
    Committed,
    DeliveryQuery,
    ItemBatchQuery,
    ItemQuery,
    Mutation,
    Restored,
    SaveTask,
    StaleRevision,
    StoreStatistics,
    StoreUnavailable,
    Tally,
    TaskQuery,
)
from robotq.store.queries import JobQuery

_T = TypeVar("_T")

_writing: set[asyncio.Future[Sequence[Event]]] = set()
"""Also of a disk that is forgotten while it hangs: its loop ends them."""


def writes(*states: TaskState) -> Callable[[Sequence[Mutation]], bool]:
    """Whether a write brings tasks into all these states."""

    def test(mutations: Sequence[Mutation]) -> bool:
        changed = {
            mutation.task.state
            for mutation in mutations
            if isinstance(mutation, SaveTask) and mutation.before is not mutation.task.state
        }
        return set(states) <= changed

    return test


class Disk:
    """One process's view of the data in `data`, which outlives it.

    Like a real disk it commits in the order of the calls and answers later, all in order.
    """

    def __init__(self, data: MemoryStore) -> None:
        self.data = data
        self.full: str | None = None
        """While set, no write succeeds, and neither does the probe."""
        self.refuses = 0
        """So many of the next writes fail."""
        self.unreadable = False
        self._reading = asyncio.Event()
        self._reading.set()
        self.unread = 0
        """Reads that were refused."""
        self.dead = False
        """The process has died: nothing is written, and whoever asks for it dies with it."""
        self.dies_at: Callable[[Sequence[Mutation]], bool] = lambda _: False
        """The process dies as soon as such a write is on disk, before anybody is told."""
        self.hangs_at: Callable[[Sequence[Mutation]], bool] = lambda _: False
        """Such a write is committed, and from then on nobody is answered until `go_on`."""
        self.stale_at: Callable[[Sequence[Mutation]], bool] = lambda _: False
        """What such a write was made of has changed on the disk meanwhile."""
        self.calls = 0
        self._answering = asyncio.Event()
        self._answering.set()

    @property
    def hanging(self) -> bool:
        return not self._answering.is_set()

    def hang_all(self) -> None:
        """From now on commit, and answer nobody until `go_on`."""
        self._answering.clear()

    def hang_reads(self) -> None:
        """From now on no question is answered until `go_on`."""
        self._reading.clear()

    def go_on(self) -> None:
        self._reading.set()
        self.hangs_at = lambda _: False
        self._answering.set()

    async def open(self, *, finished: int) -> Restored:
        return await self.data.open(finished=finished)

    def apply(
        self, mutations: Sequence[Mutation], committed: Committed | None = None
    ) -> asyncio.Future[Sequence[Event]]:
        # the disk goes on, whether or not anybody waits for it
        answered: asyncio.Future[Sequence[Event]] = asyncio.get_running_loop().create_future()
        writing = asyncio.ensure_future(self._apply(mutations, committed))
        _writing.add(writing)
        writing.add_done_callback(_writing.discard)

        def tell(done: asyncio.Future[Sequence[Event]]) -> None:
            error = None if done.cancelled() else done.exception()
            if answered.done():
                return
            if done.cancelled():
                answered.cancel()
            elif error is not None:
                answered.set_exception(error)
            else:
                answered.set_result(done.result())

        writing.add_done_callback(tell)
        return answered

    async def _apply(
        self, mutations: Sequence[Mutation], committed: Committed | None
    ) -> Sequence[Event]:
        self.calls += 1
        if self.dead:
            raise asyncio.CancelledError
        if self.full is not None:
            reason = self.full
            await asyncio.sleep(0)
            raise StoreUnavailable(reason)
        if self.refuses > 0:
            self.refuses -= 1
            await asyncio.sleep(0)
            raise StoreUnavailable("input/output error")
        if self.stale_at(mutations):
            raise StaleRevision("changed by somebody else")
        events = await self.data.apply(mutations)
        if self.dies_at(mutations):
            self.dead = True
            raise asyncio.CancelledError
        if self.hangs_at(mutations):
            self._answering.clear()
        await asyncio.sleep(0)
        await self._answering.wait()
        if committed is not None:
            committed(events)
        return events

    async def get(self, task_id: str) -> Task | None:
        return await self._read(self.data.get(task_id))

    async def list(self, query: TaskQuery) -> Sequence[Task]:
        return await self._read(self.data.list(query))

    async def events_since(
        self,
        event_id: int,
        *,
        limit: int,
        task_id: str | None = None,
        api: str | None = None,
    ) -> Sequence[Event]:
        reading = self.data.events_since(event_id, limit=limit, task_id=task_id, api=api)
        return await self._read(reading)

    async def programs_named(self, sha256: Sequence[str]) -> frozenset[str]:
        return await self._read(self.data.programs_named(sha256))

    async def answer(self, scope: str, key: str) -> Answer | None:
        return await self._read(self.data.answer(scope, key))

    async def deliveries(self, query: DeliveryQuery) -> Sequence[Delivery]:
        return await self._read(self.data.deliveries(query))

    async def unnamed_files(self, hashes: Sequence[str]) -> Sequence[str]:
        return await self._read(self.data.unnamed_files(hashes))

    async def jobs(self, query: JobQuery) -> tuple[Sequence[Task], int]:
        return await self._read(self.data.jobs(query))

    async def items(self, query: ItemQuery) -> tuple[Sequence[Item], int]:
        return await self._read(self.data.items(query))

    async def item_batches(self, query: ItemBatchQuery) -> tuple[Sequence[ItemBatch], int]:
        return await self._read(self.data.item_batches(query))

    async def tallies(self, api: str, *, from_ms: int, to_ms: int) -> Sequence[Tally]:
        return await self._read(self.data.tallies(api, from_ms=from_ms, to_ms=to_ms))

    async def prune(
        self, *, tasks_before_ms: int, events_before_ms: int, answers_before_ms: int, limit: int
    ) -> int:
        return await self.data.prune(
            tasks_before_ms=tasks_before_ms,
            events_before_ms=events_before_ms,
            answers_before_ms=answers_before_ms,
            limit=limit,
        )

    async def probe(self) -> None:
        if self.full is not None:
            raise StoreUnavailable(self.full)
        # everything is answered in its order
        await self._answering.wait()

    def files(self, name: str) -> Path:
        return self.data.files(name)

    def statistics(self) -> StoreStatistics:
        return self.data.statistics()

    async def close(self) -> None:
        # what was handed over is written first
        await self._answering.wait()

    async def _read(self, reading: Coroutine[object, object, _T]) -> _T:
        found = await reading
        await asyncio.sleep(0)
        await self._reading.wait()
        if self.unreadable:
            self.unread += 1
            raise StoreUnavailable("input/output error")
        return found


class DiskInFolder(Disk):
    """The same, with a folder for what is kept beside the database."""

    def __init__(self, data: MemoryStore, folder: Path) -> None:
        super().__init__(data)
        self.folder = folder
