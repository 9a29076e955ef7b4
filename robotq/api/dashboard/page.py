"""GET /dashboard: the page and its files. They hold nothing that needs a key."""

from __future__ import annotations

from aiohttp import web

from robotq.api.dashboard.context import DASHBOARD
from robotq.api.http.bodies.page_file import file_answer
from robotq.api.http.call import Call
from robotq.model.errors import RobotqError
from robotq.web.files import PAGE


async def page(call: Call) -> web.StreamResponse:
    return _answer(call, PAGE)


async def page_file(call: Call) -> web.StreamResponse:
    return _answer(call, f"{call.path('room')}/{call.path('file')}")


def _answer(call: Call, name: str) -> web.Response:
    file = call.app[DASHBOARD].files.get(name)
    if file is None:
        raise RobotqError("not_found", path=call.request.rel_url.path_safe[:200])
    return file_answer(call, file)
