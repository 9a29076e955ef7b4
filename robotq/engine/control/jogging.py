"""Jogs: a person moves a robot's axis for as long as a button is held."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from robotq.drivers.base import DriverError, LinkLost, Stopped
from robotq.drivers.jogging import LIFE_S, JogWanted
from robotq.engine.commit.commit import Commit
from robotq.engine.holds.board import HoldBoard
from robotq.engine.queue.claims import Claims
from robotq.engine.robot.robot import Robot
from robotq.engine.robot.roster import Roster
from robotq.engine.signals import Signals
from robotq.engine.state.resources import Resources
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.hold import Hold, HoldCode
from robotq.model.json import JsonObject
from robotq.model.json.safe import plain
from robotq.store.port import AppendEvent

_log = logging.getLogger(__name__)

BESIDE = frozenset(
    {
        HoldCode.PAUSED,
        HoldCode.JOGGING,
        HoldCode.FAILURE,
        HoldCode.OUTCOME_UNKNOWN,
        HoldCode.RESTARTED,
        HoldCode.SHUTDOWN,
        HoldCode.DOES_NOT_FIT,
    }
)
"""Holds beside which a robot may be jogged: it stands, and its link is there."""


def require_at_rest(robot: Robot, holds: HoldBoard, refusal: str) -> Hold:
    """The pause of its queue, where a person may have the robot for themselves. Raises RobotqError
    `refusal`."""
    paused = holds.get(robot.name, HoldCode.PAUSED)
    if paused is None:
        raise RobotqError(refusal, robot=robot.name, reason="reason.jog_not_paused")
    other = next((one for one in holds.of(robot.name) if one.code not in BESIDE), None)
    if other is not None:
        if other.code is HoldCode.RAW_LINE:
            raise RobotqError(refusal, robot=robot.name, reason="reason.raw_another")
        raise RobotqError(
            refusal, robot=robot.name, reason="reason.jog_held", hold=other.code.value
        )
    if not robot.free:
        raise RobotqError(refusal, robot=robot.name, reason="reason.jog_not_free")
    return paused


class Life:
    """For how long a robot may still move. Over once, it stays so: who comes late begins anew."""

    def __init__(self, since: float) -> None:
        """`since`: on `time.monotonic`."""
        self._until = since + LIFE_S
        self._ended = False

    def left_s(self) -> float:
        left = 0.0 if self._ended else self._until - time.monotonic()
        if left <= 0:
            self._ended = True
            return 0.0
        return left

    def renew(self, since: float) -> None:
        if self.left_s():
            self._until = max(self._until, since + LIFE_S)

    def end(self) -> None:
        self._ended = True


class Jog:
    """One jog, from the press of a button until the robot stands and its holder is told."""

    def __init__(self, robot: str, wanted: JogWanted, actor: str, since: float) -> None:
        self.robot = robot
        self.wanted = wanted
        self.actor = actor
        self.life = Life(since)
        self.done = asyncio.Event()
        self.reason = ""
        """Why it ended: released, no_renewal, closed, limit, stopped, estop, held, shutdown,
        robot_error, link_lost, uncertain, not_recorded."""
        self.result: JsonObject = {}
        """What the driver says of it; `error` where it says what went wrong."""
        self._asked_to_end = ""

    def renew(self, since: float) -> None:
        """Somebody held the button at that time, on `time.monotonic`."""
        self.life.renew(since)

    def end(self, reason: str) -> None:
        """Let it end now; the first reason counts."""
        if self.life.left_s() and not self._asked_to_end:
            self._asked_to_end = reason
        self.life.end()

    @property
    def asked_to_end(self) -> str:
        """Why it was; empty where only its life was over."""
        return self._asked_to_end


class Jogging:
    """Begins jogs, and ends them with whatever else befalls their robots.

    The robot has to stand, with its queue paused and its command over. From the first moment until
    it stands again a hold of its own keeps everything else from it. That the queue was paused
    stays so: a jog is followed by nothing.
    """

    def __init__(
        self,
        *,
        roster: Roster,
        holds: HoldBoard,
        claims: Claims,
        resources: Resources,
        commit: Commit,
        signals: Signals,
        clock: WallClock,
    ) -> None:
        self._roster = roster
        self._holds = holds
        self._claims = claims
        self._resources = resources
        self._commit = commit
        self._clock = clock
        self._jogs: dict[str, tuple[Jog, Hold, asyncio.Task[None]]] = {}
        """By robot: with the pause in which it was begun."""
        self._others: list[Callable[[], list[asyncio.Task[Any]]]] = []
        signals.hold_changed.subscribe(self._hold_changed)

    async def begin(self, name: str, wanted: JogWanted, *, actor: str, since: float) -> Jog:
        """`since`: when somebody held the button, on `time.monotonic`; a jog that does not get
        going within `LIFE_S` of that moves nothing.

        Raises RobotqError jog_refused, robot_cannot, bad_parameter, robot_busy,
        robot_disconnected, device_error.
        """
        robot = self._roster.robot(name)
        self._require_free(robot)
        limits = (await robot.status()).jog
        if robot.host.jogs is None or limits is None:
            raise RobotqError(
                "robot_cannot", robot=name, cmd_type="JOG", reason="reason.jog_cannot"
            )
        if wanted.axis not in limits.axes:
            reason = f"expected one of {', '.join(limits.axes)}"
            raise RobotqError("bad_parameter", field="axis", reason=reason)
        if not 0 < wanted.speed_mm_s <= limits.most_mm_s:
            reason = f"expected above 0, and up to {limits.most_mm_s:g} mm/s"
            raise RobotqError("bad_parameter", field="speed_mm_s", reason=reason)
        # nothing is awaited from the last look to the hold, which keeps everything else away
        paused = self._require_free(robot)
        hold = self._holds.set(name, HoldCode.JOGGING, actor=actor, axis=wanted.axis.upper())
        jog = Jog(name, wanted, actor, since)
        running = asyncio.create_task(self._run(robot, jog, hold), name=f"{name} jog")
        self._jogs[name] = (jog, paused, running)
        return jog

    def _require_free(self, robot: Robot) -> Hold:
        """The pause of its queue. Raises RobotqError jog_refused."""
        if robot.name in self._jogs:
            raise RobotqError("jog_refused", robot=robot.name, reason="reason.jog_another")
        return require_at_rest(robot, self._holds, "jog_refused")

    # -- one jog -------------------------------------------------------------------------------

    async def _run(self, robot: Robot, jog: Jog, hold: Hold) -> None:
        wanted = jog.wanted
        told = {
            "axis": wanted.axis,
            "direction": wanted.direction,
            "speed_mm_s": wanted.speed_mm_s,
        }
        try:
            # on disk before it moves
            await self._commit.write([AppendEvent(self._event("jog.started", jog, **told))])
            await self._move(robot, jog)
        except RobotqError as error:
            jog.reason = "not_recorded"
            jog.result = {"error": str(error)}
        except Exception as error:  # noqa: BLE001 - a fault of ours: the robot is asked to stop
            _log.exception("%s: the jog failed", robot.name)
            jog.reason = "uncertain"
            jog.result = {"error": repr(error)}
        finally:
            jog.life.end()
            await self._over(jog, hold, told)

    async def _move(self, robot: Robot, jog: Jog) -> None:
        driver = robot.host.jogs
        assert driver is not None
        if not jog.life.left_s():
            # the disk was slow, or something else has come
            jog.reason = jog.asked_to_end or "no_renewal"
            return
        moving = robot.host.execute(lambda: driver.jog(jog.wanted, jog.life))
        try:
            jog.result = plain(await moving)
        except Stopped:
            latched = self._holds.has(robot.name, HoldCode.ESTOP)
            jog.reason = "estop" if latched else jog.asked_to_end or "stopped"
        except DriverError as error:
            jog.reason = "robot_error"
            jog.result = {"error": str(error)}
        except Exception as error:  # noqa: BLE001 - a driver may raise anything
            jog.reason = "link_lost" if isinstance(error, LinkLost) else "uncertain"
            jog.result = {"error": str(error) or repr(error)}
            _log.warning("%s: nobody can say how the jog ended: %r", robot.name, error)
        else:
            jog.reason = "limit" if jog.result.get("at_limit") else jog.asked_to_end
            jog.reason = jog.reason or "no_renewal"

    async def _over(self, jog: Jog, hold: Hold, told: JsonObject) -> None:
        name = jog.robot
        self._resources.jogged(name)
        if jog.reason in ("uncertain", "link_lost"):
            self._holds.set(name, HoldCode.PAUSED, reason="reason.jog_uncertain")
        elif not self._holds.has(name, HoldCode.PAUSED):
            self._holds.set(name, HoldCode.PAUSED, actor=jog.actor, reason="reason.jog_over")
        self._holds.note(self._event("jog.ended", jog, reason=jog.reason, **told, **jog.result))
        try:
            await self._claims.lift_when_possible(hold)
        finally:
            self._jogs.pop(name, None)
            jog.done.set()

    # -- what else happens ---------------------------------------------------------------------

    def _hold_changed(self, robot: str) -> None:
        """Whatever else holds the robot, or holds it anew, ends its jog."""
        found = self._jogs.get(robot)
        if found is None:
            return
        jog, paused, _ = found
        codes = {one.code for one in self._holds.of(robot)} - BESIDE
        if HoldCode.ESTOP in codes:
            jog.end("estop")
        elif HoldCode.STOPPING in codes:
            jog.end("shutdown")
        elif HoldCode.DISCONNECTED in codes:
            jog.end("link_lost")
        elif codes:
            jog.end("held")
        elif not self._holds.in_force(paused):
            # a stop of the robot pauses its queue once more
            jog.end("stopped")

    def ends_with(self, end: Callable[[], list[asyncio.Task[Any]]]) -> None:
        """Whatever else people have robots at hand for; `end` returns what is to be waited for."""
        self._others.append(end)

    async def finish(self, limit_s: float) -> None:
        """The daemon ends: wait until the robots stand, no longer than that."""
        for jog, _, _ in self._jogs.values():
            jog.end("shutdown")
        running = [task for _, _, task in self._jogs.values()]
        running += [task for end in self._others for task in end()]
        if running:
            await asyncio.wait(running, timeout=limit_s)

    def _event(self, kind: str, jog: Jog, **data: Any) -> Event:
        return Event(
            kind=kind, at_ms=self._clock.now_ms(), actor=jog.actor, robot=jog.robot, data=data
        )
