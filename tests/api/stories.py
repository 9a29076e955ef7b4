"""What is asked of a lab for `answers/`: every route that answers in JSON, in each of its ways."""

# ruff: noqa: PLR0915 - a story is told in one go

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .lab import BY_HAND, GO_HOME, PICK_UP_NOTHING, SCAN
from .recorded import FOLDER, Recorded, Story, answers_of, with_approval

_TO_TABLE = {"cmd_type": "NAVIGATION", "params": {"area": "SCAN_TABLE"}}
_NOBODY = "00000000-0000-4000-8000-000000000000"


async def _question(ask: Recorded, task_id: str) -> int:
    async with asyncio.timeout(10):
        while "waiting_for" not in (task := await ask.lab.task(task_id)):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    asked: int = task["waiting_for"]["asked_at_ms"]
    return asked


async def _given_up(ask: Recorded) -> None:
    """No webhook is on its way any more."""
    async with asyncio.timeout(10):
        while (await ask.lab.get("/webhooks?state=pending"))["webhooks"]:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def tasks(ask: Recorded) -> None:
    """Commands and what becomes of them."""
    one = await ask("POST", "/", {**GO_HOME, "cmd_id": "mine"}, Idempotency_Key="one")
    await ask.lab.ended(one["task_id"])
    await ask("POST", "/", {**GO_HOME, "cmd_id": "mine"}, Idempotency_Key="one")
    await ask("POST", "/", {**GO_HOME, "cmd_id": "other"}, Idempotency_Key="one")
    first = (await ask("POST", "/", {**PICK_UP_NOTHING, "priority": "high", "why": "x"}))["task_id"]
    await ask.lab.ended(first)
    await ask("GET", f"/task/{first}")
    await ask("GET", f"/task/{first}", Accept_Language="zh")
    await ask("POST", "/", GO_HOME, Prefer="wait=10")
    await ask("POST", "/", PICK_UP_NOTHING, Prefer="wait=10")
    await ask("POST", "/", [GO_HOME, GO_HOME], Prefer="wait=10")
    failed = await ask("POST", "/", [GO_HOME, PICK_UP_NOTHING, GO_HOME], Prefer="wait=10")
    again = await ask("POST", f"/batch/{failed['batch_id']}/retry", {"note": "once more"})
    for task_id in again["task_ids"]:
        await ask.lab.ended(task_id)
    await ask("POST", "/", {"cmd_type": "GET_BATTERY_STATE"})
    await ask("POST", "/?dry_run=true", [GO_HOME, {**_TO_TABLE, "not_before": "+8h"}])
    scan = (await ask("POST", "/", SCAN))["task_id"]
    await ask.lab.ended(scan)
    await ask("GET", f"/task/{scan}")
    hand = (await ask("POST", "/", BY_HAND))["task_id"]
    await _question(ask, hand)
    await ask("GET", f"/task/{hand}")
    waiting = (await ask("POST", "/", {**_TO_TABLE, "expires_at": "+8h", "repeat": 3}))["task_id"]
    later = (await ask("POST", "/", {**GO_HOME, "not_before": "+8h"}))["task_id"]
    agents = (await ask("POST", "/", {"cmd_type": "PICK_UP", "params": PICK_UP_NOTHING["params"]},
                        X_Robotq_Agent="1"))["task_id"]  # fmt: skip
    await ask("GET", f"/task/{waiting}")
    await ask("GET", f"/task/{later}")
    await ask("GET", f"/task/{agents}")
    await ask("POST", f"/task/{waiting}/priority", {"priority": "high"})
    await ask("POST", "/queue/reorder", {"task_id": waiting, "to": "head"})
    await ask("POST", "/queue/reorder", {"task_id": waiting, "to": "head"}, If_Match='"0"')
    await ask("POST", f"/task/{later}/move", {"robot_id": "robot_b"})
    await ask("GET", "/tasks?limit=5")
    await ask("GET", "/tasks?state=pending")
    await ask("GET", "/tasks?state=flying")
    await ask("GET", "/queue/status")
    await ask("GET", "/queue/status?robot_id=robot_b&limit=1")
    await ask("GET", "/dashboard/look")
    await ask("GET", "/dashboard/queue?robot_id=robot_a&kinds=true")
    await ask("POST", "/queue/pause", {"robot_id": "robot_a", "reason": "lunch"})
    await ask("POST", f"/task/{hand}/input", {"answer": 7})
    await ask.lab.ended(hand)
    await ask("POST", f"/task/{hand}/cancel", {"reason": "enough"})
    more = await ask.lab.asking("robot_b")
    await ask("POST", f"/task/{more}/cancel", {"reason": "enough"})
    await ask("GET", f"/task/{more}")
    for task_id in (waiting, agents):
        await ask.lab.post(f"/task/{task_id}/cancel")
    await ask("POST", f"/task/{hand}/retry", {"note": "again"}, Idempotency_Key="two")
    await ask("POST", f"/task/{hand}/retry", {"note": "again"}, Idempotency_Key="two")
    await ask("GET", f"/task/{hand}")
    batch = await ask("POST", "/", [PICK_UP_NOTHING, GO_HOME])
    await ask("POST", "/tasks/cancel", {"batch_id": batch["batch_id"]})
    await ask("POST", "/tasks/cancel", {"batch_id": batch["batch_id"], "count": 2, "up_to": 2**40})
    await ask("POST", "/tasks/cancel", {"cmd_type": "NOBODY"})
    await ask("POST", "/tasks/cancel", {})
    await ask("GET", "/task/task_of_nobody")
    await ask("POST", "/task/task_of_nobody/approve", {})
    await ask("POST", "/", {"cmd_type": "FLY"})
    await ask("POST", "/", {"cmd_type": "NAVIGATION"})
    await ask("POST", "/", [])
    await ask("GET", "/nowhere")
    await ask("PUT", "/tasks")


