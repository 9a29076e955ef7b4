"""The dispatcher's checklist, 1 to 8: who hands in a task."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from tests.slices import each
from tests.workers.conftest import START_MS, SetClock

from .conftest import Dispatcher, OpenDispatcher


async def test_s4_01__sync_holds_the_request_and_gives_the_result_unchanged(
    api: Dispatcher,
) -> None:
    result = {"success": True, "data": "处理结果", "deep": [1, 2.5, None, {"a": False}]}
    async with await api.worker() as worker:
        asking = api.waiting()
        task = await worker.task()
        assert not asking.done()
        await worker.complete(task["taskId"], result)
        answer = await asking
    assert answer.status == 200
    assert answer.body == {"taskId": task["taskId"], "status": "completed", "result": result}


@pytest.mark.parametrize("result", [None, "text", 7, [], False])
async def test_s4_01__any_json_is_a_result(api: Dispatcher, result: Any) -> None:
    async with await api.worker() as worker:
        asking = api.waiting()
        await worker.complete((await worker.task())["taskId"], result)
        assert (await asking).body["result"] == result


async def test_s4_02__async_answers_at_once(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        first = await api.post({"data": {}, "async": True})
        assert first.body["status"] == "executing"
        assert (await worker.task())["taskId"] == first.body["taskId"]
        second = await api.post({"data": {}, "async": True})
        assert second.body["status"] == "queued"
        assert set(second.body) == {"taskId", "status"}


@pytest.mark.parametrize("asked", ["true", 1, None, False])
async def test_s4_02__only_true_is_async(api: Dispatcher, asked: Any) -> None:
    async with await api.worker() as worker:
        asking = api.waiting(**{"async": asked})
        await worker.complete((await worker.task())["taskId"], 1)
        assert (await asking).body["status"] == "completed"


@each(
    "body",
    [
        {},
        {"data": None},
        {"data": "", "messages": 0},
        {"data": False},
        {"model": "gpt-4"},
        [],
        [{"data": {}}],
        "data",
        7,
        None,
    ],
)
async def test_s4_03__neither_data_nor_messages_is_refused(api: Dispatcher, body: Any) -> None:
    async with await api.worker():
        answer = await api.ask("POST", "/api/openai", orjson.dumps(body))
        assert (answer.status, answer.error) == (
            400,
            "Invalid request: data or messages required",
        )
        answer = await api.ask("POST", "/api/openai", b"")
        assert answer.error == "Invalid request: data or messages required"


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"data": NaN}', b"[" * 200 + b"]" * 200])
async def test_s4_03__what_is_no_json_is_refused(api: Dispatcher, body: bytes) -> None:
    answer = await api.ask("POST", "/api/openai", body)
    assert (answer.status, answer.error) == (400, "Invalid request: invalid JSON")


@pytest.mark.parametrize(
    "wrong",
    [
        {"group": 7},
        {"model": ["m"]},
        {"timeout": "soon"},
        {"timeout": True},
        {"timeout": {}},
        {"group": "g" * 201},
    ],
)
async def test_s4_03__fields_of_a_wrong_type_are_named(
    api: Dispatcher, wrong: dict[str, Any]
) -> None:
    async with await api.worker():
        answer = await api.post({"data": {}, **wrong})
        assert answer.status == 400
        assert answer.error.startswith(f"Invalid request: {next(iter(wrong))}")


async def test_s4_04__the_payload_is_what_was_sent_with_the_model(api: Dispatcher) -> None:
    said = [{"role": "user", "content": "Hello!"}]
    async with await api.worker() as worker:
        for sent, payload in (
            ({"data": {"a": 1}}, {"model": "default", "data": {"a": 1}}),
            (
                {"messages": said, "model": "gpt-4"},
                {"model": "gpt-4", "messages": said},
            ),
            (
                {"messages": said, "data": {}, "model": ""},
                {"model": "default", "messages": said, "data": {}},
            ),
            ({"data": []}, {"model": "default", "data": []}),
        ):
            answer = await api.post({**sent, "async": True})
            task = await worker.task()
            assert task == {"type": "task", "taskId": answer.body["taskId"], "payload": payload}
            await worker.complete(task["taskId"])
            await api.until(task["taskId"], "completed")


@pytest.mark.parametrize("mode", [True, False])
async def test_s4_05__without_any_worker_it_is_refused(api: Dispatcher, mode: bool) -> None:
    answer = await api.post({"data": {}, "async": mode})
    assert (answer.status, answer.error) == (503, "No worker available")
    async with await api.worker("elsewhere"):
        # somebody is there, though of another group
        answer = await api.post({"data": {}, "async": True})
        assert answer.body["status"] == "queued"
    await api.alone()
    assert (await api.post()).error == "No worker available"


async def test_s4_06__a_full_queue_refuses_until_one_is_taken(
    open_dispatcher: OpenDispatcher,
) -> None:
    api = await open_dispatcher(clock=SetClock(), max_length=2)
    async with await api.worker() as worker:
        for _ in range(3):
            await api.submit()
        answer = await api.post()
        assert (answer.status, answer.error) == (503, "Queue is full")
        assert answer.headers["Retry-After"]
        await worker.complete((await worker.task())["taskId"])
        await worker.task()
        await api.submit()
        assert (await api.post({"data": {}, "async": True})).error == "Queue is full"


@each(
    ("asked", "acts_as_s"),
    [
        ({"timeout": 1}, 5),
        ({"timeout": -7}, 5),
        ({"timeout": 5_000}, 5),
        ({"timeout": 120_000}, 120),
        ({"timeout": 600_001}, 600),
        ({"timeout": 1e300}, 600),
        ({"timeout": None}, 60),
        ({}, 60),
    ],
)
async def test_s4_07__the_timeout_is_kept_in_its_bounds(
    api: Dispatcher, asked: dict[str, Any], acts_as_s: int
) -> None:
    async with await api.worker("other"):
        task_id = await api.submit(**asked)
        await api.after(acts_as_s - 0.001)
        assert (await api.task(task_id))["status"] == "queued"
        await api.after(0.001)
        assert (await api.task(task_id))["status"] == "failed"


async def test_s4_08__over_its_timeout_it_fails(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        asking = api.waiting(timeout=5_000)
        sync = (await worker.task())["taskId"]
        await api.after(5)
        answer = await asking
        assert (answer.status, answer.error) == (500, "Task timeout")
        assert (await api.task(sync))["status"] == "failed"
        task_id = await api.submit(timeout=5_000)
        assert (await worker.task())["taskId"] == task_id
        await api.after(5)
        assert await api.task(task_id) == {
            "taskId": task_id,
            "status": "failed",
            "error": "Task timeout",
            "failedAt": START_MS + 10_000,
        }


async def test_s4_08__the_same_clock_runs_while_it_waits(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        first = await api.submit(timeout=10_000)
        waiting, asking = await api.submit(timeout=5_000), api.waiting(timeout=5_000)
        async with asyncio.timeout(10):
            while (await api.pages("metrics"))["queueLength"] < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await api.after(5)
        assert (await api.task(waiting))["error"] == "Task timeout"
        assert (await asking).error == "Task timeout"
        assert (await api.task(first))["status"] == "executing"
        await worker.task()
        await worker.silence()


async def test_s4_08__a_worker_is_idle_again_after_a_timeout(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        await api.submit(timeout=5_000)
        await worker.task()
        after = await api.submit()
        await api.after(5)
        assert (await worker.task())["taskId"] == after
