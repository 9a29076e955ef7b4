"""The emergency stop of the whole fleet: over HTTP and through the database, whichever is first."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from robotq.engine.engine import Engine
from robotq.engine.holds.confirming import Confirmation
from robotq.fleet.door import away
from robotq.fleet.members import Member
from robotq.fleet.own import Own
from robotq.fleet.peers import PeerAway, Peers
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.json import JsonObject
from robotq.postgres import Database, DatabaseAway, load

_log = logging.getLogger(__name__)

_SQL = load(__package__, "stops.sql")

CONFIRM_S = 1.0
"""Wall seconds in which the other daemons have to confirm a stop; who has not by then is named."""

_STANDING = 100
PATH = "/fleet/stop"


class StopOfFleet(msgspec.Struct, frozen=True, kw_only=True):
    """A stop that reaches every robot of the fleet."""

    stop_id: str
    door: str
    """The daemon at which somebody stopped."""
    actor: str
    reason: str


class Stops:
    """A stop has an id, so each daemon latches it once, by whatever way and however often it
    comes, also when its robots were reset meanwhile. It stands in the database until somebody
    resets it; a daemon that was away latches what stands before it starts anything."""

    def __init__(
        self, database: Database, member: Member, own: Own, peers: Peers, engine: Engine
    ) -> None:
        self._database = database
        self._member = member
        self._own = own
        self._peers = peers
        self._engine = engine
        self._unwritten: dict[str, StopOfFleet] = {}
        """Not in the database yet, which was away."""
        self._unreported: dict[str, JsonObject] = {}
        self._latching: dict[str, asyncio.Task[JsonObject]] = {}

    def new(self, *, actor: str, reason: str) -> StopOfFleet:
        """A stop that begins here."""
        stop_id = f"stop_{secrets.token_hex(8)}"
        return StopOfFleet(stop_id=stop_id, door=self._member.name, actor=actor, reason=reason)

    # -- at the door -------------------------------------------------------------------------

    async def spread(self, stop: StopOfFleet, holds: list[str]) -> Mapping[str, JsonObject]:
        """Tell every other daemon; `holds` are those that the stop has set here. Daemon ->
        `confirmed`, with the `robots` of its answer or with `error`. Returns within a second or
        so, whoever hangs; the database tells those that were not reached."""
        self._unwritten[stop.stop_id] = stop
        telling = {
            name: asyncio.ensure_future(self._tell(name, stop)) for name in self._peers.names
        }
        writing = asyncio.ensure_future(self._write())
        remembering = asyncio.ensure_future(self._own.had(stop.stop_id, holds))
        if telling:
            await asyncio.wait(telling.values(), timeout=CONFIRM_S + 0.2)
        await asyncio.wait({writing, remembering}, timeout=CONFIRM_S if not telling else 0.2)
        return {
            name: told.result()
            if told.done()
            else {"confirmed": False, "error": f"no answer within {CONFIRM_S:g} s"}
            for name, told in telling.items()
        }

    async def _tell(self, name: str, stop: StopOfFleet) -> JsonObject:
        caller = {"name": f"{stop.actor}@{stop.door}", "scopes": ["control"], "agent": False}
        try:
            status, content, _ = await self._peers.ask(
                name,
                "POST",
                PATH,
                caller=caller,
                body=msgspec.json.encode(stop),
                deadline_s=CONFIRM_S,
            )
            answer = orjson.loads(content)
        except (PeerAway, ValueError) as error:
            return {"confirmed": False, "error": str(error)}
        if not isinstance(answer, dict):
            return {"confirmed": False, "error": f"{name} answered {status}"}
        if status != 200 and "robots" not in answer:
            return {"confirmed": False, "error": str(answer.get("message", status))}
        return answer

    async def _write(self) -> None:
        """What is not in the database yet."""
        for stop in list(self._unwritten.values()):
            try:
                async with self._database.transaction() as connection:
                    await connection.execute(_SQL["stop"], msgspec.structs.asdict(stop))
            except DatabaseAway as error:
                _log.warning("the stop %s is not in the database yet: %s", stop.stop_id, error)
                return
            self._unwritten.pop(stop.stop_id, None)

    # -- where the robots are -------------------------------------------------------------------

    async def latch(self, stop: StopOfFleet) -> JsonObject:
        """Stop every robot here, once for each stop: `confirmed`, `robots` by name (null, or what
        went wrong), `recorded`."""
        if stop.stop_id in self._latching:
            return await asyncio.shield(self._latching[stop.stop_id])
        if self._own.has_had(stop.stop_id):
            return {"confirmed": True, "robots": {}, "recorded": True, "again": True}
        task = asyncio.ensure_future(self._latch(stop))
        self._latching[stop.stop_id] = task
        task.add_done_callback(lambda _: self._latching.pop(stop.stop_id, None))
        return await asyncio.shield(task)

    async def _latch(self, stop: StopOfFleet) -> JsonObject:
        actor = f"{stop.actor}@{stop.door}"
        report = await self._engine.estop.trigger(actor=actor, reason=stop.reason)
        await self._own.had(stop.stop_id, self.holds_now())
        told: JsonObject = {
            "confirmed": not any(report.robots.values()) and report.recorded,
            "robots": dict(report.robots),
            "recorded": report.recorded,
        }
        self._unreported[stop.stop_id] = told
        return told

    def holds_now(self) -> list[str]:
        """The ids of all holds that stop a robot here."""
        return [hold.id for hold in self._engine.holds.all() if hold.code is HoldCode.ESTOP]

    async def look(self) -> bool:
        """Latch what stands in the database and was not latched here; write what is not there.
        Whether there was anything. Raises DatabaseAway."""
        await self._write()
        async with self._database.connection() as connection:
            found = await connection.execute(_SQL["standing"], {"limit": _STANDING})
            rows = await found.fetchall()
        new = [
            StopOfFleet(stop_id=stop_id, door=door, actor=actor, reason=reason)
            for stop_id, door, actor, reason, _ in rows
            if not self._own.has_had(stop_id)
        ]
        for stop in new:
            _log.warning("emergency stop by %s at %s", stop.actor, stop.door)
            await self.latch(stop)
        await self._report()
        return bool(new)

    async def _report(self) -> None:
        for stop_id, told in list(self._unreported.items()):
            async with self._database.transaction() as connection:
                words = {"stop_id": stop_id, "daemon": self._member.name}
                await connection.execute(
                    _SQL["stopped"], {**words, "report": orjson.dumps(told).decode()}
                )
            self._unreported.pop(stop_id, None)

    # -- reset ------------------------------------------------------------------------------------

    async def standing(self) -> list[JsonObject]:
        """Stops of the fleet that nobody has reset, each with who has latched it.

        Raises RobotqError fleet_away."""
        try:
            async with self._database.connection() as connection:
                found = await connection.execute(_SQL["standing"], {"limit": _STANDING})
                rows = await found.fetchall()
                words = {"stops": [row[0] for row in rows]}
                found = await connection.execute(_SQL["reports"], words)
                reports = await found.fetchall()
        except DatabaseAway as error:
            raise away(error) from error
        return [
            {
                "stop_id": stop_id,
                "door": door,
                "actor": actor,
                "reason": reason,
                "at_ms": at_ms,
                "latched_by": {
                    daemon: orjson.loads(report) for of, daemon, report in reports if of == stop_id
                },
            }
            for stop_id, door, actor, reason, at_ms in rows
        ]

    async def reset(self, stop_id: str, *, actor: str) -> Mapping[str, JsonObject]:
        """Leave a stop of the fleet at every daemon; daemon -> its answer. What was latched there
        besides stays. A daemon that is away does not latch it any more when it comes back.

        Raises RobotqError fleet_away, not_found where no such stop stands."""
        try:
            async with self._database.transaction() as connection:
                words = {"stop_id": stop_id, "actor": actor}
                found = await connection.execute(_SQL["reset"], words)
                if await found.fetchone() is None:
                    raise RobotqError("not_found", path=f"/fleet/stops/{stop_id}")
        except DatabaseAway as error:
            raise away(error) from error
        names = self._peers.names
        answers = await asyncio.gather(
            self.unlatch(stop_id, actor=actor), *(self._ask_reset(n, stop_id, actor) for n in names)
        )
        return dict(zip((self._member.name, *names), answers, strict=True))

    async def _ask_reset(self, name: str, stop_id: str, actor: str) -> JsonObject:
        caller: dict[str, Any] = {"name": actor, "scopes": ["control"], "agent": False}
        try:
            _, content, _ = await self._peers.ask(
                name, "POST", f"{PATH}/{stop_id}/reset", caller=caller, body=b"{}", deadline_s=10
            )
            answer = orjson.loads(content)
        except (PeerAway, ValueError) as error:
            return {"reset": False, "error": str(error)}
        return answer if isinstance(answer, dict) else {"reset": False}

    async def unlatch(self, stop_id: str, *, actor: str) -> JsonObject:
        """Leave the stop at the robots here that it has stopped, and that nobody has stopped
        again since. Moves nothing; their queues stay paused."""
        meant = set(self._own.holds_of(stop_id))
        here = [
            hold
            for hold in self._engine.holds.all()
            if hold.code is HoldCode.ESTOP and hold.id in meant
        ]
        await self._own.had(stop_id, [])
        robots: dict[str, str | None] = {}
        for hold in here:
            try:
                robots |= await self._engine.estop.reset(
                    actor=actor, robot=hold.robot, confirmation=Confirmation([hold.id])
                )
            except RobotqError as error:
                robots[hold.robot] = str(error)
        return {"reset": not any(robots.values()), "robots": robots}
