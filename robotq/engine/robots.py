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
)
from robotq.engine.executor import Executor, ExecutorDeps, StopCause
from robotq.engine.host import DriverHost
from robotq.model.clock import MotionClock
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_ANSWER_S = 5.0
"""Wall seconds within which a driver answers hold, resume, status or reset."""


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
        self._down = asyncio.Event()
        self._down.set()
        self._tasks: list[asyncio.Task[None]] = []
        self.connected = False
        self.executor = Executor(name, host, motion, self._link_lost, deps)
        self._deps.holds.set(name, HoldCode.DISCONNECTED, reason="reason.connecting")

    @property
    def config(self) -> RobotConfig:
        return self._deps.settings.config.robots[self.name]

    @property
    def capabilities(self) -> Capabilities:
        return self.host.capabilities

    def start(self) -> None:
        """Begin to restore the link and to carry out the queue."""
        self._tasks = [
            asyncio.create_task(self._keep_link(), name=f"{self.name} link"),
            asyncio.create_task(self.executor.run(), name=f"{self.name} executor"),
        ]

    # -- the link ----------------------------------------------------------------------------

    def link_changed(self, state: LinkState, reason: str) -> None:
        """What the driver reports, from any thread."""
        if state is LinkState.DISCONNECTED:
            self._loop.call_soon_threadsafe(self._link_lost, reason)

    def _link_lost(self, reason: str) -> None:
        if not self.connected:
            return
        self.connected = False
        _log.warning("%s: the link is down: %s", self.name, reason)
        self._hold_disconnected(reason)
        self._down.set()

    def _hold_disconnected(self, reason: str) -> None:
        holds = self._deps.holds
        # set anew, so that the reason is the latest one
        holds.lifted(self.name, HoldCode.DISCONNECTED)
        events = holds.set(self.name, HoldCode.DISCONNECTED, reason=reason)
        self._later(self._deps.journal.write_when_possible(events))

    async def _keep_link(self) -> None:
        first_failure = True
        while True:
            await self._down.wait()
            try:
                await self.host.connect()
                status = await self.host.status()
            except Exception as error:  # noqa: BLE001 - whatever it is, the link is not there
                if first_failure:
                    first_failure = False
                    _log.warning("%s: no link: %s", self.name, error)
                    self._hold_disconnected(str(error) or type(error).__name__)
                await asyncio.sleep(self.config.reconnect_s)
                continue
            self._down.clear()
            self.connected = True
            events = self._deps.queue.robot_stands(self.name, status.place)
            if not first_failure:
                _log.warning("%s: the link is back", self.name)
                events = [
                    *events,
                    *self._deps.holds.to_lift(self.name, HoldCode.DISCONNECTED),
                ]
            if events:
                await self._deps.queue.write_when_possible(events)
            self._deps.holds.lifted(self.name, HoldCode.DISCONNECTED)
            first_failure = False

    def _later(self, work: Awaitable[None]) -> None:
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(asyncio.ensure_future(work))

    # -- what people do to a robot -------------------------------------------------------------

    async def status(self) -> DriverStatus:
        """Raises RobotqError robot_disconnected, robot_busy, device_error."""
        return await self._asked(self.host.status())

    async def hold(self) -> None:
        """Pause the motion. Raises RobotqError robot_busy where the controller cannot."""
        if not self.capabilities.can_hold:
            raise RobotqError(
                "robot_busy", robot=self.name, reason="Its controller cannot pause a motion."
            )
        await self._asked(self.host.hold())
        self.executor.motion_held(True)

    async def resume(self) -> None:
        await self._asked(self.host.resume())
        self.executor.motion_held(False)

    async def stop(self, actor: str, reason: str) -> None:
        """Stop what runs, and wait until it has ended. Without a running command the stop goes
        to the driver all the same."""
        if self.executor.request_stop(StopCause.STOP, actor=actor, reason=reason):
            await self.executor.idle.wait()
        else:
            await self._asked(self.host.stop())

    async def reset(self) -> None:
        """Leave the emergency stop at the driver. Never moves anything."""
        await self._asked(self.host.reset())

    async def _asked(self, call: Awaitable[_T]) -> _T:
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await call
        except TimeoutError:
            raise RobotqError(
                "robot_busy",
                robot=self.name,
                reason=f"Its driver gave no answer in {_ANSWER_S:g} s.",
            ) from None
        except Busy as error:
            raise RobotqError("robot_busy", robot=self.name, reason=str(error)) from error
        except LinkLost as error:
            raise RobotqError("robot_disconnected", robot=self.name, reason=str(error)) from error
        except DriverError as error:
            raise RobotqError(error.code, **error.args_) from error

    # -- the end -------------------------------------------------------------------------------

    async def finish(self, grace_s: float) -> None:
        """Give the running command `grace_s` of wall time, then stop it; end the loops."""
        idle = asyncio.ensure_future(self.executor.idle.wait())
        await asyncio.wait({idle}, timeout=grace_s)
        if not idle.done():
            self.executor.request_stop(StopCause.SHUTDOWN, actor="robotq")
            await asyncio.wait(
                {idle}, timeout=self._deps.settings.config.limits.stop_timeout_s + _ANSWER_S
            )
        idle.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> bool:
        """Close the driver. False where its thread is stuck."""
        return await self.host.close(_ANSWER_S)
