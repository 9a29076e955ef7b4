"""Emergency stop: acts first, records after, waits for nothing.

It is a software stop over HTTP and not a safety-rated one; the red button stays necessary.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from robotq.engine.executor import StopCause
from robotq.engine.holds import HoldBoard
from robotq.engine.journal import Journal
from robotq.engine.robots import Robot
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.hold import HoldCode
from robotq.store.port import AppendEvent, Mutation

_log = logging.getLogger(__name__)

_CONFIRM_S = 2.0
"""Wall seconds that drivers get to take the stop before the answer says that one did not."""


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

    @property
    def latched(self) -> bool:
        return any(self._holds.has(name, HoldCode.ESTOP) for name in self._robots)

    async def trigger(self, *, actor: str, reason: str = "") -> EStopReport:
        """Stop every robot now and latch. Can be repeated; each time the drivers are told again."""
        started = time.perf_counter()
        calls = {name: robot.host.emergency_stop() for name, robot in self._robots.items()}
        for call in calls.values():
            call.add_done_callback(_retrieve)
        mutations: list[Mutation] = []
        for name, robot in self._robots.items():
            mutations += self._holds.set(name, HoldCode.ESTOP, actor=actor, reason=reason)
            robot.executor.request_stop(StopCause.ESTOP, actor=actor, reason=reason)
        await asyncio.wait(calls.values(), timeout=_CONFIRM_S)
        latency_s = time.perf_counter() - started
        report = {name: _problem(call) for name, call in calls.items()}
        for name, problem in report.items():
            if problem is not None:
                _log.error("%s did not take the emergency stop: %s", name, problem)
        mutations.append(
            AppendEvent(self._event("estop.latched", actor, reason=reason, robots=report))
        )
        try:
            await self._journal.write(mutations)
            crash_point(CrashPoint.ESTOP_RECORDED)
        except RobotqError as error:
            _log.error("the emergency stop is not on disk: %s", error)
            return EStopReport(robots=report, recorded=False, latency_s=latency_s)
        return EStopReport(robots=report, recorded=True, latency_s=latency_s)

    async def reset(self, *, actor: str, robot: str | None = None) -> Mapping[str, str | None]:
        """Leave the emergency stop, of one robot or of all. Moves nothing: the queues are
        paused until somebody resumes them.

        Returns robot -> None, or why it stays stopped.
        Raises RobotqError wrong_state where nothing is latched or a command has not come to
        its end yet, store_unavailable.
        """
        names = [
            name
            for name in (self._robots if robot is None else (robot,))
            if self._holds.has(name, HoldCode.ESTOP)
        ]
        if not names:
            raise RobotqError(
                "wrong_state", task_id="emergency stop", state="not latched", action="reset"
            )
        for name in names:
            # a command that was not seen to end could go on once the latch is off
            if self._robots[name].host.busy:
                raise RobotqError(
                    "robot_busy", robot=name, reason="Its driver is still in a command."
                )
        report: dict[str, str | None] = {}
        for name in names:
            try:
                await self._robots[name].reset()
                report[name] = None
            except RobotqError as error:
                report[name] = str(error)
        released = [name for name, problem in report.items() if problem is None]
        mutations: list[Mutation] = []
        for name in released:
            mutations += self._holds.set(
                name, HoldCode.PAUSED, actor=actor, reason="reason.estop_reset"
            )
            mutations += self._holds.to_lift(name, HoldCode.ESTOP, actor=actor)
        mutations.append(AppendEvent(self._event("estop.reset", actor, robots=report)))
        await self._journal.write(mutations)
        crash_point(CrashPoint.ESTOP_RESET)
        for name in released:
            self._holds.lifted(name, HoldCode.ESTOP)
        return report

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
