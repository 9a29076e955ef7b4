"""Tasks for workers and the checklist are moved from a data folder into PostgreSQL, and back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from robotq.model.errors import ConfigError
from robotq.postgres import Database
from robotq.store.between import Kind, Moved, Mover, PostgresPlace, SqlitePlace, opened
from robotq.store.memory import MemoryStore
from robotq.store.port import AppendEvent, SharedUnavailable, TaskQuery
from robotq.store.postgres import PostgresStore
from robotq.store.shared.store import SharedWorkers
from robotq.store.sqlite.store import SqliteStore

from .moved import APIS, events_of, filled, in_folder, in_postgres
from .records import event, pending

NUMBER = 40


def folder_of(path: Path, *, make: bool = False) -> SqlitePlace:
    return SqlitePlace(path, make=make)


def database_of(dsn: str) -> PostgresPlace:
    return PostgresPlace(Database(dsn, connections=1))


async def moved(source: Any, target: Any) -> tuple[Moved, bool]:
    async with opened(source, target):
        mover = Mover(source, target, quiet_s=0)
        return await mover.move(), mover.went_on


async def test_all_of_workers__is_there_afterwards_and_here_no_more_and_comes_back(
    postgres: str, tmp_path: Path
) -> None:
    here, back = tmp_path / "here", tmp_path / "back"
    await filled(here, NUMBER)
    before, journal = await in_folder(here, NUMBER), await events_of(here)
    done, went_on = await moved(folder_of(here), database_of(postgres))
    assert (done[Kind.TASKS], done[Kind.ITEMS], went_on) == (NUMBER - 1, NUMBER, False)
    assert await in_postgres(postgres, tmp_path, NUMBER) == before
    left = await in_folder(here, NUMBER)
    assert not any((left.tasks, left.lines, left.items, left.batches, left.deliveries))
    assert not any((left.tallies, left.counts, *left.answers))
    # what is the robots' stays, and so does the journal
    assert await events_of(here) == journal
    store = SqliteStore(here)
    restored = await store.open(finished=10)
    assert len(restored.unfinished) == 2
    assert await store.list(TaskQuery(api="robot"))
    await store.close()

    # a second run finds nothing to do
    done, went_on = await moved(folder_of(here), database_of(postgres))
    assert (sum(done.values()), went_on) == (0, False)

    done, _ = await moved(database_of(postgres), folder_of(back, make=True))
    assert done[Kind.TASKS] == NUMBER - 1
    assert await in_folder(back, NUMBER) == before
    empty = await in_postgres(postgres, tmp_path, NUMBER)
    assert not any((empty.tasks, empty.items, empty.counts, *empty.answers))


async def test_journal__of_the_database_comes_along_once(postgres: str, tmp_path: Path) -> None:
    store = PostgresStore(Database(postgres, connections=1), tmp_path)
    await store.open(finished=0)
    told = [event(pending(at, api="task_queue", queue="task_queue")) for at in range(3)]
    await store.apply([AppendEvent(one) for one in told])
    await store.close()
    for number in (3, 0):
        done, _ = await moved(database_of(postgres), folder_of(tmp_path / "to", make=True))
        assert done.get(Kind.EVENTS, 0) == number
    assert [one.at_ms for one in await events_of(tmp_path / "to")] == [one.at_ms for one in told]


class Killed(Exception):
    pass


class Dying(PostgresPlace):
    """Ends in the middle of the move, after so many writes."""

    def __init__(self, dsn: str, after: int) -> None:
        super().__init__(Database(dsn, connections=1))
        self._left = after

    @asynccontextmanager
    async def transaction(self, *, changes: bool = True) -> AsyncIterator[None]:
        if self._left == 0:
            raise Killed
        async with super().transaction(changes=changes):
            yield
        self._left -= 1
        if self._left == 0:
            raise Killed


@pytest.mark.slow
@pytest.mark.parametrize("to_postgres", [True, False])
async def test_killed__after_any_write_the_next_run_goes_on_and_nothing_is_there_twice(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, to_postgres: bool
) -> None:
    monkeypatch.setattr("robotq.store.between.mover._ROWS", 9)
    here = tmp_path / "here"
    await filled(here, NUMBER)
    before = await in_folder(here, NUMBER)
    if not to_postgres:
        await moved(folder_of(here), database_of(postgres))
    runs = 0
    while True:
        runs += 1
        dying = Dying(postgres, after=1 + runs % 5)
        both = (folder_of(here), dying) if to_postgres else (dying, folder_of(here))
        try:
            await moved(*both)
        except Killed:
            continue
        break
    assert runs > 8
    there = await in_postgres(postgres, tmp_path, NUMBER)
    left = await in_folder(here, NUMBER)
    if not to_postgres:
        there, left = left, there
    assert there == before
    assert not any((left.tasks, left.items, left.counts, *left.answers))


async def test_not_finished__no_daemon_hands_out_what_is_being_moved(
    postgres: str, tmp_path: Path
) -> None:
    await filled(tmp_path / "here", NUMBER)
    await moved(folder_of(tmp_path / "here"), database_of(postgres))

    def make() -> PostgresStore:
        return PostgresStore(Database(postgres, connections=1), tmp_path)

    serving = SharedWorkers(MemoryStore(), make)
    assert len((await serving.open(finished=0)).unfinished) > 5
    with pytest.raises(Killed):
        await moved(Dying(postgres, after=3), folder_of(tmp_path / "back", make=True))
    # one that was there already finds out
    with pytest.raises(SharedUnavailable, match="run `robotq migrate` again"):
        await serving.workers_elsewhere()
    with pytest.raises(SharedUnavailable):
        await serving.list(TaskQuery(api=APIS[0]))
    await serving.close()
    # and one that starts
    starting = SharedWorkers(MemoryStore(), make)
    assert (await starting.open(finished=0)).unfinished == []
    assert starting.reason is not None
    assert "robotq migrate" in starting.reason
    await starting.close()


async def test_served__a_database_is_not_emptied_and_another_place_is_refused(
    postgres: str, tmp_path: Path
) -> None:
    def make() -> PostgresStore:
        return PostgresStore(Database(postgres, connections=1), tmp_path)

    serving = SharedWorkers(MemoryStore(), make)
    await serving.open(finished=0)
    await serving.note_workers({"at_ms": round(time.time() * 1000), "workers": []})
    with pytest.raises(ConfigError, match="is served"):
        await moved(database_of(postgres), folder_of(tmp_path / "to", make=True))
    # it has changed nothing
    assert await serving.workers_elsewhere() == []
    # a daemon that ends says so
    await serving.note_workers(None)
    await serving.close()

    await filled(tmp_path / "here", NUMBER)
    with pytest.raises(Killed):
        await moved(folder_of(tmp_path / "here"), Dying(postgres, after=2))
    with pytest.raises(ConfigError, match="not finished"):
        await moved(database_of(postgres), folder_of(tmp_path / "here"))
    done, went_on = await moved(folder_of(tmp_path / "here"), database_of(postgres))
    assert (went_on, done[Kind.TASKS]) == (True, NUMBER - 1)
