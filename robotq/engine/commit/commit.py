"""The one way to the disk: what is written here is visible and told only after it is on disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol, TypeAlias, TypeVar

from robotq.engine.commit.locks import LockedTask, LockedTasks, Locks
from robotq.engine.events.bus import EventBus
from robotq.engine.reads import Reads
from robotq.engine.signals import Signals
from robotq.engine.state.resources import Resources
from robotq.engine.state.tasks import Room, TaskMemory
from robotq.engine.timings import Timings
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.task import Task, TaskState
from robotq.store.port import (
    AppendEvent,
    DropOccupancy,
    Mutation,
    SaveDelivery,
    SaveOccupancy,
    SaveTask,
    StaleRevision,
    Store,
    StoreUnavailable,
)

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_OCCUPANCIES = (SaveOccupancy, DropOccupancy)

NO_ANSWER = "reason.no_answer"

Follower: TypeAlias = Callable[[SaveTask], Sequence[Mutation]]
"""What has to be written together with a task, e.g. the webhooks of its end."""


class Along(Protocol):
    """What goes into a transaction with the rest, and wants to know what became of it."""

    mutations: Sequence[Mutation]

    def written(self) -> None: ...

    def failed(self) -> None:
        """It is not on disk, or nobody knows."""


class NotAnswered(RobotqError):
    """A store_unavailable where nobody knows yet whether it was written."""

    def __init__(self) -> None:
        super().__init__("store_unavailable", reason=NO_ANSWER)


class Commit:
    """Writes mutations durably, with what follows from them; then brings memory up to date, then
    tells the listeners.

    While the store takes no writes, `available` is false; `Signals.outage` was told of it. A
    store that does not answer within `deadline_s` is out as well: whoever asked is told so, and
    what comes to the disk later all the same stands in `late`. See `Outage` for what ends it.
    """

    def __init__(
        self,
        *,
        store: Store,
        bus: EventBus,
        reads: Reads,
        memory: TaskMemory,
        resources: Resources,
        signals: Signals,
        followers: Sequence[Follower],
        deadline_s: float = Timings().disk_s,
    ) -> None:
        self._store = store
        self._bus = bus
        self._reads = reads
        self._memory = memory
        self._resources = resources
        self._signals = signals
        self._followers = followers
        self._deadline_s = deadline_s
        self._working = asyncio.Event()
        self._working.set()
        self._answering = asyncio.Event()
        self._answering.set()
        self.locks = Locks()
        """One for each task that somebody is changing, by its id."""
        self.reason: str | None = None
        """Why the store takes no writes; None while it does."""
        self.late: list[Sequence[Mutation]] = []
        """What was written after its caller had been told that it was not."""

    # -- one task ------------------------------------------------------------------------------

    async def find(self, task_id: str) -> Task:
        """A task, wherever it is. Raises RobotqError task_not_found, store_unavailable."""
        return await self._reads.task(task_id)

    def of(self, task_id: str, *, patient: bool = False) -> LockedTask:
        """The task as it is now; nobody else changes it meanwhile. Entering raises as `find`
        does, and store_unavailable where whoever changes it now waits for a disk that does not
        answer, unless `patient`."""
        return LockedTask(self.locks, self._reads, None if patient else self.in_time, task_id)

    def several(self) -> LockedTasks:
        """The same for as many tasks as are asked for inside, patiently."""
        return LockedTasks(self.locks, self._reads)

    # -- to the disk ---------------------------------------------------------------------------

    async def write(
        self,
        mutations: Sequence[Mutation],
        room: Room | None = None,
        holds: Along | None = None,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Write all or nothing. `room` was kept for the new tasks among them; `holds` is what
        goes along; `then` is called when memory is up to date, before anybody is told.

        A caller that is cancelled meanwhile does not keep memory and listeners from it.
        Raises RobotqError store_unavailable, task_not_found (removed meanwhile), StaleRevision,
        DuplicateKey; NotAnswered where the disk takes too long. What comes to it later is taken
        over too, and then undone.
        """
        following = self._following(mutations)
        given_up = False

        def committed(events: Sequence[Event]) -> None:
            if given_up:
                self.late.append(whole)
            try:
                self._take_over(mutations, following)
                if room is not None:
                    room.taken()
                if holds is not None:
                    holds.written()
                if then is not None:
                    then()
            finally:
                # it is on disk, whatever became of it in memory
                self._bus.publish(events)

        whole = [*mutations, *following, *(holds.mutations if holds is not None else ())]
        if not self._answering.is_set():
            # what is not handed over cannot come to the disk later
            raise RobotqError("store_unavailable", reason=NO_ANSWER)
        try:
            writing = self._store.apply(whole, committed)

            def give_up() -> None:
                nonlocal given_up
                if not writing.done():
                    given_up = True
                    self._hangs()
                    writing.set_exception(NotAnswered())

            deadline = writing.get_loop().call_later(self._deadline_s, give_up)
            try:
                await writing
            finally:
                deadline.cancel()
        except StaleRevision as error:
            await self._unless_removed(str(error), mutations)
            raise
        except StoreUnavailable as error:
            self._failed(str(error))
            raise RobotqError("store_unavailable", reason=str(error)) from error

    async def written(
        self,
        mutations: Sequence[Mutation],
        claimed: Task | None = None,
        holds: Along | None = None,
        then: Callable[[], None] | None = None,
    ) -> bool:
        """The same for what has happened already: waits for the disk's answer, however long that
        takes, and is False where it takes no writes. What was taken for `claimed` is given back
        then."""
        following = self._following(mutations)

        def committed(events: Sequence[Event]) -> None:
            try:
                self._take_over(mutations, following)
                if holds is not None:
                    holds.written()
                if then is not None:
                    then()
            finally:
                self._bus.publish(events)

        whole = [*mutations, *following, *(holds.mutations if holds is not None else ())]
        written = False
        try:
            if self._answering.is_set():
                hanging = asyncio.get_running_loop().call_later(self._deadline_s, self._hangs)
                try:
                    await self._store.apply(whole, committed)
                    written = True
                except StoreUnavailable as error:
                    self._failed(str(error))
                finally:
                    hanging.cancel()
        finally:
            if not written and holds is not None:
                holds.failed()
            if not written and claimed is not None:
                self._resources.give_back(claimed.queue)
                self._memory.wake_robots()
        return written

    async def write_when_possible(
        self, mutations: Sequence[Mutation], then: Callable[[], None] | None = None
    ) -> None:
        """The same for what must not be lost: waits until the disk has taken it."""
        while not await self.written(mutations, then=then):
            await self.until_available()

    async def note(self, event: Event) -> bool:
        """Write one event; False, and a line in the log, where the disk does not take it."""
        if await self.written([AppendEvent(event)]):
            return True
        _log.warning("not in the journal: %s by %s", event.kind, event.actor)
        return False

    async def _unless_removed(self, task_id: str, mutations: Sequence[Mutation]) -> None:
        """Raises RobotqError task_not_found where retention has removed the task meanwhile."""
        ours = any(isinstance(one, SaveTask) and one.task.id == task_id for one in mutations)
        if ours and self._memory.get(task_id) is None:
            await self.find(task_id)

    def _following(self, mutations: Sequence[Mutation]) -> Sequence[Mutation]:
        """What has to be written with these."""
        following: list[Mutation] = []
        for mutation in mutations:
            if isinstance(mutation, SaveTask):
                for follower in self._followers:
                    following += follower(mutation)
        return following

    # -- into memory ---------------------------------------------------------------------------

    def _take_over(self, mutations: Iterable[Mutation], following: Sequence[Mutation]) -> None:
        """Bring memory up to date with what was written. It is on disk, so a fault of one part
        is logged, and keeps neither the others nor the caller from it."""
        freed = False
        for mutation in mutations:
            try:
                if isinstance(mutation, SaveTask):
                    if mutation.was is None and mutation.task.state is TaskState.PENDING:
                        self._memory.add(mutation.task, mutation.weight)
                    else:
                        self._memory.update(mutation.task, mutation.before)
                    self._signals.task_written.tell(mutation.task)
                elif isinstance(mutation, _OCCUPANCIES):
                    freed |= self._resources.commit((mutation,))
            except Exception:  # noqa: BLE001 - as above
                _log.exception("what is on disk could not be taken over: %s", mutation)
        for mutation in following:
            if isinstance(mutation, SaveDelivery):
                self._signals.webhook_written.tell(mutation.delivery)
        if freed:
            self._memory.wake_robots()

    # -- whether the disk works ----------------------------------------------------------------

    @property
    def available(self) -> bool:
        return self._working.is_set()

    async def until_available(self) -> None:
        """Wait for the disk."""
        await self._working.wait()

    async def until_answered(self) -> None:
        """Wait until it is known what became of all that was handed over."""
        await self._answering.wait()

    async def in_time(self, waiting: Awaitable[_T]) -> _T:
        """What `waiting` returns. Raises RobotqError store_unavailable where that takes longer
        than the disk has; then it was cancelled."""
        try:
            async with asyncio.timeout(self._deadline_s):
                return await waiting
        except TimeoutError:
            raise RobotqError("store_unavailable", reason=NO_ANSWER) from None

    def all_answered(self) -> None:
        """It is known what became of all that was handed over."""
        self._answering.set()

    def works_again(self) -> None:
        """The outage is over."""
        _log.warning("the store takes writes again")
        self.reason = None
        self._working.set()

    def _hangs(self) -> None:
        self._answering.clear()
        self._failed(NO_ANSWER)

    def _failed(self, reason: str) -> None:
        if self._working.is_set():
            _log.error("the store takes no writes: %s", reason)
            self.reason = reason
            self._working.clear()
            self._signals.outage.tell(reason)
