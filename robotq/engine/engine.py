"""The engine: the queues, executors and robots of one daemon, as one thing to start and stop."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from robotq.catalog import Catalog, CommandSpec
from robotq.engine.assembly.parts import Parts
from robotq.engine.intake.read_command import Intake
from robotq.engine.robot.robot import Robot
from robotq.engine.shut_down import ShutDown
from robotq.engine.upkeep.background import Background
from robotq.model.event import Event

_log = logging.getLogger(__name__)


_BELL_S = 2.0
"""Wall seconds until it is listened again for what other daemons write."""

_MIRROR_S = 0.1
"""Seconds after which it is looked what other daemons have written."""


class Engine:
    """Everything that interfaces work with. Made by `engine.start.start_engine`.

    What changes a task is a verb of `queue`; what there is, is told by `reads`. Each verb of the
    engine itself is that of the part of the same subject, and is documented there.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        base, self.signals = parts.base, parts.base.signals
        self.clock = base.clock
        self.reads = base.reads
        """What there is: tasks, counts, the journal."""
        self.queue = parts.tasks.queue
        """The one way in which a task changes."""
        self.holds = base.holds
        """Why queues start nothing; to look at."""
        self.why = parts.why
        self.audit = parts.audit
        self.robots: Mapping[str, Robot] = parts.roster
        self.absent = parts.absent
        """Robots that the configuration does not have, and for which something is left."""
        self.estop = parts.estop
        self.immediate = parts.immediate
        self.checklist = parts.checklist
        self.webhooks = base.webhooks
        self.programs = base.programs
        """The texts of programs."""
        self.artifacts = base.artifacts
        self.jogging = parts.jogging
        """Robots that people move by hand."""
        self.releasing = parts.releasing
        """What a person takes from robots that are not there."""

        self.config = base.settings.config
        """What is in force right now."""
        self.intake = self._intake()
        """Reads commands, by the configuration that is in force."""
        self.signals.settings_changed.subscribe(self._read_by_these)
        self._background = Background()
        self._maintenance: Any = None
        self._telling: Any = None
        """There where the configuration names somebody who is told."""

        # whole queues
        control = parts.queue_control
        self.pause, self.resume, self.recorded = control.pause, control.resume, control.recorded
        self.isolate, self.heard = control.isolate, control.heard
        # commands once more
        again = parts.again
        self.retry, self.retry_once, self.retry_batch = (
            again.retry,
            again.retry_once,
            again.retry_batch,
        )
        self.resolve, self.move_to = again.resolve, again.move_to
        self.put_back = again.put_back
        # robots
        robots = parts.robot_control
        self.answer, self.stop_robot = robots.answer, robots.stop
        self.hold_motion, self.resume_motion = robots.hold_motion, robots.resume_motion
        self.robot = parts.roster.robot
        self.queue_name = parts.roster.queue_name
        # the configuration
        self.arm = parts.arming.arm
        self.prepare_reload, self.reload = parts.reloading.prepare, parts.reloading.put
        self.reload_configuration = parts.reloading.from_source

    @property
    def catalog(self) -> Catalog:
        return self._parts.base.settings.catalog

    def places(self, robot: str) -> tuple[str, ...]:
        """The places that a robot has, by name; none where nobody has said which."""
        return tuple(sorted(self._parts.base.settings.known.places.get(robot, ())))

    def offered(self) -> Sequence[tuple[CommandSpec, tuple[str, ...]]]:
        """The commands that a robot here can do, each with those robots."""
        settings = self._parts.base.settings
        robots = {name: one.capabilities.simulated for name, one in self.robots.items()}
        return settings.known.offered(settings.catalog, robots)

    @property
    def can_reload(self) -> bool:
        """Whether somebody knows where the configuration was read from."""
        return self._parts.reloading.possible

    @property
    def default_robot(self) -> str:
        return self._parts.roster.default

    @property
    def queue_names(self) -> Sequence[str]:
        """The queues of all robots, also of those that are not configured any more."""
        return self._parts.roster.queue_names

    @property
    def armed(self) -> bool:
        """Whether START_WORKING was sent, where the site demands it."""
        return self._parts.arming.armed

    @property
    def store_available(self) -> bool:
        """Whether the disk takes writes, as far as anybody knows."""
        return self._parts.base.commit.disk.available

    @property
    def accepts(self) -> bool:
        """Whether something can be accepted: the disk takes writes, and this is not the end."""
        return self.store_available and not self.queue.closed

    @cached_property
    def _seldom(self) -> Any:
        """Makes the parts below, each for the first who asks; no start needs its module."""
        from robotq.engine.assembly import seldom  # noqa: PLC0415 - see above

        return seldom

    @cached_property
    def from_line(self) -> Any:
        """A `FromLine`: programs from one of their lines on."""
        return self._seldom.from_line(self._parts)

    @cached_property
    def alarms(self) -> Any:
        """An `Alarms`: what somebody has to act on."""
        return self._seldom.alarms(self._parts, self.note, self._maintenance)

    @cached_property
    def standby(self) -> Any:
        """A `StandbyControl`: robots that another machine can take over."""
        return self._seldom.standby(self._parts)

    @cached_property
    def mirror(self) -> Any:
        """The `Mirror` of what other daemons write."""
        return self._seldom.mirror(self._parts)

    @cached_property
    def repeats(self) -> Any:
        """The `RepeatsByTheClock`."""
        repeats = self._seldom.repeats(self._parts, lambda: self.intake)
        if not self.queue.closed:
            self._background.start("repeats", repeats.look, every_s=1)
        return repeats

    @cached_property
    def raw_lines(self) -> Any:
        """A `RawLines`: what people say to controllers past all commands."""
        return self._seldom.raw_lines(self._parts)

    async def note(
        self, kind: str, *, actor: str, data: Mapping[str, Any], robot: str | None = None
    ) -> bool:
        """Write an event that changes nothing; False where the disk does not take it."""
        event = Event(
            kind=kind, at_ms=self.clock.now_ms(), actor=actor, robot=robot, data=dict(data)
        )
        return await self._parts.base.commit.note(event)

    # -- start and stop ------------------------------------------------------------------------

    async def run_background(self) -> None:
        """Start housekeeping; `begin` starts the robots."""
        if self.absent.names:
            _log.warning("%s", self.absent.line)
        self.absent.start()
        self.webhooks.start()
        await self._count()
        await self._tell_people()
        start = self._background.start
        start("clock", self._parts.clock_watch.look, every_s=5)
        start("retention", self._parts.retention.look, every_s=3_600)
        start("expiry", self._parts.tasks.expiry.run, every_s=1)
        if any(name.startswith("repeat:") for name in self._parts.base.restored.facts):
            _ = self.repeats
        if self._parts.base.commit.shared is not None:
            start("mirror", self.mirror.look, every_s=_MIRROR_S)
            start("bell", self.mirror.listen, every_s=_BELL_S)

    def begin(self) -> None:
        """Start links and executors. Nothing moves before this."""
        for robot in self.robots.values():
            robot.start()

    async def shut_down(self) -> None:
        """See `ShutDown`. A second call does nothing.

        Raises NotWritten where the disk has not taken everything, when all else is done.
        """
        if self.queue.closed:
            return
        left = [name for name in self.why.queues if self.why.of(name).size]
        others = () if self._telling is None else (self._telling.stop,)
        await ShutDown(self._parts, self._background, others).end([*self.robots, *left])

    @property
    def maintenance(self) -> Any:
        """A `Maintenance`: what is to be seen to; None where the configuration has nothing of
        that kind."""
        return self._maintenance

    async def _count(self) -> None:
        if not any(robot.maintenance for robot in self.config.robots.values()):
            return
        from robotq.engine.upkeep.maintenance import Maintenance  # noqa: PLC0415 - as below

        base = self._parts.base
        kept = self._maintenance = Maintenance(
            settings=base.settings,
            commit=base.commit,
            reads=self.reads,
            holds=self.holds,
            clock=self.clock,
            facts=base.restored.facts,
        )
        base.commit.follow(kept.following)
        await kept.start()
        self.signals.hold_changed.subscribe(kept.hold_again)
        self._background.start("maintenance", kept.look, every_s=2)

    @property
    def notifications(self) -> Any:
        """A `Sent`: how many people were told and are to be told; None where nobody is."""
        return None if self._telling is None else self._telling.outbox.statistics()

    async def _tell_people(self) -> None:
        if not self.config.notify.to:
            return
        from robotq.engine.notify.made import Telling  # noqa: PLC0415 - few sites need it

        self._telling = Telling(
            self._parts.base, self.robots, self.alarms.standing, self._maintenance
        )
        await self._telling.start()
        self._background.start("notifications", self._telling.look, every_s=1)

    # -- helpers -------------------------------------------------------------------------------

    def _read_by_these(self) -> None:
        self.config = self._parts.base.settings.config
        self.intake = self._intake()

    def _intake(self) -> Intake:
        settings, webhooks = self._parts.base.settings, self.webhooks
        to_be_armed = settings.config.require_start_working
        return Intake(
            settings.catalog,
            tuple(self.robots),
            self.default_robot,
            armed=self._parts.arming.is_armed if to_be_armed else None,
            callbacks=lambda: webhooks.allowed_hosts,
            clock=self.clock,
            known=settings.known,
        )
