"""A disk that does not answer under the real daemon: a frozen file system, a lost network share."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from robotq.engine.timings import Timings
from robotq.model.task import TaskState

from .conftest import MakeDaemon
from .driving import until
from .faults import HANGS, Faults
from .http import NO_DISK, Client, connected
from .ledger import Ledger
from .records import read_disk

DRIVE = {"cmd_type": "NAVIGATION", "robot_id": "robot_b", "params": {"area": "HOME"}}


async def codes(client: Client) -> set[str]:
    _, status = await client.get("/queue/status")
    return {hold["code"] for hold in status["holds"]}


@pytest.mark.slow
async def test_hanging_disk__is_told_refuses_in_time_and_runs_nothing_that_was_refused(
    make_daemon: MakeDaemon, failing: Faults
) -> None:
    """17 seconds of "running", health ok, submits that hang: nobody said why."""
    daemon = make_daemon(time_scale=0.01, environ=failing.environ)
    assert await daemon.start()
    async with connected(daemon.url, Ledger(), disk_fails=True) as client:
        failing.begin(HANGS)
        async with asyncio.timeout(8):
            status, answer = await client.post("/", DRIVE, key="first")
        assert (status, answer["error_code"]) == (503, NO_DISK)
        assert "does not answer" in str(answer) or "没有应答" in str(answer)
        assert NO_DISK in await codes(client)
        assert (await client.get("/health"))[0] == 503
        # much less than the deadline that the first one had to wait for
        async with asyncio.timeout(3):
            status, answer = await client.post("/", DRIVE, key="second")
        assert (status, answer["error_code"]) == (503, NO_DISK)
        # the latch is a file of its own, which this fault does not touch
        assert (await client.post("/estop", {"reason": "smoke"}))[1]["recorded"] is True
        failing.end()

        async def recovered() -> bool:
            return NO_DISK not in await codes(client)

        await until(recovered)
        assert (await client.post("/estop/reset"))[0] == 200
        assert (await client.post("/queue/resume"))[0] == 200
        # what came late is called off, and its key is free
        await accepted(client, "first")
        await accepted(client, "second")

        async def empty() -> bool:
            return bool((await client.get("/queue/status"))[1]["queue_size"] == 0)

        await until(empty)
    assert await daemon.terminate() == 0
    disk = await asyncio.to_thread(read_disk, daemon.data)
    assert sorted(task.state for task in disk.tasks.values()) == [
        TaskState.CANCELLED,
        TaskState.COMPLETED,
        TaskState.COMPLETED,
    ]
    assert disk.holds == []
    assert disk.faults == []


@pytest.mark.long
async def test_hanging_disk__at_the_end_does_not_keep_the_daemon_from_ending(
    make_daemon: MakeDaemon, failing: Faults
) -> None:
    """It is told to end while a network share is gone: that took 40 seconds, and for ever where
    the share did not let go of a file before the robots were stopped."""
    daemon = make_daemon(time_scale=0.01, environ=failing.environ)
    assert await daemon.start()
    async with connected(daemon.url, Ledger(), disk_fails=True) as client:
        kept = await accepted(client, "kept")
        failing.begin(HANGS)
        assert (await client.post("/", DRIVE, key="refused"))[0] == 503
    async with asyncio.timeout(Timings().disk_at_end_s + 8):
        assert await daemon.terminate() == 1
    failing.end()
    shown = daemon.log.read_text()
    assert "Stopped; the disk has not confirmed: " in shown
    assert "everything is on disk" not in shown
    disk = await asyncio.to_thread(read_disk, daemon.data)
    assert kept["task_id"] in disk.tasks, "what was confirmed is there"
    assert disk.faults == []


async def accepted(client: Client, key: str) -> dict[str, Any]:
    status, answer = await client.post("/", DRIVE, key=key)
    assert status == 200, answer
    found: dict[str, Any] = answer
    return found
