"""What people do to one robot: stop it, hold its motion, and let that go on."""

from __future__ import annotations

from typing import Any

from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import unbroken
from robotq.engine.holds.board import HoldBoard
from robotq.engine.holds.confirming import Confirmation
from robotq.engine.holds.writer import HoldWriter
from robotq.engine.reads import Reads
from robotq.engine.robot.estop import EStop
from robotq.engine.robot.robot import Robot
from robotq.engine.robot.roster import Roster
from robotq.engine.settings import Settings
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode
from robotq.model.task import Task


class RobotControl:
    """A hold of the queue counts before the robot is asked, and stays where it does not answer."""

    def __init__(
        self,
        *,
        roster: Roster,
        estop: EStop,
        holds: HoldBoard,
        hold_writer: HoldWriter,
        commit: Commit,
        reads: Reads,
        clock: WallClock,
        settings: Settings,
    ) -> None:
        self._roster = roster
        self._estop = estop
        self._holds = holds
        self._hold_writer = hold_writer
        self._commit = commit
        self._reads = reads
        self._clock = clock
        self._settings = settings

    @unbroken
    async def stop(self, name: str, *, actor: str, reason: str = "") -> Robot:
        """Controlled stop: hold the queue, stop the running command, wait for its end.

        Raises RobotqError robot_busy, robot_disconnected, device_error (what the driver says
        to it); the queue is held in any case.
        """
        robot = self._roster.robot(name)
        self._holds.set(name, HoldCode.PAUSED, actor=actor, reason=reason or "reason.stop")
        await robot.stop(actor, reason)
        await self._hold_writer.recorded(self._settings.timings.record_s)
        return robot

    @unbroken
    async def hold_motion(self, name: str, *, actor: str) -> Robot:
        """Pause the robot in its motion; the running command waits.

        The queue is held too, from this moment until the motion is resumed: whatever ends
        meanwhile, nothing begins unasked. Where the driver refuses, and says that nothing is
        held, that hold is lifted again; where it says nothing, it stays.
        """
        robot = self._roster.robot(name)
        robot.require_hold()
        running = robot.executor.running
        task_id = running.id if running is not None else None
        before = self._holds.get(name, HoldCode.MOTION_HELD)
        hold = self._holds.set(name, HoldCode.MOTION_HELD, actor=actor, task_id=task_id)
        try:
            await robot.hold()
        except Exception:
            await self._not_held(robot, hold, before, actor)
            raise
        await self._hold_writer.recorded(self._settings.timings.record_s)
        await self._note("robot.hold", actor, name)
        return robot

    async def _not_held(self, robot: Robot, hold: Hold, before: Hold | None, actor: str) -> None:
        """The driver did not take a hold that is in force already."""
        status = await robot.motion.ask(self._settings.timings.record_s)
        if status is None or status.held:
            # it may have been taken all the same
            self._holds.set(
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
        confirmation: Confirmation | None = None,
        note: str = "",
        stay_paused: bool = False,
    ) -> Robot:
        """Let a held motion go on, whoever has held it. The hold is lifted when the driver says
        that nothing is held any more. Refused while an emergency stop is latched.

        `confirmation`: what the person means. `stay_paused`: the motion goes on, and
        after its command nothing starts. Raises RobotqError wrong_state, not_named,
        not_what_was_meant, motion_still_held, robot_busy, robot_disconnected, device_error,
        store_unavailable.
        """
        robot = self._roster.robot(name)
        if self._estop.latched:
            raise RobotqError("wrong_state", task_id=name, state="estop", action="resume")
        hold = self._holds.get(name, HoldCode.MOTION_HELD)
        if confirmation is not None:
            confirmation.meant([] if hold is None else [hold], self._clock.now_ms())
        if stay_paused:
            self._holds.set(name, HoldCode.PAUSED, actor=actor, reason=note)
        await robot.resume()
        if hold is not None:
            await self._hold_writer.lift(hold, actor=actor)
        await self._note("robot.resume", actor, name, **({"note": note} if note else {}))
        return robot

    async def answer(
        self, task_id: str, value: Any, *, actor: str, asked_at_ms: int | None = None
    ) -> Task:
        """Answer the question of a running command; `asked_at_ms` names it.

        Raises RobotqError task_not_found, no_question, bad_parameter, store_unavailable.
        """
        task = await self._reads.task(task_id)
        robot = self._roster.get(task.queue)
        if robot is None:
            raise RobotqError("no_question", reason=f"{task_id} is not running")
        await robot.executor.answer(task_id, value, actor=actor, asked_at_ms=asked_at_ms)
        return await self._reads.task(task_id)

    async def _note(self, kind: str, actor: str, robot: str, **data: Any) -> None:
        await self._commit.note(
            Event(kind=kind, at_ms=self._clock.now_ms(), actor=actor, robot=robot, data=data)
        )
