"""Who is there to take tasks: here, and with the other daemons that serve the same queues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from robotq.engine.engine import Engine
from robotq.engine.why_of_workers import WorkersThere
from robotq.workers.registry import Registry

if TYPE_CHECKING:
    from robotq.workers.elsewhere import Elsewhere


class Presence:
    def __init__(self, engine: Engine, registry: Registry) -> None:
        self._engine = engine
        self._registry = registry
        self._elsewhere = self._others(engine)
        engine.why.ask_about_workers(self._there)

    def elsewhere(self, queue: str) -> Sequence[tuple[str, WorkersThere]]:
        """Who is with the other daemons that serve this queue, by match key."""
        return () if self._elsewhere is None else self._elsewhere.of(queue)

    async def anybody_elsewhere(self, queue: str) -> bool:
        """Whether another daemon that serves this queue has a worker for it."""
        return self._elsewhere is not None and await self._elsewhere.anybody(queue)

    def changed(self) -> None:
        """Somebody has come, or has gone."""
        if self._elsewhere is not None:
            self._elsewhere.changed()

    def start(self) -> None:
        if self._elsewhere is not None:
            self._elsewhere.start()

    async def stop(self) -> None:
        if self._elsewhere is not None:
            await self._elsewhere.stop()

    def _others(self, engine: Engine) -> Elsewhere | None:
        if not any(map(engine.reads.shared_queue, engine.reads.worker_queues)):
            return None
        # most daemons share nothing
        from robotq.workers.elsewhere import Elsewhere  # noqa: PLC0415

        return Elsewhere(engine, self._lines)

    def _lines(self) -> list[tuple[str, str, int, int, int]]:
        kinds = sorted({(worker.queue, worker.match) for worker in self._registry})
        found = [(*kind, self._here(*kind)) for kind in kinds]
        return [
            (queue, match, there.workers, there.busy, there.seen_ms)
            for queue, match, there in found
        ]

    def _there(self, queue: str, match: str) -> WorkersThere:
        here = self._here(queue, match)
        there = None if self._elsewhere is None else self._elsewhere.there(queue, match)
        return here if there is None else here.plus(there)

    def _here(self, queue: str, match: str) -> WorkersThere:
        now_ms = self._engine.clock.now_ms()
        worker_queue = self._engine.reads.worker_queue(queue)
        at_work = {task.worker for task in worker_queue.running.values()}
        known = [worker for worker in self._registry.of(queue) if worker.match == match]
        there = [
            one.name in at_work for one in known if one.name in at_work or not one.silent(now_ms)
        ]
        # somebody who asks without a name is there too
        return WorkersThere(
            workers=max(len(there), sum(there) + worker_queue.idle(match)),
            busy=sum(there),
            seen_ms=max((worker.seen_ms for worker in known), default=0),
        )
