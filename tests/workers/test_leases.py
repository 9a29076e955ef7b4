"""A worker has a task for a time; what happens when that is over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.job import Holder
from robotq.model.task import TaskState
from robotq.workers import TaskReport, Verdict

from .conftest import QUEUE, OpenShop, Shop, refusal


async def test_lease_over__the_task_is_offered_again_at_its_old_place(shop: Shop) -> None:
    first = await shop.submit("first")
    await shop.submit("second")
    await shop.claimed("dies")
    await shop.after(9.9)
    assert (await shop.find(first)).state is TaskState.RUNNING
    await shop.after(0.2)
    offered = await shop.find(first)
    assert (offered.state, offered.retries, offered.lease_until_ms) == (TaskState.PENDING, 1, None)
    again = await shop.claimed("lives")
    assert (again.id, again.fence, again.attempt) == (first.id, 2, 2)
    assert [event.data["worker"] for event in await shop.events("task.lease_expired")] == ["dies"]


async def test_lease_over__too_often_and_the_task_fails(shop: Shop) -> None:
    task = await shop.submit(max_retries=2)
    for _ in range(2):
        await shop.claimed()
        await shop.after(11)
        assert (await shop.find(task)).state is TaskState.PENDING
    await shop.claimed("last")
    await shop.after(11)
    failed = await shop.find(task)
    assert failed.state is TaskState.FAILED
    assert failed.error is not None
    assert (failed.error.code, failed.error.args) == ("lease_expired", {"worker": "last"})


async def test_sign_of_life__begins_the_lease_anew(shop: Shop) -> None:
    await shop.submit()
    task = await shop.claimed()
    report = TaskReport(task_id=task.id, token=task.fence, progress=0.5, partial={"found": 1})
    for _ in range(5):
        await shop.after(8)
        answer = await shop.workers.heartbeat(QUEUE, "w1", [report])
        assert answer.orders[0].order is Verdict.GO_ON
        assert answer.orders[0].lease_until_ms == shop.clock.ms + 10_000
    told = await shop.find(task)
    assert (told.state, told.progress, told.partial) == (TaskState.RUNNING, 0.5, {"found": 1})
    await shop.after(11)
    assert (await shop.find(task)).state is TaskState.PENDING


async def test_sign_of_life__after_the_lease_takes_the_task_back_if_nobody_has_it(
    shop: Shop,
) -> None:
    await shop.submit()
    task = await shop.claimed("w1")
    await shop.after(11)
    report = TaskReport(task_id=task.id, token=task.fence)
    answer = await shop.workers.heartbeat(QUEUE, "w1", [report])
    assert answer.orders[0].order is Verdict.GO_ON
    assert (await shop.find(task)).worker == "w1"
    assert await shop.claim("w2") is None


async def test_deadline__fails_a_task_whether_it_waits_or_runs(shop: Shop) -> None:
    deadline: dict[str, Any] = {"lease_s": None, "deadline_ms": shop.clock.ms + 5_000}
    running = await shop.submit(**deadline)
    await shop.claimed()
    waiting = await shop.submit(**deadline)
    late = await shop.submit(**deadline)
    shop.clock.pass_(5)
    assert await shop.claim() is None, "nobody gets what is over"
    await shop.workers.expire_due(QUEUE)
    for task in (running, waiting, late):
        failed = await shop.find(task)
        assert failed.error is not None
        assert (failed.state, failed.error.code) == (TaskState.FAILED, "task_timeout")


async def test_given_back__goes_to_its_place_and_is_no_attempt(shop: Shop) -> None:
    await shop.submit("a")
    await shop.submit("b")
    task = await shop.claimed()
    await shop.engine.queue.give_back_job(task.id, Holder(worker="w1", token=task.fence))
    with pytest.raises(RobotqError) as caught:
        await shop.finish(task)
    assert refusal(caught) == "stale_claim"
    again = await shop.claimed("w2")
    assert (again.id, again.attempt, again.fence) == (task.id, 1, 2)


async def test_worker_gone__its_tasks_fail_and_no_others(shop: Shop) -> None:
    for _ in range(2):
        await shop.submit(lease_s=None)
    lost, kept = await shop.claimed("gone"), await shop.claimed("there")
    await shop.workers.left(QUEUE, "gone")
    failed = await shop.find(lost)
    assert failed.error is not None
    assert failed.error.code == "worker_lost"
    assert (await shop.find(kept)).state is TaskState.RUNNING


async def test_restart__keeps_tasks_leases_and_tokens(open_shop: OpenShop) -> None:
    before = await open_shop()
    await before.submit("running")
    waiting = await before.submit("waiting")
    task = await before.claimed("w1")
    await before.engine.shut_down()
    before.clock.pass_(3_600)
    after = await open_shop(before.store, before.clock)
    assert await after.find(task) == task
    # the daemon was away, and not the worker
    await after.workers.expire_due(QUEUE)
    assert (await after.find(task)).state is TaskState.RUNNING
    assert (await after.claimed("w2")).id == waiting.id
    report = TaskReport(task_id=task.id, token=task.fence)
    (order,) = (await after.workers.heartbeat(QUEUE, "w1", [report])).orders
    assert order.order is Verdict.GO_ON
    assert (await after.finish(task)).state is TaskState.COMPLETED
    assert not after.engine.holds.of(QUEUE)
    assert not after.engine.holds.has("robot_a", HoldCode.OUTCOME_UNKNOWN)


async def test_restart__a_lease_whose_worker_is_not_heard_of_is_over_in_time(
    open_shop: OpenShop,
) -> None:
    before = await open_shop()
    await before.submit()
    task = await before.claimed("dead")
    await before.engine.shut_down()
    before.clock.pass_(3_600)
    after = await open_shop(before.store, before.clock)
    after.workers.start()
    after.clock.pass_(11)
    async with asyncio.timeout(5):
        while (await after.find(task)).state is TaskState.RUNNING:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await after.workers.stop()
    assert (await after.find(task)).state is TaskState.PENDING


@pytest.mark.parametrize("hours", [1, -1])
async def test_clock__set_by_an_hour_neither_ends_leases_nor_makes_them_endless(
    shop: Shop, hours: int
) -> None:
    await shop.submit()
    task = await shop.claimed("w1")
    shop.clock.wrong_by_ms = hours * 3_600_000
    await shop.after(9)
    assert (await shop.find(task)).state is TaskState.RUNNING
    await shop.after(2)
    assert (await shop.find(task)).state is TaskState.PENDING


async def test_clock__set_back_while_the_daemon_was_away_leaves_a_lease_its_own_length(
    open_shop: OpenShop,
) -> None:
    before = await open_shop()
    await before.submit()
    task = await before.claimed("dead")
    await before.engine.shut_down()
    before.clock.pass_(-3_600)
    after = await open_shop(before.store, before.clock)
    after.workers.start()
    async with asyncio.timeout(5):
        while (await after.find(task)).revision == task.revision:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await after.workers.stop()
    assert (await after.find(task)).state is TaskState.RUNNING
    await after.after(9)
    assert (await after.find(task)).state is TaskState.RUNNING
    await after.after(2)
    assert (await after.find(task)).state is TaskState.PENDING
