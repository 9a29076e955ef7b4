"""Gives a driver its threads, so that none of its calls can hold up the loop or each other."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar, cast

from robotq.drivers.base import (
    Busy,
    Capabilities,
    CommandContext,
    Driver,
    DriverStatus,
    LinkLost,
    Pictured,
    Reporting,
    Stopped,
)
from robotq.drivers.jogging import Jogs
from robotq.drivers.settling import Settled, Settles, UnsettledRun
from robotq.engine.robot.driver_calls import (
    DriverCalls,
    call_soon,
    civil,
    quietly,
    retrieved,
    settle,
)
from robotq.engine.timings import Timings
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.json import JsonObject
from robotq.model.task import Command

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class NotBegun(Stopped):
    """Stopped before the driver had the command."""


class DriverHost:
    """One driver and its threads.

    The command thread runs connect, execute and close, one at a time. Stop, emergency stop,
    the calls that hold, resume and reset, and everything else have a thread each, so that a
    stop never waits behind anything that hangs.
    """

    def __init__(
        self,
        robot: str,
        driver: Driver,
        timings: Timings = Timings(),  # noqa: B008 - it never changes
    ) -> None:
        self.driver = driver
        self.timings = timings
        self._robot = robot
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._command_thread = threading.Thread(
            target=self._run_jobs, name=f"{robot}-command", daemon=True
        )
        self._command_thread.start()
        self._stopping = DriverCalls(f"{robot}-stop")
        self._emergency = DriverCalls(f"{robot}-estop")
        self._motion = DriverCalls(f"{robot}-motion")
        self._control = DriverCalls(f"{robot}-control")
        self._no_motion = threading.Event()
        self._emergencies = 0
        self._stop_requested = False
        self._connecting = False
        self._closing = False
        # looked up once: whether a driver has that method takes long to find out
        self._reporting = isinstance(driver, Reporting)
        self.settles = driver if isinstance(driver, Settles) else None
        """The driver, where it can ask its device for a run."""
        self.jogs = driver if isinstance(driver, Jogs) else None
        """The driver, where it can move an axis by hand."""
        self._came_back: _CameBack | None = None
        """The command that has come back, while the driver is asked where it stands."""
        self._seen: _CameBack | None = None
        """The same as it was at the last turn of `_watch`."""
        self._watch: asyncio.TimerHandle | None = None
        self.stuck: asyncio.Future[None] | None = None
        """There while the driver does not say where it stands: the command before has ended, and
        the command thread is not free. Done when it is."""
        self.busy = False
        """The command thread is in `execute`."""

    @property
    def capabilities(self) -> Capabilities:
        """What the controller can do as far as is known now: a driver learns it from the
        controller when it connects. `simulated` never changes."""
        return self.driver.capabilities

    # -- the command thread ------------------------------------------------------------

    def connect(self) -> asyncio.Future[None]:
        def connect() -> None:
            self._connecting = True
            try:
                if self._closing:
                    raise LinkLost("closed")
                self.driver.connect()
            finally:
                self._connecting = False

        return self._on_command_thread(connect)

    def execute(
        self,
        carry_out: Callable[[], JsonObject],
        glance: Callable[[], None] | None = None,
        *,
        begun: bool = False,
    ) -> asyncio.Future[JsonObject]:
        """Run a command; the future has its result or what `carry_out` raised.

        `glance` is called on the command thread when the command has come back with a result,
        before the loop is told: asking another thread then would take two more hand-overs
        between two commands. One that hangs keeps nobody from the result. `begun`: the device
        has the command already, so it is followed also where nothing may begin.
        """
        self._stop_requested = False
        self.busy = True
        loop = asyncio.get_running_loop()
        future: asyncio.Future[JsonObject] = loop.create_future()
        if glance is not None and self._watch is None:
            self._watch = loop.call_later(self.timings.glance_s / 2, self._look_after, loop)

        def job() -> None:
            try:
                result = civil(lambda: self._begun(carry_out, begun))
            except Exception as error:  # noqa: BLE001 - handed to whoever awaits the future
                call_soon(loop, settle, future, None, error)
                return
            if glance is not None:
                self._came_back = _CameBack(future, result)
                quietly(glance, self._robot)
            call_soon(loop, self._settle_execution, future, result)

        self._jobs.put(job)
        return future

    def _begun(self, carry_out: Callable[[], JsonObject], begun: bool) -> JsonObject:
        try:
            # the stop may have come while this thread was waking up
            if not begun and (self._no_motion.is_set() or self._stop_requested):
                raise NotBegun
            crash_point(CrashPoint.STARTED)
            return carry_out()
        finally:
            self.busy = False

    def _settle_execution(self, future: asyncio.Future[JsonObject], result: JsonObject) -> None:
        self._came_back = None
        settle(future, result, None)
        if self.stuck is not None:
            self.stuck.set_result(None)
            self.stuck = None

    def _look_after(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell the result of a command whose driver does not say where it stands."""
        self._watch = None
        before, self._seen = self._seen, self._came_back
        if self._seen is not None and self._seen is before and self.stuck is None:
            _log.warning("%s: the driver does not say where it stands", self._robot)
            self.stuck = loop.create_future()
            settle(before.future, before.result, None)
        if self.busy or self._seen is not None:
            self._watch = loop.call_later(self.timings.glance_s / 2, self._look_after, loop)

    def settle(self, run: UnsettledRun, context: CommandContext) -> asyncio.Future[Settled]:
        """Have the driver ask what became of a run. The future raises whatever that raises."""
        driver = self.settles
        assert driver is not None
        return self._on_command_thread(lambda: driver.settle(run, context))

    def let_go(self, limit_s: float) -> asyncio.Future[None]:
        """Have the driver end its command, and the robot go on."""
        driver = self.settles
        assert driver is not None
        return self._stopping.call(lambda: driver.let_go(limit_s))

    def _on_command_thread(self, call: Callable[[], _T]) -> asyncio.Future[_T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()

        def job() -> None:
            result, error = None, None
            try:
                result = civil(call)
            except Exception as raised:  # noqa: BLE001 - handed to whoever awaits the future
                error = raised
            call_soon(loop, settle, future, result, error)

        self._jobs.put(job)
        return future

    def _run_jobs(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    # -- the other threads ---------------------------------------------------------------

    async def stop(self, through: Callable[[Callable[[], None]], None] | None = None) -> None:
        """Ask the driver to stop, `through` somebody who may keep it back; returns when it has
        taken the request."""
        self._stop_requested = True
        stop = self.driver.stop
        await self._stopping.call(stop if through is None else partial(through, stop))

    @property
    def stop_under_way(self) -> bool:
        """The driver has not come back from a stop: it could still stop the next command."""
        return not self._stopping.idle.is_set()

    async def until_stopped(self) -> None:
        """Wait until every stop has returned."""
        await self._stopping.idle.wait()

    def emergency_stop(self) -> asyncio.Future[None]:
        """Latch, and have the driver stop everything. Called on the loop; never waits."""
        self._no_motion.set()
        self._emergencies += 1
        return self._emergency.call(self.driver.emergency_stop)

    async def reset(self) -> None:
        """Leave the emergency stop. Raises Busy if another one comes meanwhile, or if the driver
        does not come back from this one."""
        try:
            async with asyncio.timeout(self.timings.back_s):
                # a script may reset in the moment in which the stop was answered
                await self._emergency.idle.wait()
        except TimeoutError:
            raise Busy("its driver has not come back from the emergency stop") from None
        emergencies = self._emergencies
        await self._motion.call(self.driver.reset)
        if self._emergencies != emergencies:
            # the driver may have taken the reset last
            await self._emergency.call(self.driver.emergency_stop)
            raise Busy("another emergency stop came during the reset")
        self._no_motion.clear()

    async def hold(self) -> None:
        await self._motion.call(self.driver.hold)

    async def resume(self) -> None:
        await self._motion.call(self.driver.resume)

    async def immediate(self, command: Command) -> JsonObject:
        """Serve an immediate command. Raises what `Driver.immediate` raises."""
        if self.busy and not self.capabilities.immediate_while_busy:
            raise Busy(f"{self._robot} is carrying out a command")
        return await self._control.call(lambda: self.driver.immediate(command))

    async def status(self) -> DriverStatus:
        return await self._control.call(self.driver.status)

    async def look(self) -> DriverStatus:
        """The same from what the driver has heard last: causes no traffic to the robot."""
        return await self._control.call(self.last_status)

    def last_status(self) -> DriverStatus:
        """What `look` answers; for the driver's own threads."""
        driver = self.driver
        return cast(Reporting, driver).last_status() if self._reporting else driver.status()

    async def picture(self) -> JsonObject | None:
        """What the driver tells of its surroundings; None where it tells nothing."""
        driver = self.driver
        return await self._control.call(driver.picture) if isinstance(driver, Pictured) else None

    async def close(self, timeout_s: float) -> bool:
        """Close the driver and end the threads. False if the command thread did not come back."""
        self._closing = True
        closing = self._on_command_thread(self.driver.close)
        self._jobs.put(None)
        if self._connecting:
            # it may wait for a controller that does not speak
            self._stopping.call(self.driver.stop).add_done_callback(retrieved)
        done, _ = await asyncio.wait([closing], timeout=timeout_s)
        for calls in (self._stopping, self._emergency, self._motion, self._control):
            calls.close()
        if not done:
            _log.error("%s: the driver did not close within %s s", self._robot, timeout_s)
            return False
        if (error := closing.exception()) is not None:
            _log.error("%s: the driver failed to close: %r", self._robot, error)
        return True


class _CameBack(NamedTuple):
    future: asyncio.Future[JsonObject]
    result: JsonObject
