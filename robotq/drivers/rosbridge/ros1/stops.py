"""Stopping the goals of ROS 1: a message on a topic, which nobody answers. What comes of it shows
in the status that the server tells of its goals."""

from __future__ import annotations

import asyncio
import time

from robotq.drivers.rosbridge.bridge import Bridge
from robotq.drivers.rosbridge.goals import Goals
from robotq.drivers.rosbridge.messages import ALL_GOALS, CancelCode, GoalId, GoalStatus
from robotq.drivers.rosbridge.ready import Halt, ReadyRobot
from robotq.drivers.rosbridge.ros1 import actions as ros1
from robotq.drivers.rosbridge.stops import Prepared, Stops

_THERE_S = 2.0
"""Wall seconds in which a server is heard, which tells its goals five times a second."""
_TIMES = 6
"""A message is lost where the server has not yet found who publishes it, so it is sent again."""
_SHOWS_S = 0.3
"""Wall seconds in which the status shows that it was heard."""
_LOOK_S = 0.02
_GOES_ON = (GoalStatus.ACCEPTED, GoalStatus.EXECUTING)


class Ros1Stops(Stops):
    def __init__(self, bridge: Bridge, ready: ReadyRobot, goals: Goals) -> None:
        super().__init__(bridge, ready)
        self._goals = goals
        self._cancels = {
            action: Halt(
                service=None, topic=ros1.cancel_topic(action), type=ros1.GOAL_ID, content={}
            )
            for action in ready.actions
        }

    async def _there(self, action: str) -> bool:
        until = time.monotonic() + _THERE_S
        while not self._goals.heard_at(action):
            if time.monotonic() > until:
                return False
            await asyncio.sleep(_LOOK_S)
        return True

    async def _cancel(self, action: str, goal: GoalId) -> CancelCode | None:
        for _ in range(_TIMES):
            spare = self._spare.get(action)
            if spare is None or not spare.socket.is_open:
                spare = await self._keep(action)
            sent_at = time.monotonic()
            await spare.socket.sent(ros1.cancel(action, goal))
            while time.monotonic() < sent_at + _SHOWS_S:
                if self._goals.heard_at(action) > sent_at and not self._goes_on(action, goal):
                    return CancelCode.NONE
                await asyncio.sleep(_LOOK_S)
        return CancelCode.REJECTED

    def _goes_on(self, action: str, goal: GoalId) -> bool:
        goals = self._goals.of(action)
        meant = goals.values() if goal == ALL_GOALS else [goals.get(goal, GoalStatus.UNKNOWN)]
        return any(status in _GOES_ON for status in meant)

    async def _keep(self, key: str, halt: Halt | None = None) -> Prepared:
        return await super()._keep(key, halt or self._cancels.get(key))
