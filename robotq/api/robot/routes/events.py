"""Routes of what happened: events, journal, webhooks."""

from __future__ import annotations

from robotq.api.access.scopes import Scope
from robotq.api.http.routes import EVENT_STREAM, RequestHeader, Route
from robotq.api.robot.handlers import webhooks
from robotq.api.robot.models.base import EmptyBody
from robotq.api.robot.models.events import EventsQuery, JournalQuery, WebhooksQuery
from robotq.api.robot.routes.common import STORE
from robotq.api.robot.watching import events
from robotq.wire import service as wire

_LAST_EVENT_ID = RequestHeader(
    name="Last-Event-ID",
    text="Go on after this event. Browsers send it by themselves when they connect again.",
    schema={"type": "integer", "minimum": 0},
)

ROUTES = (
    Route(
        method="GET",
        path="/events",
        handler=events.stream,
        scope=Scope.READ,
        summary="Everything that happens, as server-sent events.",
        query=EventsQuery,
        headers=(_LAST_EVENT_ID,),
        response=wire.Event,
        media_type=EVENT_STREAM,
        errors=("bad_parameter", "too_many_requests", *STORE),
    ),
    Route(
        method="GET",
        path="/journal",
        handler=events.pages,
        scope=Scope.READ,
        summary="What happened, in pages, oldest first.",
        query=JournalQuery,
        response=wire.Journal,
        errors=("bad_parameter", *STORE),
    ),
    Route(
        method="GET",
        path="/webhooks",
        handler=webhooks.list_webhooks,
        scope=Scope.READ,
        summary="Who was told of the end of which task, newest first, in pages.",
        query=WebhooksQuery,
        response=wire.Webhooks,
        errors=("bad_parameter", *STORE),
    ),
    Route(
        method="POST",
        path="/webhooks/{webhook_id}/resend",
        handler=webhooks.resend,
        scope=Scope.CONTROL,
        summary="Send a webhook again that was delivered or given up.",
        request=EmptyBody,
        response=wire.WebhookDone,
        errors=("webhook_not_found", "wrong_state", "too_many_requests", *STORE),
    ),
)
