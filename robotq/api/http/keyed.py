"""The `Idempotency-Key` of a request, the same for every interface."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import orjson

from robotq.api.http.call import Call
from robotq.api.http.routes import RequestHeader
from robotq.engine.intake.idempotency import KeyedRequest
from robotq.model.errors import RobotqError

_KEY = re.compile(r"[!-~]{1,255}")

IDEMPOTENCY_KEY = RequestHeader(
    name="Idempotency-Key",
    text="Repeating a submit with the same key and body gives the first answer again, and "
    "nothing runs twice. A key counts until a day after its tasks have ended. Of queued "
    "commands: one that acts at once acts each time.",
    schema={"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
)

KEYED_ERRORS = ("idempotency_conflict", "task_not_found")
"""Errors of a route that takes a key and answers with the task of it."""

REPLAYED = {"Idempotency-Replayed": "true"}
"""The header of an answer that was given before."""


def keyed_request(call: Call, api: str, body: Any) -> KeyedRequest | None:
    """None where the request has no key. `body` is its content as JSON values.

    Raises RobotqError bad_parameter where the key is malformed.
    """
    key = call.request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise RobotqError(
            "bad_parameter",
            field="Idempotency-Key",
            reason="expected 1 to 255 visible ASCII characters",
        )
    content = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return KeyedRequest(
        scope=f"{api}:{call.caller.name}", key=key, fingerprint=hashlib.sha256(content).hexdigest()
    )
