"""GET /events: what happens, as it happens, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from robotq.api.call import Call
from robotq.api.robot.models import EventsQuery
from robotq.api.robot.times import local_time
from robotq.engine.events import Subscription
from robotq.model.errors import RobotqError
from robotq.model.event import Event

_PAGE = 500
_PING_S = 15.0
"""Wall seconds between two signs of life; proxies cut connections that stay silent."""
_SEND_S = 30.0
"""Wall seconds after which a client that takes nothing more is cut off."""


async def stream(call: Call) -> web.StreamResponse:
    """Every event after the one that the client saw last, then each new one.

    A client that does not keep up is cut off; when it comes back with Last-Event-ID it goes
    on where it was.
    """
    query = call.query(EventsQuery)
    last_id = _last_event_id(call, query)
    with call.engine.bus.subscribe() as subscription:
        async with sse_response(
            call.request,
            response_cls=EventSourceResponse,
            ping_interval=_PING_S,
            send_timeout=_SEND_S,
        ) as response:
            try:
                # headers alone may stay in a buffer on the way
                await response.write(b": robotq\n\n")
                async for event in _events(call, subscription, last_id):
                    if _wanted(event, query):
                        data = orjson.dumps(event_view(event)).decode()
                        await response.send(data, id=str(event.id))
            except (ConnectionError, TimeoutError):
                # the client has left or takes nothing; the stream is over either way
                return response
    return response


def event_view(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "kind": event.kind,
        "time": local_time(event.at_ms),
        "at_ms": event.at_ms,
        "actor": event.actor,
        "api": event.api,
        "robot_id": event.robot,
        "task_id": event.task_id,
        "before": event.before,
        "after": event.after,
        "data": event.data,
    }


async def _events(call: Call, subscription: Subscription, last_id: int) -> AsyncIterator[Event]:
    """From the journal what was before the subscription, from there on what it gets."""
    while last_id < call.engine.bus.last_event_id:
        page = await call.engine.store.events_since(last_id, limit=_PAGE)
        for event in page:
            yield event
            last_id = event.id
        if not page:
            break
    async for event in subscription:
        if event.id > last_id:
            yield event


def _last_event_id(call: Call, query: EventsQuery) -> int:
    newest = call.engine.bus.last_event_id
    header = call.request.headers.get("Last-Event-ID")
    if header is None:
        asked = query.last_event_id
    elif header.isascii() and header.isdigit() and len(header) < 20:
        asked = int(header)
    else:
        raise RobotqError("bad_parameter", field="Last-Event-ID", reason="expected a number")
    # a number from before the data folder was made anew is of no use
    return newest if asked is None else min(asked, newest)


def _wanted(event: Event, query: EventsQuery) -> bool:
    return (
        (query.task_id is None or event.task_id == query.task_id)
        and (query.robot_id is None or event.robot == query.robot_id)
        and (query.kind is None or event.kind.startswith(query.kind))
    )
