"""Times of day as the checklist interface writes and reads them: ISO 8601, UTC, with Z."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic_core import PydanticCustomError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_FIRST_MS = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MS
_LAST_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MS


def iso_time(at_ms: int | None) -> str | None:
    """`2025-12-06T10:00:00Z`, with milliseconds where there are any."""
    if at_ms is None:
        return None
    at = _EPOCH + at_ms * _MS
    text = at.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return f"{text.removesuffix('.000')}Z"


def to_ms(at: datetime) -> int:
    """Milliseconds since the epoch; a time without a zone is taken as UTC.

    Raises PydanticCustomError for one that is before the year 1 or after 9999 in UTC.
    """
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    at_ms = (at - _EPOCH) // _MS
    if not _FIRST_MS <= at_ms <= _LAST_MS:
        raise PydanticCustomError("datetime_range", "Input should be from year 1 to 9999 in UTC")
    return at_ms
