"""Synchronous mode: the answer is the result, and the task is as durable as ever."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.conftest import StartLab
from tests.api.lab import BY_HAND, GO_HOME, PICK_UP_NOTHING, SCAN, Lab


@pytest.fixture
async def lab(start_lab: StartLab) -> Lab:
    return await start_lab(mode="sync")


async def test_result__a_failure_has_its_own_code_and_status(lab: Lab) -> None:
    answer = await lab.post("/", {**PICK_UP_NOTHING, "cmd_id": "p-1"})
    assert answer.status == 422
    assert (answer["success"], answer["code"]) == (False, 5001)
    assert answer["cmd_id"] == "p-1"
    assert "bottle_of_another_lab" in answer["message"]
    assert (await lab.task(answer["task_id"]))["state"] == "failed"


async def test_result__of_a_batch_has_one_for_each_command(lab: Lab) -> None:
    answer = await lab.post("/", [GO_HOME, GO_HOME])
    assert answer.status == 200
    assert (answer["success"], answer["code"]) == (True, 0)
    assert [result["task_id"] for result in answer["results"]] == answer["task_ids"]
    failed = await lab.post("/", [PICK_UP_NOTHING, GO_HOME])
    assert (failed.status, failed["error_code"]) == (422, "device_error")
    assert [result["error_code"] for result in failed["results"]] == [
        "device_error",
        "batch_failed",
    ]


async def test_held__is_answered_at_once_with_the_reason_and_nothing_is_accepted(
    lab: Lab,
) -> None:
    await lab.post("/queue/pause", {"reason": "cleaning the deck"})
    before = await lab.facts()
    async with asyncio.timeout(1):
        answer = await lab.post("/", SCAN)
    assert (answer.status, answer["code"]) == (409, 3011)
    assert "cleaning the deck" in answer["message"]
    assert answer["holds"][0]["clear"]["path"] == "/queue/resume"
    assert await lab.facts() == before


async def test_held__a_repeat_of_what_was_accepted_before_gets_its_result(lab: Lab) -> None:
    headers = {"Idempotency-Key": "k"}
    first = await lab.post("/", GO_HOME, headers=headers)
    await lab.post("/queue/pause")
    again = await lab.post("/", GO_HOME, headers=headers)
    assert (again.status, again.body) == (200, first.body)


async def test_prefer__respond_async_gives_the_task_id(lab: Lab) -> None:
    answer = await lab.post("/", BY_HAND, headers={"Prefer": "respond-async"})
    assert answer["message"] == "任务已加入队列"
    await lab.post("/queue/pause")
    held = await lab.post("/", GO_HOME, headers={"Prefer": "respond-async"})
    assert held.status == 200


async def test_prefer__wait_bounds_the_wait(lab: Lab) -> None:
    answer = await lab.post("/", BY_HAND, headers={"Prefer": "wait=1"})
    assert answer["message"] == "任务已加入队列"


async def test_waiting__one_too_many_still_learns_that_it_was_accepted(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(mode="sync", limits__waiting_requests=1)
    with lab.engine.reads.subscribe() as events:
        waiting = asyncio.create_task(lab.post("/", BY_HAND))
        async for event in events:
            if event.kind == "task.question":
                break
    answer = await lab.post("/", GO_HOME)
    assert answer["message"] == "任务已加入队列"
    poll = await lab.get(f"/task/{answer['task_id']}?wait=5")
    assert (poll.status, poll["error_code"]) == (503, "too_many_requests")
    (running,) = lab.engine.reads.running()
    await lab.post(f"/task/{running.id}/input", {})
    assert (await waiting).status == 200


async def test_status__works_in_synchronous_mode_too(lab: Lab) -> None:
    assert (await lab.get("/")).body["queue_mode"] is False
    assert (await lab.get("/queue/status")).body["total_tasks"] == 0
