"""TaskQueue: the one way in which a task changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from robotq.engine.holds import HoldBoard
from robotq.engine.idempotency import Accepted, Idempotency, KeyedRequest
from robotq.engine.intake import Order
from robotq.engine.journal import Journal
from robotq.engine.lane import Lane
from robotq.engine.memory import TaskMemory
from robotq.engine.resources import Resources
from robotq.model import ids
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.hold import HoldCode, Wait, WaitCode
from robotq.model.task import OUTCOME_UNKNOWN, Resolution, Task, TaskError, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import AppendEvent, Mutation, SaveTask, Store

_EVENT_OF_STATE = {
    TaskState.COMPLETED: "task.completed",
    TaskState.FAILED: "task.failed",
    TaskState.CANCELLED: "task.cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a running task ended, as its executor saw it."""

    action: Action
    """COMPLETE, FAIL or STOP."""
    result: dict[str, Any] | None = None
    error: TaskError | None = None
    hold: HoldCode | None = None
    """The queue starts nothing more until a person lifts this."""
    hold_args: dict[str, Any] = field(default_factory=dict)
    actor: str = "robotq"
    changes: dict[str, Any] = field(default_factory=dict)
    """Last steps and progress of the task."""
    events: Sequence[Event] = ()
    """Of those steps, where they are not in the journal yet."""
    occupancies: Sequence[Mutation] = ()
    """What follows from its last moves, where that is not written yet."""

    @property
    def certain(self) -> bool:
        return self.error is None or self.error.code != OUTCOME_UNKNOWN


