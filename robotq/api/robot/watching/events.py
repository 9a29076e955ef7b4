"""GET /events: what happens, as it happens, as server-sent events. GET /journal: in pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from robotq.api.http.call import Call
from robotq.api.robot.answers.event import FRAMES, event_view
from robotq.api.robot.models.events import EventFilter, EventsQuery, JournalQuery
from robotq.engine.events.bus import Subscription
from robotq.model.errors import NotReadable, RobotqError
from robotq.model.event import Event
from robotq.wire.service import Journal

_PAGE = 100
"""Events in one write."""
_PING_S = 15.0
"""Wall seconds between two signs of life; proxies cut connections that stay silent."""
_SEND_S = 30.0
"""Wall seconds after which a client that takes nothing more is cut off."""
_WRITES_PER_S = 500
"""Writes to all listeners together, whatever happens and however many listen: what comes
between two of them goes together, so that listeners do not slow the robots."""


async def stream(call: Call) -> web.StreamResponse:
    """Every event after the one that the client saw last, then each new one.

    A client that does not keep up is cut off; when it comes back with Last-Event-ID it goes
    on where it was.
    """
    query = call.query(EventsQuery)
    last_id = _last_event_id(call, query)
    frames = call.app[FRAMES]
    reads = call.engine.reads
    with reads.subscribe() as subscription:
        if last_id < reads.last_event_id:
            # a journal that cannot be read is told before the stream has begun
            await reads.events(last_id, limit=1)
        async with sse_response(
            call.request,
            headers=call.headers,
            response_cls=EventSourceResponse,
            ping_interval=_PING_S,
            send_timeout=_SEND_S,
        ) as response:
            try:
                # headers alone may stay in a buffer on the way; the id lets a client that has
                # seen no event yet come back without a gap
                await response.write(b": robotq\nid: %d\n\n" % last_id)
                async for events in _batches(call, subscription, last_id):
                    text = b"".join(frames.of(event) for event in events if is_wanted(event, query))
                    if text:
                        async with asyncio.timeout(_SEND_S):
                            await response.write(text)
            except ConnectionError:
                # the client has left; the stream is over
                return response
            except NotReadable:
                # the client comes back with Last-Event-ID, and is told why there is nothing
                return response
            except TimeoutError:
                reads.cut_off(subscription)
                # an orderly end would wait for the client, too
                if call.request.transport is not None:
                    call.request.transport.abort()
                return response
    return response


async def _batches(
    call: Call, subscription: Subscription, last_id: int
) -> AsyncIterator[Sequence[Event]]:
    """From the journal what was before, from there on what the subscription gets."""
    engine = call.engine
    while last_id < engine.reads.last_event_id:
        page = await engine.reads.events(last_id, limit=_PAGE)
        if not page:
            break
        yield page
        last_id = page[-1].id
    subscription.skip()
    while batch := await subscription.batch():
        # the journal may have been ahead of what was told
        events = [event for event in batch if event.id > last_id]
        for at in range(0, len(events), _PAGE):
            yield events[at : at + _PAGE]
        await asyncio.sleep(engine.reads.listeners / _WRITES_PER_S)


def _last_event_id(call: Call, query: EventsQuery) -> int:
    newest = call.engine.reads.last_event_id
    header = call.request.headers.get("Last-Event-ID")
    if header is None:
        asked = query.last_event_id
    elif header.isascii() and header.isdigit() and len(header) < 20:
        asked = int(header)
    else:
        raise RobotqError("bad_parameter", field="Last-Event-ID", reason="expected a number")
    # a number from before the data folder was made anew is of no use
    return newest if asked is None else min(asked, newest)


def is_wanted(event: Event, query: EventFilter) -> bool:
    """Whether the client has asked for such an event."""
    return (
        (query.task_id is None or event.task_id == query.task_id)
        and (query.robot_id is None or event.robot == query.robot_id)
        and (query.kind is None or event.kind.startswith(query.kind))
    )


async def pages(call: Call) -> web.StreamResponse:
    """The events after `after`, oldest first. A filter thins a page out; it can be empty and
    not be the last one."""
    query = call.query(JournalQuery)
    newest = call.engine.reads.last_event_id
    after = max(newest - query.last, 0) if query.after is None else query.after
    read = await call.engine.reads.events(after, limit=query.limit, task_id=query.task_id)
    events = tuple(event_view(event) for event in read if is_wanted(event, query))
    return call.answer(
        Journal(
            events=events,
            count=len(events),
            next_after=read[-1].id if len(read) == query.limit else None,
            # the disk may be ahead of what listeners have been told
            newest=max([newest, *(event.id for event in read)]),
        )
    )
