"""GET /metrics: the daemon's numbers in the form that Prometheus reads."""

from __future__ import annotations

import asyncio

from aiohttp import web

from robotq.api.context import CONNECTIONS, WATCHDOG
from robotq.api.http.call import Call


async def metrics(call: Call) -> web.StreamResponse:
    await asyncio.to_thread(load)
    from robotq.api.robot.watching import prometheus  # noqa: PLC0415 - see `load`

    app = call.app
    return web.Response(
        body=prometheus.exposition(call.engine, app[WATCHDOG], app[CONNECTIONS]),
        headers={"Content-Type": prometheus.CONTENT_TYPE},
    )


def load() -> None:
    """Import what only this route needs: a start does not wait for it. In a thread."""
    from robotq.api.robot.watching import prometheus  # noqa: PLC0415, F401
