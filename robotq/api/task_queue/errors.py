"""The one form of errors: `{"error": text}`, English as in the document."""

from __future__ import annotations

from aiohttp import web

from robotq.api.http.call import Call
from robotq.api.http.errors import Refused, headers_of
from robotq.model.errors import RobotqError
from robotq.wire.remote_work import task_queue as wire


def error_form(call: Call, error: RobotqError) -> web.StreamResponse:
    if isinstance(error, Refused):
        return call.answer(wire.Error(error=str(error)), error.status)
    return call.answer(wire.Error(error=_text(error)), error.code.http_status, headers_of(error))


def _text(error: RobotqError) -> str:
    match error.code.name:
        case "task_not_found":
            return "Task not found"
        case "not_found":
            return "Not found"
        case "method_not_allowed":
            return f"Method not allowed; allowed: {error.args_['allowed']}"
        case "wrong_state" if "state" in error.args_:
            return f"The task is {error.args_['state']} already; this result is not taken"
        case _:
            return str(error)
