"""Lists of the tasks for workers, by what stands in the rest of their rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from robotq.model.task import Task
from robotq.store.job_query import JobOrder, JobQuery
from robotq.store.sqlite import rows
from robotq.store.sqlite.statements import load

_READ = load("read.sql", task=rows.TASK_COLUMNS)

_PRIORITY = "coalesce(json_extract(rest, '$.priority'), 0)"
_ORDER = {JobOrder.ARRIVAL: "seq", JobOrder.PRIORITY: _PRIORITY, JobOrder.STATE: "state"}


def jobs(connection: sqlite3.Connection, query: JobQuery) -> tuple[Sequence[Task], int]:
    """See `Store.jobs`. Looks through all tasks of the interface, in a thread of its own."""
    conditions, parameters = _conditions(query)
    direction = "DESC" if query.descending else "ASC"
    statement = (
        _READ["jobs"]
        .replace("{conditions}", conditions)
        .replace("{order}", f"{_ORDER[query.order]} {direction}, seq {direction}")
    )
    found = connection.execute(statement, (*parameters, query.limit, query.offset))
    page = [rows.task_from_row(row) for row in found]
    count = _READ["count_jobs"].replace("{conditions}", conditions)
    (total,) = connection.execute(count, parameters).fetchone()
    return page, total


def _conditions(query: JobQuery) -> tuple[str, Sequence[Any]]:
    """The WHERE of a query and its parameters."""
    terms, parameters = ["api = ?"], list[Any]((query.api,))
    if query.states:
        states = ", ".join(f"'{state.value}'" for state in sorted(query.states))
        terms.append(f"state IN ({states})")
    for term, value in (
        (f"{_PRIORITY} = ?", query.priority),
        ("instr(json_extract(rest, '$.work.match'), ?) > 0", query.match_contains or None),
        ("submitted_at_ms >= ?", query.submitted_from_ms),
        ("submitted_at_ms <= ?", query.submitted_to_ms),
    ):
        if value is not None:
            terms.append(term)
            parameters.append(value)
    for tag in query.tags:
        terms.append("EXISTS (SELECT 1 FROM json_each(rest, '$.extra.tags') WHERE value = ?)")
        parameters.append(tag)
    return " AND ".join(terms), parameters
