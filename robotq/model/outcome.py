"""How an ended task is told: its result, or what went wrong, in the reader's language."""

from __future__ import annotations

from typing import Any

from robotq.model.carried.stopped_at import stopped_at_in, stopped_at_text
from robotq.model.errors import ERROR_CODES, error_text
from robotq.model.task import Task, TaskError
from robotq.model.texts import Language, text

LAST = "finally"
"""Under which an error and a result say what became of the steps of `finally`."""


def result_view(task: Task, language: Language) -> dict[str, Any] | None:
    """The result of an ended task; a failed one's says why. None before the end."""
    if not task.state.final:
        return None
    result = dict(task.result or {})
    result.pop("success", None)
    message = result.pop("message", None)
    if task.error is None:
        told = (
            text(str(message), result, language)
            if message is not None
            else text("done", {"cmd_type": task.command.cmd_type}, language)
        )
        return {"success": True, "message": told, **result}
    return {"success": False, **error_view(task.error, language), **result}


def error_view(error: TaskError, language: Language) -> dict[str, Any]:
    """`{code, error_code, message}`; a code that only a driver from elsewhere knows is a device
    error in its own words."""
    row = ERROR_CODES.get(error.code)
    if row is None:
        reason = error.args.get("reason", error.code)
        told = error_text("device_error", {**error.args, "reason": reason}, language)
        told = _with_place(told, error, language)
        return {
            "code": ERROR_CODES["device_error"].number,
            "error_code": error.code,
            "message": told,
        }
    return {
        "code": row.number,
        "error_code": row.name,
        "message": _with_place(error_text(row.name, error.args, language), error, language),
    }


def _with_place(told: str, error: TaskError, language: Language) -> str:
    """And where its program was, and what became of its last steps."""
    at = stopped_at_in(error.args)
    last = _last_text(error.args.get(LAST), language)
    place = "" if at is None else stopped_at_text(at, language)
    return " ".join(filter(None, (told.rstrip() if place or last else told, place, last)))


def _last_text(last: Any, language: Language) -> str:
    state = last.get("state") if isinstance(last, dict) else None
    if state not in ("failed", "not_run"):
        return ""
    return text(f"finally.{state}", {"reason": str(last.get("reason", ""))}, language)
