"""Makes the applications out of an engine and the route tables."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import web

from robotq.api.access.guard import Guard
from robotq.api.access.keys import KeyFile
from robotq.api.access.requests import REQUESTS, RequestLog, UnderWay
from robotq.api.connections.open import Connections
from robotq.api.context import (
    CONNECTIONS,
    ENGINE,
    FLEET,
    STARTED,
    UNDER_WAY,
    WATCHDOG,
    WORKERS,
)
from robotq.api.dashboard.context import DASHBOARD, Dashboard
from robotq.api.http.elsewhere import ELSEWHERE
from robotq.api.http.interface import Interface, Shared
from robotq.api.http.later import Later
from robotq.api.http.mount import mount
from robotq.api.interfaces import FLEET_INTERFACE, INTERFACES
from robotq.api.openapi.described import DESCRIBED, Described
from robotq.api.robot.answers.event import FRAMES, EventFrames
from robotq.api.robot.answers.task import VIEWS, TaskViews
from robotq.api.root import ROBOT
from robotq.engine.engine import Engine
from robotq.system import descriptors
from robotq.system.watchdog import Watchdog
from robotq.workers import Workers

if TYPE_CHECKING:
    from robotq.fleet.fleet import Fleet


class Site:
    """The interfaces of one daemon. They share one guard, and each its services over all the
    applications that it is in."""

    def __init__(
        self,
        engine: Engine,
        workers: Workers,
        *,
        keys: KeyFile,
        watchdog: Watchdog | None = None,
        addresses: Sequence[tuple[str, int]] = (),
        fleet: Fleet | None = None,
    ) -> None:
        """`addresses` are all that will be served on; `fleet`: what the daemon is a part of."""
        self._engine = engine
        self._keys = keys
        self._guard = Guard(keys, addresses, engine.config)
        self._under_way, log = UnderWay(), RequestLog()
        self._shared = Shared(
            engine=engine,
            workers=workers,
            keyed=lambda: self._guard.keyed,
            under_way=self._under_way,
            log=log,
            addresses=tuple(addresses),
            turned_off=self._turned_off,
        )
        self._connections = Connections(
            lambda: min(engine.config.limits.connections, descriptors.for_clients())
        )
        self.interfaces: Sequence[Interface] = enabled_interfaces(engine)
        self._dashboard = Dashboard(engine, lambda: self._guard.keyed)
        self._services: dict[web.AppKey[Any], Any] = {
            REQUESTS: log,
            UNDER_WAY: self._under_way,
            CONNECTIONS: self._connections,
            DASHBOARD: self._dashboard,
            ENGINE: engine,
            WORKERS: workers,
            WATCHDOG: watchdog,
            STARTED: engine.clock.now_ms(),
            VIEWS: TaskViews(engine),
            FRAMES: EventFrames(),
        }
        if fleet is not None:
            self.interfaces = [*self.interfaces, self._join(fleet)]
        for interface in self.interfaces:
            self._services.update(interface.early(self._shared))
        self._own: dict[str, Mapping[web.AppKey[Any], Any]] = {}
        """The services of each interface that was made, by its name."""
        self._making = threading.Lock()

    def _turned_off(self, path: str) -> str | None:
        served = {one.name for one in self.interfaces}
        for one in (*INTERFACES, FLEET_INTERFACE):
            if one.name not in served and f"{path}/".startswith(f"{one.prefix}/"):
                if one is FLEET_INTERFACE:
                    return "fleet.dsn and fleet.name"
                return f"interfaces.{one.name}.enabled: true"
        return None

    def _join(self, fleet: Fleet) -> Interface:
        """What is served besides in a fleet, and what the others are told."""
        # a daemon alone does without
        from robotq.api.fleet.elsewhere import OtherDaemons  # noqa: PLC0415
        from robotq.api.fleet.state import state_of  # noqa: PLC0415

        self._services[FLEET] = fleet
        self._services[ELSEWHERE] = OtherDaemons(fleet)
        fleet.tell_state(state_of(self._engine, self._dashboard.statuses, fleet))
        return FLEET_INTERFACE

    def main(self) -> web.Application:
        """The robot interface at the root, and the others below their prefixes. While it runs,
        changes of the key file are taken over, and every interface does its own work."""
        places = {one.prefix: one for one in (*self.interfaces, ROBOT)}
        described = Described(self._engine, places)
        app = self._app(ROBOT, "", described)
        for interface in self.interfaces:
            make = partial(self._app, interface, interface.prefix, described)
            app.router.register_resource(Later(interface.prefix, make))
            app.cleanup_ctx.append(_background(interface))
        app.cleanup_ctx.append(self._watch)
        app.on_startup.append(self._dashboard.start)
        app.on_cleanup.append(self._dashboard.stop)
        return app

    async def first_answered(self) -> None:
        """See `Connections`; once all is listened on."""
        await self._connections.first_answered()

    def own(self, interface: Interface) -> web.Application:
        """One interface at the root, for a port of its own. The one of `main` has to run."""
        return self._app(interface, "", Described(self._engine, {"": interface}))

    def _app(self, interface: Interface, prefix: str, described: Described) -> web.Application:
        """One interface below `prefix`."""
        app = web.Application(client_max_size=self._engine.config.limits.body_bytes)
        for key, service in (*self._services.items(), *self._services_of(interface).items()):
            app[key] = service
        app[DESCRIBED] = described
        mount(app, interface, self._shared, self._guard, prefix)
        return app

    def _services_of(self, interface: Interface) -> Mapping[web.AppKey[Any], Any]:
        """The same for every application that it is in; these are made in threads."""
        with self._making:
            if interface.name not in self._own:
                self._own[interface.name] = interface.load().services(self._shared)
            return self._own[interface.name]

    async def _watch(self, _app: web.Application) -> AsyncIterator[None]:
        # other keys and another configuration count for what is under way, too
        changed, look = self._engine.signals.settings_changed, self._under_way.look
        changed.subscribe(look)
        watching = asyncio.create_task(self._keys.watch(look), name="keys")
        self._connections.start()
        yield
        await self._connections.stop()
        changed.unsubscribe(look)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def enabled_interfaces(engine: Engine) -> Sequence[Interface]:
    """Those that the configuration has not turned off, without that of the robots."""
    return [interface for interface in INTERFACES if interface.config(engine.config).enabled]


def make_app(
    engine: Engine,
    *,
    keys: KeyFile,
    watchdog: Watchdog | None = None,
    addresses: Sequence[tuple[str, int]] = (),
    workers: Workers | None = None,
) -> web.Application:
    """The application of the main port. Without `workers`, nobody looks after leases."""
    workers = workers or Workers(engine)
    return Site(engine, workers, keys=keys, watchdog=watchdog, addresses=addresses).main()


def _background(interface: Interface) -> Any:
    async def run(app: web.Application) -> AsyncIterator[None]:
        async with interface.background(app):
            yield

    return run
