"""Tasks that other daemons change as well: the shared database has them as they are now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from robotq.engine.commit.disk import Disk, NotAnswered
from robotq.engine.events.bus import TakingOver
from robotq.engine.reads import Reads
from robotq.engine.state.tasks import TaskMemory
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.task import Task
from robotq.store.port import (
    Mutation,
    SharedQueues,
    SharedUnavailable,
)

_T = TypeVar("_T")


class Elsewhere:
    def __init__(
        self,
        shared: SharedQueues | None,
        reads: Reads,
        memory: TaskMemory,
        taking_over: TakingOver,
        disk: Disk,
    ) -> None:
        self._shared = shared
        self._reads = reads
        self._memory = memory
        self._taking_over = taking_over
        self._disk = disk

    async def claim(
        self, queue: str, match: str, take: Callable[[Task], Sequence[Mutation] | None]
    ) -> bool:
        """Have the shared database choose a waiting task, and write what `take` makes of it.
        False where there is none. Raises RobotqError store_unavailable, StaleRevision."""
        assert self._shared is not None
        chosen: list[Sequence[Mutation]] = []

        def taken(task: Task) -> Sequence[Mutation] | None:
            mutations = take(task)
            if mutations is not None:
                chosen[:] = [mutations]
            return mutations

        def committed(_: Sequence[Event]) -> None:
            self._taking_over.take_over(chosen[0], ())

        try:
            answer = self._shared.claim(queue, match, taken, committed)
            return await self.in_time(answer) is not None
        except SharedUnavailable as error:
            raise RobotqError("store_unavailable", reason=str(error)) from error

    async def read_anew(self, task_id: str) -> Task:
        """A task as the shared database has it; memory has it so from here on. Raises RobotqError
        task_not_found, store_unavailable."""
        task = await self._reads.anew(task_id)
        self._taking_over.mirror([task])
        return task

    def must_know(self, queue: str) -> None:
        """Raises RobotqError store_unavailable where nobody can say what waits in a queue, since
        the database is away."""
        if self._shared is not None and self._shared.shared_queue(queue) and self._shared.reason:
            raise RobotqError("store_unavailable", reason=self._shared.reason)

    async def newest(self, task: Task) -> Task:
        """The task, where other daemons change it too as the database has it. Raises as
        `read_anew`."""
        if self._shared is None or not self._shared.shared_queue(task.queue):
            return task
        return await self.read_anew(task.id)

    async def was_old(self, task_id: str) -> bool:
        """Whether memory had a task that another daemon has changed; it has the new one now.
        Raises as `read_anew`."""
        known = self._memory.get(task_id)
        return known is not None and (await self.newest(known)).revision != known.revision

    async def in_time(self, answer: asyncio.Future[_T]) -> _T:
        """Its result. Raises NotAnswered; what is written later all the same is taken over
        then, and stands."""
        answer.add_done_callback(_heard)
        done, _ = await asyncio.wait({answer}, timeout=self._disk.deadline_s)
        if not done:
            raise NotAnswered
        return answer.result()


def _heard(answer: asyncio.Future[Any]) -> None:
    """Nobody may be there any more to hear of an error."""
    if not answer.cancelled():
        answer.exception()
