"""One request on its way through the daemon."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from robotq.api.access.guard import NOBODY, Caller
from robotq.api.access.scopes import allows
from robotq.api.http import body as jsonbody
from robotq.api.http.errors import Body, json_response
from robotq.api.http.language import preferred
from robotq.engine.engine import Engine
from robotq.model.errors import RobotqError
from robotq.model.texts import Language

_LANGUAGES = {language.value: language for language in Language}
_PERSON = "person"
"""Asked of a caller in place of a scope: that they are no program that decides by itself."""
_Model = TypeVar("_Model", bound=BaseModel)


class Call:
    """A request, who makes it, and how to answer it."""

    __slots__ = ("_asked", "app", "caller", "engine", "headers", "request")

    def __init__(self, request: web.Request, engine: Engine, app: web.Application) -> None:
        self.request = request
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
        return self.request.match_info[name]

    def json(self, *, unique: bool = False) -> Awaitable[Any]:
        """The body as JSON. `unique`: no key may stand twice in an object. Raises RobotqError
        bad_json, body_too_large, bad_parameter."""
        limit = self.engine.config.limits.body_bytes
        return jsonbody.read_json(self.request, limit, unique=unique)

    async def bytes(self) -> bytes:
        """The body as it is. Raises RobotqError bad_json where it does not come to its end,
        body_too_large."""
        return await jsonbody.read_bytes(self.request, self.engine.config.limits.body_bytes)

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
