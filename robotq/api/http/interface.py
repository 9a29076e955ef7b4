"""What an interface is: a table of routes, its own form of errors, and where it is mounted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from robotq.api.access.requests import RequestLog, UnderWay
from robotq.api.http.call import Call
from robotq.api.http.routes import Route
from robotq.config import Config, InterfaceConfig
from robotq.engine.engine import Engine
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.wire.base import Answer
from robotq.wire.service import Error
from robotq.workers import Workers


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What all interfaces of a daemon have in common."""

    engine: Engine
    workers: Workers
    keyed: Callable[[], bool]
    """Whether any key is configured right now."""
    under_way: UnderWay
    log: RequestLog
    addresses: Sequence[tuple[str, int]] = ()
    """Every (IP address, port) that the daemon listens on."""
    turned_off: Callable[[str], str | None] = lambda _path: None
    """What has to be set so that a path is there; None: no setting makes it."""


def _no_services(_shared: Shared) -> Mapping[web.AppKey[Any], Any]:
    return {}


@asynccontextmanager
async def _no_background(_app: web.Application) -> AsyncIterator[None]:
    yield


def _no_schemas(_engine: Engine) -> Mapping[str, JsonObject]:
    return {}


class OpenApiInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the OpenAPI document of an interface says besides its routes."""

    title: str
    summary: str
    description: str
    error: type[Answer] = Error
    """The form of every error."""
    schemas: Callable[[Engine], Mapping[str, JsonObject]] = _no_schemas
    """What a running daemon knows of types, by name; see `openapi.document`."""


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What is behind an interface. Its modules are read when the first request for it comes."""

    routes: Sequence[Route]
    about: OpenApiInfo
    error: Callable[[Call, RobotqError], web.StreamResponse]
    """Its own form of errors, for whatever no handler has answered itself."""
    services: Callable[[Shared], Mapping[web.AppKey[Any], Any]] = _no_services
    """Called once per daemon; what it gives stands in the applications under these keys."""


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """One documented HTTP API over the engine. The one on its own port and the one below its
    prefix are the same: they share their services."""

    name: str
    """As tasks name it in `api`, and the configuration under `interfaces`."""
    prefix: str
    """Where it stands on the main port; empty for the robot interface."""
    load: Callable[[], Contents]
    """Reads its modules the first time."""
    early: Callable[[Shared], Mapping[web.AppKey[Any], Any]] = _no_services
    """Services that have to be there from the start of the daemon on."""
    background: Callable[[web.Application], Any] = _no_background
    """A context manager that runs, once per daemon, for as long as the interface is served."""

    @property
    def routes(self) -> Sequence[Route]:
        return self.load().routes

    @property
    def about(self) -> OpenApiInfo:
        return self.load().about

    def config(self, config: Config) -> InterfaceConfig:
        """Its section of the configuration."""
        found: InterfaceConfig = getattr(config.interfaces, self.name)
        return found
