"""One command in the hands of its driver."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from robotq.catalog import CommandSpec
from robotq.drivers.base import NotDriving, NotReady, ReadsPrograms, Stopped
from robotq.drivers.settling import UnsettledRun
from robotq.engine.intake.programs import Programs
from robotq.engine.queue.ending import StopCause, StopRequest
from robotq.engine.queue.step_recorder import Recorder
from robotq.engine.robot.context import PendingAnswer, RunContext
from robotq.engine.robot.driver_threads import DriverHost
from robotq.engine.robot.handlers import MANUAL_STEP
from robotq.engine.robot.naming import Naming
from robotq.engine.timings import Limit
from robotq.model.carried.program import programs_in
from robotq.model.clock import MotionClock, WallClock
from robotq.model.json import JsonObject
from robotq.model.json.safe import plain, plain_in_slices
from robotq.model.task import DeviceRun, Task
from robotq.steps.language import LAST_S

_log = logging.getLogger(__name__)


class Run:
    """A command that its driver carries out, from the moment this is made.

    It is `over` when the driver has come back, or has not confirmed a stop in time; from then
    on it takes no request.
    """

    context_type: type[RunContext] = RunContext

    def __init__(
        self,
        task: Task,
        spec: CommandSpec,
        recorder: Recorder,
        host: DriverHost,
        *,
        motion: MotionClock,
        clock: WallClock,
        motion_held: bool,
        glance: Callable[[], None],
        repeat_stop_s: float,
        programs: Programs,
        name_run: Callable[[Task, DeviceRun], Awaitable[None]] | None = None,
        driver: str = "",
        follows: UnsettledRun | None = None,
    ) -> None:
        """`glance` is called on the driver's thread when the driver has come back. A stop is sent
        again every `repeat_stop_s` until the command has ended: the first one can meet a driver
        that is just about to begin. `name_run`: writes by which id the device knows the run;
        None where its `driver` does not ask by that. `follows`: for an `AttachedRun`."""
        self._follows = follows
        self._repeat_stop_s = repeat_stop_s
        self._programs = programs
        self.task = task
        self.spec = spec
        self.recorder = recorder
        self.question: PendingAnswer | None = None
        """What the command asks right now."""
        self.over = False
        self.links = 0
        """How many links had been made when it was begun."""
        self._host = host
        self._motion = motion
        self._glance = glance
        loop = asyncio.get_running_loop()
        self._request: StopRequest | None = None
        self._news: asyncio.Future[None] = loop.create_future()
        """Done when the driver is back, or a stop was asked for."""
        self._urged: asyncio.Future[None] = loop.create_future()
        """Done when the stop is to be sent again at once."""
        self._thaw: Callable[[], None] = _nothing
        self._limit = Limit(motion, spec.timeout_s, self._out_of_time)
        if motion_held:
            self._limit.pause("hold")
        self.naming: Naming | None = None
        """Where the driver can ask for its runs."""
        if name_run is not None:
            limit = self._limit
            self.naming = Naming(
                task,
                recorder,
                driver=driver,
                write=name_run,
                motion=motion,
                clock=clock,
                used=lambda: (limit.used_s, limit.paused),
            )
        self._context = self.context_type(
            task,
            recorder,
            motion=motion,
            clock=clock,
            loop=loop,
            asking=self._asks,
            program=spec.program(task.queue),
            naming=self.naming,
        )
        self.back = self._begin()
        """What the driver returned or raised."""
        self.back.add_done_callback(self._came_back)

    @property
    def request(self) -> StopRequest | None:
        """The first request to stop: it is the one that counts."""
        return self._request

    @property
    def left_to_the_next_start(self) -> bool:
        """A step that a person does, and has not done when the daemon was shut down: the robot
        had no part in it, so it is asked for again."""
        return (
            self.spec.handler == MANUAL_STEP
            and self.request is not None
            and self.request.cause is StopCause.SHUTDOWN
            and self.back.done()
            and isinstance(self.back.exception(), Stopped)
        )

    @property
    def put_off(self) -> NotDriving | NotReady | None:
        """Why the driver has begun nothing, where the command may wait again for that."""
        error = self.back.exception() if self.back.done() and not self.back.cancelled() else None
        return error if isinstance(error, NotDriving | NotReady) else None

    @property
    def worked_s(self) -> float:
        """Motion time so far, without that in which it was held or waited for a person."""
        return self._limit.used_s

    def had(self, worked_s: float) -> None:
        """The command has had so much of its time before this."""
        self._limit.spend(worked_s)

    def ask_to_stop(self, request: StopRequest) -> None:
        """Stop the command. Takes effect in `until_over`."""
        if self._request is not None:
            self._context.stop_anew()
            self._urge()
        elif not self.over:
            self._request = request
            self._tell_news()
            # no motion goes on in no time while the stop is on its way to the driver
            self._thaw = self._motion.freeze()

    def _urge(self) -> None:
        """The next stop is sent at once."""
        if not self._urged.done():
            self._urged.set_result(None)

    def hold(self, held: bool) -> None:
        """The motion is held, or goes on; held time does not count against the limit."""
        if held:
            self._limit.pause("hold")
        else:
            self._limit.resume("hold")

    async def until_over(self, stop_timeout_s: float) -> None:
        """Wait for the end; where a stop was requested, for at most `stop_timeout_s` of wall
        time after it."""
        try:
            await self._news
            if not self.back.done():
                await self._send_stops(stop_timeout_s)
        finally:
            self.over = True
            self._limit.cancel()
            self._thaw()

    def _came_back(self, back: asyncio.Future[JsonObject]) -> None:
        if not back.cancelled() and (error := back.exception()) is not None and self.over:
            # its end is written: nobody asks for this any more
            _log.info("%s: %s came back late with %r", self.task.queue, self.task.id, error)
        self._tell_news()

    def _tell_news(self) -> None:
        if not self._news.done():
            self._news.set_result(None)

    def _begin(self) -> asyncio.Future[JsonObject]:
        command, context = self.task.command, self._context
        if self.spec.handler == MANUAL_STEP:
            timeout_s = self.spec.timeout_s
            return self._host.execute(
                lambda: plain(_manual_step(command.params, context, timeout_s)), self._glance
            )
        driver = self._host.driver
        if programs_in(command.params):
            return self._host.execute(lambda: plain_in_slices(self._with_programs()), self._glance)
        return self._host.execute(
            # what it hands over is made fit on its own thread: it may be large
            lambda: plain_in_slices(driver.execute(command, context)),
            self._glance,
        )

    def _with_programs(self) -> JsonObject:
        """The command with the texts that were handed in; on the driver's thread. Raises
        DriverError program_lost, before the driver has it."""
        context, driver = self._context, self._host.driver
        streamed: Collection[str] = ()
        if isinstance(driver, ReadsPrograms) and context.program is not None:
            streamed = driver.reads_as_files(context.program)
        with self._programs.opened(self.task.command, streamed, context.unless_stopping) as command:
            return driver.execute(command, context)

    def _out_of_time(self) -> None:
        self.ask_to_stop(StopRequest(cause=StopCause.TIMEOUT))

    async def _send_stops(self, timeout_s: float) -> None:
        self._context.stopping = True
        self._motion.notify()
        loop = asyncio.get_running_loop()
        program = self._context.program
        if program is not None and program.last:
            timeout_s += LAST_S
        deadline = loop.time() + timeout_s
        sending: asyncio.Task[None] | None = None
        while not self.back.done() and loop.time() < deadline:
            if sending is None or sending.done():
                sending = asyncio.create_task(self._send_stop())
            wait_s = min(self._repeat_stop_s, max(0.0, deadline - loop.time()))
            if self._urged.done():
                self._urged = loop.create_future()
            news: set[asyncio.Future[Any]] = {self.back, self._urged}
            await asyncio.wait(news, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        if sending is not None:
            # a stop that is still on its way would stop the next command
            await asyncio.wait({sending}, timeout=max(0.0, deadline - loop.time()))
            sending.cancel()

    async def _send_stop(self) -> None:
        try:
            await self._host.stop(self._context.unless_at_rest)
        except Exception as error:  # noqa: BLE001 - drivers from elsewhere may raise anything
            _log.error("%s: the stop of %s raised %r", self.task.queue, self.task.id, error)
        # coming to rest takes time
        self._thaw()

    def _asks(self, pending: PendingAnswer | None) -> None:
        self.question = pending
        if pending is not None:
            self._limit.pause("question")
        else:
            self._limit.resume("question")


def _nothing() -> None:
    return


def _manual_step(params: Any, context: RunContext, timeout_s: float) -> JsonObject:
    """A step that a person does: the command is done when somebody says so."""
    title = params.get("title", "") if isinstance(params, dict) else ""
    schema = {"type": "object", "properties": {"note": {"type": "string", "maxLength": 1000}}}
    with context.step("WAITING_FOR_PERSON"):
        answer = context.ask("ask.manual_step", schema, timeout_s, title=title)
    return {"title": title, **answer}
