"""The promises of the checklist service's document, by their number in the checklist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from robotq.config import load_config
from tests.api.lab import Lab

from .conftest import NOBODY, OTHER_SESSION, SESSION, Checklist, is_uuid

FIELDS = {
    "id",
    "session_id",
    "batch_id",
    "title",
    "description",
    "status",
    "priority",
    "due_date",
    "completed_at",
    "created_at",
    "updated_at",
}


async def test_s3_01__a_task_is_created_with_the_documented_defaults(checklist: Checklist) -> None:
    answer = await checklist.post("/tasks", {"title": "nginx Pod 생성하기"})
    assert answer.status == 201
    task = answer.body
    assert is_uuid(task["id"])
    assert (task["status"], task["priority"]) == ("pending", None)
    assert [name for name in FIELDS if task[name] is None] == [
        name for name in FIELDS if name not in ("id", "title", "status", "created_at", "updated_at")
    ]
    done = await checklist.create("done", status="completed")
    assert done["completed_at"] == done["created_at"]


async def test_s3_02__the_list_has_pages_of_ten(checklist: Checklist) -> None:
    empty = (await checklist.get("/tasks")).body
    assert empty == {
        "items": [],
        "total": 0,
        "page": 1,
        "limit": 10,
        "total_pages": 0,
        "has_next": False,
        "has_prev": False,
    }
    await checklist.post("/batches", {"tasks": [{"title": f"{n}"} for n in range(21)]})
    pages = [(await checklist.get(f"/tasks?page={page}")).body for page in (1, 2, 3, 4)]
    assert [len(page["items"]) for page in pages] == [10, 10, 1, 0]
    assert [(page["has_next"], page["has_prev"]) for page in pages] == [
        (True, False),
        (True, True),
        (False, True),
        (False, True),
    ]
    assert {(page["total"], page["limit"], page["total_pages"]) for page in pages} == {(21, 10, 3)}
    titles = [item["title"] for page in pages for item in page["items"]]
    assert titles == [f"{n}" for n in range(21)], "what is equal stays in the order of making"
    assert (await checklist.get(f"/tasks?page={2**53}&limit=3")).body["items"] == []


async def test_s3_03__filters_work_alone_and_together(checklist: Checklist) -> None:
    batch = await checklist.post(
        "/batches", {"session_id": SESSION, "tasks": [{"title": "a"}, {"title": "b"}]}
    )
    await checklist.create("c", session_id=SESSION, status="in_progress")
    await checklist.create("d", session_id=OTHER_SESSION)
    await checklist.put(f"/tasks/{batch['tasks'][0]['id']}", {"status": "completed"})
    for query, titles in (
        ("status=pending", {"b", "d"}),
        (f"session_id={SESSION}", {"a", "b", "c"}),
        (f"batch_id={batch['id']}", {"a", "b"}),
        (f"session_id={SESSION}&status=pending", {"b"}),
        (f"batch_id={batch['id']}&session_id={SESSION}&status=completed", {"a"}),
        (f"batch_id={batch['id']}&session_id={OTHER_SESSION}", set()),
    ):
        assert set(await checklist.listed(query)) == titles, query


async def test_s3_04__five_ways_to_sort_up_and_down(checklist: Checklist) -> None:
    clock = checklist.lab.engine.clock
    now_ms = clock.now_ms()
    made = []
    for number, fields in enumerate(
        (
            {"title": "a", "priority": "low", "due_date": "2025-12-07", "status": "completed"},
            {"title": "b", "priority": "high", "due_date": "2025-12-09", "status": "pending"},
            {"title": "c", "priority": "medium", "due_date": "2025-12-08", "status": "in_progress"},
        )
    ):
        clock.now_ms = lambda at_ms=now_ms + number: at_ms  # type: ignore[method-assign, misc]
        made.append(await checklist.create(**fields))
    clock.now_ms = lambda: now_ms + 9  # type: ignore[method-assign]
    await checklist.put(f"/tasks/{made[0]['id']}", {"description": "changed last"})
    for query, titles in (
        ("", "acb"),
        ("sort_by=updated_at", "acb"),
        ("sort_by=updated_at&order=asc", "bca"),
        ("sort_by=created_at", "cba"),
        ("sort_by=created_at&order=asc", "abc"),
        ("sort_by=due_date&order=asc", "acb"),
        ("sort_by=due_date&order=desc", "bca"),
        ("sort_by=priority&order=desc", "bca"),
        ("sort_by=priority&order=asc", "acb"),
        ("sort_by=status&order=asc", "bca"),
        ("sort_by=status&order=desc", "acb"),
    ):
        assert "".join(await checklist.listed(query)) == titles, query


async def test_s3_05__what_has_no_value_comes_last_both_ways(checklist: Checklist) -> None:
    await checklist.create("nothing")
    for priority in ("medium", "low", "high"):
        await checklist.create(priority, priority=priority, due_date="2025-12-07T23:59:59Z")
    down = await checklist.listed("sort_by=priority&order=desc")
    up = await checklist.listed("sort_by=priority&order=asc")
    assert down == ["high", "medium", "low", "nothing"]
    assert up == ["low", "medium", "high", "nothing"]
    for order in ("asc", "desc"):
        assert (await checklist.listed(f"sort_by=due_date&order={order}"))[-1] == "nothing"


async def test_s3_06__a_task_has_all_eleven_fields(checklist: Checklist) -> None:
    sent = {
        "title": "nginx Pod 생성하기",
        "description": "kubectl run 명령어로 nginx Pod 생성",
        "status": "pending",
        "priority": "high",
        "due_date": "2025-12-07T23:59:59Z",
        "session_id": SESSION,
    }
    created = (await checklist.post("/tasks", sent)).body
    found = await checklist.get(f"/tasks/{created['id']}")
    assert (found.status, found.body) == (200, created)
    assert set(found.body) == FIELDS
    assert {name: found[name] for name in sent} == sent
    batch = await checklist.post("/batches", {"tasks": [sent]})
    assert set(batch["tasks"][0]) == FIELDS
    assert batch["tasks"][0]["batch_id"] == batch["id"]


async def test_s3_07__put_changes_only_what_is_given(checklist: Checklist) -> None:
    created = await checklist.create("a", priority="high", description="b", session_id=SESSION)
    clock = checklist.lab.engine.clock
    later_ms = clock.now_ms() + 1_000
    clock.now_ms = lambda: later_ms  # type: ignore[method-assign]
    changed = (await checklist.put(f"/tasks/{created['id']}", {"priority": "medium"})).body
    differs = {name for name in FIELDS if changed[name] != created[name]}
    assert differs == {"priority", "updated_at"}
    for nothing in ({}, {"title": None, "priority": None}, {"priority": "medium"}, None):
        assert (await checklist.put(f"/tasks/{created['id']}", nothing)).body == changed
    foreign = {"batch_id": NOBODY, "session_id": OTHER_SESSION, "created_at": "2020-01-01"}
    assert (await checklist.put(f"/tasks/{created['id']}", foreign)).body == changed


async def test_s3_08__completing_sets_completed_at_and_reopening_clears_it(
    checklist: Checklist,
) -> None:
    task = await checklist.create()
    path = f"/tasks/{task['id']}"
    done = (await checklist.put(path, {"status": "completed", "priority": "medium"})).body
    assert done["completed_at"] == done["updated_at"]
    again = (await checklist.put(path, {"status": "completed", "title": "new"})).body
    assert again["completed_at"] == done["completed_at"]
    for status in ("in_progress", "pending"):
        assert (await checklist.put(path, {"status": status})).body["completed_at"] is None


async def test_s3_09__a_deleted_task_is_gone(checklist: Checklist) -> None:
    task = await checklist.create()
    deleted = await checklist.delete(f"/tasks/{task['id']}")
    assert (deleted.status, deleted.text) == (204, "")
    for again in (
        await checklist.get(f"/tasks/{task['id']}"),
        await checklist.delete(f"/tasks/{task['id']}"),
    ):
        assert again.status == 404


async def test_s3_10__several_are_changed_at_once(checklist: Checklist) -> None:
    first, second = await checklist.create("a"), await checklist.create("b")
    answer = await checklist.put(
        "/tasks/bulk",
        {
            "tasks": [
                {"id": second["id"], "status": "in_progress", "priority": "high"},
                {"id": NOBODY, "status": "completed"},
                {"id": first["id"], "status": "completed"},
                {"id": second["id"], "title": "b2"},
            ]
        },
    )
    assert answer.status == 200
    titles = [task["title"] for task in answer["updated"]]
    assert titles == ["b2", "a", "b2"], "one for each change, as they are in the end"
    assert answer["updated"][0]["status"] == "in_progress"
    nobody = await checklist.put("/tasks/bulk", {"tasks": [{"id": NOBODY}]})
    assert (nobody.status, nobody.body) == (200, {"updated": []})
    bad = {"tasks": [{"id": first["id"], "title": "changed"}, {"id": second["id"], "title": ""}]}
    assert (await checklist.put("/tasks/bulk", bad)).status == 422
    assert (await checklist.get(f"/tasks/{first['id']}")).body["title"] == "a"


async def test_s3_11__several_are_deleted_at_once(checklist: Checklist) -> None:
    tasks = [await checklist.create() for _ in range(3)]
    ids = [task["id"] for task in tasks[:2]]
    answer = await checklist.delete("/tasks/bulk", {"ids": [*ids, ids[0].upper(), NOBODY]})
    assert (answer.status, answer.body) == (200, {"deleted_count": 2})
    assert len(await checklist.listed()) == 1
    assert (await checklist.delete("/tasks/bulk")).status == 422


async def test_s3_12__bulk_is_never_taken_for_an_id(checklist: Checklist) -> None:
    task = await checklist.create()
    assert (await checklist.put("/tasks/bulk", {"tasks": [{"id": task["id"]}]})).status == 200
    assert (await checklist.delete("/tasks/bulk", {"ids": [task["id"]]})).status == 200
    got = await checklist.get("/tasks/bulk")
    (fault,) = got["details"]["validation_errors"]
    assert (got.status, fault["loc"]) == (422, ["path", "task_id"])


async def test_s3_13__a_batch_and_its_tasks_are_made_together_or_not_at_all(
    checklist: Checklist,
) -> None:
    tasks: list[dict[str, Any]] = [{"title": "Pod 개념 이해하기", "session_id": OTHER_SESSION}]
    batch = await checklist.post(
        "/batches", {"session_id": SESSION, "reason": "Kubernetes 기초", "tasks": tasks}
    )
    assert batch.status == 201
    (task,) = batch["tasks"]
    assert (task["batch_id"], task["session_id"]) == (batch["id"], SESSION)
    bad = await checklist.post("/batches", {"tasks": [{"title": "good"}, {"title": ""}]})
    assert bad.status == 422
    assert bad["details"]["validation_errors"][0]["loc"] == ["body", "tasks", 1, "title"]
    assert len(await checklist.listed()) == 1
    assert (await checklist.get("/batches")).body["total"] == 1


async def test_idempotency_key__makes_one_item_and_one_batch(checklist: Checklist) -> None:
    """The answer was lost, and the program asks again."""
    key = {"Idempotency-Key": "shift-7"}
    first = await checklist.post("/tasks", {"title": "Fill the tray"}, headers=key)
    again = await checklist.post("/tasks", {"title": "Fill the tray"}, headers=key)
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert (await checklist.get("/tasks")).body["total"] == 1
    other = await checklist.post("/tasks", {"title": "Something else"}, headers=key)
    assert (other.status, other["details"]["code"]) == (409, "idempotency_conflict")
    batch = {"reason": "shift", "tasks": [{"title": "a"}, {"title": "b"}]}
    key = {"Idempotency-Key": "shift-8"}
    made = await checklist.post("/batches", batch, headers=key)
    repeated = await checklist.post("/batches", batch, headers=key)
    assert repeated["id"] == made["id"]
    assert [task["id"] for task in repeated["tasks"]] == [task["id"] for task in made["tasks"]]
    assert (await checklist.get("/batches")).body["total"] == 1


async def test_s3_14__batches_are_listed_newest_first(checklist: Checklist) -> None:
    for number in range(12):
        session = SESSION if number % 2 else None
        await checklist.post(
            "/batches",
            {"reason": f"{number}", "session_id": session, "tasks": [{"title": f"of {number}"}]},
        )
    first = (await checklist.get("/batches")).body
    assert [batch["reason"] for batch in first["items"]] == [f"{n}" for n in range(11, 1, -1)]
    assert [batch["tasks"][0]["title"] for batch in first["items"][:2]] == ["of 11", "of 10"]
    assert (first["total"], first["total_pages"], first["has_next"]) == (12, 2, True)
    of_session = (await checklist.get(f"/batches?session_id={SESSION}")).body
    assert [batch["reason"] for batch in of_session["items"]] == ["11", "9", "7", "5", "3", "1"]


async def test_s3_15__the_newest_batch_of_a_session_or_null(checklist: Checklist) -> None:
    assert (await checklist.get("/batches/latest")).body is None
    for reason, session in (("a", SESSION), ("b", SESSION), ("c", OTHER_SESSION)):
        await checklist.post(
            "/batches", {"reason": reason, "session_id": session, "tasks": [{"title": reason}]}
        )
    latest = await checklist.get(f"/batches/latest?session_id={SESSION}")
    assert (latest["reason"], latest["tasks"][0]["title"]) == ("b", "b")
    assert (await checklist.get("/batches/latest")).body["reason"] == "c"
    assert (await checklist.get(f"/batches/latest?session_id={NOBODY}")).body is None


async def test_s3_16__a_batch_has_its_tasks_as_they_are_now(checklist: Checklist) -> None:
    made = await checklist.post("/batches", {"tasks": [{"title": n} for n in "abc"]})
    path = f"/batches/{made['id']}"
    assert (await checklist.get(path)).body == made.body
    a, b, c = (task["id"] for task in made["tasks"])
    await checklist.put(f"/tasks/{b}", {"status": "completed"})
    await checklist.delete(f"/tasks/{a}")
    tasks = (await checklist.get(path)).body["tasks"]
    assert [(task["title"], task["status"]) for task in tasks] == [
        ("b", "completed"),
        ("c", "pending"),
    ]
    await checklist.delete("/tasks/bulk", {"ids": [b, c]})
    assert (await checklist.get(path)).body["tasks"] == []


async def test_s3_17__unknown_ids_are_404_and_bad_input_422_in_one_form(
    checklist: Checklist,
) -> None:
    for method, path, message in (
        ("GET", f"/tasks/{NOBODY}", f"Task {NOBODY} not found"),
        ("PUT", f"/tasks/{NOBODY}", f"Task {NOBODY} not found"),
        ("DELETE", f"/tasks/{NOBODY}", f"Task {NOBODY} not found"),
        ("GET", f"/batches/{NOBODY}", f"Batch {NOBODY} not found"),
        ("GET", "/nothing", "Not Found"),
    ):
        answer = await checklist.ask(method, path)
        assert answer.status == 404
        assert answer.body == {
            "success": False,
            "message": message,
            "error_code": "HTTPException",
            "details": {},
            "request_id": answer.headers["X-Request-ID"],
        }
    missing = await checklist.post("/tasks", {})
    assert (missing.status, missing["error_code"]) == (422, "ValidationError")
    assert missing["message"] == "Validation error"
    assert missing["details"]["validation_errors"] == [
        {"type": "missing", "loc": ["body", "title"], "msg": "Field required", "input": {}}
    ]
    (enum,) = (await checklist.post("/tasks", {"title": "a", "status": "done"})).body["details"][
        "validation_errors"
    ]
    assert enum["type"] == "enum"
    assert enum["msg"] == "Input should be 'pending', 'in_progress' or 'completed'"
    (bad_json,) = (await checklist.post("/tasks", b'{"title"')).body["details"]["validation_errors"]
    assert (bad_json["type"], bad_json["loc"][0], bad_json["msg"]) == (
        "json_invalid",
        "body",
        "JSON decode error",
    )
    wrong_method = await checklist.ask("PATCH", f"/tasks/{NOBODY}")
    assert (wrong_method.status, wrong_method["message"]) == (405, "Method Not Allowed")
    assert wrong_method.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"


async def test_s3_18__the_lengths_of_texts_are_kept_to(checklist: Checklist) -> None:
    for field, text, status in (
        ("title", "", 422),
        ("title", " ", 201),
        ("title", "가" * 255, 201),
        ("title", "가" * 256, 422),
        ("description", "가" * 1_000, 201),
        ("description", "가" * 1_001, 422),
        ("description", "", 201),
    ):
        answer = await checklist.post("/tasks", {"title": "a", field: text})
        assert answer.status == status, (field, len(text))


async def test_s3_19__times_are_utc_with_z(checklist: Checklist) -> None:
    task = await checklist.create(status="completed", due_date="2025-12-08T01:00:00.25+09:00")
    assert task["due_date"] == "2025-12-07T16:00:00.250Z"
    for name in ("created_at", "updated_at", "completed_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", task[name])
    for given, shown in (
        ("2025-12-07", "2025-12-07T00:00:00Z"),
        ("2025-12-07T08:30:00", "2025-12-07T08:30:00Z"),
        (1_765_065_600, "2025-12-07T00:00:00Z"),
    ):
        assert (await checklist.create(due_date=given))["due_date"] == shown


async def test_s3_20__an_api_description_is_served(checklist: Checklist) -> None:
    described = (await checklist.get("//openapi.json")).body
    assert described["openapi"].startswith("3.")
    assert set(described["paths"]) >= {
        "/api/v1/tasks",
        "/api/v1/tasks/{task_id}",
        "/api/v1/tasks/bulk",
        "/api/v1/batches",
        "/api/v1/batches/latest",
        "/api/v1/batches/{batch_id}",
    }
    assert described["servers"][0]["url"] == "."
    page = await checklist.get("//docs")
    assert page.headers["Content-Type"].startswith("text/html")
    for part in re.findall(r'(?:src|href)="(docs/[\w.-]+)"', page.text):
        assert (await checklist.get(f"//{part}")).status == 200


# S3-21, a restart, and S3-22, the examples of the document, are in test_documents.py.


async def test_s3_23__the_request_id_is_echoed(checklist: Checklist) -> None:
    named = await checklist.get("/tasks", headers={"X-Request-ID": "my request/1"})
    assert named.headers["X-Request-ID"] == "my request/1"
    failed = await checklist.get(f"/tasks/{NOBODY}", headers={"X-Request-ID": "mine"})
    assert failed["request_id"] == failed.headers["X-Request-ID"] == "mine"
    ids = {(await checklist.get("/tasks")).headers["X-Request-ID"] for _ in range(2)}
    assert len(ids) == 2
    assert all(map(is_uuid, ids))
    long = await checklist.get("/tasks", headers={"X-Request-ID": "x" * 201})
    assert is_uuid(long.headers["X-Request-ID"])


def test_s3_24__settings_come_from_the_environment(tmp_path: Path) -> None:
    config = load_config(
        None,
        {
            "ROBOTQ_HOST": "127.0.0.1",
            "ROBOTQ_INTERFACES__CHECKLIST__PORT": "8001",
            "ROBOTQ_LOG_LEVEL": "debug",
            "ROBOTQ_DATA": str(tmp_path),
        },
        {},
    )
    assert (config.host, config.interfaces.checklist.port) == ("127.0.0.1", 8001)
    assert (config.log_level, config.data) == ("debug", tmp_path)


@pytest.mark.parametrize("path", ["/tasks/", f"/batches/{NOBODY}/"])
async def test_path__with_a_slash_too_many_leads_to_the_right_one(
    checklist: Checklist, path: str
) -> None:
    answer = await checklist.get(f"{path}?page=2")
    assert answer.status == 307
    assert answer.headers["Location"] == f"/apis/checklist/api/v1{path[:-1]}?page=2"


async def test_health__says_whether_the_database_takes_writes(lab: Lab) -> None:
    checklist = Checklist(lab)
    health = (await checklist.get("//health")).body
    assert (health["status"], health["database"]) == ("healthy", "healthy")
    lab.engine._parts.base.commit.disk._working.clear()
    health = await checklist.get("//health")
    assert (health.status, health["status"], health["database"]) == (200, "degraded", "unhealthy")
    lab.engine._parts.base.commit.disk._working.set()
