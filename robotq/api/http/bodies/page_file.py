"""A file of a page that the daemon serves itself."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from robotq.api.http.call import Call
from robotq.web.files import WebFile

_HEADERS: Mapping[str, str] = {
    # nothing from elsewhere, nothing inline, no frame around it; and where the browser knows
    # trusted types, a text that is put in as markup is an error
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # asked for again each time, and then mostly not sent again: a page is never older than
    # the daemon that it talks to
    "Cache-Control": "no-cache",
}


def file_answer(call: Call, file: WebFile) -> web.Response:
    """A file of a page. The page may load and ask what comes from this daemon, nothing else."""
    headers = {**_HEADERS, "ETag": f'"{file.etag}"'}
    known = call.request.if_none_match
    if known is not None and any(tag.value in (file.etag, "*") for tag in known):
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=file.content, content_type=file.media_type, charset="utf-8", headers=headers
    )
