"""The parts of an engine, each made once, from the bottom to the top."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import msgspec

from robotq.drivers.base import LinkState
from robotq.engine.artifacts.clean_up import CleanUp
from robotq.engine.artifacts.keeping import Keeping
from robotq.engine.assembly.base import Base
from robotq.engine.assembly.queue_parts import QueueParts, make_queue
from robotq.engine.checklist.checklist import Checklist
from robotq.engine.checklist.steps import StepsOfPeople
from robotq.engine.control.again import Again
from robotq.engine.control.immediate import Arming, Immediate
from robotq.engine.control.jogging import Jogging
from robotq.engine.control.queue_control import QueueControl
from robotq.engine.control.release_place import Releasing
from robotq.engine.control.reloading import ReadAgain, Reloading
from robotq.engine.control.robot_control import RobotControl
from robotq.engine.occupants import Occupants
from robotq.engine.queue.absent import AbsentRobots
from robotq.engine.robot.deps import ExecutorDeps
from robotq.engine.robot.driver_threads import DriverHost
from robotq.engine.robot.estop import EStop
from robotq.engine.robot.robot import Robot
from robotq.engine.robot.roster import Roster
from robotq.engine.upkeep.audit import Audit
from robotq.engine.upkeep.clock_watch import ClockWatch
from robotq.engine.upkeep.outage import Outage
from robotq.engine.upkeep.retention import Retention
from robotq.engine.why import Why
from robotq.model.clock import MotionClock
from robotq.model.task import Task
from robotq.system.clocks import ScaledClock


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What an `Engine` is made of."""

    base: Base
    tasks: QueueParts
    roster: Roster
    absent: AbsentRobots
    outage: Outage
    estop: EStop
    queue_control: QueueControl
    robot_control: RobotControl
    again: Again
    arming: Arming
    reloading: Reloading
    immediate: Immediate
    jogging: Jogging
    checklist: Checklist
    why: Why
    audit: Audit
    releasing: Releasing
    clock_watch: ClockWatch
    retention: Retention


def make_parts(
    base: Base,
    hosts: Mapping[str, DriverHost],
    simulated: MotionClock,
    *,
    read_again: ReadAgain | None,
) -> Parts:
    """`hosts`: the drivers of the robots; `simulated`: the clock of those that only simulate."""
    settings, clock, memory, holds = base.settings, base.clock, base.memory, base.holds
    reads, commit, hold_writer, resources = (
        base.reads,
        base.commit,
        base.hold_writer,
        base.resources,
    )
    robots: dict[str, Robot] = {}

    def worked_s(task: Task) -> float | None:
        robot = robots.get(task.queue)
        motion_s = None if robot is None else robot.executor.worked_s
        if robot is None or motion_s is None:
            return None
        return motion_s * (settings.config.time_scale if robot.capabilities.simulated else 1.0)

    tasks = make_queue(base, {name: host.driver for name, host in hosts.items()}, worked_s)
    deps = ExecutorDeps(
        claims=tasks.claims,
        cancelling=tasks.cancelling,
        fitting=tasks.fitting,
        commit=commit,
        holds=holds,
        resources=resources,
        keeper=partial(Keeping, base.artifacts, settings),
        clock=clock,
        settings=settings,
        signals=base.signals,
        programs=base.programs,
    )
    for name, host in hosts.items():
        motion = simulated if host.capabilities.simulated else ScaledClock()
        robots[name] = Robot(name, host, motion, deps)
    _listen(base, robots)
    absent = AbsentRobots(memory, holds, tasks.claims, tuple(robots))
    roster = Roster(robots, absent, memory, settings)
    estop = EStop(robots, holds, hold_writer, base.stop_file, clock=clock, settings=settings)
    queue_control = QueueControl(
        roster=roster, holds=holds, hold_writer=hold_writer, clock=clock, settings=settings
    )
    robot_control = RobotControl(
        roster=roster,
        estop=estop,
        holds=holds,
        hold_writer=hold_writer,
        commit=commit,
        reads=reads,
        clock=clock,
        settings=settings,
    )
    again = Again(queue=tasks.queue, reads=reads, roster=roster, settings=settings)
    arming = Arming(settings)
    reloading = Reloading(
        settings=settings,
        roster=roster,
        absent=absent,
        fitting=tasks.fitting,
        memory=memory,
        resources=resources,
        commit=commit,
        clock=clock,
        read_again=read_again,
    )
    clock_watch = ClockWatch(clock, commit)
    why = Why(
        robots=robots,
        memory=memory,
        waits=tasks.waits,
        fitting=tasks.fitting,
        holds=holds,
        occupants=Occupants(
            robots=robots,
            memory=memory,
            holds=holds,
            resources=resources,
            settings=settings,
        ),
        clock=clock,
    )
    return Parts(
        base=base,
        tasks=tasks,
        roster=roster,
        absent=absent,
        outage=Outage(
            store=base.store,
            commit=commit,
            memory=memory,
            holds=holds,
            hold_writer=hold_writer,
            queue=tasks.queue,
            robots=robots,
            signals=base.signals,
            settings=settings,
        ),
        estop=estop,
        queue_control=queue_control,
        robot_control=robot_control,
        again=again,
        arming=arming,
        reloading=reloading,
        immediate=Immediate(
            roster=roster,
            control=robot_control,
            reloading=reloading,
            arming=arming,
            reads=reads,
            fitting=tasks.fitting,
            commit=commit,
            clock=clock,
        ),
        jogging=Jogging(
            roster=roster,
            holds=holds,
            claims=tasks.claims,
            resources=resources,
            commit=commit,
            signals=base.signals,
            clock=clock,
        ),
        checklist=Checklist(
            reads=reads,
            commit=commit,
            steps=StepsOfPeople(
                reads=reads,
                queue=tasks.queue,
                again=again,
                control=robot_control,
                robots=robots,
                settings=settings,
            ),
            clock=clock,
            ids=base.steps.ids,
        ),
        why=why,
        audit=Audit(
            robots=robots,
            memory=memory,
            resources=resources,
            settings=settings,
            why=why,
            expiry=tasks.expiry,
            repeats=tasks.repeats,
            locks=tasks.locks,
        ),
        releasing=Releasing(
            robots=robots,
            memory=memory,
            resources=resources,
            claims=tasks.claims,
            clock=clock,
        ),
        clock_watch=clock_watch,
        retention=Retention(
            store=base.store,
            memory=memory,
            settings=settings,
            clock=clock,
            clock_watch=clock_watch,
            programs=base.programs,
            files=CleanUp(base.artifacts, base.store),
        ),
    )


def _listen(base: Base, robots: Mapping[str, Robot]) -> None:
    """Bring to the robots what others tell that do not know them."""

    def stop(task: Task, actor: str, reason: str) -> None:
        robot = robots.get(task.queue)
        if robot is not None:
            robot.executor.cancel(task.id, actor=actor, reason=reason)

    def link_changed(name: str, state: LinkState, reason: str) -> None:
        robots[name].link.changed(state, reason)

    base.signals.stop_wanted.subscribe(stop)
    base.signals.link_changed.subscribe(link_changed)
