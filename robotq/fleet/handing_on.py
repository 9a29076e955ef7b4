"""A machine that never comes back: what was accepted for its robots is handed on by a person.

Only what a daemon finds again before it begins may be handed on: it asks here what became of its
commands, and calls off those that another robot has got.
"""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import orjson

from robotq.engine.engine import Engine
from robotq.fleet.door import away, new_id
from robotq.fleet.durable import body_of_task
from robotq.fleet.members import Member
from robotq.fleet.records import task_of
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.task import HANDED_OVER, Task, TaskState
from robotq.postgres import Database, DatabaseAway, load
from robotq.postgres.database import Connection

_log = logging.getLogger(__name__)

_SQL = load(__package__, "handed_on.sql")

_BATCH = 200
_REASON = "reason.handed_on"


class HandedOn(msgspec.Struct, frozen=True):
    """A task that its daemon had, and another robot got."""

    new_id: str
    daemon: str
    robot: str
    actor: str
    at_ms: int
    found: str | None
    """What its daemon has said since: cancelled, absent, or the state that it was in."""


class HandingOn:
    def __init__(self, database: Database, member: Member, engine: Engine) -> None:
        self._database = database
        self._member = member
        self._engine = engine

    async def of(self, task_id: str) -> HandedOn | None:
        """Whether a task was handed on. Raises RobotqError fleet_away."""
        try:
            async with self._database.connection() as connection:
                return await _handed(connection, task_id)
        except DatabaseAway as error:
            raise away(error) from error

    async def hand_on(
        self, task_id: str, *, robot: str | None, actor: str, reason: str, away_s: float
    ) -> HandedOn:
        """Give a waiting task of a daemon that is away to a robot of another one, as a new command
        in the inbox; a second time, what the first one made. The caller has made sure that the
        machine is off.

        Raises RobotqError task_not_found, wrong_state (its daemon works, it has begun, or its
        daemon would not ask), bad_parameter, program_lost, fleet_away.
        """
        try:
            async with self._database.transaction() as connection:
                known = await _handed(connection, task_id)
                await self._one_only(connection, task_id, known)
                if known is not None:
                    return known
                daemon, queue, body, row_id = await self._what(connection, task_id, away_s)
                body, to = await self._for(connection, body, robot or queue, daemon)
                words: dict[str, Any] = {
                    "task_id": task_id,
                    "daemon": daemon,
                    "new_id": new_id(self._engine.clock.now_ms()),
                    "robot": to,
                    "door": self._member.name,
                    "actor": actor,
                    "reason": reason,
                    "scopes": ["submit"],
                    "body": orjson.dumps(body).decode(),
                    "expires_at_ms": body.get("expires_at"),
                }
                found = await connection.execute(_SQL["hand_on"], words)
                if await found.fetchone() is not None:
                    await connection.execute(_SQL["into_inbox"], words)
                    if row_id is not None:
                        error = {"code": "cancelled", "args": {"by": actor, "reason": _REASON}}
                        told = orjson.dumps(error).decode()
                        await connection.execute(_SQL["not_taken"], {"id": row_id, "error": told})
                known = await _handed(connection, task_id)
                if known is None:
                    raise RobotqError(
                        "wrong_state", task_id=task_id, state=HANDED_OVER, action="hand_on"
                    )
                return known
        except DatabaseAway as error:
            raise away(error) from error

    async def _one_only(self, connection: Connection, task_id: str, known: HandedOn | None) -> None:
        """Raises RobotqError wrong_state where nobody knows which task is meant."""
        rows = await (await connection.execute(_SQL["at"], {"task_id": task_id})).fetchall()
        named = {row[0] for row in rows} | ({known.daemon} if known is not None else set())
        if len(named) > 1:
            raise RobotqError(
                "wrong_state",
                task_id=task_id,
                state=f"the id of a task at each of {', '.join(sorted(named))}",
                action="hand_on",
            )

    async def _what(
        self, connection: Connection, task_id: str, away_s: float
    ) -> tuple[str, str, JsonObject, str | None]:
        """Daemon, robot, command and row of a task that may be handed on."""
        words = {"task_id": task_id, "away_s": away_s}
        row = await (await connection.execute(_SQL["row"], words)).fetchone()
        task = await (await connection.execute(_SQL["task"], words)).fetchone()
        if task is None:
            return self._from_row(task_id, row)
        daemon, state, queue, record, durable, works = task
        if works or state != TaskState.PENDING or not durable:
            why = (
                "at work" if works else state if durable else "of a robot without durability: fleet"
            )
            raise RobotqError("wrong_state", task_id=task_id, state=why, action="hand_on")
        found = task_of(record)
        if row is not None and found.batch_id is None:
            body = orjson.loads(row[4])
            if "batch" not in body:
                # with a program that the record only names
                return daemon, queue, {**body, **_times(found)}, row[0]
        return daemon, queue, body_of_task(found), None

    def _from_row(
        self, task_id: str, row: tuple[Any, ...] | None
    ) -> tuple[str, str, JsonObject, str | None]:
        """One that its daemon has accepted, and never told of."""
        if row is None:
            raise RobotqError("task_not_found", task_id=task_id)
        row_id, daemon, door, robot, text, state, works = row
        body: JsonObject = orjson.loads(text)
        if works or daemon is None or door != daemon or state not in ("taking", "taken"):
            # what waits for no daemon yet is called off, and submitted anew
            raise RobotqError(
                "wrong_state",
                task_id=task_id,
                state="at work" if works else state,
                action="hand_on",
            )
        if "batch" in body:
            raise RobotqError("wrong_state", task_id=task_id, state="a batch", action="hand_on")
        return daemon, robot, body, row_id

    async def _for(
        self, connection: Connection, body: JsonObject, robot: str, daemon: str
    ) -> tuple[JsonObject, str]:
        """The command for another robot. Raises RobotqError bad_parameter."""
        row = await (await connection.execute(_SQL["drives"], {"robot": robot})).fetchone()
        if row is None or row[0] == daemon:
            reason = f"expected a robot of another daemon than {daemon}"
            raise RobotqError("bad_parameter", field="robot_id", reason=reason)
        inner = body if "cmd_type" in body else {**body, **body.get("data", {})}
        inner = {key: value for key, value in inner.items() if key != "data"}
        params = inner.get("params")
        if isinstance(params, dict) and "robot_id" in params:
            inner["params"] = {**params, "robot_id": robot}
        return {**inner, "robot_id": robot}, robot

    # -- at the daemon that comes back -----------------------------------------------------------

    async def look(self) -> None:
        """Call off what was handed on while this daemon was away. Raises DatabaseAway, and
        RobotqError store_unavailable."""
        words = {**self._member.words, "limit": _BATCH}
        while True:
            async with self._database.connection() as connection:
                rows = await (await connection.execute(_SQL["open"], words)).fetchall()
            for task_id, other, robot, actor in rows:
                found = await self._call_off(task_id, other, robot, actor)
                async with self._database.transaction() as connection:
                    await connection.execute(_SQL["found"], {"task_id": task_id, "found": found})
            if len(rows) < _BATCH:
                return

    async def _call_off(self, task_id: str, other: str, robot: str, actor: str) -> str:
        task = await self._engine.reads.task_if_any(task_id)
        if task is None:
            if not self._engine.store_available:
                # it may be on its way to the disk
                raise RobotqError("store_unavailable", reason="reason.not_read")
            return "absent"
        if task.state is TaskState.PENDING:
            try:
                task = await self._engine.queue.cancel(task_id, actor=actor, reason=_REASON)
            except RobotqError as error:
                if error.code.name != "wrong_state":
                    raise
                task = await self._engine.reads.task(task_id)
        if task.state is not TaskState.CANCELLED:
            # the machine was not off: a person has to see it
            _log.error(
                "%s was handed on by %s as %s to %s, and is %s here",
                *(task_id, actor, other, robot, task.state.value),
            )
            data = {"as": other, "to": robot, "state": task.state.value}
            await self._engine.note(
                "fleet.handed_on", actor=actor, data={"task_id": task_id, **data}, robot=task.queue
            )
        return task.state.value


async def _handed(connection: Connection, task_id: str) -> HandedOn | None:
    row = await (await connection.execute(_SQL["handed"], {"task_id": task_id})).fetchone()
    return None if row is None else HandedOn(*row)


def _times(task: Task) -> JsonObject:
    """As they are now: a person may have changed them."""
    times = {"not_before": task.not_before_ms, "expires_at": task.expires_at_ms}
    found: JsonObject = {name: at_ms for name, at_ms in times.items() if at_ms is not None}
    return {**found, "priority": task.priority} if task.priority else found
