"""TaskQueue: the one way in which a task changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack

from robotq.engine.checklist.manual_steps import ManualSteps
from robotq.engine.commit.changes import Changes
from robotq.engine.commit.journal import Journal
from robotq.engine.commit.unbroken import unbroken
from robotq.engine.commit.waiters import Waiters
from robotq.engine.events.rows import saving_end, saving_new, task_event
from robotq.engine.holds.board import HoldBoard
from robotq.engine.holds.writer import HoldWriter
from robotq.engine.intake.admission import Admission, Room
from robotq.engine.intake.idempotency import (
    Accept,
    Accepted,
    Idempotency,
    KeyedRequest,
    SaveAccepted,
)
from robotq.engine.intake.read_command import Order
from robotq.engine.queue.claims import Claims
from robotq.engine.queue.turns import Turns
from robotq.engine.queue.waits import Waits
from robotq.engine.reads import Reads
from robotq.engine.settings import Settings
from robotq.engine.state.estimates import Estimates
from robotq.engine.state.resources import Resources
from robotq.engine.state.robot_queue import Lane
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.waiting.approvals import Approvals
from robotq.engine.waiting.cancel_many import CancelMany
from robotq.engine.waiting.deadlines import Deadlines
from robotq.engine.waiting.expiry import Expiry
from robotq.engine.waiting.fitting import Fitting
from robotq.engine.waiting.reorder import Editing
from robotq.engine.waiting.repeats import Repeats, in_place_of
from robotq.engine.webhooks.service import Webhooks
from robotq.engine.worker_tasks.jobs import Jobs
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode, Wait
from robotq.model.json import JsonObject
from robotq.model.task import OUTCOME_UNKNOWN, Resolution, Task, TaskError, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import Mutation, SaveTask

__all__ = ["Accepted", "KeyedRequest", "TaskQueue"]

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
        reads: Reads,
        journal: Journal,
        memory: TaskMemory,
        holds: HoldBoard,
        hold_writer: HoldWriter,
        resources: Resources,
        clock: WallClock,
        settings: Settings,
        webhooks: Webhooks,
        estimates: Estimates,
        steps: ManualSteps,
        last_seq: int,
        revisions: JsonObject,
    ) -> None:
        self._journal = journal
        self._memory = memory
        self._holds = holds
        self._hold_writer = hold_writer
        self._clock = clock
        self._settings = settings
        self.estimates = estimates
        """How long commands take, from those that have completed."""
        self._admission = Admission(memory, clock, settings, last_seq)
        self.fitting = Fitting(memory, settings)
        """Which waiting commands the configuration of today does not take."""
        self._waits = Waits(memory, resources, clock, settings, self.fitting)
        estimates.waits_for_others = self._waits.for_others
        self._turns = Turns(
            holds=holds,
            waits=self._waits,
            resources=resources,
            clock=clock,
            settings=settings,
            fitting=self.fitting,
        )
        self._idempotency = Idempotency(reads)
        self._waiters = Waiters(lambda: settings.config.limits.waiting_requests)
        unfinished = [task for lane in memory.lanes.values() for task in lane]
        self.repeats = Repeats(self._admission, clock, unfinished)
        """What runs again by itself."""
        deadlines = Deadlines(clock, unfinished)
        self._changes = changes = Changes(
            reads=reads,
            journal=journal,
            memory=memory,
            resources=resources,
            webhooks=webhooks,
            steps=steps,
            estimates=estimates,
            repeats=self.repeats,
            deadlines=deadlines,
            waiters=self._waiters,
        )
        self.claims = Claims(
            changes=changes,
            memory=memory,
            turns=self._turns,
            holds=holds,
            hold_writer=hold_writer,
            resources=resources,
            repeats=self.repeats,
            clock=clock,
            settings=settings,
        )
        """Changes of tasks for robots, by their executors."""
        self.jobs = Jobs(
            changes=changes,
            memory=memory,
            admission=self._admission,
            holds=holds,
            idempotency=self._idempotency,
            clock=clock,
        )
        """Changes of tasks for workers."""
        self.editing = Editing(
            changes=changes,
            memory=memory,
            admission=self._admission,
            clock=clock,
            revisions=revisions,
        )
        """Changes of the order of waiting tasks."""
        self.cancel_many = CancelMany(
            changes=changes,
            memory=memory,
            idempotency=self._idempotency,
            clock=clock,
            called_off=self._waits.called_off,
            cancel_running=lambda task_id, actor, reason: self.cancel(
                task_id, actor=actor, reason=reason
            ),
        )
        """Calling off many tasks at once."""
        self.approvals = Approvals(changes=changes, memory=memory, holds=holds, clock=clock)
        """What a person decides about tasks of agents."""
        self.expiry = Expiry(
            changes=changes,
            memory=memory,
            deadlines=deadlines,
            repeats=self.repeats,
            clock=clock,
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
        return await self._changes.find(task_id)

    def waits(self, task: Task) -> list[Wait]:
        """Why a waiting task is passed over for now."""
        return self._waits.of(task)

    def own_waits(self, task: Task) -> list[Wait]:
        """The same, without what a batch in front of it waits for."""
        return self._waits.own(task)

    def would_start(self, queue: str, approved: Collection[str] = ()) -> Task | None:
        """What begins next once nothing holds this queue; with these tasks approved."""
        return self._turns.would_start(self.lane(queue), approved)

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
            with self._admission.room([order.command for order in orders]) as room:
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
                await self._changes.write(mutations, room)
                crash_point(CrashPoint.ACCEPTED)
                return accepted

        if keyed is None:
            return await accept(None)
        return await self._accept_once(keyed, accept)

    @unbroken
    async def _accept_once(self, keyed: KeyedRequest, accept: Accept) -> Accepted:
        return await self._idempotency.once(keyed, self._clock.now_ms(), accept)

    @unbroken
    async def retry(
        self,
        again: Sequence[tuple[str, Order]],
        *,
        actor: str,
        agent: bool = False,
        note: str = "",
        stay_paused: bool = False,
        keyed: KeyedRequest | None = None,
        batch: bool = False,
    ) -> Accepted:
        """Run ended commands again, all or none, as new tasks at the head of their queues,
        behind the retries that wait there.

        `stay_paused`: their queues are paused first. `batch`: they are one batch again.
        Raises RobotqError wrong_state for one that has not ended, or whose unknown outcome
        nobody has resolved; already_retried; queue_full, store_unavailable, shutting_down,
        idempotency_conflict.
        """

        async def accept(save_answer: SaveAccepted | None) -> Accepted:
            async with AsyncExitStack() as stack:
                ended = [
                    (await stack.enter_async_context(self._changes.of(task_id)), order)
                    for task_id, order in again
                ]
                for task, _ in ended:
                    _check_retry(task)
                room = stack.enter_context(self._admission.room([one.command for _, one in ended]))
                if stay_paused:
                    for queue in dict.fromkeys(task.queue for task, _ in ended):
                        self._pause(queue, actor, note)
                if batch:
                    new = self._admission.batch_again(ended, actor=actor, agent=agent)
                else:
                    ((task, order),) = ended
                    new = [self._admission.again(task, order, actor=actor, agent=agent)]
                accepted = Accepted(
                    task_ids=tuple([task.id for task in new]),
                    batch_id=new[0].batch_id,
                    queue_size=room.queue_size,
                )
                now_ms = self._clock.now_ms()
                mutations = saving_new(new, actor)
                for (task, _), one in zip(ended, new, strict=True):
                    retried = transition(task, Action.RETRIED, retried_as=one.id)
                    mutations.append(SaveTask(retried, task.state))
                    mutations.append(
                        task_event(
                            "task.retried",
                            retried,
                            now_ms,
                            actor,
                            before=task,
                            retried_as=one.id,
                            note=note,
                        )
                    )
                if save_answer is not None:
                    mutations.append(save_answer(accepted))
                await self._changes.write(mutations, room)
                crash_point(CrashPoint.RETRIED)
                return accepted

        if keyed is None:
            return await accept(None)
        return await self._accept_once(keyed, accept)

    def _pause(self, queue: str, actor: str, reason: str) -> None:
        """Counts at once; also where it is paused already, for a reason of somebody else."""
        self._holds.set(queue, HoldCode.PAUSED, actor=actor, reason=reason)

    # -- changes of waiting and ended tasks ----------------------------------------------

    async def cancel(self, task_id: str, *, actor: str, reason: str = "") -> Task:
        """Call a task off. A waiting one never runs; a running one is stopped, and this
        returns when it has ended, however that was.

        Raises RobotqError task_not_found, wrong_state (ended already), store_unavailable.
        """
        cancelled = await self.cancel_waiting(task_id, actor, reason)
        if cancelled is not None:
            return cancelled
        limit_s = self._settings.config.limits.stop_timeout_s + _CANCEL_S
        task = await self.wait_ended(task_id, limit_s)
        if not task.state.final and not self._journal.available:
            raise RobotqError("store_unavailable", reason="told to stop, its end is not written")
        return task

    @unbroken
    async def cancel_waiting(self, task_id: str, actor: str, reason: str) -> Task | None:
        """None where the task runs; it was told to stop then."""
        known = self._memory.get(task_id)
        if known is not None and known.work is None and known.state is TaskState.RUNNING:
            # at once: whoever changes it now may wait for the disk
            self._stop(known, actor, reason)
            return None
        async with self._changes.of(task_id) as task:
            if task.work is not None:
                return await self.jobs.cancel(task, actor=actor, reason=reason)
            if task.state is TaskState.RUNNING:
                self._stop(task, actor, reason)
                return None
            cancelled = transition(
                task,
                Action.CANCEL,
                error=TaskError(code="cancelled", args={"actor": actor, "reason": reason}),
                ended_at_ms=self._clock.now_ms(),
            )
            await self._changes.write(saving_end(task, cancelled, actor))
            crash_point(CrashPoint.CANCELLED)
            return cancelled

    def _stop(self, task: Task, actor: str, reason: str) -> None:
        """Have a running task stopped. Acts at once and never waits for the disk; who asked is in
        the end's record."""
        self.repeats.call_off(task)
        self.stop_running(task, actor, reason)

    @unbroken
    async def resolve(
        self,
        task_id: str,
        outcome: str,
        *,
        actor: str,
        note: str = "",
        retry: Order | None = None,
        seen: int | None = None,
        stay_paused: bool = False,
        keyed: KeyedRequest | None = None,
    ) -> Task:
        """Write what a person found out about an unknown outcome, and lift the hold.

        `outcome` is completed, failed or retry; for retry, `retry` is the order to run again,
        as a new task at the head of the queue. The end state of the task stays as it is.
        `seen`: the revision by which the person decided. `stay_paused`: a pause takes the place
        of the hold, so that nothing starts.
        Raises RobotqError task_not_found, wrong_state, task_changed, store_unavailable,
        idempotency_conflict; for retry also queue_full, shutting_down.
        """

        async def accept(save_answer: SaveAccepted | None) -> Accepted:
            return await self._resolve(
                task_id,
                outcome,
                actor=actor,
                note=note,
                retry=retry,
                seen=seen,
                stay_paused=stay_paused,
                save_answer=save_answer,
            )

        await (accept(None) if keyed is None else self._accept_once(keyed, accept))
        return await self._changes.find(task_id)

    async def _resolve(
        self,
        task_id: str,
        outcome: str,
        *,
        actor: str,
        note: str,
        retry: Order | None,
        seen: int | None,
        stay_paused: bool,
        save_answer: SaveAccepted | None,
    ) -> Accepted:
        async with self._changes.of(task_id) as task, AsyncExitStack() as stack:
            if seen is not None and task.outcome_unknown and seen != task.revision:
                raise RobotqError("task_changed", task_id=task.id, revision=task.revision)
            again: Task | None = None
            room: Room | None = None
            if retry is not None and task.outcome_unknown:
                room = stack.enter_context(self._admission.room([retry.command]))
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
            accepted = Accepted(task_ids=(task.id,), batch_id=None, queue_size=0)
            if save_answer is not None:
                mutations.append(save_answer(accepted))
            if stay_paused:
                self._pause(task.queue, actor, note or "reason.resolved")
            hold = self._holds.get(task.queue, HoldCode.OUTCOME_UNKNOWN)
            lifting = [hold] if hold is not None and hold.task_id == task.id else []
            async with self._hold_writer.along(lifting, actor) as holds:
                await self._changes.write(mutations, room, holds)
            crash_point(CrashPoint.RESOLVED)
            return accepted


def _check_retry(task: Task) -> None:
    """Raises RobotqError wrong_state, already_retried."""
    if not task.state.final or task.outcome_unknown or task.work is not None:
        state = OUTCOME_UNKNOWN if task.outcome_unknown else task.state.value
        raise RobotqError("wrong_state", task_id=task.id, state=state, action="retry")
    retried_as = task.retried_as
    if retried_as is None and task.resolution is not None:
        retried_as = task.resolution.retried_as
    if retried_as is not None:
        raise RobotqError("already_retried", task_id=task.id, retried_as=retried_as)
