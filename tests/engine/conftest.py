"""An engine with bench robots on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from robotq.catalog import Catalog
from robotq.config import Config, LimitsConfig
from robotq.drivers.base import DriverSetup, LinkState
from robotq.engine.engine import Engine
from robotq.engine.intake.idempotency import Accepted
from robotq.engine.intake.read_command import Order
from robotq.engine.start import start_engine
from robotq.engine.timings import Timings
from robotq.model.clock import WallClock
from robotq.model.event import Event
from robotq.model.hold import HoldCode
from robotq.model.task import Task
from robotq.store.memory import MemoryStore
from robotq.system.clocks import VirtualClock
from tests.receiver import Receiver, running_receiver

from .bench import CATALOG, BenchDriver, bench_config, bench_factory
from .disk import Disk, DiskInFolder
from .floor import Floor

PROBE_S = 0.01


@dataclass
class Lab:
    """A running engine and what a test wants of it."""

    engine: Engine
    disk: Disk
    clock: VirtualClock
    drivers: dict[str, BenchDriver] = field(default_factory=dict)

    def set_timings(self, **timings: float) -> None:
        """From now on the engine waits so many seconds."""
        settings = self.engine._parts.base.settings
        settings.timings = replace(settings.timings, **timings)

    @property
    def driver(self) -> BenchDriver:
        return self.drivers["robot_a"]

    # -- commands ------------------------------------------------------------------------------

    def order(self, cmd_id: str, cmd_type: str = "WORK", **params: Any) -> Order:
        """A command as a client sends it; `robot` and `priority` stand outside the params."""
        return self.engine.intake.read(
            {
                "cmd_type": cmd_type,
                "cmd_id": cmd_id,
                "robot_id": params.pop("robot", "robot_a"),
                "priority": params.pop("priority", 0),
                "params": params,
            }
        )

    async def accept(self, orders: Sequence[Order], **how: Any) -> Accepted:
        return await self.engine.queue.submit(orders, api="robot", actor="test", **how)

    async def submit(self, cmd_id: str, cmd_type: str = "WORK", **params: Any) -> str:
        accepted = await self.accept([self.order(cmd_id, cmd_type, **params)])
        return accepted.task_ids[0]

    async def batch(self, *cmd_ids: str, **params: Any) -> Sequence[str]:
        orders = [self.order(cmd_id, **params) for cmd_id in cmd_ids]
        return (await self.accept(orders, batch=True)).task_ids

    async def find(self, task_id: str) -> Task:
        return await self.engine.reads.task(task_id)

    async def ended(self, task_id: str) -> Task:
        task = await self.engine.queue.wait_ended(task_id, 5)
        assert task.state.final, task
        return task

    async def run(self, cmd_id: str, cmd_type: str = "WORK", **params: Any) -> Task:
        return await self.ended(await self.submit(cmd_id, cmd_type, **params))

    async def running(self, task_id: str) -> Task:
        """Wait until the driver has the command."""
        await self.until(lambda: self._in_memory(task_id).steps)
        return self._in_memory(task_id)

    async def at_gate(self, cmd_id: str, robot: str = "robot_a", **params: Any) -> str:
        """Submit a command and wait until it stands at its gate, deaf to everything."""
        task_id = await self.submit(cmd_id, robot=robot, gate=True, **params)
        await self.until(lambda: self.drivers[robot].at_gate)
        await self.running(task_id)
        return task_id

    async def asking(self, task_id: str) -> Task:
        """Wait until the command has asked its question."""
        await self.until(lambda: self._in_memory(task_id).waiting_for)
        return self._in_memory(task_id)

    def _in_memory(self, task_id: str) -> Task:
        task = self.engine.reads.known(task_id)
        assert task is not None
        return task

    # -- what is seen from outside -----------------------------------------------------------

    def holds(self, robot: str = "robot_a") -> set[HoldCode]:
        return {hold.code for hold in self.engine.holds.of(robot)}

    async def held(self, *codes: HoldCode, robot: str = "robot_a") -> None:
        """Wait until exactly these holds are in force."""
        await self.until(lambda: self.holds(robot) == set(codes))

    async def relink(self, robot: str) -> None:
        """The link breaks, and comes back."""
        links = self.engine.holds
        lifted = len(await self.events("hold.lifted"))
        self.drivers[robot].link_changed(LinkState.DISCONNECTED, "cable")
        while len(await self.events("hold.lifted")) == lifted or links.has(  # noqa: ASYNC110 - what is waited for has no event
            robot, HoldCode.DISCONNECTED
        ):
            await asyncio.sleep(0.001)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            # nothing tells of what happens on a driver's thread
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    async def quiet(self) -> None:
        """Give whatever could happen now the time to happen."""
        for _ in range(10):
            await asyncio.sleep(0.001)

    async def events(self, kind: str = "") -> list[Event]:
        events = await self.disk.data.events_since(0, limit=100_000)
        return [event for event in events if event.kind.startswith(kind)]

    # -- the end -----------------------------------------------------------------------------

    async def kill(self) -> MemoryStore:
        """The process dies without a word; returns what is on its disk."""
        self.disk.dead = True
        for robot in self.engine.robots.values():
            for task in robot._tasks:
                task.cancel()
            await asyncio.gather(*robot._tasks, return_exceptions=True)
        await self.engine._background.stop()
        await self.engine.webhooks.stop()
        await self.engine._parts.outage.close()
        await self._close_drivers()
        return self.disk.data

    async def end(self) -> None:
        if not self.disk.dead:
            self.disk.full = None
            self.disk.go_on()
            for driver in self.drivers.values():
                driver.let_go()
            await self.engine.shut_down()

    async def _close_drivers(self) -> None:
        for driver in self.drivers.values():
            driver.let_go()
        await asyncio.gather(*(robot.close() for robot in self.engine.robots.values()))


StartLab = Callable[..., Awaitable[Lab]]


@pytest.fixture
async def start_lab() -> AsyncIterator[StartLab]:
    """Start an engine: `await start_lab("robot_a", ..., data=, clock=, **config)`.

    `made` makes its drivers. Without `connected=False` it returns when the robots can work.
    `unreadable`: single rows cannot be read from the start on.
    """
    labs: list[Lab] = []

    async def start(
        *robots: str,
        data: MemoryStore | None = None,
        clock: WallClock | None = None,
        catalog: Catalog = CATALOG,
        config: Config | None = None,
        connected: bool = True,
        unreadable: bool = False,
        folder: Path | None = None,
        timings: Timings = Timings(),  # noqa: B008 - it never changes
        made: Callable[[DriverSetup], BenchDriver] = BenchDriver,
        **changes: Any,
    ) -> Lab:
        drivers: dict[str, BenchDriver] = {}
        if timings.probe_s == Timings().probe_s:
            timings = replace(timings, probe_s=PROBE_S)
        data = data if data is not None else MemoryStore()
        disk = Disk(data) if folder is None else DiskInFolder(data, folder)
        disk.unreadable = unreadable
        motion = VirtualClock()
        changes.setdefault("limits", LimitsConfig(stop_timeout_s=0.05, shutdown_grace_s=0.05))
        engine = await start_engine(
            config or bench_config(*robots, **changes),
            catalog,
            disk,
            {"bench": bench_factory(drivers, made)},
            clock=clock,
            simulated_clock=motion,
            timings=timings,
        )
        lab = Lab(engine, disk, motion, drivers)
        labs.append(lab)
        if connected:
            await lab.until(
                lambda: not any(HoldCode.DISCONNECTED in lab.holds(name) for name in engine.robots)
            )
        return lab

    yield start
    for lab in labs:
        await lab.end()


@pytest.fixture
async def lab(start_lab: StartLab) -> Lab:
    return await start_lab()


@pytest.fixture
async def floor(start_lab: StartLab) -> Floor:
    floor = Floor(start_lab)
    await floor.start()
    return floor


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as receiver:
        yield receiver
