"""What another daemon had of a robot comes into the queue of the one that drives it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from robotq.engine.control.standby import TakenOver
from robotq.engine.engine import Engine
from robotq.fleet.records import called, task_of
from robotq.fleet.standby.lease import SQL, Begun, Lease, Leases
from robotq.model.task import Task
from robotq.postgres import Database

_log = logging.getLogger(__name__)

_FORGETS = 0.5
"""As `fleet.inbox` has it: share of the time that tasks are kept."""


class Adoption:
    """The database says first who gives a task to whom, under the lock of the lease; then it comes
    into the queue here, under its id, and what was cut short between the two is found again. Who
    had it reads the same rows, and never runs it."""

    def __init__(self, database: Database, leases: Leases, engine: Engine) -> None:
        self._database = database
        self._leases = leases
        self._engine = engine

    async def claim(self, robot: str, lease: Lease, giver: str | None, *, away_s: float) -> bool:
        """Write down that what `giver` has is ours; None: what those have that are there, and do
        not drive. Whether there was anything. Raises DatabaseAway."""
        words = {"robot": robot, "name": self._leases.name, "away_s": away_s, "giver": giver}
        statement = SQL["elsewhere" if giver is None else "unfinished"]
        async with self._database.transaction() as connection:
            now = await self._leases.locked(connection, robot)
            if now is None or (now.epoch, now.session) != (lease.epoch, self._leases.session):
                return False
            await connection.execute(SQL["keep"], words)
            rows = await (await connection.execute(statement, words)).fetchall()
            given = [
                (there, daemon, robot, self._leases.name, lease.epoch, called(record, there))
                for daemon, record, there in rows
                if (task := task_of(record)).work is None and _movable(task)
            ]
            left = len(rows) - len(given)
            if left:
                _log.error(
                    "%s: %d commands stay at %s: their programs are there", robot, left, giver
                )
            for row in given:
                # one by one: after a pipeline an older PostgreSQL waits for who stands still
                await connection.execute(SQL["hand_over"], row)
        return bool(given)

    async def take(self, robot: str, lease: Lease) -> bool:
        """Bring what is ours into our own queue. Whether there was anything. Raises DatabaseAway,
        and RobotqError as `StandbyControl.take_over`."""
        words = {"robot": robot, "name": self._leases.name}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(SQL["taken"], words)).fetchall()
        # also one that was begun here: the other machine may have followed it, and have died before
        # it had written down its end
        begun = lease.begun
        for giver in dict.fromkeys(giver for giver, _, _ in rows):
            tasks = _in_order(row for row in rows if row[0] == giver)
            await self._engine.standby.take_over(
                robot,
                TakenOver(
                    tasks=[(_with_attempt(task, begun), again) for task, again in tasks],
                    begun=_begun_of([task for task, _ in tasks], begun),
                    run=None if begun is None else begun.run,
                    holds=(),
                    source=giver,
                ),
            )
            for task, _ in tasks:
                async with self._database.transaction() as connection:
                    await connection.execute(SQL["done"], {"task_id": task.id, "giver": giver})
        return bool(rows)

    async def hold(self, robot: str, lease: Lease, giver: str) -> None:
        """What held the queue there holds it here."""
        if lease.holds and giver != self._leases.name:
            await self._engine.standby.take_over(
                robot, TakenOver(tasks=(), begun="", run=None, holds=lease.holds, source=giver)
            )

    async def give(self, robot: str) -> bool:
        """End what others have taken over. Whether none of it is left here. Raises DatabaseAway,
        RobotqError store_unavailable."""
        unfinished = self._engine.standby.unfinished(robot)
        if not unfinished:
            return True
        words = {"robot": robot, "name": self._leases.name, "unfinished": list(unfinished)}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(SQL["given"], words)).fetchall()
        ended: bool = await self._engine.standby.hand_over(robot, rows)
        return ended

    async def begun_to_take(self, robot: str) -> Sequence[tuple[str, bool]]:
        """Commands of the inbox that this daemon has begun to take, and whether it has them. Raises
        DatabaseAway, and RobotqError store_unavailable."""
        keeps_s = self._engine.config.retention.tasks_days * 86_400
        words = {
            "robot": robot,
            "name": self._leases.name,
            "keeps_s": keeps_s * _FORGETS,
        }
        async with self._database.connection() as connection:
            rows = await (await connection.execute(SQL["begun_to_take"], words)).fetchall()
        reads = self._engine.reads
        return [(row[0], await reads.task_if_any(row[0]) is not None) for row in rows]


def _in_order(rows: Any) -> Sequence[tuple[Task, str]]:
    tasks = [(task_of(record), giver, epoch) for giver, record, epoch in rows]
    # `unfinished` makes the same ids
    return [
        (task, f"{_first_id(task.id)}-{epoch}-{giver}")
        for task, giver, epoch in sorted(tasks, key=lambda one: one[0].order)
    ]


def _first_id(task_id: str) -> str:
    """The id that it was accepted under, without what came to it when it came back."""
    return task_id.partition("-")[0]


def _is_begun(task: Task, begun: Begun | None) -> bool:
    """Whether the robot may have it in hand. Who had it last may have had it under another id: it
    came back, or was taken over already begun."""
    if begun is None or begun.submitted_at_ms not in (None, task.submitted_at_ms):
        return False
    return _first_id(task.id) == _first_id(begun.task_id)


def _begun_of(tasks: Sequence[Task], begun: Begun | None) -> str:
    if begun is None or _not_sent(begun):
        return ""
    return next((task.id for task in tasks if _is_begun(task, begun)), "")


def _with_attempt(task: Task, begun: Begun | None) -> Task:
    """The record may be older than the last start."""
    if begun is None or not _is_begun(task, begun):
        return task
    return replace(task, attempt=max(task.attempt, begun.attempt))


def _not_sent(begun: Begun) -> bool:
    return begun.run is None and begun.names_first


def _movable(task: Task) -> bool:
    """Its program is not a file on the other machine."""
    params = task.command.params
    values = params.values() if isinstance(params, dict) else ()
    return not any(
        isinstance(value, dict) and {"sha256", "bytes", "head"} <= value.keys() for value in values
    )