async def robots(ask: Recorded) -> None:
    """Robots, holds, and what the daemon says of itself."""
    await ask("GET", "/")
    await ask("GET", "/robots")
    await ask("GET", "/robots/robot_a")
    await ask("GET", "/robots/robot_z")
    await ask("GET", "/robots/robot_a/values")
    await ask("GET", "/robots/robot_z/values")
    await ask("GET", "/maintenance")
    await ask("POST", "/robots/robot_a/maintenance/gripper/done", {})
    await ask("POST", "/robots/robot_a/maintenance/belt/done", {})
    await ask("GET", "/resources")
    await ask("GET", "/health")
    await ask("GET", "/commands")
    await ask("GET", "/commands/SCAN_QRCODE")
    await ask("GET", "/commands/FLY")
    await ask("GET", "/audit")
    await ask("GET", "/estop")
    await ask("POST", "/reload", {})
    hand = await ask.lab.asking("robot_a")
    behind = await ask.lab.submit({**_TO_TABLE, "robot_id": "robot_a"})
    await ask("GET", "/robots/robot_a")
    await ask("POST", "/robots/robot_a/hold", {})
    await ask("POST", "/robots/robot_a/resume", {})
    held = (await ask.lab.get("/queue/status"))["holds"]
    await ask("POST", "/robots/robot_a/resume", {"holds": [one["id"] for one in held]})
    await ask("POST", "/robots/robot_b/stop", {"reason": "look"})
    await ask("POST", "/queue/pause", {})
    await ask("GET", "/queue/status")
    await ask("GET", f"/task/{behind}")
    await ask("GET", "/dashboard/look")
    alarm = (await ask("GET", "/alarms"))["alarms"][0]["id"]
    await ask("POST", f"/alarms/{alarm}/acknowledge", {})
    await ask("POST", f"/alarms/{alarm}/shelve", {"minutes": 15})
    await ask("POST", "/alarms/nothing/acknowledge", {})
    await ask.lab.post("/estop", {"reason": "smoke"})
    await ask("GET", "/estop")
    await ask.lab.ended(hand)
    await ask("GET", f"/task/{hand}")
    await ask("GET", "/queue/status")
    await ask("POST", "/queue/resume", {})
    await ask("POST", "/estop/reset", {"holds": ["hold_00000000"]})
    told = await ask("GET", "/estop")
    await ask("POST", "/estop/reset", {"holds": [one["id"] for one in told["holds"]]})
    told = (await ask.lab.get("/queue/status"))["holds"]
    named = [one["id"] for one in told if one["clear"]["action"] == "resume"]
    await ask("POST", "/queue/resume", {"holds": named})
    await ask.lab.ended(behind)
    await ask("POST", "/estop", {"reason": "smoke"})
    await ask.lab.post("/robots/robot_a/reset")
    told = [one["id"] for one in (await ask("GET", "/estop"))["holds"]]
    await ask("POST", "/robots/robot_b/reset", {"holds": told})
    await ask("GET", "/resources")
    await ask("POST", "/resources/scan_table/release", {"holder": "robot_a"})
    await ask("POST", "/resources/nowhere/release", {"holder": "robot_b"})
    await ask("GET", "/robots/robot_a")
    await ask("GET", "/dashboard/charts")
    await ask("GET", "/dashboard/queue?robot_id=robot_a")
    await ask("GET", "/dashboard/history?limit=1")
    await ask("GET", "/dashboard/form")
    daily = {"command": GO_HOME, "at": "22:00", "days": ["mon", "fri"]}
    made = await ask("POST", "/repeats", daily)
    await ask("GET", "/repeats")
    await ask("DELETE", f"/repeats/{made['repeat']['repeat_id']}", {})
    await ask("POST", "/dashboard/session", {})
    await ask("DELETE", "/dashboard/session", {})
    await ask("GET", "/journal?after=0&limit=12")
    await ask("GET", "/workers")
    await ask("POST", "/workers/w/next", {})
    await ask("POST", "/workers/w/heartbeat", {"tasks": [{"task_id": "x", "token": 1}]})
    await ask("POST", "/workers/w/result", {"task_id": "x", "token": 1})


