"""Task and batch ids: readable, unique whatever the clock does, not guessable as consecutive."""

from __future__ import annotations

import secrets
import time
from functools import lru_cache

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [second + first for first in _ALPHABET for second in _ALPHABET]
_SPAN = 36**6
_HOLD_CHARACTERS = 8
# Any multiplier coprime to 36 makes n -> n * M + C (mod 36^6) a permutation; this one is
# near the golden section of the span, which spreads consecutive numbers evenly.
_MULTIPLIER = 1_345_332_701
_OFFSET = 740_261_593


def suffix(number: int) -> str:
    """Six characters of [0-9a-z], different for any two numbers less than 36^6 apart."""
    value = (number * _MULTIPLIER + _OFFSET) % _SPAN
    value, low = divmod(value, 1296)
    high, middle = divmod(value, 1296)
    return _PAIRS[low] + _PAIRS[middle] + _PAIRS[high]


@lru_cache(maxsize=4)
def _stamp(second: int) -> str:
    return time.strftime("%Y%m%d_%H%M%S", time.localtime(second))


def task_id(submitted_at_ms: int, number: int) -> str:
    """`task_YYYYMMDD_HHMMSS_xxxxxx`: local submit time, then the stored sequence number."""
    return f"task_{_stamp(submitted_at_ms // 1000)}_{suffix(number)}"


def batch_id(submitted_at_ms: int, number: int) -> str:
    """`batch_YYYYMMDD_HHMMSS_xxxxxx`, from the number of the batch's first task."""
    return f"batch_{_stamp(submitted_at_ms // 1000)}_{suffix(number)}"


def hold_id() -> str:
    """`hold_xxxxxxxx`, by chance: a hold has no number of its own, and can be set without a
    disk."""
    return "hold_" + "".join(secrets.choice(_ALPHABET) for _ in range(_HOLD_CHARACTERS))
