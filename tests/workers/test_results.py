"""What a worker answers, whether it is believed, and what follows."""

from __future__ import annotations

import pytest

from robotq.model.errors import RobotqError
from robotq.model.job import Holder, data_of, failed_with, succeeded
from robotq.model.task import TaskState
from robotq.workers import TaskReport, Verdict

from .conftest import QUEUE, Shop, refusal


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
    assert answer.orders[0].order is Verdict.CANCEL
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
    assert (order.order, order.reason) == (Verdict.CANCEL, "cancelled")
    with pytest.raises(RobotqError) as caught:
        await shop.finish(task)
    assert refusal(caught) == "wrong_state"
    assert await shop.find(task) == cancelled


async def test_retry__under_its_own_id_as_often_as_allowed(shop: Shop) -> None:
    task = await shop.submit(max_retries=1)
    queue = shop.engine.queue
    with pytest.raises(RobotqError) as caught:
        await queue.retry_job(task.id, actor="ann")
    assert refusal(caught) == "wrong_state"
    await shop.finish(await shop.claimed(), failed_with("no"))
    again = await queue.retry_job(task.id, actor="ann")
    assert (again.state, again.retries, again.worker) == (TaskState.PENDING, 1, None)
    assert (again.error, again.result, again.started_at_ms, again.ended_at_ms) == (None,) * 4
    counts = shop.engine.reads.counts(api=QUEUE)
    assert (counts.pending, counts.failed, counts.total) == (1, 0, 1)
    await shop.finish(await shop.claimed(), failed_with("no"))
    with pytest.raises(RobotqError) as caught:
        await queue.retry_job(task.id, actor="ann")
    assert refusal(caught) == "retries_used_up"


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


async def test_late_result__without_a_name_is_not_kept_as_that_of_another_worker(
    shop: Shop,
) -> None:
    await shop.submit()
    late = await shop.claimed("slow")
    await shop.after(11)
    holder = await shop.claimed("quick")
    with pytest.raises(RobotqError) as caught:
        await shop.workers.finish(late.id, Holder(), succeeded("of slow"))
    assert refusal(caught) == "stale_claim"
    done = await shop.workers.finish(holder.id, Holder(worker="quick"), succeeded("of quick"))
    assert data_of(done) == "of quick"


async def test_result__without_a_name_is_believed_where_one_worker_tries_again(
    shop: Shop,
) -> None:
    """The documented client never says who it is when it hands in a result."""
    await shop.submit()
    task = await shop.claimed("w1")
    await shop.workers.finish(task.id, Holder(), failed_with("broken"))
    await shop.engine.queue.retry_job(task.id, actor="ann")
    await shop.claimed("w2")
    done = await shop.workers.finish(task.id, Holder(), succeeded("at last"))
    assert data_of(done) == "at last"
