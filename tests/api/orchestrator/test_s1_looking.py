"""The orchestrator's checklist, 15 to 16, 21 to 25, 29 and 30: what is seen of it."""

from __future__ import annotations

import pytest

from tests.slices import each

from .conftest import NOBODY, OpenOrchestrator, Orchestrator

_ACTIONS = ("complete", "cancel", "retry")


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


@each(
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


async def test_s1_21__an_unknown_id_is_not_found(api: Orchestrator) -> None:
    for method, path in (("GET", ""), *(("POST", f"/{what}") for what in _ACTIONS)):
        answer = await api.ask(method, f"/api/v1/tasks/{NOBODY}{path}")
        assert answer.status == 404
        assert answer.error == {"code": "NOT_FOUND", "message": f"Task not found: {NOBODY}"}
    odd = await api.get("/tasks/not-a-uuid")
    assert (odd.status, odd.error["details"]["message"]) == (400, "Invalid task ID: not-a-uuid")


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
        await end(await api.taken())
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
