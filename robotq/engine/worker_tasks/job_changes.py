"""What each change makes of a task for a worker, and what is written for it. No I/O.

Whether somebody may make the change is for `Jobs` to say. All raise RobotqError wrong_state
where the state of the task does not allow it.
"""

from __future__ import annotations

from robotq.engine.events.rows import saving_end, task_event
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.job import Holder, JobEnding
from robotq.model.json import JsonObject
from robotq.model.task import Task, TaskError, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import AppendEvent, Mutation, SaveTask

Change = tuple[Task, list[Mutation]]
"""The task after it, and what to write so that it is on disk."""


def claimed(
    task: Task, worker: str, now_ms: int, lease_from_ms: int, *, named: bool = True
) -> Change:
    """In the hands of a worker, with a token of its own and a lease. Leases are counted by the
    steady clock, `lease_from_ms`. `named`: nobody else goes by this name."""
    after = transition(
        task,
        Action.CLAIM,
        worker=worker,
        several_workers=task.several_workers or _lapsed_for_another(task, worker, named=named),
        started_at_ms=now_ms,
        lease_until_ms=_lease_until(task, lease_from_ms),
    )
    return _told("task.claimed", after, task, now_ms, worker=worker)


def reclaimed(task: Task, now_ms: int, lease_from_ms: int) -> Change:
    """Back in the hands of the worker whose lease ran out."""
    after = transition(
        task,
        Action.RECLAIM,
        fence=task.fence,
        started_at_ms=now_ms,
        lease_until_ms=_lease_until(task, lease_from_ms),
    )
    return _told("task.reclaimed", after, task, now_ms, worker=task.worker)


def renewed(
    task: Task,
    now_ms: int,
    lease_from_ms: int,
    *,
    progress: float | None,
    partial: JsonObject | None,
) -> Change:
    """The lease from now on. What is None stays as it was."""
    after = transition(
        task,
        Action.PROGRESS,
        fence=task.fence,
        progress=task.progress if progress is None else progress,
        partial=task.partial if partial is None else partial,
        lease_until_ms=_lease_until(task, lease_from_ms),
    )
    mutations: list[Mutation] = [SaveTask(after, task)]
    if after.progress != task.progress:
        mutations.append(_progress_event(after, now_ms))
    return after, mutations


def ended(task: Task, ending: JobEnding, now_ms: int) -> Change:
    """As its worker says."""
    after = transition(
        task,
        ending.action,
        fence=task.fence,
        ended_at_ms=now_ms,
        result=ending.kept,
        error=ending.error,
    )
    return after, saving_end(task, after, after.worker or "robotq")


def released(task: Task, now_ms: int) -> Change:
    """At its old place, with no attempt counted."""
    after = transition(task, Action.RELEASE, fence=task.fence)
    return _told("task.released", after, task, now_ms, worker=task.worker)


def offered_again(task: Task, now_ms: int) -> Change:
    """At its old place, because the lease ran out; this counts as a retry."""
    after = transition(
        task,
        Action.REQUEUE,
        fence=task.fence,
        retries=task.retries + 1,
        retried_at_ms=now_ms,
    )
    return _told("task.lease_expired", after, task, now_ms, worker=task.worker)


def failed(task: Task, now_ms: int, code: str, **args: object) -> Change:
    """Without a word of a worker; `code` is one of `model.errors`."""
    after = transition(
        task,
        Action.FAIL if task.state is TaskState.RUNNING else Action.EXPIRE,
        fence=task.fence,
        error=TaskError(code=code, args=args),
        ended_at_ms=now_ms,
    )
    return after, saving_end(task, after, "robotq")


def cancelled(task: Task, now_ms: int, *, actor: str, reason: str) -> Change:
    after = transition(
        task,
        Action.STOP if task.state is TaskState.RUNNING else Action.CANCEL,
        fence=task.fence,
        error=TaskError(code="cancelled", args={"actor": actor, "reason": reason}),
        ended_at_ms=now_ms,
    )
    return after, saving_end(task, after, actor)


def retried(task: Task, now_ms: int, *, actor: str) -> Change:
    """Waiting again after it failed."""
    said_by_worker = task.error is not None and task.error.code == "worker_error"
    after = transition(
        task,
        Action.RETRY,
        retries=task.retries + 1,
        retried_at_ms=now_ms,
        several_workers=task.several_workers or not said_by_worker,
    )
    event = task_event("task.retried", after, now_ms, actor, before=task)
    return after, [SaveTask(after, task), event]


def refused(task: Task, holder: Holder, ending: JobEnding, now_ms: int) -> list[Mutation]:
    """What keeps in the journal that a result came too late, or twice."""
    said = {"worker": holder.worker, "token": holder.token, "said": ending.action.value}
    actor = task.worker or "robotq"
    return [task_event("task.result_refused", task, now_ms, actor, before=task, **said)]


def _told(kind: str, after: Task, before: Task, now_ms: int, *, worker: str | None) -> Change:
    actor = after.worker or "robotq"
    event = task_event(kind, after, now_ms, actor, before=before, worker=worker)
    return after, [SaveTask(after, before), event]


def _progress_event(task: Task, at_ms: int) -> AppendEvent:
    return AppendEvent(
        Event(
            kind="task.progress",
            at_ms=at_ms,
            actor=task.worker or "robotq",
            api=task.api,
            robot=task.queue,
            task_id=task.id,
            data={"cmd_type": task.command.cmd_type, "progress": task.progress},
        )
    )


def _lapsed_for_another(task: Task, worker: str, *, named: bool) -> bool:
    # a waiting task keeps its worker only where the lease ran out
    return task.worker is not None and (task.worker != worker or not named)


def _lease_until(task: Task, from_ms: int) -> int | None:
    lease_s = None if task.work is None else task.work.lease_s
    return None if lease_s is None else from_ms + round(lease_s * 1000)


def same_end(task: Task, holder: Holder, ending: JobEnding) -> bool:
    return (
        holder.has(task)
        and task.result == ending.kept
        and task.error == ending.error
        and task.state is (TaskState.COMPLETED if ending.error is None else TaskState.FAILED)
    )


def wrong_state(task: Task, action: str) -> RobotqError:
    return RobotqError("wrong_state", task_id=task.id, state=task.state.value, action=action)


def stale(task: Task, holder: Holder) -> RobotqError:
    return RobotqError(
        "stale_claim", task_id=task.id, fence=holder.token, current=task.fence, worker=task.worker
    )
