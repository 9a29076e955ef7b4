"""Which workers are there. Kept in memory: whoever is still there says so again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from robotq.model.errors import RobotqError

_SILENT_MS = 90_000
"""A worker asks again after 60 seconds of waiting for a task at the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker as it was seen last."""

    queue: str
    name: str
    """What it calls itself, or is called by its interface. Unique in its queue."""
    match: str = ""
    """The key it asked for tasks with last."""
    transport: str = "http"
    """http or websocket."""
    address: str | None = None
    since_ms: int
    """When it was first seen."""
    seen_ms: int
    completed: int = 0
    """Tasks since it was first seen, like those that follow."""
    failed: int = 0
    expired: int = 0
    """Those that were taken from it because its lease was over."""
    expired_ms: int | None = None
    """When that happened last."""

    def silent(self, now_ms: int) -> bool:
        """Whether nobody knows if it is still there. One that is connected, is."""
        if self.transport == "websocket":
            return False
        lost = self.expired_ms is not None and self.expired_ms > self.seen_ms
        return lost or now_ms - self.seen_ms > _SILENT_MS


class Registry:
    """At most so many workers; the one not seen for longest that has no task makes room."""

    def __init__(self, limit: Callable[[], int], busy: Callable[[str, str], bool]) -> None:
        """`busy`: whether the worker of this queue and name has a task."""
        self._limit = limit
        self._busy = busy
        self._workers: dict[tuple[str, str], Worker] = {}
        """In the order in which they were first seen."""

    def __iter__(self) -> Iterator[Worker]:
        """In the order in which they were first seen."""
        return iter(self._workers.values())

    def __len__(self) -> int:
        return len(self._workers)

    def get(self, queue: str, name: str) -> Worker | None:
        return self._workers.get((queue, name))

    def of(self, queue: str) -> Sequence[Worker]:
        return [worker for worker in self if worker.queue == queue]

    def seen(
        self,
        queue: str,
        name: str,
        now_ms: int,
        *,
        match: str | None = None,
        transport: str = "http",
        address: str | None = None,
    ) -> Worker:
        """Take note of a sign of life. Raises RobotqError too_many_requests."""
        known = self._workers.get((queue, name))
        if known is None:
            self._make_room()
            known = Worker(queue=queue, name=name, since_ms=now_ms, seen_ms=now_ms)
        worker = replace(
            known,
            match=known.match if match is None else match,
            transport=transport,
            address=address or known.address,
            seen_ms=now_ms,
        )
        self._workers[queue, name] = worker
        return worker

    def ended(self, queue: str, name: str, *, completed: bool) -> None:
        """Count a task that this worker has ended."""
        worker = self._workers.get((queue, name))
        if worker is not None:
            self._workers[queue, name] = (
                replace(worker, completed=worker.completed + 1)
                if completed
                else replace(worker, failed=worker.failed + 1)
            )

    def heard(self, queue: str, name: str, now_ms: int) -> None:
        """One that is known is still there."""
        worker = self._workers.get((queue, name))
        if worker is not None:
            self._workers[queue, name] = replace(worker, seen_ms=now_ms)

    def expired(self, queue: str, name: str, now_ms: int) -> None:
        """Count a task that was taken from this worker because its lease was over."""
        worker = self._workers.get((queue, name))
        if worker is not None:
            self._workers[queue, name] = replace(
                worker, expired=worker.expired + 1, expired_ms=now_ms
            )

    def gone(self, queue: str, name: str) -> None:
        """Its connection has ended."""
        self._workers.pop((queue, name), None)

    def _make_room(self) -> None:
        limit = self._limit()
        if len(self._workers) < limit:
            return
        polling = (worker for worker in self if worker.transport == "http")
        for worker in sorted(polling, key=lambda worker: worker.seen_ms):
            if not self._busy(worker.queue, worker.name):
                del self._workers[worker.queue, worker.name]
                return
        raise RobotqError("too_many_requests", what="workers", limit=limit)
