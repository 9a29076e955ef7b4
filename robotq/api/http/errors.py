"""Errors on the wire: one form for every refusal and every fault."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from robotq.model.errors import RobotqError
from robotq.model.known_json import EMBED, embedded
from robotq.model.texts import Language

_log = logging.getLogger(__name__)


class Refused(RobotqError):
    """An error in the words of one interface, which the others do not know."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__("bad_parameter", field="request", reason=message)
        self.args = (message,)
        self.status = status
        self.details = details
        self.headers = headers


RETRY_AFTER_S = 1
"""Seconds after which a client may try again what was refused for a lack of room."""


def error_body(error: RobotqError, language: Language) -> dict[str, Any]:
    """`{success, code, error_code, message}` and the arguments of the error."""
    return {
        "success": False,
        "code": error.code.number,
        "error_code": error.code.name,
        "message": error.text(language),
        **{key: value for key, value in error.args_.items() if key not in _FIXED},
    }


def error_response(error: RobotqError, language: Language) -> web.Response:
    """The answer for an error, with the headers that belong to its status."""
    return json_response(error_body(error, language), error.code.http_status, headers_of(error))


def headers_of(error: RobotqError) -> dict[str, str]:
    """What HTTP wants beside the status of an error, in every interface."""
    match error.code.http_status:
        case 401:
            return {"WWW-Authenticate": 'Bearer realm="robotq"'}
        case 405:
            return {"Allow": str(error.args_["allowed"])}
        case 503 if error.code.retry:
            return {"Retry-After": str(RETRY_AFTER_S)}
        case _:
            return {}


def json_response(
    body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    encoded = orjson.dumps(body, default=embedded, option=EMBED)
    headers = _JSON if headers is None else {**_JSON, **headers}
    return web.Response(body=encoded, status=status, headers=headers)


def json_bytes(
    encoded: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An answer that is JSON already."""
    return web.Response(body=encoded, status=status, headers={**_JSON, **(headers or {})})


def fault(error: Exception, where: str) -> RobotqError:
    """What a client is told about an exception that nobody expected; the log has the rest."""
    reference = secrets.token_hex(4)
    _log.error("internal error %s in %s", reference, where, exc_info=error)
    return RobotqError("internal_error", reference=reference)


_JSON = {"Content-Type": "application/json"}
_FIXED = frozenset({"success", "code", "error_code", "message"})
