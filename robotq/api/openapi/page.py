"""GET /openapi.json, and GET /docs: a page that shows it. The same for every interface.

Nothing of the page comes from elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from aiohttp import web

from robotq.api.access.scopes import Scope
from robotq.api.http.call import Call
from robotq.api.http.language import preferred
from robotq.api.http.routes import JSON_TYPE, Route
from robotq.api.openapi.described import DESCRIBED
from robotq.model.errors import RobotqError
from robotq.model.texts import Language
from robotq.wire.service import OpenApi

_DOCUMENT = "/openapi.json"
_PAGE = "docs.html"
_PARTS: Mapping[str, str] = {
    "docs.css": "text/css",
    "docs.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
}
_FROM_OTHERS = "swagger-ui"
"""What begins so is in the folder of this name, as its makers have made it."""

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
    prefix = call.request.path.removesuffix(_DOCUMENT)
    # English for programs that say nothing, whatever the language of this daemon's answers
    wanted = preferred(call.request.headers.get("Accept-Language", "")) or Language.EN
    encoded = await call.app[DESCRIBED].encoded(prefix, wanted)
    headers = {**(call.headers or {}), "Vary": "Accept-Language"}
    return web.Response(body=encoded, content_type=JSON_TYPE, headers=headers)


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
    folder = files("robotq.api.openapi").joinpath("static")
    if name.startswith(_FROM_OTHERS):
        folder = folder.joinpath(_FROM_OTHERS)
    return folder.joinpath(name).read_text(encoding="utf-8")


DOCS = (
    Route(
        method="GET",
        path=_DOCUMENT,
        handler=openapi,
        scope=Scope.READ,
        summary="This interface as an OpenAPI 3.1 document.",
        response=OpenApi,
    ),
    Route(
        method="GET",
        path="/docs",
        handler=page,
        scope=Scope.OPEN,
        summary="This interface as a page to read and to try it out.",
        media_type="text/html",
    ),
    Route(
        method="GET",
        path="/docs/{file}",
        handler=page_file,
        scope=Scope.OPEN,
        summary="The style and the script of that page.",
        media_type="text/*",
    ),
)
"""Part of the routes of every interface."""
