"""Queues of robots that the configuration does not have any more: shown, and held."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from robotq.engine.holds.board import HoldBoard
from robotq.engine.queue.claims import Claims
from robotq.engine.state.tasks import TaskMemory
from robotq.model.hold import HoldCode


class AbsentRobots:
    """Watches what waits for robots that nobody has configured.

    A start finds them (`recovery`); they come to an end when the last of their commands was
    moved or called off and every unknown outcome is resolved, and never by themselves.
    """

    def __init__(
        self, memory: TaskMemory, holds: HoldBoard, claims: Claims, robots: Sequence[str]
    ) -> None:
        """`robots`: those that are configured."""
        self._memory = memory
        self._holds = holds
        self._claims = claims
        self._robots = frozenset(robots)
        self._watching: list[asyncio.Task[None]] = []

    @property
    def names(self) -> Sequence[str]:
        """Those for which something waits, or has ended nobody knows how."""
        return sorted(
            hold.robot
            for hold in self._holds.all()
            if hold.code is HoldCode.NOT_CONFIGURED and hold.robot not in self._robots
        )

    @property
    def line(self) -> str:
        """All of them in a sentence."""
        told = ", ".join(f"{name} ({self.waiting(name)} waiting)" for name in self.names)
        return f"not in the configuration, and commands are left: {told}"

    def waiting(self, name: str) -> int:
        return len(self._memory.robot_queue(name))

    def start(self) -> None:
        for name in self.names:
            task = asyncio.create_task(self._watch(name), name=f"{name} absent")
            self._watching.append(task)

    async def stop(self) -> None:
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)

    async def _watch(self, name: str) -> None:
        robot_queue = self._memory.robot_queue(name)
        while (hold := self._holds.get(name, HoldCode.NOT_CONFIGURED)) is not None:
            if not len(robot_queue) and not self._holds.has(name, HoldCode.OUTCOME_UNKNOWN):
                await self._claims.lift_when_possible(hold)
                continue
            if hold.args.get("tasks") != len(robot_queue):
                self._holds.amend(hold, tasks=len(robot_queue))
            await robot_queue.changed()
