"""What people change in the order of waiting tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import unbroken
from robotq.engine.events.rows import task_event
from robotq.engine.intake.admission import Admission
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.waiting.positions import Movable, NewRank, WantedPosition
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.task import Command, Task
from robotq.model.transitions import Action, transition
from robotq.store.port import Mutation, SaveTask, SetFact

ALSO_RANKED = "also_ranked"
"""In the event of a move: how many others of its queue stand where they stood, by another rank.
No event tells of each of them."""
REVISIONS = "queue_revisions"
"""The fact under which the store keeps the revision of each queue."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What has come of an edit."""

    tasks: Sequence[Task]
    """The task, with those of its contiguous batch, as they stand in line now."""
    revision: int
    """Of its queue."""


class Editing:
    """Gives waiting tasks another place or priority; one edit at a time."""

    def __init__(
        self,
        *,
        commit: Commit,
        memory: TaskMemory,
        admission: Admission,
        clock: WallClock,
        revisions: JsonObject,
    ) -> None:
        """`revisions`: what the store has under `REVISIONS`."""
        self._commit = commit
        self._memory = memory
        self._admission = admission
        self._clock = clock
        self._revisions: dict[str, int] = dict(revisions)
        self._one_at_a_time = asyncio.Lock()

    @property
    def revision(self) -> int:
        """The number of edits so far, over all queues and restarts."""
        return max(self._revisions.values(), default=0)

    def revision_of(self, queue: str) -> int:
        """The revision that the latest edit of this queue has made; 0 before the first."""
        return self._revisions.get(queue, 0)

    @unbroken
    async def move(
        self, task_id: str, place: WantedPosition, *, actor: str, seen: int | None = None
    ) -> Moved:
        """Put a waiting task elsewhere in its queue; a contiguous batch moves as one.

        `seen` is the revision by which the caller decided: where somebody has edited this
        queue since, nothing is done. Tasks that come and go are no edits. A task takes another
        priority where it could not stand at its new place with its own.
        Raises RobotqError task_not_found, wrong_state (it does not wait, or is part of a batch
        that has begun), bad_parameter, precondition_failed, store_unavailable.
        """
        async with self._one_at_a_time:
            while True:
                task = await self._found(task_id, seen)
                robot_queue = self._memory.robot_queue(task.queue)
                line, seen_changes = Movable(robot_queue), robot_queue.changes
                unit = line.unit(task)
                wanted = line.standings(task, place, self._admission.ranks)
                async with self._changing(one for one, _ in wanted):
                    # not where the line has changed while somebody else had a lock
                    if robot_queue.changes == seen_changes:
                        if wanted:
                            await self._write_moves(unit, wanted, place, actor)
                        now = [self._memory.get(one.id) or one for one in unit]
                        return Moved(tasks=now, revision=self.revision_of(task.queue))

    @unbroken
    async def give(
        self,
        task_id: str,
        queue: str,
        given: Callable[[Task], Command],
        *,
        actor: str,
        seen: int | None = None,
        note: str = "",
    ) -> Moved:
        """Give a waiting task, with those of its contiguous batch, to another robot; they stand
        behind all of their priority that waits there.

        `given` makes the command as it is for that robot, or raises why it is none for it.
        Raises as `move` does.
        """
        async with self._one_at_a_time:
            while True:
                task = await self._found(task_id, seen)
                robot_queue = self._memory.robot_queue(task.queue)
                unit, seen_changes = Movable(robot_queue).unit(task), robot_queue.changes
                if task.queue == queue:
                    return Moved(tasks=unit, revision=self.revision_of(queue))
                async with self._changing(unit):
                    if robot_queue.changes == seen_changes:
                        await self._write_given(unit, queue, given, actor, note)
                        now = [self._memory.get(one.id) or one for one in unit]
                        return Moved(tasks=now, revision=self.revision_of(queue))

    async def _found(self, task_id: str, seen: int | None) -> Task:
        """A task of a robot, in a queue that nobody has edited since."""
        task = await self._commit.find(task_id)
        if task.work is not None:
            reason = "expected a command of a robot"
            raise RobotqError("bad_parameter", field="task_id", reason=reason)
        self._check(task.queue, seen)
        return task

    @asynccontextmanager
    async def _changing(self, tasks: Iterable[Task]) -> AsyncIterator[None]:
        """Nobody else changes these inside."""
        async with AsyncExitStack() as locks:
            # everybody who locks several tasks goes by arrival, so nobody waits in a ring
            for one in sorted(tasks, key=lambda found: found.seq):
                await locks.enter_async_context(self._commit.of(one.id))
            yield

    async def _write_given(
        self,
        unit: Sequence[Task],
        queue: str,
        given: Callable[[Task], Command],
        actor: str,
        note: str,
    ) -> None:
        now_ms = self._clock.now_ms()
        left = unit[0].queue
        revisions = {**self._revisions, left: self.revision + 1, queue: self.revision + 1}
        mutations: list[Mutation] = [SetFact(REVISIONS, revisions)]
        # all of them have to fit, or none goes
        commands = [given(one) for one in unit]
        ranks = self._admission.ranks(len(unit))
        for before, command, rank in zip(unit, commands, ranks, strict=True):
            after = transition(before, Action.MOVE, queue=queue, command=command, rank=rank)
            told = {"was_robot": left, "revision": self.revision + 1, "note": note}
            mutations.append(SaveTask(after, before))
            mutations.append(task_event("task.moved", after, now_ms, actor, before=before, **told))
        await self._commit.write(mutations)
        self._revisions = revisions

    def _check(self, queue: str, seen: int | None) -> None:
        if seen is not None and not self.revision_of(queue) <= seen <= self.revision:
            raise RobotqError("precondition_failed", revision=self.revision_of(queue))

    async def _write_moves(
        self,
        unit: Sequence[Task],
        wanted: Sequence[tuple[Task, NewRank]],
        place: WantedPosition,
        actor: str,
    ) -> None:
        now_ms = self._clock.now_ms()
        moving = {one.id for one in unit}
        revisions = {**self._revisions, unit[0].queue: self.revision + 1}
        mutations: list[Mutation] = [SetFact(REVISIONS, revisions)]
        others = sum(before.id not in moving for before, _ in wanted)
        also = {ALSO_RANKED: others} if others else {}
        for before, standing in wanted:
            after = transition(before, Action.MOVE, priority=standing.priority, rank=standing.rank)
            mutations.append(SaveTask(after, before))
            # the others stand where they stood, only their ranks are new
            if before.id in moving:
                told = {
                    "priority": after.priority,
                    "was_priority": before.priority,
                    "revision": self.revision + 1,
                    "place": _told(place),
                    **also,
                }
                mutations.append(
                    task_event("task.moved", after, now_ms, actor, before=before, **told)
                )
        await self._commit.write(mutations)
        self._revisions = revisions


def _told(place: WantedPosition) -> JsonObject:
    """Where it was put, for the journal."""
    if place.before is not None:
        return {"before": place.before}
    if place.after is not None:
        return {"after": place.after}
    if place.priority is not None:
        return {"priority": place.priority}
    return {"to": "head" if place.head else "end"}
