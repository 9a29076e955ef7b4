"""What is to be seen to at robots, and that somebody has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.robot.answers.words import words
from robotq.api.robot.models.base import EmptyBody
from robotq.model.errors import RobotqError
from robotq.wire import maintenance as wire

if TYPE_CHECKING:
    from robotq.engine.upkeep.maintenance import Item


async def list_items(call: Call) -> web.StreamResponse:
    kept = call.engine.maintenance
    items = () if kept is None else kept.items()
    return call.answer(wire.Maintenance(items=tuple(_view(item) for item in items)))


async def done(call: Call) -> web.StreamResponse:
    """By the name of whoever asks."""
    await call.body(EmptyBody)
    robot = call.engine.robot(call.path("robot_id")).name
    kept = call.engine.maintenance
    if kept is None:
        reason = "the configuration has no maintenance"
        raise RobotqError("bad_parameter", field="item", reason=reason)
    item = await kept.done(robot, call.path("item"), actor=call.actor)
    return call.answer(
        wire.MaintenanceDone(
            success=True, message=words("maintenance_done", call.language), item=_view(item)
        )
    )


def _view(item: Item) -> wire.Item:
    return wire.Item(
        robot_id=item.robot,
        item=item.name,
        counts=item.counts,
        used=item.used,
        every=item.every,
        state="due" if item.due else "soon" if item.warns else "ok",
        holds=item.holds,
        since_ms=item.since_ms,
        done_by=item.actor,
        text=item.text,
    )
