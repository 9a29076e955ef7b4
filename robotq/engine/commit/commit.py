"""The one way to the disk: what is written here is visible and told only after it is on disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from robotq.engine.commit.disk import NO_ANSWER, Disk, Stands, Writing
from robotq.engine.commit.elsewhere import Elsewhere
from robotq.engine.commit.locks import LockedTask, LockedTasks, Locks
from robotq.engine.events.bus import EventBus, TakingOver
from robotq.engine.reads import Reads
from robotq.engine.settings import Settings
from robotq.engine.signals import Signals
from robotq.engine.state.resources import Resources
from robotq.engine.state.tasks import Room, TaskMemory
from robotq.engine.timings import Timings
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.task import FINAL_STATES, Task
from robotq.store.port import (
    AppendEvent,
    Mutation,
    SaveTask,
    SharedQueues,
    SharedUnavailable,
    StaleRevision,
    Store,
    StoreUnavailable,
)

_log = logging.getLogger(__name__)

Follower: TypeAlias = Callable[[SaveTask], Sequence[Mutation]]
"""What has to be written together with a task, e.g. the webhooks of its end."""


class Along(Protocol):
    """What goes into a transaction with the rest, and wants to know what became of it."""

    mutations: Sequence[Mutation]

    def written(self) -> None: ...

    def failed(self) -> None:
        """It is not on disk, or nobody knows."""


_AGAIN_S = 0.5
"""Seconds until something is written once more to a shared database that was away."""


class Commit:
    """Writes mutations durably, with what follows from them; then brings memory up to date, then
    tells the listeners.

    Where the disk takes too long, whoever asked is told so; what comes to it later all the same
    stands in `Disk.late`.
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
        settings: Settings,
        at_end: Sequence[Follower],
        by_handler: Mapping[str, Follower],
        deadline_s: float = Timings().disk_s,
    ) -> None:
        """What follows from a task that is written: `at_end` is asked about those that have
        ended, `by_handler` about those whose command this part of the daemon carries out."""
        self._store = store
        self._bus = bus
        self._reads = reads
        self._memory = memory
        self._resources = resources
        self._settings = settings
        self._at_end = at_end
        self._by_handler = by_handler
        self.shared = store if isinstance(store, SharedQueues) else None
        """Where tasks for workers are, if other daemons have them too."""
        self.disk = Disk(signals, deadline_s)
        self.taking_over = TakingOver(memory, resources, signals, self.shared)
        self.elsewhere = Elsewhere(self.shared, reads, memory, self.taking_over, self.disk)
        self.locks = Locks()
        """One for each task that somebody is changing, by its id."""

    def follow(self, follower: Follower) -> None:
        """From now on ask this one too about tasks that have ended."""
        self._at_end = (*self._at_end, follower)

    # -- one task ------------------------------------------------------------------------------

    async def find(self, task_id: str) -> Task:
        """A task, wherever it is. Raises RobotqError task_not_found, store_unavailable."""
        return await self._reads.task(task_id)

    def of(self, task_id: str, *, patient: bool = False) -> LockedTask:
        """The task as it is now; nobody else changes it meanwhile. Entering raises as `find`
        does, and store_unavailable where whoever changes it now waits for a disk that does not
        answer, unless `patient`."""
        return LockedTask(self.locks, self._reads, None if patient else self.disk.in_time, task_id)

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
        stands: Stands = False,
    ) -> None:
        """Write all or nothing. `room` was kept for the new tasks among them; `holds` is what
        goes along; `then` is called when memory is up to date, before anybody is told; `stands`:
        it is not undone where the disk takes it late.

        A caller that is cancelled meanwhile does not keep memory and listeners from it.
        Raises RobotqError store_unavailable, task_not_found (removed meanwhile), StaleRevision,
        DuplicateKey; NotAnswered where the disk takes too long. What comes to it later is taken
        over too, and then undone, unless it `stands`.
        """
        following = self._following(mutations)
        elsewhere = self._elsewhere(mutations)
        if not self.disk.answering.is_set() and not elsewhere:
            # what is not handed over cannot come to the disk later
            raise RobotqError("store_unavailable", reason=NO_ANSWER)
        whole = mutations
        if following or holds is not None:
            whole = _together(mutations, following, holds)
        writing = Writing(refused=True, mutations=whole, stands=stands)

        def committed(events: Sequence[Event]) -> None:
            if writing.given_up:
                self.disk.late.append(writing)
            try:
                self.taking_over.take_over(mutations, following)
                if room is not None:
                    room.taken()
                if holds is not None:
                    holds.written()
                if then is not None:
                    then()
            finally:
                # it is on disk, whatever became of it in memory
                self._bus.publish(events)

        try:
            if elsewhere:
                await self.elsewhere.in_time(self._store.apply(whole, committed))
            else:
                await self.disk.expect(writing, self._store.apply(whole, committed))
        except StaleRevision as error:
            await self._unless_removed(str(error), mutations)
            raise
        except SharedUnavailable as error:
            # of no robot: what is the daemon's own is on disk
            raise RobotqError("store_unavailable", reason=str(error)) from error
        except StoreUnavailable as error:
            self.disk.failed(str(error))
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
                self.taking_over.take_over(mutations, following)
                if holds is not None:
                    holds.written()
                if then is not None:
                    then()
            finally:
                self._bus.publish(events)

        written = False
        try:
            if self.disk.answering.is_set():
                whole = _together(mutations, following, holds)
                try:
                    if self._elsewhere(mutations):
                        await self._store.apply(whole, committed)
                    else:
                        writing = Writing(refused=False, mutations=whole)
                        await self.disk.expect(writing, self._store.apply(whole, committed))
                    written = True
                except SharedUnavailable as error:
                    _log.warning("not in the shared database: %s", error)
                except StoreUnavailable as error:
                    self.disk.failed(str(error))
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
            await self.disk.until_available()
            if self._elsewhere(mutations):
                # the disk works, so nothing says when the shared database does
                await asyncio.sleep(_AGAIN_S)

    async def note(self, event: Event) -> bool:
        """Write one event; False, and a line in the log, where the disk does not take it."""
        if await self.written([AppendEvent(event)]):
            return True
        _log.warning("not in the journal: %s by %s", event.kind, event.actor)
        return False

    async def _unless_removed(self, task_id: str, mutations: Sequence[Mutation]) -> None:
        """Raises RobotqError task_not_found where retention has removed the task meanwhile."""
        if self._elsewhere(mutations):
            # another daemon was first; who asked reads it anew
            return
        ours = any(isinstance(one, SaveTask) and one.task.id == task_id for one in mutations)
        if ours and self._memory.get(task_id) is None:
            await self.find(task_id)

    def _elsewhere(self, mutations: Sequence[Mutation]) -> bool:
        """Whether these go to the database that daemons share."""
        return self.shared is not None and self.shared.shares(mutations)

    def _following(self, mutations: Sequence[Mutation]) -> Sequence[Mutation]:
        """What has to be written with these."""
        following: list[Mutation] = []
        for mutation in mutations:
            if isinstance(mutation, SaveTask):
                task = mutation.task
                if task.state in FINAL_STATES:
                    for follower in self._at_end:
                        following += follower(mutation)
                catalog, cmd_type = self._settings.catalog, task.command.cmd_type
                if cmd_type in catalog.without_driver:
                    handler = catalog.handler(cmd_type)
                    if handler is not None and handler in self._by_handler:
                        following += self._by_handler[handler](mutation)
        return following


def _together(
    mutations: Sequence[Mutation], following: Sequence[Mutation], holds: Along | None
) -> Sequence[Mutation]:
    """What goes into one transaction."""
    return [*mutations, *following, *(holds.mutations if holds is not None else ())]
