"""Request bodies: JSON whatever the Content-Type says, within limits of size, depth and time."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from robotq.model.errors import RobotqError
from robotq.model.json_text import MAX_DEPTH, parse_json, parse_unique

__all__ = ["MAX_DEPTH", "parse_json", "read_json"]

_BODY_S = 30.0
"""Wall seconds in which a body has to arrive."""


_LARGE = 65_536
"""Bytes of a body from which on its keys are looked at on a thread."""


async def read_json(request: web.Request, limit_bytes: int, *, unique: bool = False) -> Any:
    """The body as JSON; an empty one is `{}`. `unique`: no key may stand twice in an object.

    Refused are NaN and Infinity, numbers beyond a double, invalid UTF-8 and deep nesting.
    Raises RobotqError bad_json, body_too_large; with `unique` bad_parameter.
    """
    packed = request.headers.get("Content-Encoding", "identity")[:20]
    raw = await read_bytes(request, limit_bytes)
    try:
        if not unique:
            return parse_json(raw)
        if len(raw) > _LARGE:
            return await asyncio.to_thread(parse_unique, raw)
        return parse_unique(raw)
    except RobotqError as error:
        if packed == "identity" or error.code.name != "bad_json":
            raise
        reason = f"{error.args_['reason']}; unpacked ({packed}) it has {len(raw)} bytes"
        raise RobotqError("bad_json", reason=reason) from error


async def read_bytes(request: web.Request, limit_bytes: int) -> bytes:
    """The body as it is. Raises RobotqError bad_json where it does not come to its end,
    body_too_large."""
    packed = request.headers.get("Content-Encoding", "identity")[:20]
    try:
        if request.content.is_eof():
            # all of it is here, as of nearly every request
            raw = request.content.read_nowait()
        else:
            raw = await _arriving(request, limit_bytes)
    except web.HTTPRequestEntityTooLarge as error:
        raise RobotqError("body_too_large", limit_bytes=limit_bytes) from error
    except TimeoutError as error:
        raise RobotqError(
            "bad_json", reason=f"it did not arrive within {_BODY_S:g} seconds"
        ) from error
    except web.RequestPayloadError as error:
        # nothing more comes of it: whoever looks for its end must not find the error again
        request.content.feed_eof()
        if request.protocol is not None:
            request.protocol.close()
        reason = "it could not be read to its end"
        if packed != "identity":
            reason = f"it says that it is packed ({packed}), and cannot be unpacked"
        raise RobotqError("bad_json", reason=reason) from error
    if len(raw) > limit_bytes:
        raise RobotqError("body_too_large", limit_bytes=limit_bytes)
    return raw


async def _arriving(request: web.Request, limit_bytes: int) -> bytes:
    announced = request.content_length
    if announced is not None and announced > limit_bytes:
        raise RobotqError("body_too_large", limit_bytes=limit_bytes)
    async with asyncio.timeout(_BODY_S):
        return await request.read()
