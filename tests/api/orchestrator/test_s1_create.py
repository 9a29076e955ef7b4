"""The orchestrator's checklist, 1 to 7 and 31: envelope, keys, and what a task is made of."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from robotq.api.access.keys import KeyFile
from robotq.api.orchestrator.interface import ROUTES
from tests.slices import each

from .conftest import NOBODY, PROJECT, TIME, OpenOrchestrator, Orchestrator

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


@each(
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


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"text"', b"\xff\xfe", b'{"prompt": NaN}', b"[" * 5000 + b"]" * 5000]
)
async def test_s1_31__what_is_no_json_object_is_a_validation_error(
    api: Orchestrator, body: bytes
) -> None:
    for path in ("/tasks", f"/tasks/{NOBODY}/complete", f"/tasks/{NOBODY}/cancel"):
        answer = await api.post(path, body)
        assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR"), path


@each(
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
    task_id = await api.taken()
    answer = await api.complete(task_id, result=result)
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR")
    assert (await api.task(task_id))["status"] == "working"
    assert json.dumps(answer.error["details"]).count("result") >= 1
