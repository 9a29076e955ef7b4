"""Times of day as the robot interface writes and reads them."""

from __future__ import annotations

import time
from datetime import datetime
from functools import lru_cache

from robotq.model.errors import RobotqError


def local_time(at_ms: int) -> str:
    """`YYYY-MM-DD HH:MM:SS` in the time zone of the daemon."""
    return _of_second(at_ms // 1000)


@lru_cache(maxsize=4_096)
def _of_second(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


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
