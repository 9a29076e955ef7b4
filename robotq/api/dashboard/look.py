"""What the dashboard shows at one look, and more of a long queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import fields
from itertools import islice
from typing import Any

import orjson
from aiohttp import web

from robotq.api.context import FLEET
from robotq.api.dashboard.context import DASHBOARD, KnownStatus
from robotq.api.dashboard.models import QueueWindowQuery
from robotq.api.dashboard.session import you
from robotq.api.http.call import Call
from robotq.api.http.errors import part
from robotq.api.robot.answers.holds import hold_views, reason_views, wait_view
from robotq.api.robot.answers.task import question_view, start_view
from robotq.api.robot.answers.words import robot_state
from robotq.api.robot.handlers.robots import devices, looks, maintenance_of
from robotq.api.robot.watching.alarms import alarm_views
from robotq.config.schema import InterfacesConfig
from robotq.engine.engine import Engine
from robotq.engine.robot.robot import Robot
from robotq.engine.state.robot_queue import RobotQueue
from robotq.model.carried.program import as_sent, shown_params
from robotq.model.hold import HoldCode
from robotq.model.outcome import error_view
from robotq.model.task import Command, Task, TaskError
from robotq.model.texts import Language
from robotq.model.version import __version__
from robotq.wire import dashboard as wire
from robotq.wire.base import NULL

_NEXT = 8
"""Waiting tasks of each robot at one look."""
_APPROVALS = 8
"""Decisions of a person for each robot at one look."""
_KINDS = 100
"""Kinds of commands by which a queue can be filtered; those of which most wait."""
_PARAMS_BYTES = 2_000
"""What somebody reads before they decide; the rest stands in the task."""
_ENDED = 12
"""Ended tasks at one look."""
_INTERFACES = tuple(field.name for field in fields(InterfacesConfig))
_STEPS = 24
"""Steps of a running command at one look; a long scan has thousands."""


async def look(call: Call) -> web.StreamResponse:
    """Costs the same with ten tasks and with a million."""
    engine, language = call.engine, call.language
    statuses = await call.app[DASHBOARD].statuses.all()
    counts = engine.reads.counts()
    interfaces = engine.config.interfaces
    latched = [hold for hold in engine.holds.all() if hold.code is HoldCode.ESTOP]
    return call.answer(
        wire.Look(
            at_ms=engine.clock.now_ms(),
            last_event_id=engine.reads.last_event_id,
            version=__version__,
            time_scale=engine.config.time_scale,
            you=you(call),
            stop_label=engine.config.stop_label,
            estop=engine.estop.latched,
            estop_holds=hold_views(latched, language),
            counts={
                "pending": counts.pending,
                "running": counts.running,
                "completed": counts.completed,
                "failed": counts.failed,
                "cancelled": counts.cancelled,
            },
            interfaces=(
                *(name for name in _INTERFACES if getattr(interfaces, name).enabled),
                *(("fleet",) if FLEET in call.app else ()),
            ),
            queue_revision=engine.queue.revision,
            why=tuple(
                reason
                for standing in engine.why.all()
                for reason in reason_views(standing.reasons, language)
            ),
            alarms=alarm_views(engine),
            robots=robot_looks(engine, statuses, language),
            ended=tuple(
                line(engine, task, language) for task in islice(engine.reads.latest_ended(), _ENDED)
            ),
        )
    )


def robot_looks(
    engine: Engine, statuses: Mapping[str, KnownStatus], language: Language
) -> tuple[wire.RobotLook, ...]:
    """Every robot of this daemon."""
    return tuple(
        _robot(engine, robot, statuses.get(robot.name, KnownStatus()), language)
        for robot in engine.robots.values()
    )


async def window(call: Call) -> web.StreamResponse:
    """A part of a queue, as much as fits on a screen."""
    query = call.query(QueueWindowQuery)
    engine = call.engine
    robot_queue = engine.reads.robot_queue(engine.queue_name(query.robot_id))
    kinds = None
    if query.kinds:
        counted = Counter(task.command.cmd_type for task in robot_queue)
        kinds = dict(counted.most_common(_KINDS))
    if query.cmd_type is None and not query.text:
        waiting = robot_queue.waiting
        tasks = waiting_lines(
            engine, robot_queue.name, call.language, offset=query.offset, limit=query.limit
        )
    else:
        waiting, tasks = _found(engine, robot_queue, query, call.language)
    return call.answer(
        wire.QueueWindow(
            at_ms=engine.clock.now_ms(),
            waiting=waiting,
            queue_revision=engine.queue.revision,
            offset=query.offset,
            tasks=tasks,
            kinds=kinds,
        )
    )


def _found(
    engine: Engine, robot_queue: RobotQueue, query: QueueWindowQuery, language: Language
) -> tuple[int, tuple[wire.QueueLine, ...]]:
    """How many of one kind, or with these words, wait, and a part of them, each with its place in
    the whole queue."""
    words = (query.text or "").casefold()
    found = [
        (position, task)
        for position, task in enumerate(robot_queue, 1)
        if query.cmd_type in (None, task.command.cmd_type) and _has(task, position, words)
    ]
    part = found[query.offset : query.offset + query.limit]
    return len(found), tuple(
        _waiting_line(engine, task, position, language) for position, task in part
    )


def _has(task: Task, position: int, words: str) -> bool:
    """Whether somebody who looks for these words means this task."""
    command = task.command
    named = (command.cmd_id or "", task.id, command.cmd_type)
    return not words or words == str(position) or any(words in one.casefold() for one in named)


def waiting_lines(
    engine: Engine, queue: str, language: Language, *, offset: int = 0, limit: int = _NEXT
) -> tuple[wire.QueueLine, ...]:
    """Waiting tasks of one queue with their place in it, and when each is likely to start."""
    robot_queue = engine.reads.robot_queue(queue)
    now_ms = engine.clock.now_ms()
    starts = engine.queue.schedule(robot_queue, limit, now_ms, offset=offset)
    waiting = islice(robot_queue, offset, offset + limit)
    lines: list[wire.QueueLine] = []
    for position, (task, starts_s) in enumerate(zip(waiting, starts, strict=True), offset + 1):
        times = {} if starts_s is None else start_view(engine, task, starts_s, now_ms)
        times.pop("eta", None)
        lines.append(_waiting_line(engine, task, position, language, times))
    return tuple(lines)


def _waiting_line(
    engine: Engine,
    task: Task,
    position: int,
    language: Language,
    times: Mapping[str, Any] | None = None,
) -> wire.QueueLine:
    waits = tuple(wait_view(wait, language) for wait in engine.why.waits(task))
    return wire.QueueLine(
        **_line(engine, task, language), position=position, waits=waits, **(times or {})
    )


def line(engine: Engine, task: Task, language: Language) -> wire.QueueLine:
    """A task in a list."""
    return wire.QueueLine(**_line(engine, task, language))


def _line(engine: Engine, task: Task, language: Language) -> dict[str, Any]:
    view: dict[str, Any] = {
        "task_id": task.id,
        "state": task.state,
        "cmd_type": task.command.cmd_type,
        "cmd_id": task.command.cmd_id,
        "about": _about(engine, task.command),
        "robot_id": task.queue,
        "api": task.api,
        "actor": task.actor,
        "priority": task.priority,
        "batch_id": task.batch_id,
        "submitted_at_ms": task.submitted_at_ms,
        "started_at_ms": task.started_at_ms,
        "ended_at_ms": task.ended_at_ms,
        "revision": task.revision,
    }
    if task.error is not None:
        view["error_code"] = task.error.code
        view["message"] = words_of_end(task.error, language)
        view["unknown"] = task.outcome_unknown
    return view


def _about(engine: Engine, command: Command) -> str:
    """The words among the params that tell it from others of its kind: where to, which one."""
    params = as_sent(command.params)
    if command.cmd_type not in engine.catalog or not isinstance(params, dict):
        return ""
    named = engine.catalog.get(command.cmd_type).schema.get("required", ())
    words = [value for name in named if isinstance(value := params.get(name), str)]
    return " · ".join(words)[:80]


def _robot(engine: Engine, robot: Robot, known: KnownStatus, language: Language) -> wire.RobotLook:
    robot_queue = engine.reads.robot_queue(robot.name)
    holds = engine.holds.of(robot.name)
    status = known.status if robot.connected else None
    return wire.RobotLook(
        robot_id=robot.name,
        driver=robot.config.driver,
        default=robot.name == engine.default_robot,
        simulated=robot.capabilities.simulated,
        connected=robot.connected,
        state=robot_state(robot, robot_queue.running is not None, holds),
        can_hold=robot.capabilities.can_hold,
        raw_lines=robot.capabilities.raw_lines,
        motion_held=status.held if status is not None else False,
        place=status.place if status is not None else None,
        places=engine.places(robot.name),
        details=part(status.details if status is not None else {}),
        values=looks(robot),
        devices={} if status is None else devices(status.devices),
        maintenance=maintenance_of(engine, robot.name),
        status_error=known.error.text(language) if known.error is not None else None,
        holds=hold_views(holds, language),
        why=reason_views(engine.why.of(robot.name).reasons, language),
        waiting=robot_queue.waiting,
        starts_next=_starts_next(engine, robot.name),
        running=None
        if robot_queue.running is None
        else _running(engine, robot_queue.running, language),
        next=waiting_lines(engine, robot.name, language),
        undecided=len(robot_queue.undecided),
        approvals=tuple(
            _approval(engine, unit, language) for unit in islice(robot_queue.undecided, _APPROVALS)
        ),
    )


def _approval(engine: Engine, unit: Mapping[str, Task], language: Language) -> wire.ApprovalLook:
    first = next(iter(unit.values()))
    params = shown_params(first.command)
    return wire.ApprovalLook(
        task=line(engine, first, language),
        params=params if len(orjson.dumps(params)) <= _PARAMS_BYTES else None,
        commands=len(unit),
        cmd_types=tuple(task.command.cmd_type for task in islice(unit.values(), _NEXT)),
        starts_next=_starts_next(engine, first.queue, unit),
    )


def _starts_next(
    engine: Engine, queue: str, approved: Collection[str] = ()
) -> wire.NextLook | None:
    """What a decision sets in motion, with the words that tell it from others."""
    task = engine.queue.would_start(queue, approved)
    if task is None:
        return None
    command = task.command
    return wire.NextLook(
        task_id=task.id,
        cmd_type=command.cmd_type,
        cmd_id=command.cmd_id,
        about=_about(engine, command),
    )


def _running(engine: Engine, task: Task, language: Language) -> wire.RunningLook:
    now_ms = engine.clock.now_ms()
    stands = engine.why.of(task.queue).stands
    left_s = None if stands else engine.queue.remaining_s(task, now_ms)
    steps = task.steps[-_STEPS:]
    asked = task.waiting_for
    return wire.RunningLook(
        **_line(engine, task, language),
        params=part(shown_params(task.command)),
        progress=task.progress,
        remaining_s=None if left_s is None else round(left_s, 1),
        eta_ms=NULL if left_s is None else now_ms + int(left_s * 1000),
        steps=tuple(
            wire.LookStep(
                name=step.name,
                state=step.state.value,
                started_at_ms=step.started_at_ms,
                duration_s=step.duration_s,
                detail=step.detail,
            )
            for step in steps
        ),
        steps_before=len(task.steps) - len(steps),
        waiting_for=None if asked is None else question_view(task, asked, language),
    )


def words_of_end(error: TaskError, language: Language) -> str:
    """Why a task ended so; of very many words the first ones."""
    return str(error_view(error, language)["message"])[:500]
