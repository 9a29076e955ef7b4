"""SIGTERM in every state: an orderly end, everything on disk, and the next start goes on."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest

from robotq.model.task import TaskState

from .conftest import MakeDaemon
from .http import Client, connected
from .ledger import Ledger
from .process import DaemonProcess
from .records import Disk, read_disk

SLOW = 0.02
"""Time scale at which a scan takes seconds and a drive half of one."""

GRACE_S = "0.3"
"""Wall seconds that a running command gets."""


class Scene:
    """A daemon in some state, and the tasks that it accepted, in their order."""

    def __init__(self, daemon: DaemonProcess, client: Client) -> None:
        self.daemon = daemon
        self.client = client
        self.accepted: list[str] = []

    async def submit(self, cmd_type: str, robot: str = "robot_a", **params: Any) -> str:
        body = {"cmd_type": cmd_type, "robot_id": robot, "params": params}
        status, answer = await self.client.post("/", body)
        assert status == 200, answer
        self.accepted.append(answer["task_id"])
        return str(answer["task_id"])

    async def until(self, task_id: str, state: str) -> None:
        task: Any = None
        for _ in range(2_000):
            _, task = await self.client.get(f"/task/{task_id}")
            if task["state"] == state:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{task_id} did not become {state}: {task}")

    async def run_a_scan(self) -> None:
        scan = await self.submit("SCAN_QRCODE")
        await self.submit("NAVIGATION", area="HOME")
        await self.until(scan, "running")


Arrange: TypeAlias = Callable[[Scene], Awaitable[None]]
Expect: TypeAlias = tuple[list[str], list[str]]
"""States of the accepted tasks, `state` or `failed: error_code`, and codes of the holds."""


async def idle(scene: Scene) -> None:
    pass


async def only_waiting(scene: Scene) -> None:
    await scene.until(
        await scene.submit("NAVIGATION", "robot_b", area="CHROMATOGRAPH"), "completed"
    )
    await scene.submit("NAVIGATION", area="CHROMATOGRAPH")


async def running(scene: Scene) -> None:
    await scene.run_a_scan()


async def motion_held(scene: Scene) -> None:
    await scene.run_a_scan()
    assert (await scene.client.post("/robots/robot_a/hold"))[0] == 200


async def nearly_done(scene: Scene) -> None:
    await scene.until(await scene.submit("ROBOT_ACTION", action_type="NOD"), "running")


async def asking(scene: Scene) -> None:
    question = await scene.submit("MANUAL_STEP", title="look")
    await scene.submit("NAVIGATION", area="HOME")
    await scene.until(question, "running")


async def paused(scene: Scene) -> None:
    await scene.client.post("/queue/pause", {"robot_id": "robot_a", "reason": "cleaning"})
    await scene.submit("NAVIGATION", area="HOME")


async def held(scene: Scene) -> None:
    """A command was cut short by a kill, and nobody has said how it ended."""
    await scene.run_a_scan()
    scene.daemon.kill()
    assert await scene.daemon.start()


async def emergency(scene: Scene) -> None:
    await scene.run_a_scan()
    status, answer = await scene.client.post("/estop")
    assert (status, answer["recorded"]) == (200, True)
    await scene.until(scene.accepted[0], "failed")


SCENES: list[tuple[Arrange, Expect]] = [
    (running, (["failed: stopped_by_shutdown", "pending"], [])),
    (emergency, (["failed: stopped", "pending"], ["estop", "estop"])),
    (idle, ([], [])),
    (only_waiting, (["completed", "pending"], [])),
    # it outlives the command that it was set in
    (motion_held, (["failed: stopped_by_shutdown", "pending"], ["motion_held"])),
    (nearly_done, (["completed"], [])),
    (asking, (["pending", "pending"], [])),
    (paused, (["pending"], ["paused"])),
    (held, (["failed: outcome_unknown", "pending"], ["outcome_unknown"])),
]


@pytest.mark.parametrize(
    ("arrange", "expected"),
    [
        # the first in every run, the others where there is time
        pytest.param(*scene, id=scene[0].__name__, marks=[pytest.mark.long] if number else [])
        for number, scene in enumerate(SCENES)
    ],
)
async def test_sigterm__ends_in_order(
    make_daemon: MakeDaemon, arrange: Arrange, expected: Expect
) -> None:
    daemon = make_daemon(time_scale=SLOW, environ={"ROBOTQ_LIMITS__SHUTDOWN_GRACE_S": GRACE_S})
    assert await daemon.start()
    async with connected(daemon.url, Ledger()) as client:
        scene = Scene(daemon, client)
        await arrange(scene)
    assert await daemon.terminate() == 0
    disk = await asyncio.to_thread(read_disk, daemon.data)
    assert _seen(disk, scene.accepted) == expected
    assert disk.events[-1].kind == "daemon.stopped"
    assert not (daemon.data / "port").exists()


@pytest.mark.long
async def test_sigterm__leaves_what_waits_to_the_next_start(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(time_scale=SLOW, environ={"ROBOTQ_LIMITS__SHUTDOWN_GRACE_S": GRACE_S})
    assert await daemon.start()
    async with connected(daemon.url, Ledger()) as client:
        scene = Scene(daemon, client)
        await running(scene)
    assert await daemon.terminate() == 0
    assert await daemon.start()
    async with connected(daemon.url, Ledger()) as client:
        await Scene(daemon, client).until(scene.accepted[1], "completed")


@pytest.mark.long
async def test_sigterm__while_it_starts_leaves_everything_to_the_next_start(
    make_daemon: MakeDaemon,
) -> None:
    daemon = make_daemon(time_scale=SLOW)
    assert await daemon.start()
    async with connected(daemon.url, Ledger()) as client:
        scene = Scene(daemon, client)
        await paused(scene)
    daemon.kill()
    moments = random.SystemRandom()
    for _ in range(8):
        starting = asyncio.create_task(daemon.start())
        await asyncio.sleep(moments.uniform(0.1, 1.2))
        # -15: it has not yet got as far as to do anything about it
        assert await daemon.terminate() in (0, -signal.SIGTERM)
        await starting
    assert "Traceback" not in daemon.log.read_text()
    disk = await asyncio.to_thread(read_disk, daemon.data)
    assert _seen(disk, scene.accepted) == (["pending"], ["paused"])
    assert await daemon.start()


def _seen(disk: Disk, accepted: list[str]) -> Expect:
    states = []
    for task_id in accepted:
        task = disk.tasks[task_id]
        error = "" if task.error is None else f": {task.error.code}"
        states.append(f"{task.state}{error}")
    assert not any(task.state is TaskState.RUNNING for task in disk.tasks.values())
    return states, sorted(hold.code.value for hold in disk.holds)
