"""Gives a driver its threads, so that none of its calls can hold up the loop or each other."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from robotq.drivers.base import Busy, Driver, DriverStatus, Stopped
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.json import JsonObject
from robotq.model.task import Command

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_MAX_CONTROL_CALLS = 32
"""Control calls of one robot that may wait for their thread; the next one is told Busy."""


class DriverHost:
    """One driver and its four threads.

    The command thread runs connect, execute and close, one at a time. Stops have a thread
    of their own, emergency stops another, and everything else a third, so that a stop never
    waits behind a status query that hangs.
    """

    def __init__(self, robot: str, driver: Driver) -> None:
        self.driver = driver
        self.capabilities = driver.capabilities
        self._robot = robot
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._command_thread = threading.Thread(
            target=self._run_jobs, name=f"{robot}-command", daemon=True
        )
        self._command_thread.start()
        self._control = _warm_pool(f"{robot}-control")
        self._stopping = _warm_pool(f"{robot}-stop")
        self._emergency = _warm_pool(f"{robot}-estop")
        self._control_calls = 0
        self._no_motion = threading.Event()
        self._stop_requested = False
        self.busy = False
        """The command thread is in `execute`."""

    # -- the command thread ------------------------------------------------------------

    def connect(self) -> asyncio.Future[None]:
        return self._on_command_thread(self.driver.connect)

    def execute(self, carry_out: Callable[[], JsonObject]) -> asyncio.Future[JsonObject]:
        """Run a command; the future has its result or what `carry_out` raised."""
        self._stop_requested = False
        self.busy = True

        def run() -> JsonObject:
            try:
                # the stop may have come while this thread was waking up
                if self._no_motion.is_set() or self._stop_requested:
                    raise Stopped
                crash_point(CrashPoint.STARTED)
                return carry_out()
            finally:
                self.busy = False

        return self._on_command_thread(run)

    def _on_command_thread(self, call: Callable[[], _T]) -> asyncio.Future[_T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()

        def settle(result: _T | None, error: BaseException | None) -> None:
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]

        def job() -> None:
            result, error = None, None
            try:
                result = call()
            except BaseException as raised:  # noqa: BLE001 - handed to whoever awaits the future
                error = _without_stop_iteration(raised)
            _call_soon(loop, settle, result, error)

        self._jobs.put(job)
        return future

    def _run_jobs(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    # -- the other threads ---------------------------------------------------------------

    async def stop(self) -> None:
        """Ask the driver to stop; returns when it has taken the request."""
        self._stop_requested = True
        await self._call(self._stopping, self.driver.stop)

    def emergency_stop(self) -> asyncio.Future[None]:
        """Latch, and have the driver stop everything. Called on the loop; never waits."""
        self._no_motion.set()
        return self._call(self._emergency, self.driver.emergency_stop)

    async def reset(self) -> None:
        """Leave the emergency stop."""
        await self._call(self._stopping, self.driver.reset)
        self._no_motion.clear()

    async def hold(self) -> None:
        await self._call(self._stopping, self.driver.hold)

    async def resume(self) -> None:
        await self._call(self._stopping, self.driver.resume)

    async def immediate(self, command: Command) -> JsonObject:
        """Serve an immediate command. Raises what `Driver.immediate` raises."""
        if self.busy and not self.capabilities.immediate_while_busy:
            raise Busy(f"{self._robot} is carrying out a command")
        return await self._controlled(lambda: self.driver.immediate(command))

    async def status(self) -> DriverStatus:
        return await self._controlled(self.driver.status)

    async def _controlled(self, call: Callable[[], _T]) -> _T:
        if self._control_calls >= _MAX_CONTROL_CALLS:
            raise Busy(f"{self._robot} does not answer {_MAX_CONTROL_CALLS} earlier calls")
        self._control_calls += 1
        future = self._call(self._control, call)
        # counted until the thread has really served it, also when the caller gives up before
        future.add_done_callback(self._served)
        return await asyncio.shield(future)

    def _served(self, future: asyncio.Future[Any]) -> None:
        self._control_calls -= 1
        if not future.cancelled():
            future.exception()

    @staticmethod
    def _call(pool: ThreadPoolExecutor, call: Callable[[], _T]) -> asyncio.Future[_T]:
        return asyncio.get_running_loop().run_in_executor(pool, call)

    async def close(self, timeout_s: float) -> bool:
        """Close the driver and end the threads. False if the command thread did not come back."""
        closing = self._on_command_thread(self.driver.close)
        self._jobs.put(None)
        done, _ = await asyncio.wait([closing], timeout=timeout_s)
        for pool in (self._control, self._stopping, self._emergency):
            pool.shutdown(wait=False, cancel_futures=True)
        if not done:
            _log.error("%s: the driver did not close within %s s", self._robot, timeout_s)
            return False
        if (error := closing.exception()) is not None:
            _log.error("%s: the driver failed to close: %r", self._robot, error)
        return True


def _warm_pool(name: str) -> ThreadPoolExecutor:
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
    # the thread exists before the first stop needs it
    pool.submit(lambda: None)
    return pool


def _without_stop_iteration(error: BaseException) -> BaseException:
    """A future refuses StopIteration; a driver that leaks one has raised all the same."""
    return RuntimeError(repr(error)) if isinstance(error, StopIteration) else error


def _call_soon(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *args: Any) -> None:
    try:
        loop.call_soon_threadsafe(call, *args)
    except RuntimeError:
        _log.warning("a driver came back after the daemon had ended")
