"""The one form of errors: `{"error": text}`."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.http.errors import Refused, headers_of
from robotq.model.errors import RobotqError
from robotq.wire.remote_work import dispatcher as wire

NOT_FOUND = "Task not found or expired"

_TEXTS: Mapping[str, str] = {
    "bad_json": "Invalid request: invalid JSON",
    "body_too_large": "Invalid request: body too large",
    "task_not_found": NOT_FOUND,
    "queue_full": "Queue is full",
    "queue_bytes_full": "Queue is full",
    "not_found": "Not found",
    "method_not_allowed": "Method not allowed",
    "unauthorized": "Unauthorized",
}
"""Code of `model.errors` -> what is said here; every other says its own English text."""


def error_form(call: Call, error: RobotqError) -> web.StreamResponse:
    """Any error in this form, in English as in the document."""
    if isinstance(error, Refused):
        return call.answer(wire.Error(error=str(error)), error.status, error.headers)
    text = _TEXTS.get(error.code.name) or str(error)
    return call.answer(wire.Error(error=text), error.code.http_status, headers_of(error))
