"""Large results of workers: how large one may be, and how many are on their way at once."""

from __future__ import annotations

import re

from robotq.model.job import JobEnding, failed_with

SMALL = 1_048_576
"""Bytes of a message that nobody has to wait for."""

_ID = re.compile(rb'"taskId"\s*:\s*"([0-9A-Fa-f-]{36})"')
_LOOKED_AT = 65_536
"""Bytes at the beginning and at the end of a message in which its task is looked for."""


def hard_limit(result_bytes: int) -> int:
    """Bytes from which on a message is not read to its end, and its connection is closed. Between
    the two limits it is refused, and the connection stays."""
    return 2 * result_bytes


def tasks_of(raw: bytes) -> list[str]:
    """Ids that a message names where a message names its task. It is too large to be parsed."""
    found = _ID.findall(raw[:_LOOKED_AT]) + _ID.findall(raw[-_LOOKED_AT:])
    return [one.decode().lower() for one in found]


def too_large(number: int | None, limit: int) -> JobEnding:
    """How a task ends whose result is too large; `number`: its bytes, where they are known."""
    told = f"{number} bytes" if number is not None else f"more than {hard_limit(limit)} bytes"
    return failed_with(told, code="result_too_large", bytes=told, limit_bytes=limit)
