"""What a start finds of the run before, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from robotq.engine.holds import HoldBoard
from robotq.engine.memory import TaskMemory
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.event import Event
from robotq.model.hold import HoldCode
from robotq.model.task import OUTCOME_UNKNOWN, StepState, Task, TaskError
from robotq.model.transitions import Action, transition
from robotq.store.port import AppendEvent, Mutation, SaveTask, Store, TaskQuery

_CAUSE = {"cause": "cause.daemon_died"}


async def recover(
    store: Store,
    memory: TaskMemory,
    holds: HoldBoard,
    clock: WallClock,
    *,
    idempotent: Callable[[Task], bool],
    holds_on_start: Callable[[str], bool],
) -> list[Event]:
    """Decide about every task that was running when the daemon died, durably, before anything
    starts.

    Nobody knows how far the robot got, so the task ends as outcome_unknown and its queue is
    held; a command whose spec says idempotent goes back to its place instead. Robots for
    which `holds_on_start` is true get a hold where commands wait. Returns the events.
    """
    mutations: list[Mutation] = []
    for task in memory.running():
        if idempotent(task):
            requeued = transition(task, Action.REQUEUE, fence=task.fence)
            mutations.append(SaveTask(requeued, task.state))
            mutations.append(AppendEvent(_event("task.requeued", requeued, clock, before=task)))
        else:
            mutations += _outcome_unknown(task, memory, holds, clock)
    for name, lane in memory.lanes.items():
        if holds_on_start(name) and lane.waiting:
            mutations += holds.set(name, HoldCode.RESTARTED)
    mutations.append(
        AppendEvent(Event(kind="daemon.started", at_ms=clock.now_ms(), actor="robotq"))
    )
    events = await store.apply(mutations)
    crash_point(CrashPoint.RECOVERED)
    for mutation in mutations:
        if isinstance(mutation, SaveTask):
            memory.update(mutation.task, mutation.before)
    await _reopen_batches(store, memory)
    return list(events)


def _outcome_unknown(
    task: Task, memory: TaskMemory, holds: HoldBoard, clock: WallClock
) -> Iterable[Mutation]:
    now_ms = clock.now_ms()
    steps = tuple(
        replace(step, state=StepState.FAILED) if step.state is StepState.RUNNING else step
        for step in task.steps
    )
    step = next((step.name for step in task.steps if step.state is StepState.RUNNING), None)
    ended = transition(
        task,
        Action.FAIL,
        fence=task.fence,
        ended_at_ms=now_ms,
        steps=steps,
        error=TaskError(code=OUTCOME_UNKNOWN, args=_CAUSE, step=step),
    )
    yield SaveTask(ended, task.state)
    yield AppendEvent(_event("task.failed", ended, clock, before=task, error_code=OUTCOME_UNKNOWN))
    yield from holds.set(task.queue, HoldCode.OUTCOME_UNKNOWN, task_id=task.id, **_CAUSE)
    if not task.contiguous or task.batch_id is None:
        return
    for rest in memory.lane(task.queue).batch(task.batch_id):
        cancelled = transition(
            rest,
            Action.CANCEL,
            ended_at_ms=now_ms,
            error=TaskError(code="batch_failed", args={"task_id": task.id}),
        )
        yield SaveTask(cancelled, rest.state)
        yield AppendEvent(
            _event("task.cancelled", cancelled, clock, before=rest, error_code="batch_failed")
        )


async def _reopen_batches(store: Store, memory: TaskMemory) -> None:
    """A contiguous batch that was under way still lets nothing foreign in between."""
    for lane in memory.lanes.values():
        batches = {task.batch_id for task in lane if task.contiguous and task.batch_id}
        for batch_id in batches:
            tasks = await store.list(TaskQuery(batch_id=batch_id, queue=lane.name, limit=1_000))
            # one that was called off before its turn has not begun the batch
            if any(task.attempt for task in tasks):
                lane.open_batch = batch_id


def _event(kind: str, task: Task, clock: WallClock, *, before: Task, **data: Any) -> Event:
    return Event(
        kind=kind,
        at_ms=clock.now_ms(),
        actor="robotq",
        api=task.api,
        robot=task.queue,
        task_id=task.id,
        before=before.state.value,
        after=task.state.value,
        data={"cmd_type": task.command.cmd_type, **data},
    )
