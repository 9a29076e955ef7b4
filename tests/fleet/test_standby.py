"""A robot in the network, and a second machine that takes it over."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from .pair import NOD, SCAN, Pair

pytestmark = [
    pytest.mark.wall("daemons and a device in processes of their own"),
    pytest.mark.real_time("a lease runs out by the clock of the wall"),
]


@pytest.mark.long
@pytest.mark.parametrize("seed", range(50))
async def test_stopped_between_the_look_and_the_byte__the_byte_never_counts(
    new_postgres: str, tmp_path: Path, seed: int
) -> None:
    await stopped_between(new_postgres, tmp_path, nth=1 + seed % 6)


async def stopped_between(dsn: str, folder: Path, *, nth: int) -> None:
    async with Pair(folder, dsn) as pair:
        one, two = pair.one, pair.two
        await one.start(f"fleet_looked:{nth}:stop")
        await pair.until(lambda: _drives(pair, one))
        await two.start()
        ids = [await pair.submit(one, NOD) for _ in range(3)]
        await pair.until(lambda: _stands_still(one))
        # two looks for each command
        begun = ids[(nth - 1) // 2]
        assert (await pair.ended(two, begun))["state"] == "completed"
        one.thaw()
        # what lab-1 had accepted alone, and nobody knew, comes to lab-2 now
        done = [await pair.ended(two, task_id) for task_id in ids]
        assert [task["state"] for task in done] == ["completed"] * 3
        for task_id in ids:
            there = await pair.ended(one, task_id)
            assert there["state"] == "completed" or there["result"]["error_code"] == "handed_over"
        await pair.until(lambda: _knows(pair, one, "driven by lab-2 (epoch 2)"))
        # longer than anything of lab-1 could have waited
        await asyncio.sleep(0.5)

        moved = pair.motions()
        once = [motion for task, motion in moved if task == ids[0]]
        assert once
        for task_id in ids:
            assert [motion for task, motion in moved if task == task_id] == once, "each once"
        if nth % 2 == 0:
            # its start was on its way, and at the latest a question before it was refused
            assert any("under epoch 1" in line for line in pair.refused())


async def _drives(pair: Pair, machine: object) -> bool:
    return bool((await pair.robot(machine))["connected"])  # type: ignore[arg-type]


async def _stands_still(machine: object) -> bool:
    return bool(machine.stands_still)  # type: ignore[attr-defined]


async def _knows(pair: Pair, machine: object, text: str) -> bool:
    return text in str(await pair.robot(machine))  # type: ignore[arg-type]


_ = SCAN
