"""A gantry and an arm with the ready configurations, from a client's request to the last line."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

from robotq.api.access.keys import KeyFile
from robotq.api.app import make_app
from robotq.catalog import load_catalog
from robotq.config import Config, load_config
from robotq.config.schema import LimitsConfig
from robotq.drivers import grbl, marlin
from robotq.engine.engine import Engine
from robotq.engine.start import start_engine
from robotq.engine.timings import Timings
from robotq.model.hold import HoldCode
from robotq.store.memory import MemoryStore
from robotq.store.port import Store
from robotq.testing.emulators import GrblEmulator, Habits, MarlinEmulator, ScannerEmulator
from robotq.testing.emulators.device import Device
from tests.drivers.gcode.bench import square
from tests.patience import look_again_s
from tests.slices import some

READY = Path(__file__).parents[3] / "config"
SCAN: Mapping[str, Any] = {"cmd_id": "SCAN_QRCODE_001", "cmd_type": "SCAN_QRCODE",
        "params": {"run_times": "continue", "timeout": 0.3}}  # fmt: skip
Machine: TypeAlias = GrblEmulator | MarlinEmulator
DRIVERS = {"grbl": grbl.create, "marlin": marlin.create}


class Site:
    """A daemon without its process, as its clients see it."""

    def __init__(self, engine: Engine, client: TestClient[Any, Any]) -> None:
        self.engine = engine
        self._client = client

    @property
    def client(self) -> TestClient[Any, Any]:
        return self._client

    async def post(self, path: str, body: Any = None) -> Any:
        # a large one, as bytes, would hold up the loop of the client
        data = None if body is None else io.BytesIO(orjson.dumps(body))
        async with self._client.post(path, data=data) as response:
            return orjson.loads(await response.read())

    async def get(self, path: str) -> Any:
        async with self._client.get(path) as response:
            return orjson.loads(await response.read())

    async def submit(self, cmd_type: str, **params: Any) -> str:
        answer = await self.post("/", {"cmd_type": cmd_type, "params": params})
        task_id: str = answer["task_id"]
        return task_id

    async def ended(self, task_id: str) -> Any:
        task = None
        for _ in range(6):
            task = await self.get(f"/task/{task_id}?wait=10")
            if task["status"] in ("completed", "failed", "cancelled"):
                return task
        raise AssertionError(task)

    async def do(self, cmd_type: str, **params: Any) -> Any:
        task = await self.ended(await self.submit(cmd_type, **params))
        assert task["status"] == "completed", task
        return task

    async def waits_for_scanner(self) -> str:
        """Hand a scan in, and wait until it waits for its scanner."""
        task_id = await self.submit("SCAN_QRCODE", **SCAN["params"])
        async with asyncio.timeout(10):
            while "wait_for_scanner" not in str(await self.get(f"/task/{task_id}")):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return task_id

    async def until(self, condition: Any) -> None:
        began = time.monotonic()
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(look_again_s(began))

    def holds(self, robot: str) -> set[HoldCode]:
        return {hold.code for hold in self.engine.holds.all() if hold.robot == robot}


def site_config(name: str, folder: Path, wait_s: float = 0) -> Config:
    """A ready configuration with the ports of this test in it."""
    config = load_config(READY / f"{name}.yaml", {}, {"data": str(folder / "data")})
    robots = {}
    for robot, given in config.robots.items():
        own = {"port": f"{folder}/scanner", "wait_s": wait_s}
        scanner = {**given.options["scanner"], **own}
        options = {**given.options, "port": f"{folder}/tty*", "scanner": scanner}
        robots[robot] = replace(given, options=options, on_start="resume", reconnect_s=0.05)
    return replace(config, robots=robots)


@asynccontextmanager
async def site(
    name: str,
    folder: Path,
    *,
    held: bool = False,
    wait_s: float = 0,
    timings: Timings = Timings(),  # noqa: B008 - it never changes
    store: Store | None = None,
    limits: LimitsConfig | None = None,
) -> AsyncIterator[Site]:
    """`held`: something at the robot holds its queue when the daemon starts. `wait_s`: so long a
    command waits for its scanner."""
    config = await asyncio.to_thread(site_config, name, folder, wait_s)
    config = replace(config, limits=limits or config.limits)
    catalog = await asyncio.to_thread(load_catalog, config.commands)
    engine = await start_engine(config, catalog, store or MemoryStore(), DRIVERS, timings=timings)
    keys = await asyncio.to_thread(KeyFile, config.data)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.shut_down)
        app = make_app(engine, keys=keys)
        client = await stack.enter_async_context(TestClient(TestServer(app, access_log=None)))
        made = Site(engine, client)
        if not held:
            await made.until(lambda: not engine.holds.all())
        yield made


def device(name: str, folder: Path, speed: float) -> Machine:
    if name == "grbl-gantry":
        return GrblEmulator(folder / "ttyUSB0", homing=True, speed=speed)
    return MarlinEmulator(folder / "ttyUSB0", speed=speed)


@asynccontextmanager
async def plugged(machine: Machine, *others: Device) -> AsyncIterator[Machine]:
    """The machine and what else belongs to it are there inside the block."""
    devices: Sequence[Device] = (machine, *others)
    with ExitStack() as stack:
        for each in devices:
            await asyncio.to_thread(stack.enter_context, each)
        stack.pop_all()
    try:
        yield machine
    finally:
        for each in devices:
            await asyncio.to_thread(each.__exit__)


@pytest.mark.slow
@pytest.mark.parametrize("name", some(["grbl-gantry", "marlin-arm"], 1))
async def test_scan_pick_up_and_put_to__without_a_line_of_python(name: str, tmp_path: Path) -> None:
    scanner = ScannerEmulator(tmp_path / "scanner", ["bottle_001", None, "bottle_003"])
    async with plugged(device(name, tmp_path, speed=100), scanner), site(name, tmp_path) as lab:
        await lab.do("HOME")
        scan = await lab.submit("SCAN_QRCODE", **SCAN["params"])
        await lab.until(lambda: any(r.executor.asks_for(None) for r in lab.engine.robots.values()))
        await lab.post("/", {
            "cmd_type": "SCAN_QRCODE_ENTER_ID",
            "params": {"bottle_id": "bottle_002", "type": "glass_bottle_500"},
        })  # fmt: skip
        task = await lab.ended(scan)
        assert task["status"] == "completed", task
        bottles = task["result"]["bottles"]
        assert [bottle["bottle_id"] for bottle in bottles] == [
            "bottle_001", "bottle_002", "bottle_003",
        ]  # fmt: skip
        assert "WAITING_ID_INPUT" in str(task["completed_steps"])
        await lab.do("PICK_UP", target_params=[{"bottle_id": "bottle_002"}])
        put = {"bottle_id": "bottle_002", "release_pose": "CHROMATOGRAPH_001"}
        await lab.do("PUT_TO", release_params=[put])
        gone = await lab.ended(
            await lab.submit("PICK_UP", target_params=[{"bottle_id": "bottle_999"}])
        )
        assert gone["status"] == "failed"
        assert "scan it first" in str(gone)


@pytest.mark.parametrize("name", some(["marlin-arm", "grbl-gantry"], 1))
async def test_scan__without_a_scanner_is_refused_before_a_bottle_is_taken(
    name: str, tmp_path: Path
) -> None:
    async with plugged(device(name, tmp_path, speed=100)) as machine, site(name, tmp_path) as lab:
        await lab.do("HOME")
        (robot,) = (await lab.get("/robots"))["robots"]
        assert robot["details"]["scanner"]["connected"] is False
        assert "it is not there" in robot["details"]["scanner"]["reason"]
        moved = len(machine.axes.moved)
        task = await lab.ended(await lab.submit("SCAN_QRCODE", **SCAN["params"]))
        assert task["status"] == "failed"
        assert task["error"]["error_code"] == "scanner_absent"
        assert len(machine.axes.moved) == moved


@pytest.mark.parametrize("name", some(["grbl-gantry", "marlin-arm"], 1))
async def test_scan__waits_for_its_scanner_before_a_bottle_is_taken(
    name: str, tmp_path: Path
) -> None:
    scanner = ScannerEmulator(tmp_path / "scanner", ["bottle_001", "bottle_002", "bottle_003"])
    async with (
        plugged(device(name, tmp_path, speed=100)) as machine,
        site(name, tmp_path, wait_s=60) as lab,
    ):
        await lab.do("HOME")
        moved = len(machine.axes.moved)
        cancelled = await lab.waits_for_scanner()
        await lab.post(f"/task/{cancelled}/cancel")
        task = await lab.ended(cancelled)
        assert task["error"]["error_code"] == "cancelled", task
        scan = await lab.waits_for_scanner()
        assert len(machine.axes.moved) == moved
        await asyncio.to_thread(scanner.__enter__)
        try:
            task = await lab.ended(scan)
        finally:
            await asyncio.to_thread(scanner.__exit__)
        assert task["status"] == "completed", task


@pytest.mark.parametrize("name", some(["marlin-arm", "grbl-gantry"], 1))
async def test_scan__a_scanner_that_says_noread_and_codes_as_long_as_they_get(
    name: str, tmp_path: Path
) -> None:
    long = "0123456789ABCDEFGHIJKLMN" * 179
    habits = Habits(no_read=b"NOREAD", end=b"\r", again_s=0.03)
    scanner = ScannerEmulator(tmp_path / "scanner", [long, None, "A\x1dB"], habits=habits)
    async with plugged(device(name, tmp_path, speed=100), scanner), site(name, tmp_path) as lab:
        await lab.do("HOME")
        scan = await lab.submit("SCAN_QRCODE", **SCAN["params"])
        await lab.until(lambda: any(r.executor.asks_for(None) for r in lab.engine.robots.values()))
        answer = {"bottle_id": "bottle_002"}
        await lab.post("/", {"cmd_type": "SCAN_QRCODE_ENTER_ID", "params": answer})
        task = await lab.ended(scan)
        assert task["status"] == "completed", task
        found = [bottle["bottle_id"] for bottle in task["result"]["bottles"]]
        assert found == [long, "bottle_002", "A\x1dB"]


@pytest.mark.parametrize("name", some(["grbl-gantry", "marlin-arm"], 1))
async def test_emergency_stop__while_a_program_streams(name: str, tmp_path: Path) -> None:
    async with (
        plugged(device(name, tmp_path, speed=20)) as machine,
        site(name, tmp_path) as lab,
    ):
        await lab.do("HOME")
        task_id = await lab.submit("RUN_GCODE", program="\n".join(square(3000)))
        await lab.until(lambda: len(machine.axes.moved) > 30)
        await lab.post("/estop")
        task = await lab.ended(task_id)
        assert task["status"] == "failed"
        assert "stopped" in str(task["error"])
        moved = len(machine.axes.moved)
        waiting = await lab.submit("MOVE", x=1, y=1)
        await lab.post("/estop/reset")
        assert (await lab.get(f"/task/{waiting}"))["status"] == "pending"
        assert len(machine.axes.moved) == moved, "a reset starts no motion"


async def test_unplugged__holds_the_queue_and_another_name_restores_the_link(
    tmp_path: Path,
) -> None:
    async with (
        plugged(device("grbl-gantry", tmp_path, speed=1)) as machine,
        site("grbl-gantry", tmp_path) as lab,
    ):
        await lab.do("HOME")
        task_id = await lab.submit("RUN_GCODE", program="\n".join(square(300, feed=600)))
        waiting = await lab.submit("MOVE", x=1, y=1)
        await lab.until(lambda: len(machine.axes.moved) > 1)
        await asyncio.to_thread(machine.unplug)
        task = await lab.ended(task_id)
        assert "outcome_unknown" in str(task["error"])
        assert {HoldCode.OUTCOME_UNKNOWN, HoldCode.DISCONNECTED} <= lab.holds("gantry")
        await asyncio.to_thread(machine.replug, tmp_path / "ttyUSB7")
        async with asyncio.timeout(2):
            await lab.until(lambda: HoldCode.DISCONNECTED not in lab.holds("gantry"))
        assert HoldCode.OUTCOME_UNKNOWN in lab.holds("gantry")
        assert (await lab.get(f"/task/{waiting}"))["status"] == "pending"


async def test_cancel__while_a_program_streams_and_the_next_command_runs(tmp_path: Path) -> None:
    async with (
        plugged(device("grbl-gantry", tmp_path, speed=20)) as machine,
        site("grbl-gantry", tmp_path) as lab,
    ):
        await lab.do("HOME")
        task_id = await lab.submit("RUN_GCODE", program="\n".join(square(3000)))
        await lab.until(lambda: len(machine.axes.moved) > 30)
        await lab.post(f"/task/{task_id}/cancel")
        assert (await lab.ended(task_id))["status"] in ("cancelled", "failed")
        await lab.do("MOVE", x=3, y=4)
        assert machine.axes.position[:2] == (3, 4)


@pytest.mark.slow
@pytest.mark.parametrize("name", some(["marlin-arm", "grbl-gantry"], 1))
async def test_pause_in_a_program__holds_the_queue_until_somebody_resumes(
    name: str, tmp_path: Path
) -> None:
    async with plugged(device(name, tmp_path, speed=100)) as machine, site(name, tmp_path) as lab:
        await lab.do("HOME")
        (robot,) = lab.engine.robots
        lines = ["G1 X1 F6000", "M0", "G1 X2 F6000"]
        task_id = await lab.submit("RUN_GCODE", program="\n".join(lines))
        await lab.until(lambda: lab.holds(robot) == {HoldCode.MOTION_HELD})
        (hold,) = (await lab.get("/queue/status"))["holds"]
        assert (hold["actor"], hold["task_id"]) == (robot, task_id)
        assert "M0" in hold["reason"]
        assert hold["motion"] == {"by_robot": True, "state": "held", "planned_moves": 0}
        (shown,) = (await lab.get("/robots"))["robots"]
        assert (shown["motion_held"], shown["motion_state"]) == (True, "held")
        assert machine.axes.position[0] == 1.0
        resumed = await lab.post(hold["clear"]["path"], hold["clear"]["body"])
        assert resumed["success"] is True, resumed
        assert resumed["holds"] == []
        assert (await lab.ended(task_id))["status"] == "completed"
        assert machine.axes.position[0] == 2.0


async def test_arm_that_waits_for_a_person_when_the_daemon_starts__is_told_and_resumed(
    tmp_path: Path,
) -> None:
    arm = MarlinEmulator(tmp_path / "ttyUSB0", speed=100, busy_s=0.2)
    async with plugged(arm):
        await asyncio.to_thread(arm.given, "M0")
        async with site("marlin-arm", tmp_path, held=True) as lab:
            (robot,) = lab.engine.robots
            await lab.until(lambda: lab.holds(robot) == {HoldCode.MOTION_HELD})
            home = await lab.submit("HOME")
            (held,) = (await lab.get("/queue/status"))["holds"]
            assert "请按控制板旋钮，或恢复动作 (M108)" in held["reason"]
            assert held["motion"]["by_robot"]
            assert b"M108" not in arm.heard
            resumed = await lab.post(f"/robots/{robot}/resume", {"holds": [held["id"]]})
            assert resumed["success"], resumed
            assert arm.heard.count(b"M108") == 1
            assert (await lab.ended(home))["status"] == "completed"
