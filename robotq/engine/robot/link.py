"""The link to one robot: made and made again for ever. Making it never moves anything."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from robotq.drivers.base import (
    DrivenElsewhere,
    DriverStatus,
    LinkLost,
    LinkState,
    NotAsConfigured,
)
from robotq.engine.robot.deps import ExecutorDeps
from robotq.engine.robot.driver_threads import DriverHost
from robotq.engine.robot.executor import Executor
from robotq.engine.robot.motion_hold import MotionHold
from robotq.engine.robot.values import RobotValues
from robotq.model.hold import HoldCode

_log = logging.getLogger(__name__)


class RobotLink:
    def __init__(
        self,
        name: str,
        host: DriverHost,
        deps: ExecutorDeps,
        *,
        executor: Executor,
        motion: MotionHold,
        values: RobotValues,
    ) -> None:
        self._name = name
        self._host = host
        self._executor = executor
        self._motion = motion
        self._values = values
        self._deps = deps
        self._settings = deps.settings
        self._loop = asyncio.get_running_loop()
        self._down = asyncio.Event()
        self._down.set()
        self._losses = 0
        """How often the link was reported lost."""
        self.connected = False
        self.may_move = False
        """The run before has not seen the end of what it did."""

    @property
    def _reconnect_s(self) -> float:
        return self._settings.config.robots[self._name].reconnect_s

    def changed(self, state: LinkState, reason: str) -> None:
        """What the driver reports, from any thread."""
        if state is LinkState.DISCONNECTED:
            try:
                self._loop.call_soon_threadsafe(self.lost, reason)
            except RuntimeError:
                _log.warning("%s: the link went down after the daemon had ended", self._name)

    def lost(self, reason: str) -> None:
        """On the loop."""
        self._losses += 1
        self._executor.doubts.disconnected()
        if not self.connected:
            return
        self.connected = False
        _log.warning("%s: the link is down: %s", self._name, reason)
        self._hold_disconnected(reason)
        self._down.set()

    def _hold_disconnected(self, reason: str, *, options: bool = False) -> None:
        """`options`: those of the robot are wrong, and no cable."""
        more: dict[str, Any] = {"options": True} if options else {}
        self._deps.holds.set(self._name, HoldCode.DISCONNECTED, reason=reason, **more)

    async def keep(self) -> None:
        """For ever: make the link where it is not there."""
        await self._stop_what_may_run()
        told: tuple[type[Exception], str] | None = None
        told_at = 0.0
        pause_s = 0.0
        while True:
            await self._down.wait()
            try:
                status = await self._connect()
            except Exception as error:  # noqa: BLE001 - whatever it is, the link is not there
                news = (type(error), str(error) or type(error).__name__)
                now = self._loop.time()
                # another machine at the same port, for example
                other = told is None or news[0] is not told[0]
                at_once = isinstance(error, DrivenElsewhere)
                late = at_once or now - told_at > self._settings.timings.link_told_s
                if other or (news != told and late):
                    told, told_at = news, now
                    _log.warning("%s: no link: %s", self._name, error)
                    self._hold_disconnected(news[1], options=isinstance(error, NotAsConfigured))
                least_s, most_s = self._settings.timings.link_pause_s, self._reconnect_s
                pause_s = min(max(least_s, 2 * pause_s), most_s)
                await asyncio.sleep(pause_s)
                continue
            told = None
            pause_s = 0.0
            self._down.clear()
            self.connected = True
            _log.info("%s: the link is there", self._name)
            # before anything can begin
            self._motion.connected(status)
            self._values.take(status.values)
            self._executor.doubts.connected()
            await self._executor.doubts.stop_what_is_owed()
            await self._lift_disconnected(status.place)

    async def _stop_what_may_run(self) -> None:
        """An emergency stop of the run before comes before the link: a driver that is told of it
        stops its device as the first thing that it sends. Also where nobody can ask it: a command
        without an id, whose outcome is unknown, may still be going on."""
        holds = self._deps.holds
        may_move = self.may_move or holds.has(self._name, HoldCode.OUTCOME_UNKNOWN)
        if not (may_move and holds.has(self._name, HoldCode.ESTOP)):
            return
        stopping = self._host.emergency_stop()
        # it is not there yet, most often, and says so
        await asyncio.wait({stopping}, timeout=self._settings.timings.confirm_s)
        if stopping.done() and (error := stopping.exception()) is not None:
            _log.info("%s: the emergency stop goes out with the link: %s", self._name, error)

    async def _connect(self) -> DriverStatus:
        """Make the link. Returns how the robot is."""
        losses = self._losses
        await self._host.connect()
        async with asyncio.timeout(self._settings.timings.answer_s):
            status = await self._host.status()
        if status.link is LinkState.DISCONNECTED or self._losses != losses:
            raise LinkLost("the link broke again at once")
        return status

    async def _lift_disconnected(self, place: str | None) -> None:
        claims, holds = self._deps.claims, self._deps.holds
        hold = holds.get(self._name, HoldCode.DISCONNECTED)
        assert hold is not None
        # where it cannot say where it stands, it keeps what it had
        mutations = claims.robot_stands(self._name, place) if place is not None else []
        # it stays where the link has been lost again meanwhile
        await claims.lift_when_possible(hold, mutations)
