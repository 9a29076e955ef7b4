"""Robots that another machine can take over: what is taken over, and what was taken from here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from robotq.drivers.settling import NamesFirst, Settled
from robotq.engine.holds.board import HoldBoard
from robotq.engine.queue.claims import Claims
from robotq.engine.queue.ending import unknown
from robotq.engine.robot.deps import Tenancy
from robotq.engine.robot.robot import Robot
from robotq.engine.robot.settling.in_doubt import DAEMON_DIED
from robotq.engine.settings import Settings
from robotq.engine.state.tasks import TaskMemory
from robotq.engine.waiting.handing_over import HandingOver
from robotq.model.errors import RobotqError
from robotq.model.hold import TRANSIENT_HOLDS, Hold, HoldCode
from robotq.model.ids import Numbers
from robotq.model.json import JsonObject
from robotq.model.task import HANDED_OVER, DeviceRun, Task, TaskState
from robotq.model.tenure import Tenure


class TakenOver(msgspec.Struct, frozen=True, kw_only=True):
    """What another daemon had of a robot, as far as the fleet knows it."""

    tasks: Sequence[tuple[Task, str]]
    """Unfinished ones in their order, each with the id that it gets where it was here before."""
    begun: str
    """The one that the robot may have in hand; empty: none."""
    run: DeviceRun | None
    """By what its device knows it."""
    holds: Sequence[JsonObject]
    """As `holds_of` gives them."""
    source: str
    """The daemon that had them."""


class StandbyControl:
    """Of the robots of this daemon that have a `standby`."""

    def __init__(
        self,
        robots: Mapping[str, Robot],
        *,
        handing_over: HandingOver,
        claims: Claims,
        memory: TaskMemory,
        holds: HoldBoard,
        settings: Settings,
    ) -> None:
        self._robots = robots
        self._handing_over = handing_over
        self._claims = claims
        self._memory = memory
        self._holds = holds
        self._settings = settings
        self.tenures: Mapping[str, Tenure] = {
            name: tenure
            for name, robot in robots.items()
            if isinstance(tenure := getattr(robot.host.driver, "tenure", None), Tenure)
        }

    def ids_of_its_own(self, numbers: Numbers) -> None:
        """Tasks of two daemons meet in one queue, or in one view."""
        self._handing_over.ids_of_its_own(numbers)

    def attach(self, robot: str, tenancy: Tenancy) -> None:
        """From now on this robot asks before it begins something."""
        self._robots[robot].executor.tenancy = tenancy

    def names_first(self, robot: str) -> bool:
        """Whether its driver gives the id of a run before it sends anything of it."""
        driver = self._robots[robot].host.driver
        return isinstance(driver, NamesFirst) and driver.names_first

    def unfinished(self, robot: str) -> Sequence[str]:
        """The ids of all that waits or runs here for a robot."""
        queue = self._memory.robot_queue(robot)
        running = [] if queue.running is None else [queue.running.id]
        return [*running, *(task.id for task in queue)]

    def holds_of(self, robot: str) -> Sequence[JsonObject]:
        """What holds its queue and has to go with it: of each hold everybody who has set it, the
        first one first."""
        return [
            {
                "code": hold.code.value,
                "actor": one["actor"],
                "reason": str(one["args"].get("reason", "")),
            }
            for hold in self._holds.of(robot)
            if hold.code not in TRANSIENT_HOLDS
            for one in reversed(hold.by)
        ]

    def goes_on(self, robot: str, batch_id: str) -> None:
        """A contiguous batch has begun elsewhere: what waits of it here comes before all."""
        queue = self._memory.robot_queue(robot)
        if any(task.contiguous and task.batch_id == batch_id for task in queue):
            queue.open_batch = batch_id

    async def take_over(self, robot: str, found: TakenOver) -> None:
        """Take what another daemon had, before the robot is driven from here. The device is asked
        first for what was begun; where it cannot be asked the outcome is unknown, and the queue is
        held. Can be repeated, and does nothing twice.

        Raises RobotqError queue_full, queue_bytes_full, shutting_down, store_unavailable,
        robot_busy.
        """
        at_hand = self._robots[robot]
        self._hold(at_hand, found)
        self._settle_older(at_hand, found)
        ids = await self._handing_over.adopt(
            found.tasks, source=found.source, begun=found.begun, run=found.run
        )
        here = dict(zip((task.id for task, _ in found.tasks), ids, strict=True)).get(found.begun)
        task = None if here is None else self._memory.get(here)
        if task is None or task.state is not TaskState.RUNNING or at_hand.executor.running:
            return
        at_hand.link.may_move = True
        run, settings = task.run, self._settings
        same = run is not None and run.driver == settings.config.robots[robot].driver
        asks = same and at_hand.host.settles is not None
        if asks and task.command.cmd_type in settings.catalog:
            await at_hand.take_up(task)
        else:
            await self._claims.finish(task, unknown(DAEMON_DIED, ""), claim_next=False)

    def _settle_older(self, robot: Robot, found: TakenOver) -> None:
        """A command that was in doubt here when another daemon began the next one: what became of
        it a person says. Raises RobotqError robot_busy until it has ended."""
        doubts = robot.executor.doubts
        same = {
            name
            for task, again in found.tasks
            if task.id == found.begun
            for name in (task.id, again)
        }
        if found.begun and doubts.task is not None and doubts.task.id not in same:
            doubts.hand_over(Settled.unknown(""))
            raise RobotqError("robot_busy", robot=robot.name, reason="a command is in hand")

    def _hold(self, robot: Robot, found: TakenOver) -> None:
        holds = self._holds
        for one in found.holds:
            actor, reason = f"{one['actor']}@{found.source}", one["reason"]
            if one["code"] == HoldCode.ESTOP:
                if not holds.has(robot.name, HoldCode.ESTOP):
                    holds.set(robot.name, HoldCode.ESTOP, actor=actor, reason=reason)
                    # before there is a link: it begins with the stop
                    robot.host.emergency_stop().add_done_callback(lambda done: done.exception())
                continue
            why = reason or f"reason.there_{one['code']}"
            if not _has_said(holds.get(robot.name, HoldCode.PAUSED), actor, why):
                # whoever lets it go on sees the reasons of all, as he would have there
                holds.set(robot.name, HoldCode.PAUSED, actor=actor, reason=why)

    async def hand_over(self, robot: str, tasks: Iterable[tuple[str, str, int]]) -> bool:
        """End what another daemon has now: ids with that daemon and its epoch. Whether all of it
        has ended. Raises RobotqError store_unavailable."""
        executor = self._robots[robot].executor
        all_ended = True
        for task_id, daemon, epoch in tasks:
            task = self._memory.get(task_id)
            if task is None or task.state.final:
                continue
            if task.state is TaskState.PENDING:
                await self._handing_over.hand_over(task_id, daemon=daemon, epoch=epoch)
                continue
            all_ended = False
            if executor.doubts.task is not None and executor.doubts.task.id == task_id:
                run = executor.doubts.task.run
                executor.doubts.hand_over(
                    Settled.failed(
                        f"{daemon} drives {robot}",
                        id="" if run is None else run.id,
                        code=HANDED_OVER,
                        daemon=daemon,
                        epoch=epoch,
                    )
                )
        return all_ended


def _has_said(hold: Hold | None, actor: str, reason: str) -> bool:
    return hold is not None and any(
        (one["actor"], one["args"].get("reason")) == (actor, reason) for one in hold.by
    )
