"""Somebody sets the clock of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotq.model.clock import SystemClock
from robotq.model.task import TaskState

from .lab import drive, ended, started_order, working_lab

HOUR_MS = 3_600_000


class SetClock(SystemClock):
    """The time of day, and by how much somebody has set it wrong."""

    def __init__(self) -> None:
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
        numbers = [event.id for event in await lab.store.events_since(0, limit=1_000)]
        assert numbers == sorted(set(numbers))


async def test_clock__standing_still_gives_every_task_an_id_of_its_own(tmp_path: Path) -> None:
    class Stopped:
        def now_ms(self) -> int:
            return 1_800_000_000_000

    async with working_lab(tmp_path, clock=Stopped()) as lab:
        await lab.pause(None, actor="test")
        accepted = await drive(lab, *["HOME"] * 100)
        accepted = [*accepted, *await drive(lab, *["HOME"] * 100)]
    assert len(set(accepted)) == 200
