"""What a route is. The tables of routes drive the application, its scopes and its docs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import web
from pydantic import BaseModel

from robotq.api.call import Call
from robotq.api.scopes import Scope

Handler: TypeAlias = Callable[[Call], Awaitable[web.StreamResponse]]

COMMON_ERRORS = (
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    """Parts in braces are named parts, each up to the next slash."""
    handler: Handler
    scope: Scope
    summary: str
    """One sentence for the docs."""
    query: type[BaseModel] | None = None
    request: type[BaseModel] | None = None
    """The body; None where there is none."""
    response: type[BaseModel] | None = None
    """The body of a 200 answer; None where it is not one JSON object."""
    errors: tuple[str, ...] = ()
    """Codes of `model.errors` that this route answers with, besides `COMMON_ERRORS` and, where
    it reads a body, `BODY_ERRORS`."""
    stream: bool = False
    """The answer goes on for as long as the client listens."""

    @property
    def changes(self) -> bool:
        """Whether it can change anything."""
        return self.method not in ("GET", "HEAD", "OPTIONS")
