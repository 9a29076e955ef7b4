"""What the handlers of the task queue interface find on the application."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from robotq import __version__
from robotq.api.openapi import document
from robotq.api.routes import Route
from robotq.model.json import JsonObject

_INFO: JsonObject = {
    "title": "robotq task queue",
    "version": __version__,
    "summary": "Tasks for workers that poll.",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "description": 'Every error is `{"error": text}`.',
}

ERROR: JsonObject = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
}


class Description:
    """The interface as a list of its endpoints and as an OpenAPI document."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self.endpoints: Mapping[str, str] = {
            f"{route.method} {route.path}": route.summary for route in routes
        }
        self._made: JsonObject | None = None

    async def document(self) -> JsonObject:
        if self._made is None:
            self._made = await asyncio.to_thread(
                document, self._routes, info=_INFO, schemas={}, error=ERROR, server="."
            )
        return self._made


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Absolute paths."""

    tasks_dir: str
    results_dir: str


DESCRIPTION = web.AppKey("task_queue_description", Description)
FOLDERS = web.AppKey("task_queue_folders", Folders)