async def endings(ask: Recorded) -> None:
    """What a person decides, and who is told."""
    broken = (await ask("POST", "/", _TO_TABLE))["task_id"]
    await ask.lab.ended(broken)
    await ask("POST", f"/task/{broken}/retry")
    await ask("GET", "/queue/status")
    await ask("POST", f"/task/{broken}/resolve", {"outcome": "failed", "note": "seen"})
    await ask("POST", f"/task/{broken}/resolve", {"outcome": "failed"})
    await _given_up(ask)
    await ask("GET", f"/task/{broken}")
    sent = (await ask("GET", "/webhooks?limit=1"))["webhooks"][0]
    await ask("POST", f"/webhooks/{sent['webhook_id']}/resend", {})
    await ask("POST", "/webhooks/nobody-site/resend", {})
    await ask("POST", "/queue/pause", {})
    asked = [
        (await ask("POST", "/", {**GO_HOME, "callback_url": None}, X_Robotq_Agent="1"))["task_id"]
        for _ in range(2)
    ]
    await ask("GET", f"/task/{asked[0]}")
    await ask("GET", "/dashboard/look")
    await ask("POST", f"/task/{asked[0]}/approve", {"note": "fine"})
    await ask("POST", f"/task/{asked[1]}/reject", {"reason": "no"})
    await ask("GET", f"/task/{asked[1]}")
    batch = (await ask("POST", "/", [GO_HOME, GO_HOME], X_Robotq_Agent="1"))["batch_id"]
    off = await ask("POST", "/tasks/cancel", {"batch_id": batch, "count": 2, "up_to": 2**40})
    await ask("POST", "/tasks/restore", {"task_ids": off["task_ids"]})
    await ask("GET", "/dashboard/requests?after=10000")


async def workers(ask: Recorded) -> None:
    """robotq's own workers, over any queue for workers."""
    for number in (1, 2):
        await ask.lab.post(
            "/apis/task-queue/api/tasks", {"task_type": "look", "data": {"page": number}}
        )
    await ask("GET", "/tasks?api=task_queue")
    one = (await ask("POST", "/workers/w/next", {}))["task"]
    await ask("GET", f"/task/{one['task_id']}")
    held = {"task_id": one["task_id"], "token": one["token"]}
    await ask("POST", "/workers/w/heartbeat", {"tasks": [{**held, "progress": 0.5}]})
    await ask("GET", "/workers")
    await ask("POST", "/workers/w/release", held)
    one = (await ask("POST", "/workers/w/next", {}))["task"]
    held = {"task_id": one["task_id"], "token": one["token"]}
    await ask("POST", "/workers/w/result", {**held, "data": {"text": "page"}})
    await ask("POST", "/workers/w/result", {**held, "token": 99})
    await ask("GET", f"/task/{one['task_id']}")
    await ask("GET", "/queue/status")


