"""One robot: its driver, its executor, and the link between them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from robotq.config import RobotConfig
from robotq.drivers.base import (
    Busy,
    Capabilities,
    DriverError,
    DriverStatus,
    LinkLost,
    LinkState,
    UnknownCommand,
)
from robotq.engine.queue.ending import StopCause
from robotq.engine.robot.deps import ExecutorDeps
from robotq.engine.robot.driver_threads import DriverHost
from robotq.engine.robot.executor import Executor
from robotq.engine.robot.link import RobotLink
from robotq.engine.robot.motion_hold import MotionHold
from robotq.engine.robot.settling.leaving import Leaving
from robotq.engine.robot.values import RobotValues
from robotq.engine.timings import Timings
from robotq.model.clock import MotionClock
from robotq.model.errors import ERROR_CODES, RobotqError
from robotq.model.hold import HoldCode
from robotq.model.json import JsonObject
from robotq.model.task import Command, Task

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_EXECUTOR = 1
"""Which of the tasks of a robot is its executor's."""


class Robot:
    """A named device on a driver. The engine owns the link: it is made and made again for
    ever, and making it never moves anything."""

    def __init__(
        self,
        name: str,
        host: DriverHost,
        motion: MotionClock,
        deps: ExecutorDeps,
    ) -> None:
        self.name = name
        self.host = host
        self._deps = deps
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self.executor = Executor(name, host, motion, self._link_lost, deps)
        self.motion = MotionHold(name, host, self.executor, deps)
        self.values = RobotValues(name, lambda: self.config.values, lambda: self.connected)
        self.link = RobotLink(
            name, host, deps, executor=self.executor, motion=self.motion, values=self.values
        )
        self._leaving = Leaving(name, host, self.executor, deps)
        self._deps.holds.starts(name)

    @property
    def config(self) -> RobotConfig:
        return self._deps.settings.config.robots[self.name]

    @property
    def _timings(self) -> Timings:
        return self._deps.settings.timings

    @property
    def capabilities(self) -> Capabilities:
        return self.host.capabilities

    def _link_lost(self, reason: str) -> None:
        self.link.lost(reason)

    @property
    def connected(self) -> bool:
        return self.link.connected

    @property
    def ready(self) -> bool:
        """Its link is there, and nothing waits for that any more: it is so when that is written."""
        return self.connected and not self._deps.holds.has(self.name, HoldCode.DISCONNECTED)

    @property
    def free(self) -> bool:
        """Nothing has its driver: no command, no claim, no run that is asked for, no stop."""
        executor, host = self.executor, self.host
        return (
            self.connected
            and executor.running is None
            and executor.idle.is_set()
            and not host.busy
            and not host.stop_under_way
            and host.stuck is None
        )

    def require_nobody_at_hand(self) -> None:
        """Raises RobotqError robot_busy while somebody moves it by hand, or by a raw line."""
        holds = self._deps.holds
        if holds.has(self.name, HoldCode.JOGGING):
            raise RobotqError("robot_busy", robot=self.name, reason="reason.jog_another")
        if holds.has(self.name, HoldCode.RAW_LINE):
            raise RobotqError("robot_busy", robot=self.name, reason="reason.raw_another")

    def start(self) -> None:
        """Begin to restore the link and to carry out the queue."""
        self._tasks = [
            asyncio.create_task(self.link.keep(), name=f"{self.name} link"),
            asyncio.create_task(self.executor.run(), name=f"{self.name} executor"),
            asyncio.create_task(self._keep_looking(), name=f"{self.name} motion"),
        ]

    async def take_up(self, task: Task) -> None:
        """Ask the device for what another daemon has begun, before anything else.

        Raises RobotqError robot_busy where something is in hand here."""
        executor = self.executor
        if not executor.idle.is_set() or executor.running is not None:
            raise RobotqError("robot_busy", robot=self.name, reason="a command is in hand")
        self._tasks[_EXECUTOR].cancel()
        await asyncio.gather(self._tasks[_EXECUTOR], return_exceptions=True)
        executor.doubts.of_the_run_before(task)
        self._tasks[_EXECUTOR] = asyncio.create_task(executor.run(), name=f"{self.name} executor")

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._timings.held_look_s)
            if self.connected:
                status = await self.motion.look()
                if status is not None:
                    self.values.take(status.values)

    # -- what people do to a robot -------------------------------------------------------------

    async def status(self) -> DriverStatus:
        """Raises RobotqError robot_disconnected, robot_busy, device_error."""
        return await self._asked(self.host.status())

    async def picture(self) -> JsonObject | None:
        """What there is around the robot, None where its driver cannot tell.

        Raises RobotqError robot_disconnected, robot_busy, device_error."""
        return await self._asked(self.host.picture())

    async def immediate(self, command: Command) -> JsonObject:
        """Serve an immediate command. Raises RobotqError robot_busy, robot_disconnected,
        robot_cannot, or what the device reports."""
        try:
            return await self._asked(self.host.immediate(command))
        except UnknownCommand as error:
            raise RobotqError(
                "robot_cannot", robot=self.name, cmd_type=command.cmd_type, reason=str(error)
            ) from error

    def require_hold(self) -> None:
        """Raises RobotqError robot_busy where the controller cannot pause a motion."""
        if not self.capabilities.can_hold:
            raise RobotqError(
                "robot_busy", robot=self.name, reason="Its controller cannot pause a motion."
            )

    async def hold(self) -> None:
        """Pause the motion. Raises RobotqError where the driver does not take it."""
        with self.motion.changing():
            await self._asked(self.host.hold())
            self.executor.motion_held(True)
            await self.motion.ask(self._timings.status_s)

    async def resume(self) -> None:
        """Let the motion go on. Returns when the driver says that it does.

        Raises RobotqError motion_still_held, with what the robot says.
        """
        self.require_nobody_at_hand()
        with self.motion.changing():
            await self._asked(self.host.resume())
            loop = asyncio.get_running_loop()
            until = loop.time() + self._timings.goes_on_s
            while (status := await self._asked(self.host.look())).held:
                if loop.time() > until:
                    reason = status.held_because or "reason.held_at_robot"
                    raise RobotqError("motion_still_held", robot=self.name, reason=reason)
                await asyncio.sleep(self._timings.goes_on_look_s)
            if status.link is LinkState.DISCONNECTED:
                raise RobotqError(
                    "robot_disconnected", robot=self.name, reason="the link broke meanwhile"
                )
            self.executor.motion_held(False)

    async def stop(self, actor: str, reason: str) -> None:
        """Stop what runs, and wait until it has ended or its driver has not confirmed in time.
        Without a running command the stop goes to the driver all the same."""
        if not self.executor.request_stop(StopCause.STOP, actor=actor, reason=reason):
            with self.motion.changing():
                self.motion.stopped()
                await self._asked(self.host.stop())
                await self.motion.after_a_stop(self._timings.status_s)
            return
        idle = asyncio.ensure_future(self.executor.idle.wait())
        await asyncio.wait({idle}, timeout=self._stop_s)
        idle.cancel()

    @property
    def _stop_s(self) -> float:
        """Wall seconds until a command that was stopped has ended, unless the disk is out."""
        return self._deps.settings.config.limits.stop_timeout_s + self._timings.answer_s

    async def reset(self) -> None:
        """Leave the emergency stop at the driver. Never moves anything."""
        with self.motion.changing():
            await self._asked(self.host.reset())
            await self.motion.after_a_stop(self._timings.status_s)

    async def _asked(self, call: Awaitable[_T]) -> _T:
        try:
            async with asyncio.timeout(self._timings.answer_s):
                return await call
        except TimeoutError:
            raise RobotqError(
                "robot_busy",
                robot=self.name,
                reason=f"Its driver gave no answer in {self._timings.answer_s:g} s.",
            ) from None
        except Busy as error:
            raise RobotqError("robot_busy", robot=self.name, reason=str(error)) from error
        except LinkLost as error:
            raise RobotqError("robot_disconnected", robot=self.name, reason=str(error)) from error
        except DriverError as error:
            code = error.code if error.code in ERROR_CODES else "device_error"
            raise RobotqError(code, **error.args_) from error

    # -- the end -------------------------------------------------------------------------------

    async def stand_still(self, grace_s: float) -> None:
        """Give the running command `grace_s` of wall time, then stop it. Returns when the driver
        is back, or has not confirmed the stop in time; waits for no disk."""
        self.executor.doubts.end()
        standing = asyncio.ensure_future(self.executor.standing.wait())
        if self.config.on_shutdown == "leave":
            limit_s = self._deps.settings.config.limits.left_running_s
            if await self._leaving.leave(limit_s):
                await asyncio.wait({standing}, timeout=self._stop_s)
                standing.cancel()
                return
        await asyncio.wait({standing}, timeout=grace_s)
        if not standing.done():
            self.executor.request_stop(StopCause.SHUTDOWN, actor="robotq")
            await asyncio.wait({standing}, timeout=self._stop_s)
        standing.cancel()

    async def finish(self, until: float) -> None:
        """Let the disk take what has come of it, until that time of the loop; end the loops."""
        idle = asyncio.ensure_future(self.executor.idle.wait())
        await asyncio.wait({idle}, timeout=max(0.0, until - self._loop.time()))
        idle.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.motion.end()

    async def close(self) -> bool:
        """Close the driver. False where its thread is stuck."""
        return await self.host.close(self._timings.answer_s)
