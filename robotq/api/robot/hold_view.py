"""Why nothing moves, as the robot interface tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from robotq.api.remembered import Remembered
from robotq.api.robot.times import local_time
from robotq.model.errors import error_text
from robotq.model.hold import Hold, HoldCode, Wait, WaitCode
from robotq.model.json import JsonObject
from robotq.model.texts import Language, text


@dataclass(frozen=True, slots=True)
class _Way:
    """A request that clears a hold."""

    action: str
    path: str
    """May name `{robot}` and `{task_id}`."""
    body: Mapping[str, str]


_RESUME = _Way("resume", "/queue/resume", {"robot_id": "{robot}"})

_WAYS: Mapping[HoldCode, _Way] = {
    HoldCode.PAUSED: _RESUME,
    HoldCode.FAILURE: _RESUME,
    HoldCode.RESTARTED: _RESUME,
    HoldCode.SHUTDOWN: _RESUME,
    HoldCode.MOTION_HELD: _Way("resume_motion", "/robots/{robot}/resume", {}),
    HoldCode.ESTOP: _Way("reset", "/estop/reset", {}),
    HoldCode.OUTCOME_UNKNOWN: _Way(
        "resolve", "/task/{task_id}/resolve", {"outcome": "completed|failed|retry"}
    ),
    HoldCode.DOES_NOT_FIT: _Way("cancel", "/task/{task_id}/cancel", {}),
}
"""The others clear themselves, or are cleared at the machine."""

_NAMED_BY_PATH = ("resolve", "cancel")
"""Requests whose path says what they are about."""

_views: Remembered[Hold, dict[str, Any]] = Remembered(256)
"""Whoever asks for a waiting task is told the holds of its robot, again and again."""


def hold_view(hold: Hold, language: Language) -> dict[str, Any]:
    """A hold with its reason and what clears it, in words and as a request."""
    view = _views.get((hold.robot, hold.code, language), hold, lambda: _view(hold, language))
    return {**view, "motion": _motion(hold)}


def _motion(hold: Hold) -> dict[str, Any] | None:
    """What a held motion is like at this moment."""
    if hold.code is not HoldCode.MOTION_HELD:
        return None
    now = {"state": "held", "planned_moves": None, **hold.now}
    return {"by_robot": hold.by_robot, **now}


def _view(hold: Hold, language: Language) -> dict[str, Any]:
    return {
        "id": hold.id,
        "robot_id": hold.robot,
        "code": hold.code.value,
        "reason": hold_reason(hold, language),
        "since": local_time(hold.since_ms),
        "since_ms": hold.since_ms,
        "actor": hold.actor,
        "task_id": hold.task_id,
        "clear": _clear(hold, language),
    }


def hold_reason(hold: Hold, language: Language) -> str:
    args = {
        "actor": hold.actor,
        "robot": hold.robot,
        "task_id": hold.task_id,
        "reason": "",
        **_in_language(hold.args, language),
    }
    return text(f"hold.{hold.code}", args, language).strip().rstrip(":").rstrip()


def _in_language(args: JsonObject, language: Language) -> JsonObject:
    """Why a command does not fit is an error with a text of its own."""
    if "error" not in args:
        return args
    return {**args, "reason": error_text(args["error"], args["error_args"], language)}


def hold_views(holds: Iterable[Hold], language: Language) -> list[dict[str, Any]]:
    """The same of several. What one request clears of a robot is named in it together: a
    request that leaves one of them out is refused."""
    listed = list(holds)
    return [_with_others(hold, listed, language) for hold in listed]


def _with_others(hold: Hold, listed: Sequence[Hold], language: Language) -> dict[str, Any]:
    view = hold_view(hold, language)
    way = _WAYS.get(hold.code)
    if way is None or way.action in _NAMED_BY_PATH:
        return view
    together = [one.id for one in listed if one.robot == hold.robot and _WAYS.get(one.code) is way]
    clear = view["clear"]
    return {**view, "clear": {**clear, "body": {**clear["body"], "holds": together}}}


def _clear(hold: Hold, language: Language) -> dict[str, Any]:
    told = text(f"clear.{hold.code}", {}, language)
    way = _WAYS.get(hold.code)
    if way is None:
        return {"action": "wait", "method": None, "path": None, "body": None, "text": told}
    return {
        "action": way.action,
        "method": "POST",
        "path": way.path.format(task_id=hold.task_id, robot=hold.robot),
        "body": {
            **{key: value.format(robot=hold.robot) for key, value in way.body.items()},
            **({} if way.action in _NAMED_BY_PATH else {"holds": [hold.id]}),
        },
        "text": told,
    }


def wait_view(wait: Wait, language: Language) -> dict[str, Any]:
    """Why one task is passed over."""
    view: dict[str, Any] = {
        "code": wait.code.value,
        "reason": text(f"wait.{wait.code}", _in_language(wait.args, language), language),
    }
    if wait.code is WaitCode.DOES_NOT_FIT:
        way = _WAYS[HoldCode.DOES_NOT_FIT]
        return {
            **view,
            "clear": {
                "action": way.action,
                "method": "POST",
                "path": way.path.format(**wait.args),
                "body": {},
                "text": text("clear.does_not_fit", {}, language),
            },
        }
    if wait.code is WaitCode.NOT_BEFORE:
        view["until"] = local_time(wait.args["at_ms"])
    if wait.code is WaitCode.APPROVAL:
        view["clear"] = {
            "action": "approve",
            "method": "POST",
            "path": f"/task/{wait.args['task_id']}/approve",
            "body": {},
            "text": text("clear.approval", {}, language),
        }
    return {**view, **wait.args}
