"""The latest requests, as the dashboard lists them."""

from __future__ import annotations

from aiohttp import web

from robotq.api.dashboard.models import RequestsQuery
from robotq.api.http.call import Call
from robotq.api.http.request_log import REQUESTS


async def latest(call: Call) -> web.StreamResponse:
    after = call.query(RequestsQuery).after
    found = call.request.app[REQUESTS].after(after)
    return call.answer({"requests": [request.view() for request in found]})
