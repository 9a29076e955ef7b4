"""The steps of a robotq of before are moved at the start; whatever comes between loses nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from robotq.model.errors import ConfigError, DataUnavailable
from robotq.model.task import TaskState
from robotq.store.kept import rows
from robotq.store.port import TaskQuery
from robotq.store.sqlite import migrations, moving
from robotq.store.sqlite.migrations import SCHEMA_VERSION
from robotq.store.sqlite.store import SqliteStore

from . import old_tasks
from .records import pending, submit


def _start(folder: Path, rows_at_once: int, kill_after: int | None, pause_s: float) -> list[str]:
    """What a start said until it was killed, a moment after so many portions, or had ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.migrating", str(folder), str(rows_at_once)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ,
    )
    assert process.stdout is not None
    said: list[str] = []
    with process:
        for line in process.stdout:
            said.append(line.split()[0])
            if len(said) == kill_after:
                # into the next transaction
                time.sleep(pause_s)
                process.kill()
    return said


def _looked_at(folder: Path, tasks: int) -> str:
    """Where the move is, after a kill; fails where something is lost."""
    with closing(sqlite3.connect(folder / "robotq.db")) as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        (copied,) = database.execute(
            "SELECT count(*) FROM sqlite_schema WHERE name = 'moving'"
        ).fetchone()
        if version == old_tasks.SCHEMA:
            assert old_tasks.whole_for_the_old(database, tasks)
            return "copying" if copied else "not begun"
        # a kill may come between this move and the migrations behind it
        assert old_tasks.SCHEMA < version <= SCHEMA_VERSION
        (steps,) = database.execute("SELECT count(*) FROM steps").fetchone()
        assert steps == old_tasks.steps_of(tasks)
        return "clearing" if copied else "done"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tasks", "rows_at_once", "kills"),
    [(3_000, 300, 7), pytest.param(1_000_000, 20_000, 20, marks=pytest.mark.long)],
)
@pytest.mark.timeout(900)
def test_kill__at_any_moment_of_the_move_loses_nothing(
    tmp_path: Path, tasks: int, rows_at_once: int, kills: int
) -> None:
    old_tasks.make(tmp_path, tasks)
    moments = random.Random(tasks)
    portions = 2 * -(-tasks // rows_at_once)
    places: list[str] = []
    done = 0
    for kill in range(kills):
        # as many portions before each as are left for all of them
        after = max(1, (portions - done) // (kills - kill))
        done += len(_start(tmp_path, rows_at_once, after, moments.uniform(0, 0.02)))
        places.append(_looked_at(tmp_path, tasks))
    assert _start(tmp_path, rows_at_once, None, 0)[-1] == "open"
    assert {"copying", "clearing"} <= set(places)
    with closing(sqlite3.connect(tmp_path / "robotq.db")) as database:
        assert old_tasks.wrong_after(database, tasks) == {}
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    # no portion was done twice but those that a kill has cut off
    assert done <= portions + 2 * kills


async def test_move__keeps_every_task_as_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "_ROWS", 7)
    file = old_tasks.make(tmp_path, 100)
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TEMP TABLE steps (task, number, step)")
        found = database.execute(f"SELECT {rows.TASK_COLUMNS} FROM tasks ORDER BY seq")
        before = [rows.task_from_row(row) for row in found]
    assert [len(task.steps) for task in before[:4]] == [1, 2, 3, 0]
    store = SqliteStore(tmp_path)
    restored = await store.open(finished=100)
    assert list(restored.finished) == before
    assert await store.list(TaskQuery(limit=100)) == before[::-1]
    await store.close()


class Ended(SqliteStore):
    """A start that somebody ends after so many portions."""

    def __init__(self, data: Path, portions: int) -> None:
        super().__init__(data)
        self._left = portions
        self.start: asyncio.Task[object] | None = None
        self._loop = asyncio.get_running_loop()

    def _unless_closed(self) -> None:
        self._left -= 1
        if self._left == 0:
            assert self.start is not None
            self._loop.call_soon_threadsafe(self.start.cancel)
            # as long as it takes until the start has heard of it
            assert self._closed.wait(10)
        super()._unless_closed()


@pytest.mark.parametrize("portions", [1, 5, 14, 18])
async def test_end__in_the_move_is_soon_and_the_next_start_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portions: int
) -> None:
    """SIGTERM: the start is cancelled, which does not wait for the other half a million."""
    monkeypatch.setattr(moving, "_ROWS", 10)
    old_tasks.make(tmp_path, 100)
    store = Ended(tmp_path, portions)
    store.start = asyncio.create_task(store.open(finished=0))
    with pytest.raises(asyncio.CancelledError):
        await store.start
    place = await asyncio.to_thread(_looked_at, tmp_path, 100)
    assert place == ("copying" if portions < 10 else "clearing")
    again = SqliteStore(tmp_path)
    await again.open(finished=0)
    await again.close()
    with closing(sqlite3.connect(tmp_path / "robotq.db")) as database:
        assert old_tasks.wrong_after(database, 100) == {}


