"""What memory says otherwise than the disk while nothing is under way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

from robotq.api.robot.answers.holds import reason_views
from robotq.engine.engine import Engine
from robotq.engine.intake.admission import series_of
from robotq.engine.state.worker_queue import due_at_ms
from robotq.model.hold import TRANSIENT_HOLDS, HoldCode, Reason
from robotq.model.task import TaskState
from robotq.model.texts import Language
from robotq.store.audit import contradictions, journal_of_holds, journal_of_tasks, unheld
from robotq.store.memory import MemoryStore
from robotq.store.port import Restored

EVENTS = 1_000_000

_FROZEN = HoldCode.MOTION_HELD


async def differences(engine: Engine, data: MemoryStore) -> list[str]:
    """In words; empty where memory and disk say the same."""
    restored = await data.open(finished=1_000)
    return [
        *_tasks(engine, restored),
        *_holds(engine, restored),
        *[line async for line in _journal(engine, data, restored)],
        *_places(engine, restored),
        *_left_over(engine),
        *unexplained(engine),
    ]


def unexplained(engine: Engine) -> Iterator[str]:
    """Queues that are not empty, and of which nothing moves, without a reason; reasons without
    words. True at every moment, at rest or not."""
    memory = engine._parts.base.memory
    for name, robot_queue in memory.robot_queues.items():
        reasons = engine.why.of(name).reasons
        robot = engine.robots.get(name)
        # one that its driver has given back asks nothing any more: its end is being written
        at_work = robot is not None and robot.executor.running is not None
        asks = (
            robot_queue.running is not None
            and robot_queue.running.waiting_for is not None
            and at_work
        )
        moves = robot_queue.running is not None and not asks
        if len(robot_queue) and not reasons and (not moves or engine.holds.has(name, _FROZEN)):
            there = f"{list(robot_queue)}, {robot_queue.running}"
            yield f"{name}: nothing moves, and nobody says why: {there}"
        if not len(robot_queue) and reasons:
            yield f"{name}: it is empty, and explains {reasons}"
        for task in robot_queue:
            if not engine.why.task(task):
                yield f"{task.id}: it waits, and nobody says why"
            yield from _badly_told(engine, engine.why.task(task))
    for name, worker_queue in memory.worker_queues.items():
        if worker_queue.waiting and not worker_queue.running and not engine.why.of(name).reasons:
            yield f"{name}: nobody takes what waits, and nobody says why"
    for name in engine.why.queues:
        yield from _badly_told(engine, engine.why.of(name).reasons)


def _badly_told(engine: Engine, reasons: Sequence[Reason]) -> Iterator[str]:
    now_ms = engine.clock.now_ms()
    for reason in reasons:
        if not 0 < reason.since_ms <= now_ms:
            yield f"{reason} since {reason.since_ms}, now {now_ms}"
    for language in Language:
        for view in reason_views(reasons, language):
            if "{" in view["reason"] + view["clear"]["text"]:
                yield f"{view['reason']} {view['clear']}"


def _tasks(engine: Engine, restored: Restored) -> Iterator[str]:
    memory = engine._parts.base.memory
    for task in [*restored.unfinished, *restored.finished]:
        if memory.get(task.id) != task:
            yield f"{task.id}: {memory.get(task.id)} in memory, {task} on disk"
    counts = {key: number for key, number in memory.all_counts().items() if number}
    if counts != {key: number for key, number in restored.counts.items() if number}:
        yield f"counts: {counts} in memory, {restored.counts} on disk"
    for name, robot_queue in memory.robot_queues.items():
        of_robot_queue = [task for task in restored.unfinished if task.queue == name]
        waiting = [task for task in of_robot_queue if task.state is TaskState.PENDING]
        running = [task for task in of_robot_queue if task.state is TaskState.RUNNING]
        order = sorted(waiting, key=lambda task: (not robot_queue.in_open_batch(task), task.order))
        if list(robot_queue) != order:
            yield f"{name}: waiting {list(robot_queue)} in memory, {order} on disk"
        if running != ([] if robot_queue.running is None else [robot_queue.running]):
            yield f"{name}: running {robot_queue.running} in memory, {running} on disk"


def _holds(engine: Engine, restored: Restored) -> Iterator[str]:
    stored = {hold.id: hold for hold in restored.holds}
    wanted = {hold.id: hold for hold in engine.holds.all() if hold.code not in TRANSIENT_HOLDS}
    if stored != wanted:
        yield f"holds: {wanted} in memory, {stored} on disk"
    yield from unheld(restored.finished, list(wanted.values()))


async def _journal(engine: Engine, data: MemoryStore, restored: Restored) -> AsyncIterator[str]:
    events = await data.events_since(0, limit=EVENTS)
    for line in contradictions(restored, events):
        yield line
    told = {(one.robot, one.data["code"]) for one in events if one.kind.startswith("hold.")}
    holds = [hold for hold in engine.holds.all() if hold.code not in TRANSIENT_HOLDS]
    for line in journal_of_holds(holds, events):
        yield line
    for hold in holds:
        if (hold.robot, hold.code.value) not in told:
            yield f"{hold}: held, and the journal does not know it"
    tasks = [await data.get(str(one.task_id)) for one in events if one.task_id is not None]
    for line in journal_of_tasks([task for task in tasks if task is not None], events):
        yield line


def _places(engine: Engine, restored: Restored) -> Iterator[str]:
    occupied = {(one.resource, one.robot) for one in engine.reads.occupied()}
    stored = {(one.resource, one.robot) for one in restored.occupancies}
    if occupied != stored:
        yield f"places: {occupied} in memory, {stored} on disk"


def _left_over(engine: Engine) -> Iterator[str]:
    """What is only there while something is under way."""
    keys = engine._parts.tasks.cancelling._jobs._idempotency._under_way
    now, memory = engine.audit.kept(), engine._parts.base.memory
    if now.changing:
        yield f"locks: {now.changing}"
    for resource, robot in now.idle.items():
        yield f"{robot} has {resource}, and neither needs it nor stands there"
    if keys:
        yield f"keys under way: {list(keys)}"
    expiring = {
        task.id: task.expires_at_ms
        for robot_queue in engine.reads.robot_queues.values()
        for task in robot_queue
        if task.expires_at_ms is not None and task.attempt == 0
    }
    if now.expires_ms != expiring:
        yield f"timers: {now.expires_ms}, waiting tasks that expire: {expiring}"
    series = {
        series_of(task): task.id for task in memory.all_unfinished() if task.repeat is not None
    }
    if now.repeats != series:
        yield f"repeats: {now.repeats}, tasks that repeat: {series}"
    due = {
        task.id: at_ms for task in memory.all_unfinished() if (at_ms := due_at_ms(task)) is not None
    }
    late = [one for one, at_ms in due.items() if now.due_ms.get(one, at_ms + 1) > at_ms]
    if late or set(now.due_ms) - set(due):
        yield f"due: {now.due_ms}, leases and deadlines: {due}"
