"""TaskQueue: the one way in which a task changes."""

from __future__ import annotations

from collections.abc import Collection

from robotq.engine.intake.admission import Admission
from robotq.engine.intake.idempotency import Accepted, KeyedRequest
from robotq.engine.intake.submitting import Submitting
from robotq.engine.queue.resolving import Resolving
from robotq.engine.queue.turns import Turns
from robotq.engine.queue.waits import Waits
from robotq.engine.state.estimates import Estimates
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.waiting.approvals import Approvals
from robotq.engine.waiting.cancel_many import CancelMany
from robotq.engine.waiting.cancelling import Cancelling
from robotq.engine.waiting.fitting import Fitting
from robotq.engine.waiting.reorder import Editing
from robotq.engine.waiting.repeats import Repeats
from robotq.engine.worker_tasks.jobs import Jobs
from robotq.model.task import Task

__all__ = ["Accepted", "KeyedRequest", "TaskQueue"]


class TaskQueue:
    """The queues of all robots and of all kinds of workers.

    Every change of a task is a transition of `model.transitions`, is on disk before it is
    visible or told to anyone, and is refused when the task has changed meanwhile. Each verb is
    that of the part of the same subject, and is documented there.
    """

    def __init__(
        self,
        *,
        memory: TaskMemory,
        admission: Admission,
        turns: Turns,
        waits: Waits,
        fitting: Fitting,
        repeats: Repeats,
        estimates: Estimates,
        submitting: Submitting,
        cancelling: Cancelling,
        cancel_many: CancelMany,
        resolving: Resolving,
        approvals: Approvals,
        editing: Editing,
        jobs: Jobs,
    ) -> None:
        self._memory = memory
        self._estimates = estimates
        self._admission = admission
        self._turns = turns
        self._editing = editing

        # commands of robots
        self.submit, self.retry = submitting.submit, submitting.retry
        self.also_kept_by = submitting.also_kept_by
        self.outlooks = submitting.outlooks
        self.cancel, self.cancel_waiting = cancelling.cancel, cancelling.cancel_waiting
        self.find_many, self.cancel_many = cancel_many.find, cancel_many.cancel
        self.resolve = resolving.resolve
        self.approve, self.reject = approvals.approve, approvals.reject
        self.move, self.give = editing.move, editing.give

        # tasks of workers
        self.submit_job, self.retry_job = jobs.submit, jobs.retry
        self.hands_out, self.job_ready = jobs.may_start, jobs.ready
        self.claim_job, self.claim_this_job = jobs.claim, jobs.claim_this
        self.renew_job, self.give_back_job = jobs.renew, jobs.give_back
        self.finish_job, self.lose_job = jobs.finish, jobs.lose
        self.expire_job, self.count_job_anew = jobs.expire, jobs.count_anew

        # what is to be expected
        self.wait_ended = cancelling.wait_ended
        self.waits = waits.of
        self.misfits, self.current_run = fitting.misfits, repeats.current
        self.duration_s, self.remaining_s = estimates.duration_s, estimates.remaining_s
        self.starts_in_s, self.schedule = estimates.starts_in_s, estimates.schedule

    @property
    def closed(self) -> bool:
        """Nothing more is accepted or started."""
        return self._admission.closed

    def close(self) -> None:
        """From now on nothing is accepted or started."""
        self._admission.closed = self._turns.closed = True

    @property
    def revision(self) -> int:
        """The number of edits so far, over all queues and restarts."""
        return self._editing.revision

    def revision_of(self, queue: str) -> int:
        """The revision that the latest edit of this queue has made; 0 before the first."""
        return self._editing.revision_of(queue)

    def would_start(self, queue: str, approved: Collection[str] = ()) -> Task | None:
        """What begins next once nothing holds this queue; with these tasks approved."""
        return self._turns.would_start(self._memory.robot_queue(queue), approved)

    def would_stand(
        self, queue: str, priority: int, not_before_ms: int | None, now_ms: int
    ) -> tuple[int, float | None]:
        """The place in line that a new command would get (from 1), and in how many seconds it
        would start, if nothing holds the queue; None where nobody can know."""
        robot_queue = self._memory.robot_queue(queue)
        before = sum(
            task.priority >= priority or robot_queue.in_open_batch(task) for task in robot_queue
        )
        return before + 1, self._estimates.would_start_s(
            robot_queue, before + 1, not_before_ms, now_ms
        )
