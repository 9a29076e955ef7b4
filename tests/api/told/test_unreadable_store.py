"""The disk can be written and not be read: every question is told so, and blames no one else."""

from __future__ import annotations

import re

import pytest

from robotq.store.memory import MemoryStore
from tests.api.conftest import StartLab
from tests.api.lab import GO_HOME, Lab
from tests.engine.disk import Disk
from tests.slices import each

NOT_READ = "The daemon cannot read its disk, so it cannot answer: input/output error"
GONE = "task_20261122_143022_k3m9xa"
UUID = "7a4f4d1e-9c55-4a0e-9d3c-1d5a5a4f4d1e"
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def disk() -> Disk:
    return Disk(MemoryStore())


@pytest.fixture
async def unreadable_store(start_lab: StartLab, disk: Disk) -> Lab:
    """Something has happened, and from then on nothing can be read."""
    lab = await start_lab(disk=disk)
    await lab.ended(await lab.submit(GO_HOME))
    disk.unreadable = True
    return lab


@each(
    "path",
    [
        "/tasks",
        "/tasks?state=completed&limit=1",
        f"/task/{GONE}",
        f"/task/{GONE}?wait=1",
        "/events?last_event_id=0",
        "/journal",
        f"/journal?task_id={GONE}",
        "/webhooks",
    ],
)
async def test_question__is_told_that_the_disk_cannot_be_read(
    unreadable_store: Lab, path: str
) -> None:
    answer = await unreadable_store.get(path, headers=ENGLISH)
    assert (answer.status, answer["error_code"]) == (503, "store_unavailable")
    assert answer["message"] == NOT_READ
    assert answer.headers["Retry-After"] == "1"
    again = await unreadable_store.get(path, headers={"Accept-Language": "zh"})
    assert again["message"] == "无法读取存储，不能作答: input/output error"


@each(
    ("path", "body"),
    [
        (f"/task/{GONE}/cancel", {}),
        (f"/task/{GONE}/approve", {}),
        (f"/task/{GONE}/reject", {"reason": "no"}),
        (f"/task/{GONE}/resolve", {"outcome": "completed"}),
        (f"/task/{GONE}/retry", {}),
        (f"/task/{GONE}/input", "42"),
        (f"/task/{GONE}/priority", {"priority": 1}),
        (f"/task/{GONE}/move", {"robot_id": "robot_b"}),
        ("/batch/batch_20261122_143022_k3m9xa/retry", {}),
        (f"/webhooks/{GONE}-site/resend", {}),
    ],
)
async def test_change__of_what_cannot_be_read_is_told_the_same(
    unreadable_store: Lab, path: str, body: object
) -> None:
    answer = await unreadable_store.post(path, body, headers=ENGLISH)
    assert (answer.status, answer["error_code"]) == (503, "store_unavailable")
    assert answer["message"] == NOT_READ


async def test_submit__with_a_key_that_comes_again_is_refused_and_makes_no_task(
    unreadable_store: Lab, disk: Disk
) -> None:
    """The commit itself knows that the key is taken; what was answered to it, only the disk."""
    await unreadable_store.post("/queue/pause", {})
    headers = {"Idempotency-Key": "once", **ENGLISH}
    first = await unreadable_store.post("/", GO_HOME, headers=headers)
    assert first.status == 200
    before = unreadable_store.engine.reads.counts()
    for prefer in ({}, {"Prefer": "wait=1"}):
        answer = await unreadable_store.post("/", GO_HOME, headers={**headers, **prefer})
        assert (answer.status, answer["error_code"]) == (503, "store_unavailable")
        assert answer["message"] == NOT_READ
    assert unreadable_store.engine.reads.counts() == before
    disk.unreadable = False
    again = await unreadable_store.post("/", GO_HOME, headers=headers)
    assert (again.status, again["task_id"]) == (200, first["task_id"])


async def test_submit__with_a_key_to_a_held_queue_that_waits_for_the_end(
    start_lab: StartLab, disk: Disk
) -> None:
    lab = await start_lab(disk=disk, mode="sync")
    await lab.post("/queue/pause", {})
    disk.unreadable = True
    answer = await lab.post("/", GO_HOME, headers={"Idempotency-Key": "once", **ENGLISH})
    assert (answer.status, answer["error_code"]) == (503, "store_unavailable")
    assert answer["message"] == NOT_READ


async def test_commands_of_the_site__that_ask_the_disk(unreadable_store: Lab) -> None:
    asked = {"cmd_type": "GET_TASK_STATE", "params": {"target_cmd_id": "SCAN_QRCODE_001"}}
    answer = await unreadable_store.post("/", asked, headers=ENGLISH)
    assert (answer.status, answer["error_code"]) == (503, "store_unavailable")
    assert answer["message"] == NOT_READ


@each(
    "path",
    [
        "/apis/orchestrator/api/v1/tasks",
        f"/apis/orchestrator/api/v1/tasks/{UUID}",
        "/apis/orchestrator/api/v1/statistics",
        "/apis/checklist/api/v1/tasks",
        f"/apis/checklist/api/v1/tasks/{UUID}",
        "/apis/checklist/api/v1/batches",
        "/apis/checklist/api/v1/batches/latest",
        f"/apis/task-queue/api/tasks/{UUID}",
        f"/apis/task-queue/api/results/{UUID}",
        f"/apis/dispatcher/api/task/{UUID}",
    ],
)
async def test_other_interface__answers_503_in_its_own_form(
    unreadable_store: Lab, path: str
) -> None:
    async with unreadable_store.client.get(path, headers=ENGLISH) as answer:
        told = await answer.text()
    assert answer.status == 503, told
    assert not re.search("accepted|internal", told, re.IGNORECASE)


async def test_memory__still_answers_what_it_knows(unreadable_store: Lab) -> None:
    for path in ("/queue/status", "/robots", "/commands", "/workers", "/estop", "/metrics"):
        assert (await unreadable_store.get(path)).status == 200
    health = await unreadable_store.get("/apis/orchestrator/health")
    assert health["components"]["database"]["healthy"] is False
