"""Whatever people do to the order of a queue, on every store: it is a list, as they think of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robotq.catalog import CommandSpec
from robotq.engine.engine import Engine
from robotq.engine.intake.read_command import Order
from robotq.engine.start import start_engine
from robotq.engine.waiting.positions import WantedPosition
from robotq.model.errors import RobotqError
from robotq.model.task import Command, Task, TaskState
from robotq.store.memory import MemoryStore
from robotq.store.port import Store, TaskQuery
from robotq.store.sqlite.store import SqliteStore
from robotq.system.clocks import VirtualClock
from tests import patience
from tests.engine.bench import CATALOG, BenchDriver, bench_config, bench_factory
from tests.slices import examples

_SPEC = CommandSpec(cmd_type="WORK")

some = st.integers(0, 60)
places = st.one_of(
    st.tuples(st.sampled_from(["before", "after"]), some),
    st.sampled_from([("head", True), ("end", True)]),
    st.tuples(st.just("priority"), st.integers(-10, 10)),
)
priorities = st.integers(-1, 1)
steps = st.one_of(
    st.tuples(st.just("submit"), priorities),
    st.tuples(st.just("batch"), st.lists(priorities, min_size=2, max_size=4)),
    st.tuples(st.just("move"), some, places),
    st.tuples(st.just("move"), some, places),
    st.tuples(st.just("cancel"), some),
    st.tuples(st.just("restart")),
)


class Model:
    """The line as a person sees it: units of one task, or of a batch, with their priority."""

    def __init__(self) -> None:
        self.line: list[tuple[int, list[str]]] = []

    def submit(self, priority: int, task_ids: list[str]) -> None:
        index = sum(other >= priority for other, _ in self.line)
        self.line.insert(index, (priority, task_ids))

    def cancel(self, task_id: str) -> None:
        for _, unit in self.line:
            if task_id in unit:
                unit.remove(task_id)
        self.line = [one for one in self.line if one[1]]

    def move(self, task_id: str, how: str, to: Any) -> None:
        """Everywhere but for `priority`, whose place follows from the arrival."""
        index = next(index for index, (_, unit) in enumerate(self.line) if task_id in unit)
        priority, unit = self.line.pop(index)
        if how in ("before", "after"):
            at = next(at for at, (_, other) in enumerate(self.line) if to in other)
            at += how == "after"
        else:
            at = 0 if how == "head" else len(self.line)
        if at < len(self.line):
            priority = max(priority, self.line[at][0])
        if at:
            priority = min(priority, self.line[at - 1][0])
        self.line.insert(at, (priority, unit))

    def ids(self) -> list[str]:
        return [task_id for _, unit in self.line for task_id in unit]


class Story:
    """One queue that is paused, and what people do to what waits in it."""

    def __init__(self, make_store: Callable[[], Store]) -> None:
        self._make_store = make_store
        self._ids: list[str] = []
        self._model = Model()
        self._edits = 0

    async def start(self) -> None:
        drivers: dict[str, BenchDriver] = {}
        self.engine: Engine = await start_engine(
            bench_config(),
            CATALOG,
            self._make_store(),
            {"bench": bench_factory(drivers)},
            simulated_clock=VirtualClock(),
        )
        self._driver = drivers["robot_a"]

    async def do(self, action: str, *args: Any) -> None:
        await getattr(self, f"_{action}")(*args)
        await self._check()

    async def _accept(self, priorities: list[int], *, batch: bool) -> None:
        orders = [
            Order(
                command=Command(cmd_type="WORK", cmd_id=str(len(self._ids) + number)),
                spec=_SPEC,
                robot="robot_a",
                priority=priority,
            )
            for number, priority in enumerate(priorities)
        ]
        accepted = await self.engine.queue.submit(orders, api="robot", actor="t", batch=batch)
        self._ids += accepted.task_ids
        self._model.submit(max(priorities), list(accepted.task_ids))

    async def _submit(self, priority: int) -> None:
        await self._accept([priority], batch=False)

    async def _batch(self, priorities: list[int]) -> None:
        await self._accept(priorities, batch=True)

    async def _move(self, number: int, place: tuple[str, Any]) -> None:
        how, to = place
        if not self._ids:
            return
        task_id = self._ids[number % len(self._ids)]
        if how in ("before", "after"):
            to = self._ids[to % len(self._ids)]
        before = self._tasks()
        waiting = [task.id for task in before]
        unit = next((unit for _, unit in self._model.line if task_id in unit), [])
        possible = bool(unit) and to not in unit and (not isinstance(to, str) or to in waiting)
        try:
            moved = await self.engine.queue.move(task_id, WantedPosition(**{how: to}), actor="t")
        except RobotqError:
            assert not possible
            return
        assert possible
        assert [task.id for task in moved.tasks] == unit
        changed = self._tasks() != before
        self._edits += changed
        assert self.engine.queue.revision == self._edits
        if how == "priority":
            self._follow(unit, to)
        else:
            self._model.move(task_id, how, to)

    def _follow(self, unit: list[str], priority: int) -> None:
        """Among those of its priority it stands somewhere, and the others stay as they were."""
        others = [one for one in self._model.line if one[1] != unit]
        ids = [task.id for task in self._tasks()]
        at = next(
            (
                at
                for at, (_, other) in enumerate(others)
                if ids.index(other[0]) > ids.index(unit[0])
            ),
            len(others),
        )
        assert all(other >= priority for other, _ in others[:at])
        assert all(other <= priority for other, _ in others[at:])
        self._model.line = [*others[:at], (priority, unit), *others[at:]]

    async def _cancel(self, number: int) -> None:
        if not self._ids:
            return
        task_id = self._ids[number % len(self._ids)]
        if task_id in self._model.ids():
            await self.engine.queue.cancel(task_id, actor="t")
            self._model.cancel(task_id)

    async def _restart(self) -> None:
        await self.engine.shut_down()
        await self.start()

    def _tasks(self) -> list[Task]:
        return list(self.engine.reads.robot_queue("robot_a"))

    async def _check(self) -> None:
        robot_queue = self.engine.reads.robot_queue("robot_a")
        tasks = self._tasks()
        assert [task.id for task in tasks] == self._model.ids()
        wanted = [priority for priority, unit in self._model.line for _ in unit]
        assert [task.priority for task in tasks] == wanted
        assert [robot_queue.position(task) for task in tasks] == list(range(1, len(tasks) + 1))
        assert [task.order for task in tasks] == sorted(task.order for task in tasks)
        counts = self.engine.reads.counts()
        assert (counts.pending, counts.total) == (len(tasks), len(self._ids))
        assert counts.pending + counts.cancelled == counts.total
        for task in tasks:
            assert await self.engine._parts.base.store.get(task.id) == task, (
                "memory and disk differ"
            )

    async def finish(self) -> None:
        """What stands in the line is what is done, in that order."""
        wanted = [task.command.cmd_id for task in self._tasks()]
        await self.engine.resume(None, actor="t")
        async with asyncio.timeout(10):
            while self.engine.reads.unfinished:  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0.001)
        assert self._driver.done == wanted
        tasks = await self.engine.reads.tasks(TaskQuery(limit=10_000))
        assert {task.state for task in tasks} <= {TaskState.COMPLETED, TaskState.CANCELLED}


async def play(story: Story, actions: list[tuple[Any, ...]]) -> None:
    await story.start()
    try:
        await story.engine.pause(None, actor="t")
        for action in actions:
            await story.do(*action)
        await story.finish()
    finally:
        await story.engine.shut_down()


stories = st.lists(steps, min_size=4, max_size=30)
_CHECKS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


def in_memory(actions: list[tuple[Any, ...]]) -> None:
    store = MemoryStore()
    patience.run(play(Story(lambda: store), actions))


def on_disk(actions: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as folder:
        patience.run(play(Story(lambda: SqliteStore(Path(folder))), actions))


@given(actions=stories)
@settings(max_examples=examples(40), suppress_health_check=_CHECKS)
def test_edits__in_any_order_in_memory(actions: list[tuple[Any, ...]]) -> None:
    in_memory(actions)


@pytest.mark.slow
@given(actions=stories)
@settings(max_examples=8, suppress_health_check=_CHECKS)
def test_edits__in_any_order_on_disk(actions: list[tuple[Any, ...]]) -> None:
    on_disk(actions)


@pytest.mark.long
@given(actions=st.lists(steps, min_size=4, max_size=80))
@settings(max_examples=400, suppress_health_check=_CHECKS)
def test_edits__in_any_order__at_length(actions: list[tuple[Any, ...]]) -> None:
    in_memory(actions)


@pytest.mark.long
@given(actions=stories)
@settings(max_examples=examples(60), suppress_health_check=_CHECKS)
def test_edits__in_any_order_on_disk__at_length(actions: list[tuple[Any, ...]]) -> None:
    on_disk(actions)
