"""Batches that the crash harness saw run in the wrong order."""

from __future__ import annotations

from pathlib import Path

from .lab import drive, ended, started_order, working_lab


async def test_batch__whose_first_task_waits_for_a_place_keeps_its_order(tmp_path: Path) -> None:
    async with working_lab(tmp_path, "robot_a", "robot_b") as lab:
        (other,) = await drive(lab, "CHROMATOGRAPH", robot="robot_b")
        await ended(lab, other)
        there, away = await drive(lab, "CHROMATOGRAPH", "HOME")
        (single,) = await drive(lab, "CHARGER")
        await ended(lab, single)
        (leaving,) = await drive(lab, "HOME", robot="robot_b")
        await ended(lab, away)
        assert await started_order(lab) == [other, single, leaving, there, away]


async def test_batch__of_which_one_task_was_cancelled_waits_its_turn_after_a_restart(
    tmp_path: Path,
) -> None:
    async with working_lab(tmp_path) as lab:
        await lab.pause(None, actor="test")
        (before,) = await drive(lab, "CHARGER")
        first, second, third = await drive(lab, "HOME", "CHARGER", "HOME")
        await lab.queue.cancel(first, actor="test")
    async with working_lab(tmp_path) as lab:
        await lab.resume(None, actor="test")
        await ended(lab, third)
        assert await started_order(lab) == [before, second, third]
