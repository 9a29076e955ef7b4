"""The orchestrator's checklist, 8 to 14, 17 to 20, 27 and 28: a task and its worker."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from robotq.store.sqlite.store import SqliteStore
from tests.workers.conftest import SetClock

from .conftest import PROJECT, TIME, OpenOrchestrator, Orchestrator, running


async def test_s1_08__next_gives_a_task_of_that_directory_only(api: Orchestrator) -> None:
    other = await api.create("elsewhere", work_directory="/srv/other")
    mine = await api.create("here", tags=["a"])
    assert (await api.get("/tasks/next")).error["details"]["field"] == "work_path"
    got = await api.next()
    assert got == {
        "task_id": mine,
        "prompt": "here",
        "work_directory": PROJECT,
        "priority": "medium",
        "tags": ["a"],
    }
    task = await api.task(mine)
    assert (task["status"], task["worker_id"]) == ("working", "worker-001")
    assert task["started_at"] is not None
    assert (await api.task(other))["status"] == "waiting"


async def test_s1_09__next_without_a_task_is_a_success_with_null(api: Orchestrator) -> None:
    answer = await api.get("/tasks/next", work_path=PROJECT, worker_id="w")
    assert (answer.status, answer.body["success"], answer.data) == (200, True, None)


async def test_s1_10__high_comes_before_medium_before_low_and_the_oldest_first(
    api: Orchestrator,
) -> None:
    for prompt, priority in (
        ("low", "low"),
        ("medium 1", "medium"),
        ("high 1", "high"),
        ("medium 2", "medium"),
        ("high 2", "high"),
    ):
        await api.create(prompt, priority=priority)
    order = [(await api.next(f"worker-{number}"))["prompt"] for number in range(5)]
    assert order == ["high 1", "high 2", "medium 1", "medium 2", "low"]


async def test_s1_11__workers_that_ask_at_once_never_get_the_same(api: Orchestrator) -> None:
    ids = {await api.create(str(number)) for number in range(20)}
    got = await asyncio.gather(*(api.next(f"worker-{number}") for number in range(25)))
    handed_out = [task["task_id"] for task in got if task is not None]
    assert len(handed_out) == 20
    assert set(handed_out) == ids


async def test_s1_12__complete_keeps_the_result(api: Orchestrator) -> None:
    task_id = await api.create()
    await api.next()
    result = {
        "status": "success",
        "output": "Found 3",
        "duration": 4500,
        "details": {"files": 127, "deep": {"a": [1, None]}},
    }
    answer = await api.complete(task_id, original_prompt="do", result=result)
    assert set(answer.data) == {"task_id", "status", "completed_at", "worker_id"}
    assert (answer.data["status"], answer.data["worker_id"]) == ("completed", "worker-001")
    assert (await api.task(task_id))["result"] == {**result, "error": None}
    bare = await api.create()
    await api.next()
    await api.post(f"/tasks/{bare}/complete")
    kept = (await api.task(bare))["result"]
    assert (kept["status"], kept["output"]) == ("success", "Task completed")


async def test_s1_13__a_prompt_that_it_never_had_is_refused(api: Orchestrator) -> None:
    task_id = await api.create("Analyze the codebase")
    await api.next()
    answer = await api.complete(task_id, original_prompt="Delete the codebase")
    assert answer.status == 400
    assert answer.error["details"]["message"] == "Original prompt does not match"
    assert (await api.task(task_id))["status"] == "working"


async def test_s1_14__complete_out_of_turn_is_a_conflict(api: Orchestrator) -> None:
    task_id = await api.create()
    waiting = await api.complete(task_id)
    assert (waiting.status, waiting.error["code"]) == (409, "CONFLICT")
    assert waiting.error["message"] == "Invalid status transition: waiting -> completed"
    await api.next("worker-001")
    other = await api.complete(task_id, worker_id="worker-002")
    assert other.error["message"] == "Task already acquired by another worker"
    in_query = await api.post(f"/tasks/{task_id}/complete?worker_id=worker-002")
    assert in_query.status == 409
    assert (await api.complete(task_id, worker_id="worker-001")).status == 200
    failed = {"status": "failed", "error": "broken"}
    assert (await api.complete(task_id, worker_id="worker-001", result=failed)).status == 409


async def test_complete__once_more_with_the_same_content_gets_the_same_answer(
    api: Orchestrator,
) -> None:
    """The first answer was lost on its way, and the worker sends its result again."""
    task_id = await api.create()
    await api.next("worker-001")
    first = await api.complete(task_id)
    again = await api.complete(task_id)
    assert (first.status, again.status) == (200, 200)
    assert again.data == first.data


async def test_next__whose_answer_was_lost_gives_its_worker_the_same_task_again(
    api: Orchestrator,
) -> None:
    task_id = await api.create()
    assert (await api.next("worker-001"))["task_id"] == task_id
    assert (await api.next("worker-001"))["task_id"] == task_id
    assert await api.next("worker-002") is None


async def test_idempotency_key__makes_one_task_of_a_submit_that_is_sent_twice(
    api: Orchestrator,
) -> None:
    body = {"work_directory": PROJECT, "prompt": "once"}
    key = {"Idempotency-Key": "k-1"}
    first = await api.ask("POST", "/api/v1/tasks", body, headers=key)
    again = await api.ask("POST", "/api/v1/tasks", body, headers=key)
    assert first.data["task_id"] == again.data["task_id"]
    other = await api.ask("POST", "/api/v1/tasks", {**body, "prompt": "twice"}, headers=key)
    assert other.status == 409
    assert (await api.get("/tasks")).data["pagination"]["total"] == 1


@pytest.mark.parametrize("working", [False, True])
async def test_s1_17__cancel_echoes_its_reason(api: Orchestrator, working: bool) -> None:
    task_id = await api.create()
    if working:
        await api.next()
    reason = "Project cancelled by client"
    answer = await api.post(f"/tasks/{task_id}/cancel", {"reason": reason})
    assert set(answer.data) == {"task_id", "status", "cancelled_at", "reason"}
    assert (answer.data["status"], answer.data["reason"]) == ("cancelled", reason)
    assert (await api.task(task_id))["error_message"] == reason
    again = await api.post(f"/tasks/{task_id}/cancel")
    assert again.error["message"] == "Invalid status transition: cancelled -> cancelled"
    assert (await api.complete(task_id)).status == 409


async def test_s1_17__cancel_needs_no_body(api: Orchestrator) -> None:
    answer = await api.post(f"/tasks/{await api.create()}/cancel")
    assert (answer.status, answer.data["reason"]) == (200, None)


async def test_s1_18__a_cancelled_task_is_never_handed_out(api: Orchestrator) -> None:
    task_id = await api.create()
    await api.post(f"/tasks/{task_id}/cancel")
    assert await api.next() is None


async def test_s1_19__retry_lets_a_failed_task_wait_again(api: Orchestrator) -> None:
    task_id = await api.create()
    await api.next()
    await api.fail(task_id)
    failed = await api.task(task_id)
    assert (failed["status"], failed["error_message"]) == ("failed", "broken")
    answer = await api.post(f"/tasks/{task_id}/retry")
    data = answer.data
    assert TIME.fullmatch(data.pop("last_retry_at"))
    assert data == {
        "task_id": task_id,
        "status": "waiting",
        "retry_count": 1,
        "max_retries": 3,
    }
    task = await api.task(task_id)
    cleared = ("worker_id", "started_at", "completed_at", "error_message", "result")
    assert [task[name] for name in cleared] == [None] * 5
    assert (await api.next("worker-002"))["task_id"] == task_id
    assert (await api.complete(task_id)).data["worker_id"] == "worker-002"


async def test_s1_20__retry_has_its_limit_and_is_for_failed_tasks_only(api: Orchestrator) -> None:
    task_id = await api.create()
    waiting = await api.post(f"/tasks/{task_id}/retry")
    assert waiting.error["message"] == "Invalid status transition: waiting -> waiting"
    for _ in range(3):
        await api.next()
        await api.fail(task_id)
        assert (await api.post(f"/tasks/{task_id}/retry")).status == 200
    await api.next()
    await api.fail(task_id)
    refused = await api.post(f"/tasks/{task_id}/retry")
    assert (refused.status, refused.error["message"]) == (409, "Max retries exceeded: 3/3")


async def test_s1_27__tasks_survive_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path, SqliteStore(tmp_path)) as api:
        done, held, waiting = [await api.create(str(number)) for number in range(3)]
        await api.next()
        await api.complete(done, result={"output": "kept", "details": {"a": 1}})
        await api.next()
        before = (await api.get("/statistics")).data
    async with running(tmp_path, SqliteStore(tmp_path)) as api:
        assert (await api.task(done))["result"]["details"] == {"a": 1}
        assert (await api.get("/statistics")).data == before
        assert (await api.complete(held)).data["worker_id"] == "worker-001"
        assert (await api.next())["task_id"] == waiting


async def test_s1_28__a_worker_that_vanishes_is_waited_for_and_then_the_task_is_offered_again(
    open_orchestrator: OpenOrchestrator,
) -> None:
    api = await open_orchestrator(clock=SetClock(), task_timeout_s=600)
    task_id = await api.create()
    for count in range(1, 4):
        await api.next()
        await api.after(599)
        assert (await api.task(task_id))["status"] == "working"
        await api.after(2)
        task = await api.task(task_id)
        assert (task["status"], task["retry_count"]) == ("waiting", count)
    await api.next()
    await api.after(601)
    task = await api.task(task_id)
    assert (task["status"], task["retry_count"]) == ("failed", 3)
    assert task["error_message"]
