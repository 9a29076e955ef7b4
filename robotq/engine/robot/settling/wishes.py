"""What somebody has wanted of the task that a robot has claimed."""

from __future__ import annotations

import asyncio
import logging

from robotq.engine.queue.claims import Claims
from robotq.engine.queue.ending import PEOPLES, StopRequest
from robotq.engine.waiting.cancelling import Cancelling
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.task import Asked, Task
from robotq.store.port import StaleRevision

_log = logging.getLogger(__name__)


class Wishes:
    """Of one robot, which has one task at a time: a later one takes the place of an earlier."""

    def __init__(
        self, robot: str, claims: Claims, cancelling: Cancelling, clock: WallClock
    ) -> None:
        self._robot = robot
        self._claims = claims
        self._cancelling = cancelling
        self._clock = clock
        self._called_off: dict[str, StopRequest] = {}
        """The latest request for a claimed task whose command was not begun."""
        self._of_running: dict[str, Asked] = {}
        """What somebody has wanted of the task that runs."""
        self._intending: asyncio.Task[None] | None = None

    def call_off(self, task_id: str, request: StopRequest) -> None:
        """Of a task whose command was not begun."""
        self._called_off = {task_id: request}

    def called_off(self, task_id: str) -> bool:
        return task_id in self._called_off

    def keep(self, task: Task, request: StopRequest) -> None:
        """Keep what somebody wanted of a running task, and bring it to the disk."""
        if request.cause not in PEOPLES or task.id in self._of_running:
            return
        asked = Asked(
            cause=request.cause.value,
            actor=request.actor,
            at_ms=self._clock.now_ms(),
            reason=request.reason,
        )
        self._of_running = {task.id: asked}
        # in the background: the stop itself waits for no disk
        self._intending = asyncio.create_task(self._intend(task, asked), name=f"intend {task.id}")

    async def _intend(self, task: Task, asked: Asked) -> None:
        try:
            await self._claims.running.intend(task, asked)
        except Exception as error:  # noqa: BLE001 - the stop itself hangs on no disk
            # it is told at the end of the task all the same; the next daemon would not know it
            _log.warning("%s: who stops %s is not on disk: %r", self._robot, task.id, error)

    def wanted(self, task_id: str) -> Asked | None:
        """The same, and it stays to be told."""
        return self._of_running.get(task_id)

    def asked(self, task_id: str) -> Asked | None:
        """Who has called this task off, also where it came too late for its command."""
        return self._of_running.pop(task_id, None)

    async def requeue(self, task: Task, **data: str) -> None:
        """Have a task wait again that its device has never begun, and call it off where somebody
        has wanted that meanwhile."""
        await self._claims.running.requeue(task, **data)
        asked = self._of_running.pop(task.id, None)
        if asked is not None:
            await self._cancel(task, asked.actor, asked.reason)

    async def release(self, task: Task) -> None:
        """Give a claim back whose command was not begun, and call the task off where somebody
        has wanted that."""
        await self._claims.release(task)
        request = self._called_off.pop(task.id, None)
        if request is not None:
            # it came while the claim was being given back
            await self._cancel(task, request.actor, request.reason)

    async def _cancel(self, task: Task, actor: str, reason: str) -> None:
        try:
            await self._cancelling.cancel(task.id, actor=actor, reason=reason)
        except (RobotqError, StaleRevision) as error:
            _log.warning("%s: %s is not called off: %s", self._robot, task.id, error)
