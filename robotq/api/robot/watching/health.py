"""GET /health: is the daemon well, and how well."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web

from robotq.api.access.scopes import Scope, allows
from robotq.api.context import STARTED, WATCHDOG
from robotq.api.http.call import Call
from robotq.api.robot.answers.times import local_time
from robotq.engine.engine import Engine
from robotq.model.version import __version__
from robotq.wire.base import NULL
from robotq.wire.service import Health


async def health(call: Call) -> web.StreamResponse:
    """503 while nothing can be accepted. Without the scope read only the word."""
    engine = call.engine
    word = _word(engine)
    status = 503 if word == "unavailable" else 200
    if not allows(call.caller.scopes, Scope.READ):
        return call.answer(Health(status=word), status)
    return call.answer(_whole(call, engine, word), status)


def _word(engine: Engine) -> str:
    if not engine.accepts:
        return "unavailable"
    if all(robot.ready for robot in engine.robots.values()):
        return "ok"
    return "degraded"


def _whole(call: Call, engine: Engine, word: str) -> Health:
    config = engine.config
    watchdog = call.app[WATCHDOG]
    now_ms = engine.clock.now_ms()
    return Health(
        status=word,
        version=__version__,
        mode=config.mode,
        time_scale=config.time_scale,
        uptime_s=round((now_ms - call.app[STARTED]) / 1000, 1),
        estop=engine.estop.latched,
        queue_size=engine.reads.unfinished,
        queue_limit=config.queue.max_length,
        queues_standing=_standing(engine),
        store={"available": engine.store_available, **asdict(engine.reads.store_statistics())},
        robots={
            name: {
                "connected": robot.connected,
                "simulated": robot.capabilities.simulated,
                "holds": [hold.code.value for hold in engine.holds.of(name)],
            }
            for name, robot in engine.robots.items()
        },
        events=asdict(engine.reads.event_statistics()),
        loop=NULL if watchdog is None else _loop(watchdog.statistics()),
    )


def _standing(engine: Engine) -> dict[str, tuple[str, ...]]:
    return {
        standing.queue: tuple(dict.fromkeys(reason.code.value for reason in standing.reasons))
        for standing in engine.why.all()
    }


def _loop(statistics: Any) -> dict[str, Any]:
    last = statistics.last_stall_at_ms
    return {
        "stalls": statistics.stalls,
        "longest_stall_s": statistics.longest_stall_s,
        "last_stall_at": None if last is None else local_time(last),
    }
