"""Two hundred clients at once, two robots, one bench: what a real morning looks like."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.crash.process import DaemonProcess

COMMANDS = Path(__file__).parents[2] / "commands"
SCAN = json.loads((COMMANDS / "SCAN_QR_CODE_command.json").read_text(encoding="utf-8"))


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[DaemonProcess]:
    """A real daemon, twenty times faster than real."""
    process = DaemonProcess(tmp_path / "data", time_scale=0.005)
    assert await process.start()
    yield process
    await process.terminate()


@pytest.fixture
async def client(daemon: DaemonProcess) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(daemon.url, connector=connector) as session:
        yield session


async def submit(client: aiohttp.ClientSession, command: dict[str, Any]) -> tuple[str, float]:
    """The task id, and how long the answer took in seconds."""
    began = time.perf_counter()
    async with client.post("/", json=command) as answer:
        body = await answer.json()
        assert answer.status == 200, body
    return body["task_id"], time.perf_counter() - began


async def ended(client: aiohttp.ClientSession, task_id: str) -> dict[str, Any]:
    while True:
        async with client.get(f"/task/{task_id}?wait=30") as answer:
            task: dict[str, Any] = await answer.json()
        if task["state"] not in ("pending", "running"):
            return task


def navigation(robot: str, area: str, number: int) -> dict[str, Any]:
    return {
        "cmd_type": "NAVIGATION",
        "cmd_id": f"{robot}-{number}",
        "params": {"robot_id": robot, "area": area},
    }


def motions(daemon: DaemonProcess) -> list[dict[str, Any]]:
    log = daemon.data / "simulator" / "motions.jsonl"
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
async def test_crowd__two_hundred_submit_while_a_scan_runs(
    daemon: DaemonProcess, client: aiohttp.ClientSession
) -> None:
    scan, _ = await submit(client, SCAN)
    crowd = await asyncio.gather(
        *(submit(client, navigation("robot_a", "HOME", number)) for number in range(200))
    )
    # on a machine that has nothing else to do
    assert max(seconds for _, seconds in crowd) < max(1.0, os.getloadavg()[0] / 2)
    async with client.get(f"/task/{scan}") as answer:
        assert (await answer.json())["state"] == "running"

    tasks = [await ended(client, task_id) for task_id, _ in [(scan, 0.0), *crowd]]
    assert {task["state"] for task in tasks} == {"completed"}

    # strict order of arrival, and one command at a time: the motions of a task stand together
    order = [motion["task_id"] for motion in motions(daemon) if motion["robot"] == "robot_a"]
    blocks = [task for task, before in zip(order, ["", *order], strict=False) if task != before]
    assert len(blocks) == len(set(blocks))
    async with client.get("/tasks?limit=200&robot_id=robot_a") as answer:
        listed = [task["task_id"] for task in (await answer.json())["tasks"]]
    moved = [task for task in blocks if task in listed]
    assert moved == [task for task in reversed(listed) if task in moved]


async def test_crowd__the_other_robot_works_meanwhile(
    daemon: DaemonProcess, client: aiohttp.ClientSession
) -> None:
    scan, _ = await submit(client, SCAN)
    home, _ = await submit(client, navigation("robot_b", "HOME", 1))
    assert (await ended(client, home))["state"] == "completed"
    async with client.get(f"/task/{scan}") as answer:
        assert (await answer.json())["state"] == "running"
    assert (await ended(client, scan))["state"] == "completed"


async def test_crowd__two_robots_are_never_at_one_place(
    daemon: DaemonProcess, client: aiohttp.ClientSession
) -> None:
    first, _ = await submit(client, navigation("robot_a", "SPLIT_TABLE", 1))
    await ended(client, first)
    blocked, _ = await submit(client, navigation("robot_b", "SPLIT_TABLE", 2))
    async with client.get(f"/task/{blocked}") as answer:
        waiting = await answer.json()
    assert waiting["state"] == "pending"
    (wait,) = waiting["waits"]
    assert wait["code"] == "resource"
    assert "robot_a" in json.dumps(wait)
    away, _ = await submit(client, navigation("robot_a", "HOME", 3))
    await ended(client, away)
    assert (await ended(client, blocked))["state"] == "completed"


async def test_estop__stops_everything_under_a_crowd_and_reset_moves_nothing(
    daemon: DaemonProcess, client: aiohttp.ClientSession
) -> None:
    scan, _ = await submit(client, SCAN)
    accepted: dict[str, int] = defaultdict(int)
    stopping = asyncio.Event()

    async def crowd(number: int) -> None:
        while not stopping.is_set():
            task_id, _ = await submit(client, navigation("robot_a", "HOME", number))
            accepted[task_id] += 1

    async def state(task_id: str) -> str:
        async with client.get(f"/task/{task_id}") as answer:
            return str((await answer.json())["state"])

    clients = [asyncio.create_task(crowd(number)) for number in range(64)]
    # one that has not begun is not stopped: it waits
    while await state(scan) != "running" or not accepted:  # noqa: ASYNC110 - seen from outside
        await asyncio.sleep(0.02)
    async with client.post("/estop", json={"reason": "hand in the cell"}) as answer:
        assert (await answer.json())["success"] is True
    still = len(motions(daemon))
    stopping.set()
    await asyncio.gather(*clients)
    stopped = await ended(client, scan)
    assert stopped["error_code"] == "stopped"
    async with client.get("/estop") as answer:
        named = {"holds": [hold["id"] for hold in (await answer.json())["holds"]]}
    async with client.post("/estop/reset", json=named) as answer:
        assert answer.status == 200, await answer.text()
    await asyncio.sleep(0.05)
    assert len(motions(daemon)) == still
    async with client.get("/queue/status?limit=0") as answer:
        status = await answer.json()
    assert {hold["code"] for hold in status["holds"]} == {"paused"}
    assert status["queue_size"] == len(accepted)
    assert set(accepted.values()) == {1}
