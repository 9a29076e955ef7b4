"""What a person decides about tasks that an agent has submitted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import unbroken
from robotq.engine.events.rows import cancelled_with, saving_end, task_event
from robotq.engine.holds.board import HoldBoard
from robotq.engine.state.tasks import TaskMemory
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import Task, TaskError, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import Mutation, SaveTask


class Approvals:
    """Lets waiting tasks run, or ends them. A contiguous batch is decided about as one."""

    def __init__(
        self, *, commit: Commit, memory: TaskMemory, holds: HoldBoard, clock: WallClock
    ) -> None:
        self._holds = holds
        self._commit = commit
        self._memory = memory
        self._clock = clock

    @unbroken
    async def approve(
        self,
        task_id: str,
        *,
        actor: str,
        note: str = "",
        seen: int | None = None,
        stay_paused: bool = False,
    ) -> Task:
        """Let a task take its turn, where it stands in line. `seen`: the revision by which the
        person decided.

        Raises RobotqError task_not_found, wrong_state (it does not wait for approval),
        task_changed, store_unavailable.
        """
        async with self._held(task_id, "approve") as (task, rest):
            _check_seen(task, seen)
            if stay_paused:
                self._holds.set(task.queue, HoldCode.PAUSED, actor=actor, reason=note)
            now_ms = self._clock.now_ms()
            waiting = (task, *rest)
            approved = [transition(one, Action.APPROVE) for one in waiting]
            mutations: list[Mutation] = []
            for before, one in zip(waiting, approved, strict=True):
                mutations.append(SaveTask(one, before))
                mutations.append(task_event("task.approved", one, now_ms, actor, note=note))
            await self._commit.write(mutations)
            return approved[0]

    @unbroken
    async def reject(
        self, task_id: str, *, actor: str, reason: str = "", seen: int | None = None
    ) -> Task:
        """End a task that waits for approval; it never runs. `seen`, and what it raises: as
        for `approve`."""
        async with self._held(task_id, "reject") as (task, rest):
            _check_seen(task, seen)
            rejected = transition(
                task,
                Action.CANCEL,
                error=TaskError(code="rejected", args={"actor": actor, "reason": reason}),
                ended_at_ms=self._clock.now_ms(),
            )
            mutations = saving_end(task, rejected, actor)
            for one in rest:
                mutations += cancelled_with(one, rejected)
            await self._commit.write(mutations)
            return rejected

    @asynccontextmanager
    async def _held(self, task_id: str, action: str) -> AsyncIterator[tuple[Task, Sequence[Task]]]:
        """The task, and the others of its contiguous batch; nobody else changes them."""
        known = await self._commit.find(task_id)
        unit: Sequence[Task] = (known,)
        if known.contiguous and known.batch_id is not None and known.awaits_approval:
            unit = self._memory.robot_queue(known.queue).batch(known.batch_id) or unit
        async with AsyncExitStack() as changing:
            # everybody who locks several tasks goes by arrival, so nobody waits in a ring
            held = [
                await changing.enter_async_context(self._commit.of(one.id))
                for one in sorted(unit, key=lambda one: one.seq)
            ]
            waiting = [
                one for one in held if one.state is TaskState.PENDING and one.awaits_approval
            ]
            task = next((one for one in waiting if one.id == task_id), None)
            if task is None:
                now = await self._commit.find(task_id)
                raise RobotqError(
                    "wrong_state", task_id=task_id, state=now.state.value, action=action
                )
            yield task, [one for one in waiting if one is not task]


def _check_seen(task: Task, seen: int | None) -> None:
    """Raises RobotqError task_changed where the person has seen another revision of it."""
    if seen is not None and seen != task.revision:
        raise RobotqError("task_changed", task_id=task.id, revision=task.revision)
