"""Whether a picture was taken after it was asked for, by what the camera says of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from robotq.drivers.scanner.camera.options import UrlOptions
from robotq.drivers.scanner.camera.picture import Asked, PictureRefused

_AHEAD_S = 5.0
"""A picture of so far in the future tells that the clocks differ."""
_MILLISECONDS = 1e11
"""Seconds since the epoch that are more than this are milliseconds."""


def is_dated(headers: Mapping[str, str], asked: Asked, sent_s: float, options: UrlOptions) -> bool:
    """False where the camera does not tell. `sent_s`: when the request was sent, on
    `time.monotonic`. Raises PictureRefused for a picture that is too old, or may be."""
    if options.time_header is not None:
        return _by_own_header(headers, asked, options)
    if _number(headers.get("Age")) > 0:
        # a cache has answered
        raise PictureRefused("reason.picture_old")
    modified, date = _http_date(headers.get("Last-Modified")), _http_date(headers.get("Date"))
    if modified is None:
        # `Date` says only when the answer was made
        return False
    # dates are cut to the second; with both of them only the camera's own clock is looked at
    by_its_clock = date is not None and date - modified + 1 > sent_s - asked.mono_s
    if by_its_clock or (date is None and modified < asked.wall_s):
        raise PictureRefused("reason.picture_old")
    return True


def _by_own_header(headers: Mapping[str, str], asked: Asked, options: UrlOptions) -> bool:
    name = options.time_header
    assert name is not None
    taken = read_time(headers.get(name, ""))
    if taken is None:
        raise PictureRefused("reason.picture_undated", passing=False, header=name)
    ahead = taken - time.time()
    if ahead > _AHEAD_S + options.clock_s:
        raise PictureRefused("reason.picture_ahead", passing=False, seconds=round(ahead))
    if taken - options.clock_s < asked.wall_s:
        raise PictureRefused("reason.picture_old")
    return True


def read_time(value: str) -> float | None:
    """Seconds since the epoch: such a number, milliseconds, ISO 8601 with a zone, or a date as
    HTTP has it. None for anything else."""
    value = value.strip()
    try:
        number = float(value)
    except ValueError:
        pass
    else:
        plain = number / 1_000 if number > _MILLISECONDS else number
        return plain if 0 < plain < _MILLISECONDS else None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return _http_date(value)
    # a time without its zone may be any
    return None if at.tzinfo is None else at.timestamp()


def _http_date(value: str | None) -> float | None:
    if not value:
        return None
    try:
        at = parsedate_to_datetime(value)
        # -0000 says that the zone is not known; HTTP has GMT only
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, IndexError):
        return None


def _number(value: str | None) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return 0.0
