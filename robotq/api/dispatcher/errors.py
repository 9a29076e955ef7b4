"""The one form of errors: `{"error": text}`."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from robotq.api.http.call import Call
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject

NOT_FOUND = "Task not found or expired"

ERROR: JsonObject = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
    "additionalProperties": False,
}

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


class Refused(Exception):
    """A request that is answered with an error of this interface's own words."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def refused(call: Call, refusal: Refused) -> web.Response:
    return call.answer({"error": str(refusal)}, refusal.status, refusal.headers)


def error_form(call: Call, error: RobotqError) -> web.StreamResponse:
    """Any error of the engine in this form, in English as in the document."""
    status = error.code.http_status
    headers: dict[str, str] = {}
    match status:
        case 401:
            headers["WWW-Authenticate"] = 'Bearer realm="robotq"'
        case 405:
            headers["Allow"] = str(error.args_["allowed"])
        case 503 if error.code.retry:
            headers["Retry-After"] = "1"
    text = _TEXTS.get(error.code.name) or str(error)
    return call.answer({"error": text}, status, headers)
