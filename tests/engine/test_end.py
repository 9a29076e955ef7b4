"""Work that is repeated comes to its end, whatever it waits with."""

from __future__ import annotations

import asyncio

import pytest

from robotq.engine.upkeep.background import end


@pytest.mark.real_time("Python counts the second after which a task is cancelled again")
async def test_loop_whose_cancel_was_lost__ends_all_the_same() -> None:
    came = asyncio.Event()

    async def loop() -> None:
        while True:
            # as a pool of connections waits: in Python 3.11 a cancel in the turn in which it comes
            # is lost
            await asyncio.wait_for(came.wait(), 60)
            came.clear()

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    came.set()
    async with asyncio.timeout(10):
        await end([task], again_s=0.02)
    assert task.cancelled()


async def test_what_has_failed_already__keeps_nobody() -> None:
    async def broken() -> None:
        raise ValueError("a fault")

    tasks = [asyncio.create_task(broken()) for _ in range(2)]
    await end(tasks)
    assert all(task.done() for task in tasks)
