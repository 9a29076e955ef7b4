"""Every route of the dashboard."""

from __future__ import annotations

from robotq.api.access.scopes import Scope
from robotq.api.dashboard import charts as web_charts
from robotq.api.dashboard import look as web_look
from robotq.api.dashboard import models as web_models
from robotq.api.dashboard import session as web_session
from robotq.api.http.routes import Route
from robotq.api.robot.models.base import EmptyBody
from robotq.api.robot.models.tasks import TasksQuery
from robotq.api.robot.routes.common import STORE
from robotq.wire import dashboard as wire
from robotq.wire.service import Done

ROUTES = (
    Route(
        method="GET",
        path="/dashboard",
        handler=web_session.page,
        scope=Scope.OPEN,
        summary="The lab at one look, as a page.",
        media_type="text/html",
    ),
    Route(
        method="GET",
        path="/dashboard/files/{room}/{file}",
        handler=web_session.page_file,
        scope=Scope.OPEN,
        summary="The styles and the scripts of that page.",
        media_type="text/*",
    ),
    Route(
        method="GET",
        path="/dashboard/look",
        handler=web_look.look,
        scope=Scope.READ,
        summary="What each robot does, what waits, what went wrong, and why nothing moves.",
        response=wire.Look,
    ),
    Route(
        method="GET",
        path="/dashboard/queue",
        handler=web_look.window,
        scope=Scope.READ,
        summary="A part of one robot's waiting tasks, with position and estimate.",
        query=web_models.QueueWindowQuery,
        response=wire.QueueWindow,
        errors=("bad_parameter",),
    ),
    Route(
        method="GET",
        path="/dashboard/charts",
        handler=web_charts.charts,
        scope=Scope.READ,
        summary="The latest ended tasks and the running ones, for plots.",
        query=web_models.ChartQuery,
        response=wire.Charts,
        errors=("bad_parameter",),
    ),
    Route(
        method="GET",
        path="/dashboard/history",
        handler=web_charts.history,
        scope=Scope.READ,
        summary="Tasks of all interfaces, newest first, with what each is about and how it ended.",
        query=TasksQuery,
        response=wire.History,
        errors=("bad_parameter", *STORE),
    ),
    Route(
        method="GET",
        path="/dashboard/form",
        handler=web_charts.form,
        scope=Scope.READ,
        summary="What each robot can do, and the places that it knows.",
        response=wire.FormFacts,
    ),
    Route(
        method="GET",
        path="/dashboard/picture",
        handler=web_charts.picture,
        scope=Scope.READ,
        summary="The lab of the simulated robots: what stands where.",
        response=wire.Picture,
    ),
    Route(
        method="GET",
        path="/dashboard/requests",
        handler=web_charts.requests,
        scope=Scope.READ,
        summary="The latest requests to this daemon.",
        query=web_models.RequestsQuery,
        response=wire.Requests,
        errors=("bad_parameter",),
    ),
    Route(
        method="POST",
        path="/dashboard/session",
        handler=web_session.begin,
        scope=Scope.ANY,
        summary="Keep the key of this request in a cookie of the browser that scripts cannot read.",
        request=EmptyBody,
        response=Done,
    ),
    Route(
        method="DELETE",
        path="/dashboard/session",
        handler=web_session.end,
        scope=Scope.ANY,
        summary="Have this browser forget its key.",
        request=EmptyBody,
        response=Done,
    ),
)
