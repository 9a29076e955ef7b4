"""Retention: old rows are removed a few hundred at a time, whichever store it is."""

from __future__ import annotations

from abc import ABC, abstractmethod

_ROWS = 200
"""Rows removed in one transaction; a submit waits for one of them at most."""


class Pruning(ABC):
    """The part of `Store` that forgets."""

    @abstractmethod
    async def _remove(self, statement: str, before_ms: int, rows: int) -> int:
        """Run one of `write.sql` in a transaction of its own; how many rows went. Raises
        StoreUnavailable."""

    async def prune(
        self, *, tasks_before_ms: int, events_before_ms: int, answers_before_ms: int, limit: int
    ) -> int:
        """See `Store.prune`. Submits get in between every few hundred rows."""
        removed = 0
        for statement, before_ms in (
            ("prune_tasks", tasks_before_ms),
            ("prune_events", events_before_ms),
            ("prune_answers", answers_before_ms),
            ("prune_deliveries", tasks_before_ms),
            ("prune_items", tasks_before_ms),
            ("prune_tallies", events_before_ms),
        ):
            left = limit
            while left > 0:
                count = await self._remove(statement, before_ms, min(left, _ROWS))
                if not count:
                    break
                removed += count
                left -= count
        return removed
