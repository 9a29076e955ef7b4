"""The time between the end of one command and the start of the next on one robot."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Options, Samples, ratio_of_medians, spread
from benchmarks.loop import run_loop
from benchmarks.process import empty
from robotq.catalog import Catalog, CommandSpec
from robotq.config import Config, RobotConfig
from robotq.drivers.base import (
    Capabilities,
    CommandContext,
    Driver,
    DriverSetup,
    DriverStatus,
    LinkState,
)
from robotq.engine.engine import Engine
from robotq.engine.start import start_engine
from robotq.model import ids
from robotq.model.event import Event
from robotq.model.json import JsonObject
from robotq.model.task import Command, Task
from robotq.model.transitions import Action, transition
from robotq.store.port import AppendEvent, Mutation, SaveTask
from robotq.store.sqlite.store import SqliteStore

TITLE = "end of a no-op command to the start of the next, against one durable commit"

_ROBOT = "robot_a"
_PARTS = 10
"""Turns in one round."""
_seqs = count(10_000_000)
"""Numbers of arrival far beyond those that the engine gives in a run."""


def run(options: Options) -> list[Figure]:
    """The gap of the engine in this process, on a durable store."""
    return run_loop(_measure(options))


class NoOpDriver:
    """Does nothing, and remembers when."""

    capabilities = Capabilities(simulated=True, stop_out_of_band=True, position_survives_stop=True)

    def __init__(self) -> None:
        self.started: list[float] = []
        self.ended: list[float] = []

    def connect(self) -> None:
        pass

    def execute(self, command: Command, context: CommandContext) -> JsonObject:  # noqa: ARG002
        self.started.append(time.perf_counter())
        result: JsonObject = {}
        self.ended.append(time.perf_counter())
        return result

    def immediate(self, command: Command) -> JsonObject:  # noqa: ARG002
        return {}

    def hold(self) -> None:
        pass

    def resume(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def emergency_stop(self) -> None:
        pass

    def reset(self) -> None:
        pass

    def status(self) -> DriverStatus:
        return DriverStatus(link=LinkState.CONNECTED)

    def prepare_reload(self, options: Mapping[str, Any]) -> Callable[[], None]:  # noqa: ARG002
        return lambda: None

    def close(self) -> None:
        pass


async def start_no_op_engine(data: Path) -> tuple[Engine, NoOpDriver]:
    """An engine on the durable store in `data`, with one robot that does nothing."""
    driver = NoOpDriver()

    def make(_setup: DriverSetup) -> Driver:
        return driver

    config = Config(data=data, robots={_ROBOT: RobotConfig(driver="noop")})
    catalog = Catalog([CommandSpec(cmd_type="NOOP")])
    return await start_engine(config, catalog, SqliteStore(data), {"noop": make}), driver


async def _measure(options: Options) -> list[Figure]:
    data = empty(options.folder / "gap")
    engine, driver = await start_no_op_engine(data)
    gaps, same, small, bare, rates = Samples(), Samples(), Samples(), Samples(), []
    calls = max(2, options.calls // _PARTS)
    try:
        # short turns: what disturbs one of them then disturbs all four alike
        for _ in range(options.rounds * _PARTS):
            bare.add(await asyncio.to_thread(_bare_commits, data / "bare.db", calls))
            small.add(await _small_commits(engine, calls))
            same.add(await _same_commits(engine, calls))
            round_gaps, rate = await _drain(engine, driver, calls)
            gaps.add(round_gaps)
            rates.append(rate)
    finally:
        await engine.shut_down()
    return [
        Figure(
            name="gap.commits",
            value=ratio_of_medians(gaps, same),
            target=2.0,
            raw=f"gap {gaps.text()}, durable commit of one end and one claim {same.text()}, "
            f"{spread(gaps, same)}",
        ),
        Figure(
            name="gap.small_commits",
            value=ratio_of_medians(gaps, small),
            raw=f"durable commit of one journal row {small.text()}, {spread(gaps, small)}",
        ),
        Figure(
            name="gap.bare_commits",
            value=ratio_of_medians(gaps, bare),
            raw=f"one row, sqlite3 alone in one thread {bare.text()}, {spread(gaps, bare)}",
        ),
        Figure(
            name="gap.drain",
            value=statistics.median(rates),
            unit="per s",
            higher_is_better=True,
            raw="no-op commands from start to end, each durable at both",
        ),
    ]


def _bare_commits(file: Path, calls: int) -> list[float]:
    """One row, one commit, one thread, nothing in between: what the disk allows."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS rows (text TEXT)")
    seconds = []
    for _ in range(calls):
        began = time.perf_counter()
        connection.execute("INSERT INTO rows VALUES ('one row')")
        seconds.append(time.perf_counter() - began)
    connection.close()
    return seconds


