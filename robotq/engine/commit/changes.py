"""How tasks change, for the parts of the `TaskQueue`: one at a time, on disk, then in memory."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Self

from robotq.engine.checklist.manual_steps import ManualSteps
from robotq.engine.commit.journal import Journal
from robotq.engine.commit.locks import Hold, Locks
from robotq.engine.commit.waiters import Waiters
from robotq.engine.holds.writer import Writing
from robotq.engine.intake.admission import Room
from robotq.engine.reads import Reads
from robotq.engine.state.estimates import Estimates
from robotq.engine.state.resources import Resources
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.waiting.deadlines import Deadlines
from robotq.engine.waiting.repeats import Repeats
from robotq.engine.webhooks.service import Webhooks
from robotq.model.task import FINAL_STATES, Task
from robotq.store.port import (
    DropOccupancy,
    Mutation,
    SaveDelivery,
    SaveOccupancy,
    SaveTask,
    StaleRevision,
)

_log = logging.getLogger(__name__)

_OCCUPANCIES = (SaveOccupancy, DropOccupancy)


class Changes:
    """The core of the `TaskQueue`: what is written here is visible and told only after it is on
    disk, together with what follows from it for webhooks and for the checklist."""

    def __init__(
        self,
        *,
        reads: Reads,
        journal: Journal,
        memory: TaskMemory,
        resources: Resources,
        webhooks: Webhooks,
        steps: ManualSteps,
        estimates: Estimates,
        repeats: Repeats,
        deadlines: Deadlines,
        waiters: Waiters,
    ) -> None:
        self._reads = reads
        self._journal = journal
        self._memory = memory
        self._resources = resources
        self._webhooks = webhooks
        self._steps = steps
        self._estimates = estimates
        self._repeats = repeats
        self._deadlines = deadlines
        self._waiters = waiters
        self.locks = Locks()
        """One for each task that somebody is changing, by its id."""

    # -- one task ------------------------------------------------------------------------------

    async def find(self, task_id: str) -> Task:
        """A task, wherever it is. Raises RobotqError task_not_found, store_unavailable."""
        return await self._reads.task(task_id)

    def of(self, task_id: str, *, patient: bool = False) -> One:
        """The task as it is now; nobody else changes it meanwhile. Entering raises as `find`
        does, and store_unavailable where whoever changes it now waits for a disk that does not
        answer, unless `patient`."""
        return One(self, None if patient else self._journal, task_id)

    def several(self) -> Several:
        """The same for as many tasks as are asked for inside, patiently."""
        return Several(self)

    # -- to the disk ---------------------------------------------------------------------------

    async def write(
        self,
        mutations: Sequence[Mutation],
        room: Room | None = None,
        holds: Writing | None = None,
    ) -> None:
        """All or nothing. `room` was kept for the new tasks among them; `holds` is what goes
        along.

        Raises RobotqError store_unavailable.
        """
        mutations = self._with_what_follows(mutations)

        def written() -> None:
            self._take_over(mutations)
            if room is not None:
                room.taken()
            if holds is not None:
                holds.written()

        along = holds.mutations if holds is not None else ()
        try:
            await self._journal.write([*mutations, *along], written)
        except StaleRevision as error:
            await self._unless_removed(str(error))
            raise

    async def written(
        self,
        mutations: Sequence[Mutation],
        claimed: Task | None = None,
        holds: Writing | None = None,
    ) -> bool:
        """The same, but False where the disk takes no writes; what was taken for `claimed` is
        given back then. Waits for a disk that does not answer."""
        mutations = self._with_what_follows(mutations)

        def taken_over() -> None:
            self._take_over(mutations)
            if holds is not None:
                holds.written()

        along = holds.mutations if holds is not None else ()
        written = False
        try:
            written = await self._journal.written([*mutations, *along], taken_over)
        finally:
            if not written and holds is not None:
                holds.failed()
            if not written and claimed is not None:
                self._resources.give_back(claimed.queue)
                self._memory.wake_lanes()
        return written

    async def write_when_possible(self, mutations: Sequence[Mutation]) -> None:
        """The same for what has happened already; waits for the disk."""
        mutations = self._with_what_follows(mutations)
        await self._journal.write_when_possible(mutations, lambda: self._take_over(mutations))

    async def until_available(self) -> None:
        """Wait for the disk."""
        await self._journal.until_available()

    async def _unless_removed(self, task_id: str) -> None:
        """Raises RobotqError task_not_found where retention has removed the task meanwhile."""
        if self._memory.get(task_id) is None:
            await self.find(task_id)

    def _with_what_follows(self, mutations: Sequence[Mutation]) -> Sequence[Mutation]:
        return with_what_follows(mutations, self._webhooks, self._steps)

    # -- into memory ---------------------------------------------------------------------------

    def _take_over(self, mutations: Iterable[Mutation]) -> None:
        """Bring memory up to date with what was written. It is on disk, so a fault of one part
        is logged, and keeps neither the others nor the caller from it."""
        freed = False
        for mutation in mutations:
            try:
                if isinstance(mutation, SaveTask):
                    self._memory.update(mutation.task, mutation.before)
                    self._tell(mutation.task)
                elif isinstance(mutation, _OCCUPANCIES):
                    freed |= self._resources.commit((mutation,))
                elif isinstance(mutation, SaveDelivery):
                    self._webhooks.take_over(mutation.delivery)
            except Exception:  # noqa: BLE001 - as above
                _log.exception("what is on disk could not be taken over: %s", mutation)
        if freed:
            self._memory.wake_lanes()

    def _tell(self, task: Task) -> None:
        """Let those know who follow a task; it is in memory as it was written."""
        try:
            if task.expires_at_ms is not None:
                self._deadlines.look(task)
            if task.repeat is not None:
                self._repeats.look(task)
            if task.state in FINAL_STATES and task.work is None:
                self._estimates.learn(task)
        finally:
            if task.state in FINAL_STATES:
                self._waiters.tell(task)


class One:
    """Made by `Changes.of`."""

    # classes and no generators, which take three times as long, between any two commands

    __slots__ = ("_changes", "_hurried", "_lock", "_task_id")

    _lock: Hold

    def __init__(self, changes: Changes, hurried: Journal | None, task_id: str) -> None:
        self._changes = changes
        self._hurried = hurried
        self._task_id = task_id

    async def __aenter__(self) -> Task:
        lock = self._lock = self._changes.locks.hold(self._task_id)
        await (lock.acquire() if self._hurried is None else self._hurried.in_time(lock.acquire()))
        try:
            return await self._changes.find(self._task_id)
        except BaseException:
            lock.release()
            raise

    async def __aexit__(self, *exc: object) -> None:
        self._lock.release()


class Several:
    """Made by `Changes.several`."""

    __slots__ = ("_changes", "_locks")

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._locks: list[Hold] = []

    async def __aenter__(self) -> Self:
        return self

    async def of(self, task_id: str) -> Task:
        """The task as it is now; nobody else changes it until the end of the block. Raises as
        `Changes.find` does."""
        await self.hold(task_id)
        return await self._changes.find(task_id)

    async def hold(self, task_id: str) -> None:
        """Nobody else changes this task until the end of the block."""
        lock = self._changes.locks.hold(task_id)
        await lock.acquire()
        self._locks.append(lock)

    async def __aexit__(self, *exc: object) -> None:
        for lock in reversed(self._locks):
            lock.release()


def with_what_follows(
    mutations: Sequence[Mutation], webhooks: Webhooks, steps: ManualSteps
) -> Sequence[Mutation]:
    """These, and what has to be written with them for webhooks and for the checklist."""
    following: list[Mutation] = []
    for mutation in mutations:
        if isinstance(mutation, SaveTask):
            following += webhooks.following(mutation)
            following += steps.following(mutation)
    return [*mutations, *following] if following else mutations
