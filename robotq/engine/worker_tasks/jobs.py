"""Changes of the tasks for workers: handed out, renewed, ended, taken back."""

from __future__ import annotations

from collections.abc import Sequence

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import unbroken
from robotq.engine.events.rows import saving_new
from robotq.engine.holds.board import HoldBoard
from robotq.engine.intake.admission import Admission
from robotq.engine.intake.idempotency import Accepted, Idempotency, KeyedRequest, SaveAccepted
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.worker_tasks import job_changes
from robotq.engine.worker_tasks.job_changes import Change, same_end, stale, wrong_state
from robotq.engine.worker_tasks.newest import TRIES, on_newest
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.job import Holder, Job, JobEnding
from robotq.model.json import JsonObject
from robotq.model.task import Task, TaskState
from robotq.model.transitions import Action
from robotq.store.port import Mutation, StaleRevision


class Jobs:
    """The part of the `TaskQueue` that is about tasks for workers. The same promises: every
    change is a transition, and is on disk before it is visible here or told to anyone.

    A task is never under two valid leases: a claim raises its fence, and what comes with an
    older one is refused and kept in the journal. What happens when a lease runs out stands in
    the task's `Work`.
    """

    def __init__(
        self,
        *,
        commit: Commit,
        memory: TaskMemory,
        admission: Admission,
        holds: HoldBoard,
        idempotency: Idempotency,
        clock: WallClock,
    ) -> None:
        self.commit = self._commit = commit
        self._memory = memory
        self._admission = admission
        self._holds = holds
        self._idempotency = idempotency
        self._clock = clock

    # -- the way in ------------------------------------------------------------------------

    @unbroken
    async def submit(
        self,
        job: Job,
        *,
        api: str,
        actor: str,
        max_waiting: int,
        keyed: KeyedRequest | None = None,
        stands: bool = False,
    ) -> tuple[Task, bool]:
        """Accept a job. It is on disk when this returns.

        `max_waiting` bounds what waits in the queue. `stands`: what the disk takes late is
        accepted. Returns the task as it is now, and whether
        it was accepted before under the same key. Raises RobotqError queue_full,
        store_unavailable, shutting_down, idempotency_conflict, task_not_found (the task of the
        key was removed).
        """

        async def accept(save_answer: SaveAccepted | None) -> Accepted:
            with self._admission.job_room(job.queue, [job.command], max_waiting) as room:
                task = self._admission.job(job, api=api, actor=actor)
                accepted = Accepted(task_ids=(task.id,), batch_id=None, queue_size=room.queue_size)
                mutations = saving_new([task], actor)
                if save_answer is not None:
                    mutations.append(save_answer(accepted))
                await self._commit.write(mutations, room, stands=stands)
                return accepted

        if keyed is None:
            accepted = await accept(None)
        else:
            accepted = await self._idempotency.once(keyed, self._clock.now_ms(), accept)
        return await self._commit.find(accepted.task_ids[0]), accepted.repeated

    # -- for workers -----------------------------------------------------------------------

    def may_start(self, queue: str) -> bool:
        """Whether this queue hands out anything."""
        return not self._admission.closed and not self._holds.held(queue)

    def ready(self, queue: str, match: str = "") -> bool:
        """Whether `claim` would find something at this moment."""
        return self._next(queue, match) is not None

    @unbroken
    async def claim(
        self, queue: str, worker: str, match: str = "", *, named: bool = True
    ) -> Task | None:
        """The next waiting task with this match key, which this worker has from now on; None
        where nothing waits or the queue is held.

        Its token is the task's `fence`. `named`: nobody else goes by the worker's name.
        Raises RobotqError store_unavailable.
        """
        shared = self._commit.shared
        if shared is not None and shared.shared_queue(queue):
            return await self._claim_shared(queue, worker, match, named=named)
        while (waiting := self._next(queue, match)) is not None:
            async with self._commit.of(waiting.id) as task:
                # while the lock was waited for, it may have been called off
                if task.state is TaskState.PENDING and not self._overdue(task):
                    return await self._write(self._claimed(task, worker, named=named))
        return None

    async def _claim_shared(
        self, queue: str, worker: str, match: str, *, named: bool
    ) -> Task | None:
        """The database chooses: what is in memory may be old."""
        claimed: list[Task] = []

        def take(task: Task) -> Sequence[Mutation] | None:
            if self._overdue(task):
                return None
            after, mutations = self._claimed(task, worker, named=named)
            claimed[:] = [after]
            return mutations

        for _ in range(TRIES):
            waiting = self._next(queue, match)
            if waiting is None:
                self._commit.elsewhere.must_know(queue)
                return None
            try:
                if await self._commit.elsewhere.claim(queue, match, take):
                    return claimed[0]
            except StaleRevision:
                continue
            # others have it: memory says so as soon as it has been read
            await self._commit.elsewhere.read_anew(waiting.id)
        return None

    @unbroken
    @on_newest
    async def claim_this(self, task_id: str, worker: str) -> Task:
        """The same for exactly one task. Raises RobotqError task_not_found, wrong_state,
        queue_held, store_unavailable."""
        async with self._commit.of(task_id) as task:
            if task.work is None or task.state is not TaskState.PENDING:
                raise wrong_state(task, Action.CLAIM)
            if not self.may_start(task.queue):
                raise RobotqError("queue_held", reason="nothing is handed out right now")
            return await self._write(self._claimed(task, worker))

    @unbroken
    @on_newest
    async def renew(
        self,
        task_id: str,
        holder: Holder,
        *,
        progress: float | None = None,
        partial: JsonObject | None = None,
    ) -> Task:
        """A sign of life: the lease begins anew. A lease that has run out is given back where
        nobody else took the task.

        `progress` is 0 to 1; what is None stays as it was. Raises RobotqError task_not_found,
        wrong_state (it has ended), stale_claim, store_unavailable.
        """
        async with self._commit.of(task_id) as before:
            now_ms = self._clock.now_ms()
            task, earlier = self._held(before, holder, "renew")
            renewed = job_changes.renewed(
                task, now_ms, self._clock.steady_ms(), progress=progress, partial=partial
            )
            return await self._write(renewed, earlier)

    @unbroken
    @on_newest
    async def finish(
        self, task_id: str, holder: Holder, ending: JobEnding, *, unclaimed: bool = False
    ) -> Task:
        """Write how a worker says that a task ended. It is on disk when this returns.

        The same end by the same worker once more gives the same answer. A lease that ran out
        is no hindrance as long as nobody else took the task. `unclaimed` takes an answer from
        somebody to whom the task was not handed out, where it never was to anybody.
        Raises RobotqError task_not_found, wrong_state (it has ended otherwise), stale_claim;
        both are kept in the journal; store_unavailable.
        """
        async with self._commit.of(task_id) as known:
            before = known
            if known.state is not TaskState.RUNNING or not holder.has(known):
                # a refusal is kept in the journal, so it must not come from an old mirror
                before = await self._commit.elsewhere.newest(known)
            if before.state.final and same_end(before, holder, ending):
                return before
            now_ms = self._clock.now_ms()
            if unclaimed and before.state is TaskState.PENDING and before.fence == 0:
                task, earlier = self._claimed(before, holder.worker or before.actor)
            else:
                try:
                    task, earlier = self._held(before, holder, ending.action)
                except RobotqError:
                    await self._commit.write(job_changes.refused(before, holder, ending, now_ms))
                    raise
            return await self._write(job_changes.ended(task, ending, now_ms), earlier)

    @unbroken
    @on_newest
    async def give_back(self, task_id: str, holder: Holder) -> Task:
        """The worker has not begun and will not: the task goes back to its place, and this
        counts as no attempt. Raises RobotqError like `renew`."""
        async with self._commit.of(task_id) as task:
            if task.state is not TaskState.RUNNING or not holder.has(task):
                raise stale(task, holder)
            return await self._write(job_changes.released(task, self._clock.now_ms()))

    @unbroken
    @on_newest
    async def lose(self, task_id: str, holder: Holder) -> Task:
        """The worker is gone for certain, and its task fails with worker_lost.

        Raises RobotqError like `renew`.
        """
        async with self._commit.of(task_id) as task:
            if task.state is not TaskState.RUNNING or not holder.has(task):
                raise stale(task, holder)
            lost = job_changes.failed(task, self._clock.now_ms(), "worker_lost", worker=task.worker)
            return await self._write(lost)

    # -- by time and by people ---------------------------------------------------------------

    @unbroken
    @on_newest
    async def expire(self, task_id: str, *, not_before_ms: int = 0) -> Task:
        """What follows where the lease or the deadline of a task is over; nothing where not.

        Leases are not over before `not_before_ms` of the steady clock, the time that workers
        get after a start.
        Raises RobotqError store_unavailable.
        """
        async with self._commit.of(task_id) as task:
            now_ms = self._clock.now_ms()
            if task.state.final or task.work is None:
                return task
            if self._overdue(task):
                return await self._write(job_changes.failed(task, now_ms, "task_timeout"))
            until_ms = task.lease_until_ms
            if until_ms is None or self._clock.steady_ms() < max(until_ms, not_before_ms):
                return task
            if task.work.max_retries is not None and task.retries >= task.work.max_retries:
                return await self._write(
                    job_changes.failed(task, now_ms, "lease_expired", worker=task.worker)
                )
            return await self._write(job_changes.offered_again(task, now_ms))

    @unbroken
    @on_newest
    async def count_anew(self, task_id: str) -> None:
        """Let a lease that is longer than it can be, because the clock was set back while the
        daemon was away, begin now. Raises RobotqError store_unavailable."""
        async with self._commit.of(task_id) as task:
            lease_s = None if task.work is None else task.work.lease_s
            if task.state is not TaskState.RUNNING or lease_s is None or not task.lease_until_ms:
                return
            steady_ms = self._clock.steady_ms()
            if task.lease_until_ms > steady_ms + round(lease_s * 1000):
                now_ms = self._clock.now_ms()
                await self._write(
                    job_changes.renewed(task, now_ms, steady_ms, progress=None, partial=None)
                )

    async def cancel(self, task: Task, *, actor: str, reason: str) -> Task:
        """Call off a task that nobody else changes meanwhile. Its worker hears of it with the
        next sign of life, and its result is refused."""
        for _ in range(TRIES):
            now_ms = self._clock.now_ms()
            try:
                return await self._write(
                    job_changes.cancelled(task, now_ms, actor=actor, reason=reason)
                )
            except StaleRevision:
                if self._commit.shared is None:
                    raise
                task = await self._commit.elsewhere.read_anew(task.id)
            except RobotqError as error:
                if error.code.name != "wrong_state" or not await self._commit.elsewhere.was_old(
                    task.id
                ):
                    raise
                task = await self._commit.find(task.id)
        raise RobotqError("too_many_requests", what="changes of a task", limit=TRIES)

    @unbroken
    @on_newest
    async def retry(self, task_id: str, *, actor: str) -> Task:
        """Let a failed task wait again under its own id.

        Raises RobotqError task_not_found, wrong_state (not failed), retries_used_up,
        store_unavailable, shutting_down.
        """
        async with self._commit.of(task_id) as task:
            if task.work is not None and task.work.max_retries is not None:
                limit = task.work.max_retries
                if task.state is TaskState.FAILED and task.retries >= limit:
                    raise RobotqError("retries_used_up", retries=task.retries, limit=limit)
            retried = job_changes.retried(task, self._clock.now_ms(), actor=actor)
            return await self._write(retried)

    # -- the core ----------------------------------------------------------------------------

    def _next(self, queue: str, match: str) -> Task | None:
        if not self.may_start(queue):
            return None
        # one that somebody is changing right now is most probably being claimed
        for task in self._memory.worker_queue(queue).line(match):
            if not self._commit.locks.held(task.id) and not self._overdue(task):
                return task
        return None

    def _overdue(self, task: Task) -> bool:
        deadline_ms = None if task.work is None else task.work.deadline_ms
        return deadline_ms is not None and deadline_ms <= self._clock.steady_ms()

    def _claimed(self, task: Task, worker: str, *, named: bool = True) -> Change:
        now_ms, steady_ms = self._clock.now_ms(), self._clock.steady_ms()
        return job_changes.claimed(task, worker, now_ms, steady_ms, named=named)

    def _held(self, task: Task, holder: Holder, action: str) -> Change:
        """The task in the hands of this holder, and what to write for that first."""
        if task.state.final or task.work is None:
            raise wrong_state(task, action)
        if not holder.has(task):
            raise stale(task, holder)
        if task.state is TaskState.RUNNING:
            return task, []
        return job_changes.reclaimed(task, self._clock.now_ms(), self._clock.steady_ms())

    async def _write(self, change: Change, earlier: Sequence[Mutation] = ()) -> Task:
        """The task after the change, once it is on disk with what goes before it."""
        task, mutations = change
        await self._commit.write([*earlier, *mutations])
        return task
