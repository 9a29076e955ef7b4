"""POST /queue/reorder, POST /task/{id}/priority: another order of what waits."""

from __future__ import annotations

import re

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.http.elsewhere import not_told
from robotq.api.robot.answers.words import words_of
from robotq.api.robot.models.queue import MoveBody, PriorityBody, ReorderBody
from robotq.engine.intake.read_command import read_priority
from robotq.engine.waiting.positions import WantedPosition
from robotq.engine.waiting.reorder import Moved
from robotq.model.errors import RobotqError
from robotq.wire.robots import MovedTask

_TAG = re.compile(r'(?:W/)?"?(\d{1,15})"?', re.ASCII)


async def reorder(call: Call) -> web.StreamResponse:
    body = await call.body(ReorderBody)
    given = [key for key in ("before", "after", "to") if getattr(body, key) is not None]
    if len(given) != 1:
        field = given[1] if given else "to"
        reason = "expected one of before, after and to"
        raise RobotqError("bad_parameter", field=field, reason=reason)
    place = WantedPosition(
        before=body.before, after=body.after, head=body.to == "head", end=body.to == "end"
    )
    return await _move(call, body.task_id, place)


async def set_priority(call: Call) -> web.StreamResponse:
    body = await call.body(PriorityBody)
    if body.priority is None:
        raise RobotqError("bad_parameter", field="priority", reason="expected a priority")
    return await _move(
        call, call.path("task_id"), WantedPosition(priority=read_priority(body.priority))
    )


async def move_to(call: Call) -> web.StreamResponse:
    """Another robot does it, for example where its own is not configured any more."""
    body = await call.body(MoveBody)
    task_id = call.path("task_id")
    before = await call.engine.reads.task_if_any(task_id)
    moved = await call.engine.move_to(
        task_id, body.robot_id, actor=call.actor, seen=_seen(call), note=body.note
    )
    # whoever takes over the robot that it leaves must not have it any more
    left = () if before is None else (before.queue,)
    return await _moved(call, task_id, moved, *left)


def revision_tag(revision: int) -> dict[str, str]:
    """The header that a client sends back in If-Match."""
    return {"ETag": f'"{revision}"'}


async def _move(call: Call, task_id: str, place: WantedPosition) -> web.Response:
    moved = await call.engine.queue.move(task_id, place, actor=call.actor, seen=_seen(call))
    return await _moved(call, task_id, moved)


async def _moved(call: Call, task_id: str, moved: Moved, *left: str) -> web.Response:
    first = moved.tasks[0]
    missing = await not_told(call, *left, first.queue)
    return call.answer(
        MovedTask(
            success=True,
            message=words_of("moved", call.language, missing),
            task_id=task_id,
            robot_id=first.queue,
            task_ids=tuple(task.id for task in moved.tasks),
            position=call.engine.reads.position(first),
            priority=first.priority,
            revision=moved.revision,
            not_told=missing,
        ),
        headers=revision_tag(moved.revision),
    )


def _seen(call: Call) -> int | None:
    """The revision by which the client decided; None where it does not say.

    Raises RobotqError precondition_failed for what was never one.
    """
    header = call.request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    tag = _TAG.fullmatch(header.strip())
    if tag is None:
        raise RobotqError("precondition_failed", revision=call.engine.queue.revision)
    return int(tag[1])
