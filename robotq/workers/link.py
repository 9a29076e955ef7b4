"""One connected worker, and how fast all of them may talk."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from robotq.model.task import Task

_PER_S = 2_000
"""Messages of all workers together. A message costs some 50 microseconds: they never take more
than a part of the time, and robots and stops have the rest."""
_AT_ONCE = 100
"""Messages that nobody has to wait for after a quiet time."""


class WorkerConnection(Protocol):
    """The way to one worker."""

    async def give(self, task: Task) -> bool:
        """Bring it a task. False: it certainly did not get it. Raises OSError, TimeoutError
        where that is not known."""

    async def take_away(self, task: Task) -> None:
        """Tell it that a task is not its own any more. Raises OSError, TimeoutError."""

    async def close(self) -> None:
        """Say good-bye; the daemon ends."""


class WorkerLink:
    """A connected worker."""

    def __init__(
        self,
        name: str,
        match: str,
        address: str | None,
        since_ms: int,
        connection: WorkerConnection,
        *,
        owner: str,
    ) -> None:
        self.owner = owner
        self.name = name
        self.match = match
        self.address = address
        self.since_ms = since_ms
        self.connection = connection
        self.task: Task | None = None
        """What it has."""
        self.gone = asyncio.Event()
        self.attending: asyncio.Task[None] | None = None
        self._ended_by_itself: str | None = None

    async def until(self, other: asyncio.Future[Any]) -> None:
        """Wait for `other`, but no longer than the worker is there. Cancels nothing."""
        leaving: asyncio.Future[Any] = asyncio.ensure_future(self.gone.wait())
        both: set[asyncio.Future[Any]] = {other, leaving}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()

    def told(self, task_id: str) -> None:
        """The worker itself has ended this task."""
        self._ended_by_itself = task_id

    def knows(self, task_id: str) -> bool:
        return self._ended_by_itself == task_id


class Pace:
    """Gives each message its turn, in the order in which they were asked for.

    Of a worker that sends without end one message waits at a time, so each of the others waits
    for one of its messages, and not for all of them.
    """

    def __init__(self) -> None:
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for a turn; at least one turn of the event loop."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now - _AT_ONCE / _PER_S) + 1 / _PER_S
        await asyncio.sleep(max(0.0, self._next - now))
