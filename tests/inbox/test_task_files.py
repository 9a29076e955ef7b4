"""Tasks of the task queue as files: dropped into a folder, and copied out of the store."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from robotq.api.task_queue.files import Copies
from robotq.catalog import Catalog
from tests.api.conftest import StartLab, catalog, lab_config, start_lab
from tests.api.lab import Lab, running_lab

__all__ = ["catalog", "start_lab"]

PREFIX = "/apis/task-queue"


async def until(found: Callable[[], Any]) -> Any:
    async with asyncio.timeout(20):
        # files tell nobody
        while not (value := found()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return value


class Files:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.folder = lab.engine.config.data / "task_queue"

    def read(self, name: str) -> Any:
        file = self.folder / name
        return orjson.loads(file.read_bytes()) if file.exists() else None

    def drop(self, name: str, task: Any) -> None:
        half = self.folder / "inbox" / f"{name}.tmp"
        half.write_bytes(orjson.dumps(task))
        half.rename(self.folder / "inbox" / name)

    async def post(self, path: str, body: Any) -> Any:
        async with self.lab.client.post(PREFIX + path, json=body) as response:
            return await response.json()

    async def get(self, path: str) -> Any:
        async with self.lab.client.get(PREFIX + path) as response:
            return await response.json()


def _is(files: Files, name: str, content: Any) -> bool:
    return bool(files.read(name) == content)


@pytest.fixture
async def files(start_lab: StartLab) -> Files:
    files = Files(await start_lab(inbox__poll_s=0.01, inbox__settle_s=0))
    await until((files.folder / "inbox" / "done").is_dir)
    return files


async def test_s0_17__a_file_is_a_task_that_workers_get_over_http(files: Files) -> None:
    task_id = str(uuid.uuid4())
    files.drop(
        f"{task_id}.json",
        {"id": task_id, "type": "ping", "data": {"n": 1}, "requester": "copilot", "status": "x"},
    )
    await until(lambda: files.read(f"inbox/done/{task_id}.json.accepted.json"))
    task = (await files.post("/api/tasks/next", {"worker_id": "w"}))["task"]
    assert {name: task[name] for name in ("id", "type", "data", "requester")} == {
        "id": task_id,
        "type": "ping",
        "data": {"n": 1},
        "requester": "copilot",
    }
    await files.post(f"/api/tasks/{task_id}/result", {"worker_id": "w", "data": {"m": "pong"}})
    result = await until(lambda: files.read(f"results/{task_id}.json"))
    assert result == await files.get(f"/api/tasks/{task_id}/result")
    assert (result["status"], result["data"]) == ("success", {"m": "pong"})


async def test_s0_20__copies_follow_every_change_of_a_task(files: Files) -> None:
    task_id = (await files.post("/api/tasks", {"task_type": "ping"}))["task_id"]
    for act, status in (
        (None, "pending"),
        (("/api/tasks/next", {}), "in_progress"),
        ((f"/api/tasks/{task_id}/result", {"status": "error", "error_message": "no"}), "failed"),
    ):
        if act is not None:
            await files.post(*act)
        wanted = await files.get(f"/api/tasks/{task_id}")
        assert wanted["status"] == status
        await until(partial(_is, files, f"tasks/{task_id}.json", wanted))
    assert files.read(f"results/{task_id}.json")["error_message"] == "no"


async def test_s0_22__a_file_that_is_being_written_disturbs_nobody(start_lab: StartLab) -> None:
    files = Files(await start_lab(inbox__poll_s=0.01, inbox__settle_s=30))
    await until((files.folder / "inbox" / "done").is_dir)
    half = files.folder / "inbox" / "slow.json"
    half.write_bytes(b'{"type": "pi')
    files.drop("quick.json", {"type": "quick"})
    await until(lambda: files.read("inbox/done/quick.json.accepted.json"))
    assert (await files.get("/api/tasks"))["total_pending"] == 1
    assert half.exists()
    half.write_bytes(b'{"type": "ping"}')
    await until(lambda: files.read("inbox/done/slow.json.accepted.json"))
    taken = [(await files.post("/api/tasks/next", {}))["task"]["type"] for _ in range(2)]
    assert taken == ["quick", "ping"]
    assert not list((files.folder / "inbox" / "rejected").glob("*"))


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({}, "task_type"),
        ({"type": 7}, "string"),
        ({"type": "ping", "data": []}, "data must be an object"),
        ({"type": "ping", "id": "seven"}, "UUID"),
        ([], "object"),
    ],
)
async def test_file__that_is_bad_is_rejected_with_the_reason(
    files: Files, task: Any, said: str
) -> None:
    files.drop("bad.json", task)
    reason = await until(lambda: files.read("inbox/rejected/bad.json.reason.json"))
    assert said in reason["message"]
    await until(lambda: files.read("inbox/rejected/bad.json") == task)


async def test_file__with_an_id_that_is_taken_is_rejected(files: Files) -> None:
    task_id = str(uuid.uuid4())
    for name in ("a.json", "b.json"):
        files.drop(name, {"id": task_id, "type": "ping"})
        await until(partial(_is, files, f"inbox/{name}", None))
    reason = await until(lambda: files.read("inbox/rejected/b.json.reason.json"))
    assert "there already" in reason["message"]


async def test_restart__takes_what_was_dropped_and_goes_on_with_the_copies(
    catalog: Catalog, tmp_path: Path
) -> None:
    config = await asyncio.to_thread(lab_config, tmp_path, inbox__poll_s=0.01)
    inbox = tmp_path / "task_queue" / "inbox"
    await asyncio.to_thread(inbox.mkdir, parents=True)
    token = "1700000000000-000001-abcdef01"
    taking = inbox / "taking"
    taking.mkdir()
    (taking / f"{token}~a.json").write_bytes(orjson.dumps({"type": "ping", "data": {"n": 1}}))
    (inbox / "b.json").write_bytes(orjson.dumps({"type": "pong"}))
    async with running_lab(config, catalog) as lab:
        files = Files(lab)
        await until(lambda: len(list((files.folder / "tasks").glob("*.json"))) == 1)
        waiting = (await files.get("/api/tasks"))["tasks"]
        assert [task["type"] for task in waiting] == ["pong"]
        reason = files.read("inbox/rejected/a.json.reason.json")
        assert "too long ago" in reason["message"], "it may have been done years ago"


async def test_copies__are_made_of_another_journal_than_was_followed_before(
    catalog: Catalog, tmp_path: Path
) -> None:
    """The database was restored from a backup, or it was kept in memory only."""
    config = await asyncio.to_thread(lab_config, tmp_path)
    followed = tmp_path / "task_queue" / ".followed"
    await asyncio.to_thread(followed.parent.mkdir)
    followed.write_text("70000\n")
    async with running_lab(config, catalog) as lab:
        files = Files(lab)
        task_id = (await files.post("/api/tasks", {"task_type": "ping"}))["task_id"]
        await until(lambda: files.read(f"tasks/{task_id}.json"))


async def test_copies__of_tasks_that_retention_has_removed_go(files: Files) -> None:
    task_id = (await files.post("/api/tasks", {"task_type": "ping"}))["task_id"]
    gone = files.folder / "tasks" / f"{uuid.uuid4()}.json"
    await until(lambda: files.read(f"tasks/{task_id}.json"))
    gone.write_text("{}")
    copies = Copies(files.folder, files.lab.engine)
    for name in await asyncio.to_thread(copies._names, 1e12):
        assert (files.folder / "tasks" / f"{name}.json").exists()
    engine = files.lab.engine
    now_ms = engine.clock.now_ms() + 40 * 86_400_000
    engine.clock.now_ms = lambda: now_ms  # type: ignore[method-assign]
    await copies.prune()
    copies.close()
    assert not gone.exists()
    assert files.read(f"tasks/{task_id}.json")


@pytest.mark.slow
async def test_file_that_is_put_among_the_copies__is_told_in_the_log_and_beside_it(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody drops a task where tasks are shown, and waits."""
    task = await files.lab.post(f"{PREFIX}/api/tasks", {"task_type": "ping"})
    await until(lambda: files.read(f"tasks/{task['task_id']}.json"))
    mine = files.folder / "tasks" / "mine.json"
    mine.write_bytes(b'{"type": "ping"}')
    beside = files.folder / "tasks" / "mine.json.not-taken.txt"
    await until(beside.exists)
    assert "inbox" in beside.read_text(encoding="utf-8")
    assert mine.exists()
    lines = [r.getMessage() for r in caplog.records if "is no task" in r.getMessage()]
    assert len(lines) == 1
    assert lines[0].startswith("mine.json is no task")
