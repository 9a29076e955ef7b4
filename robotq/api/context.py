"""What handlers find on the application, besides the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from robotq.api.access.requests import UnderWay
from robotq.api.connections.open import Connections
from robotq.engine.engine import Engine
from robotq.system.watchdog import Watchdog
from robotq.workers import Workers

if TYPE_CHECKING:
    from robotq.fleet.fleet import Fleet

ENGINE = web.AppKey("engine", Engine)
WATCHDOG: web.AppKey[Watchdog | None] = web.AppKey("watchdog")
WORKERS = web.AppKey("workers", Workers)
STARTED = web.AppKey("started", int)
"""When the application was made, in milliseconds since the epoch."""
UNDER_WAY = web.AppKey("under_way", UnderWay)
CONNECTIONS = web.AppKey("connections", Connections)
FLEET: web.AppKey[Fleet] = web.AppKey("fleet")
"""There where the daemon is in a fleet; one that is alone imports none of it."""
