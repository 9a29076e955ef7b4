"""The dispatcher's checklist, 9 to 13: how tasks end and what is seen of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from robotq.store.sqlite.store import SqliteStore
from tests.workers.conftest import START_MS, SetClock

from .conftest import NOBODY, Dispatcher, running


async def test_s4_09__a_worker_that_leaves_fails_its_task(api: Dispatcher) -> None:
    async with await api.worker("other"):
        async with await api.worker() as worker:
            asking = api.waiting()
            sync = (await worker.task())["taskId"]
            queued = await api.submit()
        answer = await asking
        assert (answer.status, answer.error) == (500, "Worker disconnected")
        failed = await api.task(sync)
        assert (failed["status"], failed["error"]) == ("failed", "Worker disconnected")
        # what waits goes on to the next one
        assert (await api.task(queued))["status"] == "queued"
        async with await api.worker() as next_one:
            assert (await next_one.task())["taskId"] == queued


async def test_s4_09__a_connection_that_is_cut_counts_the_same(api: Dispatcher) -> None:
    worker = await (await api.worker()).__aenter__()
    task_id = await api.submit()
    await worker.task()
    transport = worker.ws._response.connection
    assert transport is not None
    assert transport.transport is not None
    transport.transport.abort()
    assert (await api.until(task_id, "failed"))["error"] == "Worker disconnected"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("错误信息", "错误信息"),
        ("", "Unknown error"),
        (None, "Unknown error"),
        (42, "42"),
    ],
)
async def test_s4_10__the_text_of_a_failure_reaches_the_caller(
    api: Dispatcher, said: Any, told: str
) -> None:
    async with await api.worker() as worker:
        asking = api.waiting()
        sync = (await worker.task())["taskId"]
        await worker.fail(sync, said, duration=1000)
        answer = await asking
        assert (answer.status, answer.error) == (500, told)
        task_id = await api.submit()
        await worker.task()
        await worker.fail(task_id, said)
        assert (await api.until(task_id, "failed"))["error"] == told


async def test_s4_11__the_four_forms_of_a_task(api: Dispatcher) -> None:
    async with await api.worker("g") as worker:
        ids = [await api.submit(group="g") for _ in range(4)]
        await worker.task()
        assert await api.task(ids[0]) == {
            "taskId": ids[0],
            "status": "executing",
            "workerId": worker.name,
            "startedAt": START_MS,
        }
        assert await api.task(ids[3]) == {
            "taskId": ids[3],
            "status": "queued",
            "enqueuedAt": START_MS,
            "position": 3,
        }
        assert (await api.task(ids[1]))["position"] == 1
        api.clock.pass_(2)
        await worker.complete(ids[0], {"n": 1})
        assert await api.until(ids[0], "completed") == {
            "taskId": ids[0],
            "status": "completed",
            "result": {"n": 1},
            "completedAt": START_MS + 2_000,
        }
        await worker.task()
        assert (await api.task(ids[3]))["position"] == 2
        await worker.fail(ids[1], "broken")
        assert await api.until(ids[1], "failed") == {
            "taskId": ids[1],
            "status": "failed",
            "error": "broken",
            "failedAt": START_MS + 2_000,
        }


async def test_s4_11__position_counts_all_groups(api: Dispatcher) -> None:
    async with await api.worker("nobody"):
        await api.submit(group="a")
        second = await api.submit(group="b")
        assert (await api.task(second))["position"] == 2


async def test_s4_11__what_the_robot_interface_calls_off_has_failed(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        asking = api.waiting()
        task_id = (await worker.task())["taskId"]
        await api.engine.queue.cancel(task_id, actor="ann", reason="enough")
        assert (await asking).error == "Task cancelled"
        assert (await api.task(task_id))["error"] == "Task cancelled"


@pytest.mark.parametrize(
    "unknown", [NOBODY, "xxx", "task_20260101_000000_abcdef", "%00", "a" * 999]
)
async def test_s4_12__an_unknown_task_is_not_found(api: Dispatcher, unknown: str) -> None:
    answer = await api.get(unknown)
    assert (answer.status, answer.error) == (404, "Task not found or expired")


async def test_s4_13__a_result_is_kept_for_its_time_and_no_longer(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        good, bad = await api.submit(), await api.submit()
        await worker.task()
        await worker.complete(good, 1)
        await worker.task()
        await worker.fail(bad, "no")
        await api.until(bad, "failed")
        api.clock.pass_(299.999)
        assert (await api.task(good))["result"] == 1
        assert (await api.task(bad))["status"] == "failed"
        api.clock.pass_(0.001)
        for task_id in (good, bad):
            answer = await api.get(task_id)
            assert (answer.status, answer.error) == (404, "Task not found or expired")


async def test_s4_13__results_outlive_a_restart(tmp_path: Path) -> None:
    clock = SetClock()
    async with (
        running(tmp_path, SqliteStore(tmp_path / "robotq.db"), clock) as api,
        await api.worker() as worker,
    ):
        task_id = await api.submit()
        await worker.task()
        await worker.complete(task_id, {"kept": True})
        await api.until(task_id, "completed")
        waiting = await api.submit(group="later", timeout=600_000)
    async with running(tmp_path, SqliteStore(tmp_path / "robotq.db"), clock) as api:
        assert (await api.task(task_id))["result"] == {"kept": True}
        async with await api.worker("later") as worker:
            assert (await worker.task())["taskId"] == waiting
        clock.pass_(300)
        assert (await api.get(task_id)).status == 404
