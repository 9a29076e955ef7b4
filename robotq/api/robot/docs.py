"""GET /openapi.json, and GET /docs: a page that shows it. Nothing of it comes from elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from aiohttp import web

from robotq.api.call import Call
from robotq.api.context import DESCRIPTION
from robotq.api.errors import json_bytes
from robotq.model.errors import RobotqError

_PAGE = "docs.html"
_PARTS: Mapping[str, str] = {"docs.css": "text/css", "docs.js": "text/javascript"}

_HEADERS = {
    # nothing from elsewhere, nothing inline, and no frame around it
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


async def openapi(call: Call) -> web.StreamResponse:
    return json_bytes(await call.request.app[DESCRIPTION].encoded())


async def page(_call: Call) -> web.StreamResponse:
    """The page itself needs no key: it holds nothing, and asks for one to read the rest."""
    return await _answer(_PAGE, "text/html")


async def page_file(call: Call) -> web.StreamResponse:
    name = call.path("file")
    if name not in _PARTS:
        raise RobotqError("not_found", path=call.request.rel_url.path_safe[:200])
    return await _answer(name, _PARTS[name])


async def _answer(name: str, media_type: str) -> web.Response:
    return web.Response(
        text=await asyncio.to_thread(_content, name),
        content_type=media_type,
        charset="utf-8",
        headers=_HEADERS,
    )


@lru_cache(maxsize=len(_PARTS) + 1)
def _content(name: str) -> str:
    return files("robotq.api").joinpath("docs", name).read_text(encoding="utf-8")
