"""GET /journal: what happened, in pages."""

from __future__ import annotations

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.robot.answers.event import event_view
from robotq.api.robot.handlers.events import is_wanted
from robotq.api.robot.models.events import JournalQuery


async def pages(call: Call) -> web.StreamResponse:
    """The events after `after`, oldest first. A filter thins a page out; it can be empty and
    not be the last one."""
    query = call.query(JournalQuery)
    newest = call.engine.reads.last_event_id
    after = max(newest - query.last, 0) if query.after is None else query.after
    read = await call.engine.reads.events(after, limit=query.limit, task_id=query.task_id)
    events = [event_view(event) for event in read if is_wanted(event, query)]
    return call.answer(
        {
            "events": events,
            "count": len(events),
            "next_after": read[-1].id if len(read) == query.limit else None,
            # the disk may be ahead of what listeners have been told
            "newest": max([newest, *(event.id for event in read)]),
        }
    )
