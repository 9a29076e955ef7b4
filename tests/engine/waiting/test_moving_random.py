"""Commands that are given from robot to robot: none is lost, doubled, or counted twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robotq.engine.engine import Engine
from robotq.engine.intake.read_command import Order
from robotq.engine.start import start_engine
from robotq.model.errors import RobotqError
from robotq.model.task import Command
from robotq.store.memory import MemoryStore
from robotq.store.port import Store
from robotq.store.sqlite.store import SqliteStore
from robotq.system.clocks import VirtualClock
from tests import patience
from tests.engine.bench import CATALOG, BenchDriver, bench_config, bench_factory
from tests.slices import examples

ROBOTS = ("robot_a", "robot_b")

robots = st.sampled_from(ROBOTS)
priorities = st.integers(-1, 1)
some = st.integers(0, 60)
steps = st.one_of(
    st.tuples(st.just("submit"), robots, st.lists(priorities, min_size=1, max_size=3)),
    st.tuples(st.just("give"), some, robots),
    st.tuples(st.just("give"), some, robots),
    st.tuples(st.just("cancel"), some),
    st.tuples(st.just("restart"), st.sampled_from([ROBOTS, ("robot_a",)])),
)
_CHECKS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


class Story:
    """Two queues that are paused; a restart may leave one robot out of the configuration."""

    def __init__(self, make_store: Callable[[], Store]) -> None:
        self._make_store = make_store
        self._ids: list[str] = []
        self._lines: dict[str, list[tuple[int, list[str]]]] = {name: [] for name in ROBOTS}

    async def start(self, *configured: str) -> None:
        self._configured = configured
        self._drivers: dict[str, BenchDriver] = {}
        self.engine: Engine = await start_engine(
            bench_config(*configured),
            CATALOG,
            self._make_store(),
            {"bench": bench_factory(self._drivers)},
            simulated_clock=VirtualClock(),
        )

    async def do(self, action: str, *args: Any) -> None:
        await getattr(self, f"_{action}")(*args)
        async with asyncio.timeout(5):
            # the end of the last one there is written before its queue is over
            while set(self.engine.queue_names) != {*self._configured, *self._left()}:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        self._check()

    def _left(self) -> set[str]:
        return {robot for robot, line in self._lines.items() if line}

    async def _submit(self, robot: str, levels: list[int]) -> None:
        if robot not in self._configured:
            return
        orders = [
            Order(
                command=Command(
                    cmd_type="WORK",
                    cmd_id=str(len(self._ids) + number),
                    params={"robot_id": robot},
                ),
                spec=CATALOG.get("WORK"),
                robot=robot,
                priority=priority,
            )
            for number, priority in enumerate(levels)
        ]
        batch = len(orders) > 1
        accepted = await self.engine.queue.submit(orders, api="robot", actor="t", batch=batch)
        self._ids += accepted.task_ids
        self._arrive(robot, max(levels), list(accepted.task_ids))

    def _arrive(self, robot: str, priority: int, unit: list[str]) -> None:
        line = self._lines[robot]
        line.insert(sum(other >= priority for other, _ in line), (priority, unit))

    def _unit(self, task_id: str) -> tuple[str, int, list[str]] | None:
        for robot, line in self._lines.items():
            for priority, unit in line:
                if task_id in unit:
                    return robot, priority, unit
        return None

    async def _give(self, number: int, robot: str) -> None:
        if not self._ids:
            return
        task_id = self._ids[number % len(self._ids)]
        found = self._unit(task_id)
        try:
            moved = await self.engine.move_to(task_id, robot, actor="t")
        except RobotqError:
            assert found is None or robot not in self._configured
            return
        assert found is not None
        was, priority, unit = found
        assert [task.id for task in moved.tasks] == unit
        assert {task.command.params["robot_id"] for task in moved.tasks} == {robot}
        if was != robot:
            self._lines[was].remove((priority, unit))
            self._arrive(robot, priority, unit)

    async def _cancel(self, number: int) -> None:
        if self._ids and (found := self._unit(self._ids[number % len(self._ids)])) is not None:
            robot, _, unit = found
            task_id = self._ids[number % len(self._ids)]
            await self.engine.queue.cancel(task_id, actor="t")
            unit.remove(task_id)
            self._lines[robot] = [one for one in self._lines[robot] if one[1]]

    async def _restart(self, configured: tuple[str, ...]) -> None:
        await self.engine.shut_down()
        await self.start(*configured)
        await self.engine.pause(None, actor="t")

    def _check(self) -> None:
        memory = self.engine._parts.base.memory
        for robot, line in self._lines.items():
            wanted = [task_id for _, unit in line for task_id in unit]
            assert [task.id for task in memory.robot_queue(robot)] == wanted
            assert memory.counts(queue=robot).pending == len(wanted)
        counts = memory.counts()
        assert (counts.total, counts.queue_size) == (len(self._ids), memory.unfinished)

    async def finish(self) -> None:
        await self._restart(ROBOTS)
        wanted = {
            robot: [task.command.cmd_id for task in self.engine.reads.robot_queue(robot)]
            for robot in ROBOTS
        }
        await self.engine.resume(None, actor="t")
        async with asyncio.timeout(10):
            while self.engine.reads.unfinished:  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0.001)
        assert {name: driver.done for name, driver in self._drivers.items()} == wanted


async def play(story: Story, actions: list[tuple[Any, ...]]) -> None:
    await story.start(*ROBOTS)
    try:
        await story.engine.pause(None, actor="t")
        for action in actions:
            await story.do(*action)
        await story.finish()
    finally:
        await story.engine.shut_down()


@given(actions=st.lists(steps, min_size=4, max_size=30))
@settings(max_examples=examples(30), suppress_health_check=_CHECKS)
def test_moves__in_any_order_in_memory(actions: list[tuple[Any, ...]]) -> None:
    store = MemoryStore()
    patience.run(play(Story(lambda: store), actions))


@pytest.mark.slow
@given(actions=st.lists(steps, min_size=4, max_size=30))
@settings(max_examples=6, suppress_health_check=_CHECKS)
def test_moves__in_any_order_on_disk(actions: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as folder:
        patience.run(play(Story(lambda: SqliteStore(Path(folder))), actions))
