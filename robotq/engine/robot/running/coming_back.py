"""A robot gets nothing new before its driver is back from what was before; the queue says so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from robotq.drivers.settling import Settled
from robotq.engine.robot.deps import ExecutorDeps
from robotq.engine.robot.driver_threads import DriverHost
from robotq.engine.robot.run import Run
from robotq.model.hold import Hold, HoldCode
from robotq.store.port import Mutation

_log = logging.getLogger(__name__)


class ComingBack:
    """Of the driver of one robot."""

    def __init__(
        self,
        robot: str,
        host: DriverHost,
        deps: ExecutorDeps,
        *,
        idle: asyncio.Event,
        late: Callable[[], asyncio.Future[Settled] | None],
    ) -> None:
        """`idle`: nothing claimed is in the hands of the executor. `late`: a question that the
        driver has not come back from in time."""
        self._robot = robot
        self._host = host
        self._deps = deps
        self._idle = idle
        self._late = late

    async def until_back(self, run: Run | None) -> None:
        """Its outcome is recorded; None: it had no run."""
        hold = None
        if self._host.settles is not None:
            await self._until_answered()
        if run is None:
            return
        if not run.back.done():
            hold = self.unresponsive(run.task.id)
            await asyncio.wait({run.back})
        elif self._host.stuck is not None:
            hold = self.unresponsive(run.task.id)
            await asyncio.wait({self._host.stuck})
        moves = run.recorder.late_moves()
        if moves and hold is None:
            hold = self.unresponsive(run.task.id)
        if hold is not None:
            await self.lift(hold, moves)
        run.recorder.release()

    async def _until_answered(self) -> None:
        """A driver that was asked for a run gets nothing new before it has come back."""
        late = self._late()
        if late is not None and not late.done():
            hold = self._deps.holds.set(self._robot, HoldCode.UNRESPONSIVE)
            await asyncio.wait({late})
            await self.lift(hold)

    async def until_stopped(self) -> None:
        """A stop that hangs in the driver must not stop the command after the one it was for."""
        returned = asyncio.ensure_future(self._host.until_stopped())
        await asyncio.wait({returned}, timeout=self._deps.settings.timings.stop_returns_s)
        if not returned.done():
            hold = self._deps.holds.set(self._robot, HoldCode.UNRESPONSIVE)
            await returned
            await self.lift(hold)

    def unresponsive(self, task_id: str) -> Hold:
        self._idle.set()
        return self._deps.holds.set(self._robot, HoldCode.UNRESPONSIVE, task_id=task_id)

    async def lift(self, hold: Hold, moves: Sequence[Mutation] = ()) -> None:
        """Lift a hold of our own, whatever goes wrong meanwhile."""
        while True:
            try:
                await self._deps.claims.lift_when_possible(hold, moves)
            except Exception:  # noqa: BLE001 - the next attempt may succeed, at the latest without
                _log.exception("%s: a hold could not be lifted", self._robot)
                moves = ()
                await asyncio.sleep(self._deps.settings.timings.after_fault_s)
            else:
                return
