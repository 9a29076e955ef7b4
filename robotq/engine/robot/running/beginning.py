"""A claimed task becomes a command in its driver's hands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from robotq.engine.queue.step_recorder import Recorder
from robotq.engine.robot.deps import ExecutorDeps, Tenancy
from robotq.engine.robot.driver_threads import DriverHost
from robotq.engine.robot.run import Run
from robotq.engine.robot.settling.attached import AttachedRun
from robotq.engine.robot.settling.in_doubt import Doubt
from robotq.model.clock import MotionClock
from robotq.model.task import DeviceRun, Task


class Beginning:
    """Of one robot. Nothing is awaited here: it follows the last look at the holds at once."""

    def __init__(
        self, robot: str, host: DriverHost, motion: MotionClock, deps: ExecutorDeps
    ) -> None:
        self._robot = robot
        self._host = host
        self._motion = motion
        self._deps = deps

    def begin(
        self,
        task: Task,
        doubt: Doubt | None,
        *,
        motion_held: bool,
        glance: Callable[[], None],
        links: int,
        tenancy: Tenancy | None = None,
    ) -> Run:
        """`doubt`: the device has it already. `glance`: as `Run` has it. `links`: how many have
        been made."""
        deps = self._deps
        if doubt is None:
            spec, recorder = deps.settings.catalog.get(task.command.cmd_type), self._recorder(task)
        else:
            spec, recorder = doubt.spec, doubt.recorder
        run = (Run if doubt is None else AttachedRun)(
            task,
            spec,
            recorder,
            self._host,
            motion=self._motion,
            clock=deps.clock,
            motion_held=motion_held,
            glance=glance,
            repeat_stop_s=deps.settings.timings.repeat_stop_s,
            name_run=self._name_run(tenancy) if self._host.settles is not None else None,
            driver=deps.settings.config.robots[self._robot].driver,
            programs=deps.programs,
            follows=None if doubt is None else doubt.unsettled(),
        )
        run.links = links
        if doubt is not None:
            run.had(doubt.worked_s(deps.clock.now_ms()))
            if doubt.request is not None:
                run.ask_to_stop(doubt.request)
        return run

    def _name_run(self, tenancy: Tenancy | None) -> Callable[[Task, DeviceRun], Awaitable[None]]:
        name_run = self._deps.claims.running.name_run
        if tenancy is None:
            return name_run

        async def also_there(task: Task, run: DeviceRun) -> None:
            await name_run(task, run)
            await tenancy.named(task, run)

        return also_there

    def _recorder(self, task: Task) -> Recorder:
        deps = self._deps
        return Recorder(
            task,
            deps.claims.running.record,
            deps.resources,
            deps.clock,
            places=deps.settings.places_of(task),
            simulated=self._host.capabilities.simulated,
            timings=deps.settings.timings,
            keeper=deps.keeper,
        )
