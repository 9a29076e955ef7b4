"""A jsonline device with a simulated robot in it, and the daemon's engine at the other end."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from robotq.catalog import Catalog, load_catalog
from robotq.config import Config, LimitsConfig, RobotConfig, StoreConfig
from robotq.drivers import simulator
from robotq.drivers.base import Driver, DriverSetup
from robotq.drivers.jsonline.device import Device, DeviceOptions
from robotq.drivers.jsonline.device.command import DeviceCommand
from robotq.drivers.jsonline.device.kept import Kept
from robotq.drivers.registry import driver_factories
from robotq.engine.engine import Engine
from robotq.engine.start import start_engine
from robotq.model.clock import MotionClock
from robotq.model.hold import HoldCode
from robotq.model.task import Command, Task
from robotq.store.memory import MemoryStore
from robotq.system.clocks import ScaledClock, VirtualClock
from tests.drivers.jsonline.wire import Wire
from tests.patience import look_again_s

QUICK = {"hello_s": 1.0, "repeat_s": 0.05, "answer_s": 2.0, "heartbeat_s": 0.2, "silence_s": 0.8}
"""A host that loses patience sooner than one would in a laboratory."""


class _Board:
    """The port as one life of the device sees it: after a power cut it says nothing more."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.powered = True

    def read(self) -> bytes:
        return self._wire.read()

    def write(self, data: bytes) -> bool:
        return self.powered and self._wire.write(data)


class Machine:
    """One device; its lab and its log of motions outlive its power."""

    def __init__(
        self,
        folder: Path,
        *,
        scale: float = 0.0,
        lab: Path | None = None,
        driver: Callable[[MotionClock], Driver] | None = None,
        **options: Any,
    ) -> None:
        self.wire = Wire(folder / "ports")
        self._folder = folder / "device"
        self._scale = scale
        self._lab = lab
        self._make = driver or self._simulated
        self._options = DeviceOptions(name="robot_a", **{"beat_s": 0.1, **options})
        self.on()

    def on(self) -> None:
        clock: MotionClock = ScaledClock(self._scale) if self._scale else VirtualClock()
        self._driver = self._make(clock)
        self._board = _Board(self.wire)
        self.device = Device(self._driver, self._board, clock, self._options)
        self._serving = threading.Thread(target=self.device.serve, name="device")
        self._serving.start()

    def off(self) -> None:
        """The power is cut: the motion ends where it is, and nothing is told."""
        self._board.powered = False
        # nothing is written any more either
        self.device._commands._kept = Kept(self._options.remembers)
        self.wire.end()
        self._serving.join(5)
        self._driver.close()
        self.wire.again()

    def reboot(self) -> None:
        self.off()
        self.on()

    def off_and_away(self) -> None:
        """Unplugged together with its power, as a board that lives on USB."""
        self._board.powered = False
        self.wire.unplug()
        self.off()

    def back(self) -> None:
        self.wire.plug()
        self.on()

    def close(self) -> None:
        self.off()
        self.wire.close()

    def motions(self, task_id: str | None = None) -> list[str]:
        """What has moved, in order, for one task or for all: the judge."""
        log = self._folder / "simulator" / "motions.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        return [
            f"{line['step']}: {line['motion']}"
            for line in lines
            if task_id in (None, line["task_id"])
        ]

    def carry_out(self, cmd_type: str) -> None:
        """Let the robot do a command without any wire."""
        context = DeviceCommand("x", "task_x", 1, clock=VirtualClock(), changed=lambda _: None)
        self._driver.execute(Command(cmd_type=cmd_type), context)

    def _simulated(self, clock: MotionClock) -> Driver:
        return simulator.create(
            DriverSetup(
                robot="robot_a",
                options={} if self._lab is None else {"lab": str(self._lab)},
                data=self._folder,
                clock=clock,
                link_changed=lambda *_: None,
                shared={},
            )
        )


class Site:
    """The engine, and what a test wants of it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def submit(self, cmd_type: str = "SCAN_QRCODE", **params: Any) -> str:
        order = self.engine.intake.read({"cmd_type": cmd_type, "params": params})
        accepted = await self.engine.queue.submit([order], api="robot", actor="test")
        return accepted.task_ids[0]

    async def ended(self, task_id: str, timeout_s: float = 20.0) -> Task:
        task = await self.engine.queue.wait_ended(task_id, timeout_s)
        assert task.state.final, task
        return task

    async def run(self, cmd_type: str = "SCAN_QRCODE", **params: Any) -> Task:
        return await self.ended(await self.submit(cmd_type, **params))

    def in_memory(self, task_id: str) -> Task:
        task = self.engine.reads.known(task_id)
        assert task is not None
        return task

    async def in_step(self, task_id: str, name: str) -> None:
        await self.until(lambda: name in [step.name for step in self.in_memory(task_id).steps])

    def holds(self) -> set[HoldCode]:
        return {hold.code for hold in self.engine.holds.of("robot_a")}

    async def held(self, *codes: HoldCode) -> None:
        await self.until(lambda: self.holds() == set(codes))

    async def until(self, condition: Callable[[], object], timeout_s: float = 10.0) -> None:
        began = time.monotonic()
        async with asyncio.timeout(timeout_s):
            # nothing tells of another thread's doings
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(look_again_s(began))


@asynccontextmanager
async def site(
    port: str,
    data: Path,
    *,
    catalog: Catalog | None = None,
    connected: bool = True,
    **options: Any,
) -> AsyncIterator[Site]:
    """An engine with one jsonline robot at `port`."""
    config = Config(
        data=data,
        store=StoreConfig(own="memory"),
        default_robot="robot_a",
        robots={
            "robot_a": RobotConfig(
                driver="jsonline", options={"port": port, **QUICK, **options}, reconnect_s=0.5
            )
        },
        limits=LimitsConfig(stop_timeout_s=5, shutdown_grace_s=0.1),
    )
    specs = await asyncio.to_thread(_packaged) if catalog is None else catalog
    factories = await asyncio.to_thread(driver_factories)
    engine = await start_engine(config, specs, MemoryStore(), factories)
    here = Site(engine)
    try:
        if connected:
            await here.held()
        yield here
    finally:
        await engine.shut_down()


@cache
def _packaged() -> Catalog:
    return load_catalog([])
