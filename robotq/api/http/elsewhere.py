"""What other daemons have, as the robot interface asks for it; a daemon alone asks nobody."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from aiohttp import web

from robotq.api.http.call import Call
from robotq.engine.intake.idempotency import KeyedRequest
from robotq.model.task import Task
from robotq.wire.robots import StoppedPeer


class Elsewhere(Protocol):
    """Robots and tasks of other daemons."""

    def robot_of(self, call: Call, body: Any) -> str | None:
        """The robot of another daemon that a command names; None where it is for one of ours.
        Raises RobotqError bad_parameter for one that nobody knows."""

    async def hand_in(
        self,
        call: Call,
        body: dict[str, Any],
        robot: str,
        *,
        at_once: bool,
        keyed: KeyedRequest | None,
    ) -> web.StreamResponse:
        """Take a command for such a robot; `at_once`: the answer is to say what came of it.

        Raises RobotqError."""

    async def task(self, call: Call, task_id: str, wait_s: float = 0.0) -> web.StreamResponse:
        """A task of another daemon. Raises RobotqError task_not_found, fleet_away."""

    async def history(self, call: Call) -> tuple[Sequence[Task], str | None]:
        """A page of the tasks of all daemons, newest first, as the dashboard of a daemon without
        robots shows it, and the cursor to the next one. Raises RobotqError."""

    async def cancel(self, call: Call, task_id: str, body: Any) -> web.StreamResponse:
        """Call one off. Raises RobotqError."""

    async def not_told(self, robots: Collection[str]) -> tuple[str, ...]:
        """Robots of ours of which a second machine may not know what was just done here, and may
        do otherwise. Waits for the database where there is such a machine, a moment."""

    async def spread_stop(self, call: Call, reason: str) -> Mapping[str, StoppedPeer]:
        """Stop the robots of the others too; returns within a second or so."""


ELSEWHERE: web.AppKey[Elsewhere] = web.AppKey("elsewhere")
"""There where the daemon is in a fleet."""


async def not_told(call: Call, *robots: str) -> tuple[str, ...]:
    """See `Elsewhere.not_told`. Asked when it is done here, before the answer says so."""
    elsewhere = call.app.get(ELSEWHERE)
    return () if elsewhere is None else await elsewhere.not_told(robots)
