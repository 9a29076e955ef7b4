"""What submitters and workers send, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robotq.api.http.errors import Refused
from robotq.config import DispatcherConfig
from robotq.model.errors import RobotqError
from robotq.model.job import JobEnding, failed_with, succeeded
from robotq.model.json import JsonObject
from robotq.model.json.text import parse_json

NAME = 200
"""Characters of the name of a group or a model."""
DEFAULT = "default"
"""The group and the model of a task that names none."""
UNKNOWN = "Unknown error"
"""Why a task failed, where its worker does not say so."""

_TASK_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A task as somebody wants it done."""

    payload: JsonObject
    """As its worker gets it: model, and of messages and data what was sent."""
    group: str
    timeout_s: float
    waits: bool
    """The answer is the result; else where to ask for it."""


def wanted(body: Any, config: DispatcherConfig) -> Wanted:
    """Raises Refused."""
    if not isinstance(body, dict) or not (_given(body.get("data")) or _given(body.get("messages"))):
        raise Refused(400, "Invalid request: data or messages required")
    payload: dict[str, Any] = {"model": _name(body, "model")}
    payload |= {key: body[key] for key in ("messages", "data") if key in body}
    return Wanted(
        payload=payload,
        group=_name(body, "group"),
        timeout_s=_timeout_s(body.get("timeout"), config),
        waits=body.get("async") is not True,
    )


def group(query: Mapping[str, str]) -> str:
    """Raises Refused."""
    return _name(query, "group")


def task_id(value: Any) -> str | None:
    """The id of a task; None for anything that is none."""
    return value if isinstance(value, str) and _TASK_ID.fullmatch(value) else None


def message(raw: bytes) -> Mapping[str, Any] | None:
    """What a worker says; None where nobody can know."""
    try:
        found = parse_json(raw)
    except RobotqError:
        return None
    return found if isinstance(found, dict) else None


def ending(said: Mapping[str, Any]) -> JobEnding | None:
    """How a task ended, as its worker tells; None where the message is about something else."""
    match said.get("type"):
        case "task_complete" | "taskResult":
            return succeeded(said.get("result"))
        case "task_error":
            return failed_with(_reason(said.get("error")), said.get("result"))
        case _:
            return None


def duration_ms(said: Mapping[str, Any]) -> float | None:
    """How long a worker says that it took."""
    found = said.get("duration")
    return found if found is not None and _is_number(found) and found >= 0 else None


def token(said: Mapping[str, Any]) -> int | None:
    found = said.get("token")
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _given(value: Any) -> bool:
    # the document's own clients are programs in JavaScript: an empty object is something there
    return isinstance(value, dict | list) or bool(value)


def _name(source: Mapping[str, Any], key: str) -> str:
    value = source.get(key)
    if value is None or value == "":
        return DEFAULT
    if not isinstance(value, str):
        raise Refused(400, f"Invalid request: {key} must be a string")
    if len(value) > NAME:
        raise Refused(400, f"Invalid request: {key} too long (max {NAME} characters)")
    return value


def _timeout_s(value: Any, config: DispatcherConfig) -> float:
    if value is None:
        asked_s = config.timeout_s
    elif _is_number(value):
        asked_s = value / 1000
    else:
        raise Refused(400, "Invalid request: timeout must be a number of milliseconds")
    return min(max(asked_s, config.min_timeout_s), config.max_timeout_s)


def _reason(value: Any) -> str:
    if value is None or value == "":
        return UNKNOWN
    return value if isinstance(value, str) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
