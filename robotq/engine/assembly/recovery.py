"""What a start finds of the run before, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from msgspec.structs import replace

from robotq.engine.assembly.base import IDS, Base
from robotq.engine.events.rows import cancelled_with, saving_end, task_event
from robotq.engine.holds.board import HoldBoard
from robotq.engine.reads import Reads
from robotq.engine.state.robot_queue import RobotQueue
from robotq.engine.state.tasks import TaskMemory
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.hold import HoldCode
from robotq.model.json import JsonObject
from robotq.model.task import OUTCOME_UNKNOWN, StepState, Task, TaskError, TaskState
from robotq.model.transitions import Action, transition
from robotq.store.port import AppendEvent, Mutation, SaveTask, SetFact, TaskQuery

_CAUSE: JsonObject = {"cause": "cause.daemon_died"}

ATTEMPTS = 3
"""Runs of an idempotent command that may end with the death of the daemon. After that it may be
the command that ends it, and another start would end the same way, for ever."""


async def recover(
    base: Base, holds_on_start: Callable[[str], bool], settles: Callable[[Task], bool]
) -> Sequence[Task]:
    """Decide about every task that was running when the daemon died, durably, before anything
    starts.

    Nobody knows how far the robot got, so the task ends as outcome_unknown and its queue is
    held; a command whose spec says idempotent goes back to its place instead, `ATTEMPTS` times at
    most: its claims are counted on disk, before it is begun. Robots for
    which `holds_on_start` is true get a hold where commands wait. So do those that were not
    configured in the run before and are now; what is left of those that are not is held.
    A run for which `settles` is true can be asked for at its device. Nothing is decided about its
    task here: it stays running, keeps its robot from anything else, and is returned.
    Raises RobotqError store_unavailable.
    """
    memory, holds, clock = base.memory, base.holds, base.clock
    idempotent, configured = base.settings.idempotent, base.settings.config.robots
    mutations: list[Mutation] = []
    waiting = {name for name, robot_queue in memory.robot_queues.items() if robot_queue.waiting}
    in_doubt = [task for task in memory.running() if settles(task)]
    # it may never have begun, and wait again
    waiting |= {task.queue for task in in_doubt}
    for task in memory.running():
        if task in in_doubt:
            continue
        # one that somebody has called off does not run again by itself
        again = idempotent(task) and task.asked is None
        if again and task.attempt < ATTEMPTS:
            mutations += _requeued(task, clock.now_ms())
            waiting.add(task.queue)
        else:
            cause = _CAUSE
            if again:
                cause = {"cause": "cause.daemon_died_again", "attempts": task.attempt}
            mutations += _outcome_unknown(
                task, memory.robot_queue(task.queue), clock.now_ms(), cause
            )
            holds.set(task.queue, HoldCode.OUTCOME_UNKNOWN, task_id=task.id, **cause)
    back = [
        hold
        for hold in holds.all()
        if hold.code is HoldCode.NOT_CONFIGURED and hold.robot in configured
    ]
    for name in sorted(waiting):
        if holds_on_start(name) or any(hold.robot == name for hold in back):
            holds.set(name, HoldCode.RESTARTED)
    _hold_absent(memory, holds, waiting, configured)
    started = Event(kind="daemon.started", at_ms=clock.now_ms(), actor="robotq")
    mutations.append(AppendEvent(started))
    if not base.salted:
        # before the first id is told
        mutations.append(SetFact(IDS, {"salt": base.salt}))
    async with base.hold_writer.along(back, patient=True) as held:
        # waits for a disk that is slow: nothing has begun that somebody would wait for
        if not await base.commit.written(mutations, holds=held):
            raise RobotqError("store_unavailable", reason=base.commit.disk.reason)
    crash_point(CrashPoint.RECOVERED)
    for robot_queue in memory.robot_queues.values():
        await _reopen_batch(base.reads, robot_queue)
    return in_doubt


def _hold_absent(
    memory: TaskMemory, holds: HoldBoard, waiting: set[str], configured: Container[str]
) -> None:
    unknown = {hold.robot for hold in holds.all() if hold.code is HoldCode.OUTCOME_UNKNOWN}
    for name in sorted(waiting | unknown):
        if name in configured or name in memory.worker_queues:
            continue
        if not holds.has(name, HoldCode.NOT_CONFIGURED):
            holds.set(name, HoldCode.NOT_CONFIGURED, tasks=memory.robot_queue(name).waiting)


def _requeued(task: Task, now_ms: int) -> list[Mutation]:
    requeued = transition(task, Action.REQUEUE, fence=task.fence)
    return [
        SaveTask(requeued, task),
        task_event("task.requeued", requeued, now_ms, "robotq", before=task),
    ]


def _outcome_unknown(
    task: Task, robot_queue: RobotQueue, now_ms: int, cause: JsonObject
) -> list[Mutation]:
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
        error=TaskError(code=OUTCOME_UNKNOWN, args=cause, step=step),
    )
    mutations = saving_end(task, ended, "robotq")
    if task.contiguous and task.batch_id is not None:
        for rest in robot_queue.batch(task.batch_id):
            mutations += cancelled_with(rest, ended)
    return mutations


async def _reopen_batch(reads: Reads, robot_queue: RobotQueue) -> None:
    """A contiguous batch that was under way still lets nothing foreign in between."""
    waiting = [task for task in robot_queue if task.contiguous]
    begun = {task.batch_id for task in waiting if task.attempt}
    for batch_id in dict.fromkeys(task.batch_id for task in waiting if task.batch_id):
        # what has failed has taken the rest along, and what was called off before its turn
        # has not begun the batch
        query = TaskQuery(
            batch_id=batch_id,
            queue=robot_queue.name,
            states=frozenset({TaskState.COMPLETED}),
            limit=1,
        )
        if batch_id in begun or await reads.tasks(query):
            robot_queue.open_batch = batch_id
