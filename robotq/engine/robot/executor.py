"""The loop that carries out one robot's queue, one command after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from robotq.drivers.base import NotDriving
from robotq.engine.queue.ending import Ending, StopCause, StopRequest
from robotq.engine.robot.deps import ExecutorDeps, Tenancy
from robotq.engine.robot.driver_threads import DriverHost
from robotq.engine.robot.run import Run
from robotq.engine.robot.running.answering import Answering
from robotq.engine.robot.running.beginning import Beginning
from robotq.engine.robot.running.coming_back import ComingBack
from robotq.engine.robot.running.our_faults import OurFaults
from robotq.engine.robot.running.outcome import ending_of
from robotq.engine.robot.settling.doubts import Doubts
from robotq.engine.robot.settling.in_doubt import Doubt
from robotq.engine.robot.settling.wishes import Wishes
from robotq.engine.waiting.fitting import why_misfit
from robotq.model.clock import MotionClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.hold import HoldCode
from robotq.model.task import HANDED_OVER, Task

_log = logging.getLogger(__name__)


class AtEnd(Protocol):
    def __call__(self, *, completed: bool) -> Awaitable[None]: ...


async def _nothing(*, completed: bool) -> None:  # noqa: ARG001 - as AtEnd has it
    return


class Executor:
    """Claims, runs, records; strictly one command at a time."""

    def __init__(
        self,
        robot: str,
        host: DriverHost,
        motion: MotionClock,
        link_lost: Callable[[str], None],
        deps: ExecutorDeps,
    ) -> None:
        self._robot = robot
        self._host = host
        self.link_lost = link_lost
        self._deps = deps
        self._run: Run | None = None
        self._wishes = Wishes(robot, deps.claims, deps.cancelling, deps.clock)
        self._motion_held = False
        self.doubts = Doubts(robot, host, motion, self, wishes=self._wishes, deps=deps)
        """What nobody has watched to its end; it comes before everything else."""
        self.at_end: AtEnd = _nothing
        """Called at the end of each command, before the next one is claimed."""
        self.glance: Callable[[], None] = lambda: None
        """Called on the driver's thread when a command has come back, before that is told."""
        self.idle = asyncio.Event()
        """Set while no claimed task is in this executor's hands."""
        self.idle.set()
        self.standing = asyncio.Event()
        """Set while the driver has no command, or has not confirmed the stop of one in time."""
        self.standing.set()
        self._beginning = Beginning(robot, host, motion, deps)
        self._coming_back = ComingBack(
            robot, host, deps, idle=self.idle, late=lambda: self.doubts.late
        )
        self._our_faults = OurFaults(robot, self._wishes, self._coming_back, deps)
        self._answering = Answering(robot, lambda: self.current, deps.commit, deps.clock)
        self.tenancy: Tenancy | None = None
        """There where two machines can reach the robot."""
        self.claiming_since_ms: int | None = None
        """Since when it has tried to claim a task that may run; None where it does not."""

    @property
    def running(self) -> Task | None:
        """The task whose command the driver has, or whose device has to be asked for it."""
        run = self.current
        if run is not None:
            return run.task
        return self.doubts.task

    @property
    def stopping(self) -> bool:
        """What runs was asked to stop: that it stands says nothing about a hold."""
        return self._run is not None and self._run.request is not None

    @property
    def worked_s(self) -> float | None:
        """Motion time of the running command, without that in which it was held or asked."""
        return self.current.worked_s if self.current is not None else None

    @property
    def current(self) -> Run | None:
        """What the driver has in hand right now."""
        return self._run if self._run is not None and not self._run.over else None

    @property
    def motion_is_held(self) -> bool:
        return self._motion_held

    async def run(self) -> None:
        """For ever: the next task, as long as the queue is not held."""
        following: Task | None = None
        # of the run of the daemon before
        before = self.doubts.task
        while True:
            task = before or following or await self._claim()
            following = None
            if task is None:
                continue
            try:
                if before is None:
                    following = await self._carry_out(task)
                else:
                    self.idle.clear()
                    following = await self.doubts.settle()
            except Exception as error:  # noqa: BLE001 - ends the task, never the executor
                _log.exception("%s: the executor failed in %s", self._robot, task.id)
                await self._abandon(task, error)
            # the outcome is recorded; the robot gets nothing new before its driver is back
            before = None
            await self._coming_back.until_back(self._run)
            self._run = None

    async def _claim(self) -> Task | None:
        self.idle.set()
        try:
            await self._deps.claims.until_ready(self._robot)
            self.claiming_since_ms = self.claiming_since_ms or self._deps.clock.now_ms()
            if self._host.stop_under_way:
                await self._coming_back.until_stopped()
                return None
            # from here on: a claim that is being written counts as work
            self.idle.clear()
            task = await self._deps.claims.claim(self._robot)
            self.claiming_since_ms = None
            return task
        except Exception:  # noqa: BLE001 - the queue goes on where it can
            _log.exception("%s: the claim failed", self._robot)
            await asyncio.sleep(self._deps.settings.timings.after_fault_s)
            return None

    async def _carry_out(self, task: Task) -> Task | None:
        """Run a claimed task to its end. Returns the next one if it was claimed along."""
        crash_point(CrashPoint.CLAIMED)
        # a claim is no start: what has happened since it was committed counts
        if self.tenancy is not None and (why_not := await self.tenancy.may_begin(task)):
            self.link_lost(why_not)
            await self._wishes.release(task)
            return None
        if (
            self._deps.holds.held(self._robot)
            or self._wishes.called_off(task.id)
            or self._host.stop_under_way
        ):
            await self._wishes.release(task)
            return None
        why = why_misfit(self._deps.settings, task)
        if why is not None:
            # it was right when it was submitted; a reload has come since
            self._deps.fitting.found(task, why)
            await self._wishes.release(task)
            return None
        run = self._begin(task)
        self.standing.clear()
        try:
            await run.until_over(self._deps.settings.config.limits.stop_timeout_s)
        finally:
            self.standing.set()
        if (put_off := run.put_off) is not None and run.request is None:
            if isinstance(put_off, NotDriving):
                self.link_lost(str(put_off))
            else:
                await self.at_end(completed=False)
            if isinstance(put_off, NotDriving) or self._motion_held:
                await run.recorder.close()
                await self._wishes.release(task)
                return None
        if run.left_to_the_next_start:
            await run.recorder.close()
            await self._wishes.release(task)
            return None
        if run.naming is not None and await self.doubts.arise(run):
            return await self.doubts.settle()
        return await self.end(run)

    async def follow(self, doubt: Doubt) -> Run:
        """Have a run that goes on already in hand, until it is over."""
        task = msgspec.structs.replace(doubt.task, run=doubt.run)
        run = self._begin(task, doubt)
        self.doubts.now = None
        self.standing.clear()
        try:
            await run.until_over(self._deps.settings.config.limits.stop_timeout_s)
        finally:
            self.standing.set()
        return run

    async def end(self, run: Run) -> Task | None:
        """Record how it ended. Returns the next task if it was claimed along."""
        task = run.task
        ending = await ending_of(run, self._host, self.link_lost)
        await self.at_end(completed=ending.error is None)
        ending = self.by_policy(ending, run.request)
        report = await run.recorder.close()
        return await self._deps.claims.end(
            task,
            ending,
            report,
            asked=self._wishes.asked(task.id),
            # the driver takes no other command as long as it does not say where it stands
            claim_next=self._host.stuck is None,
        )

    def _begin(self, task: Task, doubt: Doubt | None = None) -> Run:
        """Nothing is awaited between the last look at the holds and this. `doubt`: the device has
        it already."""
        self._run = self._beginning.begin(
            task,
            doubt,
            motion_held=self._motion_held,
            glance=self.glance,
            links=self.doubts.links,
            tenancy=self.tenancy,
        )
        return self._run

    # -- how it ended ------------------------------------------------------------------------

    def by_policy(self, ending: Ending, request: StopRequest | None) -> Ending:
        """`on_failure: hold` is about failures of the command, not about people's stops."""
        if ending.error is None or ending.hold is not None or ending.error.code == HANDED_OVER:
            return ending
        policy = self._deps.settings.config.robots[self._robot].on_failure
        called_off = request is not None and request.cause is not StopCause.TIMEOUT
        if policy == "hold" and not called_off:
            return replace(ending, hold=HoldCode.FAILURE)
        return ending

    async def _abandon(self, task: Task, error: Exception) -> None:
        """A fault of our own."""
        if self._run is not None:
            self._run.recorder.end()
        self.doubts.give_up()
        await self._our_faults.end(task, error)

    # -- what reaches a running command -------------------------------------------------------

    def request_stop(self, cause: StopCause, *, actor: str, reason: str = "") -> bool:
        """Stop what runs, if anything does; the first cause is the one that counts."""
        request = StopRequest(cause=cause, actor=actor, reason=reason)
        run = self.current or self.doubts.now
        if run is None:
            return False
        run.ask_to_stop(request)
        self._wishes.keep(run.task, request)
        return True

    def cancel(self, task_id: str, *, actor: str, reason: str = "") -> None:
        """Stop this task, which is claimed, also where its command is only about to start."""
        request = StopRequest(cause=StopCause.CANCEL, actor=actor, reason=reason)
        run = self.doubts.now or self._run
        if run is not None and run.task.id == task_id:
            run.ask_to_stop(request)
            self._wishes.keep(run.task, request)
        else:
            self._wishes.call_off(task_id, request)

    def motion_held(self, held: bool) -> None:
        """The motion is held, or goes on; held time does not count against the limit."""
        self._motion_held = held
        if self.current is not None:
            self.current.hold(held)

    def asks_for(self, cmd_type: str | None) -> bool:
        """Whether the running command waits for an answer by this immediate command; None:
        for any answer."""
        return self._answering.asks_for(cmd_type)

    async def answer(
        self, task_id: str, value: Any, *, actor: str, asked_at_ms: int | None = None
    ) -> None:
        """Answer the open question of a task. The answer is in the journal before it acts.

        Raises RobotqError no_question, bad_parameter, store_unavailable.
        """
        await self._answering.answer(task_id, value, actor=actor, asked_at_ms=asked_at_ms)
