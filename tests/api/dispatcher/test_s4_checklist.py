"""The dispatcher's checklist, line by line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from robotq.config import load_config
from robotq.store.sqlite import SqliteStore
from tests.workers.conftest import START_MS, SetClock

from .conftest import NOBODY, WORKER, Dispatcher, OpenDispatcher, running


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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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


async def test_s4_14__a_worker_is_greeted_with_its_name(api: Dispatcher) -> None:
    async with await api.worker() as first, await api.worker("gpu-cluster") as second:
        for number, worker in enumerate((first, second), 1):
            assert WORKER.fullmatch(worker.name)
            assert worker.name.startswith(f"W{number}-{START_MS % 10_000:04d}")
            assert worker.hello == {
                "type": "connected",
                "workerId": worker.name,
                "message": "Connected to Task Dispatcher",
            }


async def test_s4_15__ready_brings_a_queued_task_at_once(api: Dispatcher) -> None:
    async with await api.worker("other"):
        task_id = await api.submit()
        async with await api.worker() as worker:
            await worker.say(type="ready")
            assert (await worker.task())["taskId"] == task_id
            # whoever has a task does not get another one by saying so
            await api.submit()
            await worker.say(type="ready")
            await worker.pong()
            await worker.silence()


async def test_s4_15__a_worker_that_never_says_ready_gets_tasks_too(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        task_id = await api.submit()
        assert (await worker.task())["taskId"] == task_id


async def test_s4_16__a_task_has_exactly_the_documented_fields(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        task_id = await api.submit({"prompt": "美丽的少女", "model": "jimeng-4.0"}, model="m")
        assert await worker.task() == {
            "type": "task",
            "taskId": task_id,
            "payload": {"model": "m", "data": {"prompt": "美丽的少女", "model": "jimeng-4.0"}},
        }


async def test_s4_17__ping_gets_pong(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        await worker.say(type="ping")
        assert await worker.hear() == {"type": "pong"}
        await worker.ws.ping(b"x")
        await worker.pong()


async def test_s4_18__one_task_at_a_time_and_the_others_wait_in_line(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        ids = [await api.submit({"n": number}) for number in range(5)]
        for task_id in ids:
            assert (await worker.task())["taskId"] == task_id
            await worker.pong()
            await worker.silence(0.01)
            await worker.complete(task_id)


async def test_s4_18__many_at_once_never_get_the_same(api: Dispatcher) -> None:
    workers = [await (await api.worker()).__aenter__() for _ in range(10)]
    seen: list[str] = []

    async def work(number: int) -> None:
        worker = workers[number]
        for _ in range(3):
            task = await worker.task()
            seen.append(task["taskId"])
            await worker.complete(task["taskId"], number)

    working = [asyncio.create_task(work(number)) for number in range(10)]
    answers = await asyncio.gather(*(api.post({"data": {"n": n}}) for n in range(30)))
    await asyncio.gather(*working)
    assert len(seen) == len(set(seen)) == 30
    assert {answer.body["taskId"] for answer in answers} == set(seen)
    for worker in workers:
        await worker.ws.close()


async def test_s4_19__a_task_goes_to_workers_of_its_group_only(api: Dispatcher) -> None:
    async with await api.worker("gpu-cluster") as gpu, await api.worker() as default:
        task_id = await api.submit(group="gpu-cluster")
        assert (await gpu.task())["taskId"] == task_id
        await default.silence()
        await gpu.complete(task_id)
        plain = await api.submit()
        assert (await default.task())["taskId"] == plain
        await gpu.silence()
        assert (await api.task(plain))["workerId"] == default.name


async def test_s4_19__without_a_group_a_worker_is_of_the_default_one(api: Dispatcher) -> None:
    async with await api.worker("") as worker:
        task_id = await api.submit(group="default")
        assert (await worker.task())["taskId"] == task_id


async def test_s4_20__a_group_without_workers_holds_up_no_other(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        stuck = await api.submit(group="nobody")
        task_id = await api.submit()
        assert (await worker.task())["taskId"] == task_id
        assert (await api.task(stuck))["status"] == "queued"
        async with await api.worker("nobody") as late:
            assert (await late.task())["taskId"] == stuck


async def test_s4_21__a_late_result_changes_nothing(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        task_id = await api.submit(timeout=5_000)
        await worker.task()
        await api.after(5)
        failed = await api.task(task_id)
        await worker.complete(task_id, "too late")
        await worker.pong()
        assert await api.task(task_id) == failed
        # and it does not end what the worker has by now
        other = await api.submit()
        await worker.task()
        await worker.complete(task_id, "too late")
        await worker.pong()
        assert (await api.task(other))["status"] == "executing"


async def test_s4_21__only_who_has_a_task_can_end_it(api: Dispatcher) -> None:
    async with await api.worker() as worker, await api.worker("other") as stranger:
        task_id = await api.submit()
        await worker.task()
        await stranger.complete(task_id, "mine")
        await stranger.pong()
        assert (await api.task(task_id))["status"] == "executing"
        await worker.complete(task_id, "right")
        assert (await api.until(task_id, "completed"))["result"] == "right"


def test_s4_22__the_documented_variables_take_effect() -> None:
    config = load_config(
        None,
        {
            "TASK_TIMEOUT_MS": "30000",
            "MAX_TASK_TIMEOUT_MS": "90000",
            "MIN_TASK_TIMEOUT_MS": "1500",
            "MAX_QUEUE_LENGTH": "7",
            "TASK_RESULT_TTL_MS": "60000",
        },
        {},
    ).interfaces.dispatcher
    assert (config.timeout_s, config.max_timeout_s, config.min_timeout_s) == (30, 90, 1.5)
    assert (config.max_length, config.result_ttl_s) == (7, 60)


@pytest.mark.parametrize("value", ["soon", "-1", "0", "nan", "inf", "1.5.2", "9" * 30])
def test_s4_22__a_variable_that_says_nothing_useful_is_passed_over(
    value: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = load_config(None, {"MAX_QUEUE_LENGTH": value, "TASK_TIMEOUT_MS": value}, {})
    assert config.interfaces.dispatcher.max_length == 1_000
    assert config.interfaces.dispatcher.timeout_s == 60
    assert "MAX_QUEUE_LENGTH" in caplog.text
    assert "TASK_TIMEOUT_MS" in caplog.text


def test_s4_22__robotqs_own_names_win() -> None:
    own = {"ROBOTQ_INTERFACES__DISPATCHER__MAX_LENGTH": "9", "MAX_QUEUE_LENGTH": "7"}
    assert load_config(None, own, {}).interfaces.dispatcher.max_length == 9


async def test_s4_23__the_page_has_workers_queue_tasks_and_log(api: Dispatcher) -> None:
    page = await api.ask("GET", "/dashboard")
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http:" not in page.text
    assert "https:" not in page.text
    async with await api.worker("gpu") as worker, await api.worker("cpu") as idle:
        asking = api.waiting(group="gpu", data={"prompt": "<b>bold</b>"})
        task = await worker.task()
        waiting = await api.submit({"second": 2}, group="gpu")
        api.clock.pass_(2)
        lines = {line["id"]: line for line in (await api.pages("workers"))["workers"]}
        assert lines[worker.name]["status"] == "busy"
        assert lines[worker.name]["currentTaskId"] == task["taskId"]
        assert (lines[idle.name]["status"], lines[idle.name]["group"]) == ("idle", "cpu")
        numbers = await api.pages("metrics")
        assert (numbers["totalWorkers"], numbers["busyWorkers"]) == (2, 1)
        assert (numbers["queueLength"], numbers["executing"]) == (1, 1)
        tasks = await api.pages("tasks")
        (executing,), (queued,) = tasks["executingTasks"], tasks["tasks"]
        assert executing["workerId"] == worker.name
        assert orjson.loads(executing["payload"])["data"] == {"prompt": "<b>bold</b>"}
        assert executing["executionTime"] == 2_000
        assert (queued["taskId"], queued["position"], queued["async"]) == (waiting, 1, True)
        await worker.complete(task["taskId"], "done")
        await asking
    logs = (await api.pages("logs"))["logs"]
    posted = next(line for line in logs if line["taskId"] == task["taskId"] and line["latency"])
    assert (posted["method"], posted["path"], posted["status"]) == ("POST", "/api/openai", 200)
    assert orjson.loads(posted["requestBody"])["data"] == {"prompt": "<b>bold</b>"}
    assert orjson.loads(posted["responseBody"])["result"] == "done"


async def test_s4_23__the_log_is_bounded_and_tells_of_refusals(api: Dispatcher) -> None:
    await api.post({"data": "x" * 100_000})
    refused = (await api.pages("logs"))["logs"][0]
    assert (refused["status"], refused["taskId"]) == (503, None)
    assert len(refused["requestBody"]) < 3_000
    for _ in range(60):
        await api.post({})
    logs = (await api.pages("logs"))["logs"]
    assert len(logs) == 50
    assert [line["id"] for line in logs] == list(range(61, 11, -1))


async def test_s4_24__the_page_to_play_a_worker_is_served(api: Dispatcher) -> None:
    page = await api.ask("GET", "/test-worker")
    assert page.status == 200
    for file in ("test-worker.js", "dashboard.js", "pages.css"):
        answer = await api.ask("GET", f"/pages/{file}")
        assert answer.status == 200
        # texts of tasks become texts of nodes and nothing else
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in answer.text
    assert (await api.ask("GET", "/pages/nothing.js")).status == 404


async def test_s4_26__the_next_task_comes_without_a_new_ready(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        await worker.say(type="ready")
        ids = [await api.submit() for _ in range(3)]
        for task_id in ids:
            assert (await worker.task())["taskId"] == task_id
            await worker.complete(task_id)


async def test_s4_27__what_nobody_understands_is_passed_over(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        task_id = await api.submit()
        await worker.task()
        for text in ("", "{", "[]", "null", "7", '"ready"', '{"type": 7}', '{"type": "dance"}'):
            await worker.ws.send_str(text)
        await worker.ws.send_bytes(b"\xff\xfe\x00")
        for said in (
            {"type": "task_complete"},
            {"type": "task_complete", "taskId": 7},
            {"type": "task_complete", "taskId": "nobody"},
            {"type": "task_complete", "taskId": NOBODY, "result": 1},
            {"type": "task_error", "taskId": [], "error": {}},
        ):
            await worker.say(**said)
        await worker.pong()
        await worker.ws.send_bytes(
            orjson.dumps({"type": "taskResult", "taskId": task_id, "result": "fine"})
        )
        assert (await api.until(task_id, "completed"))["result"] == "fine"


async def test_s4_28__the_duration_that_a_worker_tells_is_in_the_log(api: Dispatcher) -> None:
    async with await api.worker() as worker:
        for duration, latency in ((1234, 1234), ("long", None), (-1, None), (None, None)):
            task_id = await api.submit()
            await worker.task()
            await worker.complete(task_id, "r", duration=duration)
            await worker.pong()
            line = (await api.pages("logs"))["logs"][0]
            assert (line["method"], line["taskId"]) == ("WS", task_id)
            assert line["latency"] == latency
            assert line["responseBody"] == '"r"'
