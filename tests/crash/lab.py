"""An engine of this process on a real store and the simulator, whose time takes no time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from robotq.catalog import load_catalog
from robotq.config import Config, RobotConfig, WebhooksConfig
from robotq.drivers import simulator
from robotq.drivers.base import DriverFactory
from robotq.engine.engine import Engine
from robotq.engine.intake.idempotency import KeyedRequest
from robotq.engine.start import start_engine
from robotq.model.clock import WallClock
from robotq.model.task import Task
from robotq.store.sqlite.store import SqliteStore

PROGRAMS = Path(__file__).with_name("programs.yaml")
RESOURCES = {"chromatograph": ["CHROMATOGRAPH"]}


@asynccontextmanager
async def working_lab(
    data: Path,
    *robots: str,
    clock: WallClock | None = None,
    faults: Sequence[Mapping[str, Any]] = (),
    webhook_url: str | None = None,
    driver: DriverFactory = simulator.create,
) -> AsyncIterator[Engine]:
    """One run of the engine on a data folder, ended in order."""
    config = Config(
        data=data,
        time_scale=0,
        robots={
            robot: RobotConfig(driver="simulator", options={"faults": faults})
            for robot in robots or ("robot_a",)
        },
        resources=RESOURCES,
        webhooks=WebhooksConfig(url=webhook_url),
    )
    catalog = await asyncio.to_thread(load_catalog, [PROGRAMS])
    drivers = {"simulator": driver}
    engine = await start_engine(config, catalog, SqliteStore(data), drivers, clock=clock)
    try:
        yield engine
    finally:
        await engine.shut_down()


async def submit(
    engine: Engine, cmd_type: str, *, robot: str = "robot_a", key: str | None = None, **params: Any
) -> str:
    """Hand in one command; returns its task id."""
    order = engine.intake.read({"cmd_type": cmd_type, "robot_id": robot, "params": params})
    keyed = None if key is None else KeyedRequest(scope="robot:test", key=key, fingerprint="0")
    accepted = await engine.queue.submit([order], api="robot", actor="test", keyed=keyed)
    return accepted.task_ids[0]


async def drive(engine: Engine, *areas: str, robot: str = "robot_a") -> Sequence[str]:
    """Hand in drives, as one batch where there are several."""
    orders = [
        engine.intake.read({"cmd_type": "NAVIGATION", "robot_id": robot, "params": {"area": area}})
        for area in areas
    ]
    accepted = await engine.queue.submit(orders, api="robot", actor="test", batch=len(orders) > 1)
    return accepted.task_ids


async def ended(engine: Engine, task_id: str) -> Task:
    task = await engine.queue.wait_ended(task_id, 10)
    assert task.state.final, task
    return task


async def started_order(engine: Engine) -> list[str]:
    """Tasks in the order in which they were claimed."""
    events = await engine.reads.events(0, limit=10_000)
    return [event.task_id or "" for event in events if event.kind == "task.claimed"]
