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

BLOCKS = 256
"""Parts of all suffixes. Daemons that may meet take theirs from different ones."""
_BLOCK = _SPAN // BLOCKS
SHARED_BLOCK = 0
"""Of tasks whose numbers of arrival differ between daemons anyway."""
NOBODYS_BLOCK = 1
"""Of daemons to whom nobody has given a block yet; they differ by chance."""
FIRST_BLOCK = 2


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


class Numbers:
    """The ids of one daemon, by its numbers of arrival."""

    def __init__(self, block: int | None = None, salt: int = 0) -> None:
        """`block`: the part of all suffixes that is this daemon's; None: nobody has given it one,
        and it has them all. `salt` moves the numbers within it."""
        self._first = 0 if block is None else block * _BLOCK
        self._size = _SPAN if block is None else _BLOCK
        self._salt = salt

    def task_id(self, submitted_at_ms: int, number: int) -> str:
        """As the function. Of two numbers less than 8,503,056 apart (36^6 without a block), and of
        two blocks always, it is different."""
        value = self._first + (number + self._salt) % self._size
        return f"task_{_stamp(submitted_at_ms // 1000)}_{suffix(value)}"

    def batch_id(self, submitted_at_ms: int, number: int) -> str:
        value = self._first + (number + self._salt) % self._size
        return f"batch_{_stamp(submitted_at_ms // 1000)}_{suffix(value)}"


def salt_by_chance() -> int:
    """For `Numbers` of a daemon that knows of no other one."""
    return secrets.randbelow(_SPAN)


def hold_id() -> str:
    """`hold_xxxxxxxx`, by chance: a hold has no number of its own, and can be set without a
    disk."""
    return "hold_" + "".join(secrets.choice(_ALPHABET) for _ in range(_HOLD_CHARACTERS))
