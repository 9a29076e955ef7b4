"""Steps in the queues of robots that people do: their items are ticked off."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from robotq.engine.control.again import Again
from robotq.engine.control.robot_control import RobotControl
from robotq.engine.queue.queue import TaskQueue
from robotq.engine.reads import Reads
from robotq.engine.robot.robot import Robot
from robotq.engine.settings import Settings
from robotq.model.errors import RobotqError
from robotq.model.item import Item, ItemStatus
from robotq.model.task import Task, TaskState

_LOOKS = 50
"""A step whose turn comes just now gets this many looks before an early tick is refused: a second
of wall time in all."""


class StepsOfPeople:
    """Finds the tasks of robots that wait for items, and ends them when somebody ticks one off.

    Every method raises RobotqError store_unavailable.
    """

    def __init__(
        self,
        *,
        reads: Reads,
        queue: TaskQueue,
        again: Again,
        control: RobotControl,
        robots: Mapping[str, Robot],
        settings: Settings,
    ) -> None:
        self._reads = reads
        self._queue = queue
        self._again = again
        self._control = control
        self._robots = robots
        self._settings = settings

    async def of(self, items: Iterable[Item]) -> Mapping[str, Task]:
        """The tasks that wait for these items, by item."""
        steps = {}
        for item in items:
            if item.task_id is None or item.status is ItemStatus.COMPLETED:
                continue
            try:
                task = await self._reads.task(item.task_id)
            except RobotqError as error:
                if error.code.name != "task_not_found":
                    raise
                # retention has removed it: it ended long ago, and somebody reopened its item
                continue
            if not task.state.final or task.outcome_unknown:
                steps[item.id] = task
        return steps

    async def until_its_turn(self, task_id: str) -> None:
        """Raises RobotqError wrong_state where nobody waits for this step yet."""
        task = await self._reads.task(task_id)
        for _ in range(_LOOKS):
            if task.state.final or self._asks(task):
                return
            await asyncio.sleep(self._settings.timings.turn_s)
            task = await self._reads.task(task_id)
        raise _not_ticked(task)

    def _asks(self, task: Task) -> bool:
        robot = self._robots.get(task.queue)
        if robot is None:
            return False
        running = robot.executor.running
        return running is not None and running.id == task.id and robot.executor.asks_for(None)

    async def tick(self, step: Task, actor: str) -> None:
        """End a step as done. What an unclean end of the daemon has left open is resolved."""
        if step.outcome_unknown:
            await self._again.resolve(step.id, "completed", actor=actor)
            return
        try:
            await self._control.answer(step.id, {}, actor=actor)
        except RobotqError as error:
            # somebody else has answered at the same moment, or called it off
            if error.code.name != "no_question":
                raise
        ended = await self._queue.wait_ended(step.id, self._settings.timings.ticked_s)
        if not ended.state.final:
            raise RobotqError("store_unavailable", reason="ticked off, its end is not written")
        if ended.state is not TaskState.COMPLETED:
            raise _not_ticked(ended)


def _not_ticked(task: Task) -> RobotqError:
    state = task.state.value
    return RobotqError("wrong_state", task_id=task.id, state=state, action="be ticked off")
