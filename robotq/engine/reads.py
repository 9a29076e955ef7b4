"""Reads: the one way in which anybody outside the engine asks what there is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from typing import TypeVar

from robotq.engine.events.bus import EventBus, EventBusStatistics, Subscription
from robotq.engine.state.resources import Resources
from robotq.engine.state.robot_queue import RobotQueue
from robotq.engine.state.tallies import Counts
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.state.worker_queue import WorkerQueue
from robotq.engine.timings import Timings
from robotq.model.delivery import Delivery
from robotq.model.errors import NotReadable, RobotqError
from robotq.model.event import Event
from robotq.model.hold import Occupancy
from robotq.model.item import Item, ItemBatch
from robotq.model.task import Task, TaskState
from robotq.store.port import (
    Answer,
    DeliveryQuery,
    ItemBatchQuery,
    ItemQuery,
    SharedQueues,
    Store,
    StoreStatistics,
    StoreUnavailable,
    Tally,
    TaskQuery,
)
from robotq.store.queries import JobQuery

_T = TypeVar("_T")

NO_ANSWER = "reason.not_read"
WRITTEN_LATE = "reason.written_late"
"""Why a task is called off that was written after its caller had been told that it was not."""


class Reads:
    """Answers from memory where that knows, else from the disk; changes nothing.

    A question to the disk is a coroutine, and raises RobotqError store_unavailable where the
    disk cannot be read, or does not answer in time. All others are answered at once.
    """

    def __init__(
        self,
        store: Store,
        memory: TaskMemory,
        resources: Resources,
        bus: EventBus,
        *,
        deadline_s: float = Timings().read_s,
    ) -> None:
        self._store = store
        self._memory = memory
        self._resources = resources
        self._bus = bus
        self._deadline_s = deadline_s
        self._shared = store if isinstance(store, SharedQueues) else None

    # -- one task --------------------------------------------------------------------------

    async def task(self, task_id: str) -> Task:
        """A task, wherever it is. Raises RobotqError task_not_found, store_unavailable."""
        task = await self.task_if_any(task_id)
        if task is None:
            raise RobotqError("task_not_found", task_id=task_id)
        return task

    async def task_if_any(self, task_id: str) -> Task | None:
        """The same; None where there is no such task."""
        known = self._memory.get(task_id)
        return known if known is not None else await self._read(self._store.get(task_id))

    async def anew(self, task_id: str) -> Task:
        """A task as it is on disk, whatever memory has. Raises RobotqError task_not_found,
        store_unavailable."""
        task = await self._read(self._store.get(task_id))
        if task is None:
            raise RobotqError("task_not_found", task_id=task_id)
        return task

    # -- from the disk -----------------------------------------------------------------------

    async def tasks(self, query: TaskQuery) -> Sequence[Task]:
        """Newest first, by number of arrival."""
        return await self._read(self._store.list(query))

    async def jobs(self, query: JobQuery) -> tuple[Sequence[Task], int]:
        """Tasks for workers: those of the page, and how many there are on all pages."""
        return await self._read(self._store.jobs(query))

    async def events(
        self,
        after: int,
        *,
        limit: int,
        task_id: str | None = None,
        api: str | None = None,
    ) -> Sequence[Event]:
        """The journal after an event, oldest first: all of it, or what is about a task, or
        about the tasks of an interface."""
        return await self._read(
            self._store.events_since(after, limit=limit, task_id=task_id, api=api)
        )

    async def webhooks(self, query: DeliveryQuery) -> Sequence[Delivery]:
        """Newest first, by the end of their tasks."""
        return await self._read(self._store.deliveries(query))

    async def answer(self, scope: str, key: str) -> Answer | None:
        """What was answered to a request with this Idempotency-Key; None also where that never
        reached anybody, and was taken back."""
        answer = await self.kept_answer(scope, key)
        return None if answer is None or await self.taken_back(answer) else answer

    async def kept_answer(self, scope: str, key: str) -> Answer | None:
        """The same as it is on disk."""
        return await self._read(self._store.answer(scope, key))

    async def taken_back(self, answer: Answer) -> bool:
        """Whether all its tasks were called off since they were written too late to be told, and
        nobody has run one of them again."""
        for task_id in answer.body["task_ids"]:
            try:
                if not written_late(await self.task(task_id)):
                    return False
            except RobotqError as error:
                if error.code.name != "task_not_found":
                    raise
                return False
        return bool(answer.body["task_ids"])

    async def items(self, query: ItemQuery) -> tuple[Sequence[Item], int]:
        """Those of the page, and how many there are on all pages."""
        return await self._read(self._store.items(query))

    async def item_batches(self, query: ItemBatchQuery) -> tuple[Sequence[ItemBatch], int]:
        """Those of the page, newest first, and how many there are on all pages."""
        return await self._read(self._store.item_batches(query))

    async def tallies(self, api: str, *, from_ms: int, to_ms: int) -> Sequence[Tally]:
        """Numbers of the hours from `from_ms` to `to_ms`, both included; oldest first, then by
        name. `from_ms=0, to_ms=0` are those over all time."""
        return await self._read(self._store.tallies(api, from_ms=from_ms, to_ms=to_ms))

    async def _read(self, reading: Awaitable[_T]) -> _T:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await reading
        except StoreUnavailable as error:
            raise NotReadable(str(error)) from error
        except TimeoutError:
            raise NotReadable(NO_ANSWER) from None

    # -- from memory -------------------------------------------------------------------------

    def known(self, task_id: str) -> Task | None:
        """An unfinished task, or one of the latest that have ended."""
        return self._memory.get(task_id)

    def counts(self, *, api: str | None = None, queue: str | None = None) -> Counts:
        """Tasks by state, of one interface, one queue, or all. Kept, never counted."""
        return self._memory.counts(api=api, queue=queue)

    def all_counts(self) -> Mapping[tuple[str, str, TaskState], int]:
        """The same by interface, queue and state."""
        return self._memory.all_counts()

    def position(self, task: Task) -> int | None:
        """The place of a waiting task in its queue, from 1."""
        return self._memory.position(task)

    def running(self) -> Sequence[Task]:
        """Running tasks of all robots, oldest first."""
        return self._memory.running()

    def latest_ended(self) -> Iterator[Task]:
        """Ended tasks that are in memory, the one that ended last first."""
        return self._memory.latest_finished()

    @property
    def unfinished(self) -> int:
        """Waiting and running commands of robots."""
        return self._memory.unfinished

    @property
    def weight(self) -> int:
        """Bytes that the unfinished tasks take, roughly."""
        return self._memory.weight

    def robot_queue(self, queue: str) -> RobotQueue:
        """The queue of a robot, to look at."""
        return self._memory.robot_queue(queue)

    @property
    def robot_queues(self) -> Mapping[str, RobotQueue]:
        """The queues of all robots by name, to look at."""
        return self._memory.robot_queues

    def shared_queue(self, queue: str) -> bool:
        """Whether other daemons change the tasks of this queue too."""
        return self._shared is not None and self._shared.shared_queue(queue)

    def worker_queue(self, queue: str) -> WorkerQueue:
        """The queue of a kind of workers, to look at."""
        return self._memory.worker_queue(queue)

    @property
    def worker_queues(self) -> Mapping[str, WorkerQueue]:
        """The queues of all kinds of workers by name, to look at."""
        return self._memory.worker_queues

    def occupied(self) -> Sequence[Occupancy]:
        """Which robot has which resource."""
        return self._resources.occupied()

    # -- what happens ------------------------------------------------------------------------

    @property
    def last_event_id(self) -> int:
        """The number of the newest row of the journal."""
        return self._bus.last_event_id

    @property
    def listeners(self) -> int:
        """Open subscriptions."""
        return self._bus.listeners

    def subscribe(self) -> Subscription:
        """Every event from now on; a context manager. Raises RobotqError too_many_requests."""
        return self._bus.subscribe()

    def overhear(self, *, from_start: bool = False) -> Subscription:
        """The same for a part of the daemon itself, which counts as nobody; `from_start`: also
        those that were told before."""
        return Subscription(self._bus, heard=0 if from_start else None)

    def cut_off(self, subscription: Subscription) -> None:
        """End the subscription of a listener that is too slow, and count it."""
        self._bus.cut_off(subscription)

    def event_statistics(self) -> EventBusStatistics:
        return self._bus.statistics()

    def store_statistics(self) -> StoreStatistics:
        return self._store.statistics()


def written_late(task: Task) -> bool:
    """Whether it was called off since nobody had been told that it was accepted. It never ran, and
    nobody has had it run again."""
    return (
        task.state is TaskState.CANCELLED
        and task.started_at_ms is None
        and task.retried_as is None
        and task.error is not None
        and task.error.args.get("reason") == WRITTEN_LATE
    )
