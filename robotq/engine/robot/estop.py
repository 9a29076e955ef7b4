"""Emergency stop: acts first, records after, waits for nothing.

It is a software stop over HTTP and not a safety-rated one; the red button stays necessary.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence

import msgspec

from robotq.engine.commit.locks import unbroken
from robotq.engine.holds.board import HoldBoard
from robotq.engine.holds.confirming import Confirmation
from robotq.engine.holds.writer import HoldWriter
from robotq.engine.queue.ending import StopCause
from robotq.engine.robot.robot import Robot
from robotq.engine.robot.stop_file import StopFile
from robotq.engine.settings import Settings
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode
from robotq.store.port import AppendEvent

_log = logging.getLogger(__name__)


class EStopReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an emergency stop did."""

    robots: Mapping[str, str | None]
    """Robot -> None where its driver took the stop, else what went wrong."""
    recorded: bool
    """Whether it is on disk. It holds either way until the process ends."""
    latency_s: float
    """From the call until the last driver had taken it."""


class EStop:
    """The latch over all robots. While it is set, nothing is started."""

    def __init__(
        self,
        robots: Mapping[str, Robot],
        holds: HoldBoard,
        hold_writer: HoldWriter,
        stop_file: StopFile,
        *,
        clock: WallClock,
        settings: Settings,
    ) -> None:
        self._robots = robots
        self._holds = holds
        self._hold_writer = hold_writer
        self._file = stop_file
        self._again: asyncio.Future[bool] | None = None
        """The file is written anew, after a reset that failed."""
        self._clock = clock
        self._settings = settings

    @property
    def latched(self) -> bool:
        return any(self._holds.has(name, HoldCode.ESTOP) for name in self._robots)

    async def trigger(self, *, actor: str, reason: str = "") -> EStopReport:
        """Stop every robot now and latch. Can be repeated; each time the drivers are told again.

        Answers within a few seconds, whatever hangs.
        """
        started = time.perf_counter()
        calls: dict[str, asyncio.Future[None]] = {}
        for name, robot in self._robots.items():
            self._holds.set(name, HoldCode.ESTOP, actor=actor, reason=reason)
            calls[name] = robot.host.emergency_stop()
            calls[name].add_done_callback(_retrieve)
            robot.motion.stopped()
            robot.executor.request_stop(StopCause.ESTOP, actor=actor, reason=reason)
        kept = self._file.keep(self._stops())
        # nothing was awaited up to here
        return await self._confirm(started, calls, kept, actor, reason)

    @unbroken
    async def _confirm(
        self,
        started: float,
        calls: Mapping[str, asyncio.Future[None]],
        kept: asyncio.Future[bool],
        actor: str,
        reason: str,
    ) -> EStopReport:
        if calls:
            await asyncio.wait(calls.values(), timeout=self._settings.timings.confirm_s)
        latency_s = time.perf_counter() - started
        report = {
            name: _problem(call, self._settings.timings.confirm_s) for name, call in calls.items()
        }
        for name, problem in report.items():
            if problem is not None:
                _log.error("%s did not take the emergency stop: %s", name, problem)
        # the holds are on their way to the disk since the beginning
        self._holds.note(self._event("estop.latched", actor, reason=reason, robots=report))
        # one of the two is enough for the next start
        in_database, in_file = await asyncio.gather(
            self._hold_writer.recorded(self._settings.timings.record_s), self._is_kept(kept)
        )
        recorded = in_database or in_file
        if recorded:
            crash_point(CrashPoint.ESTOP_RECORDED)
        else:
            _log.error("the emergency stop is not on disk yet")
        return EStopReport(robots=report, recorded=recorded, latency_s=latency_s)

    @unbroken
    async def reset(
        self,
        *,
        actor: str,
        robot: str | None = None,
        confirmation: Confirmation | None = None,
        note: str = "",
    ) -> Mapping[str, str | None]:
        """Leave the emergency stop, of one robot or of all. Moves nothing: the queues are
        paused until somebody resumes them.

        Returns robot -> None, or why it stays stopped.
        `confirmation`: the stops that the person means.
        Raises RobotqError not_named, not_what_was_meant, wrong_state where nothing is latched,
        robot_busy where a command has not come to its end yet, store_unavailable.
        """
        latched = [
            hold
            for name in (self._robots if robot is None else (robot,))
            if (hold := self._holds.get(name, HoldCode.ESTOP)) is not None
        ]
        if not latched:
            raise RobotqError(
                "wrong_state", task_id="emergency stop", state="not latched", action="reset"
            )
        if confirmation is not None:
            latched = confirmation.meant(latched, self._clock.now_ms())
        await self._until_recorded()
        for hold in latched:
            # a command that was not seen to end could go on once the latch is off
            at_hand = self._robots[hold.robot]
            if at_hand.host.busy or at_hand.executor.doubts.now is not None:
                raise RobotqError(
                    "robot_busy", robot=hold.robot, reason="Its driver is still in a command."
                )
        report = {hold.robot: await self._reset(self._robots[hold.robot]) for hold in latched}
        lifting = []
        over: list[Hold] = []
        for hold in latched:
            if not self._holds.in_force(hold):
                report[hold.robot] = "another emergency stop came meanwhile"
            elif report[hold.robot] is None:
                self._holds.set(
                    hold.robot, HoldCode.PAUSED, actor=actor, reason="reason.estop_reset"
                )
                lifting.append(hold)
                over += self._motion_over(hold.robot)
        noted = {"note": note} if note else {}
        event = AppendEvent(self._event("estop.reset", actor, robots=report, **noted))
        try:
            await self._remove_from_file(lifting)
            lifted = await self._hold_writer.lift(*lifting, *over, actor=actor, along=[event])
        except BaseException:
            # they stay stopped, and the file says so again
            self._again = self._file.keep(self._stops())
            raise
        crash_point(CrashPoint.ESTOP_RESET)
        for hold in lifting:
            if hold not in lifted:
                report[hold.robot] = "another emergency stop came meanwhile"
        return report

    def _motion_over(self, robot: str) -> list[Hold]:
        """The hold of a motion that the emergency stop has ended: there is nothing to resume.
        The queue is paused instead, until somebody resumes it."""
        held = self._holds.get(robot, HoldCode.MOTION_HELD)
        return [held] if held is not None and self._robots[robot].motion.free else []

    def _stops(self) -> list[Hold]:
        return [hold for hold in self._holds.all() if hold.code is HoldCode.ESTOP]

    async def _is_kept(self, kept: asyncio.Future[bool]) -> bool:
        await asyncio.wait({kept}, timeout=self._settings.timings.record_s)
        return kept.done() and kept.result()

    async def _remove_from_file(self, lifting: Sequence[Hold]) -> None:
        """Before the database: where the one fails, the other still keeps the stop.

        Raises RobotqError store_unavailable.
        """
        if not self._file.kept or not lifting:
            return
        staying = [hold for hold in self._stops() if hold not in lifting]
        if not await self._is_kept(self._file.keep(staying)):
            reason = "the file that keeps the emergency stop cannot be changed"
            raise RobotqError("store_unavailable", reason=reason)

    async def _until_recorded(self) -> None:
        """Nobody resets what no start would have found.

        Raises RobotqError store_unavailable where it does not come to the disk.
        """
        try:
            await self._hold_writer.catch_up()
        except RobotqError as error:
            reason = "the emergency stop itself is not on disk yet"
            raise RobotqError("store_unavailable", reason=reason) from error

    async def _reset(self, robot: Robot) -> str | None:
        """What went wrong at the driver, or None."""
        try:
            await robot.reset()
        except RobotqError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a driver may raise anything; it stays stopped
            _log.exception("%s: the reset failed", robot.name)
            return f"{type(error).__name__}: {error}"
        return None

    def _event(self, kind: str, actor: str, **data: object) -> Event:
        return Event(kind=kind, at_ms=self._clock.now_ms(), actor=actor, data=data)


def _problem(call: asyncio.Future[None], confirm_s: float) -> str | None:
    if not call.done():
        return f"no answer within {confirm_s:g} s"
    error = call.exception()
    return None if error is None else f"{type(error).__name__}: {error}"


def _retrieve(call: asyncio.Future[None]) -> None:
    """A driver that fails after the report was given is not a second surprise in the log."""
    if not call.cancelled():
        call.exception()
