"""One interface in an application: its routes behind the guard, its errors in its own form."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Protocol

from aiohttp import HttpVersion11, web

from robotq.api.access.guard import Caller, Guard
from robotq.api.access.scopes import Scope
from robotq.api.connections.connection import begun, shown
from robotq.api.http.call import Call
from robotq.api.http.errors import end_line, fault
from robotq.api.http.interface import Contents, Interface, Shared
from robotq.api.http.routes import Route
from robotq.model.errors import ConfigError, RobotqError


class Endpoint(Protocol):
    def __call__(
        self, request: web.Request, last: str | None = None, /
    ) -> Awaitable[web.StreamResponse]:
        """`last`: see `Call`."""


_AnyEndpoint = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
_ErrorForm = Callable[[Call, RobotqError], web.StreamResponse]

_HEADER_NAMES = re.compile(r"[A-Za-z0-9_-]{1,64}(, ?[A-Za-z0-9_-]{1,64}){0,63}")
_ANY_METHOD = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


EXACT: web.AppKey[Mapping[tuple[str, str], Endpoint]] = web.AppKey("exact")
"""The endpoints of the paths without named parts, by method and path."""
NAMED: web.AppKey[Mapping[tuple[str, str], Endpoint]] = web.AppKey("named")
"""The endpoints of the paths that end with their only named part, by method and the path before."""
_NAMED = re.compile(r"([^{}]*)/\{\w+\}")


def mount(
    app: web.Application, interface: Interface, shared: Shared, guard: Guard, prefix: str
) -> None:
    """Add every route of an interface below `prefix`, and what answers everything else there.

    Whatever is mounted later below a shorter prefix gets what this one does not cover.
    """
    contents = interface.load()
    exact: dict[tuple[str, str], Endpoint] = {}
    named: dict[tuple[str, str], Endpoint] = {}
    for route in contents.routes:
        endpoint = _endpoint(route, interface.name, contents.error, shared, guard, app=app)
        paths = [f"{prefix}{route.path}"]
        if prefix and route.path == "/":
            paths.append(prefix)
        for path in paths:
            for method in (route.method, "HEAD") if _has_head(route) else (route.method,):
                app.router.add_route(method, path, endpoint, expect_handler=_go_on)
                if "{" not in path:
                    exact[method, path] = endpoint
                elif (found := _NAMED.fullmatch(path)) is not None:
                    named[method, found[1]] = endpoint
    app[EXACT], app[NAMED] = exact, named
    elsewhere = _elsewhere(contents, shared, guard, prefix, app)
    app.router.add_route("*", prefix + r"/{rest:[\s\S]*}", elsewhere, expect_handler=_go_on)
    if prefix:
        app.router.add_route("*", prefix, elsewhere, expect_handler=_go_on)


def straight(app: web.Application, others: _AnyEndpoint) -> _AnyEndpoint:
    """What leads a request to its endpoint: one with a path of its own, or with a name at its end,
    without aiohttp's router, which takes as long as all that the guard looks at; everything else
    through `others`."""
    exact, named = app[EXACT], app[NAMED]

    def find(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        assert isinstance(request, web.Request)
        method, path = request.method, request.rel_url.path_safe
        endpoint, last = exact.get((method, path)), None
        if endpoint is None:
            head, _, last = path.rpartition("/")
            # anything else in a name is the router's to read
            if last.isidentifier():
                endpoint = named.get((method, head))
        if endpoint is None or "Expect" in request.headers:
            return others(request)
        return endpoint(request, last)

    return find


async def _go_on(request: web.Request) -> None:
    """Tell a client that asks first to send its body; any other expectation is passed over,
    where aiohttp would refuse it with an error of its own form."""
    expected = request.headers.get("Expect", "")
    if request.version == HttpVersion11 and expected.lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # it is no part of the answer
        request.writer.output_size = 0


def _endpoint(
    route: Route,
    name: str,
    error_form: _ErrorForm,
    shared: Shared,
    guard: Guard,
    *,
    app: web.Application,
) -> Endpoint:
    """The handler behind the guard, with every error in the form of the interface `name`."""
    engine = shared.engine
    handler, scope = route.handler, route.scope
    changes = route.changes
    same_site = changes or route.stream or route.websocket
    where = f"{name} {route.method} {route.path}"
    # a page that looks every second would fill the list that it shows
    listed = "/dashboard/" not in route.path

    under_way, log = shared.under_way, shared.log

    def admit(call: Call) -> Caller:
        """Who makes the request, by the keys and the configuration of now."""
        config = engine.config
        if config.allowed_origins or call.headers is not None:
            call.headers = _headers_for_page(guard.allowed_page(call.request, config))
        return guard.check(call.request, config, scope=scope, same_site=same_site, changes=changes)

    def renew(call: Call) -> None:
        call.renew(admit(call))

    async def endpoint(request: web.Request, last: str | None = None) -> web.StreamResponse:
        call = Call(request, engine, app, last)
        began = time.perf_counter()
        try:
            if begun(request):
                # who sends many requests at once lets others have their turn between them
                await asyncio.sleep(0)
            call.caller = admit(call)
            if call.caller.keyed:
                shown(request)
            under_way.begin(call, renew)
            response = await handler(call)
        except ConnectionError:
            # the client has left: there is nobody to answer
            raise
        except Exception as error:  # noqa: BLE001 - each is told, what nobody expected is logged
            response = error_form(call, _told(error, where))
        finally:
            under_way.end(call)
        if call.headers is not None and not response.prepared:
            response.headers.update(call.headers)
        if request.headers.get("User-Agent", "").startswith("curl/"):
            end_line(response)
        if listed:
            log.add(
                request.method,
                request.path,
                at_ms=engine.clock.now_ms(),
                status=response.status,
                seconds=time.perf_counter() - began,
                caller=call.caller.name,
            )
        return response

    return endpoint


def _elsewhere(
    contents: Contents, shared: Shared, guard: Guard, prefix: str, app: web.Application
) -> Endpoint:
    """Answers whatever no route takes: OPTIONS, wrong methods, unknown paths."""
    # made for the first who needs them: a start does without
    patterns = lru_cache(maxsize=1)(partial(_patterns, contents.routes, prefix))
    engine = shared.engine

    async def endpoint(request: web.Request, _: str | None = None) -> web.StreamResponse:
        call = Call(request, engine, app)
        path = request.rel_url.path_safe
        try:
            if begun(request):
                await asyncio.sleep(0)
            call.headers = _headers_for_page(guard.allowed_page(request, engine.config))
            guard.check(request, engine.config, scope=Scope.OPEN, same_site=False)
            if request.method == "OPTIONS" and call.headers is not None:
                return _preflight(request, call.headers)
            allowed = next((found for form, found in patterns() if form.fullmatch(path)), None)
            if allowed is None:
                setting = shared.turned_off(path)
                if setting is not None:
                    raise RobotqError("turned_off", path=path[:200], setting=setting)
                raise RobotqError("not_found", path=path[:200])
            if request.method != "OPTIONS":
                raise RobotqError(
                    "method_not_allowed", method=request.method, path=path[:200], allowed=allowed
                )
            response: web.StreamResponse = web.Response(status=204, headers={"Allow": allowed})
        except RobotqError as error:
            response = contents.error(call, error)
        response.headers.update(call.headers or {})
        if request.headers.get("User-Agent", "").startswith("curl/"):
            end_line(response)
        return response

    return endpoint


def _told(error: Exception, where: str) -> RobotqError:
    """What the client is told; the log has the rest of what nobody expected."""
    if isinstance(error, RobotqError):
        return error
    if isinstance(error, ConfigError):
        return RobotqError("bad_parameter", field="configuration", reason=str(error))
    return fault(error, where)


def _headers_for_page(origin: str | None) -> Mapping[str, str] | None:
    """What lets a page of an allowed origin read the answer; None where no such page asks."""
    if origin is None:
        return None
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def _preflight(request: web.Request, headers: Mapping[str, str]) -> web.Response:
    """What a browser asks before it lets a page of an allowed origin send a request."""
    wanted = request.headers.get("Access-Control-Request-Headers", "")
    if not _HEADER_NAMES.fullmatch(wanted):
        wanted = "Content-Type"
    answered = {
        **headers,
        "Allow": _ANY_METHOD,
        "Access-Control-Allow-Methods": _ANY_METHOD,
        "Access-Control-Allow-Headers": wanted,
        "Access-Control-Max-Age": "600",
    }
    return web.Response(status=204, headers=answered)


def _has_head(route: Route) -> bool:
    """HEAD is GET without its body. Of a GET that changes something nobody would get it."""
    return route.method == "GET" and not route.stream and not route.changes


def _patterns(routes: Sequence[Route], prefix: str) -> Sequence[tuple[re.Pattern[str], str]]:
    """The form of each path, and its methods as the header Allow names them."""
    methods: dict[str, set[str]] = {}
    for route in routes:
        allowed = methods.setdefault(route.path, {"OPTIONS"})
        allowed.add(route.method)
        if _has_head(route):
            allowed.add("HEAD")
    return [(_form(prefix, path), ", ".join(sorted(allowed))) for path, allowed in methods.items()]


def _form(prefix: str, path: str) -> re.Pattern[str]:
    form = re.sub(r"\\{\w+\\}", "[^{}/]+", re.escape(path))
    root = "/?" if prefix and path == "/" else form
    return re.compile(re.escape(prefix) + root)
