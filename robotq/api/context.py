"""What handlers find on the application, besides the engine."""

from __future__ import annotations

from aiohttp import web

from robotq.api.access.requests import UnderWay
from robotq.api.connections.open import Connections
from robotq.engine.engine import Engine
from robotq.system.watchdog import Watchdog
from robotq.workers import Workers

ENGINE = web.AppKey("engine", Engine)
WATCHDOG: web.AppKey[Watchdog | None] = web.AppKey("watchdog")
WORKERS = web.AppKey("workers", Workers)
STARTED = web.AppKey("started", int)
"""When the application was made, in milliseconds since the epoch."""
UNDER_WAY = web.AppKey("under_way", UnderWay)
CONNECTIONS = web.AppKey("connections", Connections)