async def test_old_robotq__goes_on_with_a_move_that_is_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full, so the older version was installed again, and later the new one."""
    monkeypatch.setattr(moving, "_ROWS", 10)
    old_tasks.make(tmp_path, 100)
    store = Ended(tmp_path, 5)
    store.start = asyncio.create_task(store.open(finished=0))
    with pytest.raises(asyncio.CancelledError):
        await store.start
    with closing(sqlite3.connect(tmp_path / "robotq.db", isolation_level=None)) as old:
        assert old_tasks.whole_for_the_old(old, 100)
        # it runs a job again under its own id, removes the oldest task, and takes a new one
        rest = '{"actor":"ann","rank":7.0,"params":{},"steps":[{"name":"POUR","state":"completed",'
        rest += '"started_at_ms":1,"duration_s":0.5,"detail":{}}]}'
        changed = old.execute("UPDATE tasks SET rest = ?, revision = 10 WHERE seq = 7", (rest,))
        assert changed.rowcount == 1
        assert old.execute("DELETE FROM tasks WHERE seq = 2").rowcount == 1
        columns = "api, queue, cmd_type, submitted_at_ms, state, revision, unresolved, rest, id"
        old.execute(
            f"INSERT INTO tasks ({columns}) VALUES ('robot', 'robot_a', 'SCAN_QRCODE', 1,"
            " 'pending', 1, 0, ?, 'task_new')",
            (rest,),
        )
    again = SqliteStore(tmp_path)
    restored = await again.open(finished=200)
    found = {task.seq: task for task in (*restored.unfinished, *restored.finished)}
    assert sorted(found) == [1, *range(3, 102)]
    for seq in (7, 101):
        assert [step.name for step in found[seq].steps] == ["POUR"]
    assert all(len(task.steps) == seq % 4 for seq, task in found.items() if seq not in (7, 101))
    kept = await again.read(lambda one: one.execute("SELECT count(*) FROM steps").fetchone())
    assert kept == (sum(len(task.steps) for task in found.values()),)
    await again.close()


async def test_full_disk__in_the_move_is_told_and_the_old_robotq_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "_ROWS", 200)
    file = old_tasks.make(tmp_path, 3_000)
    with closing(sqlite3.connect(file)) as database:
        (pages,) = database.execute("PRAGMA page_count").fetchone()

    class Small(SqliteStore):
        def _connect(self) -> sqlite3.Connection:
            connection = super()._connect()
            connection.execute(f"PRAGMA max_page_count = {pages + 20}")
            return connection

    with pytest.raises(DataUnavailable, match="full"):
        await Small(tmp_path).open(finished=0)
    assert await asyncio.to_thread(_looked_at, tmp_path, 3_000) == "copying"
    store = SqliteStore(tmp_path)
    await store.open(finished=0)
    await store.close()
    with closing(sqlite3.connect(file)) as database:
        assert old_tasks.wrong_after(database, 3_000) == {}


async def test_old_robotq__refuses_what_is_moved_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_tasks.make(tmp_path, 10)
    store = SqliteStore(tmp_path)
    await store.open(finished=0)
    await store.apply(submit(pending(11)))
    await store.close()
    kept = (tmp_path / "robotq.db").read_bytes()
    # what the one of before has for the present schema
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", old_tasks.SCHEMA)
    with pytest.raises(ConfigError, match=r"later robotq \(schema \d+, this one knows up to 5\)"):
        await SqliteStore(tmp_path).open(finished=0)
    assert (tmp_path / "robotq.db").read_bytes() == kept


def test_move__says_in_the_log_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(moving, "_ROWS", 25)
    old_tasks.make(tmp_path, 100)
    file = tmp_path / "robotq.db"
    with (
        closing(sqlite3.connect(file, isolation_level=None)) as database,
        caplog.at_level(logging.WARNING),
    ):
        migrations.migrate(database, tell_s=0.0)
    told = [line for line in caplog.messages if "robots wait" in line]
    assert [line.split(": ")[1].split(" ")[0] for line in told] == [
        "12", "25", "37", "50", "62", "75", "87", "100",
    ]  # fmt: skip


async def test_move__of_a_copy_leaves_what_it_was_copied_from(tmp_path: Path) -> None:
    old_tasks.make(tmp_path / "old", 50)
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    store = SqliteStore(tmp_path / "new")
    await store.open(finished=0)
    (first,) = await store.list(TaskQuery(limit=1, before_seq=2))
    assert (first.state, len(first.steps)) == (TaskState.COMPLETED, 1)
    await store.close()
    with closing(sqlite3.connect(tmp_path / "old" / "robotq.db")) as database:
        assert old_tasks.whole_for_the_old(database, 50)
