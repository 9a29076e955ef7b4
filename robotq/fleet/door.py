"""The door: what is accepted here for a robot that another daemon drives."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from robotq.engine.intake.idempotency import KeyedRequest
from robotq.engine.intake.schedule import read_schedule
from robotq.fleet.members import Member
from robotq.model import ids
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.postgres import Database, DatabaseAway, load

_SQL = load(__package__, "inbox.sql")

_OPEN = 10_000
"""Commands that may wait in the inbox of the whole fleet; the next one is refused."""
_SHOWN = 500
"""Of them, at one look."""
_ID_CHARACTERS = 10
"""More than an id of a task has that a daemon has made itself, so the two never meet."""
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


class Handed(msgspec.Struct, frozen=True):
    """A command in the inbox, or what became of it."""

    id: str
    robot: str
    door: str
    body: str
    caller: str
    state: str
    daemon: str | None
    task_id: str | None
    error: str | None
    accepted_at_ms: int
    settled_at_ms: int | None
    expires_at_ms: int | None

    @property
    def command(self) -> JsonObject:
        found: JsonObject = orjson.loads(self.body)
        return found

    @property
    def problem(self) -> JsonObject | None:
        """`code` and `args` of why it was not taken, or is not yet."""
        return None if self.error is None else orjson.loads(self.error)


class Door:
    """Accepts commands into the inbox. One that was accepted is durable in PostgreSQL."""

    def __init__(self, database: Database, member: Member, clock: WallClock) -> None:
        self._database = database
        self._member = member
        self._clock = clock

    async def accept(
        self,
        body: JsonObject,
        *,
        robot: str,
        caller: str,
        scopes: Sequence[str],
        agent: bool,
        keyed: KeyedRequest | None,
    ) -> tuple[str, bool]:
        """Accept a command for a robot of the fleet; its id, and whether its key had come before.

        It is judged where its robot is, when it is taken. Raises RobotqError bad_parameter for
        times that are none, idempotency_conflict, queue_full, fleet_away where the database cannot
        be asked: whether it was accepted is not known then, and the same key finds out.
        """
        schedule = read_schedule(body, self._clock.now_ms())
        words: dict[str, Any] = {
            "id": new_id(self._clock.now_ms()),
            "robot": robot,
            "door": self._member.name,
            # a time from now is one from this moment, and not from when it is taken
            "body": orjson.dumps({**body, **_absolute(schedule)}).decode(),
            "caller": caller,
            "scopes": list(scopes),
            "agent": agent,
            "key_scope": None if keyed is None else keyed.scope,
            "key": None if keyed is None else keyed.key,
            "fingerprint": None if keyed is None else keyed.fingerprint,
            "expires_at_ms": schedule["expires_at_ms"],
        }
        made = before = None
        try:
            async with self._database.transaction() as connection:
                made = await (await connection.execute(_SQL["accept"], words)).fetchone()
                if made is None:
                    before = await (await connection.execute(_SQL["keyed"], words)).fetchone()
                else:
                    waits = await (await connection.execute(_SQL["waits"])).fetchone()
                    if waits is not None and waits[0] > _OPEN:
                        raise RobotqError("queue_full", limit=_OPEN)
        except DatabaseAway as error:
            raise away(error) from error
        if made is not None:
            return words["id"], False
        if before is None:
            # retention has removed it just now: it had come, and its end was told
            raise RobotqError("idempotency_conflict")
        if before[1] != words["fingerprint"]:
            raise RobotqError("idempotency_conflict")
        return before[0], True

    async def find(self, handed_id: str) -> Handed | None:
        """Raises RobotqError fleet_away."""
        try:
            async with self._database.connection() as connection:
                row = await (await connection.execute(_SQL["row"], {"id": handed_id})).fetchone()
        except DatabaseAway as error:
            raise away(error) from error
        return None if row is None else Handed(*row)

    async def waiting(self) -> Sequence[Handed]:
        """What nobody has taken yet, oldest first. Raises RobotqError fleet_away."""
        try:
            async with self._database.connection() as connection:
                rows = await (await connection.execute(_SQL["open"], {"limit": _SHOWN})).fetchall()
        except DatabaseAway as error:
            raise away(error) from error
        return [Handed(*row) for row in rows]

    async def count(self) -> int:
        """How many wait. Raises RobotqError fleet_away."""
        try:
            async with self._database.connection() as connection:
                row = await (await connection.execute(_SQL["waits"])).fetchone()
        except DatabaseAway as error:
            raise away(error) from error
        return 0 if row is None else int(row[0])

    async def cancel(self, handed_id: str, *, actor: str, reason: str) -> bool:
        """Call off what waits in the inbox; False where it does not wait there any more.

        Raises RobotqError fleet_away."""
        error = orjson.dumps({"code": "cancelled", "args": {"by": actor, "reason": reason}})
        words = {"id": handed_id, "error": error.decode()}
        try:
            async with self._database.transaction() as connection:
                found = await connection.execute(_SQL["cancel"], words)
                return await found.fetchone() is not None
        except DatabaseAway as gone:
            raise away(gone) from gone

    async def prune(self, hours: float) -> None:
        """Remove what was settled longer ago. Raises DatabaseAway."""
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["expire"])
            await connection.execute(_SQL["prune"], {"hours": int(hours) + 1})


def _absolute(schedule: JsonObject) -> JsonObject:
    times = {
        "not_before": schedule["not_before_ms"],
        "expires_at": schedule["expires_at_ms"],
    }
    return {name: at_ms for name, at_ms in times.items() if at_ms is not None}


def away(error: Exception) -> RobotqError:
    return RobotqError("fleet_away", reason=str(error)[:300])


def new_id(now_ms: int) -> str:
    """Of a command in the inbox, and of the task that it becomes."""
    stamp = ids.task_id(now_ms, 0).rpartition("_")[0]
    return stamp + "_" + "".join(secrets.choice(_ALPHABET) for _ in range(_ID_CHARACTERS))
