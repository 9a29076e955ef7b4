"""What a route is. The tables of routes drive the application, its scopes and its docs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import msgspec
from aiohttp import web
from pydantic import BaseModel

from robotq.api.http.call import Call
from robotq.model.json import JsonObject

Handler: TypeAlias = Callable[[Call], Awaitable[web.StreamResponse]]

Shape: TypeAlias = Any
"""A type of `robotq.wire`: an `Answer`, or several between which it is one."""

COMMON_ERRORS = (
    "bad_parameter",
    "cross_site",
    "unauthorized",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "internal_error",
)
"""Errors that every route can answer with."""

BODY_ERRORS = ("bad_json", "body_too_large", "missing_parameter", "bad_parameter")
"""Errors of every route that reads a body."""


JSON_TYPE = "application/json"
EVENT_STREAM = "text/event-stream"


class RequestHeader(msgspec.Struct, frozen=True, kw_only=True):
    """A header of the request that a route takes notice of."""

    name: str
    text: str
    """What it does, for the docs."""
    schema: JsonObject
    """JSON Schema of its value."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path."""

    method: str
    path: str
    """Parts in braces are named parts, each up to the next slash."""
    handler: Handler
    scope: str
    """One of `Scope`, or `worker_scope(queue)`."""
    summary: str
    """One sentence for the docs."""
    query: type[BaseModel] | None = None
    headers: tuple[RequestHeader, ...] = ()
    request: type[BaseModel] | None = None
    """The body; None where there is none."""
    forgiving: bool = False
    """A body of another shape is passed over and not refused."""
    body_errors: tuple[str, ...] = BODY_ERRORS
    """Codes for a body that cannot be taken."""
    status: int = 200
    """Of a success."""
    response: Shape | None = None
    """The body of a success; None where it is not JSON. Of a stream: each event."""
    responses: tuple[Shape, ...] = ()
    """Other shapes that the body of a 200 answer can have."""
    answers: Mapping[int, Shape] = msgspec.field(default_factory=dict)
    """Status other than 200 -> what it says where it is not the one form of errors."""
    media_type: str = JSON_TYPE
    """Of a 200 answer; where it is a family, each member of it says its own."""
    websocket: bool = False
    """It becomes a connection over which both sides send messages."""
    acts: bool = False
    """A GET that changes something all the same: it is refused to pages of other sites like
    every change, and has no HEAD."""
    errors: tuple[str, ...] = ()
    """Codes of `model.errors` that this route answers with, besides `COMMON_ERRORS`, where it
    reads a body `body_errors`, and where its query has to say something `missing_parameter`."""

    @property
    def stream(self) -> bool:
        """Whether the answer goes on for as long as the client listens."""
        return self.media_type == EVENT_STREAM

    @property
    def changes(self) -> bool:
        """Whether it can change anything: by its method, or as the table says."""
        return self.acts or self.method not in ("GET", "HEAD", "OPTIONS")

    @property
    def error_codes(self) -> tuple[str, ...]:
        """Every code of `model.errors` that this route answers with, each once."""
        of_body = () if self.request is None or self.forgiving else self.body_errors
        fields = () if self.query is None else self.query.model_fields.values()
        of_query = ("missing_parameter",) if any(one.is_required() for one in fields) else ()
        return tuple(dict.fromkeys((*self.errors, *of_query, *of_body, *COMMON_ERRORS)))


IDEMPOTENCY_KEY = RequestHeader(
    name="Idempotency-Key",
    text="Repeating a submit with the same key and body gives the first answer again, and "
    "nothing runs twice. A key counts until a day after its tasks have ended. Of queued "
    "commands: one that acts at once acts each time.",
    schema={"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
)

KEYED_ERRORS = ("idempotency_conflict", "task_not_found")
"""Errors of a route that takes a key and answers with the task of it."""

REPLAYED = {"Idempotency-Replayed": "true"}
"""The header of an answer that was given before."""
