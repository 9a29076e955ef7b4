"""Reads when a command may run and how often: `not_before`, `expires_at`, `repeat`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from robotq.model.errors import RobotqError
from robotq.model.task import Repeat

SCHEDULE_KEYS = frozenset({"not_before", "expires_at", "repeat"})

_AHEAD_S = 366 * 86_400
"""How far ahead a time may be, and how long an interval: beyond it, it is a slip of the pen."""
_MOST_RUNS = 100_000
_LEAST_INTERVAL_S = 1.0
_FROM_NOW = re.compile(r"\+(\d{1,9}(?:\.\d{1,3})?)([smhd]?)", re.ASCII)
_NUMBER = re.compile(r"\d{10,14}", re.ASCII)
"""Fewer digits are a date, e.g. 20260131."""
_UNIT_S = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SECONDS_FROM, _MILLISECONDS_FROM, _NUMBERS_TO = 1e9, 1e11, 1e14
"""A smaller number than the first is no time since 1970 that anybody means: refused, since it
could mean seconds from now."""


def read_schedule(body: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """`not_before_ms`, `expires_at_ms` and `repeat` of a command, None for what is not given.

    Raises RobotqError bad_parameter.
    """
    not_before_ms = _time(body, "not_before", now_ms)
    expires_at_ms = _time(body, "expires_at", now_ms)
    if expires_at_ms is not None and not_before_ms is not None and expires_at_ms <= not_before_ms:
        raise _bad("expires_at", "expected a time after not_before")
    return {
        "not_before_ms": not_before_ms,
        "expires_at_ms": expires_at_ms,
        "repeat": _repeat(body.get("repeat")),
    }


def whole(value: Any) -> int | None:
    """The whole number that a JSON value is, None for others; 4.0 is one, as in JSON Schema."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(body: Mapping[str, Any], field: str, now_ms: int) -> int | None:
    value = body.get(field)
    if value is None:
        return None
    at_ms = _at_ms(value, now_ms)
    if at_ms is None:
        raise _bad(
            field,
            "expected a time such as 2026-01-31T08:30:00+08:00, seconds from now such as +90 "
            "(also +15m, +8h, +2d), or a number of seconds or milliseconds since 1970",
        )
    if at_ms > now_ms + _AHEAD_S * 1000:
        raise _bad(field, "expected a time within 366 days from now")
    return at_ms


def _at_ms(value: Any, now_ms: int) -> int | None:
    """The time in milliseconds since 1970; None for what is none."""
    if isinstance(value, str):
        if (from_now := _FROM_NOW.fullmatch(value)) is not None:
            return now_ms + round(float(from_now[1]) * _UNIT_S[from_now[2]] * 1000)
        if _NUMBER.fullmatch(value):
            return _at_ms(int(value), now_ms)
        try:
            return int(datetime.fromisoformat(value).timestamp() * 1000)
        except (ValueError, OverflowError, OSError):
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not _SECONDS_FROM <= value < _NUMBERS_TO:
        return None
    return round(value if value >= _MILLISECONDS_FROM else value * 1000)


def _repeat(value: Any) -> Repeat | None:
    """A number of runs, or an object with `count`, `interval_s`, `on_failure`."""
    if value is None:
        return None
    if not isinstance(value, dict):
        return Repeat(count=_count(value, "repeat"))
    unknown = next((key for key in value if key not in ("count", "interval_s", "on_failure")), None)
    if unknown is not None:
        raise _bad(f"repeat.{unknown[:100]}", "expected count, interval_s or on_failure")
    count, interval_s = value.get("count"), value.get("interval_s")
    if count is None and interval_s is None:
        raise _bad("repeat", "expected count, interval_s, or both")
    on_failure = value.get("on_failure", "stop")
    if on_failure not in ("stop", "continue"):
        raise _bad("repeat.on_failure", "expected stop or continue")
    return Repeat(
        count=None if count is None else _count(count, "repeat.count"),
        interval_s=None if interval_s is None else _interval_s(interval_s),
        on_failure=on_failure,
    )


def _count(value: Any, field: str) -> int:
    number = whole(value)
    if number is None or not 1 <= number <= _MOST_RUNS:
        raise _bad(field, f"expected a number of runs from 1 to {_MOST_RUNS}")
    return number


def _interval_s(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not _LEAST_INTERVAL_S <= value <= _AHEAD_S:
        raise _bad("repeat.interval_s", f"expected seconds from 1 to {_AHEAD_S}")
    return float(value)


def _bad(field: str, reason: str) -> RobotqError:
    return RobotqError("bad_parameter", field=field, reason=reason)
