"""Times of day as the robot interface writes and reads them."""

from __future__ import annotations

import time
from datetime import datetime
from functools import lru_cache
from typing import Any

from robotq.model.errors import RobotqError
from robotq.model.task import Repeat
from robotq.wire import tasks as wire


def local_time(at_ms: int) -> str:
    """`YYYY-MM-DD HH:MM:SS` in the time zone of the daemon."""
    return _of_second(at_ms // 1000)


@lru_cache(maxsize=4_096)
def _of_second(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def schedule_view(
    not_before_ms: int | None, expires_at_ms: int | None, repeat: Repeat | None
) -> dict[str, Any]:
    """When a command may run and how often, where that was given."""
    view: dict[str, Any] = {}
    for name, at_ms in (("not_before", not_before_ms), ("expires_at", expires_at_ms)):
        if at_ms is not None:
            view |= {name: local_time(at_ms), f"{name}_ms": at_ms}
    if repeat is not None:
        view["repeat"] = wire.Repeat(
            count=repeat.count,
            interval_s=repeat.interval_s,
            on_failure=repeat.on_failure,
            run=repeat.run,
        )
    return view


def read_time(text: str, field: str) -> int:
    """Milliseconds since the epoch of a time in a query.

    Taken are the form that answers have, ISO 8601 with or without a zone (without: that of
    the daemon), a date alone (its first moment), and milliseconds since the epoch.
    Raises RobotqError bad_parameter.
    """
    try:
        if text.isascii() and text.isdigit():
            at_ms = int(text)
            if at_ms < _LATEST_MS:
                return at_ms
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise RobotqError(
            "bad_parameter",
            field=field,
            reason="expected a time such as 2026-01-31 08:30:00, or milliseconds since 1970",
        ) from None


_LATEST_MS = 253_402_300_800_000
"""The year 10000; the store keeps 64-bit numbers, and `datetime` ends there too."""
