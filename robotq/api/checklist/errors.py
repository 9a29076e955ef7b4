"""The one form of errors, and what is found wrong with a request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from robotq.api.checklist.answers import answer, own_headers, request_id
from robotq.api.http.call import Call
from robotq.api.http.errors import headers_of
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.wire import checklist as wire

_Model = TypeVar("_Model", bound=BaseModel)

_FAULTS = 50
"""Faults that are told of one request."""
_INPUT = 500
"""Characters and values of a wrong input that are told."""
_OFFSET = re.compile(r"\(char (\d+)\)")

_STATUSES = {"bad_json": 422, "missing_parameter": 422, "bad_parameter": 422}


def error_form(call: Call, error: RobotqError) -> web.Response:
    """`{success, message, error_code, details, request_id}`, English as in the document."""
    status = _STATUSES.get(error.code.name, error.code.http_status)
    message, code, details = str(error), "HTTPException", dict[str, Any]()
    match error.code.name:
        case "bad_json":
            message, code = "Validation error", "ValidationError"
            details = {"validation_errors": [_json_fault(str(error.args_["reason"]))]}
        case "missing_parameter" | "bad_parameter":
            message, code = "Validation error", "ValidationError"
            details = {"validation_errors": error.args_.get("validation_errors") or [_fault(error)]}
        case "item_not_found":
            message = f"Task {error.args_['item_id']} not found"
        case "item_batch_not_found":
            message = f"Batch {error.args_['batch_id']} not found"
        case "not_found":
            message = "Not Found"
        case "method_not_allowed":
            message = "Method Not Allowed"
        case "internal_error":
            message, code = "Internal server error", "InternalServerError"
            details = {"reference": error.args_["reference"]}
        case _:
            details = {"code": error.code.name, **error.args_}
    body = wire.Error(
        success=False,
        message=message,
        error_code=code,
        details=details,
        request_id=request_id(call),
    )
    response = answer(body, status)
    response.headers.update({**own_headers(call), **headers_of(error)})
    return response


def validated(model: type[_Model], value: Any, where: str) -> _Model:
    """The part `where` of a request (body, query or path) as `model`.

    Raises RobotqError bad_parameter with every fault, as `error_form` tells them.
    """
    try:
        return model.model_validate(value, from_attributes=True)
    except ValidationError as error:
        raise invalid(error, where) from error


def invalid(error: ValidationError, *where: str) -> RobotqError:
    """What pydantic says of the part `where` of a request."""
    faults = [_told(fault, where) for fault in error.errors(include_url=False)[:_FAULTS]]
    first = faults[0]
    return RobotqError(
        "bad_parameter",
        field=".".join(map(str, first["loc"])),
        reason=first["msg"],
        validation_errors=faults,
    )


def _told(fault: Any, where: Sequence[str]) -> JsonObject:
    told = {
        "type": fault["type"],
        "loc": [*where, *fault["loc"]],
        "msg": fault["msg"],
        "input": _shortened(fault["input"]),
    }
    if "ctx" in fault:
        told["ctx"] = {
            name: str(value) if isinstance(value, Exception) else value
            for name, value in fault["ctx"].items()
        }
    return told


def _json_fault(reason: str) -> JsonObject:
    at = _OFFSET.search(reason)
    return {
        "type": "json_invalid",
        "loc": ["body", int(at[1]) if at else 0],
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": reason},
    }


def _fault(error: RobotqError) -> JsonObject:
    """One that the engine has found."""
    return {
        "type": error.code.name,
        "loc": ["body", str(error.args_.get("field", ""))],
        "msg": str(error),
        "input": None,
    }


def _shortened(value: Any) -> Any:
    """The value, or a note instead where it is long: a fault is told, the request not repeated."""
    left = _INPUT
    parts = [value]
    while parts:
        part = parts.pop()
        left -= 1 + (len(part) if isinstance(part, str | dict | list) else 0)
        if left < 0:
            return "(too long to be repeated)"
        if isinstance(part, dict):
            parts += [*part, *part.values()]
        elif isinstance(part, list):
            parts += part
    return value
