"""Whoever changes a task has it alone, and hands it on in the order in which it was asked for."""

from __future__ import annotations

import asyncio

import pytest

from robotq.engine.commit.locks import Locks


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_lock__is_handed_on_in_order_and_then_gone() -> None:
    locks = Locks()
    order: list[int] = []

    async def change(number: int) -> None:
        async with locks.hold("task"):
            order.append(number)
            await _turns(2)

    await asyncio.gather(*(change(number) for number in range(5)))
    assert order == [0, 1, 2, 3, 4]
    assert not locks.keys


async def test_lock__one_that_is_cancelled_keeps_nobody_waiting() -> None:
    locks = Locks()
    assert locks.take("task")
    waiting = [asyncio.create_task(locks.acquire("task")) for _ in range(3)]
    await _turns(2)
    waiting[0].cancel()
    await _turns(2)
    locks.release("task")
    # handed on to the second, which is cancelled before it knows
    waiting[1].cancel()
    await asyncio.wait_for(waiting[2], 5)
    assert locks.held("task")
    assert not locks.take("task")
    assert [one.cancelled() for one in waiting] == [True, True, False]


async def test_lock__a_cancelled_last_one_leaves_nothing_behind() -> None:
    locks = Locks()
    assert locks.take("task")
    waiting = asyncio.create_task(locks.acquire("task"))
    await _turns(2)
    waiting.cancel()
    locks.release("task")
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not locks.held("task")
    async with locks.hold("other"):
        assert locks.keys == ("other",)
