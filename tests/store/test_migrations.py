"""The database of every schema that ever was opens, with everything in it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from robotq.model.delivery import DeliveryState
from robotq.model.task import Command, Repeat
from robotq.store.kept import rows
from robotq.store.port import (
    AddToTally,
    DeliveryQuery,
    ItemBatchQuery,
    ItemQuery,
    Mutation,
    SaveAnswer,
    SaveDelivery,
    SaveHold,
    SaveItem,
    SaveItemBatch,
    SaveOccupancy,
    SetFact,
    TaskQuery,
)
from robotq.store.sqlite.migrations import SCHEMA_VERSION, STEPS, migrate
from robotq.store.sqlite.peek import peek_at_all
from robotq.store.sqlite.store import SqliteStore

from .records import (
    checklist,
    counted,
    everything,
    numbered,
    pending,
    pictures,
    programs,
    repeats,
    saved,
    scans,
    settled,
    submit,
    tallies,
    webhooks,
)

CONTENTS: dict[int, Callable[[], list[Mutation]]] = {
    1: everything,
    2: webhooks,
    3: tallies,
    4: checklist,
    5: repeats,
    6: scans,
    7: settled,
    8: programs,
    9: pictures,
}
"""What a kept database contains: this, and that of every schema before."""

FIXTURES = Path(__file__).parent / "fixtures"


def _put(folder: Path, schema: int) -> None:
    """Make the kept database of a schema the one of this folder."""
    dump = (FIXTURES / f"{schema:04}.sql").read_text(encoding="utf-8")
    with contextlib.closing(sqlite3.connect(folder / "robotq.db")) as database:
        database.executescript(dump)


def test_steps__are_numbered_without_gaps_and_each_has_a_kept_database() -> None:
    assert list(STEPS) == list(range(1, SCHEMA_VERSION + 1))
    kept = {int(file.stem) for file in FIXTURES.glob("*.sql")}
    assert kept == set(STEPS) == set(CONTENTS)


@pytest.mark.parametrize("schema", CONTENTS)
async def test_kept_database__opens_with_everything_in_it(tmp_path: Path, schema: int) -> None:
    _put(tmp_path, schema)
    mutations = [mutation for part in range(1, schema + 1) for mutation in CONTENTS[part]()]
    tasks = saved(mutations)
    store = SqliteStore(tmp_path)
    restored = await store.open(finished=100)
    assert {task.id: task for task in (*restored.unfinished, *restored.finished)} == tasks
    assert restored.counts == counted(tasks)
    assert restored.last_seq == max(task.seq for task in tasks.values())
    assert await store.events_since(0, limit=1000) == numbered(mutations)
    assert restored.last_event_id == len(numbered(mutations))
    deliveries = []
    for mutation in mutations:
        match mutation:
            case SaveHold(hold):
                assert hold in restored.holds
            case SaveOccupancy(occupancy):
                assert occupancy in restored.occupancies
            case SaveAnswer(answer):
                assert await store.answer(answer.scope, answer.key) == answer
            case SetFact(name, value):
                assert restored.facts[name] == value
            case SaveDelivery(delivery):
                deliveries.append(delivery)
            case AddToTally(tally):
                hour_ms = tally.hour_ms
                assert tally in await store.tallies(tally.api, from_ms=hour_ms, to_ms=hour_ms)
            case SaveItem(item):
                assert await store.items(ItemQuery(ids=[item.id])) == ([item], 1)
            case SaveItemBatch(batch):
                assert await store.item_batches(ItemBatchQuery()) == ([batch], 1)
            case _:
                pass
    found = await store.deliveries(DeliveryQuery())
    assert {delivery.id: delivery for delivery in found} == {
        delivery.id: delivery for delivery in deliveries
    }
    assert list(restored.deliveries) == [
        delivery for delivery in deliveries if delivery.state is DeliveryState.PENDING
    ]
    # what was written before there was a place to look for it is found too
    runs = {task.id for task in tasks.values() if task.repeat_of == pending(6).id}
    series = await store.list(TaskQuery(repeat_of=pending(6).id))
    assert {task.id for task in series} == runs | ({pending(6).id} & tasks.keys())
    # and is written to like a new one
    await store.apply(submit(pending(restored.last_seq + 1)))
    await store.close()


@pytest.mark.parametrize("schema", [5, 6])
def test_kept_database__is_looked_into_before_the_upgrade(tmp_path: Path, schema: int) -> None:
    """`check-config` and `doctor` of the new robotq, while the old one works on the data."""
    _put(tmp_path, schema)
    before = (tmp_path / "robotq.db").read_bytes()
    restored, _ = peek_at_all(tmp_path / "robotq.db", finished=100, events=10)
    mutations = [mutation for part in range(1, schema + 1) for mutation in CONTENTS[part]()]
    found = {task.id: task for task in (*restored.unfinished, *restored.finished)}
    assert found == saved(mutations)
    assert any(task.steps for task in found.values())
    assert (tmp_path / "robotq.db").read_bytes() == before


@pytest.mark.parametrize("schema", CONTENTS)
def test_kept_database__has_the_schema_of_a_new_one_afterwards(schema: int) -> None:
    dump = (FIXTURES / f"{schema:04}.sql").read_text(encoding="utf-8")
    with (
        contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as old,
        contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as new,
    ):
        old.executescript(dump)
        migrate(old)
        migrate(new)
        assert _schema(old) == _schema(new)


_INSERT_TASK = """
INSERT INTO tasks (
    api, queue, cmd_type, cmd_id, batch_id, submitted_at_ms, state, revision, ended_at_ms,
    error_code, unresolved, rest, seq, id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
"""As a task was written before there was a column for the series that it belongs to."""


def test_series__of_runs_that_were_there_before_is_known() -> None:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        for step in range(1, 5):
            database.executescript(f"{STEPS[step]}; PRAGMA user_version = {step}")
        first, following = pending(1, repeat=Repeat(count=2)), pending(2, repeat_of=pending(1).id)
        talks = pending(3, command=Command(cmd_type="WORK", params={"repeat_of": 7}))
        for task in (first, following, talks):
            database.execute(_INSERT_TASK, rows.task_to_row(task))
        migrate(database)
        found = database.execute("SELECT seq, repeat_of FROM tasks ORDER BY seq").fetchall()
    assert found == [(1, None), (2, first.id), (3, None)]


def test_migrate__a_step_that_fails_leaves_the_database_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = dict(STEPS) | {SCHEMA_VERSION: "CREATE TABLE half (x); SELECT * FROM nowhere"}
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        for step in range(1, SCHEMA_VERSION):
            database.executescript(f"{STEPS[step]}; PRAGMA user_version = {step}")
        before = _schema(database)
        monkeypatch.setattr("robotq.store.sqlite.migrations.STEPS", broken)
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            migrate(database)
        database.rollback()
        assert _schema(database) == before
        assert database.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION - 1,)


def _schema(database: sqlite3.Connection) -> list[tuple[str, ...]]:
    return database.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
    ).fetchall()
