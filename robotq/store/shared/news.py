"""What other daemons have written."""

from __future__ import annotations

from collections.abc import Mapping

from robotq.model.task import TaskState
from robotq.store.port import (
    AppendEvent,
    Mutation,
    News,
    SetFact,
)
from robotq.store.postgres import PostgresStore
from robotq.store.shared.what import READ_UP_TO, SHARED

_UNCOUNTED = 50
"""Looks after which counts are taken over, whatever this daemon is writing."""


class NewsReader:
    """Reads what other daemons have written, each of it once, and knows how far that is."""

    def __init__(self) -> None:
        self.change = 0
        """What this daemon has read of the shared tasks."""
        self.event: int | None = None
        """What of the shared journal is in the daemon's own; None: it has never seen it."""
        self._uncounted = 0
        """Looks since counts should have been taken over."""

    async def read(self, shared: PostgresStore, limit: int) -> News:
        """See `SharedQueues.news`. Raises StoreUnavailable."""
        assert self.event is not None
        before = shared.applied
        found = await shared.since(self.change, self.event, limit, counted=self._uncounted > 0)
        tasks, change, events, counts = found
        mutations: list[Mutation] = [AppendEvent(event) for event in events]
        if events:
            mutations.append(SetFact(READ_UP_TO, {"event": events[-1].id}))
        more = len(tasks) >= limit or len(events) >= limit
        counted = self._counted(counts, before=before, now=shared.applied)
        return News(tasks=tasks, counts=counted, mutations=mutations, more=more, change=change)

    def _counted(
        self,
        counts: Mapping[tuple[str, str, TaskState], int] | None,
        *,
        before: tuple[int, int],
        now: tuple[int, int],
    ) -> Mapping[tuple[str, str, TaskState], int] | None:
        """Nothing where this daemon has written meanwhile: memory has counted that already, or
        will, and would be set back or count it twice. Under constant load now and then all the
        same."""
        if counts is None:
            return None
        if (before != now or now[1]) and self._uncounted < _UNCOUNTED:
            self._uncounted += 1
            return None
        self._uncounted = 0
        return all_counts(counts)

    def taken_over(self, news: News) -> None:
        """See `SharedQueues`."""
        self.change = max(self.change, news.change)
        for mutation in news.mutations:
            if isinstance(mutation, AppendEvent):
                self.event = mutation.event.id


def all_counts(
    counts: Mapping[tuple[str, str, TaskState], int],
) -> Mapping[tuple[str, str, TaskState], int]:
    """With those that are 0, so that what was there before goes."""
    return {(api, api, state): 0 for api in SHARED for state in TaskState} | dict(counts)
