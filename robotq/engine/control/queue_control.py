"""What people do to whole queues: pause them, and let them go on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from robotq.engine.commit.locks import unbroken
from robotq.engine.holds.board import HoldBoard
from robotq.engine.holds.confirming import Confirmation
from robotq.engine.holds.writer import HoldWriter
from robotq.engine.robot.roster import Roster
from robotq.engine.settings import Settings
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.hold import AT_HAND, HoldCode
from robotq.store.port import AppendEvent

LIFTED_BY_RESUME = (
    HoldCode.PAUSED,
    HoldCode.FAILURE,
    HoldCode.RESTARTED,
    HoldCode.SHUTDOWN,
    HoldCode.ISOLATED,
)
"""What a person clears by resuming the queue; the other holds have ways of their own."""


class QueueControl:
    """Acts on the queue of one robot or of one kind of workers, or on those of all robots."""

    def __init__(
        self,
        *,
        roster: Roster,
        holds: HoldBoard,
        hold_writer: HoldWriter,
        clock: WallClock,
        settings: Settings,
    ) -> None:
        self._roster = roster
        self._holds = holds
        self._hold_writer = hold_writer
        self._clock = clock
        self._settings = settings

    @unbroken
    async def pause(self, robot: str | None, *, actor: str, reason: str = "") -> Sequence[str]:
        """Start nothing more on a robot or in a queue for workers, or, with None, on all robots;
        what runs goes on. Returns their names.

        Acts at once and is written after; where the disk takes nothing, as soon as it does
        (`recorded` tells). Raises RobotqError bad_parameter (unknown robot).
        """
        names = self._roster.meant(robot)
        for name in names:
            self._holds.set(name, HoldCode.PAUSED, actor=actor, reason=reason)
        if await self._hold_writer.recorded(self._settings.timings.record_s):
            crash_point(CrashPoint.HELD)
        return names

    def recorded(self, names: Iterable[str]) -> bool:
        """Whether every hold of these queues would be there after a restart."""
        return all(
            self._hold_writer.on_disk(hold) for name in names for hold in self._holds.of(name)
        )

    @unbroken
    async def resume(
        self,
        robot: str | None,
        *,
        actor: str,
        confirmation: Confirmation | None = None,
        note: str = "",
        stay_paused: bool = False,
    ) -> Sequence[str]:
        """Let a queue, or all, go on. Lifts what a resume clears (`LIFTED_BY_RESUME`); other
        holds stay, and so does one that is set again before this is written.

        `confirmation`: what the person means. `stay_paused`: these holds are lifted, and a
        pause takes their place. Returns their names.
        Raises RobotqError bad_parameter, robot_busy (somebody has it at hand), not_named,
        not_what_was_meant, store_unavailable.
        """
        names = self._roster.meant(robot)
        at_hand = {
            hold.robot: hold
            for name in names
            for hold in self._holds.of(name)
            if hold.code in AT_HAND
        }
        if at_hand and robot is not None:
            kind = "jog" if at_hand[robot].code is HoldCode.JOGGING else "raw"
            raise RobotqError("robot_busy", robot=robot, reason=f"reason.{kind}_another")
        # nobody's robot begins something while somebody moves it by hand
        names = tuple(name for name in names if name not in at_hand)
        holds = [
            hold for name in names for hold in self._holds.of(name) if hold.code in LIFTED_BY_RESUME
        ]
        if confirmation is not None:
            holds = confirmation.meant(holds, self._clock.now_ms())
            if confirmation.named:
                names = tuple(dict.fromkeys(hold.robot for hold in holds))
        if stay_paused:
            held = dict.fromkeys(hold.robot for hold in holds)
            holds = [hold for hold in holds if hold.code is not HoldCode.PAUSED]
            for name in held:
                self._holds.set(name, HoldCode.PAUSED, actor=actor, reason=note)
        if holds:
            told = [] if not note else [self._noted("queue.resumed", actor, names, note)]
            await self._hold_writer.lift(*holds, actor=actor, along=told)
            crash_point(CrashPoint.RESUMED)
        return names

    def isolate(self, robots: Iterable[str], reason: str) -> None:
        """Begin nothing more on these: the fleet says nothing. What runs goes on."""
        for name in robots:
            self._holds.set(name, HoldCode.ISOLATED, reason=reason)

    @unbroken
    async def heard(self, robots: Iterable[str]) -> None:
        """The fleet has said what these wait for. Raises RobotqError store_unavailable."""
        held = (self._holds.get(name, HoldCode.ISOLATED) for name in robots)
        over = [hold for hold in held if hold is not None]
        if over:
            await self._hold_writer.lift(*over)

    def _noted(self, kind: str, actor: str, robots: Sequence[str], note: str) -> AppendEvent:
        """What a person has written beside a decision."""
        robot = robots[0] if len(robots) == 1 else ""
        return AppendEvent(
            Event(
                kind=kind,
                at_ms=self._clock.now_ms(),
                actor=actor,
                robot=robot,
                data={"note": note, "robots": list(robots)},
            )
        )
