"""The parts of the `TaskQueue`, from the bottom to the top."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil

import msgspec

from robotq.drivers.base import Driver
from robotq.engine.assembly.base import Base
from robotq.engine.commit.locks import Locks
from robotq.engine.commit.waiters import Waiters
from robotq.engine.intake.admission import Admission
from robotq.engine.intake.idempotency import Idempotency
from robotq.engine.intake.judging import Judging
from robotq.engine.intake.submitting import Submitting
from robotq.engine.queue.claims import Claims
from robotq.engine.queue.queue import TaskQueue
from robotq.engine.queue.resolving import Resolving
from robotq.engine.queue.turns import Turns
from robotq.engine.queue.waits import Waits
from robotq.engine.state.estimates import Estimates
from robotq.engine.waiting.approvals import Approvals
from robotq.engine.waiting.cancel_many import CancelMany
from robotq.engine.waiting.cancelling import Cancelling
from robotq.engine.waiting.deadlines import Deadlines
from robotq.engine.waiting.expiry import Expiry
from robotq.engine.waiting.fitting import Fitting
from robotq.engine.waiting.reorder import REVISIONS, Editing
from robotq.engine.waiting.repeats import Repeats
from robotq.engine.worker_tasks.jobs import Jobs
from robotq.model.ids import Numbers
from robotq.model.task import FINAL_STATES, Task


class QueueParts(msgspec.Struct, frozen=True, kw_only=True):
    """The queue, and those of its parts that robots and the engine work with."""

    queue: TaskQueue
    admission: Admission
    """Room for new tasks, and their numbers."""
    judging: Judging
    claims: Claims
    """Changes of the tasks of robots, by their executors."""
    cancelling: Cancelling
    fitting: Fitting
    """Which waiting commands the configuration of today does not take."""
    waits: Waits
    expiry: Expiry
    """What has to be started in time."""
    repeats: Repeats
    locks: Locks
    """Of the tasks that somebody is changing."""


def make_queue(
    base: Base, drivers: Mapping[str, Driver], worked_s: Callable[[Task], float | None]
) -> QueueParts:
    """`worked_s`: see `Estimates`."""
    settings, clock, memory, holds = base.settings, base.clock, base.memory, base.holds
    resources, reads, restored = base.resources, base.reads, base.restored
    # ranks that were given to tasks moved to the end are numbers of arrival too
    shared = base.commit.shared
    ours = [
        ceil(task.rank)
        for task in restored.unfinished
        if shared is None or not shared.shared_queue(task.queue)
    ]
    admission = Admission(memory, clock, settings, max([restored.last_seq, *ours]))
    admission.numbers = Numbers(salt=base.salt)
    admission.shared = shared
    fitting = Fitting(memory, settings)
    waits = Waits(memory, resources, clock, settings, fitting)
    estimates = Estimates(
        (task for task in restored.finished if task.work is None),
        settings.config.time_scale,
        waits_for_others=waits.for_others,
        worked_s=worked_s,
    )
    turns = Turns(
        holds=holds,
        waits=waits,
        resources=resources,
        clock=clock,
        settings=settings,
        fitting=fitting,
    )
    idempotency = Idempotency(reads, base.commit)
    waiters = Waiters(lambda: settings.config.limits.waiting_requests)
    unfinished = [task for robot_queue in memory.robot_queues.values() for task in robot_queue]
    repeats = Repeats(admission, clock, unfinished)
    deadlines = Deadlines(clock, settings, unfinished)
    commit = base.commit

    def follow(task: Task) -> None:
        """Of a task as it was written."""
        try:
            if task.expires_at_ms is not None:
                deadlines.look(task)
            if task.repeat is not None:
                repeats.look(task)
            if task.state in FINAL_STATES and task.work is None:
                estimates.learn(task)
        finally:
            if task.state in FINAL_STATES:
                waiters.tell(task)

    base.signals.task_written.subscribe(follow)
    jobs = Jobs(
        commit=commit,
        memory=memory,
        admission=admission,
        holds=holds,
        idempotency=idempotency,
        clock=clock,
    )
    cancelling = Cancelling(
        commit=commit,
        reads=reads,
        memory=memory,
        jobs=jobs,
        repeats=repeats,
        waiters=waiters,
        signals=base.signals,
        settings=settings,
        clock=clock,
    )
    judging = Judging(drivers, closed=lambda: admission.closed, most_s=settings.timings.judge_s)
    queue = TaskQueue(
        memory=memory,
        admission=admission,
        turns=turns,
        waits=waits,
        fitting=fitting,
        repeats=repeats,
        estimates=estimates,
        submitting=Submitting(
            commit=commit,
            admission=admission,
            idempotency=idempotency,
            holds=holds,
            clock=clock,
            judging=judging,
            programs=base.programs,
        ),
        cancelling=cancelling,
        cancel_many=CancelMany(
            commit=commit,
            memory=memory,
            idempotency=idempotency,
            clock=clock,
            called_off=waits.called_off,
            cancelling=cancelling,
        ),
        resolving=Resolving(
            commit=commit,
            reads=reads,
            admission=admission,
            idempotency=idempotency,
            repeats=repeats,
            holds=holds,
            hold_writer=base.hold_writer,
            clock=clock,
        ),
        approvals=Approvals(commit=commit, memory=memory, holds=holds, clock=clock),
        editing=Editing(
            commit=commit,
            memory=memory,
            admission=admission,
            clock=clock,
            revisions=restored.facts.get(REVISIONS, {}),
        ),
        jobs=jobs,
    )
    claims = Claims(
        commit=commit,
        memory=memory,
        turns=turns,
        holds=holds,
        hold_writer=base.hold_writer,
        resources=resources,
        repeats=repeats,
        clock=clock,
        settings=settings,
    )
    expiry = Expiry(commit=commit, memory=memory, deadlines=deadlines, repeats=repeats, clock=clock)
    return QueueParts(
        repeats=repeats,
        locks=commit.locks,
        queue=queue,
        admission=admission,
        judging=judging,
        claims=claims,
        cancelling=cancelling,
        fitting=fitting,
        waits=waits,
        expiry=expiry,
    )
