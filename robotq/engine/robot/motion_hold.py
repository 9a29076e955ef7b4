"""Whether the motion of one robot is held, by a person or by the robot itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from robotq.drivers.base import DriverStatus, LinkState
from robotq.engine.robot.deps import ExecutorDeps
from robotq.engine.robot.driver_threads import DriverHost
from robotq.engine.robot.executor import Executor
from robotq.model.hold import Hold, HoldCode

_log = logging.getLogger(__name__)

_AT_ROBOT = "reason.held_at_robot"


class MotionHold:
    """Brings what the driver says to the queue: a robot that has paused by itself, for `M0` in a
    program, an open door or a button, holds its queue like one that a person has paused.

    A hold that the robot has set is lifted when the robot goes on by itself. One that a person
    has set, or whose motion a stop has ended, stays until a person resumes it.
    """

    def __init__(
        self, robot: str, host: DriverHost, executor: Executor, deps: ExecutorDeps
    ) -> None:
        self._robot = robot
        self._host = host
        self._executor = executor
        self._deps = deps
        self._age = 0
        """Raised by whatever may change what the driver says; an answer from before is dropped."""
        self._changing = 0
        """Holds, resumes, stops and resets that are under way."""
        self._question: asyncio.Future[DriverStatus] | None = None
        self._broken_off = False
        """A stop has ended the motion that the robot had held: the robot did not go on."""
        self._lifts: dict[str, asyncio.Task[None]] = {}
        """By the ids of the holds."""
        self._glanced: tuple[int, DriverStatus] | None = None
        """What the driver said when a command came back, and the age by which that was asked."""
        self.free = False
        """The driver has said last that nothing is held."""
        executor.at_end = self.command_ended
        executor.glance = self._glance

    @property
    def hold(self) -> Hold | None:
        return self._deps.holds.get(self._robot, HoldCode.MOTION_HELD)

    # -- what may change it --------------------------------------------------------------------

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Around a call to the driver that holds, resumes, stops or resets."""
        self._age += 1
        self._changing += 1
        try:
            yield
        finally:
            self._changing -= 1
            self._age += 1

    def stopped(self) -> None:
        """The driver is told to stop: what is held ends by that, and not by the robot."""
        self._age += 1
        self._broken_off = True

    # -- looking -------------------------------------------------------------------------------

    async def look(self) -> DriverStatus | None:
        """Take what the driver knows from what its robot has said last. One question at a time,
        however long its answer takes. What it has said, where it was asked and has answered."""
        if self._question is not None or self._changing or self._executor.stopping:
            return None
        age = self._age
        question = self._question = asyncio.ensure_future(self._host.look())
        try:
            await asyncio.wait({question})
        finally:
            self._question = None
        status = _answer(question, self._robot)
        if status is not None and age == self._age and not self._executor.stopping:
            self._take(status)
        return status

    def _glance(self) -> None:
        """Called on the driver's thread when a command has come back."""
        self._glanced = None
        age = self._age
        self._glanced = (age, self._host.last_status())

    async def command_ended(self, *, completed: bool) -> None:
        """Before the next command is claimed."""
        glanced, self._glanced = self._glanced, None
        if not completed:
            self.stopped()
        elif self._host.stuck is not None:
            # it has had its time to answer
            self.free = False
            self._executor.motion_held(False)
            return
        elif glanced is not None and glanced[0] == self._age:
            self.free = False
            self._take(glanced[1])
            return
        await self.after_a_stop(self._deps.settings.timings.held_s)

    async def after_a_stop(self, timeout_s: float) -> None:
        """Without an answer nothing counts as held, so that no time limit stays off by mistake;
        the next look tells."""
        if await self.ask(timeout_s) is None:
            self._executor.motion_held(False)

    async def ask(self, timeout_s: float) -> DriverStatus | None:
        """What the driver says now; None where it says nothing in time, or where something came
        meanwhile that may have changed it."""
        age = self._age
        self.free = False
        question = asyncio.ensure_future(self._host.look())
        await asyncio.wait({question}, timeout=timeout_s)
        if not question.done():
            question.cancel()
            return None
        status = _answer(question, self._robot)
        if status is None or age != self._age:
            return None
        self._take(status)
        return status

    def connected(self, status: DriverStatus) -> None:
        """The link was made; the robot may be another one by now, or has started anew."""
        self._age += 1
        self._broken_off = False
        self._take(status)

    def _take(self, status: DriverStatus) -> None:
        if status.link is LinkState.DISCONNECTED:
            return
        self.free = not status.held
        self._executor.motion_held(status.held)
        hold = self.hold
        if status.held:
            self._broken_off = False
            reason = status.held_because or _AT_ROBOT
            if hold is None or (hold.by_robot and hold.args.get("reason") != reason):
                hold = self._set(reason)
        elif hold is not None and hold.by_robot and not self._broken_off:
            self._lift(hold)
        if hold is not None:
            self._tell(hold, status)

    def _set(self, reason: str) -> Hold:
        running = self._executor.running
        _log.warning("%s: the robot has paused its motion: %s", self._robot, reason)
        return self._deps.holds.set(
            self._robot,
            HoldCode.MOTION_HELD,
            actor=self._robot,
            task_id=running.id if running is not None else None,
            by_robot=True,
            reason=reason,
        )

    def _tell(self, hold: Hold, status: DriverStatus) -> None:
        """What it is like now; nothing of it is for the disk."""
        state = ("holding" if status.still_moving else "held") if status.held else "ended"
        now = {"state": state, "planned_moves": status.planned_moves if status.still_moving else 0}
        if hold.now != now:
            hold.now.update(now)
            self._deps.signals.hold_changed.tell(self._robot)

    def _lift(self, hold: Hold) -> None:
        """Where the disk takes it; one that is set again meanwhile stays."""
        if hold.id in self._lifts:
            return
        lifting = asyncio.create_task(
            self._deps.claims.lift_when_possible(hold, actor=self._robot),
            name=f"{self._robot} goes on",
        )
        self._lifts[hold.id] = lifting
        lifting.add_done_callback(lambda done: self._lifted(hold, done))

    def _lifted(self, hold: Hold, done: asyncio.Task[None]) -> None:
        del self._lifts[hold.id]
        if not done.cancelled() and (error := done.exception()) is not None:
            _log.error("%s: the hold stays, it could not be lifted: %r", self._robot, error)

    def lift_soon(self, hold: Hold) -> None:
        """It was set for nothing: the driver has refused it."""
        self._lift(hold)

    async def end(self) -> None:
        lifts = list(self._lifts.values())
        for lift in lifts:
            lift.cancel()
        await asyncio.gather(*lifts, return_exceptions=True)


def _answer(question: asyncio.Future[DriverStatus], robot: str) -> DriverStatus | None:
    if question.cancelled():
        return None
    if (error := question.exception()) is not None:
        # the link, most often; whoever keeps it sees that by himself
        _log.debug("%s: no answer whether its motion is held: %r", robot, error)
        return None
    return question.result()
