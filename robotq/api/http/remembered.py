"""What was made out of records that never change, kept while the records are the same."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Record = TypeVar("_Record")
_Made = TypeVar("_Made")


class Remembered(Generic[_Record, _Made]):
    """At most `limit` results; when it is full it starts anew, which costs one making each."""

    def __init__(self, limit: int, same: Callable[[_Record, _Record], bool] = operator.is_) -> None:
        """`same`: whether two records are the same; `operator.eq` for those that are made anew
        each time."""
        self._limit = limit
        self._same = same
        self._kept: dict[Hashable, tuple[_Record, _Made]] = {}

    def get(self, key: Hashable, record: _Record, make: Callable[[], _Made]) -> _Made:
        """What `make` gave for the same record under `key`, or gives now."""
        kept = self._kept.get(key)
        if kept is not None and self._same(kept[0], record):
            return kept[1]
        made = make()
        if len(self._kept) >= self._limit:
            self._kept.clear()
        self._kept[key] = (record, made)
        return made
