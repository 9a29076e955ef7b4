"""What is read from the database; each function takes one read-only connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson

from robotq.model.delivery import Delivery, DeliveryState
from robotq.model.event import Event
from robotq.model.hold import Hold
from robotq.model.task import Task, TaskState
from robotq.store.kept import rows, state_rows
from robotq.store.port import Answer, DeliveryQuery, Restored, Tally, TaskQuery
from robotq.system.statements import load

_READ = load(
    __package__,
    "read.sql",
    task=rows.TASK_COLUMNS,
    event=rows.EVENT_COLUMNS,
    delivery=state_rows.DELIVERY_COLUMNS,
)


def restore(connection: sqlite3.Connection, finished: int) -> Restored:
    ended = connection.execute(_READ["finished"], (finished,)).fetchall()
    return Restored(
        unfinished=unfinished(connection),
        finished=[rows.task_from_row(row) for row in reversed(ended)],
        counts={
            (api, queue, TaskState(state)): tasks
            for api, queue, state, tasks in connection.execute(_READ["counts"])
        },
        holds=holds(connection),
        occupancies=[
            state_rows.occupancy_from_row(row) for row in connection.execute(_READ["occupancies"])
        ],
        facts=dict(state_rows.fact_from_row(row) for row in connection.execute(_READ["facts"])),
        deliveries=[
            state_rows.delivery_from_row(row)
            for row in connection.execute(_READ["deliveries_to_send"])
        ],
        last_seq=last_number(connection, "tasks"),
        last_event_id=last_number(connection, "events"),
    )


def unfinished(connection: sqlite3.Connection) -> list[Task]:
    """What waits and runs."""
    return [rows.task_from_row(row) for row in connection.execute(_READ["unfinished"])]


def holds(connection: sqlite3.Connection) -> list[Hold]:
    return [state_rows.hold_from_row(row) for row in connection.execute(_READ["holds"])]


def last_number(connection: sqlite3.Connection, table: str) -> int:
    """The highest number that a table has ever given, 0 before the first."""
    row = connection.execute(_READ["last_number"], (table,)).fetchone()
    return row[0] if row is not None else 0


def task(connection: sqlite3.Connection, task_id: str) -> Task | None:
    row = connection.execute(_READ["task"], (task_id,)).fetchone()
    return rows.task_from_row(row) if row is not None else None


def programs_named(connection: sqlite3.Connection, sha256: Sequence[str]) -> frozenset[str]:
    """Those of these files that some task names."""
    document = orjson.dumps(list(sha256))
    return frozenset(name for (name,) in connection.execute(_READ["programs_named"], (document,)))


def programs(connection: sqlite3.Connection) -> frozenset[str]:
    """All files that tasks name."""
    return frozenset(name for (name,) in connection.execute(_READ["programs"]))


def stray_steps(connection: sqlite3.Connection, latest: int) -> Sequence[tuple[int, int, int]]:
    """Of the `latest` tasks those whose steps are not whole, or that are gone while their steps
    are there: number of the task, steps, and how many there should be."""
    return connection.execute(_READ["stray_steps"], (latest,)).fetchall()


def tasks(connection: sqlite3.Connection, query: TaskQuery) -> Sequence[Task]:
    conditions, parameters = _conditions(query)
    statement = _READ["tasks"].replace("{conditions}", conditions)
    found = connection.execute(statement, (*parameters, query.limit))
    return [rows.task_from_row(row) for row in found]


def events(
    connection: sqlite3.Connection,
    event_id: int,
    limit: int,
    task_id: str | None = None,
    api: str | None = None,
) -> Sequence[Event]:
    if task_id is None:
        found = connection.execute(_READ["events"], (event_id, api, limit))
    else:
        found = connection.execute(_READ["events_of_task"], (task_id, event_id, api, limit))
    return [rows.event_from_row(row) for row in found]


def answer(connection: sqlite3.Connection, scope: str, key: str) -> Answer | None:
    row = connection.execute(_READ["answer"], (scope, key)).fetchone()
    return rows.answer_from_row(row) if row is not None else None


def unnamed_files(connection: sqlite3.Connection, hashes: Sequence[str]) -> Sequence[str]:
    found = connection.execute(_READ["unnamed_files"], (rows.json_text(list(hashes)),))
    return [sha256 for (sha256,) in found]


def tallies(connection: sqlite3.Connection, api: str, from_ms: int, to_ms: int) -> Sequence[Tally]:
    return [
        Tally(api=of_api, hour_ms=hour_ms, name=name, value=value)
        for of_api, hour_ms, name, value in connection.execute(
            _READ["tallies"], (api, from_ms, to_ms)
        )
    ]


def deliveries(connection: sqlite3.Connection, query: DeliveryQuery) -> Sequence[Delivery]:
    terms, parameters = ["true"], list[Any]()
    if query.state is not None:
        terms.append(f"state = '{query.state.value}'")
        if query.state is not DeliveryState.DELIVERED:
            # true anyway; without it SQLite cannot know that the index covers this state
            terms.append("state <> 'delivered'")
    if query.task_id is not None:
        terms.append("task_id = ?")
        parameters.append(query.task_id)
    if query.before is not None:
        terms.append("(created_at_ms, task_id, receiver) < (?, ?, ?)")
        parameters += query.before
    statement = _READ["deliveries"].replace("{conditions}", " AND ".join(terms))
    found = connection.execute(statement, (*parameters, query.limit))
    return [state_rows.delivery_from_row(row) for row in found]


_OF_SERIES = """seq IN (
    SELECT seq FROM tasks WHERE repeat_of = ? UNION ALL SELECT seq FROM tasks WHERE id = ?
)"""


def _conditions(query: TaskQuery) -> tuple[str, Sequence[Any]]:
    """The WHERE of a query and its parameters."""
    given = [
        (condition, value)
        for condition, value in (
            ("api = ?", query.api),
            ("queue = ?", query.queue),
            ("cmd_type = ?", query.cmd_type),
            ("cmd_id = ?", query.cmd_id),
            ("batch_id = ?", query.batch_id),
            ("error_code = ?", query.error_code),
            ("submitted_at_ms >= ?", query.submitted_from_ms),
            ("submitted_at_ms <= ?", query.submitted_to_ms),
            ("seq < ?", query.before_seq),
        )
        if value is not None
    ]
    terms = [condition for condition, _ in given]
    if query.states:
        states = ", ".join(f"'{state.value}'" for state in sorted(query.states))
        terms.append(f"state IN ({states})")
        if TaskState.COMPLETED not in query.states:
            # true anyway; without it SQLite cannot know that the index covers these states
            terms.append("state <> 'completed'")
    parameters = [value for _, value in given]
    if query.repeat_of is not None:
        terms.append(_OF_SERIES)
        parameters += [query.repeat_of, query.repeat_of]
    return " AND ".join(terms) or "true", parameters
