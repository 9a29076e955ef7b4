"""What the handlers of the checklist interface find on the application."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from robotq import __version__
from robotq.api.openapi import document
from robotq.api.routes import Route
from robotq.model.json import JsonObject

INFO: JsonObject = {
    "title": "robotq checklist",
    "version": __version__,
    "summary": "Items that people work on.",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "description": (
        "Items, batches of them, sessions. An item with a `robot_task_id` is a step in a robot's "
        "queue: the robot waits until its status becomes `completed`, and until then it cannot "
        "be deleted. Every answer carries `X-Request-ID`, which is the client's own where it "
        "sent one, and `X-Process-Time` in seconds."
    ),
}

ERROR: JsonObject = {
    "type": "object",
    "description": "The one form of every refusal and every fault.",
    "required": ["success", "message", "error_code", "details", "request_id"],
    "properties": {
        "success": {"const": False},
        "message": {"type": "string"},
        "error_code": {"enum": ["HTTPException", "InternalServerError", "ValidationError"]},
        "details": {"type": "object"},
        "request_id": {"type": "string"},
    },
}

_UUID: JsonObject = {"type": "string", "format": "uuid"}
SCHEMAS = {"TaskId": _UUID, "BatchId": _UUID}
"""What parts of a path can be."""


class Description:
    """The interface as an OpenAPI document, made when somebody asks for it."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._made: JsonObject | None = None

    async def document(self) -> JsonObject:
        if self._made is None:
            self._made = await asyncio.to_thread(
                document, self._routes, info=INFO, schemas=SCHEMAS, error=ERROR
            )
        return self._made


DESCRIPTION = web.AppKey("checklist_description", Description)
