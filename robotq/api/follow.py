"""Requests that follow one of the same head on its connection, and are served like it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import HttpVersion11

from robotq.api.answer import whole_answer
from robotq.api.call import Call
from robotq.api.connection import Connection
from robotq.api.errors import error_body, fault
from robotq.api.guard import Caller
from robotq.api.web_requests import REQUESTS
from robotq.model.errors import RobotqError


def follow(
    call: Call,
    serve: Callable[[bytes], Awaitable[bytes | None]],
    check: Callable[[], Caller],
    where: str,
) -> None:
    """Let `serve` have the next requests on this connection that are the same up to their body.

    `check` asks the guard about each of them anew: their heads are the same, what the guard
    says of them may not be.
    """
    request, engine = call.request, call.engine
    connection = request.protocol
    if (
        not isinstance(connection, Connection)
        or request.version != HttpVersion11
        or not request.keep_alive
        or request.method == "HEAD"
    ):
        return
    log = request.app[REQUESTS]
    caller, language, method, path = call.caller, call.language, request.method, request.path

    async def follower(body: bytes) -> bytes | None:
        began = time.perf_counter()
        try:
            now = check()
        except RobotqError:
            # the general way refuses it in the form of its interface
            return None
        if now != caller or len(body) > engine.config.limits.body_bytes:
            return None
        status = 200
        try:
            answer = await serve(body)
        except Exception as error:  # noqa: BLE001 - logged whole, and told with its reference
            failure = fault(error, where)
            answer = orjson.dumps(error_body(failure, language))
            status = failure.code.http_status
        if answer is None:
            return None
        log.add(
            method,
            path,
            at_ms=engine.clock.now_ms(),
            status=status,
            seconds=time.perf_counter() - began,
            caller=caller.name,
        )
        return whole_answer(answer, status)

    connection.follow(follower)
