"""What only the SQLite store promises: the file, the lock, group commit, outages."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from robotq.model.errors import ConfigError
from robotq.model.event import Event
from robotq.model.task import Command, TaskState
from robotq.store.memory import MemoryStore
from robotq.store.port import AppendEvent, SaveTask, StaleRevision, StoreUnavailable, TaskQuery
from robotq.store.sqlite import reader, writer
from robotq.store.sqlite.changes import WRITE
from robotq.store.sqlite.migrations import SCHEMA_VERSION
from robotq.store.sqlite.reads import _READ, _conditions
from robotq.store.sqlite.store import SqliteStore

from .records import claimed, life, pending, submit


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextlib.contextmanager
def write_locked(folder: Path) -> Iterator[None]:
    """Somebody has the database open in another program, in the middle of a change."""
    other = sqlite3.connect(folder / "robotq.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def test_open__makes_the_folder(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "lab" / "data")
    restored = await store.open(finished=10)
    await store.close()
    assert (restored.last_seq, restored.last_event_id) == (0, 0)
    assert (tmp_path / "lab" / "data" / "robotq.db").exists()


async def test_open__keeps_a_second_daemon_off_the_folder(
    sqlite: SqliteStore, tmp_path: Path
) -> None:
    second = SqliteStore(tmp_path)
    with pytest.raises(ConfigError) as refused:
        await second.open(finished=10)
    assert str(tmp_path) in str(refused.value)
    assert f"process {os.getpid()}" in str(refused.value)
    await sqlite.apply(submit(pending(1)))
    await sqlite.close()
    assert (await second.open(finished=10)).last_seq == 1
    await second.close()


async def test_open__says_when_sqlite_is_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(ConfigError, match=r"needs SQLite 3\.37 or newer"):
        await SqliteStore(tmp_path).open(finished=10)
    assert files_in(tmp_path) == []
    with pytest.raises(ConfigError, match=r"needs SQLite 3\.37 or newer"):
        await MemoryStore().open(finished=10)


async def test_open__says_when_the_file_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "robotq.db"
    file.write_text("a shopping list, not a database\n" * 100)
    with pytest.raises(ConfigError, match=r"robotq\.db cannot be used: file is not a database"):
        await SqliteStore(tmp_path).open(finished=10)
    # and lets go of the folder
    file.unlink()
    store = SqliteStore(tmp_path)
    await store.open(finished=10)
    await store.close()


async def test_open__says_when_the_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(ConfigError, match="data"):
        await SqliteStore(tmp_path / "data").open(finished=10)


async def test_open__refuses_the_data_of_a_later_robotq(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open(finished=10)
    await store.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "robotq.db")) as later:
        later.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(ConfigError, match="Upgrade robotq"):
        await SqliteStore(tmp_path).open(finished=10)


async def test_apply__is_durable_as_promised(sqlite: SqliteStore) -> None:
    modes = await sqlite._writing().run(
        lambda connection: {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "fullfsync")
        }
    )
    assert modes == {"journal_mode": "wal", "synchronous": 2, "fullfsync": 1}


async def test_apply__shares_commits_among_callers(sqlite: SqliteStore) -> None:
    before = sqlite.statistics()
    for round_ in range(10):
        tasks = [pending(seq) for seq in range(round_ * 64 + 1, round_ * 64 + 65)]
        await asyncio.gather(*(sqlite.apply(submit(task)) for task in tasks))
    after = sqlite.statistics()
    assert after.applied - before.applied == 640
    assert after.commits - before.commits == 10, "all of one turn of the loop share one"
    assert after.last_commit_s > 0


async def test_apply__what_json_cannot_hold_is_refused_alone(sqlite: SqliteStore) -> None:
    bad = [
        replace(pending(2), command=Command(cmd_type="WAIT", params={"at": object()})),
        replace(pending(3), not_before_ms=2**70),
        replace(pending(4), submitted_at_ms=2**70),
        replace(pending(5), actor="\ud800"),
        replace(pending(6), queue="\ud800"),
    ]
    tasks = [pending(1), *bad, pending(7)]
    outcomes = await asyncio.gather(
        *(sqlite.apply(submit(task)) for task in tasks), return_exceptions=True
    )
    assert [isinstance(outcome, Exception) for outcome in outcomes] == [
        False,
        *[True] * len(bad),
        False,
    ]
    assert [task.seq for task in await sqlite.list(TaskQuery())] == [7, 1]


async def test_apply__a_caller_that_gives_up_harms_nobody(
    sqlite: SqliteStore, tmp_path: Path
) -> None:
    with write_locked(tmp_path):
        calls = [asyncio.ensure_future(sqlite.apply(submit(pending(seq)))) for seq in (1, 2, 3)]
        await asyncio.sleep(0)
        calls[1].cancel()
    await asyncio.gather(calls[0], calls[2])
    assert sqlite.statistics().waiting == 0
    # it had been handed over, so it counts as submitted
    assert [task.seq for task in await sqlite.list(TaskQuery())] == [3, 2, 1]


async def test_apply__a_caller_that_fails_to_listen_harms_nobody(
    sqlite: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise KeyError("a bug")

    outcomes = await asyncio.gather(
        sqlite.apply(submit(pending(1))),
        sqlite.apply(submit(pending(2)), fail),
        sqlite.apply(submit(pending(3))),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [list, KeyError, list]
    assert "could not be taken over" in caplog.text


async def test_apply__refuses_when_too_many_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_WAITING", 5)
    store = SqliteStore(tmp_path)
    await store.open(finished=10)
    with write_locked(tmp_path):
        calls = [store.apply(submit(pending(seq))) for seq in range(1, 6)]
        for seq in range(6, 9):
            with pytest.raises(StoreUnavailable, match="wait for the disk already"):
                calls.append(store.apply(submit(pending(seq))))
        assert store.statistics().waiting == 5
    await asyncio.gather(*calls)
    assert [task.seq for task in await store.list(TaskQuery())] == [5, 4, 3, 2, 1]
    await store.close()


async def test_get__refuses_when_too_many_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_WAITING", 3)
    store = SqliteStore(tmp_path)
    await store.open(finished=10)
    outcomes = await asyncio.gather(
        *(store.get("task_x") for _ in range(5)), return_exceptions=True
    )
    assert outcomes[:3] == [None, None, None]
    assert [type(outcome) for outcome in outcomes[3:]] == [StoreUnavailable] * 2
    await store.close()


async def test_close__writes_what_was_handed_over(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open(finished=10)
    calls = [asyncio.ensure_future(store.apply(submit(pending(seq)))) for seq in range(1, 101)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*calls)
    # all of it is in the one file, which may be copied now
    assert files_in(tmp_path) == ["robotq.db", "robotq.lock"]
    restored = await store.open(finished=10)
    assert len(restored.unfinished) == 100
    await store.close()


async def test_prune__lets_submits_in_between(sqlite: SqliteStore) -> None:
    events = [mutation for seq in range(1, 1001) for mutation in submit(pending(seq))[1:]]
    await sqlite.apply(events)
    commits = sqlite.statistics().commits
    pruned = asyncio.ensure_future(
        sqlite.prune(tasks_before_ms=0, events_before_ms=2**62, answers_before_ms=0, limit=1000)
    )
    submitted = 0
    while not pruned.done():
        submitted += 1
        await sqlite.apply(submit(pending(2000 + submitted)))
    assert await pruned == 1000
    assert submitted >= 4
    assert sqlite.statistics().commits - commits == submitted


async def test_probe__really_writes(sqlite: SqliteStore, tmp_path: Path) -> None:
    wal = tmp_path / "robotq.db-wal"
    before = wal.stat().st_size
    await sqlite.probe()
    assert wal.stat().st_size > before


async def test_readers__cannot_write(sqlite: SqliteStore) -> None:
    with pytest.raises(StoreUnavailable, match="readonly"):
        await sqlite.read(lambda found: found.execute(WRITE["probe"]))


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (TaskQuery(cmd_id="CMD_1"), "tasks_cmd_id"),
        (TaskQuery(batch_id="batch", queue="robot_a"), "tasks_batch_id"),
        (TaskQuery(states=frozenset({TaskState.FAILED})), "tasks_not_completed"),
        (TaskQuery(error_code="device_error"), "tasks_error_code"),
        (TaskQuery(repeat_of="task_x", api="robot"), "tasks_repeat_of"),
        (TaskQuery(before_seq=7, api="robot"), "INTEGER PRIMARY KEY"),
    ],
)
async def test_list__uses_an_index(sqlite: SqliteStore, query: TaskQuery, index: str) -> None:
    conditions, parameters = _conditions(query)
    statement = _READ["tasks"].replace("{conditions}", conditions)
    assert index in await _plan(sqlite, statement, (*parameters, 50))


async def test_events_since__uses_an_index(sqlite: SqliteStore) -> None:
    assert "events_task" in await _plan(sqlite, _READ["events_of_task"], ("task_x", 0, None, 50))


async def test_open__uses_indexes(sqlite: SqliteStore) -> None:
    assert "tasks_not_completed" in await _plan(sqlite, _READ["unfinished"], ())
    assert "tasks_ended" in await _plan(sqlite, _READ["finished"], (10,))
    assert "tasks_ended" in await _plan(sqlite, WRITE["prune_tasks"], (0, 10))
    assert "events_at" in await _plan(sqlite, WRITE["prune_events"], (0, 10))


async def _plan(store: SqliteStore, statement: str, parameters: tuple[object, ...]) -> str:
    rows = await store.read(
        lambda found: found.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    )
    return " ".join(row[3] for row in rows)


async def test_running__is_a_rule_of_the_database_itself(
    sqlite: SqliteStore, tmp_path: Path
) -> None:
    """Even a mended database, or another program, cannot break it."""
    await sqlite.apply(life(pending(1), claimed(pending(1))))
    await sqlite.apply(submit(pending(2)))
    with (
        contextlib.closing(sqlite3.connect(tmp_path / "robotq.db")) as other,
        pytest.raises(sqlite3.IntegrityError),
    ):
        other.execute("UPDATE tasks SET state = 'running' WHERE seq = 2")


async def test_arrivals__of_many_clients_at_once_and_one_that_is_refused(
    sqlite: SqliteStore,
) -> None:
    good = [pending(seq) for seq in (1, 2, 3)]
    taken = pending(2, id="task_of_another_client")
    first, second, refused, third = await asyncio.gather(
        *(sqlite.apply(submit(task)) for task in (good[0], good[1], taken, good[2])),
        return_exceptions=True,
    )
    assert isinstance(refused, StaleRevision)
    assert not isinstance(first, BaseException)
    assert not isinstance(second, BaseException)
    assert not isinstance(third, BaseException)
    assert [event.id for event in (*first, *second, *third)] == [1, 2, 3]
    assert [await sqlite.get(task.id) for task in good] == good
    journal = await sqlite.events_since(0, limit=10)
    assert [event.task_id for event in journal] == [task.id for task in good]


async def test_arrivals__in_turn_with_other_changes_count_on(sqlite: SqliteStore) -> None:
    numbers = []
    for seq in range(1, 6):
        task = pending(seq)
        arrival = submit(task)
        other = [mutation for mutation in arrival if isinstance(mutation, AppendEvent)]
        for mutations in (arrival, other * 2):
            numbers += [event.id for event in await sqlite.apply(mutations)]
    assert numbers == list(range(1, 16))
    assert (await sqlite.list(TaskQuery(limit=1)))[0].seq == 5


async def test_journal__counts_on_after_a_group_that_was_rolled_back(
    sqlite: SqliteStore,
) -> None:
    """The writer knows the last number itself where it wrote the last group."""
    note = AppendEvent(Event(kind="note", at_ms=1, actor="ann"))
    numbers = [event.id for event in await sqlite.apply([note])]
    stranger = SaveTask(claimed(pending(7)), pending(7))
    with pytest.raises(StaleRevision):
        await sqlite.apply([note, stranger])
    numbers += [event.id for event in await sqlite.apply([note, note])]
    await sqlite.prune(tasks_before_ms=9, events_before_ms=9, answers_before_ms=9, limit=10)
    numbers += [event.id for event in await sqlite.apply([note])]
    assert numbers == [1, 2, 3, 4]


@pytest.mark.parametrize("name", ["a\0b", "\0", "名\u2028", "\\u0000", "'; DROP TABLE tasks; --"])
async def test_arrivals__keep_every_character(sqlite: SqliteStore, name: str) -> None:
    params = {name: [name, 2**62, -0.0, None, True]}
    task = pending(1, command=Command(cmd_type="PICK_UP", params=params, cmd_id=name))
    await sqlite.apply(submit(task))
    assert await sqlite.get(task.id) == task
