"""POST /?dry_run=1: what would come of commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.robot.answers.holds import hold_views
from robotq.api.robot.answers.times import schedule_view
from robotq.api.robot.answers.words import words
from robotq.catalog import Kind
from robotq.engine.intake.read_command import Order
from robotq.model.carried.program import shown_params
from robotq.wire import submit as wire


async def dry_run(call: Call, orders: Sequence[Order], *, batch: bool) -> web.Response:
    language = call.language
    outlooks = await call.engine.queue.outlooks(orders, batch=batch)
    commands = tuple(
        wire.CheckedCommand(
            cmd_type=order.command.cmd_type,
            cmd_id=order.command.cmd_id,
            kind=order.spec.kind.value,
            robot_id=order.robot,
            params=shown_params(order.command),
            extra=order.command.extra,
            priority=order.priority,
            timeout_s=order.spec.timeout_s,
            **schedule_view(order.not_before_ms, order.expires_at_ms, order.repeat),
            holds=hold_views(call.engine.holds.of(order.robot), language),
            **({} if batch else _place_in_line(call, order)),
            program=None if outlook is None else wire.ProgramOutlook.read(outlook),
        )
        for order, outlook in zip(orders, outlooks, strict=True)
    )
    message = words("dry_run", language)
    return call.answer(wire.DryRun(success=True, dry_run=True, message=message, commands=commands))


def _place_in_line(call: Call, order: Order) -> dict[str, Any]:
    """Where a command would stand; of one in a batch the others before it would count, too."""
    if order.spec.kind is not Kind.QUEUED:
        return {}
    engine = call.engine
    position, starts_s = engine.queue.would_stand(
        order.robot, order.priority, order.not_before_ms, engine.clock.now_ms()
    )
    if starts_s is None:
        return {"position": position}
    held = engine.holds.held(order.robot)
    name = "starts_after_resume_s" if held else "starts_in_s"
    return {"position": position, name: round(starts_s, 1)}
