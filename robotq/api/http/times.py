"""Times of day in UTC, in the forms of ISO 8601 that the interfaces are documented to write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic_core import PydanticCustomError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_FIRST_MS = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MS
_LAST_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MS


def utc_ms(at_ms: int) -> str:
    """`2025-10-29T12:00:00.000+00:00`"""
    return (_EPOCH + at_ms * _MS).isoformat(timespec="milliseconds")


def rfc3339(at_ms: int) -> str:
    """`2024-01-01T10:00:00Z`"""
    return f"{(_EPOCH + at_ms * _MS).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


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
