"""GET /queue/status, POST /queue/pause, POST /queue/resume."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import islice

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.http.elsewhere import not_told
from robotq.api.robot.answers.acts import line_to_send, starts_next
from robotq.api.robot.answers.holds import hold_views, reason_views
from robotq.api.robot.answers.task import task_line
from robotq.api.robot.answers.words import words_of
from robotq.api.robot.handlers.commands import API
from robotq.api.robot.handlers.edits import revision_tag
from robotq.api.robot.models.queue import PauseBody, QueueStatusQuery, ResumeBody, RobotQuery
from robotq.engine.engine import Engine
from robotq.engine.holds.confirming import Confirmation
from robotq.model.errors import RobotqError
from robotq.model.task import Task
from robotq.wire import robots as wire


async def status(call: Call) -> web.StreamResponse:
    """Costs the same with ten tasks and with a million."""
    query = call.query(QueueStatusQuery)
    engine, language = call.engine, call.language
    names = engine.queue_names
    if query.robot_id is not None:
        names = (engine.queue_name(query.robot_id),)
    counts = engine.reads.counts(api=API, queue=query.robot_id)
    holds = {name: hold_views(engine.holds.of(name), language) for name in names}
    standing = engine.why.all() if query.robot_id is None else [engine.why.of(names[0])]
    queue = engine.queue
    revision = queue.revision if query.robot_id is None else queue.revision_of(query.robot_id)
    return call.answer(
        wire.QueueStatus(
            queue_size=counts.queue_size,
            total_tasks=counts.total,
            completed_tasks=counts.completed,
            failed_tasks=counts.failed,
            cancelled_tasks=counts.cancelled,
            running_task=_running_task(engine, names),
            holds=tuple(hold for of_robot in holds.values() for hold in of_robot),
            why=tuple(reason for one in standing for reason in reason_views(one.reasons, language)),
            robots={
                name: wire.RobotQueue(
                    queue_size=len(engine.reads.robot_queue(name)),
                    running_task=_running_task(engine, (name,)),
                    holds=holds[name],
                    why=reason_views(engine.why.of(name).reasons, language),
                    starts_next=starts_next(engine, name),
                )
                for name in names
            },
            tasks=tuple(task_line(task, engine) for task in _tasks(engine, names, query.limit)),
            revision=revision,
        ),
        headers=revision_tag(revision),
    )


async def pause(call: Call) -> web.StreamResponse:
    body = await call.body(PauseBody)
    robot = _robot(call, body.robot_id)
    names = await call.engine.pause(robot, actor=call.actor, reason=body.reason)
    return _done(call, "paused", names, await not_told(call, *names))


async def resume(call: Call) -> web.StreamResponse:
    body = await call.body(ResumeBody)
    robot = _robot(call, body.robot_id)
    command = "resume" if robot is None else f"resume --robot {robot}"
    with line_to_send(call, "/queue/resume", command):
        names = await call.engine.resume(
            robot,
            actor=call.actor,
            confirmation=Confirmation(body.holds),
            note=body.note,
            stay_paused=body.then == "stay_paused",
        )
    held = any(call.engine.holds.held(name) for name in names)
    missing = await not_told(call, *names)
    return _done(call, "still_held" if held else "resumed", names, missing)


def _robot(call: Call, in_body: str | None) -> str | None:
    """The robot that is meant, None for all; in the query it counts as in the body."""
    in_query = call.query(RobotQuery).robot_id
    if None not in (in_body, in_query) and in_body != in_query:
        raise RobotqError("bad_parameter", field="robot_id", reason="body and query differ")
    return in_body if in_body is not None else in_query


def _done(
    call: Call, code: str, names: Sequence[str], missing: tuple[str, ...] = ()
) -> web.Response:
    holds = [hold for name in names for hold in call.engine.holds.of(name)]
    return call.answer(
        wire.QueuesDone(
            success=True,
            message=words_of(code, call.language, missing),
            robots=tuple(names),
            recorded=call.engine.recorded(names),
            holds=hold_views(holds, call.language),
            starts_next={name: starts_next(call.engine, name) for name in names},
            not_told=missing,
        )
    )


def _running_task(engine: Engine, names: Sequence[str]) -> str | None:
    """The one of the default robot, else the oldest."""
    running = [task for task in engine.reads.running() if task.queue in names]
    for task in running:
        if task.queue == engine.default_robot:
            return task.id
    return running[0].id if running else None


def _tasks(engine: Engine, names: Sequence[str], limit: int) -> Iterator[Task]:
    """Running, next and latest ended tasks. Next and ended ones share the room that is left,
    half each, and one takes what the other does not need."""
    reads = engine.reads
    running = [task for task in reads.running() if task.queue in names][:limit]
    room = limit - len(running)
    robot_queues = [reads.robot_queue(name) for name in names]
    following = list(islice(heapq.merge(*robot_queues, key=lambda task: task.order), room))
    ended = list(islice((task for task in reads.latest_ended() if task.queue in names), room))
    ended = ended[: max(room - len(following), room // 2)]
    yield from running
    yield from following[: room - len(ended)]
    yield from ended
