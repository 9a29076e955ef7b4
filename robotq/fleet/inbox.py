"""The inbox: commands that were accepted elsewhere come into the queues of this daemon's robots."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from robotq.catalog import Kind
from robotq.engine.engine import Engine
from robotq.engine.intake.idempotency import KeyedRequest
from robotq.engine.intake.read_command import Order
from robotq.fleet.durable import Durable
from robotq.fleet.members import Member
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.postgres import Database, load

_log = logging.getLogger(__name__)

_SQL = load(__package__, "inbox.sql")

_BATCH = 50
_API = "robot"
_MAY_SUBMIT = frozenset({"submit", "agent", "admin"})
"""Scopes of a caller, any of which lets a command in."""

_FORGETS_S = 0.5
"""Share of `retention.tasks_days` after which a command that was tried before, and of which
nothing is here, is not tried again: it may have run, and its task may have been removed."""

_LATER = frozenset(
    {"queue_full", "queue_bytes_full", "store_unavailable", "shutting_down", "programs_full"}
)
"""Errors that say nothing about the command: it waits on, where everybody sees why."""


class _Row(msgspec.Struct, frozen=True):
    id: str
    robot: str
    door: str
    body: str
    caller: str
    scopes: list[str]
    agent: bool
    key_scope: str | None
    key: str | None
    fingerprint: str | None
    state: str
    expired: bool | None
    age_s: float


class Inbox:
    """Takes what waits for our robots, in its order, each exactly once: the task has the id of
    the row, so one that was taken before is found again whatever was lost meanwhile. A row is
    input from outside: it is read, judged and, for an agent's, approved as if it had come over
    HTTP."""

    def __init__(
        self, database: Database, member: Member, engine: Engine, durable: Durable
    ) -> None:
        self._database = database
        self._member = member
        self._engine = engine
        self._durable = durable

    async def take(self) -> bool:
        """Take what waits, some at most; whether there was anything.

        Raises DatabaseAway, and RobotqError store_unavailable where our own disk cannot be read.
        """
        await self._durable.settle()
        if not self._engine.store_available:
            # what nobody has begun to take can be called off in the database meanwhile
            return False
        words = {**self._member.words, "robots": list(self._member.robots), "limit": _BATCH}
        async with self._database.connection() as connection:
            found = await connection.execute(_SQL["for_me"], words)
            rows = [_Row(*row) for row in await found.fetchall()]
        moved = False
        full: set[str] = set()
        for row in rows:
            # none overtakes another one of its robot
            if row.robot in full or row.id in self._durable.under_way:
                continue
            if await self._one(row):
                moved = True
            else:
                full.add(row.robot)
        return moved

    async def _one(self, row: _Row) -> bool:
        """Whether it is settled; False where it has to wait."""
        words = {**self._member.words, "id": row.id}
        if row.expired and row.state == "waiting":
            async with self._database.transaction() as connection:
                await connection.execute(_SQL["expire"])
            return True
        async with self._database.transaction() as connection:
            if await (await connection.execute(_SQL["taking"], words)).fetchone() is None:
                # somebody has called it off, or it belongs to another daemon by now
                return True
        crash_point(CrashPoint.FLEET_TAKING)
        try:
            settled = {"state": "taken", "task_id": await self._taken(row), "error": None}
        except RobotqError as error:
            told = orjson.dumps({"code": error.code.name, "args": error.args_}, default=str)
            if error.code.name in _LATER:
                if error.code.name != "store_unavailable":
                    await self._back(words, told.decode())
                return False
            settled = {"state": "refused", "task_id": None, "error": told.decode()}
        crash_point(CrashPoint.FLEET_TAKEN)
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["settle"], {**words, **settled})
        return True

    async def _back(self, words: dict[str, Any], error: str) -> None:
        """It is not here for sure, so that it can be called off again."""
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["back"], {**words, "error": error})

    async def _taken(self, row: _Row) -> str:
        """The task that it is, accepted now or before. Raises RobotqError."""
        if await self._engine.reads.task_if_any(row.id) is not None:
            return row.id
        keeps_s = self._engine.config.retention.tasks_days * 86_400
        if row.state == "taking" and row.age_s > keeps_s * _FORGETS_S:
            raise RobotqError("outcome_unknown", reason="reason.fleet_forgotten")
        body = orjson.loads(row.body)
        orders, batch = self._orders(row, body)
        orders[0] = replace(orders[0], task_id=row.id)
        keyed = None
        if row.key is not None:
            assert row.key_scope is not None
            assert row.fingerprint is not None
            keyed = KeyedRequest(scope=row.key_scope, key=row.key, fingerprint=row.fingerprint)
        accepted = await self._engine.queue.submit(
            orders,
            api=_API,
            # one that was accepted here is found again after a crash
            actor=row.caller if row.door == self._member.name else f"{row.caller}@{row.door}",
            batch=batch,
            contiguous=body.get("contiguous") if batch else None,
            keyed=keyed,
            agent=row.agent or ("admin" not in row.scopes and "submit" not in row.scopes),
            # the row has promised it, and nobody can call it off there while it is being taken
            stands=True,
        )
        return accepted.task_ids[0]

    def _orders(self, row: _Row, body: JsonObject) -> tuple[list[Order], bool]:
        """What is wanted, and whether it is a batch. Raises RobotqError."""
        if _MAY_SUBMIT.isdisjoint(row.scopes):
            raise RobotqError("forbidden", scope="submit")
        if isinstance(body.get("batch"), list) and "cmd_type" not in body:
            return self._engine.intake.read_batch(body["batch"]), True
        return [self._order(row, body)], False

    def _order(self, row: _Row, body: JsonObject) -> Order:
        """Raises RobotqError."""
        order = self._engine.intake.read(body)
        if order.spec.kind is not Kind.QUEUED:
            reason = f"{order.command.cmd_type} acts at once; ask its daemon for it"
            raise RobotqError("bad_parameter", field="cmd_type", reason=reason)
        if order.robot != row.robot:
            reason = f"the row is for {row.robot}, the command for {order.robot}"
            raise RobotqError("bad_parameter", field="robot_id", reason=reason)
        return order