async def task_queue(ask: Recorded) -> None:
    await ask("GET", "/")
    await ask("GET", "/health")
    await ask("GET", "/api/health")
    await ask("GET", "/api/stats")
    made = await ask("POST", "/api/tasks", {"task_type": "look", "data": {"a": 1}})
    await ask("POST", "/api/tasks", {"task_type": "look"}, Idempotency_Key="k")
    await ask("POST", "/api/tasks", {"task_type": "look"}, Idempotency_Key="k")
    await ask("POST", "/api/tasks", {})
    await ask("POST", "/api/tasks", [])
    await ask("POST", "/api/tasks/create?priority=high", {"type": "think", "requester": "me"})
    await ask("GET", "/api/tasks")
    await ask("GET", "/api/tasks?type=think")
    await ask("GET", f"/api/tasks/{made['task_id']}")
    taken = (await ask("POST", "/api/tasks/next", {"worker_id": "w"}))["task"]
    await ask("GET", f"/api/tasks/{taken['id']}")
    await ask("GET", f"/api/tasks/{taken['id']}/result")
    await ask("GET", "/api/tasks/next", X_Worker_Name="v")
    await ask("POST", f"/api/tasks/{taken['id']}/claim", {"worker_id": "u"})
    new = await ask("POST", "/api/tasks", {"task_type": "look"})
    await ask("POST", f"/api/tasks/{new['task_id']}/claim", {"worker_id": "u"})
    await ask("POST", f"/api/tasks/{taken['id']}/result", {"worker_id": "w", "data": {"b": 2}})
    await ask("GET", f"/api/tasks/{taken['id']}/result")
    await ask("GET", f"/api/results/{taken['id']}")
    await ask("GET", "/api/results/nobody")
    failed = {"worker_id": "u", "status": "error", "error_message": "broken"}
    await ask("POST", f"/api/tasks/{new['task_id']}/result", failed)
    await ask("GET", f"/api/tasks/{new['task_id']}/result")
    await ask("GET", f"/api/tasks/{new['task_id']}")
    await ask("POST", "/api/tasks/next", {})
    await ask("POST", "/api/tasks/next", {})
    await ask("GET", "/api/tasks/next")
    await ask("GET", "/api/tasks/nobody")
    await ask("GET", "/nowhere")


async def orchestrator(ask: Recorded) -> None:
    here = {"work_directory": "/home/me/project"}
    await ask("GET", "/health")
    made = await ask("POST", "/api/v1/tasks", {**here, "prompt": "do it", "tags": ["a"]})
    await ask("POST", "/api/v1/tasks", {**here, "prompt": "more", "priority": "high"})
    await ask("POST", "/api/v1/tasks", {"prompt": "do it"})
    await ask("POST", "/api/v1/tasks", [])
    task_id = made["data"]["task_id"]
    await ask("GET", f"/api/v1/tasks/{task_id}")
    next_one = "/api/v1/tasks/next?work_path=/home/me/project&worker_id=w"
    taken = (await ask("GET", next_one))["data"]["task_id"]
    await ask("GET", f"/api/v1/tasks/{taken}")
    await ask("POST", f"/api/v1/tasks/{taken}/complete", {"worker_id": "v"})
    done = {"worker_id": "w", "result": {"output": "good", "details": {"n": 1}, "duration": 5}}
    await ask("POST", f"/api/v1/tasks/{taken}/complete", done)
    await ask("GET", f"/api/v1/tasks/{taken}")
    other = (await ask("GET", next_one))["data"]["task_id"]
    await ask("GET", next_one)
    failed = {"worker_id": "w", "result": {"status": "failed", "error": "broken"}}
    await ask("POST", f"/api/v1/tasks/{other}/complete", failed)
    await ask("GET", f"/api/v1/tasks/{other}")
    await ask("POST", f"/api/v1/tasks/{other}/retry")
    await ask("POST", f"/api/v1/tasks/{other}/cancel", {"reason": "enough"})
    await ask("POST", f"/api/v1/tasks/{other}/cancel", {})
    await ask("GET", "/api/v1/tasks?limit=1")
    await ask("GET", "/api/v1/tasks?status=flying")
    await ask("GET", "/api/v1/statistics?period=1h")
    await ask("GET", f"/api/v1/tasks/{_NOBODY}")
    await ask("GET", "/nowhere")


