"""What clients send, read with the texts that they are documented to get.

Every function raises `Refused` for what it cannot take, which names the field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from robotq.api.http.call import Call
from robotq.api.orchestrator.answers import PRIORITIES, STATUS
from robotq.api.orchestrator.errors import invalid
from robotq.model.task import TaskState
from robotq.store.queries import JobOrder

DIRECTORY = 512
"""Characters of a work directory."""
PROMPT = 10_000
"""Characters of a prompt."""
_TAG = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TAGS = 100
WORKER = 100
"""Characters of the name of a worker."""
_PAGE = 1_000
_PAGE_DEFAULT = 100
_LAST_OFFSET = 2**53

_ORDERS = {
    "created_at": JobOrder.ARRIVAL,
    "priority": JobOrder.PRIORITY,
    "status": JobOrder.STATE,
}


async def object_of(call: Call) -> dict[str, Any]:
    """The body, an empty one where there is none. Raises Refused, RobotqError bad_json."""
    body = await call.json()
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise invalid("body", "Expected a JSON object")
    return body


def work_directory(value: Any, field: str = "work_directory") -> str:
    if value is None:
        raise invalid(field, f"Missing required field: {field}")
    if not isinstance(value, str):
        raise invalid(field, "Expected a string")
    if not value.strip():
        raise invalid(field, "Work directory cannot be empty")
    if len(value) > DIRECTORY:
        raise invalid(field, f"Work directory path too long (max {DIRECTORY} characters)")
    if not value.startswith("/"):
        raise invalid(field, "Work directory must be an absolute path")
    if ".." in value.split("/") or "\0" in value:
        raise invalid(field, "Invalid work directory path")
    return value


def prompt(value: Any) -> str:
    if value is None:
        raise invalid("prompt", "Missing required field: prompt")
    if not isinstance(value, str):
        raise invalid("prompt", "Expected a string")
    if not value.strip():
        raise invalid("prompt", "Prompt cannot be empty")
    if len(value) > PROMPT:
        raise invalid("prompt", f"Prompt too long (max {PROMPT} characters)")
    return value


def original_prompt(value: Any) -> str | None:
    """A part of the prompt that the worker had; None where it does not say so."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid("original_prompt", "Expected a string")
    if len(value) > PROMPT:
        raise invalid("original_prompt", f"Prompt too long (max {PROMPT} characters)")
    return value


def priority(value: Any) -> int:
    if value is None:
        return PRIORITIES["medium"]
    found = PRIORITIES.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise invalid("priority", f"Invalid priority: {_shown(value)}")
    return found


def tags(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid("tags", "Expected an array of strings")
    if len(value) > _TAGS:
        raise invalid("tags", f"Too many tags (max {_TAGS})")
    for tag in value:
        _check_tag(tag)
    return value


def metadata(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid("metadata", "Expected an object")
    return value


def worker(value: Any) -> str | None:
    """Who works; None where nobody says so."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise invalid("worker_id", "Expected a string")
    if len(value) > WORKER:
        raise invalid("worker_id", f"Worker id too long (max {WORKER} characters)")
    return value


def reason(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid("reason", "Expected a string")
    if len(value) > PROMPT:
        raise invalid("reason", f"Reason too long (max {PROMPT} characters)")
    return value


def result(value: Any) -> dict[str, Any]:
    """What a worker has found, with all five fields; without any it counts as a success."""
    if value is None:
        value = {"status": "success", "output": "Task completed"}
    if not isinstance(value, dict):
        raise invalid("result", "Expected an object")
    for name in ("status", "output", "error"):
        if value.get(name) is not None and not isinstance(value[name], str):
            raise invalid(f"result.{name}", "Expected a string")
    details = value.get("details")
    if details is not None and not isinstance(details, dict):
        raise invalid("result.details", "Expected an object")
    duration = value.get("duration")
    if duration is not None and (
        isinstance(duration, bool) or not isinstance(duration, int | float) or duration < 0
    ):
        raise invalid("result.duration", "Expected milliseconds, 0 or more")
    return {
        "status": "failed" if value.get("status") == "failed" else "success",
        "output": value.get("output"),
        "error": value.get("error"),
        "details": details or {},
        "duration": duration,
    }


def task_id(value: str) -> str:
    """The id in the form in which ids are kept."""
    try:
        return str(UUID(value))
    except ValueError:
        raise invalid("task_id", f"Invalid task ID: {_shown(value)}") from None


# -- queries ---------------------------------------------------------------------------------


def state(query: Mapping[str, str]) -> frozenset[TaskState]:
    word = query.get("status")
    if word is None:
        return frozenset()
    found = {known for known, name in STATUS.items() if name == word.lower()}
    if not found:
        raise invalid("status", f"Invalid status: {_shown(word)}")
    return frozenset(found)


def time_ms(query: Mapping[str, str], name: str) -> int | None:
    """A time of RFC 3339 in milliseconds."""
    word = query.get(name)
    if word is None:
        return None
    try:
        # a plus sign that nobody has encoded arrives as a space
        found = datetime.fromisoformat(word.replace(" ", "+"))
        return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise invalid(name, f"Invalid date: {_shown(word)}; expected RFC 3339") from None


def page(query: Mapping[str, str]) -> tuple[int, int]:
    """Limit and offset."""
    return (
        _number(query, "limit", _PAGE_DEFAULT, 1, _PAGE),
        _number(query, "offset", 0, 0, _LAST_OFFSET),
    )


def order(query: Mapping[str, str]) -> tuple[JobOrder, bool]:
    """What to sort by, and whether the last comes first."""
    by, way = query.get("sort_by", "created_at"), query.get("sort_order", "desc").lower()
    if by not in _ORDERS:
        raise invalid("sort_by", f"Invalid sort field: {_shown(by)}")
    if way not in ("asc", "desc"):
        raise invalid("sort_order", f"Invalid sort order: {_shown(way)}")
    return _ORDERS[by], way == "desc"


def wanted_tags(query: Mapping[str, str]) -> tuple[str, ...]:
    words = [word.strip() for word in query.get("tags", "").split(",")]
    found = [word for word in words if word]
    for tag in found:
        _check_tag(tag)
    return tuple(found)


def seconds(query: Mapping[str, str], name: str, limit: float) -> float:
    try:
        found = float(query.get(name, "0"))
    except ValueError:
        found = -1.0
    if not 0 <= found <= limit:
        raise invalid(name, f"Expected 0 to {limit:g} seconds")
    return found


def _number(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    word = query.get(name)
    if word is None:
        return default
    digits = word.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise invalid(name, f"Invalid {name}: {_shown(word)}")
    if not low <= int(word) <= high:
        raise invalid(name, f"Invalid {name}: {word} (expected {low} to {high})")
    return int(word)


def _check_tag(tag: Any) -> None:
    if not isinstance(tag, str):
        raise invalid("tags", "Expected an array of strings")
    if not tag.strip():
        raise invalid("tags", "Task tag cannot be empty")
    if len(tag) > 100:
        raise invalid("tags", "Task tag too long (max 100 characters)")
    if not _TAG.fullmatch(tag):
        raise invalid(
            "tags",
            "Invalid task tag format (only alphanumeric, underscore and hyphen allowed)",
        )


def _shown(value: Any) -> str:
    return str(value)[:100]
