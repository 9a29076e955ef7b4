"""Emergency stop: acts first, records after, waits for nothing.

It is a software stop over HTTP and not a safety-rated one; the red button stays necessary.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from robotq.engine.ending import StopCause
from robotq.engine.holds import HoldBoard
from robotq.engine.journal import Journal
from robotq.engine.robots import Robot
from robotq.engine.unbroken import unbroken
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.hold import HoldCode
from robotq.store.port import AppendEvent, Mutation

_log = logging.getLogger(__name__)

_CONFIRM_S = 2.0
"""Wall seconds that drivers get to take the stop before the answer says that one did not."""

_RECORD_S = 2.0
"""Wall seconds that the disk gets before the answer says that it is not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EStopReport:
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
        self, robots: Mapping[str, Robot], holds: HoldBoard, journal: Journal, clock: WallClock
    ) -> None:
        self._robots = robots
        self._holds = holds
        self._journal = journal
        self._clock = clock
        self._late: asyncio.Task[None] | None = None
        """Brings a stop to the disk that could not be written at once."""

    @property
    def latched(self) -> bool:
        return any(self._holds.has(name, HoldCode.ESTOP) for name in self._robots)

    async def trigger(self, *, actor: str, reason: str = "") -> EStopReport:
        """Stop every robot now and latch. Can be repeated; each time the drivers are told again.

        Answers within a few seconds, whatever hangs.
        """
        started = time.perf_counter()
        mutations: list[Mutation] = []
        calls: dict[str, asyncio.Future[None]] = {}
        for name, robot in self._robots.items():
            mutations += self._holds.set(name, HoldCode.ESTOP, actor=actor, reason=reason)
            calls[name] = robot.host.emergency_stop()
            calls[name].add_done_callback(_retrieve)
            robot.executor.request_stop(StopCause.ESTOP, actor=actor, reason=reason)
        # nothing was awaited up to here
        return await self._confirm(started, calls, mutations, actor, reason)

    @unbroken
    async def _confirm(
        self,
        started: float,
        calls: Mapping[str, asyncio.Future[None]],
        mutations: Sequence[Mutation],
        actor: str,
        reason: str,
    ) -> EStopReport:
        await asyncio.wait(calls.values(), timeout=_CONFIRM_S)
        latency_s = time.perf_counter() - started
        report = {name: _problem(call) for name, call in calls.items()}
        for name, problem in report.items():
            if problem is not None:
                _log.error("%s did not take the emergency stop: %s", name, problem)
        event = self._event("estop.latched", actor, reason=reason, robots=report)
        recorded = await self._record([*mutations, AppendEvent(event)])
        return EStopReport(robots=report, recorded=recorded, latency_s=latency_s)

    async def _record(self, mutations: Sequence[Mutation]) -> bool:
        """Whether it is on disk. Where it is not by now, it will be when the disk lets it."""
        writing = asyncio.create_task(self._journal.written(mutations))
        await asyncio.wait({writing}, timeout=_RECORD_S)
        if writing.done() and writing.result():
            crash_point(CrashPoint.ESTOP_RECORDED)
            return True
        _log.error("the emergency stop is not on disk yet")
        # one is enough: the next one's hold is the same
        if self._late is None or self._late.done():
            self._late = asyncio.create_task(self._write_late(writing, mutations))
        return False

    async def _write_late(self, writing: asyncio.Task[bool], mutations: Sequence[Mutation]) -> None:
        if not await writing:
            await self._journal.write_when_possible(mutations)

    @unbroken
    async def reset(self, *, actor: str, robot: str | None = None) -> Mapping[str, str | None]:
        """Leave the emergency stop, of one robot or of all. Moves nothing: the queues are
        paused until somebody resumes them.

        Returns robot -> None, or why it stays stopped.
        Raises RobotqError wrong_state where nothing is latched, robot_busy where a command has
        not come to its end yet, store_unavailable.
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
        await self._until_recorded()
        for hold in latched:
            # a command that was not seen to end could go on once the latch is off
            if self._robots[hold.robot].host.busy:
                raise RobotqError(
                    "robot_busy", robot=hold.robot, reason="Its driver is still in a command."
                )
        report = {hold.robot: await self._reset(self._robots[hold.robot]) for hold in latched}
        mutations: list[Mutation] = []
        for hold in latched:
            if self._holds.get(hold.robot, HoldCode.ESTOP) is not hold:
                report[hold.robot] = "another emergency stop came meanwhile"
            elif report[hold.robot] is None:
                mutations += self._holds.set(
                    hold.robot, HoldCode.PAUSED, actor=actor, reason="reason.estop_reset"
                )
                mutations += self._holds.to_lift(hold, actor=actor)
        mutations.append(AppendEvent(self._event("estop.reset", actor, robots=report)))
        await self._journal.write(mutations)
        crash_point(CrashPoint.ESTOP_RESET)
        self._holds.lifted(*(hold for hold in latched if report[hold.robot] is None))
        return report

    async def _until_recorded(self) -> None:
        """What is written after the reset would be found again by the next start.

        Raises RobotqError store_unavailable where it does not come to the disk in time.
        """
        if self._late is None or self._late.done():
            return
        _, waiting = await asyncio.wait({self._late}, timeout=_RECORD_S)
        if waiting:
            reason = "the emergency stop itself is not on disk yet"
            raise RobotqError("store_unavailable", reason=reason)

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


def _problem(call: asyncio.Future[None]) -> str | None:
    if not call.done():
        return f"no answer within {_CONFIRM_S:g} s"
    error = call.exception()
    return None if error is None else f"{type(error).__name__}: {error}"


def _retrieve(call: asyncio.Future[None]) -> None:
    """A driver that fails after the report was given is not a second surprise in the log."""
    if not call.cancelled():
        call.exception()
