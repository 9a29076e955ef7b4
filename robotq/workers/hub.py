"""Workers with a connection of their own: tasks are brought to them, one at a time."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager

from robotq.engine.state.worker_queue import WorkerQueue
from robotq.model.errors import RobotqError
from robotq.model.job import Holder, JobEnding
from robotq.model.task import Task
from robotq.workers.link import Pace, WorkerConnection, WorkerLink
from robotq.workers.workers import Workers

_log = logging.getLogger(__name__)

_LOOK_S = 5.0
"""Wall seconds after which an idle worker's queue is looked at, whatever it was told."""

_AGAIN_S = 1.0
"""Wall seconds until something is tried again that could not be written."""

_BACK_S = 60.0
"""Wall seconds after a start in which a worker can come back with what it had before."""

_STOP_S = 3.0
"""Wall seconds at the end for saying good-bye to everybody."""

_LEASE_S = 60.0
"""Seconds after which other daemons take it that this one is gone, and its workers with it."""

_WAITS = 100
"""Tasks over which the waiting time is averaged."""


class Hub:
    """The connected workers of one queue.

    Each has at most one task, of its own match key, and the next one as soon as that is over.
    What a worker has when its connection ends fails with worker_lost. Where it is the daemon
    that ends, its workers have a minute after the next start to come back with their results.
    Where daemons share the queue, they have that at any of them: a task is leased to its worker,
    and the lease renewed for as long as the worker is connected.
    """

    def __init__(self, workers: Workers, queue: str) -> None:
        self._workers = workers
        self._queue = queue
        self._clock = workers.engine.clock
        self._links: dict[str, WorkerLink] = {}
        self._waits_ms: deque[int] = deque(maxlen=_WAITS)
        self.stopped = asyncio.Event()
        """Set when the daemon ends."""
        self.pace = Pace()
        self._number = 0
        self._started_ms = self._clock.now_ms()
        self._shared = workers.engine.reads.shared_queue(queue)
        self._orphans: dict[str, Task] = {} if self._shared else dict(self.worker_queue.running)
        """What somebody had when the daemon ended the last time, by id. What others have may be
        in the hands of workers of another daemon."""
        workers.attach(queue, self)

    def __len__(self) -> int:
        return len(self._links)

    def __iter__(self) -> Iterator[WorkerLink]:
        """In the order in which they connected."""
        return iter(self._links.values())

    @property
    def worker_queue(self) -> WorkerQueue:
        return self._workers.worker_queue(self._queue)

    @property
    def lease(self) -> tuple[float | None, int | None]:
        """Seconds, and how often a task whose lease ran out is offered again: for new tasks."""
        return (_LEASE_S, 0) if self._shared else (None, None)

    @property
    def average_wait_ms(self) -> int:
        """Between submit and start, of the latest tasks that were handed out here."""
        return round(sum(self._waits_ms) / len(self._waits_ms)) if self._waits_ms else 0

    def next_number(self) -> int:
        """1, 2, ...: of the workers that have connected since the start."""
        self._number += 1
        return self._number

    def is_name_free(self, name: str) -> bool:
        """Whether no worker goes by this name, and none that may come back did."""
        known = self._workers.registry.get(self._queue, name)
        return known is None and not self._workers.tasks_of(self._queue, name)

    @asynccontextmanager
    async def connected(
        self,
        name: str,
        connection: WorkerConnection,
        *,
        match: str,
        address: str | None,
        owner: str = "anonymous",
    ) -> AsyncIterator[WorkerLink]:
        """A worker that is there for as long as the block lasts. Tasks come from `begin` on.
        `owner`: whose key it has shown.

        Raises RobotqError too_many_requests, shutting_down.
        """
        if self.stopped.is_set():
            raise RobotqError("shutting_down")
        limit = self._workers.engine.config.limits.workers_of_key
        if sum(link.owner == owner for link in self._links.values()) >= limit:
            raise RobotqError("too_many_requests", limit=limit)
        self._workers.seen(self._queue, name, match=match, transport="websocket", address=address)
        link = WorkerLink(name, match, address, self._clock.now_ms(), connection, owner=owner)
        self._links[name] = link
        try:
            yield link
        finally:
            # not cancelled: a claim that is on its way to the disk must not be lost sight of
            link.gone.set()
            del self._links[name]
            await asyncio.shield(self._left(link))

    def begin(self, link: WorkerLink) -> None:
        """The worker is ready for its first task."""
        link.attending = asyncio.create_task(self._attend(link), name=f"tasks for {link.name}")

    def heard(self, link: WorkerLink) -> None:
        """Take note of a sign of life."""
        self._workers.seen(
            self._queue, link.name, match=link.match, transport="websocket", address=link.address
        )

    async def finish(
        self, link: WorkerLink, task_id: str, ending: JobEnding, token: int | None = None
    ) -> Task:
        """Take what a worker says of the task that it has, or had before the daemon began anew.

        While nothing can be written it is waited for that. Raises RobotqError task_not_found,
        wrong_state, stale_claim; store_unavailable where the daemon ends before it could be
        written.
        """
        holder = self._holder(link, task_id, token)
        while True:
            try:
                task = await self._workers.engine.reads.task(task_id)
                if task.queue != self._queue:
                    raise RobotqError("task_not_found", task_id=task_id)
                link.told(task_id)
                if self._shared and (link.task is None or link.task.id != task_id):
                    # what this daemon has in memory of it may be old
                    task = await self._workers.engine.reads.anew(task_id)
                    if self._had_elsewhere(link, task):
                        holder = _of_the_last(task, token)
                return await self._workers.finish(task_id, holder, ending)
            except RobotqError as error:
                if error.code.name != "store_unavailable" or self.stopped.is_set():
                    raise
                await asyncio.sleep(_AGAIN_S)

    # -- for Workers -------------------------------------------------------------------------

    async def sweep(self) -> None:
        """Give up those tasks whose workers have not come back after a start; renew the leases of
        those that are here."""
        await self._renew()
        if not self._orphans:
            return
        late = self._clock.now_ms() - self._started_ms >= _BACK_S * 1000
        for task in list(self._orphans.values()):
            now = self.worker_queue.running.get(task.id)
            if now is None or now.fence != task.fence:
                del self._orphans[task.id]
            elif late:
                await self._give_up(now)

    async def stop(self) -> None:
        """Let every worker go. What they have stays theirs."""
        self.stopped.set()
        links = list(self._links.values())
        for link in links:
            link.gone.set()
        closing = [asyncio.ensure_future(link.connection.close()) for link in links]
        ends = [*closing, *(link.attending for link in links if link.attending is not None)]
        if ends:
            # what was claimed and never sent is given back while that can be written
            await asyncio.wait(ends, timeout=_STOP_S)

    # -- helpers -----------------------------------------------------------------------------

    async def _renew(self) -> None:
        soon_ms = self._clock.steady_ms() + round(_LEASE_S * 1000 / 2)
        for link in [*self._links.values()]:
            task = None if link.task is None else self.worker_queue.running.get(link.task.id)
            if task is None or task.lease_until_ms is None or task.lease_until_ms > soon_ms:
                continue
            holder = Holder(worker=link.name, token=task.fence)
            try:
                await self._workers.engine.queue.renew_job(task.id, holder)
            except RobotqError as error:
                _log.info("the lease of %s is not renewed: %s", task.id, error)

    async def _attend(self, link: WorkerLink) -> None:
        while not link.gone.is_set():
            try:
                task = await self._next(link)
                if task is not None:
                    await self._hand_over(link, task)
            except RobotqError as error:
                _log.warning("nothing for %s: %s", link.name, error)
                await _until(link, asyncio.sleep(_AGAIN_S))
            except Exception:  # noqa: BLE001 - logged whole; the worker is to get its next task
                _log.exception("bringing tasks to %s failed; it goes on", link.name)
                await _until(link, asyncio.sleep(_AGAIN_S))

    async def _next(self, link: WorkerLink) -> Task | None:
        """Its next task; None where the worker has gone."""
        tasks, worker_queue = self._workers.engine.queue, self.worker_queue
        while not link.gone.is_set():
            task = await tasks.claim_job(self._queue, link.name, link.match)
            if task is not None:
                return task
            if not tasks.job_ready(self._queue, link.match):
                await _until(link, worker_queue.called(link.match, _LOOK_S))
        # what this one was called for may be another's
        worker_queue.call(link.match)
        return None

    async def _hand_over(self, link: WorkerLink, task: Task) -> None:
        """Bring a claimed task to its worker, and wait until it is over."""
        link.task = task
        self._waits_ms.append((task.started_at_ms or 0) - task.submitted_at_ms)
        try:
            given = not link.gone.is_set() and await link.connection.give(task)
        except (OSError, TimeoutError) as error:
            _log.info("%s may not have got %s: %s", link.name, task.id, error)
            given = True
            await link.connection.close()
        if not given:
            link.task = None
            link.gone.set()
            await self._give_back(task)
            return
        while not link.gone.is_set():
            now = self.worker_queue.running.get(task.id)
            if now is None or now.fence != task.fence:
                link.task = None
                if not link.knows(task.id):
                    await self._take_away(link, task)
                return
            await link.until(self.worker_queue.changed(now))

    async def _take_away(self, link: WorkerLink, task: Task) -> None:
        try:
            await link.connection.take_away(task)
        except (OSError, TimeoutError) as error:
            _log.info("%s was not told that %s is over: %s", link.name, task.id, error)

    async def _left(self, link: WorkerLink) -> None:
        if link.attending is not None:
            await link.attending
        while not self.stopped.is_set():
            try:
                await self._workers.left(self._queue, link.name)
            except RobotqError as error:
                _log.warning("%s has left: %s", link.name, error)
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    async def _give_back(self, task: Task) -> None:
        holder = Holder(worker=task.worker, token=task.fence)
        try:
            await self._workers.engine.queue.give_back_job(task.id, holder)
        except RobotqError as error:
            # when the worker is found to have left, it fails
            _log.warning("%s could not be given back: %s", task.id, error)

    async def _give_up(self, task: Task) -> None:
        if task.worker and self._workers.registry.get(self._queue, task.worker) is not None:
            # it asks for itself, and has been heard of
            return
        holder = Holder(worker=task.worker, token=task.fence)
        try:
            await self._workers.engine.queue.lose_job(task.id, holder)
        except RobotqError as error:
            _log.warning("%s, whose worker did not come back: %s", task.id, error)

    def _holder(self, link: WorkerLink, task_id: str, token: int | None) -> Holder:
        if link.task is not None and link.task.id == task_id:
            return Holder(worker=link.name, token=link.task.fence if token is None else token)
        orphan = self._orphans.get(task_id)
        if orphan is not None and _match(orphan) == link.match:
            # who knows its id had it; what the worker was called before is forgotten
            return _of_the_last(orphan, token)
        return Holder(worker=link.name, token=token)

    def _had_elsewhere(self, link: WorkerLink, task: Task) -> bool:
        """Whether a worker brings what another daemon has handed out: that one may be gone."""
        return (
            task.worker is not None
            and task.worker not in self._links
            and _match(task) == link.match
            and not task.state.final
        )


async def _until(link: WorkerLink, waiting: Awaitable[object]) -> None:
    """Wait for this, or until the worker has gone."""
    future = asyncio.ensure_future(waiting)
    await link.until(future)
    future.cancel()
    await asyncio.gather(future, return_exceptions=True)


def _of_the_last(task: Task, token: int | None) -> Holder:
    # who knows its id had it
    return Holder(worker=task.worker, token=task.fence if token is None else token)


def _match(task: Task) -> str:
    return "" if task.work is None else task.work.match
