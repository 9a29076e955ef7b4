"""What retention removes is gone everywhere at once."""

from __future__ import annotations

import pytest

from robotq.engine.worker_tasks import job_changes
from robotq.model.errors import RobotqError
from robotq.model.job import Holder, succeeded
from robotq.model.task import TaskState

from .conftest import QUEUE, Shop, refusal


async def test_retention__what_it_removes_is_found_nowhere_and_cannot_be_retried(
    shop: Shop,
) -> None:
    await shop.submit("old")
    task = await shop.claimed()
    await shop.workers.finish(task.id, Holder(worker="w1"), succeeded(None))
    shop.clock.pass_(40 * 86_400)
    await shop.submit("new")
    new = await shop.claimed()
    await shop.workers.finish(new.id, Holder(worker="w1"), succeeded(None))
    await shop.engine._parts.retention.look()
    assert await shop.store.get(task.id) is None
    with pytest.raises(RobotqError) as caught:
        await shop.engine.reads.task(task.id)
    assert refusal(caught) == "task_not_found"
    with pytest.raises(RobotqError) as caught:
        await shop.engine.queue.retry_job(task.id, actor="ann")
    assert refusal(caught) == "task_not_found"
    assert [one.id for one in shop.engine.reads.latest_ended()] == [new.id]
    assert shop.engine.reads.counts(queue=QUEUE).completed == 2
    assert (await shop.find(new)).state is TaskState.COMPLETED


async def test_retention__a_change_under_way_of_what_is_being_removed_says_that_it_is_gone(
    shop: Shop,
) -> None:
    await shop.submit("old", max_retries=0)
    task = await shop.claimed()
    await shop.after(11)
    failed = await shop.find(task)
    assert failed.state is TaskState.FAILED
    removing = {"events_before_ms": 0, "answers_before_ms": 0, "limit": 10}
    async with shop.engine._parts.tasks.claims._commit.of(task.id) as held:
        shop.engine._parts.base.memory.forget(2**60)
        await shop.store.prune(tasks_before_ms=2**60, **removing)
        with pytest.raises(RobotqError) as caught:
            await shop.engine._parts.tasks.cancelling._jobs._write(
                job_changes.retried(held, shop.clock.now_ms(), actor="ann")
            )
    assert refusal(caught) == "task_not_found"
