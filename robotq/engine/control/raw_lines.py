"""Raw lines: a person says something to a controller in its own language, past all commands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, cast

from robotq.drivers.base import DriverError, LinkLost, Stopped
from robotq.drivers.raw_lines import TakesRawLines
from robotq.engine.commit.commit import Commit
from robotq.engine.commit.locks import outliving
from robotq.engine.control.jogging import BESIDE, Jogging, require_at_rest
from robotq.engine.holds.board import HoldBoard
from robotq.engine.queue.claims import Claims
from robotq.engine.robot.robot import Robot
from robotq.engine.robot.roster import Roster
from robotq.engine.state.resources import Resources
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode
from robotq.model.json import JsonObject
from robotq.model.json.safe import plain
from robotq.store.port import AppendEvent

_log = logging.getLogger(__name__)

_MOST_LINES = 200
_MOST_CHARACTERS = 16_384
"""Of an answer, as it is kept and told."""


class RawLines:
    """Sends them, one at a time to each robot.

    The robot has to stand, with its queue paused and its command over, as for a jog. A hold of its
    own keeps everything else from it until the line is done, and the pause stays.
    """

    def __init__(
        self,
        *,
        roster: Roster,
        holds: HoldBoard,
        claims: Claims,
        resources: Resources,
        commit: Commit,
        clock: WallClock,
        jogging: Jogging,
    ) -> None:
        self._roster = roster
        self._holds = holds
        self._claims = claims
        self._resources = resources
        self._commit = commit
        self._clock = clock
        self._running: dict[str, asyncio.Task[JsonObject]] = {}
        jogging.ends_with(self._end)

    async def send(self, name: str, line: str, limit_s: float, *, actor: str) -> JsonObject:
        """Returns when the robot stands again: `outcome` (answered, refused, timeout, stopped,
        estop, held, link_lost, uncertain), `answer`, `error`. The line is in the journal before it
        goes out, its answer after it. Whoever asked may be gone meanwhile.

        Raises RobotqError where nothing was sent: raw_line_refused, robot_cannot, bad_parameter,
        store_unavailable.
        """
        robot = self._roster.robot(name)
        if not robot.capabilities.raw_lines:
            raise RobotqError(
                "robot_cannot", robot=name, cmd_type="RAW_LINE", reason="reason.raw_cannot"
            )
        why = cast(TakesRawLines, robot.host.driver).why_no_raw_line(line)
        if why is not None:
            raise RobotqError("bad_parameter", field="line", reason=why)
        # nothing is awaited from this look to the hold, which keeps everything else away
        if self._holds.has(name, HoldCode.JOGGING):
            raise RobotqError("raw_line_refused", robot=name, reason="reason.jog_another")
        paused = require_at_rest(robot, self._holds, "raw_line_refused")
        hold = self._holds.set(name, HoldCode.RAW_LINE, actor=actor, line=line)
        running = asyncio.create_task(
            self._run(robot, line, limit_s, paused, hold), name=f"{name} raw line"
        )
        self._running[name] = running
        return await outliving(running)

    async def _run(
        self, robot: Robot, line: str, limit_s: float, paused: Hold, hold: Hold
    ) -> JsonObject:
        name, actor = robot.name, hold.actor
        told: JsonObject | None = None
        try:
            # on disk before it goes out
            await self._commit.write(
                [AppendEvent(self._event("raw.started", name, actor, line=line))]
            )
            others = {one.code for one in self._holds.of(name)} - {HoldCode.RAW_LINE}
            if self._holds.in_force(paused) and others <= BESIDE:
                told = await self._sent(robot, line, limit_s)
            else:
                # a stop, for example, while the disk was slow
                told = {"outcome": "held", "answer": [], "error": None}
            return told
        finally:
            try:
                await self._over(robot, told, line, actor, hold)
            finally:
                self._running.pop(name, None)

    async def _sent(self, robot: Robot, line: str, limit_s: float) -> JsonObject:
        driver = cast(TakesRawLines, robot.host.driver)
        answer: Sequence[str] = ()
        error: str | None = None
        try:
            result = plain(await robot.host.execute(lambda: driver.raw_line(line, limit_s)))
        except Stopped:
            latched = self._holds.has(robot.name, HoldCode.ESTOP)
            outcome = "estop" if latched else "stopped"
        except DriverError as refused:
            outcome = "timeout" if refused.code == "timeout" else "refused"
            error = str(refused)
        except Exception as gone:  # noqa: BLE001 - a driver may raise anything
            outcome = "link_lost" if isinstance(gone, LinkLost) else "uncertain"
            error = str(gone) or repr(gone)
            _log.warning("%s: nobody can say how a raw line ended: %r", robot.name, gone)
        else:
            answer, error = _bounded(result["answer"]), result["refused"]
            outcome = "answered" if error is None else "refused"
        return {"outcome": outcome, "answer": list(answer), "error": error}

    async def _over(
        self, robot: Robot, told: JsonObject | None, line: str, actor: str, hold: Hold
    ) -> None:
        name = robot.name
        if told is not None and told["outcome"] != "held":
            self._resources.jogged(name)
            if told["outcome"] in ("link_lost", "uncertain"):
                self._holds.set(name, HoldCode.PAUSED, reason="reason.raw_uncertain")
        if not self._holds.has(name, HoldCode.PAUSED):
            self._holds.set(name, HoldCode.PAUSED, actor=actor, reason="reason.raw_over")
        if told is not None:
            self._holds.note(self._event("raw.ended", name, actor, line=line, **told))
        await self._claims.lift_when_possible(hold)

    def _end(self) -> list[asyncio.Task[Any]]:
        """The daemon ends: the robots are to stand. What is to be waited for."""
        stops: list[asyncio.Task[Any]] = []
        for name, running in self._running.items():
            stop = self._roster.robot(name).host.stop()
            stops += [asyncio.create_task(stop, name=f"{name} stop of a raw line"), running]
        return stops

    def _event(self, kind: str, robot: str, actor: str, **data: Any) -> Event:
        return Event(kind=kind, at_ms=self._clock.now_ms(), actor=actor, robot=robot, data=data)


def _bounded(lines: Sequence[str]) -> Sequence[str]:
    kept: list[str] = []
    room = _MOST_CHARACTERS
    for line in lines[:_MOST_LINES]:
        if room < len(line):
            kept.append("…")
            break
        kept.append(line)
        room -= len(line)
    return kept