async def checklist(ask: Recorded) -> None:
    await ask("GET", "/health")
    one = await ask("POST", "/api/v1/tasks", {"title": "Wash", "due_date": "2030-01-02T03:04:05Z"})
    await ask("POST", "/api/v1/tasks", {"title": ""})
    await ask("POST", "/api/v1/tasks", [])
    await ask("GET", "/api/v1/tasks")
    await ask("GET", "/api/v1/tasks?page=0")
    await ask("GET", f"/api/v1/tasks/{one['id']}")
    await ask("PUT", f"/api/v1/tasks/{one['id']}", {"status": "completed", "priority": "high"})
    await ask("PUT", "/api/v1/tasks/bulk", {"tasks": [{"id": one["id"], "description": "well"}]})
    batch = {"reason": "daily", "session_id": _NOBODY, "tasks": [{"title": "A"}, {"title": "B"}]}
    made = await ask("POST", "/api/v1/batches", batch)
    await ask("GET", "/api/v1/batches")
    await ask("GET", "/api/v1/batches/latest")
    await ask("GET", f"/api/v1/batches/latest?session_id={one['id']}")
    await ask("GET", f"/api/v1/batches/{made['id']}")
    await ask("GET", f"/api/v1/batches/{_NOBODY}")
    await ask.lab.asking("robot_a")
    # its item is made beside the question
    for _ in range(500):
        if (await ask.lab.get("/apis/checklist/api/v1/tasks?status=in_progress"))["items"]:
            break
        await asyncio.sleep(0.01)
    await ask("GET", "/api/v1/tasks?status=in_progress")
    await ask("GET", "/api/v1/tasks?sort_by=created_at&order=asc")
    await ask("DELETE", "/api/v1/tasks/bulk", {"ids": [one["id"]]})
    await ask("DELETE", f"/api/v1/tasks/{made['tasks'][0]['id']}")
    await ask("DELETE", f"/api/v1/tasks/{one['id']}")
    await ask("GET", "/api/v1/tasks/x")
    await ask("GET", "/nowhere")


async def dispatcher(ask: Recorded) -> None:
    body = {"data": {"text": "hello"}, "async": True, "timeout": 60_000}
    await ask("POST", "/api/openai", body)
    async with ask.lab.client.ws_connect("/apis/dispatcher/ws") as worker:
        await worker.receive_json(timeout=10)
        one = (await ask("POST", "/api/openai", body))["taskId"]
        assert (await worker.receive_json(timeout=10))["taskId"] == one
        two = (await ask("POST", "/api/openai", body))["taskId"]
        for task_id in (one, two, _NOBODY):
            await ask("GET", f"/api/task/{task_id}")
        for page in ("metrics", "workers", "tasks"):
            await ask("GET", f"/api/dashboard/{page}")
        await worker.send_json({"type": "task_complete", "taskId": one, "result": {"n": 1}})
        assert (await worker.receive_json(timeout=10))["taskId"] == two
        await worker.send_json({"type": "task_error", "taskId": two, "error": "broken"})
        await worker.send_json({"type": "ping"})
        await worker.receive_json(timeout=10)
        for task_id in (one, two):
            await ask("GET", f"/api/task/{task_id}")
        waits = asyncio.ensure_future(ask("POST", "/api/openai", {**body, "async": False}))
        three = (await worker.receive_json(timeout=10))["taskId"]
        await worker.send_json({"type": "task_complete", "taskId": three, "result": "done"})
        await waits
        await ask("POST", "/api/openai", {})
        await ask("GET", "/api/dashboard/logs")
    await ask("GET", "/nowhere")


STORIES: Mapping[str, tuple[Story, str]] = {
    "tasks": (tasks, ""),
    "robots": (robots, ""),
    "endings": (endings, ""),
    "workers": (workers, ""),
    "task_queue": (task_queue, "/apis/task-queue"),
    "orchestrator": (orchestrator, "/apis/orchestrator"),
    "checklist": (checklist, "/apis/checklist"),
    "dispatcher": (dispatcher, "/apis/dispatcher"),
}
"""Name -> what is asked, and below which path."""


def main() -> None:
    for name in sys.argv[1:] or STORIES:
        story, prefix = STORIES[name]
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as text:
            folder = Path(text)
            answers = asyncio.run(answers_of(story, prefix, folder, with_approval(folder)))
        told = json.dumps(answers, ensure_ascii=False, indent=1) + "\n"
        (FOLDER / f"{name}.json").write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main()
