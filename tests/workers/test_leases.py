"""A worker has a task for a time; what happens when that is over, and who is believed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from robotq.engine.job import Holder, data_of, failed_with, succeeded
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import Task, TaskState
from robotq.workers import Order, TaskReport

from .conftest import QUEUE, OpenShop, Shop


def refusal(caught: pytest.ExceptionInfo[RobotqError]) -> str:
    return caught.value.code.name


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
    assert shop.engine.queue.memory.counts(api=QUEUE).completed == 200


async def test_waiting_workers__are_called_in_their_order_one_for_each_task(shop: Shop) -> None:
    order: list[str] = []

    async def work(name: str) -> None:
        if await shop.claim(name, wait_s=5) is not None:
            order.append(name)

    waiting = []
    for name in ("first", "second", "third"):
        waiting.append(asyncio.create_task(work(name)))
        await asyncio.sleep(0.01)
    assert shop.workers.idle(QUEUE) == 3
    await shop.submit()
    await shop.submit()
    await asyncio.wait(waiting[:2], timeout=5)
    assert order == ["first", "second"]
    assert shop.workers.idle(QUEUE) == 1
    await shop.workers.stop()
    await asyncio.gather(*waiting)
    assert order == ["first", "second"]


async def test_waiting_worker__that_leaves_lets_the_next_one_have_it(shop: Shop) -> None:
    leaving = asyncio.create_task(shop.claim("leaving", wait_s=5))
    staying = asyncio.create_task(shop.claim("staying", wait_s=5))
    while shop.workers.idle(QUEUE) < 2:  # noqa: ASYNC110 - nothing tells that somebody waits
        await asyncio.sleep(0)
    shop.workers.pool(QUEUE).call("")
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await shop.submit()
    task = await asyncio.wait_for(staying, 5)
    assert task is not None
    assert task.worker == "staying"


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
        assert answer.orders[0].order is Order.GO_ON
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
    assert answer.orders[0].order is Order.GO_ON
    assert (await shop.find(task)).worker == "w1"
    assert await shop.claim("w2") is None


async def test_late_result__is_taken_while_nobody_else_has_the_task(shop: Shop) -> None:
    await shop.submit()
    task = await shop.claimed()
    await shop.after(11)
    done = await shop.finish(task)
    assert (done.state, done.attempt) == (TaskState.COMPLETED, 1)
    assert data_of(done) == {"n": 1}


async def test_late_result__is_refused_and_kept_in_the_journal(shop: Shop) -> None:
    await shop.submit()
    late = await shop.claimed("slow")
    await shop.after(11)
    holder = await shop.claimed("quick")
    with pytest.raises(RobotqError) as caught:
        await shop.finish(late)
    assert refusal(caught) == "stale_claim"
    (refused,) = await shop.events("task.result_refused")
    assert (refused.task_id, refused.data["worker"]) == (late.id, "slow")
    assert shop.workers.refused == 1
    report = TaskReport(task_id=late.id, token=late.fence)
    answer = await shop.workers.heartbeat(QUEUE, "slow", [report])
    assert answer.orders[0].order is Order.CANCEL
    done = await shop.finish(holder)
    assert done.worker == "quick"


async def test_same_worker_twice__the_old_token_is_refused(shop: Shop) -> None:
    await shop.submit()
    first = await shop.claimed("w1")
    await shop.after(11)
    second = await shop.claimed("w1")
    with pytest.raises(RobotqError) as caught:
        await shop.finish(first)
    assert refusal(caught) == "stale_claim"
    assert (await shop.finish(second)).state is TaskState.COMPLETED


async def test_double_result__the_same_is_answered_the_same_and_another_refused(
    shop: Shop,
) -> None:
    await shop.submit()
    task = await shop.claimed()
    done = await shop.finish(task)
    assert await shop.finish(task) == done
    for other in (succeeded({"n": 2}), failed_with("no", {"n": 1})):
        with pytest.raises(RobotqError) as caught:
            await shop.finish(task, other)
        assert refusal(caught) == "wrong_state"
    assert await shop.find(task) == done
    assert len(await shop.events("task.completed")) == 1


async def test_nameless_worker__is_believed_as_long_as_only_one_had_the_task(shop: Shop) -> None:
    await shop.submit()
    await shop.submit()
    one, other = await shop.claimed("w1"), await shop.claimed("w1")
    done = await shop.workers.finish(one.id, Holder(), succeeded(None))
    assert done.state is TaskState.COMPLETED
    await shop.after(11)
    await shop.claimed("w2")
    with pytest.raises(RobotqError) as caught:
        await shop.workers.finish(other.id, Holder(), succeeded(None))
    assert refusal(caught) == "stale_claim"


@pytest.mark.parametrize("data", [None, "text", 3.5, [1, [2]], {"a": {"b": None}}, False])
async def test_result__of_any_shape_is_kept_as_it_was(shop: Shop, data: object) -> None:
    await shop.submit()
    task = await shop.finish(await shop.claimed(), succeeded(data))
    assert data_of(await shop.find(task)) == data


async def test_failure__keeps_the_workers_words_and_what_it_found(shop: Shop) -> None:
    await shop.submit()
    ending = failed_with("no paper", {"pages": 3})
    task = await shop.finish(await shop.claimed(), ending)
    assert task.state is TaskState.FAILED
    assert task.error is not None
    assert (task.error.code, task.error.args) == ("worker_error", {"reason": "no paper"})
    assert data_of(task) == {"pages": 3}


async def test_cancel__the_worker_hears_of_it_and_its_result_is_refused(shop: Shop) -> None:
    await shop.submit()
    task = await shop.claimed()
    cancelled = await shop.engine.queue.cancel(task.id, actor="ann", reason="not needed")
    assert cancelled.state is TaskState.CANCELLED
    report = TaskReport(task_id=task.id, token=task.fence)
    (order,) = (await shop.workers.heartbeat(QUEUE, "w1", [report])).orders
    assert (order.order, order.reason) == (Order.CANCEL, "cancelled")
    with pytest.raises(RobotqError) as caught:
        await shop.finish(task)
    assert refusal(caught) == "wrong_state"
    assert await shop.find(task) == cancelled


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
    await shop.engine.queue.jobs.give_back(task.id, Holder(worker="w1", token=task.fence))
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


async def test_retry__under_its_own_id_as_often_as_allowed(shop: Shop) -> None:
    task = await shop.submit(max_retries=1)
    jobs = shop.engine.queue.jobs
    with pytest.raises(RobotqError) as caught:
        await jobs.retry(task.id, actor="ann")
    assert refusal(caught) == "wrong_state"
    await shop.finish(await shop.claimed(), failed_with("no"))
    again = await jobs.retry(task.id, actor="ann")
    assert (again.state, again.retries, again.worker) == (TaskState.PENDING, 1, None)
    assert (again.error, again.result, again.started_at_ms, again.ended_at_ms) == (None,) * 4
    counts = shop.engine.queue.memory.counts(api=QUEUE)
    assert (counts.pending, counts.failed, counts.total) == (1, 0, 1)
    await shop.finish(await shop.claimed(), failed_with("no"))
    with pytest.raises(RobotqError) as caught:
        await jobs.retry(task.id, actor="ann")
    assert refusal(caught) == "retries_used_up"


async def test_full__refuses_the_next_one_until_one_is_taken(shop: Shop) -> None:
    for _ in range(2):
        await shop.submit(max_waiting=2)
    with pytest.raises(RobotqError) as caught:
        await shop.submit(max_waiting=2)
    assert refusal(caught) == "queue_full"
    await shop.claimed()
    await shop.submit(max_waiting=2)


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
    assert order.order is Order.GO_ON
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


async def test_numbers__by_state_by_hour_and_over_all_time_add_up(shop: Shop) -> None:
    for priority in (5, 5, 0):
        await shop.submit(priority=priority)
    first = await shop.claimed()
    shop.clock.pass_(2)
    await shop.finish(first)
    shop.clock.pass_(3_600)
    await shop.finish(await shop.claimed(), failed_with("no"))
    total = {t.name: t.value for t in await shop.store.tallies(QUEUE, from_ms=0, to_ms=0)}
    assert total == {
        "submitted": 3,
        "priority:5": 2,
        "priority:0": 1,
        "worked": 2,
        "worked_ms": 2_000,
    }
    hours = await shop.store.tallies(QUEUE, from_ms=1, to_ms=shop.clock.ms)
    ended = [(t.name, t.value) for t in hours if t.name in ("completed", "failed")]
    assert ended == [("completed", 1), ("failed", 1)]
    assert all(t.hour_ms % 3_600_000 == 0 for t in hours)


async def test_registry__forgets_the_one_not_seen_for_longest_that_has_nothing(
    shop: Shop,
) -> None:
    limit = 3
    shop.workers.registry._limit = lambda: limit
    await shop.submit()
    shop.workers.seen(QUEUE, "busy")
    await shop.claimed("busy")
    for name in ("a", "b", "c"):
        shop.clock.pass_(1)
        shop.workers.seen(QUEUE, name)
    assert [worker.name for worker in shop.workers.registry] == ["busy", "b", "c"]


async def test_worker__whose_lease_is_over_is_silent_until_it_is_heard_of(shop: Shop) -> None:
    await shop.submit(deadline_ms=shop.clock.ms + 60_000)
    shop.workers.seen(QUEUE, "dies")
    await shop.claimed("dies")

    def dies() -> tuple[bool, int]:
        worker = shop.workers.registry.get(QUEUE, "dies")
        assert worker is not None
        return worker.silent(shop.clock.now_ms()), worker.expired

    assert dies() == (False, 0)
    await shop.after(11)
    assert dies() == (True, 1)
    shop.workers.seen(QUEUE, "dies")
    assert dies() == (False, 1)
    # its deadline is the task's fault, and not that of whoever has it
    await shop.claimed("dies")
    await shop.after(9)
    await shop.workers.heartbeat(QUEUE, "dies")
    await shop.after(60)
    assert dies() == (False, 1)


async def test_worker__that_asks_for_nothing_is_silent_in_the_end(shop: Shop) -> None:
    polls = shop.workers.seen(QUEUE, "polls")
    connected = shop.workers.seen(QUEUE, "connected", transport="websocket")
    shop.clock.pass_(90)
    assert not polls.silent(shop.clock.now_ms())
    shop.clock.pass_(1)
    assert polls.silent(shop.clock.now_ms())
    assert not connected.silent(shop.clock.now_ms())
