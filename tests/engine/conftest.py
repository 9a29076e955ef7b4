"""An engine with bench robots on a virtual clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from robotq.config import Config
from robotq.engine.engine import Engine
from robotq.engine.start import start_engine
from robotq.model.clock import VirtualClock
from robotq.model.task import Task
from robotq.store.memory import MemoryStore
from robotq.store.port import Store

from .bench import CATALOG, BenchDriver, bench_config, bench_factory


@dataclass
class Lab:
    """A running engine and what a test wants of it."""

    engine: Engine
    drivers: dict[str, BenchDriver] = field(default_factory=dict)

    async def submit(self, cmd_id: str, robot: str = "robot_a", **params: Any) -> str:
        return await self.submit_command("WORK", cmd_id, robot, **params)

    async def submit_command(
        self, cmd_type: str, cmd_id: str, robot: str = "robot_a", **params: Any
    ) -> str:
        order = self.engine.intake.read(
            {
                "cmd_type": cmd_type,
                "cmd_id": cmd_id,
                "robot_id": robot,
                "priority": params.pop("priority", 0),
                "params": params,
            }
        )
        accepted = await self.engine.queue.submit([order], api="robot", actor="test")
        return accepted.task_ids[0]

    async def ended(self, task_id: str) -> Task:
        task = await self.engine.queue.wait_ended(task_id, 5)
        assert task.state.final, task
        return task

    async def running(self, task_id: str) -> Task:
        """Wait until the driver has the command."""
        with self.engine.bus.subscribe() as events:
            task = await self.engine.queue.find(task_id)
            while not task.steps:
                await anext(events)
                task = await self.engine.queue.find(task_id)
            return task


StartLab = Callable[..., Awaitable[Lab]]


@pytest.fixture
async def start_lab() -> AsyncIterator[StartLab]:
    """Start an engine: `await start_lab("robot_a", ..., store=, **config)`."""
    labs: list[Lab] = []

    async def start(*robots: str, store: Store | None = None, **changes: Any) -> Lab:
        config: Config = bench_config(*robots, **changes)
        drivers: dict[str, BenchDriver] = {}
        engine = await start_engine(
            config,
            CATALOG,
            store or MemoryStore(),
            {"bench": bench_factory(drivers)},
            simulated_clock=VirtualClock(),
        )
        lab = Lab(engine, drivers)
        labs.append(lab)
        return lab

    yield start
    for lab in labs:
        for driver in lab.drivers.values():
            driver.let_go()
        await lab.engine.shut_down()


@pytest.fixture
async def lab(start_lab: StartLab) -> Lab:
    return await start_lab()
