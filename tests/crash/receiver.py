"""Hears the webhooks of all lives of a daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from .ledger import Ledger


@asynccontextmanager
async def receiver(
    ledger: Ledger, *, life: Callable[[], int] = lambda: 0, refuses: Callable[[], bool] = bool
) -> AsyncIterator[str]:
    """Listens at the URL. `life` tells how many times the daemon has died."""

    async def hear(request: web.Request) -> web.Response:
        body = await request.json()
        if refuses():
            return web.Response(status=503)
        ledger.called(body["webhook_id"], body["task_id"], body["state"], life())
        return web.json_response({"received": True})

    app = web.Application()
    app.router.add_post("/done", hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0]
        yield f"http://{host}:{port}/done"
    finally:
        await runner.cleanup()
