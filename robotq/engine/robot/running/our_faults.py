"""A command that an executor has lost by a fault of its own."""

from __future__ import annotations

import asyncio
import logging

from robotq.engine.queue.ending import unknown
from robotq.engine.robot.deps import ExecutorDeps
from robotq.engine.robot.running.coming_back import ComingBack
from robotq.engine.robot.settling.wishes import Wishes
from robotq.model.errors import RobotqError
from robotq.model.hold import Hold
from robotq.model.task import Task

_log = logging.getLogger(__name__)


class OurFaults:
    """Of one robot."""

    def __init__(
        self, robot: str, wishes: Wishes, coming_back: ComingBack, deps: ExecutorDeps
    ) -> None:
        self._robot = robot
        self._wishes = wishes
        self._coming_back = coming_back
        self._deps = deps

    async def end(self, task: Task, error: Exception) -> None:
        """Nobody knows how far the robot got, so a person has to look. Where its end cannot be
        recorded the queue says so, and it is tried again: an executor itself never ends."""
        ending = unknown("internal_error", f"{type(error).__name__}: {error}")
        asked = self._wishes.asked(task.id)
        hold: Hold | None = None
        while True:
            try:
                await self._deps.claims.finish(task, ending, asked=asked, claim_next=False)
            except RobotqError as refused:
                _log.warning("%s: %s has ended otherwise: %s", self._robot, task.id, refused)
            except Exception:  # noqa: BLE001 - the next attempt may succeed
                _log.exception("%s: out of order, %s has no end", self._robot, task.id)
                if hold is None:
                    hold = self._coming_back.unresponsive(task.id)
                await asyncio.sleep(self._deps.settings.timings.after_fault_s)
                continue
            break
        if hold is not None:
            await self._coming_back.lift(hold)
