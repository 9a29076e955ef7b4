"""A queue of workers that gets on nowhere says why: nobody is there, or it is held."""

from __future__ import annotations

from robotq.model.hold import Wait, WaitCode

from .conftest import QUEUE, START_MS, Shop


def codes(shop: Shop) -> list[str]:
    return [reason.code.value for reason in shop.engine.why.of(QUEUE).reasons]


async def test_nobody__is_there_to_take_what_waits(shop: Shop) -> None:
    task = await shop.submit()
    (wait,) = shop.engine.why.of(QUEUE).reasons
    assert isinstance(wait, Wait)
    assert (wait.code, wait.task_id, wait.since_ms) == (WaitCode.NO_WORKER, task.id, START_MS)
    assert codes(shop) == [reason.code.value for reason in shop.engine.why.task(task)]


async def test_worker_that_went_away__nobody_is_there_since_then(shop: Shop) -> None:
    shop.workers.seen(QUEUE, "w1", match="")
    await shop.submit()
    assert codes(shop) == ["starting"], "it takes it when it asks"
    shop.clock.pass_(91)
    (wait,) = shop.engine.why.of(QUEUE).reasons
    assert isinstance(wait, Wait)
    assert wait.code is WaitCode.NO_WORKER


async def test_all_workers_busy__the_queue_moves_and_the_task_knows_why(shop: Shop) -> None:
    await shop.submit("first")
    second = await shop.submit("second")
    shop.workers.seen(QUEUE, "w1", match="")
    claimed = await shop.claimed("w1")
    assert codes(shop) == [], "a worker is at work"
    (wait,) = shop.engine.why.task(second)
    assert wait.code is WaitCode.WORKERS_BUSY
    await shop.finish(claimed)
    assert codes(shop) == ["starting"]


async def test_another_key__is_a_line_of_its_own(shop: Shop) -> None:
    """Others that are at work do not help a task that none of them may take."""
    await shop.submit("ours", match="here")
    theirs = await shop.submit("theirs", match="there")
    shop.workers.seen(QUEUE, "w1", match="here")
    await shop.claimed("w1", "here")
    (wait,) = shop.engine.why.of(QUEUE).reasons
    assert isinstance(wait, Wait)
    assert (wait.task_id, wait.args["match"]) == (theirs.id, "there")


async def test_held_queue__says_its_hold(shop: Shop) -> None:
    task = await shop.submit()
    await shop.engine.pause(QUEUE, actor="ann")
    assert codes(shop) == ["paused"]
    assert [reason.code.value for reason in shop.engine.why.task(task)] == ["paused", "no_worker"]
