"""Calling off many tasks at once: counted first, then exactly those that were counted."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack

import msgspec
import orjson

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import unbroken
from robotq.engine.intake.idempotency import Accepted, Idempotency, KeyedRequest, SaveAccepted
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.waiting.cancelling import Cancelling
from robotq.engine.worker_tasks import job_changes
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.json import JsonObject
from robotq.model.task import OUTCOME_UNKNOWN, Task, TaskState
from robotq.store.port import AppendEvent, Mutation

_CHUNK = 100
"""Tasks in one commit: memory takes them over in one turn of the loop."""

_SCOPE = "cancel_many"
"""Of the keys under which the store keeps what was meant, so that a repeat goes on with it."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which unfinished tasks are meant. What is None does not matter."""

    states: frozenset[TaskState] = frozenset({TaskState.PENDING})
    queue: str | None = None
    """The name of a robot, configured or not, or of a kind of workers."""
    batch_id: str | None = None
    cmd_type: str | None = None
    cmd_id: str | None = None
    group: str | None = None
    """What the workers of a task have to match."""
    api: str | None = None
    task_ids: frozenset[str] | None = None

    def has(self, task: Task) -> bool:
        return (
            task.state in self.states
            and self.queue in (None, task.queue)
            and self.batch_id in (None, task.batch_id)
            and self.cmd_type in (None, task.command.cmd_type)
            and self.cmd_id in (None, task.command.cmd_id)
            and (self.group is None or (task.work is not None and task.work.match == self.group))
            and self.api in (None, task.api)
            and (self.task_ids is None or task.id in self.task_ids)
        )

    def described(self) -> JsonObject:
        """For the journal, and for telling one selection from another."""
        fields = msgspec.structs.asdict(self)
        fields["states"] = sorted(self.states)
        if self.task_ids is not None:
            fields["task_ids"] = sorted(self.task_ids)
        return {key: value for key, value in fields.items() if value is not None}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The tasks that a selection has at this moment."""

    tasks: Sequence[Task]
    """In the order in which they came."""

    @property
    def count(self) -> int:
        return len(self.tasks)

    @property
    def up_to(self) -> int:
        """The number of the latest of them; what comes later is not meant. 0 for none."""
        return self.tasks[-1].seq if self.tasks else 0

    def by_queue(self) -> Mapping[str, int]:
        return Counter(task.queue for task in self.tasks)

    def by_state(self) -> Mapping[str, int]:
        return Counter(task.state.value for task in self.tasks)


class CancelledMany(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of the tasks that were meant."""

    states: Mapping[str, int]
    """How many are in which state now; `outcome_unknown` is told from other failures."""
    task_ids: Sequence[str]
    """Those that are cancelled."""
    queues: Collection[str]
    """Of all that were meant."""
    repeated: bool
    """It was asked for before; what was left of it is cancelled now."""


