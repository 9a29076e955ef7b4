"""Why somebody stops a robot, as far as the request says it in time."""

from __future__ import annotations

import asyncio

from robotq.api.http.call import Call
from robotq.model.errors import RobotqError

_WAIT_S = 0.01
"""Wall seconds that a stop waits for a body which the client sends after its headers."""

_LENGTH = 500


async def reason_of_stop(call: Call) -> str:
    """The `reason` in the body or the query. A stop is never refused or held up for its body:
    one that is late, broken or too long only counts for nothing."""
    reason = call.request.query.get("reason", "")
    if call.request.can_read_body:
        try:
            async with asyncio.timeout(_WAIT_S):
                body = await call.json()
        except (TimeoutError, RobotqError):
            return reason[:_LENGTH]
        if isinstance(body, dict) and isinstance(body.get("reason"), str):
            reason = body["reason"]
    return reason[:_LENGTH]
