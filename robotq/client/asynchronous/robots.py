"""What a client does with queues and robots."""

from __future__ import annotations

from collections.abc import Sequence

from robotq.client import calls
from robotq.client.asynchronous.exchange import Exchange
from robotq.client.request import about
from robotq.wire.holds import Hold
from robotq.wire.robots import EmergencyStop, QueueStatus, Resource, Robot


class Robots(Exchange):
    """Pauses and stops robots, and lets them go on."""

    async def queue_status(self, robot_id: str | None = None, *, limit: int = 20) -> QueueStatus:
        """How much waits and runs, and why nothing moves where nothing does."""
        return await self._do(calls.queue_status(robot_id, limit))

    async def pause(self, robot_id: str | None = None, reason: str = "") -> Sequence[Hold]:
        """Start nothing more, on one robot or on all; what runs goes on. Returns the holds."""
        return await self._do(calls.pause(robot_id, reason))

    async def resume(
        self,
        robot_id: str | None = None,
        *,
        holds: Sequence[str] | None = None,
        note: str = "",
        then: str | None = None,
    ) -> Sequence[Hold]:
        """Let one queue, or all, go on. Returns what still holds them.

        `holds`: the ids of the holds that are meant; without them those that hold it at the
        moment of the call. What comes later is never lifted: Refused not_what_was_meant.
        """
        if holds is None:
            holds = calls.resumable(await self.queue_status(robot_id, limit=0))
        return await self._do(calls.resume(robot_id, holds, note, then))

    async def estop(self, reason: str = "") -> EmergencyStop:
        """Stop every robot now. Not a safety-rated stop. Raises Refused device_error where a
        robot has not confirmed it; the others are stopped."""
        return await self._do(calls.estop(reason))

    async def estop_state(self) -> EmergencyStop:
        return await self._do(calls.estop_state())

    async def reset_estop(
        self,
        robot_id: str | None = None,
        *,
        holds: Sequence[str] | None = None,
        note: str = "",
    ) -> EmergencyStop:
        """Leave the emergency stop. Moves nothing; the queues stay paused until `resume`."""
        if holds is None:
            holds = [
                hold.id
                for hold in (await self.estop_state()).holds
                if robot_id in (None, hold.robot_id)
            ]
        return await self._do(calls.reset_estop(robot_id, holds, note))

    async def robots(self) -> Sequence[Robot]:
        return await self._do(calls.robots())

    async def robot(self, robot_id: str) -> Robot:
        return await self._do(calls.robot(robot_id))

    async def stop_robot(self, robot_id: str, reason: str = "") -> Sequence[Hold]:
        """Stop a robot in a controlled way: what runs is cancelled, its queue is paused."""
        return await self._do(calls.on_robot(robot_id, "stop", {"reason": reason}))

    async def hold_motion(self, robot_id: str) -> Sequence[Hold]:
        """Pause a robot in its motion; the command waits."""
        return await self._do(calls.on_robot(robot_id, "hold", {}))

    async def resume_motion(
        self,
        robot_id: str,
        *,
        holds: Sequence[str] | None = None,
        note: str = "",
        then: str | None = None,
    ) -> Sequence[Hold]:
        """Let a held motion go on. `holds`: as for `resume`. With `then` stay_paused nothing
        starts after its command."""
        if holds is None:
            found = (await self.robot(robot_id)).holds
            holds = [hold.id for hold in found if hold.clear.get("action") == "resume_motion"]
        body = about(holds=holds, note=note, then=then)
        return await self._do(calls.on_robot(robot_id, "resume", body))

    async def resources(self) -> Sequence[Resource]:
        """Which robot has which place."""
        return await self._do(calls.resources())

    async def release(
        self, resource: str, holder: str, note: str = "", *, since_ms: int | None = None
    ) -> None:
        """Take a place from a robot that is not there: look first, since another one may go
        there then. Refused resource_in_use where the daemon knows better.

        `holder`: who is meant to have it; `since_ms`: since when, as `resources` has told.
        """
        await self._do(calls.release(resource, holder, note, since_ms))
