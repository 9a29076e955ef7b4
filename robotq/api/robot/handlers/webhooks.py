"""GET /webhooks, POST /webhooks/{id}/resend, and how a webhook is shown."""

from __future__ import annotations

import re

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.robot.answers.event import webhook_view
from robotq.api.robot.answers.words import words
from robotq.api.robot.models.base import EmptyBody
from robotq.api.robot.models.events import WebhooksQuery
from robotq.model.delivery import parsed_id
from robotq.model.errors import RobotqError
from robotq.store.port import DeliveryQuery
from robotq.wire import service as wire

_CURSOR = re.compile(r"(\d{1,15})\.(.+)")


async def list_webhooks(call: Call) -> web.StreamResponse:
    query = call.query(WebhooksQuery)
    found = await call.engine.webhooks.list(
        DeliveryQuery(
            state=query.state,
            task_id=query.task_id,
            before=_read_cursor(query.cursor) if query.cursor is not None else None,
            # one more, to know whether there is a next page
            limit=query.limit + 1,
        )
    )
    page = found[: query.limit]
    more = len(found) > query.limit
    return call.answer(
        wire.Webhooks(
            webhooks=tuple(webhook_view(delivery, call.language) for delivery in page),
            count=len(page),
            next_cursor=f"{page[-1].created_at_ms}.{page[-1].id}" if more else None,
        )
    )


async def resend(call: Call) -> web.StreamResponse:
    await call.body(EmptyBody)
    delivery = await call.engine.webhooks.resend(call.path("webhook_id"), actor=call.actor)
    return call.answer(
        wire.WebhookDone(
            success=True,
            message=words("webhook_resent", call.language),
            webhook=webhook_view(delivery, call.language),
        )
    )


def _read_cursor(cursor: str) -> tuple[int, str, str]:
    parts = _CURSOR.fullmatch(cursor)
    key = parsed_id(parts[2]) if parts is not None else None
    if parts is None or key is None:
        raise RobotqError("bad_parameter", field="cursor", reason="expected a next_cursor")
    return int(parts[1]), *key
