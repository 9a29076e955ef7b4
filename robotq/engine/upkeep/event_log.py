"""Tells the log what the journal has: what happened to tasks, queues and robots."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from robotq.engine.reads import Reads
from robotq.model.event import Event

_log = logging.getLogger("robotq.journal")

_QUIET = frozenset({"task.step", "task.progress"})
"""Happens many times while one command runs."""
_LOUD = frozenset(
    {
        "task.failed",
        "task.lease_expired",
        "task.result_refused",
        "hold.set",
        "estop.latched",
        "webhook.undelivered",
    }
)
"""What somebody may have to do something about."""


@asynccontextmanager
async def events_logged(reads: Reads, *, for_people: bool) -> AsyncIterator[None]:
    """Inside the block every event, with those published before, is a record of the logger
    `robotq.journal`, whose `fields` are its keys.

    For people each is a debug record, since the journal is theirs to read. Otherwise steps are
    debug, failures and holds are warnings, and all else is info. Where the logger takes none of
    that nobody listens, and nothing is paid for it. Never makes anybody wait: events that come
    faster than they are logged are left out, and a record says so.
    """
    if not _log.isEnabledFor(logging.DEBUG if for_people else logging.WARNING):
        yield
        return
    listener = _Listener(reads, for_people=for_people)
    listening = asyncio.create_task(listener.listen(), name="event log")
    try:
        yield
    finally:
        listener.end()
        await listening


class _Listener:
    def __init__(self, reads: Reads, *, for_people: bool) -> None:
        self._reads = reads
        self._for_people = for_people
        self._subscription = reads.overhear(from_start=True)
        self._ending = False

    def end(self) -> None:
        """Log what was published by now, and no more."""
        self._ending = True
        self._subscription.end()

    async def listen(self) -> None:
        while True:
            events = await self._subscription.batch()
            for event in events:
                self._tell(event)
            if events:
                continue
            if self._ending:
                return
            _log.warning("events are missing here that came too fast; the journal has them")
            self._subscription = self._reads.overhear()

    def _tell(self, event: Event) -> None:
        level = self._level(event.kind)
        if not _log.isEnabledFor(level):
            return
        fields = {
            "event": event.kind,
            "event_id": event.id,
            "task_id": event.task_id,
            "robot_id": event.robot,
            "api": event.api,
            "actor": event.actor,
            "before": event.before,
            "after": event.after,
            "data": event.data,
        }
        about = event.task_id or event.robot or ""
        _log.log(level, "%s %s %s", event.kind, about, event.data, extra={"fields": fields})

    def _level(self, kind: str) -> int:
        if self._for_people or kind in _QUIET:
            return logging.DEBUG
        return logging.WARNING if kind in _LOUD else logging.INFO
