"""One view: the tasks and the journals of every daemon of the fleet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from robotq.fleet.door import away
from robotq.fleet.records import event_of, task_of
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.task import Task
from robotq.postgres import Database, DatabaseAway, load

_SQL = load(__package__, "view.sql")

_EVENTS = 1_000

Place = tuple[int, int]
"""How far a journal was read: the journal of the daemon, and an event of it."""


class TaskOfFleet(msgspec.Struct, frozen=True, kw_only=True):
    """A task of some daemon, as it was when that was heard of last."""

    daemon: str
    task: Task
    age_s: float | None = None
    """Since the daemon was heard of. None: it is not in the fleet any more."""
    also_at: Sequence[str] = ()
    """Daemons that have another task with the same id."""
    also_unfinished: bool = False
    """One of those may still be carried out."""


class TasksQuery(msgspec.Struct, frozen=True, kw_only=True):
    daemon: str | None = None
    api: str | None = None
    queue: str | None = None
    states: Sequence[str] | None = None
    cmd_type: str | None = None
    cmd_id: str | None = None
    error_code: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    before: tuple[int, str, int] | None = None
    """Only older ones than this: submitted_at_ms, daemon, seq."""
    limit: int = 100


class View:
    """Reads what the outboxes have sent. Everything raises RobotqError fleet_away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._streams = 0

    @contextmanager
    def listening(self, limit: int) -> Iterator[None]:
        """Count a stream. Raises RobotqError too_many_requests."""
        if self._streams >= limit:
            raise RobotqError("too_many_requests", what="event streams", limit=limit)
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    async def task(self, task_id: str) -> TaskOfFleet | None:
        """One that may still be carried out before one that has ended. Daemons with one id for two
        tasks: they were made before each had a part of all ids."""
        rows = await self._rows("task", {"task_id": task_id})
        if not rows:
            return None
        daemon, record, age_s, _ = rows[0]
        task = task_of(record)
        others = [
            (name, other)
            for name, told, _, went in rows[1:]
            if not went and not _is_same(other := task_of(told), task)
        ]
        return TaskOfFleet(
            daemon=daemon,
            task=task,
            age_s=age_s,
            also_at=[name for name, _ in others],
            also_unfinished=any(not other.state.final for _, other in others),
        )

    async def tasks(self, query: TasksQuery) -> Sequence[TaskOfFleet]:
        """Newest first."""
        before_ms, before_daemon, before_seq = query.before or (None, None, None)
        words = {
            "daemon": query.daemon,
            "api": query.api,
            "queue": query.queue,
            "from_ms": query.from_ms,
            "to_ms": query.to_ms,
            "states": None if query.states is None else list(query.states),
            "cmd_type": query.cmd_type,
            "cmd_id": query.cmd_id,
            "error_code": query.error_code,
            "before_ms": before_ms,
            "before_daemon": before_daemon,
            "before_seq": before_seq,
            "limit": query.limit,
        }
        rows = await self._rows("tasks", words)
        return [TaskOfFleet(daemon=daemon, task=task_of(record)) for daemon, record, _, _ in rows]

    async def events_of(self, task_id: str) -> Sequence[tuple[str, Event]]:
        """What the journals say about a task, oldest first; the latest `_EVENTS`."""
        rows = await self._rows("events_of", {"task_id": task_id, "limit": _EVENTS})
        return [(daemon, event_of(record)) for daemon, record in reversed(rows)]

    async def newest(self) -> Mapping[str, Place]:
        """How far the journal of each daemon is known."""
        rows = await self._rows("newest", {})
        return {daemon: (journal, sent_id) for daemon, journal, sent_id in rows}

    async def events(
        self, after: Mapping[str, Place], *, limit: int
    ) -> Sequence[tuple[str, Place, Event]]:
        """What happened at these daemons since, each journal in its order, oldest first as far as
        their clocks agree; `limit` of each at most."""
        found: list[tuple[str, Place, Event]] = []
        for daemon, (journal, event_id) in after.items():
            words = {"daemon": daemon, "journal": journal, "id": event_id, "limit": limit}
            found += [
                (daemon, (of, number), event_of(record))
                for of, number, record in await self._rows("events", words)
            ]
        # a stable sort: none overtakes another one of its own journal
        return sorted(found, key=lambda one: (one[2].at_ms,)) if len(after) > 1 else found

    async def _rows(self, statement: str, words: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        try:
            async with self._database.connection() as connection:
                return await (await connection.execute(_SQL[statement], words)).fetchall()
        except DatabaseAway as error:
            raise away(error) from error


def _is_same(one: Task, other: Task) -> bool:
    # the one that went to another daemon is for the same robot
    known = ((task.submitted_at_ms, task.actor, task.queue) for task in (one, other))
    return next(known) == next(known)


def place_text(places: Mapping[str, Place]) -> str:
    """Where somebody is in the journals of the fleet, as the id of an event."""
    return ",".join(f"{name}:{journal}:{number}" for name, (journal, number) in places.items())


def places_of(text: str) -> dict[str, Place]:
    """Raises RobotqError bad_parameter."""
    try:
        return {
            name: (int(journal), int(number))
            for name, journal, number in (one.split(":") for one in text.split(",") if one)
        }
    except ValueError as error:
        raise RobotqError(
            "bad_parameter", field="Last-Event-ID", reason="expected an id that this stream gave"
        ) from error
