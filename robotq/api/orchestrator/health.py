"""GET /health of the orchestrator interface: every number is measured."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from robotq.api.access.scopes import Scope, allows
from robotq.api.context import STARTED
from robotq.api.http.call import Call
from robotq.api.http.times import rfc3339
from robotq.api.orchestrator.answers import API
from robotq.engine.engine import Engine
from robotq.model.errors import NotReadable
from robotq.model.version import __version__
from robotq.wire.remote_work import orchestrator as wire

_ANSWER_S = 2.0
"""Wall seconds after which a part that does not answer counts as unhealthy."""


async def health(call: Call) -> web.StreamResponse:
    """503 while nothing can be accepted. Without the scope read only the word."""
    engine = call.engine
    if not allows(call.caller.scopes, Scope.READ):
        well = engine.accepts
        word = "healthy" if well else "unhealthy"
        return call.answer(wire.Health(status=word), 200 if well else 503)
    components = wire.Components(
        database=await _component(call, lambda: _database(engine)),
        cache=await _component(call, lambda: _memory(engine)),
        external_services=await _component(call, lambda: _webhooks(engine)),
    )
    well = components.database.healthy and not engine.queue.closed
    now_ms = engine.clock.now_ms()
    body = wire.Health(
        status="healthy" if well else "unhealthy",
        timestamp=rfc3339(now_ms),
        version=__version__,
        uptime=_duration((now_ms - call.app[STARTED]) // 1000),
        components=components,
        metrics=wire.Metrics(
            memory_usage=f"{await asyncio.to_thread(_memory_mb)}MB",
            cpu_usage=_cpu_percent(now_ms - call.app[STARTED]),
            active_connections=_connections(call),
            queue_size=engine.reads.worker_queue(API).waiting,
        ),
    )
    return call.answer(body, 200 if well else 503)


async def _component(call: Call, check: Callable[[], Awaitable[bool]]) -> wire.Component:
    """`response_time` in milliseconds."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(_ANSWER_S):
            healthy = await check()
    except (NotReadable, TimeoutError):
        healthy = False
    return wire.Component(
        healthy=healthy,
        response_time=round((time.perf_counter() - began) * 1000, 3),
        last_checked=rfc3339(call.engine.clock.now_ms()),
    )


async def _database(engine: Engine) -> bool:
    """It can be read, and the last write went well."""
    await engine.reads.tallies(API, from_ms=0, to_ms=0)
    return engine.store_available


async def _memory(engine: Engine) -> bool:
    """What waits and runs in memory is what the kept numbers say."""
    counts = engine.reads.counts(api=API)
    return len(engine.reads.worker_queue(API)) == counts.queue_size


async def _webhooks(engine: Engine) -> bool:
    """Room for the webhooks of the tasks that end next: the only services that are called."""
    pending = engine.webhooks.statistics().pending
    return pending < engine.config.webhooks.max_pending


def _memory_mb() -> int:
    statm = Path("/proc/self/statm")
    if statm.exists():
        pages = int(statm.read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") >> 20
    # the highest so far: bytes on macOS, kilobytes elsewhere
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak >> 20 if sys.platform == "darwin" else peak >> 10


def _cpu_percent(uptime_ms: int) -> float:
    """Of one processor, since the start."""
    return round(time.process_time() * 100_000 / max(uptime_ms, 1), 1)


def _connections(call: Call) -> int:
    """Workers that are there, and listeners of the event stream, besides this request."""
    return 1 + call.engine.reads.listeners + call.engine.reads.worker_queue(API).idle_calls


def _duration(seconds: int) -> str:
    """`1h30m`, below an hour `12m5s`."""
    minutes, rest = divmod(max(seconds, 0), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
