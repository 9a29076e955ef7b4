"""A command that goes on at its device while the daemon ends, for the next one to find it."""

from __future__ import annotations

import asyncio
import logging

import msgspec

from robotq.engine.robot.deps import ExecutorDeps
from robotq.engine.robot.driver_threads import DriverHost
from robotq.engine.robot.executor import Executor
from robotq.engine.robot.run import Run
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode

_log = logging.getLogger(__name__)


class Leaving:
    """Of one robot, with `on_shutdown: leave`."""

    def __init__(
        self, robot: str, host: DriverHost, executor: Executor, deps: ExecutorDeps
    ) -> None:
        self._robot = robot
        self._host = host
        self._executor = executor
        self._deps = deps

    async def leave(self, limit_s: float) -> bool:
        """Let what runs go on without the daemon, which is to be back within `limit_s` seconds
        of wall time. False, with a line in the log, where it has to be stopped instead."""
        run = self._executor.current
        if run is None:
            return False
        why = self._why_not(run) or await self._written_down(run, limit_s)
        if why is not None:
            _log.warning("%s: %s is stopped and not left: %s", self._robot, run.task.id, why)
            return False
        _log.warning(
            "%s: %s is left running. Until robotq is back, nothing can stop the robot through it; "
            "what it finds running later than in %g s, it stops",
            self._robot,
            run.task.id,
            limit_s,
        )
        try:
            async with asyncio.timeout(self._deps.settings.timings.answer_s):
                await self._host.let_go(limit_s)
        except Exception as error:  # noqa: BLE001 - a driver may raise anything; it is stopped then
            _log.error("%s: its driver does not let go: %r", self._robot, error)
            return False
        return True

    async def _written_down(self, run: Run, limit_s: float) -> str | None:
        """Why it cannot be left after all."""
        deps, naming = self._deps, run.naming
        assert naming is not None
        until_ms = deps.clock.now_ms() + int(limit_s * 1000)
        left = msgspec.structs.replace(naming.now(), left_until_ms=until_ms)
        waiting = True
        written = False
        try:
            async with asyncio.timeout(deps.settings.timings.record_s):
                written = await deps.claims.running.leave_run(run.task, left, lambda: waiting)
        except (TimeoutError, RobotqError):
            written = False
        except Exception:  # noqa: BLE001 - whatever it is: what is not written down is stopped
            _log.exception("%s: %s cannot be left", self._robot, run.task.id)
        finally:
            waiting = False
        if not written:
            return "that cannot be written down"
        naming.run = left
        # somebody may have stopped it meanwhile
        return self._why_not(run)

    def _why_not(self, run: Run) -> str | None:
        if self._executor.current is not run:
            return "it has ended"
        if run.naming is None or run.naming.run is None:
            return "its device has no id for it"
        if run.request is not None:
            return "it is to stop"
        if run.question is not None:
            return "it waits for an answer"
        holds = self._deps.holds.of(self._robot)
        if self._executor.motion_is_held or any(one.code is not HoldCode.STOPPING for one in holds):
            return "there is a hold"
        return None
