"""The one form of every answer, errors too: success, data, error, timestamp."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.http.errors import Refused, headers_of
from robotq.api.http.times import rfc3339
from robotq.model.errors import RobotqError
from robotq.wire.remote_work import orchestrator as wire

_INVALID = "Invalid input data"


def invalid(field: str, message: str) -> Refused:
    """What is wrong with one field of a request."""
    return Refused(400, _INVALID, details={"field": field, "message": message})


def done(call: Call, data: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    now = rfc3339(call.engine.clock.now_ms())
    envelope = wire.Envelope(success=True, data=data, error=None, timestamp=now)
    return call.answer(envelope, headers=headers)


def error_form(call: Call, error: RobotqError) -> web.StreamResponse:
    """Any error in the envelope, in English as in the document."""
    if isinstance(error, Refused):
        return _refused(call, error.status, str(error), error.details, error.headers)
    message, details = str(error), None
    match error.code.name:
        case "bad_json" | "bad_parameter" | "missing_parameter":
            field = str(error.args_.get("field", "body"))
            text = str(error.args_.get("reason", error))
            if error.code.name == "missing_parameter":
                text = f"Missing required field: {field}"
            message, details = _INVALID, {"field": field, "message": text}
        case "unauthorized":
            message = "Invalid or missing API key"
        case "task_not_found":
            message = f"Task not found: {error.args_['task_id']}"
        case _:
            pass
    return _refused(call, error.code.http_status, message, details, headers_of(error))


def _refused(
    call: Call,
    status: int,
    message: str,
    details: Mapping[str, Any] | None,
    headers: Mapping[str, str] | None,
) -> web.Response:
    body = wire.Error(
        success=False,
        data=None,
        error=wire.Problem(
            code=wire.CODES.get(status, "INTERNAL_ERROR"), message=message, details=details
        ),
        timestamp=rfc3339(call.engine.clock.now_ms()),
    )
    return call.answer(body, status, headers)
