"""Why nothing moves, as the robot interface tells it."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from msgspec.structs import asdict, replace

from robotq.api.http.remembered import Remembered
from robotq.api.robot.answers.times import local_time
from robotq.model.errors import error_text
from robotq.model.hold import Hold, HoldCode, Reason, Wait, WaitCode
from robotq.model.json import JsonObject
from robotq.model.texts import Language, text
from robotq.wire import holds as wire
from robotq.wire.base import opened


@dataclass(frozen=True, slots=True)
class _Way:
    """A request that clears a hold."""

    action: str
    path: str
    """May name `{robot}` and `{task_id}`."""
    body: Mapping[str, str]
    asks: JsonObject | None = None
    """JSON Schema of what a person has to add to the body: nobody else can say it."""


_RESUME = _Way("resume", "/queue/resume", {"robot_id": "{robot}"})

_WAYS: Mapping[HoldCode, _Way] = {
    HoldCode.PAUSED: _RESUME,
    HoldCode.FAILURE: _RESUME,
    HoldCode.RESTARTED: _RESUME,
    HoldCode.SHUTDOWN: _RESUME,
    HoldCode.MOTION_HELD: _Way("resume_motion", "/robots/{robot}/resume", {}),
    HoldCode.ESTOP: _Way("reset", "/estop/reset", {}),
    HoldCode.OUTCOME_UNKNOWN: _Way(
        "resolve",
        "/task/{task_id}/resolve",
        {},
        asks={
            "type": "object",
            "properties": {"outcome": {"enum": ["completed", "failed", "retry"]}},
            "required": ["outcome"],
        },
    ),
    HoldCode.DOES_NOT_FIT: _Way("cancel", "/task/{task_id}/cancel", {}),
}
"""The others clear themselves, or are cleared at the machine."""

_NAMED_BY_PATH = ("resolve", "cancel")
"""Requests whose path says what they are about."""

_views: Remembered[Hold, wire.Hold] = Remembered(256)
"""Whoever asks for a waiting task is told the holds of its robot, again and again."""

_reasons: Remembered[wire.Hold, Mapping[str, Any]] = Remembered(256)
"""The same as a reason: of a view that is made anew each time it is made anew too."""

_waits: Remembered[Wait, Any] = Remembered(256, same=operator.eq)
"""Whoever polls a waiting task is told the same until something changes."""


def hold_view(hold: Hold, language: Language) -> wire.Hold:
    """A hold with its reason and what clears it, in words and as a request."""
    view = _views.get((hold.robot, hold.code, language), hold, lambda: _view(hold, language))
    if hold.code is not HoldCode.MOTION_HELD:
        return view
    # what it is like at this moment
    now = {"state": "held", "planned_moves": None, **hold.now}
    return replace(view, motion=asdict(wire.HeldMotion(by_robot=hold.by_robot, **now)))


def _view(hold: Hold, language: Language) -> wire.Hold:
    return wire.Hold(
        id=hold.id,
        robot_id=hold.robot,
        code=hold.code.value,
        reason=hold_reason(hold, language),
        since=local_time(hold.since_ms),
        since_ms=hold.since_ms,
        actor=hold.actor,
        by=tuple(
            asdict(
                wire.HoldSet(
                    actor=one["actor"],
                    reason=_own_reason(one["args"], language),
                    at=local_time(one["at_ms"]),
                    at_ms=one["at_ms"],
                )
            )
            for one in hold.by
        ),
        task_id=hold.task_id,
        clear=asdict(_clear(hold, language)),
    )


def _own_reason(args: JsonObject, language: Language) -> str:
    """Why somebody has set it, as far as they have said so."""
    words = _in_language(args, language)
    if (cause := words.get("cause")) is not None:
        return text(cause, words, language)
    return text("reason", {"reason": "", **words}, language)


def hold_reason(hold: Hold, language: Language) -> str:
    latest, *earlier = hold.by
    args = {
        "actor": _who(latest) if earlier else hold.actor,
        "robot": hold.robot,
        "task_id": hold.task_id,
        "reason": "",
        **_in_language(latest["args"], language),
    }
    told = _without_end(text(f"hold.{hold.code}", args, language))
    if not earlier:
        return told
    before = "; ".join(
        _without_end(f"{_who(one)}: {_own_reason(one['args'], language)}") for one in earlier
    )
    return text("hold.several", {"latest": told, "before": before}, language)


def _who(one: JsonObject) -> str:
    return f"{one['actor']} ({local_time(one['at_ms'])})"


def _without_end(told: str) -> str:
    """Where no reason is given, nothing follows the colon."""
    return told.strip().rstrip(":").rstrip()


def _in_language(args: JsonObject, language: Language) -> JsonObject:
    """Why a command does not fit is an error with a text of its own."""
    if "error" not in args:
        return args
    return {**args, "reason": error_text(args["error"], args["error_args"], language)}


def hold_views(holds: Iterable[Hold], language: Language) -> tuple[wire.Hold, ...]:
    """The same of several. What one request clears of a robot is named in it together: a
    request that leaves one of them out is refused."""
    listed = list(holds)
    return tuple(_with_others(hold, listed, language) for hold in listed)


def _with_others(hold: Hold, listed: Sequence[Hold], language: Language) -> wire.Hold:
    view = hold_view(hold, language)
    way = _WAYS.get(hold.code)
    if way is None or way.action in _NAMED_BY_PATH:
        return view
    together = [one.id for one in listed if one.robot == hold.robot and _WAYS.get(one.code) is way]
    if len(together) == 1:
        return view
    body = {**view.clear["body"], "holds": together}
    return replace(view, clear={**view.clear, "body": body})


def _clear(hold: Hold, language: Language) -> wire.Clear:
    told = text(hold.clear, {}, language)
    way = _WAYS.get(hold.code)
    if way is None:
        return _waiting(told)
    return wire.Clear(
        action=way.action,
        method="POST",
        path=way.path.format(task_id=hold.task_id, robot=quote(hold.robot, safe="")),
        asks=way.asks,
        body={
            **{key: value.format(robot=hold.robot) for key, value in way.body.items()},
            **({} if way.action in _NAMED_BY_PATH else {"holds": [hold.id]}),
        },
        text=told,
    )


def _waiting(told: str) -> wire.Clear:
    return wire.Clear(action="wait", method=None, path=None, body=None, asks=None, text=told)


def wait_view(wait: Wait, language: Language) -> Any:
    """Why one task does not get on, and what clears that. To be read or written, not changed."""
    key = (wait.task_id, wait.code, language)
    return _waits.get(key, wait, lambda: _wait_view(wait, language))


def _wait_view(wait: Wait, language: Language) -> Any:
    args = _in_language(dict(wait.args), language)
    args = {name: value for name, value in args.items() if name not in ("error", "error_args")}
    # what was made for this view, or is no word of it
    send_away = args.pop("send_away", None)
    asks: JsonObject | None = None
    until_ms = args.get("at_ms", args.pop("until_ms", None))
    if wait.code is WaitCode.QUESTION:
        args["prompt"] = text(args["prompt"], args.pop("prompt_args"), language)
        asks = args.pop("schema")
    because = [wait_view(one, language) for one in wait.because]
    words = {"task_id": wait.task_id, "queue": wait.queue, **args}
    if because:
        args["because"] = because
        words["because"] = because[0]["reason"]
    if until_ms is not None:
        words["until"] = local_time(until_ms)
    view = wire.Wait(
        code=wait.code.value,
        # of `reason` this is the whole sentence
        reason=text(f"wait.{wait.code}", words, language),
        queue=wait.queue,
        task_id=wait.task_id,
        since=local_time(wait.since_ms),
        since_ms=wait.since_ms,
        clear=because[0]["clear"]
        if because
        else asdict(_clear_wait(wait, words, send_away, asks, language)),
    )
    if until_ms is not None:
        args |= {"until": words["until"], "until_ms": until_ms}
    return opened(view, args)


def _clear_wait(
    wait: Wait,
    words: JsonObject,
    send_away: JsonObject | None,
    asks: JsonObject | None,
    language: Language,
) -> wire.Clear:
    code = f"clear.{wait.code}"
    way: _Way | None = None
    body: JsonObject = {}
    match wait.code:
        case WaitCode.DOES_NOT_FIT:
            way = _WAYS[HoldCode.DOES_NOT_FIT]
        case WaitCode.APPROVAL:
            way = _Way("approve", "/task/{task_id}/approve", {})
            # what was seen: it may have been edited by now
            body = {"revision": words["revision"]}
        case WaitCode.QUESTION:
            # which one is meant: the command may have asked something else by now
            path = "/task/{task_id}/input?question={asked_at_ms}"
            way = _Way("answer", path, {}, asks=asks)
        case WaitCode.RESOURCE if words.get("occupant", "running") == "running":
            code = "clear.resource.running"
        case WaitCode.RESOURCE if send_away is not None:
            code, way, body = (
                f"clear.resource.{words['occupant']}",
                _Way("send_away", "/", {}),
                send_away,
            )
        case WaitCode.RESOURCE:
            code = "clear.resource.absent" if words["occupant"] == "absent" else "clear.resource"
            way = _Way("release", "/resources/{resource}/release", {})
            # who is meant, and since when: it may be back by now
            body = {"holder": words["occupied_by"], "since_ms": words["occupied_since_ms"]}
        case _:
            pass
    told = text(code, words, language)
    if way is None:
        return _waiting(told)
    return wire.Clear(
        action=way.action,
        method="POST",
        path=way.path.format_map(_Quoted(words)),
        body=body,
        asks=way.asks,
        text=told,
    )


class _Quoted:
    """Words as parts of a path: only those that it names are looked at."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        self._words = words

    def __getitem__(self, name: str) -> str:
        return quote(str(self._words[name]), safe="")


def reason_views(reasons: Iterable[Reason], language: Language) -> tuple[Any, ...]:
    """Why something does not move, most important first."""
    listed = list(reasons)
    holds = [one for one in listed if isinstance(one, Hold)]
    of_holds = iter(hold_views(holds, language))
    return tuple(
        _hold_reason_view(one, next(of_holds), language)
        if isinstance(one, Hold)
        else {"kind": "wait", **wait_view(one, language)}
        for one in listed
    )


def _hold_reason_view(hold: Hold, view: wire.Hold, language: Language) -> Mapping[str, Any]:
    key = (hold.robot, hold.code, language)
    return _reasons.get(key, view, lambda: {"kind": "hold", "queue": hold.robot, **asdict(view)})
