"""Request bodies: JSON whatever the Content-Type says, within limits of size, depth and time."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import web

from robotq.model.errors import RobotqError

MAX_DEPTH = 100
"""Objects and lists inside each other. What is taken in can then be written out everywhere:
JSON encoders stop at 254, and what is stored has a few levels around it."""

_BODY_S = 30.0
"""Wall seconds in which a body has to arrive."""

_BOM = b"\xef\xbb\xbf"


async def read_json(request: web.Request, limit_bytes: int) -> Any:
    """The body as JSON; an empty one is `{}`.

    Refused are NaN and Infinity, numbers beyond a double, invalid UTF-8 and deep nesting.
    Raises RobotqError bad_json, body_too_large.
    """
    try:
        if request.content.is_eof():
            raw = await request.read()
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


def parse_json(raw: bytes) -> Any:
    """The value in `raw`; nothing but white space is `{}`. Raises RobotqError bad_json."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        # some editors on Windows begin every file with this mark
        text = raw.removeprefix(_BOM).strip()
        if not text:
            return {}
        if len(text) < len(raw) and raw.startswith(_BOM):
            return parse_json(text)
        raise RobotqError("bad_json", reason=str(error)) from error
    # brackets inside of texts count here too, so only a suspicion is looked at closely
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise RobotqError("bad_json", reason=f"nested deeper than {MAX_DEPTH} levels")
    return value


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        below: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                below.extend(part.values())
            elif isinstance(part, list):
                below.extend(part)
        if not below:
            return False
        level = below
    return any(isinstance(part, dict | list) for part in level)
