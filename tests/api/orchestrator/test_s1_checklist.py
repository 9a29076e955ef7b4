"""The orchestrator's checklist, line by line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from robotq.api.auth import KeyFile
from robotq.api.orchestrator.interface import ROUTES
from robotq.store.sqlite import SqliteStore
from tests.workers.conftest import SetClock

from .conftest import PROJECT, TIME, OpenOrchestrator, Orchestrator, running

NOBODY = "00000000-0000-4000-8000-000000000000"
NEW = {"work_directory": PROJECT, "prompt": "Analyze the codebase"}


async def test_s1_01__every_answer_is_in_the_envelope(api: Orchestrator) -> None:
    # the client of these tests checks each answer; these are the kinds that no other test asks for
    for method, path, status in (
        ("GET", "/api/v1/nothing", 404),
        ("DELETE", "/api/v1/tasks", 405),
        ("POST", "/api/v1/tasks", 400),
        ("GET", f"/api/v1/tasks/{NOBODY}", 404),
        ("GET", "/nothing", 404),
    ):
        answer = await api.ask(method, path, b"" if method == "POST" else None)
        assert answer.status == status, path


async def test_s1_02__every_time_is_utc_with_a_z(api: Orchestrator) -> None:
    task_id = await api.create()
    await api.next()
    await api.complete(task_id)
    task = await api.task(task_id)
    for name in ("created_at", "started_at", "completed_at"):
        assert TIME.fullmatch(task[name]), name


async def test_s1_03__with_keys_only_who_has_one_gets_in(
    open_orchestrator: OpenOrchestrator, tmp_path: Path
) -> None:
    keys = await asyncio.to_thread(KeyFile, tmp_path)
    scopes = ("read", "submit", "admin", "worker:orchestrator", "worker:task_queue")
    texts = {
        scope: await asyncio.to_thread(keys.new, f"key{number}", [scope])
        for number, scope in enumerate(scopes)
    }
    api = await open_orchestrator()
    # the page of the docs is open, and no JSON
    for route in (route for route in ROUTES if route.response is not None):
        path = route.path.replace("{task_id}", NOBODY)
        nobody = await api.ask(route.method, path)
        assert (nobody.status == 401) == (route.scope != "open"), route
        if nobody.status == 401:
            assert nobody.error == {"code": "UNAUTHORIZED", "message": "Invalid or missing API key"}
        for scope, text in texts.items():
            headers = {"Authorization": f"Bearer {text}"}
            answer = await api.ask(route.method, path, headers=headers)
            allowed = route.scope in ("open", scope) or scope == "admin"
            assert (answer.status not in (401, 403)) == allowed, (route, scope)
    assert (await api.ask("GET", "/health")).status == 200


async def test_s1_04__create_answers_with_the_six_fields(api: Orchestrator) -> None:
    answer = await api.post("/tasks", {**NEW, "priority": "high", "tags": ["security", "a_1"]})
    assert set(answer.data) == {
        "task_id",
        "status",
        "priority",
        "work_directory",
        "tags",
        "created_at",
    }
    assert answer.data["status"] == "waiting"
    assert (answer.data["priority"], answer.data["tags"]) == ("high", ["security", "a_1"])


async def test_s1_05__priority_is_medium_and_tags_are_empty_where_not_said(
    api: Orchestrator,
) -> None:
    answer = await api.post("/tasks", NEW)
    assert (answer.data["priority"], answer.data["tags"]) == ("medium", [])
    assert (await api.post("/tasks", {**NEW, "priority": "HIGH"})).data["priority"] == "high"


async def test_s1_06__a_relative_directory_is_refused_in_the_documented_words(
    api: Orchestrator,
) -> None:
    answer = await api.post("/tasks", {**NEW, "work_directory": "projects/mine"})
    assert answer.status == 400
    assert answer.error == {
        "code": "VALIDATION_ERROR",
        "message": "Invalid input data",
        "details": {
            "field": "work_directory",
            "message": "Work directory must be an absolute path",
        },
    }


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"work_directory": " "}, "work_directory", "Work directory cannot be empty"),
        ({"work_directory": "/a/../b"}, "work_directory", "Invalid work directory path"),
        (
            {"work_directory": "/" + "a" * 512},
            "work_directory",
            "Work directory path too long (max 512 characters)",
        ),
        ({"work_directory": None}, "work_directory", "Missing required field: work_directory"),
        ({"prompt": " \n"}, "prompt", "Prompt cannot be empty"),
        ({"prompt": "a" * 10_001}, "prompt", "Prompt too long (max 10000 characters)"),
        ({"prompt": 5}, "prompt", "Expected a string"),
        ({"priority": "urgent"}, "priority", "Invalid priority: urgent"),
        ({"priority": 5}, "priority", "Invalid priority: 5"),
        ({"tags": [""]}, "tags", "Task tag cannot be empty"),
        ({"tags": ["a" * 101]}, "tags", "Task tag too long (max 100 characters)"),
        (
            {"tags": ["no blanks"]},
            "tags",
            "Invalid task tag format (only alphanumeric, underscore and hyphen allowed)",
        ),
        ({"tags": "security"}, "tags", "Expected an array of strings"),
        ({"metadata": []}, "metadata", "Expected an object"),
    ],
)
async def test_s1_07__what_is_wrong_is_named_by_its_field(
    api: Orchestrator, change: dict[str, Any], field: str, message: str
) -> None:
    answer = await api.post("/tasks", {**NEW, **change})
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR")
    assert answer.error["details"] == {"field": field, "message": message}
    assert (await api.get("/tasks")).data["pagination"]["total"] == 0


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
    order = [(await api.next())["prompt"] for _ in range(5)]
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
    assert (await api.complete(task_id, worker_id="worker-001")).status == 409


async def test_s1_15__a_task_shows_everything(api: Orchestrator) -> None:
    metadata = {"complexity": "high", "estimated_duration": "5m"}
    task_id = await api.create(metadata=metadata)
    task = await api.task(task_id)
    assert set(task) == {
        *("task_id", "work_directory", "prompt", "priority", "tags", "status", "worker_id"),
        *("created_at", "started_at", "completed_at", "result", "error_message"),
        *("retry_count", "max_retries", "metadata"),
    }
    assert (task["retry_count"], task["max_retries"], task["metadata"]) == (0, 3, metadata)
    assert (task["worker_id"], task["started_at"], task["result"]) == (None, None, None)
    # a worker that does not say who it is
    await api.next(None)
    assert (await api.task(task_id))["worker_id"] is None
    assert (await api.complete(task_id)).data["worker_id"] is None


async def test_s1_16__lists_are_filtered_and_paged(api: Orchestrator) -> None:
    ids = [await api.create(str(number), priority="high") for number in range(5)]
    await api.create("low", priority="low")
    done = (await api.next())["task_id"]
    await api.complete(done)
    completed = (await api.get("/tasks", status="completed", priority="high", limit="5")).data
    assert [task["task_id"] for task in completed["tasks"]] == [done]
    assert completed["pagination"] == {"total": 1, "limit": 5, "offset": 0, "has_more": False}
    page = (await api.get("/tasks", priority="high", limit="2", offset="1")).data
    assert [task["task_id"] for task in page["tasks"]] == [ids[3], ids[2]]
    assert page["pagination"] == {"total": 5, "limit": 2, "offset": 1, "has_more": True}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "done"),
        ("priority", "urgent"),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "x"),
        ("offset", "-1"),
        ("sort_by", "prompt; DROP TABLE tasks"),
        ("sort_order", "up"),
        ("created_after", "yesterday"),
        ("tags", "no blanks"),
    ],
)
async def test_s1_16__a_bad_filter_is_named(api: Orchestrator, name: str, value: str) -> None:
    answer = await api.get("/tasks", **{name: value})
    assert (answer.status, answer.error["details"]["field"]) == (400, name)


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


async def test_s1_21__an_unknown_id_is_not_found(api: Orchestrator) -> None:
    for method, path in (("GET", ""), *(("POST", f"/{what}") for what in _ACTIONS)):
        answer = await api.ask(method, f"/api/v1/tasks/{NOBODY}{path}")
        assert answer.status == 404
        assert answer.error == {"code": "NOT_FOUND", "message": f"Task not found: {NOBODY}"}
    odd = await api.get("/tasks/not-a-uuid")
    assert (odd.status, odd.error["details"]["message"]) == (400, "Invalid task ID: not-a-uuid")


_ACTIONS = ("complete", "cancel", "retry")


async def test_s1_22__health_is_not_in_the_envelope(api: Orchestrator) -> None:
    await api.create()
    answer = await api.ask("GET", "/health")
    health = answer.body
    assert (answer.status, health["status"]) == (200, "healthy")
    assert set(health) == {
        *("status", "timestamp", "version", "uptime", "components", "metrics"),
    }
    assert set(health["components"]) == {"database", "cache", "external_services"}
    assert all(part["healthy"] for part in health["components"].values())
    assert set(health["metrics"]) == {
        *("memory_usage", "cpu_usage", "active_connections", "queue_size"),
    }
    assert health["metrics"]["queue_size"] == 1
    assert int(health["metrics"]["memory_usage"].removesuffix("MB")) > 10


async def test_s1_23__statistics_agree_with_themselves_and_with_the_tasks(
    api: Orchestrator,
) -> None:
    for number, priority in enumerate(["high", "high", "medium", "low", "low"]):
        await api.create(str(number), priority=priority)
    for end in (api.complete, api.fail):
        task_id = (await api.next())["task_id"]
        api.clock.pass_(2.5)
        await end(task_id)
    cancelled = (await api.next())["task_id"]
    await api.post(f"/tasks/{cancelled}/cancel")
    await api.next()
    found = (await api.get("/statistics")).data
    assert found["overview"] == {
        "total_tasks": 5,
        "completed_tasks": 1,
        "failed_tasks": 1,
        "cancelled_tasks": 1,
        "active_tasks": 2,
        "success_rate": 0.33,
    }
    assert found["status_distribution"] == {
        "waiting": 1,
        "working": 1,
        "completed": 1,
        "failed": 1,
        "cancelled": 1,
    }
    assert found["priority_distribution"] == {"low": 2, "medium": 1, "high": 2}
    # two of 2,500 ms, one that was called off at once
    assert found["performance_metrics"] == {
        "avg_processing_time": pytest.approx(5000 / 3, abs=0.1),
        "tasks_per_hour": 2.0,
    }


async def test_s1_24__success_rate_is_0_while_nothing_has_ended(api: Orchestrator) -> None:
    await api.create()
    assert (await api.get("/statistics")).data["overview"]["success_rate"] == 0
    for _ in range(2):
        await api.create()
    for end in (api.complete, api.complete, api.fail):
        await end((await api.next())["task_id"])
    assert (await api.get("/statistics")).data["overview"]["success_rate"] == 0.67


async def test_s1_25__the_time_series_has_an_entry_for_every_hour(api: Orchestrator) -> None:
    for end in (api.complete, api.fail, api.complete):
        await end(await _working(api))
        api.clock.pass_(3600)
    series = (await api.get("/statistics")).data["time_series"]
    assert len(series) == 24
    assert all(entry["timestamp"].endswith(":00:00Z") for entry in series)
    assert [entry["timestamp"] for entry in series] == sorted(e["timestamp"] for e in series)
    ends = [(entry["completed"], entry["failed"]) for entry in series]
    assert ends[-4:] == [(1, 0), (0, 1), (1, 0), (0, 0)]
    by_day = (await api.get("/statistics", period="7d", granularity="day")).data["time_series"]
    assert sum(entry["completed"] for entry in by_day) == 2
    assert (await api.get("/statistics", period="2h")).status == 400


async def _working(api: Orchestrator) -> str:
    await api.create()
    task_id: str = (await api.next())["task_id"]
    return task_id


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


async def test_s1_29__over_the_rate_limit_is_429(open_orchestrator: OpenOrchestrator) -> None:
    api = await open_orchestrator(rate_limit_per_minute=3)
    statuses = [(await api.get("/tasks")).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = await api.get("/tasks")
    assert refused.error == {"code": "RATE_LIMIT_EXCEEDED", "message": "Rate limit exceeded"}
    assert (await api.ask("GET", "/health")).status == 200


async def test_s1_30__lists_know_directory_tags_times_and_order(api: Orchestrator) -> None:
    first = await api.create("1", tags=["a", "b"], priority="low")
    api.clock.pass_(60)
    second = await api.create("2", tags=["a"], work_directory="/srv/other", priority="high")
    api.clock.pass_(60)
    third = await api.create("3", tags=["b"])

    async def found(**query: str) -> list[str]:
        return [task["task_id"] for task in (await api.get("/tasks", **query)).data["tasks"]]

    assert await found() == [third, second, first]
    assert await found(sort_order="asc") == [first, second, third]
    assert await found(work_directory="projects") == [third, first]
    assert await found(tags="a,b") == [first]
    assert await found(sort_by="priority") == [second, third, first]
    await api.next()
    assert await found(sort_by="status", sort_order="asc") == [first, second, third]
    times = [(await api.task(one))["created_at"] for one in (first, second, third)]
    assert await found(created_after=times[1]) == [third, second]
    assert await found(created_after=times[1], created_before=times[1][:-1] + "+00:00") == [second]


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"text"', b"\xff\xfe", b'{"prompt": NaN}', b"[" * 5000 + b"]" * 5000]
)
async def test_s1_31__what_is_no_json_object_is_a_validation_error(
    api: Orchestrator, body: bytes
) -> None:
    for path in ("/tasks", f"/tasks/{NOBODY}/complete", f"/tasks/{NOBODY}/cancel"):
        answer = await api.post(path, body)
        assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR"), path


@pytest.mark.parametrize(
    "result",
    [
        "done",
        {"status": 5},
        {"output": []},
        {"error": {}},
        {"details": []},
        {"duration": "4s"},
        {"duration": -1},
        {"duration": True},
    ],
)
async def test_s1_31__a_result_of_the_wrong_types_is_a_validation_error(
    api: Orchestrator, result: Any
) -> None:
    task_id = await _working(api)
    answer = await api.complete(task_id, result=result)
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR")
    assert (await api.task(task_id))["status"] == "working"
    assert json.dumps(answer.error["details"]).count("result") >= 1
