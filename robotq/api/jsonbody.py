"""Request bodies: JSON whatever the Content-Type says, within limits of size, depth and time."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from robotq.model.errors import RobotqError
from robotq.model.json_text import MAX_DEPTH, parse_json

__all__ = ["MAX_DEPTH", "parse_json", "read_json"]

_BODY_S = 30.0
"""Wall seconds in which a body has to arrive."""


async def read_json(request: web.Request, limit_bytes: int) -> Any:
    """The body as JSON; an empty one is `{}`.

    Refused are NaN and Infinity, numbers beyond a double, invalid UTF-8 and deep nesting.
    Raises RobotqError bad_json, body_too_large.
    """
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
        raise RobotqError("bad_json", reason="it could not be read to its end") from error
    if len(raw) > limit_bytes:
        raise RobotqError("body_too_large", limit_bytes=limit_bytes)
    return parse_json(raw)


async def _arriving(request: web.Request, limit_bytes: int) -> bytes:
    announced = request.content_length
    if announced is not None and announced > limit_bytes:
        raise RobotqError("body_too_large", limit_bytes=limit_bytes)
    async with asyncio.timeout(_BODY_S):
        return await request.read()
