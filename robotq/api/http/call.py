"""One request on its way through the daemon: who makes it, what came with it, the answer."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from robotq.api.access.guard import NOBODY, Caller
from robotq.api.access.scopes import allows
from robotq.api.http.errors import Body, json_response
from robotq.api.http.language import preferred
from robotq.engine.engine import Engine
from robotq.engine.intake.idempotency import KeyedRequest
from robotq.model.errors import RobotqError
from robotq.model.json.text import parse_json, parse_unique
from robotq.model.texts import Language

_LANGUAGES = {language.value: language for language in Language}
_PERSON = "person"
"""Asked of a caller in place of a scope: that they are no program that decides by itself."""
_KEY = re.compile(r"[!-~]{1,255}")
_BODY_S = 30.0
"""Wall seconds in which a body has to arrive."""
_LARGE = 65_536
"""Bytes of a body from which on its keys are looked at on a thread."""
_Model = TypeVar("_Model", bound=BaseModel)


class Call:
    """A request, who makes it, and how to answer it."""

    __slots__ = ("_asked", "_last", "app", "caller", "engine", "headers", "request")

    def __init__(
        self,
        request: web.Request,
        engine: Engine,
        app: web.Application,
        last: str | None = None,
    ) -> None:
        """`last`: the only named part of the path, where aiohttp's router was not asked."""
        self.request = request
        self._last = last
        self.engine = engine
        self.app = app
        """Where the services of its interface stand."""
        self.caller = NOBODY
        self._asked: set[str] = set()
        """What the handler has asked of the caller: scopes, and `_PERSON`."""
        self.headers: Mapping[str, str] | None = None
        """What a page of an allowed origin needs to find in every answer."""

    @property
    def actor(self) -> str:
        """The name under which the journal keeps what this request does."""
        return self.caller.name

    @property
    def account(self) -> str:
        """Whose requests count together: a name that anybody can say makes nobody another one."""
        return self.caller.account or self.caller.name

    @property
    def language(self) -> Language:
        """The language of every text in the answer."""
        header = self.request.headers.get("Accept-Language")
        wanted = preferred(header) if header is not None else None
        return wanted or _LANGUAGES[self.engine.config.language]

    def still_there(self) -> bool:
        """Whether the client has not gone away, as far as is known."""
        transport = self.request.transport
        return transport is not None and not transport.is_closing()

    def require(self, scope: str) -> None:
        """Raises RobotqError forbidden where the caller lacks this scope; for what the body
        decides about."""
        self._asked.add(scope)
        if not allows(self.caller.scopes, scope):
            raise RobotqError("forbidden", scope=scope)

    def renew(self, caller: Caller) -> None:
        """Who makes the request by the keys of now: it counts for all that is still to be
        decided. Raises RobotqError forbidden where something that was decided would not be
        allowed any more, and the request has not come to its end."""
        lost = [one for one in self._asked if not _allowed(caller, one)]
        if lost:
            raise RobotqError("forbidden", scope=lost[0])
        self.caller = caller

    def refuse_agents(self, action: str) -> None:
        """What a person has to decide is not decided by a program. Raises RobotqError
        person_needed."""
        self._asked.add(_PERSON)
        if self.caller.agent:
            raise RobotqError("person_needed", action=action)

    def path(self, name: str) -> str:
        """A part of the path, decoded."""
        return self.request.match_info[name] if self._last is None else self._last

    def is_here(self, limit_bytes: int) -> bool:
        """Whether the body has come already, as of nearly every request, and has no more bytes
        than that."""
        content = self.request.content
        return content.is_eof() and content.total_bytes <= limit_bytes

    async def json(self, *, unique: bool = False) -> Any:
        """The body as JSON, whatever the Content-Type says; an empty one is `{}`. `unique`: no key
        may stand twice in an object.

        Refused are NaN and Infinity, numbers beyond a double, invalid UTF-8 and deep nesting.
        Raises RobotqError bad_json, body_too_large; with `unique` bad_parameter.
        """
        raw = await self.bytes()
        try:
            if not unique:
                return parse_json(raw)
            if len(raw) > _LARGE:
                return await asyncio.to_thread(parse_unique, raw)
            return parse_unique(raw)
        except RobotqError as error:
            packed = coding_of(self.request)
            if packed == "identity" or error.code.name != "bad_json":
                raise
            reason = f"{error.args_['reason']}; unpacked ({packed}) it has {len(raw)} bytes"
            raise RobotqError("bad_json", reason=reason) from error

    async def bytes(self) -> bytes:
        """The body as it is. Raises RobotqError bad_json where it does not come to its end,
        body_too_large."""
        request, limit_bytes = self.request, self.engine.config.limits.body_bytes
        content = request.content
        try:
            if content.is_eof():
                # all of it is here, as of nearly every request
                raw = content.read_nowait()
            else:
                raw = await _arriving(request, limit_bytes)
        except web.HTTPRequestEntityTooLarge as error:
            raise RobotqError("body_too_large", limit_bytes=limit_bytes) from error
        except TimeoutError as error:
            raise RobotqError(
                "bad_json", reason=f"it did not arrive within {_BODY_S:g} seconds"
            ) from error
        except web.RequestPayloadError as error:
            # nothing more comes of it: whoever looks for its end must not find the error again
            content.feed_eof()
            if request.protocol is not None:
                request.protocol.close()
            raise RobotqError("bad_json", reason=not_to_its_end(request)) from error
        if len(raw) > limit_bytes:
            raise RobotqError("body_too_large", limit_bytes=limit_bytes)
        return raw

    def keyed(self, api: str, body: Any) -> KeyedRequest | None:
        """The request with its Idempotency-Key; None where it has none. `body` is its content as
        JSON values.

        Raises RobotqError bad_parameter where the key is malformed.
        """
        key = self.request.headers.get("Idempotency-Key")
        if key is None:
            return None
        if not _KEY.fullmatch(key):
            raise RobotqError(
                "bad_parameter",
                field="Idempotency-Key",
                reason="expected 1 to 255 visible ASCII characters",
            )
        content = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        return KeyedRequest(
            scope=f"{api}:{self.account}",
            key=key,
            fingerprint=hashlib.sha256(content).hexdigest(),
        )

    async def body(self, model: type[_Model]) -> _Model:
        """The body as a JSON object of this shape.

        Raises RobotqError bad_json, body_too_large, missing_parameter, bad_parameter.
        """
        return validated(model, await self.json(unique=True))

    def query(self, model: type[_Model]) -> _Model:
        """The query of this shape; parameters that nobody knows are passed over.

        Raises RobotqError bad_parameter.
        """
        return validated(model, dict(self.request.query))

    def answer(
        self, body: Body, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        return json_response(body, status, headers)


async def _arriving(request: web.Request, limit_bytes: int) -> bytes:
    announced = request.content_length
    if announced is not None and announced > limit_bytes:
        raise RobotqError("body_too_large", limit_bytes=limit_bytes)
    async with asyncio.timeout(_BODY_S):
        return await request.read()


def _allowed(caller: Caller, asked: str) -> bool:
    return not caller.agent if asked == _PERSON else allows(caller.scopes, asked)


def validated(model: type[_Model], value: Any) -> _Model:
    """`value` as `model`. Raises RobotqError missing_parameter, bad_parameter, which name the
    first field that is wrong and list all of them."""
    if not isinstance(value, dict):
        raise RobotqError("bad_parameter", field="body", reason="expected a JSON object")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = [
            {"field": ".".join(str(part) for part in fault["loc"]), "reason": fault["msg"]}
            for fault in error.errors(include_url=False, include_input=False)
        ]
        kind = error.errors(include_url=False)[0]["type"]
        code = "missing_parameter" if kind == "missing" else "bad_parameter"
        raise RobotqError(code, **faults[0], faults=faults) from error


def is_large(request: web.Request, limit_bytes: int) -> bool:
    """Whether more may come than that; what is packed says it only when it is unpacked."""
    announced = request.content_length
    packed = request.headers.get("Content-Encoding", "identity")[:20] != "identity"
    return packed or announced is None or announced > limit_bytes


def coding_of(request: web.BaseRequest) -> str:
    """How the body is packed, as its header says; identity where it is not."""
    return request.headers.get("Content-Encoding", "identity")[:20]


def not_to_its_end(request: web.BaseRequest) -> str:
    """Why a body could not be read."""
    coding = coding_of(request)
    if coding == "identity":
        return "it could not be read to its end"
    return f"it says that it is packed ({coding}), and cannot be unpacked"
