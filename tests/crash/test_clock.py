"""Somebody sets the clock of the machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from robotq.model.task import TaskState
from robotq.system.clocks import SystemClock

from .conftest import MakeDaemon
from .driving import submitted, until, until_empty
from .faults import Faults
from .http import connected
from .lab import drive, ended, started_order, working_lab
from .ledger import Ledger
from .records import read_disk

HOUR_MS = 3_600_000


class SetClock(SystemClock):
    """The time of day, and by how much somebody has set it wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong_by_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.wrong_by_ms


@pytest.mark.parametrize("step_ms", [HOUR_MS, -HOUR_MS])
async def test_clock__set_by_an_hour_changes_neither_ids_nor_order(
    tmp_path: Path, step_ms: int
) -> None:
    clock = SetClock()
    accepted: list[str] = []
    async with working_lab(tmp_path, clock=clock) as lab:
        accepted += await drive(lab, "CHARGER", "HOME")
        await ended(lab, accepted[0])
        clock.wrong_by_ms = step_ms
        accepted += await drive(lab, "CHARGER")
        await ended(lab, accepted[-1])
        await lab.pause(None, actor="test")
        accepted += await drive(lab, "HOME")
    # back to where it was: for the restart the clock is an hour off the other way
    clock.wrong_by_ms = 0
    async with working_lab(tmp_path, clock=clock) as lab:
        accepted += await drive(lab, "CHARGER")
        await lab.resume(None, actor="test")
        tasks = [await ended(lab, task_id) for task_id in accepted]
        assert len(set(accepted)) == len(accepted)
        assert [task.state for task in tasks] == [TaskState.COMPLETED] * len(tasks)
        assert await started_order(lab) == accepted
        numbers = [event.id for event in await lab.reads.events(0, limit=1_000)]
        assert numbers == sorted(set(numbers))


async def test_clock__standing_still_gives_every_task_an_id_of_its_own(tmp_path: Path) -> None:
    class Stopped:
        def now_ms(self) -> int:
            return 1_800_000_000_000

        def steady_ms(self) -> int:
            return 1_800_000_000_000

    async with working_lab(tmp_path, clock=Stopped()) as lab:
        await lab.pause(None, actor="test")
        accepted = await drive(lab, *["HOME"] * 100)
        accepted = [*accepted, *await drive(lab, *["HOME"] * 100)]
    assert len(set(accepted)) == 200


@pytest.mark.slow
@pytest.mark.parametrize("step_s", [3_600, pytest.param(-3_600, marks=pytest.mark.long)])
async def test_clock__set_by_an_hour_while_a_scan_runs_stops_nothing(
    make_daemon: MakeDaemon, failing: Faults, step_s: int
) -> None:
    """The real daemon, and an hour is more than a scan may take."""
    daemon = make_daemon(time_scale=0.005, environ=failing.environ)
    assert await daemon.start()
    async with connected(daemon.url, Ledger()) as client:
        _, answer = await client.post("/", {"cmd_type": "SCAN_QRCODE"})
        accepted = [answer["task_id"], *await submitted(client, 5)]

        async def scanning() -> bool:
            return bool((await client.get(f"/task/{accepted[0]}"))[1]["state"] == "running")

        await until(scanning)
        waiting = asyncio.create_task(client.get(f"/task/{accepted[-1]}?wait=20"))
        failing.set_clock(step_s)
        accepted += await submitted(client, 5)
        assert (await waiting)[1]["state"] == "completed"
        await until_empty(client)
        for task_id in accepted:
            _, task = await client.get(f"/task/{task_id}")
            assert task["state"] == "completed", task
            assert all(step["duration_s"] >= 0 for step in task["completed_steps"])
        assert (await client.get("/queue/status"))[1]["holds"] == []
    assert await daemon.terminate() == 0
    # right again: for the next start it was set the other way
    failing.set_clock(0)
    assert await daemon.start()
    async with connected(daemon.url, Ledger()) as client:
        accepted += await submitted(client, 2)
        await until_empty(client)
    assert await daemon.terminate() == 0
    disk = await asyncio.to_thread(read_disk, daemon.data)
    arrived = sorted(disk.tasks.values(), key=lambda task: task.seq)
    assert [e.task_id for e in disk.events if e.kind == "task.claimed"] == [t.id for t in arrived]
    assert disk.tasks.keys() == set(accepted)
    assert {task.state for task in disk.tasks.values()} == {TaskState.COMPLETED}
    assert disk.counted() == disk.counts