class CancelMany:
    """Cancels all tasks of a selection, in commits of many tasks each."""

    def __init__(
        self,
        *,
        commit: Commit,
        memory: TaskMemory,
        idempotency: Idempotency,
        clock: WallClock,
        called_off: set[str],
        cancelling: Cancelling,
    ) -> None:
        """`called_off`: tasks that get no turn while they are in it."""
        self._commit = commit
        self._memory = memory
        self._idempotency = idempotency
        self._clock = clock
        self._called_off = called_off
        self._cancelling = cancelling

    def find(self, selection: Selection, up_to: int | None = None) -> Found:
        """What the selection has now, of the tasks up to the one with number `up_to`."""
        found = [
            task
            for task in self._memory.all_unfinished()
            if (up_to is None or task.seq <= up_to) and selection.has(task)
        ]
        return Found(tasks=sorted(found, key=lambda task: task.seq))

    @unbroken
    async def cancel(
        self, selection: Selection, *, count: int, up_to: int, actor: str, reason: str = ""
    ) -> CancelledMany:
        """Call off what `find` has told: `count` tasks, none later than `up_to`.

        What is meant is on disk before the first one is cancelled, so the same request again
        goes on where it was broken off, and does nothing more after that. A task that has begun
        meanwhile goes on, unless the selection has running ones too; nothing of it begins from
        now on.
        Raises RobotqError count_differs (nothing was done), store_unavailable.
        """
        keyed = _key(selection, count, up_to, actor)
        kept: set[str] = set()

        async def accept(save_answer: SaveAccepted) -> Accepted:
            found = self.find(selection, up_to)
            if found.count != count:
                raise RobotqError(
                    "count_differs", count=count, matching=found.count, up_to=found.up_to
                )
            ids = tuple([task.id for task in found.tasks])
            # from the moment of the count on, so that none of them begins while others are written
            kept.update(ids)
            self._called_off |= kept
            accepted = Accepted(task_ids=ids, batch_id=None, queue_size=count)
            await self._commit.write([save_answer(accepted), self._told(keyed, selection, count)])
            return accepted

        try:
            meant = await self._idempotency.once(keyed, self._clock.now_ms(), accept)
            # of a repeat, what was left by the first
            kept.update(one for one in meant.task_ids if self._unfinished(one) is not None)
            self._called_off |= kept
            queues: set[str] = set()
            states = await self._cancel_all(meant.task_ids, actor, reason, queues)
            if TaskState.RUNNING in selection.states:
                await self._stop_all(states, actor, reason)
        finally:
            self._called_off -= kept
            self._memory.wake_robots()
        cancelled = [one for one, state in states.items() if state == TaskState.CANCELLED.value]
        return CancelledMany(
            states=Counter(states.values()),
            task_ids=cancelled,
            queues=sorted(queues),
            repeated=meant.repeated,
        )

    def _unfinished(self, task_id: str) -> Task | None:
        task = self._memory.get(task_id)
        return None if task is None or task.state.final else task

    def _told(self, keyed: KeyedRequest, selection: Selection, count: int) -> Mutation:
        scope, actor = keyed.scope.split(":", 1)
        data = {**selection.described(), "count": count, "key": keyed.key}
        if selection.task_ids is not None:
            # each of them tells it again when it is cancelled
            data["task_ids"] = len(selection.task_ids)
        now_ms = self._clock.now_ms()
        return AppendEvent(
            Event(
                kind=f"tasks.{scope}",
                at_ms=now_ms,
                actor=actor,
                robot=selection.queue or "",
                data=data,
            )
        )

    async def _cancel_all(
        self, task_ids: Sequence[str], actor: str, reason: str, queues: set[str]
    ) -> dict[str, str]:
        """Call off all that wait; returns the state of each. Adds to `queues` those of all."""
        states: dict[str, str] = {}
        for first in range(0, len(task_ids), _CHUNK):
            chunk = task_ids[first : first + _CHUNK]
            mutations: list[Mutation] = []
            async with AsyncExitStack() as changing:
                # by arrival, as everybody who locks several tasks, so nobody waits in a ring
                for task_id in chunk:
                    task = self._unfinished(task_id)
                    if task is not None:
                        task = await changing.enter_async_context(self._commit.of(task_id))
                    else:
                        task = await self._commit.find(task_id)
                    if task.state is TaskState.PENDING:
                        task, saving = job_changes.cancelled(
                            task, self._clock.now_ms(), actor=actor, reason=reason
                        )
                        mutations += saving
                    states[task_id] = _state_of(task)
                    queues.add(task.queue)
                if mutations:
                    await self._commit.write(mutations)
                    crash_point(CrashPoint.CANCELLED)
        return states

    async def _stop_all(self, states: dict[str, str], actor: str, reason: str) -> None:
        """Stop those that run, all at once; each is in the state in which it ended."""
        running = [one for one, state in states.items() if state == TaskState.RUNNING.value]
        for task in await asyncio.gather(*(self._stop(one, actor, reason) for one in running)):
            states[task.id] = _state_of(task)

    async def _stop(self, task_id: str, actor: str, reason: str) -> Task:
        try:
            return await self._cancelling.cancel(task_id, actor=actor, reason=reason)
        except RobotqError as error:
            if error.code.name != "wrong_state":
                raise
            # it has ended meanwhile
            return await self._commit.find(task_id)


def _key(selection: Selection, count: int, up_to: int, actor: str) -> KeyedRequest:
    content = orjson.dumps([selection.described(), count, up_to], option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(content).hexdigest()
    return KeyedRequest(scope=f"{_SCOPE}:{actor}", key=digest, fingerprint=digest)


def _state_of(task: Task) -> str:
    return OUTCOME_UNKNOWN if task.outcome_unknown else task.state.value
