"""The dispatcher's checklist, 22 to 24 and 28: the variables, the pages and the log."""

from __future__ import annotations

import orjson
import pytest

from robotq.config import load_config

from .conftest import Dispatcher


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
