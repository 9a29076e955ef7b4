"""What the tables of the memory store have in common: a way back, and what of them is old."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

_T = TypeVar("_T")

_ABSENT = object()


class Undo:
    """Every change of the tables of the store during one call goes through this, so that a call
    that is refused in the end leaves nothing behind."""

    def __init__(self) -> None:
        self._former: list[tuple[dict[Any, Any], Any, Any]] = []
        """Table, key and former value of every change, latest last."""

    def put(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        self._former.append((table, key, table.get(key, _ABSENT)))
        table[key] = value

    def drop(self, table: dict[Any, Any], key: Any) -> None:
        """Nothing where there is no such key."""
        if key in table:
            self._former.append((table, key, table.pop(key)))

    def roll_back(self) -> None:
        """The tables are as they were when the call began."""
        for table, key, former in reversed(self._former):
            if former is _ABSENT:
                del table[key]
            else:
                table[key] = former

    def forget(self) -> None:
        """The call is over."""
        self._former.clear()


def oldest(aged: Iterable[tuple[int, _T]], before_ms: int, limit: int) -> list[_T]:
    """Those from before a time, oldest first, `limit` at most."""
    old = sorted((pair for pair in aged if pair[0] < before_ms), key=lambda pair: pair[0])
    return [row for _, row in old[:limit]]
