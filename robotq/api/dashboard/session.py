"""The page of the dashboard and its files, which hold nothing that needs a key; and the key of a
browser: taken once, kept in a cookie that scripts cannot read."""

from __future__ import annotations

from aiohttp import web

from robotq.api.access.guard import KEY_COOKIE
from robotq.api.access.scopes import Scope
from robotq.api.dashboard.context import DASHBOARD
from robotq.api.http.bodies.page_file import file_answer
from robotq.api.http.call import Call
from robotq.api.robot.answers.words import words
from robotq.api.robot.models.base import EmptyBody
from robotq.model.errors import RobotqError
from robotq.web.files import PAGE
from robotq.wire.dashboard import You
from robotq.wire.service import Done

_LASTS_S = 30 * 24 * 3600
"""From the last time on for a key that can only read, else from the first."""


async def begin(call: Call) -> web.StreamResponse:
    """Keep the key that comes with this request, and that was found to be valid by then. A key
    that can only read is kept for as long as its page comes back: nobody stands before a wall
    each month to type it in."""
    await call.body(EmptyBody)
    scheme, _, key = call.request.headers.get("Authorization", "").partition(" ")
    if not scheme and call.caller.scopes <= {Scope.READ.value}:
        scheme, key = "bearer", call.request.cookies.get(KEY_COOKIE, "")
    if not key or scheme.lower() != "bearer" or not call.app[DASHBOARD].keyed():
        # whoever needs no key has none that could be kept
        raise RobotqError("unauthorized")
    answer = _done(call, "session_begun")
    answer.set_cookie(
        KEY_COOKIE,
        key.strip(),
        max_age=_LASTS_S,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=_is_encrypted(call.request),
    )
    return answer


async def end(call: Call) -> web.StreamResponse:
    """Forget the key in this browser; it stays valid elsewhere."""
    await call.body(EmptyBody)
    answer = _done(call, "session_ended")
    answer.del_cookie(KEY_COOKIE, path="/", httponly=True, samesite="Strict")
    return answer


def you(call: Call) -> You:
    """The caller as the page needs to know them."""
    return You(
        name=call.caller.name,
        scopes=tuple(sorted(call.caller.scopes)),
        keys=call.app[DASHBOARD].keyed(),
    )


def _done(call: Call, code: str) -> web.Response:
    body = Done(success=True, message=words(code, call.language))
    return call.answer(body, headers={"Cache-Control": "no-store"})


def _is_encrypted(request: web.Request) -> bool:
    # what a proxy says is taken only to make the cookie stricter
    return request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"


async def page(call: Call) -> web.StreamResponse:
    return _answer(call, PAGE)


async def page_file(call: Call) -> web.StreamResponse:
    return _answer(call, f"{call.path('room')}/{call.path('file')}")


def _answer(call: Call, name: str) -> web.Response:
    file = call.app[DASHBOARD].files.get(name)
    if file is None:
        raise RobotqError("not_found", path=call.request.rel_url.path_safe[:200])
    return file_answer(call, file)
