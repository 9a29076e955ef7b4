"""A disk that cannot be read under the real daemon: whoever asks is told so, and nothing else."""

from __future__ import annotations

import pytest

from robotq.model.task import TaskState

from .conftest import MakeDaemon
from .driving import until
from .faults import UNREADABLE, Faults
from .http import NO_DISK, connected
from .ledger import Ledger
from .records import read_disk

DRIVE = {"cmd_type": "NAVIGATION", "robot_id": "robot_b", "params": {"area": "HOME"}}

ASKED = (
    "/tasks",
    "/tasks?limit=1&error_code=device_error",
    "/task/task_20261122_143022_k3m9xa",
    "/events?last_event_id=0",
    "/journal",
    "/webhooks",
    "/apis/orchestrator/api/v1/statistics",
    "/apis/checklist/api/v1/tasks",
)


@pytest.mark.slow
async def test_unreadable_disk__is_told_to_whoever_asks_and_accepts_nothing_under_a_key(
    make_daemon: MakeDaemon, failing: Faults
) -> None:
    daemon = make_daemon(time_scale=0.01, environ=failing.environ)
    assert await daemon.start()
    async with connected(daemon.url, Ledger(), disk_fails=True) as client:
        status, first = await client.post("/", DRIVE, key="first")
        assert status == 200

        async def empty() -> bool:
            return bool((await client.get("/queue/status"))[1]["queue_size"] == 0)

        await until(empty)
        failing.begin(UNREADABLE)
        for path in ASKED:
            status, answer = await client.get(path)
            assert status == 503, (path, answer)
            assert "accepted" not in str(answer)
            assert "internal" not in str(answer)
        for key in ("first", "second"):
            status, answer = await client.post("/", DRIVE, key=key)
            assert (status, answer["error_code"]) == (503, NO_DISK)
        assert failing.met
        # what is in memory is still told
        status, queue = await client.get("/queue/status")
        assert (status, queue["completed_tasks"]) == (200, 1)
        failing.end()

        async def readable() -> bool:
            return (await client.get("/tasks"))[0] == 200

        await until(readable)
        status, again = await client.post("/", DRIVE, key="first")
        assert (status, again["task_id"]) == (200, first["task_id"])
        status, _ = await client.post("/", DRIVE, key="second")
        assert status == 200
        await until(empty)
    assert await daemon.terminate() == 0
    disk = read_disk(daemon.data)
    assert [task.state for task in disk.tasks.values()] == [TaskState.COMPLETED] * 2
    assert disk.faults == []
