"""Makes the application out of an engine and the route tables."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

from aiohttp import HttpVersion11, web

from robotq.api.auth import KeyFile
from robotq.api.call import Call
from robotq.api.context import DESCRIPTION, ENGINE, FRAMES, STARTED, VIEWS, WATCHDOG
from robotq.api.errors import error_response, fault
from robotq.api.guard import Guard
from robotq.api.robot.description import Description
from robotq.api.robot.event_view import EventFrames
from robotq.api.robot.table import ROUTES
from robotq.api.robot.view import TaskViews
from robotq.api.routes import Route
from robotq.api.scopes import Scope
from robotq.engine.engine import Engine
from robotq.model.errors import ConfigError, RobotqError
from robotq.watchdog import Watchdog

_Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(
    engine: Engine,
    *,
    keys: KeyFile,
    watchdog: Watchdog | None = None,
    addresses: Sequence[tuple[str, int]] = (),
) -> web.Application:
    """The application of the robot interface.

    `addresses` are those that it will be served on. While it runs, changes of the key file
    are taken over.
    """
    app = web.Application(client_max_size=engine.config.limits.body_bytes)
    app[ENGINE] = engine
    app[WATCHDOG] = watchdog
    app[STARTED] = engine.clock.now_ms()
    app[VIEWS] = TaskViews(engine)
    app[FRAMES] = EventFrames()
    app[DESCRIPTION] = Description(engine, ROUTES)
    guard = Guard(keys, addresses, engine.config)
    for route in ROUTES:
        endpoint = _endpoint(route, engine, guard)
        app.router.add_route(route.method, route.path, endpoint, expect_handler=_go_on)
        if route.method == "GET" and not route.stream:
            app.router.add_route("HEAD", route.path, endpoint, expect_handler=_go_on)
    elsewhere = _elsewhere(ROUTES, engine, guard)
    app.router.add_route("*", r"/{rest:[\s\S]*}", elsewhere, expect_handler=_go_on)

    async def watch_keys(_app: web.Application) -> AsyncIterator[None]:
        watching = asyncio.create_task(keys.watch(), name="keys")
        yield
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching

    app.cleanup_ctx.append(watch_keys)
    return app


async def _go_on(request: web.Request) -> None:
    """Tell a client that asks first to send its body; any other expectation is passed over,
    where aiohttp would refuse it with an error of its own form."""
    expected = request.headers.get("Expect", "")
    if request.version == HttpVersion11 and expected.lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # it is no part of the answer
        request.writer.output_size = 0


def _endpoint(route: Route, engine: Engine, guard: Guard) -> _Endpoint:
    """The handler behind the guard, with every error in the one form."""
    handler = route.handler
    scope = route.scope
    same_site = route.changes or route.stream
    where = f"{route.method} {route.path}"

    async def endpoint(request: web.Request) -> web.StreamResponse:
        call = Call(request, engine)
        try:
            call.caller = guard.check(request, engine.config, scope=scope, same_site=same_site)
            return await handler(call)
        except RobotqError as error:
            return error_response(error, call.language)
        except ConfigError as error:
            refused = RobotqError("bad_parameter", field="configuration", reason=str(error))
            return error_response(refused, call.language)
        except ConnectionError:
            # the client has left: there is nobody to answer
            raise
        except Exception as error:  # noqa: BLE001 - logged whole, and told with its reference
            return error_response(fault(error, where), call.language)

    return endpoint


def _elsewhere(routes: Iterable[Route], engine: Engine, guard: Guard) -> _Endpoint:
    """Answers whatever no route takes: OPTIONS, wrong methods, unknown paths."""
    methods: dict[str, set[str]] = {}
    for route in routes:
        allowed = methods.setdefault(route.path, {"OPTIONS"})
        allowed.add(route.method)
        if route.method == "GET" and not route.stream:
            allowed.add("HEAD")
    patterns = [
        (re.compile(re.sub(r"\\{\w+\\}", "[^{}/]+", re.escape(path))), ", ".join(sorted(allowed)))
        for path, allowed in methods.items()
    ]

    async def endpoint(request: web.Request) -> web.StreamResponse:
        call = Call(request, engine)
        path = request.rel_url.path_safe
        try:
            guard.check(request, engine.config, scope=Scope.OPEN, same_site=False)
            allowed = next((found for form, found in patterns if form.fullmatch(path)), None)
            if allowed is None:
                raise RobotqError("not_found", path=path[:200])
            if request.method == "OPTIONS":
                return web.Response(status=204, headers={"Allow": allowed})
            raise RobotqError(
                "method_not_allowed", method=request.method, path=path[:200], allowed=allowed
            )
        except RobotqError as error:
            return error_response(error, call.language)

    return endpoint
