"""Answers on the wire, and the one form of every refusal and every fault."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
import orjson
from aiohttp import web

from robotq.model.errors import RobotqError
from robotq.model.json.known import EMBED, KNOWN, KnownText, embedded
from robotq.model.texts import Language
from robotq.wire.base import Answer, opened
from robotq.wire.service import Error

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


Body: TypeAlias = Answer | Mapping[str, Any]


def _elsewhere(value: Any) -> Any:
    """For msgspec: what is none of its types."""
    if isinstance(value, KnownText):
        return msgspec.Raw(value.json)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


_encode = msgspec.json.Encoder(enc_hook=_elsewhere).encode


def encoded(body: Body) -> bytes:
    """The JSON of an answer: a shape, or a mapping in which shapes may stand."""
    if isinstance(body, Answer):
        return _encode(body)
    return orjson.dumps(body, default=_within, option=EMBED)


def part(value: Any) -> Any:
    """What a shape has from elsewhere; where something in it is large its known JSON is taken."""
    if type(value) is dict and _KNOWN.isdisjoint(map(type, value.values())):
        return value
    return msgspec.Raw(orjson.dumps(value, default=_within, option=EMBED))


def _within(value: Any) -> Any:
    """For orjson: the same, and shapes."""
    if isinstance(value, Answer):
        return orjson.Fragment(_encode(value))
    if isinstance(value, msgspec.Raw):
        return orjson.Fragment(bytes(value))
    return embedded(value)


def error_body(error: RobotqError, language: Language) -> Any:
    """`{success, code, error_code, message}` and the arguments of the error."""
    said = Error(
        success=False,
        code=error.code.number,
        error_code=error.code.name,
        message=error.text(language),
    )
    return opened(said, error.args_)


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
    body: Body, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    headers = _JSON if headers is None else {**_JSON, **headers}
    return web.Response(body=encoded(body), status=status, headers=headers)


def json_bytes(
    content: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An answer that is JSON already."""
    headers = _JSON if headers is None else {**_JSON, **headers}
    return web.Response(body=content, status=status, headers=headers)


def end_line(response: web.StreamResponse) -> None:
    """A line end behind JSON for somebody who types curl: the prompt stands below the answer. A
    file is sent as it is."""
    if not isinstance(response, web.Response) or response.prepared:
        return
    body = response.body
    if (
        isinstance(body, bytes)
        and response.content_type == "application/json"
        and "Content-Disposition" not in response.headers
        and not body.endswith(b"\n")
    ):
        response.body = body + b"\n"


def fault(error: Exception, where: str) -> RobotqError:
    """What a client is told about an exception that nobody expected; the log has the rest."""
    reference = secrets.token_hex(4)
    _log.error("internal error %s in %s", reference, where, exc_info=error)
    return RobotqError("internal_error", reference=reference)


_JSON = {"Content-Type": "application/json"}
_KNOWN = frozenset(KNOWN)
