"""The one form of every answer, errors too: success, data, error, timestamp."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from robotq.api.http.call import Call
from robotq.model.errors import RobotqError

_CODES = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    429: "RATE_LIMIT_EXCEEDED",
    503: "SERVICE_UNAVAILABLE",
}
"""Every other status is INTERNAL_ERROR."""

CODES = (*_CODES.values(), "INTERNAL_ERROR")


class Refused(Exception):
    """A request that is answered with an error of this interface's own words."""

    def __init__(self, status: int, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.details = details


def invalid(field: str, message: str) -> Refused:
    """What is wrong with one field of a request."""
    return Refused(400, "Invalid input data", {"field": field, "message": message})


def done(call: Call, data: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    return call.answer(_envelope(call, data=data), headers=headers)


def refused(call: Call, refusal: Refused) -> web.Response:
    error: dict[str, Any] = {
        "code": _CODES.get(refusal.status, "INTERNAL_ERROR"),
        "message": str(refusal),
    }
    if refusal.details is not None:
        error["details"] = refusal.details
    return call.answer(_envelope(call, error=error), refusal.status)


def error_form(call: Call, error: RobotqError) -> web.StreamResponse:
    """Any error of the engine in the envelope, in English as in the document."""
    status = error.code.http_status
    headers: dict[str, str] = {}
    body: dict[str, Any] = {"code": _CODES.get(status, "INTERNAL_ERROR"), "message": str(error)}
    match error.code.name:
        case "bad_json" | "bad_parameter" | "missing_parameter":
            field = str(error.args_.get("field", "body"))
            text = str(error.args_.get("reason", error))
            if error.code.name == "missing_parameter":
                text = f"Missing required field: {field}"
            body["message"] = "Invalid input data"
            body["details"] = {"field": field, "message": text}
        case "unauthorized":
            body["message"] = "Invalid or missing API key"
            headers["WWW-Authenticate"] = 'Bearer realm="robotq"'
        case "task_not_found":
            body["message"] = f"Task not found: {error.args_['task_id']}"
        case "method_not_allowed":
            headers["Allow"] = str(error.args_["allowed"])
        case _:
            pass
    if status == 503 and error.code.retry:
        headers["Retry-After"] = "1"
    return call.answer(_envelope(call, error=body), status, headers)


def rfc3339(at_ms: int) -> str:
    """`2024-01-01T10:00:00Z`"""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _envelope(call: Call, *, data: Any = None, error: Any = None) -> dict[str, Any]:
    return {
        "success": error is None,
        "data": data,
        "error": error,
        "timestamp": rfc3339(call.engine.clock.now_ms()),
    }
