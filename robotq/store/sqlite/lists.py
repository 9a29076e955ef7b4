"""Lists in pages: tasks for workers, items of the checklist and their batches."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from robotq.model.item import Item, ItemBatch, ItemPriority, ItemStatus
from robotq.model.task import Task
from robotq.store.kept import rows
from robotq.store.kept.state_rows import ITEM_COLUMNS, batch_from_row, item_from_row
from robotq.store.port import ItemBatchQuery, ItemOrder, ItemQuery
from robotq.store.queries import JobOrder, JobQuery
from robotq.system.statements import load

_READ = load(__package__, "read.sql", item=ITEM_COLUMNS, task=rows.TASK_COLUMNS)


def _ranked(column: str, values: type[ItemStatus | ItemPriority]) -> str:
    ranks = " ".join(f"WHEN '{value}' THEN {rank}" for rank, value in enumerate(values))
    return f"CASE {column} {ranks} END"


ORDER = {
    ItemOrder.UPDATED: "updated_at_ms",
    ItemOrder.CREATED: "created_at_ms",
    ItemOrder.DUE: "due_date_ms",
    ItemOrder.PRIORITY: _ranked("priority", ItemPriority),
    ItemOrder.STATUS: _ranked("status", ItemStatus),
}
CAN_BE_NULL = (ItemOrder.DUE, ItemOrder.PRIORITY)
"""Without a term for NULL, the others can use the order of an index."""


def items(connection: sqlite3.Connection, query: ItemQuery) -> tuple[Sequence[Item], int]:
    conditions, parameters = conditions_of(query)
    direction = "DESC" if query.descending else "ASC"
    key = ORDER[query.order]
    order = f"{key} {direction}, created_at_ms, id"
    if query.order in CAN_BE_NULL:
        order = f"{key} IS NULL, {order}"
    statement = (
        _READ["items"]
        .replace("{conditions}", conditions)
        .replace("{order}", order)
        .replace("{page}", "" if query.limit is None else "LIMIT ? OFFSET ?")
    )
    page = () if query.limit is None else (query.limit, query.offset)
    found = [item_from_row(row) for row in connection.execute(statement, (*parameters, *page))]
    if query.limit is None:
        return found, len(found)
    count = _READ["count_items"].replace("{conditions}", conditions)
    (total,) = connection.execute(count, parameters).fetchone()
    return found, total


def batches(
    connection: sqlite3.Connection, query: ItemBatchQuery
) -> tuple[Sequence[ItemBatch], int]:
    terms, parameters = ["true"], list[Any]()
    for column, value in (("id", query.batch_id), ("session_id", query.session_id)):
        if value is not None:
            terms.append(f"{column} = ?")
            parameters.append(value)
    conditions = " AND ".join(terms)
    statement = _READ["item_batches"].replace("{conditions}", conditions)
    found = connection.execute(statement, (*parameters, query.limit, query.offset))
    count = _READ["count_item_batches"].replace("{conditions}", conditions)
    (total,) = connection.execute(count, parameters).fetchone()
    return [batch_from_row(row) for row in found], total


def conditions_of(query: ItemQuery) -> tuple[str, Sequence[Any]]:
    """The WHERE of a query and its parameters."""
    terms, parameters = ["true"], list[Any]()
    for column, value in (
        ("status", None if query.status is None else query.status.value),
        ("session_id", query.session_id),
        ("task_id", query.task_id),
    ):
        if value is not None:
            terms.append(f"{column} = ?")
            parameters.append(value)
    if query.of_steps is not None:
        terms.append(f"task_id IS {'NOT ' if query.of_steps else ''}NULL")
    for column, values in (("id", query.ids), ("batch_id", query.batch_ids)):
        if values is not None:
            terms.append(f"{column} IN ({', '.join('?' * len(values))})")
            parameters += values
    return " AND ".join(terms), parameters


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