async def _small_commits(engine: Engine, calls: int) -> list[float]:
    event = Event(kind="bench", at_ms=engine.clock.now_ms(), actor="bench")
    return [await _timed_commit(engine, [AppendEvent(event)]) for _ in range(calls)]


async def _same_commits(engine: Engine, calls: int) -> list[float]:
    """What is written between two commands, without an engine or a driver around it: the end
    of one task and the claim of the next, with their rows in the journal."""
    now_ms = engine.clock.now_ms()
    waiting = [_task(now_ms, number) for number in range(calls + 1)]
    await engine._parts.base.store.apply([SaveTask(task, None) for task in waiting])
    running = transition(waiting[0], Action.CLAIM, started_at_ms=now_ms)
    await engine._parts.base.store.apply(_saving(waiting[0], running))
    seconds = []
    for task in waiting[1:]:
        ended = transition(
            running, Action.COMPLETE, fence=running.fence, ended_at_ms=now_ms, result={}
        )
        claimed = transition(task, Action.CLAIM, started_at_ms=now_ms)
        mutations = [*_saving(running, ended), *_saving(task, claimed)]
        seconds.append(await _timed_commit(engine, mutations))
        running = claimed
    ended = transition(running, Action.COMPLETE, fence=running.fence, ended_at_ms=now_ms)
    await engine._parts.base.store.apply(_saving(running, ended))
    return seconds


async def _timed_commit(engine: Engine, mutations: Sequence[Mutation]) -> float:
    began = time.perf_counter()
    await engine._parts.base.store.apply(mutations)
    return time.perf_counter() - began


def _task(now_ms: int, number: int) -> Task:
    """A waiting task of a robot that the engine does not know."""
    seq = next(_seqs)
    return Task(
        id=ids.task_id(now_ms, seq),
        seq=seq,
        api="robot",
        queue="nobody",
        command=Command(cmd_type="NOOP", cmd_id=f"bench_{number}"),
        actor="bench",
        submitted_at_ms=now_ms,
        rank=float(seq),
    )


def _saving(before: Task, after: Task) -> list[Mutation]:
    event = Event(
        kind="bench",
        at_ms=after.submitted_at_ms,
        actor="bench",
        api=after.api,
        robot=after.queue,
        task_id=after.id,
        before=before.state.value,
        after=after.state.value,
        data={"cmd_type": after.command.cmd_type},
    )
    return [SaveTask(after, before), AppendEvent(event)]


async def _drain(
    engine: Engine, driver: NoOpDriver, commands: int
) -> tuple[Sequence[float], float]:
    """The gaps between so many waiting commands, and how many a second were done."""
    driver.started.clear()
    driver.ended.clear()
    await engine.pause(_ROBOT, actor="bench")
    order = engine.intake.read({"cmd_type": "NOOP"})
    accepted = await engine.queue.submit(
        [order] * commands, api="robot", actor="bench", batch=True, contiguous=False
    )
    await engine.resume(_ROBOT, actor="bench")
    began = time.perf_counter()
    last = await engine.queue.wait_ended(accepted.task_ids[-1], 600)
    assert last.state.final
    rate = commands / (time.perf_counter() - began)
    pairs = zip(driver.ended[:-1], driver.started[1:], strict=True)
    return [start - end for end, start in pairs], rate
