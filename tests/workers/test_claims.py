"""Which task a worker gets, in which order, and when it gets none."""

from __future__ import annotations

import asyncio

import pytest

from robotq.model.errors import RobotqError
from robotq.model.task import Task, TaskState

from .conftest import QUEUE, Shop, refusal


async def test_claim__gives_the_oldest_of_the_highest_priority(shop: Shop) -> None:
    for name, priority in (("a", 0), ("b", 0), ("urgent", 5), ("c", -5)):
        await shop.submit(name, priority=priority)
    got = [(await shop.claimed()).command.cmd_type for _ in range(4)]
    assert got == ["urgent", "a", "b", "c"]
    assert await shop.claim() is None


async def test_claim__only_with_the_same_key_and_one_key_holds_up_no_other(shop: Shop) -> None:
    await shop.submit("left", match="/left")
    await shop.submit("right", match="/right")
    assert await shop.claim() is None
    assert (await shop.claimed(match="/right")).command.cmd_type == "right"
    assert (await shop.claimed(match="/left")).command.cmd_type == "left"


async def test_claim__says_who_has_it_until_when_and_with_which_token(shop: Shop) -> None:
    await shop.submit()
    task = await shop.claimed("arm")
    assert (task.state, task.worker, task.fence, task.attempt) == (TaskState.RUNNING, "arm", 1, 1)
    assert task.lease_until_ms == shop.clock.ms + 10_000


async def test_fifty_workers_racing__never_get_the_same_task_twice(shop: Shop) -> None:
    ids = {(await shop.submit()).id for _ in range(200)}

    async def work(name: str) -> list[Task]:
        got = []
        while (task := await shop.claim(name)) is not None:
            got.append(task)
            await shop.finish(task)
        return got

    done = [t for got in await asyncio.gather(*(work(f"w{n}") for n in range(50))) for t in got]
    assert len(done) == 200
    assert {task.id for task in done} == ids
    assert all(task.fence == 1 for task in done)
    assert shop.engine.reads.counts(api=QUEUE).completed == 200


async def test_waiting_workers__are_called_in_their_order_one_for_each_task(shop: Shop) -> None:
    order: list[str] = []

    async def work(name: str) -> None:
        if await shop.claim(name, wait_s=5) is not None:
            order.append(name)

    waiting = []
    for name in ("first", "second", "third"):
        waiting.append(asyncio.create_task(work(name)))
        await asyncio.sleep(0.01)
    assert shop.workers.worker_queue(QUEUE).idle("") == 3
    await shop.submit()
    await shop.submit()
    await asyncio.wait(waiting[:2], timeout=5)
    assert order == ["first", "second"]
    assert shop.workers.worker_queue(QUEUE).idle("") == 1
    await shop.workers.stop()
    await asyncio.gather(*waiting)
    assert order == ["first", "second"]


async def test_waiting_worker__that_leaves_lets_the_next_one_have_it(shop: Shop) -> None:
    leaving = asyncio.create_task(shop.claim("leaving", wait_s=5))
    staying = asyncio.create_task(shop.claim("staying", wait_s=5))
    while shop.workers.worker_queue(QUEUE).idle("") < 2:  # noqa: ASYNC110 - nothing tells that somebody waits
        await asyncio.sleep(0)
    shop.workers.worker_queue(QUEUE).call("")
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await shop.submit()
    task = await asyncio.wait_for(staying, 5)
    assert task is not None
    assert task.worker == "staying"


async def test_full__refuses_the_next_one_until_one_is_taken(shop: Shop) -> None:
    for _ in range(2):
        await shop.submit(max_waiting=2)
    with pytest.raises(RobotqError) as caught:
        await shop.submit(max_waiting=2)
    assert refusal(caught) == "queue_full"
    await shop.claimed()
    await shop.submit(max_waiting=2)


async def test_cancel__of_a_waiting_one_is_never_handed_out(shop: Shop) -> None:
    task = await shop.submit()
    await shop.engine.queue.cancel(task.id, actor="ann")
    assert await shop.claim() is None


async def test_pause__hands_out_nothing_and_the_heartbeat_says_so(shop: Shop) -> None:
    await shop.submit()
    task = await shop.claimed()
    await shop.submit()
    assert await shop.engine.pause(QUEUE, actor="ann", reason="cleaning") == (QUEUE,)
    assert await shop.claim("w2") is None
    assert [hold.code for hold in (await shop.workers.heartbeat(QUEUE, "w2")).holds] == ["paused"]
    assert (await shop.finish(task)).state is TaskState.COMPLETED
    waiting = asyncio.create_task(shop.claim("w2", wait_s=5))
    await asyncio.sleep(0.01)
    await shop.engine.resume(QUEUE, actor="ann")
    assert await asyncio.wait_for(waiting, 5) is not None
