"""Work for others that may be slow: few at once for each of them, and not too many at all."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

import msgspec

_log = logging.getLogger(__name__)


class _Receiver(msgspec.Struct):
    waiting: deque[str] = msgspec.field(default_factory=deque)
    workers: int = 0


class ReceiverSlots:
    """Does jobs, which are known by an id: each when it is due, in the order of its receiver.

    A job that raises is logged, and the others go on. Belongs to one event loop.
    """

    def __init__(
        self, job: Callable[[str], Awaitable[None]], *, per_receiver: int, at_once: int
    ) -> None:
        """`per_receiver` and `at_once` bound how many are done at once, for one and over all."""
        self._job = job
        self._per_receiver = per_receiver
        self._slots = asyncio.Semaphore(at_once)
        self._receivers: dict[str, _Receiver] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._stopped = False

    def put(self, job_id: str, line: str, due_s: float) -> None:
        """Do this job in so many seconds. Nothing happens where it has a time already, or
        after `stop`."""
        if not self._stopped and job_id not in self._timers:
            loop = asyncio.get_running_loop()
            self._timers[job_id] = loop.call_later(due_s, self._due, job_id, line)

    async def stop(self, grace_s: float) -> None:
        """Begin no other job. Those that are being done get `grace_s` seconds, then they are
        cancelled."""
        self._stopped = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        workers = list(self._workers)
        if workers:
            await asyncio.wait(workers, timeout=grace_s)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    def _due(self, job_id: str, name: str) -> None:
        del self._timers[job_id]
        line = self._receivers.setdefault(name, _Receiver())
        line.waiting.append(job_id)
        if line.workers < self._per_receiver:
            line.workers += 1
            worker = asyncio.create_task(self._work(name, line), name=f"line to {name}")
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self, name: str, line: _Receiver) -> None:
        try:
            while line.waiting and not self._stopped:
                job_id = line.waiting.popleft()
                async with self._slots:
                    if not self._stopped:
                        await self._do(job_id)
        finally:
            line.workers -= 1
            if not line.workers:
                # nothing waits then: whoever puts a job into a line has it worked off
                self._receivers.pop(name, None)

    async def _do(self, job_id: str) -> None:
        try:
            await self._job(job_id)
        except Exception:  # noqa: BLE001 - logged whole; the next job may be all right
            _log.exception("%s failed", job_id)