class TaskQueue:
    """The queues of all robots.

    Every change of a task is a transition of `model.transitions`, is on disk before it is
    visible here or told to anyone, and is refused when the task has changed meanwhile.
    """

    def __init__(
        self,
        *,
        store: Store,
        journal: Journal,
        memory: TaskMemory,
        holds: HoldBoard,
        resources: Resources,
        clock: WallClock,
        places_of: Callable[[Task], Sequence[str]],
        last_seq: int,
        max_length: int,
        max_waiting: int,
    ) -> None:
        """`places_of` tells where a task's command goes; `max_waiting` bounds `wait_ended`."""
        self._store = store
        self._journal = journal
        self._memory = memory
        self._holds = holds
        self._resources = resources
        self._clock = clock
        self._places_of = places_of
        self._seq = last_seq
        self._max_length = max_length
        self._max_waiting = max_waiting
        self._incoming = 0
        self._idempotency = Idempotency(store)
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}
        self._waiters: dict[str, set[asyncio.Future[Task]]] = {}
        self._waiting = 0
        self.stop_running: Callable[[Task, str, str], None] = lambda *_: None
        """Asks the executor of a running task to stop it; set by the engine."""
        self.closed = False

    # -- reading -----------------------------------------------------------------------

    @property
    def memory(self) -> TaskMemory:
        """For reading only."""
        return self._memory

    def lane(self, queue: str) -> Lane:
        return self._memory.lane(queue)

    async def find(self, task_id: str) -> Task:
        """A task, wherever it is. Raises RobotqError task_not_found, store_unavailable."""
        task = self._memory.get(task_id) or await self._store.get(task_id)
        if task is None:
            raise RobotqError("task_not_found", task_id=task_id)
        return task

    def waits(self, task: Task) -> list[Wait]:
        """Why a waiting task is passed over for now."""
        waits = []
        if task.not_before_ms is not None and task.not_before_ms > self._clock.now_ms():
            waits.append(Wait(code=WaitCode.NOT_BEFORE, args={"at_ms": task.not_before_ms}))
        wait = self._resources.wait_of(task.queue, self._places_of(task))
        if wait is not None:
            waits.append(wait)
        return waits

    async def wait_ended(self, task_id: str, timeout_s: float | None) -> Task:
        """The task once it has ended, or as it is after `timeout_s` of wall time.

        Raises RobotqError task_not_found, too_many_requests.
        """
        task = await self.find(task_id)
        if task.state.final or timeout_s == 0:
            return task
        if self._waiting >= self._max_waiting:
            raise RobotqError("too_many_requests", what="waiting requests", limit=self._max_waiting)
        future: asyncio.Future[Task] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(task_id, set()).add(future)
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            return await self.find(task_id)
        finally:
            self._waiting -= 1
            waiters = self._waiters.get(task_id)
            if waiters is not None:
                waiters.discard(future)
                if not waiters:
                    del self._waiters[task_id]

    # -- the way in --------------------------------------------------------------------

    async def submit(
        self,
        orders: Sequence[Order],
        *,
        api: str,
        actor: str,
        batch: bool = False,
        contiguous: bool | None = None,
        keyed: KeyedRequest | None = None,
    ) -> Accepted:
        """Accept commands, all or none. They are on disk when this returns.

        `contiguous` (default: where a robot gets more than one command of the batch) lets no
        other command in between.
        Raises RobotqError queue_full, store_unavailable, shutting_down, idempotency_conflict.
        """
        if keyed is None:
            return await self._accept(orders, api=api, actor=actor, batch=batch, whole=contiguous)
        return await self._idempotency.once(
            keyed,
            self._clock.now_ms(),
            lambda save: self._accept(
                orders, api=api, actor=actor, batch=batch, whole=contiguous, save_answer=save
            ),
        )

    async def retry(self, task_id: str, order: Order, *, actor: str) -> Task:
        """Run an ended command again, as a new task at the head of its queue.

        Raises RobotqError wrong_state for one that has not ended, or whose unknown outcome
        nobody has resolved; queue_full, store_unavailable, shutting_down.
        """
        async with self._changing(task_id) as task:
            if not task.state.final or task.outcome_unknown:
                raise RobotqError(
                    "wrong_state", task_id=task_id, state=_state_word(task), action="retry"
                )
            self._admit(1)
            (again,) = self._tasks_of([order], api=task.api, actor=actor, retry_of=task)
            await self._write(self._saving_new(again, actor))
            crash_point(CrashPoint.RETRIED)
            return again

    async def _accept(
        self,
        orders: Sequence[Order],
        *,
        api: str,
        actor: str,
        batch: bool,
        whole: bool | None,
        save_answer: Callable[[Accepted], Mutation] | None = None,
    ) -> Accepted:
        self._admit(len(orders))
        tasks = self._tasks_of(orders, api=api, actor=actor, batch=batch, whole=whole)
        # counted with those that are on their way to the disk, so that the number is the
        # place that these tasks really get, and the limit holds for a burst too
        self._incoming += len(tasks)
        accepted = Accepted(
            task_ids=tuple([task.id for task in tasks]),
            batch_id=tasks[0].batch_id,
            queue_size=self._memory.unfinished + self._incoming,
        )
        mutations: list[Mutation] = []
        for task in tasks:
            mutations += self._saving_new(task, actor)
        if save_answer is not None:
            mutations.append(save_answer(accepted))
        try:
            crash_point(CrashPoint.ACCEPT)
            await self._write(mutations)
            crash_point(CrashPoint.ACCEPTED)
        finally:
            self._incoming -= len(tasks)
        return accepted

    def _admit(self, tasks: int) -> None:
        if self.closed:
            raise RobotqError("shutting_down")
        if self._memory.unfinished + self._incoming + tasks > self._max_length:
            raise RobotqError("queue_full", limit=self._max_length)

    def _tasks_of(
        self,
        orders: Sequence[Order],
        *,
        api: str,
        actor: str,
        batch: bool = False,
        whole: bool | None = None,
        retry_of: Task | None = None,
    ) -> list[Task]:
        now_ms = self._clock.now_ms()
        batch_id = ids.batch_id(now_ms, self._seq + 1) if batch else None
        crowded = _crowded_robots(orders) if batch else frozenset()
        tasks = []
        for order in orders:
            self._seq += 1
            rank, priority = self._place(order, retry_of)
            tasks.append(
                Task(
                    id=ids.task_id(now_ms, self._seq),
                    seq=self._seq,
                    api=api,
                    queue=order.robot,
                    command=order.command,
                    actor=actor,
                    submitted_at_ms=now_ms,
                    priority=priority,
                    rank=rank,
                    not_before_ms=order.not_before_ms,
                    expires_at_ms=order.expires_at_ms,
                    batch_id=batch_id,
                    contiguous=order.robot in crowded if whole is None else whole,
                    retry_of=retry_of.id if retry_of is not None else None,
                )
            )
        return tasks

    def _saving_new(self, task: Task, actor: str) -> list[Mutation]:
        return [SaveTask(task, None), AppendEvent(self._event("task.submitted", task, actor))]

    def _place(self, order: Order, retry_of: Task | None) -> tuple[float, int]:
        """Rank and priority of a new task: behind its equals, a retry before everything."""
        head = self._memory.lane(order.robot).head() if retry_of is not None else None
        if head is None:
            return float(self._seq), order.priority
        return head.rank - 1, max(head.priority, order.priority)

    # -- changes of waiting and ended tasks ----------------------------------------------

    async def cancel(self, task_id: str, *, actor: str, reason: str = "") -> Task:
        """Call a task off. A waiting one never runs; a running one is stopped, and this
        returns when it has ended, however that was.

        Raises RobotqError task_not_found, wrong_state (ended already), store_unavailable.
        """
        async with self._changing(task_id) as task:
            if task.state is not TaskState.RUNNING:
                error = TaskError(code="cancelled", args={"actor": actor, "reason": reason})
                ended = transition(
                    task, Action.CANCEL, error=error, ended_at_ms=self._clock.now_ms()
                )
                await self._write([*self._save(task, ended, actor)])
                crash_point(CrashPoint.CANCELLED)
                return ended
        # the request acts at once and never waits for the disk; who asked is in the end's record
        self.stop_running(task, actor, reason)
        return await self.wait_ended(task_id, None)

    async def resolve(
        self, task_id: str, outcome: str, *, actor: str, note: str = "", retry: Order | None = None
    ) -> Task:
        """Write what a person found out about an unknown outcome, and lift the hold.

        `outcome` is completed, failed or retry; for retry, `retry` is the order to run again,
        as a new task at the head of the queue. The end state of the task stays as it is.
        Raises RobotqError task_not_found, wrong_state, store_unavailable.
        """
        async with self._changing(task_id) as task:
            again: list[Task] = []
            if retry is not None:
                self._admit(1)
                again = self._tasks_of([retry], api=task.api, actor=actor, retry_of=task)
            resolution = Resolution(
                outcome=outcome,
                actor=actor,
                at_ms=self._clock.now_ms(),
                note=note,
                retried_as=again[0].id if again else None,
            )
            resolved = transition(task, Action.RESOLVE, resolution=resolution)
            event = self._event("task.resolved", resolved, actor, outcome=outcome, note=note)
            lift = self._lift_of(task, actor)
            # one commit: a retry without its resolution could be asked for a second time
            mutations = [SaveTask(resolved, task.state), AppendEvent(event), *lift]
            for new in again:
                mutations += self._saving_new(new, actor)
            await self._write(mutations)
            crash_point(CrashPoint.RESOLVED)
            if lift:
                self._holds.lifted(task.queue, HoldCode.OUTCOME_UNKNOWN)
            return resolved

    def _lift_of(self, task: Task, actor: str) -> list[Mutation]:
        for hold in self._holds.of(task.queue):
            if hold.code is HoldCode.OUTCOME_UNKNOWN and hold.task_id == task.id:
                return self._holds.to_lift(task.queue, HoldCode.OUTCOME_UNKNOWN, actor=actor)
        return []

    # -- for executors -------------------------------------------------------------------

    async def claim(self, queue: str) -> Task:
        """Wait for the next task of a queue that may run, and claim it durably."""
        lane = self._memory.lane(queue)
        while True:
            task, due_s = self._next(lane)
            if task is None:
                await lane.changed(due_s)
                continue
            async with self._changing(task.id) as current:
                if current is not task or self._next(lane)[0] is not task:
                    continue
                changed, mutations = self._expiring(task) or self._claiming(task)
                try:
                    await self._write(mutations)
                except RobotqError as error:
                    if error.code.name != "store_unavailable":
                        raise
                    continue
                if changed.state is TaskState.RUNNING:
                    return changed

    async def release(self, task: Task) -> None:
        """Give back a claim whose driver was never called."""
        async with self._changing(task.id) as current:
            released = transition(current, Action.RELEASE, fence=task.fence)
            mutations = [
                *self._freed_by_release(task),
                SaveTask(released, current.state),
                AppendEvent(self._event("task.released", released, "robotq", before=current)),
            ]
            await self.write_when_possible(mutations)
            crash_point(CrashPoint.RELEASED)

    def _freed_by_release(self, task: Task) -> list[Mutation]:
        # where the outcome of the command before is unknown, so is where the robot stands
        if self._holds.has(task.queue, HoldCode.OUTCOME_UNKNOWN):
            return []
        return self._resources.ended(task.queue, ())

    async def record(
        self,
        task: Task,
        changes: dict[str, Any],
        events: Iterable[Event],
        places: Sequence[Mutation],
    ) -> None:
        """Write the steps of a running task and what follows from where its robot stands.

        Raises RobotqError stale_claim, wrong_state, store_unavailable.
        """
        async with self._changing(task.id) as current:
            changed = transition(current, Action.PROGRESS, fence=task.fence, **changes)
            await self._write(
                [
                    SaveTask(changed, current.state),
                    *(AppendEvent(event) for event in events),
                    *places,
                ]
            )

    async def finish(self, task: Task, ending: Ending, *, claim_next: bool = True) -> Task | None:
        """Write how a running task ended and, in the same commit, claim the next one.

        Waits for the disk where it takes no writes: a result is not lost. Returns the claimed
        task, or None when nothing can run right now.
        Raises RobotqError stale_claim, wrong_state: the end was recorded otherwise already.
        """
        async with AsyncExitStack() as changing:
            current = await changing.enter_async_context(self._changing(task.id))
            ended = transition(
                current,
                ending.action,
                fence=task.fence,
                ended_at_ms=self._clock.now_ms(),
                result=ending.result,
                error=ending.error,
                **ending.changes,
            )
            mutations: list[Mutation] = [AppendEvent(event) for event in ending.events]
            mutations += ending.occupancies
            mutations += self._save(current, ended, ending.actor)
            if ending.hold is not None:
                mutations += self._holds.set(
                    task.queue, ending.hold, task_id=task.id, actor=ending.actor, **ending.hold_args
                )
            rest = [
                await changing.enter_async_context(self._changing(waiting.id))
                for waiting in self._rest_of_batch(ended)
            ]
            for waiting in rest:
                mutations += self._cancelling(waiting, ended)
            following = self._following(ended) if claim_next and not rest else None
            claimed: Task | None = None
            claim: list[Mutation] = []
            if following is not None:
                await changing.enter_async_context(self._changing(following.id))
                claimed, claim = self._claiming(following)
            if ending.certain:
                needed = self._places_of(following) if following is not None else ()
                mutations += self._resources.ended(task.queue, needed)
            mutations += claim
            crash_point(CrashPoint.FINISH)
            await self.write_when_possible(mutations)
            crash_point(CrashPoint.FINISHED)
            return claimed

    def _following(self, ended: Task) -> Task | None:
        """The task whose claim can go into the same commit as the end of `ended`."""
        if self._holds.held(ended.queue) or self.closed:
            return None
        for task in self._memory.lane(ended.queue).candidates():
            # one that somebody is changing right now is left to the ordinary claim
            if task.id in self._locks or self._expiring(task) or self.waits(task):
                return None
            return task
        return None

    def _rest_of_batch(self, ended: Task) -> Sequence[Task]:
        """What the first failure in a contiguous batch cancels."""
        if not ended.contiguous or ended.batch_id is None or ended.state is TaskState.COMPLETED:
            return ()
        return self._memory.lane(ended.queue).batch(ended.batch_id)

    def _cancelling(self, waiting: Task, failed: Task) -> list[Mutation]:
        # while its turn to be changed was waited for, somebody may have called it off
        if waiting.state is not TaskState.PENDING:
            return []
        error = TaskError(code="batch_failed", args={"task_id": failed.id})
        cancelled = transition(
            waiting, Action.CANCEL, error=error, ended_at_ms=self._clock.now_ms()
        )
        return self._save(waiting, cancelled, "robotq")

    def _next(self, lane: Lane) -> tuple[Task | None, float | None]:
        """The next task that may run; else how long until one becomes due, in seconds."""
        if self.closed or lane.running is not None or self._holds.held(lane.name):
            return None, None
        now_ms = self._clock.now_ms()
        due_s: float | None = None
        for task in lane.candidates():
            waits = self.waits(task)
            if not waits:
                return task, None
            if task.not_before_ms is not None and task.not_before_ms > now_ms:
                seconds = (task.not_before_ms - now_ms) / 1000
                due_s = seconds if due_s is None else min(due_s, seconds)
        return None, due_s

    def _expiring(self, task: Task) -> tuple[Task, list[Mutation]] | None:
        now_ms = self._clock.now_ms()
        if task.expires_at_ms is None or task.expires_at_ms > now_ms:
            return None
        error = TaskError(code="expired")
        expired = transition(task, Action.EXPIRE, error=error, ended_at_ms=now_ms)
        return expired, self._save(task, expired, "robotq")

    def _claiming(self, task: Task) -> tuple[Task, list[Mutation]]:
        now_ms = self._clock.now_ms()
        claimed = transition(task, Action.CLAIM, started_at_ms=now_ms)
        return claimed, [
            *self._resources.take(task, self._places_of(task), now_ms),
            SaveTask(claimed, task.state),
            AppendEvent(self._event("task.claimed", claimed, "robotq", before=task)),
        ]

    def robot_stands(self, robot: str, place: str | None) -> list[Mutation]:
        """What to write when a robot whose link is new reports its place."""
        return self._resources.moved(robot, place, (), self._clock.now_ms())

    async def write_when_possible(self, mutations: Sequence[Mutation]) -> None:
        """For what has happened already; waits for the disk."""
        await self._journal.write_when_possible(mutations, lambda: self._take_over(mutations))

    # -- the core --------------------------------------------------------------------------

    @asynccontextmanager
    async def _changing(self, task_id: str) -> AsyncIterator[Task]:
        """The task as it is now; nobody else changes it meanwhile."""
        lock, users = self._locks.get(task_id) or (asyncio.Lock(), 0)
        self._locks[task_id] = (lock, users + 1)
        try:
            async with lock:
                yield await self.find(task_id)
        finally:
            lock, users = self._locks.pop(task_id)
            if users > 1:
                self._locks[task_id] = (lock, users - 1)

    async def _write(self, mutations: Sequence[Mutation]) -> None:
        await self._journal.write(mutations, lambda: self._take_over(mutations))

    def _take_over(self, mutations: Iterable[Mutation]) -> None:
        """Bring memory up to date with what was written."""
        freed = self._resources.commit(mutations)
        for mutation in mutations:
            if isinstance(mutation, SaveTask):
                task = mutation.task
                self._memory.update(task, mutation.before)
                if task.state.final:
                    for waiter in self._waiters.get(task.id, ()):
                        if not waiter.done():
                            waiter.set_result(task)
        if freed:
            for lane in self._memory.lanes.values():
                lane.wake()

    def _save(self, before: Task, after: Task, actor: str) -> list[Mutation]:
        data = {"error_code": after.error.code} if after.error is not None else {}
        event = self._event(_EVENT_OF_STATE[after.state], after, actor, before=before, **data)
        return [SaveTask(after, before.state), AppendEvent(event)]

    def _event(
        self, kind: str, task: Task, actor: str, *, before: Task | None = None, **data: Any
    ) -> Event:
        return Event(
            kind=kind,
            at_ms=self._clock.now_ms(),
            actor=actor,
            api=task.api,
            robot=task.queue,
            task_id=task.id,
            before=before.state.value if before is not None else None,
            after=task.state.value,
            data={"cmd_type": task.command.cmd_type, **data},
        )


def _crowded_robots(orders: Sequence[Order]) -> frozenset[str]:
    robots = [order.robot for order in orders]
    return frozenset(robot for robot in robots if robots.count(robot) > 1)


def _state_word(task: Task) -> str:
    return OUTCOME_UNKNOWN if task.outcome_unknown else task.state.value
