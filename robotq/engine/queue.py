"""TaskQueue: the one way in which a task changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from robotq.engine.admission import Admission, Room
from robotq.engine.approvals import Approvals
from robotq.engine.batches import cancelled_with
from robotq.engine.editing import Editing
from robotq.engine.ending import Ending
from robotq.engine.estimates import Estimates
from robotq.engine.expiry import Expiry, ended_by_expiry
from robotq.engine.holds import HoldBoard
from robotq.engine.idempotency import (
    Accept,
    Accepted,
    Idempotency,
    KeyedRequest,
    SaveAccepted,
)
from robotq.engine.intake import Order
from robotq.engine.jobs import Jobs
from robotq.engine.journal import Journal, answered
from robotq.engine.lane import Lane
from robotq.engine.locks import Locks
from robotq.engine.manual_steps import ManualSteps
from robotq.engine.memory import TaskMemory
from robotq.engine.recorder import Report
from robotq.engine.repeats import Repeats, in_place_of
from robotq.engine.resources import Resources
from robotq.engine.settings import Settings
from robotq.engine.task_events import saving_end, saving_new, task_event
from robotq.engine.turns import Turns
from robotq.engine.unbroken import unbroken
from robotq.engine.waiters import Waiters
from robotq.engine.webhooks import Webhooks
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode, Wait
from robotq.model.json import JsonObject
from robotq.model.task import OUTCOME_UNKNOWN, Resolution, Task, TaskError, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import AppendEvent, Mutation, SaveTask, Store

__all__ = ["Accepted", "Ending", "KeyedRequest", "TaskQueue"]

_CANCEL_S = 5.0
"""Wall seconds that a cancelled command's end may take after the time to confirm a stop."""


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
        settings: Settings,
        webhooks: Webhooks,
        estimates: Estimates,
        steps: ManualSteps,
        last_seq: int,
        revisions: JsonObject,
    ) -> None:
        self._store = store
        self._journal = journal
        self._memory = memory
        self._holds = holds
        self._resources = resources
        self._clock = clock
        self._settings = settings
        self.estimates = estimates
        """How long commands take, from those that have completed."""
        self._webhooks = webhooks
        self._steps = steps
        self._admission = Admission(memory, clock, settings, last_seq)
        self._turns = Turns(holds, resources, clock, settings)
        self._idempotency = Idempotency(store)
        self._locks = Locks()
        self._waiters = Waiters(lambda: settings.config.limits.waiting_requests)
        self.jobs = Jobs(
            memory=memory,
            admission=self._admission,
            holds=holds,
            locks=self._locks,
            clock=clock,
            changing=self._changing,
            write=self._write,
        )
        """Changes of tasks for workers."""
        self.editing = Editing(
            memory=memory,
            admission=self._admission,
            clock=clock,
            find=self.find,
            changing=self._changing,
            write=self._write,
            revisions=revisions,
        )
        """Changes of the order of waiting tasks."""
        self.approvals = Approvals(
            memory=memory,
            clock=clock,
            find=self.find,
            changing=self._changing,
            write=self._write,
        )
        """What a person decides about tasks of agents."""
        self.repeats = Repeats(
            self._admission, clock, (task for lane in memory.lanes.values() for task in lane)
        )
        """What runs again by itself."""
        self.expiry = Expiry(
            memory=memory,
            clock=clock,
            changing=self._changing,
            written=self._written,
            until_available=journal.until_available,
            following=self.repeats.following,
        )
        """What has to be started in time."""
        self.stop_running: Callable[[Task, str, str], None] = lambda *_: None
        """Asks the executor of a running task to stop it; set by the engine."""

    # -- reading -----------------------------------------------------------------------

    @property
    def memory(self) -> TaskMemory:
        """For reading only."""
        return self._memory

    @property
    def closed(self) -> bool:
        """Nothing more is accepted or started."""
        return self._admission.closed

    @closed.setter
    def closed(self, closed: bool) -> None:
        self._admission.closed = self._turns.closed = closed

    def lane(self, queue: str) -> Lane:
        return self._memory.lane(queue)

    async def find(self, task_id: str) -> Task:
        """A task, wherever it is. Raises RobotqError task_not_found, store_unavailable."""
        task = self._memory.get(task_id) or await answered(self._store.get(task_id))
        if task is None:
            raise RobotqError("task_not_found", task_id=task_id)
        return task

    def waits(self, task: Task) -> list[Wait]:
        """Why a waiting task is passed over for now."""
        return self._turns.waits(task)

    async def wait_ended(self, task_id: str, timeout_s: float | None) -> Task:
        """The task once it has ended, or as it is after `timeout_s` of wall time.

        Raises RobotqError task_not_found, too_many_requests, store_unavailable.
        """
        task = await self.find(task_id)
        if task.state.final or timeout_s == 0:
            return task
        return await self._waiters.ended(task_id, timeout_s) or await self.find(task_id)

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
        agent: bool = False,
    ) -> Accepted:
        """Accept commands, all or none. They are on disk when this returns.

        `contiguous` (default: where a robot gets more than one command of the batch) lets no
        other command in between. `agent`: it is an agent that submits, so that those whose spec
        says so wait for a person's approval.
        Raises RobotqError queue_full, store_unavailable, shutting_down, idempotency_conflict.
        """

        async def accept(save_answer: SaveAccepted | None) -> Accepted:
            with self._admission.room(len(orders)) as room:
                tasks = self._admission.tasks(
                    orders,
                    api=api,
                    actor=actor,
                    batch=batch,
                    contiguous=contiguous,
                    agent=agent,
                )
                accepted = Accepted(
                    task_ids=tuple([task.id for task in tasks]),
                    batch_id=tasks[0].batch_id,
                    queue_size=room.queue_size,
                )
                mutations = saving_new(tasks, actor)
                if save_answer is not None:
                    mutations.append(save_answer(accepted))
                crash_point(CrashPoint.ACCEPT)
                await self._write(mutations, room)
                crash_point(CrashPoint.ACCEPTED)
                return accepted

        if keyed is None:
            return await accept(None)
        return await self._accept_once(keyed, accept)

    @unbroken
    async def _accept_once(self, keyed: KeyedRequest, accept: Accept) -> Accepted:
        return await self._idempotency.once(keyed, self._clock.now_ms(), accept)

    @unbroken
    async def retry(self, task_id: str, order: Order, *, actor: str, agent: bool = False) -> Task:
        """Run an ended command again, as a new task at the head of its queue.

        Raises RobotqError wrong_state for one that has not ended, or whose unknown outcome
        nobody has resolved; queue_full, store_unavailable, shutting_down.
        """
        async with self._changing(task_id) as task:
            if not task.state.final or task.outcome_unknown or task.work is not None:
                state = OUTCOME_UNKNOWN if task.outcome_unknown else task.state.value
                raise RobotqError("wrong_state", task_id=task_id, state=state, action="retry")
            with self._admission.room(1) as room:
                again = self._admission.again(task, order, actor=actor, agent=agent)
                await self._write(saving_new([again], actor), room)
            crash_point(CrashPoint.RETRIED)
            return again

    # -- changes of waiting and ended tasks ----------------------------------------------

    async def cancel(self, task_id: str, *, actor: str, reason: str = "") -> Task:
        """Call a task off. A waiting one never runs; a running one is stopped, and this
        returns when it has ended, however that was.

        Raises RobotqError task_not_found, wrong_state (ended already), store_unavailable.
        """
        cancelled = await self._cancel_waiting(task_id, actor, reason)
        if cancelled is not None:
            return cancelled
        limit_s = self._settings.config.limits.stop_timeout_s + _CANCEL_S
        task = await self.wait_ended(task_id, limit_s)
        if not task.state.final and not self._journal.available:
            raise RobotqError("store_unavailable", reason="told to stop, its end is not written")
        return task

    @unbroken
    async def _cancel_waiting(self, task_id: str, actor: str, reason: str) -> Task | None:
        """None where the task runs; it was told to stop then."""
        async with self._changing(task_id) as task:
            if task.work is not None:
                return await self.jobs.cancel(task, actor=actor, reason=reason)
            if task.state is TaskState.RUNNING:
                # acts at once and never waits for the disk; who asked is in the end's record
                self.repeats.call_off(task)
                self.stop_running(task, actor, reason)
                return None
            cancelled = transition(
                task,
                Action.CANCEL,
                error=TaskError(code="cancelled", args={"actor": actor, "reason": reason}),
                ended_at_ms=self._clock.now_ms(),
            )
            await self._write(saving_end(task, cancelled, actor))
            crash_point(CrashPoint.CANCELLED)
            return cancelled

    @unbroken
    async def resolve(
        self, task_id: str, outcome: str, *, actor: str, note: str = "", retry: Order | None = None
    ) -> Task:
        """Write what a person found out about an unknown outcome, and lift the hold.

        `outcome` is completed, failed or retry; for retry, `retry` is the order to run again,
        as a new task at the head of the queue. The end state of the task stays as it is.
        Raises RobotqError task_not_found, wrong_state, store_unavailable; for retry also
        queue_full, shutting_down.
        """
        async with self._changing(task_id) as task, AsyncExitStack() as stack:
            again: Task | None = None
            room: Room | None = None
            if retry is not None and task.outcome_unknown:
                room = stack.enter_context(self._admission.room(1))
                again = in_place_of(task, self._admission.again(task, retry, actor=actor))
            now_ms = self._clock.now_ms()
            resolution = Resolution(
                outcome=outcome,
                actor=actor,
                at_ms=now_ms,
                note=note,
                retried_as=again.id if again is not None else None,
            )
            resolved = transition(task, Action.RESOLVE, resolution=resolution)
            # one commit: a retry without its resolution could be asked for a second time
            mutations: list[Mutation] = [
                SaveTask(resolved, task.state),
                task_event("task.resolved", resolved, now_ms, actor, outcome=outcome, note=note),
                *self.repeats.following(resolved),
            ]
            if again is not None:
                mutations += saving_new([again], actor)
            hold = self._holds.get(task.queue, HoldCode.OUTCOME_UNKNOWN)
            if hold is not None and hold.task_id == task.id:
                mutations += self._holds.to_lift(hold, actor=actor)
            await self._write(mutations, room)
            crash_point(CrashPoint.RESOLVED)
            if hold is not None and hold.task_id == task.id:
                self._holds.lifted(hold)
            return resolved

    # -- for executors -------------------------------------------------------------------

    async def until_ready(self, queue: str) -> None:
        """Wait until a task of this queue may run."""
        lane = self._memory.lane(queue)
        while self._turns.next(lane) is None:
            await lane.changed(self._turns.look_again_s(lane))

    async def claim(self, queue: str) -> Task | None:
        """Claim the next task of a queue durably. None where nothing may run any more, or the
        disk takes no writes."""
        lane = self._memory.lane(queue)
        task = self._turns.next(lane)
        if task is None:
            return None
        async with AsyncExitStack() as changing:
            current = await changing.enter_async_context(self._changing(task.id))
            # while the lock was waited for, it may have been called off or overtaken
            if self._turns.next(lane) is not current:
                return None
            if self._turns.expired(current):
                await self._expire(changing, current)
                return None
            claimed, mutations = self._turns.claim(current)
            return claimed if await self._written(mutations, claimed) else None

    async def _expire(self, changing: AsyncExitStack, task: Task) -> None:
        expired = ended_by_expiry(task, self._clock.now_ms())
        rest = await self._cancelling_rest(changing, expired)
        following = self.repeats.following(expired)
        await self._written([*saving_end(task, expired, "robotq"), *rest, *following])

    async def release(self, task: Task) -> None:
        """Give back a claim whose driver was never called. Waits for the disk."""
        async with self._changing(task.id) as current:
            released = transition(current, Action.RELEASE, fence=task.fence)
            now_ms = self._clock.now_ms()
            mutations = [
                *self._resources.released(task.queue),
                SaveTask(released, current.state),
                task_event("task.released", released, now_ms, "robotq", before=current),
            ]
            await self.write_when_possible(self._with_what_follows(mutations))
            crash_point(CrashPoint.RELEASED)

    async def record(self, task: Task, report: Report) -> None:
        """Write what a running task has reported.

        Raises RobotqError stale_claim, wrong_state, store_unavailable.
        """
        async with self._changing(task.id) as current:
            changed = transition(current, Action.PROGRESS, fence=task.fence, **report.changes)
            await self._write(
                [
                    SaveTask(changed, current.state),
                    *(AppendEvent(event) for event in report.events),
                    *report.occupancies,
                ]
            )

    async def finish(
        self, task: Task, ending: Ending, report: Report | None = None, *, claim_next: bool = True
    ) -> Task | None:
        """Write how a running task ended and, in the same commit, claim the next one.

        Waits for the disk where it takes no writes: a result is not lost. Returns the claimed
        task, or None when nothing can run right now.
        Raises RobotqError stale_claim, wrong_state: the end was recorded otherwise already.
        """
        report = report or Report()
        ended_at_ms = self._clock.now_ms()
        holding: list[Mutation] | None = None
        while True:
            # after an outage, everything that depends on others is looked at anew
            async with AsyncExitStack() as changing:
                current = await changing.enter_async_context(self._changing(task.id))
                ended = _ended(current, task.fence, ended_at_ms, ending, report)
                if holding is None:
                    holding = self._holding(ended, ending)
                rest = await self._cancelling_rest(changing, ended)
                claimed: Task | None = None
                claim: Sequence[Mutation] = ()
                if claim_next and not rest:
                    claimed, claim = await self._claim_along(changing, ended.queue)
                crash_point(CrashPoint.FINISH)
                mutations = [
                    *(AppendEvent(event) for event in report.events),
                    *report.occupancies,
                    *saving_end(current, ended, ending.actor),
                    *holding,
                    *rest,
                    *self.repeats.following(ended),
                    *(self._left(ended, claimed) if ending.certain else ()),
                    *claim,
                ]
                if await self._written(mutations, claimed):
                    crash_point(CrashPoint.FINISHED)
                    return claimed
            await self._journal.until_available()

    def _holding(self, ended: Task, ending: Ending) -> list[Mutation]:
        if ending.hold is None:
            return []
        return self._holds.set(
            ended.queue, ending.hold, task_id=ended.id, actor=ending.actor, **ending.hold_args
        )

    async def _cancelling_rest(self, changing: AsyncExitStack, failed: Task) -> list[Mutation]:
        """The first failure in a contiguous batch cancels what is left of it."""
        if not failed.contiguous or failed.batch_id is None or failed.state is TaskState.COMPLETED:
            return []
        mutations: list[Mutation] = []
        for waiting in self._memory.lane(failed.queue).batch(failed.batch_id):
            if waiting.id == failed.id:
                continue
            current = await changing.enter_async_context(self._changing(waiting.id))
            # while its lock was waited for, somebody may have called it off
            if current.state is TaskState.PENDING:
                mutations += cancelled_with(current, failed)
        return mutations

    async def _claim_along(
        self, changing: AsyncExitStack, queue: str
    ) -> tuple[Task | None, Sequence[Mutation]]:
        """The claim that can go into the same commit as the end of the running task."""
        following = self._turns.after_running(self._memory.lane(queue))
        # one that somebody is changing right now is left to the ordinary claim
        if following is None or self._locks.held(following.id) or self._turns.expired(following):
            return None, ()
        await changing.enter_async_context(self._locks.hold(following.id))
        return self._turns.claim(following)

    def _left(self, ended: Task, claimed: Task | None) -> list[Mutation]:
        """The resources that a command which ended for certain does not need any more."""
        following = self._settings.places_of(claimed) if claimed is not None else ()
        return self._resources.ended(ended.queue, self._settings.places_of(ended), following)

    def robot_stands(self, robot: str, place: str) -> list[Mutation]:
        """What to write when a robot whose link is new reports its place.

        It holds nothing else any more, unless nobody knows how its last command ended.
        """
        mutations = self._resources.moved(robot, place, (), self._clock.now_ms())
        if not self._holds.has(robot, HoldCode.OUTCOME_UNKNOWN):
            mutations += self._resources.ended(robot, (), ())
        return mutations

    async def write_when_possible(self, mutations: Sequence[Mutation]) -> None:
        """For what has happened already; waits for the disk."""
        await self._journal.write_when_possible(mutations, lambda: self._take_over(mutations))

    # -- the core --------------------------------------------------------------------------

    @asynccontextmanager
    async def _changing(self, task_id: str) -> AsyncIterator[Task]:
        """The task as it is now; nobody else changes it meanwhile."""
        async with self._locks.hold(task_id):
            yield await self.find(task_id)

    async def _write(self, mutations: Sequence[Mutation], room: Room | None = None) -> None:
        """`room` was kept for the new tasks among them."""
        mutations = self._with_what_follows(mutations)

        def written() -> None:
            self._take_over(mutations)
            if room is not None:
                room.taken()

        await self._journal.write(mutations, written)

    async def _written(self, mutations: Sequence[Mutation], claimed: Task | None = None) -> bool:
        """False where the disk takes no writes; what was taken for a claim is given back then."""
        mutations = self._with_what_follows(mutations)
        written = False
        try:
            written = await self._journal.written(mutations, lambda: self._take_over(mutations))
        finally:
            if not written and claimed is not None:
                self._resources.give_back(claimed.queue)
                self._wake_all()
        return written

    def _with_what_follows(self, mutations: Sequence[Mutation]) -> Sequence[Mutation]:
        """These and what they mean for webhooks and for the checklist, for one commit."""
        return [
            *mutations,
            *self._webhooks.following(mutations),
            *self._steps.following(mutations),
        ]

    def _take_over(self, mutations: Iterable[Mutation]) -> None:
        """Bring memory up to date with what was written."""
        freed = self._resources.commit(mutations)
        for mutation in mutations:
            if isinstance(mutation, SaveTask):
                self._memory.update(mutation.task, mutation.before)
                if mutation.task.expires_at_ms is not None:
                    self.expiry.look(mutation.task)
                if mutation.task.repeat is not None:
                    self.repeats.look(mutation.task)
                if mutation.task.state.final:
                    if mutation.task.work is None:
                        self.estimates.learn(mutation.task)
                    self._waiters.tell(mutation.task)
        self._webhooks.take_over(mutations)
        if freed:
            self._wake_all()

    def wake(self, queue: str) -> None:
        """Something that decides what may start in this queue has changed."""
        if queue in self._memory.pools:
            self._memory.pools[queue].wake()
        else:
            self._memory.lane(queue).wake()

    def _wake_all(self) -> None:
        for lane in self._memory.lanes.values():
            lane.wake()


def _ended(task: Task, fence: int, at_ms: int, ending: Ending, report: Report) -> Task:
    error = ending.error
    if error is not None and error.step is None:
        error = replace(error, step=report.step)
    return transition(
        task,
        ending.action,
        fence=fence,
        ended_at_ms=at_ms,
        result=ending.result,
        error=error,
        **report.changes,
    )
