"""Whatever JSON can hold comes back from the disk as it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robotq.model.carried.artifact import Artifact
from robotq.model.event import Event
from robotq.model.json import JsonObject, JsonValue
from robotq.model.task import (
    Asked,
    Command,
    DeviceRun,
    Question,
    Repeat,
    Resolution,
    Step,
    StepState,
    Task,
    TaskError,
    TaskState,
    Work,
)
from robotq.store.kept import rows
from robotq.store.sqlite.changes import Added
from robotq.store.sqlite.migrations import migrate
from tests.slices import examples

# what a JSON text can say: no lone surrogates, and whole numbers of 64 bits
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
integers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | integers | floats | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects: st.SearchStrategy[JsonObject] = st.dictionaries(texts, values, max_size=3)
times = integers
numbers = st.integers(0, 2**31)

commands = st.builds(
    Command, cmd_type=texts, params=values, cmd_id=st.none() | texts, extra=objects
)
steps = st.builds(
    Step,
    name=texts,
    state=st.sampled_from(StepState),
    started_at_ms=times,
    duration_s=st.none() | floats,
    detail=objects,
)
questions = st.builds(
    Question,
    prompt=texts,
    args=objects,
    schema=objects,
    answered_by=st.none() | texts,
    asked_at_ms=times,
    deadline_ms=times,
)
artifacts = st.builds(
    Artifact,
    name=texts,
    media_type=texts,
    size=numbers,
    sha256=texts,
    not_kept=st.none() | texts,
)
TASK_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "id": texts,
    "seq": st.integers(1, 2**62),
    "api": texts,
    "queue": texts,
    "command": commands,
    "actor": texts,
    "submitted_at_ms": times,
    "priority": st.integers(-10, 10),
    "rank": floats,
    "not_before_ms": st.none() | times,
    "expires_at_ms": st.none() | times,
    "batch_id": st.none() | texts,
    "contiguous": st.booleans(),
    "awaits_approval": st.booleans(),
    "retry_of": st.none() | texts,
    "repeat": st.none()
    | st.builds(
        Repeat,
        count=st.none() | numbers,
        interval_s=st.none() | floats,
        on_failure=st.sampled_from(["stop", "continue"]),
        run=numbers,
    ),
    "repeat_of": st.none() | texts,
    "state": st.sampled_from(TaskState),
    "revision": numbers,
    "fence": numbers,
    "attempt": numbers,
    "started_at_ms": st.none() | times,
    "ended_at_ms": st.none() | times,
    "steps": st.lists(steps, max_size=2).map(tuple),
    "progress": st.none() | floats,
    "partial": st.none() | objects,
    "waiting_for": st.none() | questions,
    "result": st.none() | objects,
    "error": st.none() | st.builds(TaskError, code=texts, args=objects, step=st.none() | texts),
    "asked": st.none() | st.builds(Asked, cause=texts, actor=texts, at_ms=times, reason=texts),
    "resolution": st.none()
    | st.builds(
        Resolution,
        outcome=texts,
        actor=texts,
        at_ms=times,
        note=texts,
        retried_as=st.none() | texts,
    ),
    "simulated": st.booleans(),
    "run": st.none()
    | st.builds(
        DeviceRun,
        id=texts,
        driver=texts,
        boot=texts,
        details=objects,
        at_ms=times,
        worked_s=floats,
        paused=st.booleans(),
        left_until_ms=st.none() | times,
    ),
    "settled": st.booleans(),
    "work": st.none()
    | st.builds(
        Work,
        match=texts,
        lease_s=st.none() | floats,
        max_retries=st.none() | numbers,
        deadline_ms=st.none() | times,
    ),
    "worker": st.none() | texts,
    "lease_until_ms": st.none() | times,
    "several_workers": st.booleans(),
    "retried_as": st.none() | texts,
    "from_line": st.none() | numbers,
    "retries": numbers,
    "retried_at_ms": st.none() | times,
}
TASK_FIELDS["artifacts"] = st.lists(artifacts, max_size=2).map(tuple)
tasks = st.builds(Task, **TASK_FIELDS)
events = st.builds(
    Event,
    id=st.integers(1, 2**62),
    kind=texts,
    at_ms=times,
    actor=texts,
    api=st.none() | texts,
    robot=st.none() | texts,
    task_id=st.none() | texts,
    before=st.none() | texts,
    after=st.none() | texts,
    data=objects,
)


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    yield connection
    connection.close()


def _kept(connection: sqlite3.Connection, table: str, added: Added, columns: str) -> Any:
    connection.execute("BEGIN")
    added.insert(connection)
    found = connection.execute(f"SELECT {columns} FROM {table}s").fetchone()
    connection.execute("ROLLBACK")
    return found


@settings(max_examples=examples(30))
@given(task=tasks)
def test_task__comes_back_equal(database: sqlite3.Connection, task: Task) -> None:
    added = Added()
    added.task(task)
    row = _kept(database, "task", added, rows.TASK_COLUMNS)
    again = rows.task_from_row(row)
    assert again == task
    # == does not tell 1 from 1.0 and True
    assert repr(msgspec.structs.replace(again, rank=task.rank)) == repr(task)


@settings(max_examples=examples(30))
@given(event=events)
def test_event__comes_back_equal(database: sqlite3.Connection, event: Event) -> None:
    added = Added()
    added.event(event, event.id)
    row = _kept(database, "event", added, rows.EVENT_COLUMNS)
    assert rows.event_from_row(row) == event


def test_task__every_field_is_tried_here() -> None:
    assert set(TASK_FIELDS) == {field.name for field in msgspec.structs.fields(Task)}


@pytest.mark.parametrize("value", [object(), {1, 2}, {3: "three"}, "\ud800", 2**64, b"bytes"])
def test_json_text__refuses_what_json_cannot_hold(value: object) -> None:
    with pytest.raises(TypeError):
        rows.json_text({"value": value})
