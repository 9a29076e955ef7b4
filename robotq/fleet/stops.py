"""The emergency stop of the whole fleet: over HTTP and through the database, whichever is first."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec
import orjson

from robotq.engine.engine import Engine
from robotq.engine.holds.confirming import Confirmation
from robotq.fleet.door import away
from robotq.fleet.members import Member
from robotq.fleet.own import Own, StopOfFleet, Unwritten
from robotq.fleet.peers import PeerAway, Peers
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.json import JsonObject
from robotq.postgres import Database, DatabaseAway, load

__all__ = ["StopOfFleet", "Stops"]

_log = logging.getLogger(__name__)

_SQL = load(__package__, "stops.sql")

CONFIRM_S = 1.0
"""Wall seconds in which the other daemons have to confirm a stop; who has not by then is named."""

_STANDING = 100
_UNREPORTED = 100
"""Latches that are still to be told to the database; of more, the oldest is not told."""
_KEPT_S = 0.2
"""Wall seconds that an answer waits for the own disk: the robots have stopped long before."""
_AT_ONCE_S = 0.25
"""Wall seconds after which somebody may have reset a stop that was pressed: it is asked first."""
PATH = "/fleet/stop"


class NotAtOnce(Exception):
    """The database is there, and nobody has waited for it."""


class Stops:
    """A stop has an id, so each daemon latches it once, by whatever way and however often it
    comes, also when its robots were reset meanwhile. It stands in the database until somebody
    resets it; a daemon that was away latches what stands before it starts anything."""

    def __init__(
        self,
        database: Database,
        member: Member,
        own: Own,
        peers: Peers,
        engine: Engine,
        *,
        why_not: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`why_not`: why the database cannot be asked now, as far as is known."""
        self._database = database
        self._why_not = why_not
        self._member = member
        self._own = own
        self._peers = peers
        self._engine = engine
        self._unreported: dict[str, JsonObject] = {}
        """What was latched here and the database does not know, at most `_UNREPORTED`."""
        self._writing: set[asyncio.Task[None]] = set()
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
        self._own.began(stop, self._engine.clock.now_ms())
        kept = self._own.unwritten[stop.stop_id]
        telling = {
            name: asyncio.ensure_future(self._tell(name, stop)) for name in self._peers.names
        }
        # the answer does not wait for the database: the stop is kept on the disk here until it is
        # there, and who was reached directly has it
        writing = asyncio.create_task(self._write_one(kept, list(telling.values())))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        remembering = asyncio.ensure_future(self._own.had(stop.stop_id, holds))
        if telling:
            await asyncio.wait(telling.values(), timeout=CONFIRM_S + 0.2)
        await asyncio.wait({remembering}, timeout=_KEPT_S)
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
        kept = self._own.unwritten.get(stop.stop_id)
        if kept is not None:
            kept.latched_by.append(name)
        return answer

    async def _write_one(
        self, kept: Unwritten, telling: Collection[asyncio.Future[JsonObject]]
    ) -> None:
        """A stop that has just begun. One that cannot be written at once may be reset before it
        can, so it is looked at again then. Nothing is tried of a database that is known to be
        away: the robots are being stopped."""
        if self._why_not() is not None:
            if telling:
                await asyncio.wait(telling)
            # with who has confirmed it
            await self._own.save()
            return
        try:
            async with asyncio.timeout(CONFIRM_S):
                await self._written(kept, reset_by=None)
        except (DatabaseAway, NotAtOnce, TimeoutError) as error:
            _log.warning("%s is not in the database yet: %s", kept.stop.stop_id, error)
            # with who has confirmed it, who is asked later whether it stands there still
            await self._own.save()

    async def _write(self) -> None:
        """What the database does not know yet, as it is now: nobody latches what was reset while
        that was away. Raises DatabaseAway."""
        if not self._own.unwritten:
            await self._own.save_changed()
            return
        async with self._database.connection():
            # it is there now: whoever is asked first could reset it while that is waited for
            pass
        for kept in list(self._own.unwritten.values()):
            reset_by = kept.reset_by or await self._left_everywhere(kept)
            if kept.stop.stop_id in self._own.unwritten:
                try:
                    await self._written(kept, kept.reset_by or reset_by)
                except NotAtOnce:
                    # with the next look, when it was asked again whether somebody has reset it
                    continue
        await self._own.save_changed()

    async def _written(self, kept: Unwritten, reset_by: str | None) -> None:
        """`reset_by`: as it was a moment ago. Raises DatabaseAway, NotAtOnce."""
        words = {**msgspec.structs.asdict(kept.stop), "reset_by": reset_by}
        began = time.monotonic()
        async with self._database.transaction() as connection:
            if time.monotonic() - began > _AT_ONCE_S:
                raise NotAtOnce("no connection at once")
            await connection.execute(_SQL["stop"], words)
        if reset_by is None and kept.reset_by is not None:
            # somebody did while it was on its way
            async with self._database.transaction() as connection:
                await connection.execute(_SQL["reset"], {**words, "actor": kept.reset_by})
        self._own.written(kept.stop.stop_id)

    async def _left_everywhere(self, kept: Unwritten) -> str | None:
        """Who has reset a stop at every daemon that has latched it; None where one has it still,
        or cannot be asked."""
        stop_id = kept.stop.stop_id
        if self.has_latched(stop_id):
            return None
        if not self._own.holds_of(stop_id) and not kept.latched_by and not kept.left:
            # nobody has latched it, so nobody has reset it
            return None
        there = await asyncio.gather(*(self._has_it(name, stop_id) for name in kept.latched_by))
        return None if any(there) else "somebody at each daemon"

    async def _has_it(self, name: str, stop_id: str) -> bool:
        caller: dict[str, Any] = {"name": "robotq", "scopes": ["read"], "agent": False}
        try:
            status, content, _ = await self._peers.ask(
                name, "GET", f"{PATH}/{stop_id}", caller=caller, deadline_s=CONFIRM_S
            )
            answer = orjson.loads(content)
        except (PeerAway, ValueError):
            return True
        return status != 200 or not isinstance(answer, dict) or answer.get("latched") is not False

    def has_latched(self, stop_id: str) -> bool:
        """Whether a stop of the fleet still holds a robot here, or is about to."""
        if stop_id in self._latching:
            return True
        meant = self._own.holds_of(stop_id)
        return any(hold in meant for hold in self.holds_now())

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
        while len(self._unreported) > _UNREPORTED:
            # the latch stands; the fleet is not told who else has it
            del self._unreported[next(iter(self._unreported))]
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
                found = await connection.execute(
                    _SQL["stopped"], {**words, "report": orjson.dumps(told).decode()}
                )
                known = await found.fetchone() is not None
            if known:
                # else its door has not written it yet
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

    def unwritten(self) -> list[JsonObject]:
        """The same of those that began here and that the database does not know yet."""
        return [
            {
                **msgspec.structs.asdict(kept.stop),
                "at_ms": kept.at_ms,
                "latched_by": {name: {"confirmed": True, "robots": {}} for name in kept.latched_by},
            }
            for kept in self._own.unwritten.values()
            if kept.reset_by is None
        ]

    async def reset(self, stop_id: str, *, actor: str) -> Mapping[str, JsonObject]:
        """Leave a stop of the fleet at every daemon; daemon -> its answer. What was latched there
        besides stays. A daemon that is away does not latch it any more when it comes back.

        Raises RobotqError fleet_away, not_found where no such stop stands. A stop that began
        here while the database was away can be reset without it."""
        kept = self._own.unwritten.get(stop_id)
        if kept is not None and kept.reset_by is None:
            kept.reset_by = actor
            await self._own.save()
            return await self._spread_reset(stop_id, actor)
        try:
            async with self._database.transaction() as connection:
                words = {"stop_id": stop_id, "actor": actor}
                found = await connection.execute(_SQL["reset"], words)
                if await found.fetchone() is None:
                    raise RobotqError("not_found", path=f"/fleet/stops/{stop_id}")
        except DatabaseAway as error:
            raise away(error) from error
        return await self._spread_reset(stop_id, actor)

    async def _spread_reset(self, stop_id: str, actor: str) -> Mapping[str, JsonObject]:
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
        kept = self._own.unwritten.get(stop_id)
        if kept is not None:
            kept.left = True
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
