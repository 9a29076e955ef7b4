"""GET /fleet/metrics: the numbers of all daemons, in the form that Prometheus reads."""

from __future__ import annotations

import asyncio

from aiohttp import web

from robotq.api.context import FLEET
from robotq.api.http.call import Call
from robotq.model.errors import RobotqError


async def metrics(call: Call) -> web.StreamResponse:
    await asyncio.to_thread(_load)
    from robotq.api.fleet import prometheus  # noqa: PLC0415 - of this route alone

    fleet = call.app[FLEET]
    waiting = stops = None
    try:
        if fleet.away is None:
            waiting = await fleet.door.count()
            stops = len(await fleet.stops.standing())
    except RobotqError:
        # the numbers say that it is away, and those that nobody knows are left out
        pass
    return web.Response(
        body=prometheus.exposition(fleet, waiting, stops),
        headers={"Content-Type": prometheus.CONTENT_TYPE},
    )


def _load() -> None:
    from robotq.api.fleet import prometheus  # noqa: PLC0415, F401
