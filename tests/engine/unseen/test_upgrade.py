"""The start that moves the data of an earlier robotq: nothing moves before it is done, and a stop
that comes meanwhile counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from robotq.engine.engine import Engine
from robotq.engine.robot.stop_file import NAME
from robotq.engine.start import start_engine
from robotq.model.hold import HoldCode
from robotq.model.task import Command, TaskState
from robotq.store.kept import rows
from robotq.store.sqlite import moving
from robotq.store.sqlite.store import SqliteStore
from robotq.system.clocks import VirtualClock
from tests.engine.bench import CATALOG, BenchDriver, bench_config, bench_factory
from tests.store import old_tasks
from tests.store.records import pending

_INSERT = """
INSERT INTO tasks (
    api, queue, cmd_type, cmd_id, batch_id, submitted_at_ms, state, revision, ended_at_ms,
    error_code, unresolved, rest, seq, id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

WAITING = pending(41, command=Command(cmd_type="WORK", params={"take_s": 0}, cmd_id="CMD_41"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Data of the robotq of before, with a command that waits."""
    monkeypatch.setattr(moving, "_ROWS", 10)
    file = old_tasks.make(tmp_path, 40)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(_INSERT, rows.task_to_row(WAITING))
        database.execute("INSERT INTO counts VALUES ('robot', 'robot_a', 'pending', 1)")
    return tmp_path


class Moving(SqliteStore):
    def __init__(self, data: Path, meanwhile: Callable[[], None]) -> None:
        super().__init__(data)
        self._meanwhile = meanwhile
        self.portions = 0

    def _unless_closed(self) -> None:
        self.portions += 1
        self._meanwhile()
        super()._unless_closed()


async def _started(store: SqliteStore, drivers: dict[str, BenchDriver]) -> Engine:
    return await start_engine(
        bench_config("robot_a"),
        CATALOG,
        store,
        {"bench": bench_factory(drivers)},
        simulated_clock=VirtualClock(),
    )


async def test_upgrade__no_robot_is_spoken_to_before_the_data_is_moved(folder: Path) -> None:
    drivers: dict[str, BenchDriver] = {}
    seen: list[int] = []
    store = Moving(folder, lambda: seen.append(len(drivers)))
    engine = await _started(store, drivers)
    assert store.portions == 2 * 5
    assert set(seen) == {0}
    task = await engine.queue.wait_ended(WAITING.id, 5)
    assert (task.state, drivers["robot_a"].done) == (TaskState.COMPLETED, ["CMD_41"])
    await engine.shut_down()


async def test_upgrade__a_stop_that_is_latched_meanwhile_holds_the_robots(folder: Path) -> None:
    """Nobody answers on the port; the file in the data folder is the way that is left."""
    drivers: dict[str, BenchDriver] = {}
    latch = '{"robots": {"robot_a": {"actor": "ann", "reason": "a hand in the cell"}}}'

    def stop() -> None:
        (folder / NAME).write_text(latch)

    engine = await _started(Moving(folder, stop), drivers)
    hold = engine.holds.get("robot_a", HoldCode.ESTOP)
    assert hold is not None
    assert hold.actor == "ann"
    await engine.resume(None, actor="bob")
    assert (await engine.reads.task(WAITING.id)).state is TaskState.PENDING
    assert drivers["robot_a"].done == []
    await engine.shut_down()


async def test_daemon__that_ends_before_it_has_begun_moves_nothing(tmp_path: Path) -> None:
    drivers: dict[str, BenchDriver] = {}
    store = SqliteStore(tmp_path)
    engine = await start_engine(
        bench_config("robot_a"), CATALOG, store, {"bench": bench_factory(drivers)}, begin=False
    )
    order = engine.intake.read({"cmd_type": "WORK", "params": {"take_s": 0}})
    accepted = await engine.queue.submit([order], api="robot", actor="ann")
    await engine.shut_down()
    assert drivers["robot_a"].done == []
    again = await _started(SqliteStore(tmp_path), drivers)
    task = await again.queue.wait_ended(accepted.task_ids[0], 5)
    assert task.state is TaskState.COMPLETED
    await again.shut_down()
