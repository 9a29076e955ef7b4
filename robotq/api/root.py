"""What stands at the root: the robot interface, with the dashboard."""

from __future__ import annotations

from aiohttp import web

from robotq.api.dashboard import routes as dashboard
from robotq.api.http.call import Call
from robotq.api.http.errors import error_response
from robotq.api.http.interface import Contents, Interface
from robotq.api.robot import routes as robot
from robotq.api.robot.description import ABOUT
from robotq.api.robot.watching.service import is_page_wanted, to_dashboard
from robotq.model.errors import RobotqError

ROUTES = (*robot.ROUTES, *dashboard.ROUTES)


def _error(call: Call, error: RobotqError) -> web.StreamResponse:
    if (
        error.code.name == "unauthorized"
        and call.request.path == "/"
        and call.request.method in ("GET", "HEAD")
        and is_page_wanted(call.request)
    ):
        # the page asks for the key
        return to_dashboard()
    return error_response(error, call.language)


_CONTENTS = Contents(routes=ROUTES, about=ABOUT, error=_error)
ROBOT = Interface(name="robot", prefix="", load=lambda: _CONTENTS)
