"""What happens while the disk takes no writes, and what has to be done before that is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.disk import Writing
from robotq.engine.holds.board import HoldBoard
from robotq.engine.holds.writer import HoldWriter
from robotq.engine.queue.queue import TaskQueue
from robotq.engine.reads import WRITTEN_LATE
from robotq.engine.robot.robot import Robot
from robotq.engine.settings import Settings
from robotq.engine.signals import Signals
from robotq.engine.state.tasks import TaskMemory
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import Task
from robotq.store.port import Mutation, SaveTask, Store, StoreUnavailable

_log = logging.getLogger(__name__)


class Outage:
    """Holds every queue while the disk takes no writes, and tries again and again whether
    it does.

    Before it counts as over, what came to the disk after its caller had been told otherwise is
    undone, unless it is promised elsewhere, and it is written that the queues are not held any
    more.
    """

    def __init__(
        self,
        *,
        store: Store,
        commit: Commit,
        memory: TaskMemory,
        holds: HoldBoard,
        hold_writer: HoldWriter,
        queue: TaskQueue,
        robots: Mapping[str, Robot],
        signals: Signals,
        settings: Settings,
    ) -> None:
        self._store = store
        self._commit = commit
        self._memory = memory
        self._holds = holds
        self._hold_writer = hold_writer
        self._queue = queue
        self._robots = robots
        self._settings = settings
        self._probing: asyncio.Task[None] | None = None
        self._closed = False
        signals.outage.subscribe(self._begin)
        if commit.disk.reason is not None:
            # it came before anybody could do anything about it
            self._begin(commit.disk.reason)

    async def close(self) -> None:
        self._closed = True
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)

    def _begin(self, reason: str) -> None:
        for name in (*self._robots, *self._memory.worker_queues):
            self._holds.set(name, HoldCode.STORE_UNAVAILABLE, reason=reason)
        if not self._closed and (self._probing is None or self._probing.done()):
            self._probing = asyncio.create_task(self._probe(), name="store-probe")

    async def _probe(self) -> None:
        while not self._commit.disk.available:
            await asyncio.sleep(self._settings.timings.probe_s)
            try:
                await self._end()
            except (StoreUnavailable, RobotqError):
                continue
            except Exception:  # noqa: BLE001 - nothing but this ends the outage, so it goes on
                _log.exception("the probe of the store failed")
                continue
            self._commit.disk.works_again()

    async def _end(self) -> None:
        try:
            await self._store.probe()
        finally:
            # writes are answered in their order, so all earlier ones are when this is
            self._commit.disk.all_answered()
        late = self._commit.disk.late
        while late:
            if not await _stands(late[0]):
                await self._undo(late[0].mutations)
            del late[0]
        over = [hold for hold in self._holds.all() if hold.code is HoldCode.STORE_UNAVAILABLE]
        await self._hold_writer.lift(*over)
        for worker_queue in self._memory.worker_queues.values():
            worker_queue.wake()

    async def _undo(self, mutations: Sequence[Mutation]) -> None:
        """Nothing that was told as refused may set a robot in motion: what is new is called off,
        and the queue of what is changed is paused."""
        for mutation in mutations:
            if not isinstance(mutation, SaveTask):
                continue
            task = mutation.task
            _log.warning("%s was written after its caller had been told otherwise", task.id)
            if mutation.before is None:
                await self._call_off(task)
            elif task.queue in self._robots and (task.resolution or not task.state.final):
                self._holds.set(task.queue, HoldCode.PAUSED, reason=WRITTEN_LATE)
                hold = self._holds.get(task.queue, HoldCode.OUTCOME_UNKNOWN)
                if task.resolution and hold is not None and hold.task_id == task.id:
                    # it is resolved, so nobody could lift this any more
                    await self._hold_writer.lift(hold)

    async def _call_off(self, task: Task) -> None:
        try:
            await self._queue.cancel_waiting(task.id, actor="robotq", reason=WRITTEN_LATE)
        except RobotqError as error:
            if error.code.name == "store_unavailable":
                raise
            _log.warning("%s is not called off: %s", task.id, error)


async def _stands(late: Writing) -> bool:
    if isinstance(late.stands, bool):
        return late.stands
    # an end of the daemon that comes meanwhile must not take the answer from whoever gives it
    return await asyncio.shield(late.stands)
