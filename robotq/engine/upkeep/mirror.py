"""Reads what other daemons have written about the tasks for workers that they share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from robotq.engine.commit.commit import Commit
from robotq.engine.state.tasks import TaskMemory
from robotq.model.errors import ConfigError
from robotq.model.json import JsonObject
from robotq.store.port import SharedQueues, StoreUnavailable

_log = logging.getLogger(__name__)

_AT_ONCE = 1_000
"""Tasks, and events, that are read together."""


class Mirror:
    """Memory follows the shared database, and the daemon's journal the shared one: each event
    once, also where the daemon dies in between, since it is written along how far that is."""

    def __init__(self, commit: Commit, memory: TaskMemory) -> None:
        self._commit = commit
        self._memory = memory
        self._reading = asyncio.Lock()
        self.reason: str | None = None
        """Why nothing can be read; None while it can."""

    async def look(self) -> None:
        """Read all that there is."""
        shared = self._commit.shared
        if shared is None:
            return
        try:
            # two at once would take in the same events
            async with self._reading:
                while await self._read(shared):
                    pass
        except (StoreUnavailable, ConfigError) as error:
            if self.reason is None:
                _log.warning("tasks for workers wait: %s", error)
            self.reason = str(error)
        else:
            if self.reason is not None:
                _log.warning("the shared database is there again")
            self.reason = None

    async def listen(self) -> None:
        """Look at once whenever something waits where nothing did before, for as long as that can
        be heard."""
        shared = self._commit.shared
        if shared is not None:
            async for _ in shared.rings():
                await self.look()

    async def note_workers(self, there: JsonObject | None) -> None:
        """Tell the other daemons which workers are here. Raises StoreUnavailable."""
        if self._commit.shared is not None:
            await self._commit.shared.note_workers(there)

    async def workers_elsewhere(self) -> Sequence[JsonObject]:
        """What the others have told. Raises StoreUnavailable."""
        shared = self._commit.shared
        return () if shared is None else await shared.workers_elsewhere()

    async def _read(self, shared: SharedQueues) -> bool:
        """Whether there is more."""
        news = await shared.news(_AT_ONCE)
        self._commit.taking_over.mirror(news.tasks)
        if news.counts is not None:
            self._memory.recount(news.counts)
        if news.mutations and not await self._commit.written(news.mutations):
            # the daemon's own disk takes no writes; it is read once more
            return False
        shared.taken_over(news)
        return news.more
