"""An interface as an OpenAPI document, made when somebody asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from aiohttp import web

from robotq import __version__
from robotq.api.openapi import document
from robotq.api.routes import Route
from robotq.model.json import JsonObject


class Described:
    """The document of an interface's routes; the same one from the first request on."""

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        title: str,
        summary: str,
        description: str,
        error: JsonObject,
        schemas: Mapping[str, JsonObject],
    ) -> None:
        """`error` is the JSON Schema of every error; `schemas` are those of named types."""
        self._routes = routes
        self._info: JsonObject = {
            "title": title,
            "version": __version__,
            "summary": summary,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": description,
        }
        self._error = error
        self._schemas = schemas
        self._made: JsonObject | None = None

    async def document(self) -> JsonObject:
        if self._made is None:
            self._made = await asyncio.to_thread(
                document, self._routes, info=self._info, schemas=self._schemas, error=self._error
            )
        return self._made


DESCRIBED = web.AppKey("described", Described)
