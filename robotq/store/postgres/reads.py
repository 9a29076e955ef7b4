"""Every question that a store is asked, for PostgreSQL; each function takes one connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from robotq.model.delivery import Delivery
from robotq.model.event import Event
from robotq.model.item import Item, ItemBatch
from robotq.model.json import JsonObject
from robotq.model.task import Task, TaskState
from robotq.postgres.database import Connection, one
from robotq.store.kept import rows, state_rows
from robotq.store.port import (
    Answer,
    DeliveryQuery,
    ItemBatchQuery,
    ItemQuery,
    Restored,
    Tally,
    TaskQuery,
)
from robotq.store.postgres.changes import tag_text
from robotq.store.queries import JobOrder, JobQuery
from robotq.store.sqlite import lists
from robotq.system.statements import load

_STEPS = (
    "(SELECT '[' || string_agg(step, ',' ORDER BY number) || ']' FROM robotq.steps "
    "WHERE steps.task = tasks.seq)"
)
TASK = (
    "api, queue, cmd_type, cmd_id, batch_id, submitted_at_ms, state, revision, ended_at_ms, "
    f"rest, seq, id, {_STEPS}"
)

READ = load(
    __package__,
    "read.sql",
    task=TASK,
    event=rows.EVENT_COLUMNS,
    delivery=state_rows.DELIVERY_COLUMNS,
    item=state_rows.ITEM_COLUMNS,
)

_ORDER = {JobOrder.ARRIVAL: "seq", JobOrder.PRIORITY: "priority", JobOrder.STATE: "state"}


class Conditions:
    """The WHERE of a question, and its parameters."""

    def __init__(self) -> None:
        self.terms: list[str] = []
        self.parameters: list[Any] = []

    def add(self, term: str, value: Any) -> None:
        """`term` with its one parameter, unless that is None."""
        if value is not None:
            self.terms.append(term)
            self.parameters.append(value)

    def put_into(self, name: str) -> str:
        return READ[name].replace("{conditions}", " AND ".join(self.terms) or "true")


async def found(connection: Connection, statement: str, parameters: Any = None) -> list[Any]:
    return await (await connection.execute(statement, parameters)).fetchall()


async def restore(connection: Connection, finished: int) -> Restored:
    # first: an event that is written meanwhile is read later
    seq, event, _ = await one(connection, READ["numbers"])
    ended = await found(connection, READ["finished"], (finished,))
    return Restored(
        unfinished=await unfinished(connection),
        finished=[rows.task_from_row(row) for row in reversed(ended)],
        counts=await counts(connection),
        holds=[state_rows.hold_from_row(row) for row in await found(connection, READ["holds"])],
        occupancies=[
            state_rows.occupancy_from_row(row)
            for row in await found(connection, READ["occupancies"])
        ],
        facts=dict(state_rows.fact_from_row(row) for row in await found(connection, READ["facts"])),
        deliveries=[
            state_rows.delivery_from_row(row)
            for row in await found(connection, READ["deliveries_to_send"])
        ],
        last_seq=seq,
        last_event_id=event,
    )


async def last_change(connection: Connection) -> int:
    """The number of the last commit."""
    _, _, change = await one(connection, READ["numbers"])
    return int(change)


async def facts(connection: Connection, beginning: str) -> dict[str, JsonObject]:
    """Those whose names begin so."""
    rows_found = await found(connection, READ["facts_like"], (beginning,))
    return dict(state_rows.fact_from_row(row) for row in rows_found)


async def counts(connection: Connection) -> dict[tuple[str, str, TaskState], int]:
    """Tasks by interface, queue and state."""
    return {
        (api, queue, TaskState(state)): tasks
        for api, queue, state, tasks in await found(connection, READ["counts"])
    }


async def unfinished(connection: Connection) -> list[Task]:
    """What waits and runs."""
    return [rows.task_from_row(row) for row in await found(connection, READ["unfinished"])]


async def changed(connection: Connection, after: int, limit: int) -> tuple[Sequence[Task], int]:
    """What was written since a change, and up to which change that is."""
    known = await found(connection, READ["changed"], {"after": after, "limit": limit})
    last = known[-1][-1] if known else after
    return [rows.task_from_row(row[:-1]) for row in known], last


async def task(connection: Connection, task_id: str) -> Task | None:
    known = await found(connection, READ["task"], (task_id,))
    return rows.task_from_row(known[0]) if known else None


async def tasks(connection: Connection, query: TaskQuery) -> Sequence[Task]:
    where = Conditions()
    for term, value in (
        ("api = %s", query.api),
        ("queue = %s", query.queue),
        ("cmd_type = %s", query.cmd_type),
        ("cmd_id = %s", query.cmd_id),
        ("batch_id = %s", query.batch_id),
        ("error_code = %s", query.error_code),
        ("submitted_at_ms >= %s", query.submitted_from_ms),
        ("submitted_at_ms <= %s", query.submitted_to_ms),
        ("seq < %s", query.before_seq),
        ("state = ANY(%s)", _states(query.states)),
    ):
        where.add(term, value)
    if query.repeat_of is not None:
        where.add("(repeat_of = %s", query.repeat_of)
        where.terms[-1] += " OR id = %s)"
        where.parameters.append(query.repeat_of)
    known = await found(connection, where.put_into("tasks"), (*where.parameters, query.limit))
    return [rows.task_from_row(row) for row in known]


async def jobs(connection: Connection, query: JobQuery) -> tuple[Sequence[Task], int]:
    where = Conditions()
    for term, value in (
        ("api = %s", query.api),
        ("state = ANY(%s)", _states(query.states)),
        ("priority = %s", query.priority),
        ("strpos(match, %s) > 0", query.match_contains or None),
        ("submitted_at_ms >= %s", query.submitted_from_ms),
        ("submitted_at_ms <= %s", query.submitted_to_ms),
        *(("strpos(tags, %s) > 0", tag_text([tag])) for tag in query.tags),
    ):
        where.add(term, value)
    direction = "DESC" if query.descending else "ASC"
    order = f"{_ORDER[query.order]} {direction}, seq {direction}"
    statement = where.put_into("jobs").replace("{order}", order)
    page = await found(connection, statement, (*where.parameters, query.limit, query.offset))
    (total,) = await one(connection, where.put_into("count_jobs"), where.parameters)
    return [rows.task_from_row(row) for row in page], total


async def events(
    connection: Connection,
    event_id: int,
    limit: int,
    task_id: str | None = None,
    api: str | None = None,
) -> Sequence[Event]:
    asked = {"after": event_id, "limit": limit, "task_id": task_id, "api": api}
    statement = READ["events" if task_id is None else "events_of_task"]
    return [rows.event_from_row(row) for row in await found(connection, statement, asked)]


async def answer(connection: Connection, scope: str, key: str) -> Answer | None:
    known = await found(connection, READ["answer"], (scope, key))
    return rows.answer_from_row(known[0]) if known else None


async def deliveries(connection: Connection, query: DeliveryQuery) -> Sequence[Delivery]:
    where = Conditions()
    where.add("state = %s", None if query.state is None else query.state.value)
    where.add("task_id = %s", query.task_id)
    if query.before is not None:
        where.terms.append("(created_at_ms, task_id, receiver) < (%s, %s, %s)")
        where.parameters += query.before
    known = await found(connection, where.put_into("deliveries"), (*where.parameters, query.limit))
    return [state_rows.delivery_from_row(row) for row in known]


async def tallies(connection: Connection, api: str, from_ms: int, to_ms: int) -> Sequence[Tally]:
    return [
        Tally(api=of_api, hour_ms=hour_ms, name=name, value=value)
        for of_api, hour_ms, name, value in await found(
            connection, READ["tallies"], (api, from_ms, to_ms)
        )
    ]


async def items(connection: Connection, query: ItemQuery) -> tuple[Sequence[Item], int]:
    where = Conditions()
    for term, value in (
        ("status = %s", None if query.status is None else query.status.value),
        ("session_id = %s", query.session_id),
        ("task_id = %s", query.task_id),
        ("id = ANY(%s)", None if query.ids is None else list(query.ids)),
        ("batch_id = ANY(%s)", None if query.batch_ids is None else list(query.batch_ids)),
    ):
        where.add(term, value)
    if query.of_steps is not None:
        where.terms.append(f"task_id IS {'NOT ' if query.of_steps else ''}NULL")
    direction = "DESC" if query.descending else "ASC"
    key = lists.ORDER[query.order]
    statement = (
        where.put_into("items")
        .replace("{order}", f"{key} {direction} NULLS LAST, created_at_ms, id")
        .replace("{page}", "" if query.limit is None else "LIMIT %s OFFSET %s")
    )
    page = () if query.limit is None else (query.limit, query.offset)
    known = await found(connection, statement, (*where.parameters, *page))
    listed = [state_rows.item_from_row(row) for row in known]
    if query.limit is None:
        return listed, len(listed)
    (total,) = await one(connection, where.put_into("count_items"), where.parameters)
    return listed, total


async def batches(connection: Connection, query: ItemBatchQuery) -> tuple[Sequence[ItemBatch], int]:
    where = Conditions()
    where.add("id = %s", query.batch_id)
    where.add("session_id = %s", query.session_id)
    known = await found(
        connection, where.put_into("item_batches"), (*where.parameters, query.limit, query.offset)
    )
    (total,) = await one(connection, where.put_into("count_item_batches"), where.parameters)
    return [state_rows.batch_from_row(row) for row in known], total


async def programs_named(connection: Connection, sha256: Sequence[str]) -> frozenset[str]:
    known = await found(connection, READ["programs_named"], (list(sha256),))
    return frozenset(name for (name,) in known)


async def unnamed_files(connection: Connection, hashes: Sequence[str]) -> Sequence[str]:
    return [one for (one,) in await found(connection, READ["unnamed_files"], (list(hashes),))]


def _states(states: frozenset[TaskState]) -> list[str] | None:
    return sorted(state.value for state in states) or None
