"""The engine: the queues, executors and robots of one daemon, as one thing to start and stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from robotq.catalog import Catalog
from robotq.config import Config
from robotq.engine.background import Background
from robotq.engine.checklist.checklist import Checklist
from robotq.engine.clock_watch import ClockWatch
from robotq.engine.commit.batches import left_of_batch
from robotq.engine.commit.journal import Journal
from robotq.engine.commit.unbroken import unbroken
from robotq.engine.events.bus import EventBus
from robotq.engine.holds.board import HoldBoard, places_to_resources
from robotq.engine.holds.confirming import About
from robotq.engine.holds.writer import HoldWriter
from robotq.engine.intake.read_command import Intake, Order
from robotq.engine.queue.absent import AbsentRobots
from robotq.engine.queue.queue import Accepted, KeyedRequest, TaskQueue
from robotq.engine.reads import Reads
from robotq.engine.robot.estop import EStop
from robotq.engine.robot.handlers import check_handlers
from robotq.engine.robot.immediate import Immediate
from robotq.engine.robot.release_place import Releasing
from robotq.engine.robot.robot import Robot
from robotq.engine.robot.stop_file import StopFile
from robotq.engine.settings import Settings
from robotq.engine.state.known_robots import NOBODY_KNOWS, KnownRobots
from robotq.engine.state.resources import Resources
from robotq.engine.waiting.fitting import why_lost
from robotq.engine.waiting.reorder import Moved
from robotq.engine.webhooks.service import Webhooks
from robotq.engine.why import Why
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import ConfigError, DiskHangs, RobotqError
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode
from robotq.model.item import ItemIds
from robotq.model.task import Command, Task
from robotq.store.port import AppendEvent, Store, TaskQuery

_log = logging.getLogger(__name__)

_PAGE = 500

LIFTED_BY_RESUME = (
    HoldCode.PAUSED,
    HoldCode.FAILURE,
    HoldCode.RESTARTED,
    HoldCode.SHUTDOWN,
)
"""What a person clears by resuming the queue; the other holds have ways of their own."""


_CLOSE_S = 10.0
"""Wall seconds that the disk gets to take the rest at the end."""

_RECORD_S = 2.0
"""Wall seconds that the disk gets before an answer says that a hold is not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What a reload has read, checked and not yet put into effect."""

    config: Config
    catalog: Catalog
    known: KnownRobots
    drivers: Mapping[str, Callable[[], None]]


class Engine:
    """Everything that interfaces work with. Made by `engine.start.start_engine`."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        reads: Reads,
        journal: Journal,
        bus: EventBus,
        holds: HoldBoard,
        hold_writer: HoldWriter,
        stop_file: StopFile,
        resources: Resources,
        queue: TaskQueue,
        robots: Mapping[str, Robot],
        webhooks: Webhooks,
        item_ids: ItemIds,
        clock: WallClock,
    ) -> None:
        self.settings = settings
        self.store = store
        self.reads = reads
        """What there is: tasks, counts, the journal."""
        self.journal = journal
        self.bus = bus
        self.holds = holds
        self.hold_writer = hold_writer
        self.resources = resources
        self.queue = queue
        self.robots = robots
        self.webhooks = webhooks
        self.clock = clock
        self._working = False
        self.intake = self._intake()
        self.reload_configuration: Callable[[str], Awaitable[None]] | None = None
        """Reads the configuration again and puts it into effect, for the named actor; set by
        whoever knows where it was read from."""
        self.estop = EStop(self.robots, holds, hold_writer, stop_file, clock)
        self.immediate = Immediate(self)
        self.checklist = Checklist(self, item_ids)
        self.why = Why(self)
        self.releasing = Releasing(self)
        """What a person takes from robots that are not there."""
        self.absent = AbsentRobots(queue.memory, holds, queue.claims, tuple(robots))
        """Robots that the configuration does not have, and for which something is left."""
        self._background = Background()
        self._clock_watch = ClockWatch(self.clock, journal)

    @property
    def config(self) -> Config:
        return self.settings.config

    @property
    def catalog(self) -> Catalog:
        return self.settings.catalog

    @property
    def default_robot(self) -> str:
        return self.config.default_robot or next(iter(self.robots))

    @property
    def armed(self) -> bool:
        """Whether START_WORKING was sent, where the site demands it."""
        return self._working or not self.config.require_start_working

    def arm(self, armed: bool) -> None:
        """START_WORKING and STOP_WORKING. Not kept over a restart: somebody has to be there."""
        self._working = armed

    # -- what people do to queues ----------------------------------------------------------

    @unbroken
    async def pause(self, robot: str | None, *, actor: str, reason: str = "") -> Sequence[str]:
        """Start nothing more on a robot or in a queue for workers, or, with None, on all robots;
        what runs goes on. Returns their names.

        Acts at once and is written after; where the disk takes nothing, as soon as it does
        (`recorded` tells). Raises RobotqError bad_parameter (unknown robot).
        """
        names = self._names(robot)
        for name in names:
            self.holds.set(name, HoldCode.PAUSED, actor=actor, reason=reason)
        if await self.hold_writer.recorded(_RECORD_S):
            crash_point(CrashPoint.HELD)
        return names

    def recorded(self, names: Iterable[str]) -> bool:
        """Whether every hold of these queues would be there after a restart."""
        return all(self.hold_writer.on_disk(hold) for name in names for hold in self.holds.of(name))

    @unbroken
    async def resume(
        self,
        robot: str | None,
        *,
        actor: str,
        about: About | None = None,
        note: str = "",
        stay_paused: bool = False,
    ) -> Sequence[str]:
        """Let a queue, or all, go on. Lifts what a resume clears (`LIFTED_BY_RESUME`); other
        holds stay, and so does one that is set again before this is written.

        `about`: what the person means. `stay_paused`: these holds are lifted, and a pause takes
        their place. Returns their names.
        Raises RobotqError bad_parameter, not_named, not_what_was_meant, store_unavailable.
        """
        names = self._names(robot)
        holds = [
            hold for name in names for hold in self.holds.of(name) if hold.code in LIFTED_BY_RESUME
        ]
        if about is not None:
            holds = about.meant(holds, self.clock.now_ms())
            if about.named:
                names = tuple(dict.fromkeys(hold.robot for hold in holds))
        if stay_paused:
            held = dict.fromkeys(hold.robot for hold in holds)
            holds = [hold for hold in holds if hold.code is not HoldCode.PAUSED]
            for name in held:
                self.holds.set(name, HoldCode.PAUSED, actor=actor, reason=note)
        if holds:
            told = [] if not note else [self._noted("queue.resumed", actor, names, note)]
            await self.hold_writer.lift(*holds, actor=actor, along=told)
            crash_point(CrashPoint.RESUMED)
        return names

    async def retry(self, task_id: str, *, actor: str, agent: bool = False) -> Task:
        """The same as `retry_once` without a key; returns the new task."""
        accepted = await self.retry_once(task_id, actor=actor, agent=agent)
        return await self.queue.find(accepted.task_ids[0])

    async def retry_once(
        self,
        task_id: str,
        *,
        actor: str,
        agent: bool = False,
        note: str = "",
        stay_paused: bool = False,
        keyed: KeyedRequest | None = None,
    ) -> Accepted:
        """Run an ended command again as a new task at the head of its queue. `agent`, `keyed`:
        as in `TaskQueue.submit`; `stay_paused`: nothing starts until somebody resumes."""
        task = await self.queue.find(task_id)
        order = self._order_again(task)
        return await self.queue.retry(
            [(task_id, order)],
            actor=actor,
            agent=agent,
            note=note,
            stay_paused=stay_paused,
            keyed=keyed,
        )

    async def retry_batch(
        self,
        batch_id: str,
        *,
        actor: str,
        agent: bool = False,
        note: str = "",
        stay_paused: bool = False,
        keyed: KeyedRequest | None = None,
    ) -> Accepted:
        """Run what is left of an ended batch, in its order, as a new batch with the same promise.

        What has completed, or was resolved so, is not run again, nor what a person has called
        off before it began. Raises as `retry` does, batch_not_found.
        """
        tasks = await self._batch(batch_id)
        if keyed is None or await self.reads.answer(keyed.scope, keyed.key) is None:
            for task in tasks:
                if not task.state.final:
                    raise RobotqError(
                        "wrong_state", task_id=task.id, state=task.state.value, action="retry"
                    )
        left = [(task.id, self._order_again(task)) for task in tasks if left_of_batch(task)]
        if not left:
            raise RobotqError("wrong_state", task_id=batch_id, state="completed", action="retry")
        return await self.queue.retry(
            left,
            actor=actor,
            agent=agent,
            note=note,
            stay_paused=stay_paused,
            keyed=keyed,
            batch=True,
        )

    async def _batch(self, batch_id: str) -> Sequence[Task]:
        """The tasks of a batch for robots, in the order in which they came."""
        tasks: list[Task] = []
        before: int | None = None
        while True:
            query = TaskQuery(batch_id=batch_id, before_seq=before, limit=_PAGE)
            page = await self.reads.tasks(query)
            tasks += page
            if len(page) < _PAGE:
                break
            before = page[-1].seq
        if not tasks:
            raise RobotqError("batch_not_found", batch_id=batch_id)
        return sorted(tasks, key=lambda task: task.seq)

    async def resolve(
        self,
        task_id: str,
        outcome: str,
        *,
        actor: str,
        note: str = "",
        seen: int | None = None,
        stay_paused: bool = False,
        keyed: KeyedRequest | None = None,
    ) -> Task:
        """Say how a task with unknown outcome ended: completed, failed or retry.

        `seen`, `stay_paused`: as in `TaskQueue.resolve`.
        Raises RobotqError bad_parameter, task_not_found, wrong_state, task_changed,
        idempotency_conflict, store_unavailable.
        """
        if outcome not in ("completed", "failed", "retry"):
            raise RobotqError(
                "bad_parameter", field="outcome", reason="expected completed, failed or retry"
            )
        task = await self.queue.find(task_id)
        again = self._order_again(task) if outcome == "retry" else None
        return await self.queue.resolve(
            task_id,
            outcome,
            actor=actor,
            note=note,
            retry=again,
            seen=seen,
            stay_paused=stay_paused,
            keyed=keyed,
        )

    async def answer(
        self, task_id: str, value: Any, *, actor: str, asked_at_ms: int | None = None
    ) -> Task:
        """Answer the question of a running command; `asked_at_ms` names it.

        Raises RobotqError task_not_found, no_question, bad_parameter, store_unavailable.
        """
        task = await self.queue.find(task_id)
        robot = self.robots.get(task.queue)
        if robot is None:
            raise RobotqError("no_question", reason=f"{task_id} is not running")
        await robot.executor.answer(task_id, value, actor=actor, asked_at_ms=asked_at_ms)
        return await self.queue.find(task_id)

    async def move_to(
        self, task_id: str, robot: str, *, actor: str, seen: int | None = None, note: str = ""
    ) -> Moved:
        """Give a waiting command, with those of its contiguous batch, to another robot; it
        stands behind all of its priority that waits there.

        `seen`: as in `Editing.move`, of the queue that it leaves. Raises as that does, and what
        a submit to that robot would raise; robot_cannot.
        """
        name = self.robot(robot).name

        def given(task: Task) -> Command:
            params = task.command.params
            if isinstance(params, Mapping) and params.get("robot_id") is not None:
                params = {**params, "robot_id": name}
            command = replace(task.command, params=params)
            why = why_lost(self.settings, replace(task, queue=name, command=command))
            if why is not None:
                raise why
            return command

        return await self.queue.editing.give(
            task_id, name, given, actor=actor, seen=seen, note=note
        )

    # -- the robots --------------------------------------------------------------------------

    @property
    def queue_names(self) -> Sequence[str]:
        """The queues of all robots, also of those that are not configured any more."""
        return (*self.robots, *self.absent.names)

    def queue_name(self, name: str) -> str:
        """Raises RobotqError bad_parameter with the known names."""
        return name if name in self.absent.names else self.robot(name).name

    def robot(self, name: str) -> Robot:
        """Raises RobotqError bad_parameter with the known names."""
        robot = self.robots.get(name)
        if robot is None:
            known = ", ".join(self.robots)
            gone = f"{name} is not in the configuration; " if name in self.absent.names else ""
            reason = f"{gone}expected one of {known}"
            raise RobotqError("bad_parameter", field="robot_id", reason=reason)
        return robot

    @unbroken
    async def stop_robot(self, name: str, *, actor: str, reason: str = "") -> Robot:
        """Controlled stop: hold the queue, stop the running command, wait for its end.

        Raises RobotqError robot_busy, robot_disconnected, device_error (what the driver says
        to it); the queue is held in any case.
        """
        robot = self.robot(name)
        self.holds.set(name, HoldCode.PAUSED, actor=actor, reason=reason or "reason.stop")
        await robot.stop(actor, reason)
        await self.hold_writer.recorded(_RECORD_S)
        return robot

    @unbroken
    async def hold_motion(self, name: str, *, actor: str) -> Robot:
        """Pause the robot in its motion; the running command waits.

        The queue is held too, from this moment until the motion is resumed: whatever ends
        meanwhile, nothing begins unasked. Where the driver refuses, and says that nothing is
        held, that hold is lifted again; where it says nothing, it stays.
        """
        robot = self.robot(name)
        robot.require_hold()
        running = robot.executor.running
        task_id = running.id if running is not None else None
        before = self.holds.get(name, HoldCode.MOTION_HELD)
        hold = self.holds.set(name, HoldCode.MOTION_HELD, actor=actor, task_id=task_id)
        try:
            await robot.hold()
        except Exception:
            await self._not_held(robot, hold, before, actor)
            raise
        await self.hold_writer.recorded(_RECORD_S)
        await self._note("robot.hold", actor, name)
        return robot

    async def _not_held(self, robot: Robot, hold: Hold, before: Hold | None, actor: str) -> None:
        """The driver did not take a hold that is in force already."""
        status = await robot.motion.ask(_RECORD_S)
        if status is None or status.held:
            # it may have been taken all the same
            self.holds.set(
                robot.name,
                HoldCode.MOTION_HELD,
                actor=actor,
                task_id=hold.task_id,
                reason="reason.hold_unconfirmed",
            )
        elif before is None:
            robot.motion.lift_soon(hold)

    @unbroken
    async def resume_motion(
        self,
        name: str,
        *,
        actor: str,
        about: About | None = None,
        note: str = "",
        stay_paused: bool = False,
    ) -> Robot:
        """Let a held motion go on, whoever has held it. The hold is lifted when the driver says
        that nothing is held any more. Refused while an emergency stop is latched.

        `about`: what the person means. `stay_paused`: the motion goes on, and after its command
        nothing starts. Raises RobotqError wrong_state, not_named, not_what_was_meant,
        motion_still_held, robot_busy, robot_disconnected, device_error, store_unavailable.
        """
        robot = self.robot(name)
        if self.estop.latched:
            raise RobotqError("wrong_state", task_id=name, state="estop", action="resume")
        hold = self.holds.get(name, HoldCode.MOTION_HELD)
        if about is not None:
            about.meant([] if hold is None else [hold], self.clock.now_ms())
        if stay_paused:
            self.holds.set(name, HoldCode.PAUSED, actor=actor, reason=note)
        await robot.resume()
        if hold is not None:
            await self.hold_writer.lift(hold, actor=actor)
        await self._note("robot.resume", actor, name, **({"note": note} if note else {}))
        return robot

    def _noted(self, kind: str, actor: str, robots: Sequence[str], note: str) -> AppendEvent:
        """What a person has written beside a decision."""
        robot = robots[0] if len(robots) == 1 else ""
        return AppendEvent(
            Event(
                kind=kind,
                at_ms=self.clock.now_ms(),
                actor=actor,
                robot=robot,
                data={"note": note, "robots": list(robots)},
            )
        )

    async def _note(self, kind: str, actor: str, robot: str, **data: Any) -> None:
        await self.journal.note(
            Event(kind=kind, at_ms=self.clock.now_ms(), actor=actor, robot=robot, data=data)
        )

    # -- reload ------------------------------------------------------------------------------

    def prepare_reload(
        self, config: Config, catalog: Catalog, known: KnownRobots = NOBODY_KNOWS
    ) -> Reloaded:
        """Check a new configuration against everything it touches; changes nothing. `known`:
        what is known of its robots.

        Raises ConfigError. Robots cannot be added, removed or given another driver this way.
        """
        check_handlers(catalog)
        if set(config.robots) != set(self.robots) or any(
            config.robots[name].driver != robot.config.driver for name, robot in self.robots.items()
        ):
            raise ConfigError(
                f"{config.source}: robots: adding or removing robots, or changing a driver, "
                "needs a restart of the daemon"
            )
        try:
            appliers = {
                name: robot.host.driver.prepare_reload(config.robots[name].options)
                for name, robot in self.robots.items()
            }
        except ConfigError as error:
            raise ConfigError(f"{config.name}: {error}") from error
        return Reloaded(config=config, catalog=catalog, known=known, drivers=appliers)

    @unbroken
    async def reload(self, reloaded: Reloaded, *, actor: str) -> None:
        """Put a checked configuration into effect: specs, labs, resources, thresholds."""
        for apply in reloaded.drivers.values():
            await asyncio.to_thread(apply)
        new = Settings(reloaded.config, reloaded.catalog, reloaded.known)
        look = await self.queue.fitting.look(new)
        self.settings.config = reloaded.config
        self.settings.catalog = reloaded.catalog
        self.settings.known = reloaded.known
        # in the same moment: nothing is claimed by the new specs that was not looked at
        self.queue.fitting.take(look)
        self.intake = self._intake()
        self.resources.remap(places_to_resources(reloaded.config.resources))
        for name in self.robots:
            self.queue.lane(name).wake()
        misfits = self.queue.fitting.misfits()
        if misfits.number:
            _log.warning("%s", misfits.line)
        if self.absent.names:
            _log.warning("%s", self.absent.line)
        await self._note("config.reloaded", actor, "", does_not_fit=misfits.number)

    # -- start and stop ------------------------------------------------------------------------

    async def run_background(self) -> None:
        """Start executors, links and housekeeping."""
        for robot in self.robots.values():
            robot.start()
        if self.absent.names:
            _log.warning("%s", self.absent.line)
        self.absent.start()
        self.webhooks.start()
        self._background.start("clock", self._clock_watch.look, every_s=5)
        self._background.start("retention", self._retain, every_s=3_600)
        self._background.start("expiry", self.queue.expiry.run, every_s=1)

    async def shut_down(self) -> None:
        """Accept nothing more; give running commands `limits.shutdown_grace_s`; stop them;
        write everything; close drivers and store. A second call does nothing.

        Raises DiskHangs where the disk does not answer, when all else is done.
        """
        if self.queue.closed:
            return
        self.queue.closed = True
        left = [name for name in self.why.queues if self.why.of(name).size]
        for name in dict.fromkeys((*self.robots, *left)):
            self.holds.set(name, HoldCode.STOPPING)
        limits = self.config.limits
        await asyncio.gather(
            *(robot.finish(limits.shutdown_grace_s) for robot in self.robots.values())
        )
        await self.absent.stop()
        await self._background.stop()
        await self.webhooks.stop()
        await self.hold_writer.recorded(_RECORD_S)
        stopped = Event(kind="daemon.stopped", at_ms=self.clock.now_ms(), actor="robotq")
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self.journal.note(stopped)
        self.bus.close()
        await self.journal.close()
        await asyncio.gather(*(robot.close() for robot in self.robots.values()))
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self.store.close()
        except TimeoutError:
            _log.critical(
                "the disk has not answered for %g s: the daemon ends without it. What it has "
                "confirmed is on disk; what it has not may be there or not",
                _CLOSE_S,
            )
            raise DiskHangs from None

    async def _retain(self) -> None:
        """Remove what is older than the configuration keeps, now and every hour; nothing for
        a day after somebody has set the clock, since ages may be wrong then."""
        await self._clock_watch.look()
        if not self._clock_watch.settled:
            return
        retention = self.config.retention
        now_ms = self.clock.now_ms()
        tasks_before_ms = now_ms - int(retention.tasks_days * 86_400_000)
        # first here: what is still found can still be retried
        self.queue.memory.forget(tasks_before_ms)
        removed = 1
        while removed:
            removed = await self.store.prune(
                tasks_before_ms=tasks_before_ms,
                events_before_ms=now_ms - int(retention.events_days * 86_400_000),
                answers_before_ms=now_ms - int(retention.idempotency_hours * 3_600_000),
                limit=1_000,
            )

    # -- helpers -------------------------------------------------------------------------------

    def _names(self, robot: str | None) -> Sequence[str]:
        if robot in self.queue.memory.pools:
            return (robot,)
        return self.queue_names if robot is None else (self.queue_name(robot),)

    def _intake(self) -> Intake:
        return Intake(
            self.catalog,
            tuple(self.robots),
            self.default_robot,
            armed=lambda: self.armed,
            callbacks=lambda: self.webhooks.allowed_hosts,
            clock=self.clock,
            known=self.settings.known,
        )

    def _order_again(self, task: Task) -> Order:
        """The same command once more, by today's spec. Raises RobotqError unknown_command,
        missing_parameter, bad_parameter."""
        spec = self.settings.spec_of(task)
        self.settings.known.check_places(self.catalog, spec, task.command.params, task.queue)
        return Order(
            command=task.command,
            spec=spec,
            robot=self.robot(task.queue).name,
            priority=task.priority,
        )
