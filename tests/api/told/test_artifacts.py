"""Files of tasks over HTTP: whatever is in them, a browser runs none of it."""

from __future__ import annotations

import asyncio
import time
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import ClientPayloadError
from msgspec.structs import replace

from robotq.model.carried.artifact import Artifact
from robotq.model.task import Command, Task
from robotq.model.transitions import Action, transition
from robotq.store.port import SaveTask
from robotq.store.sqlite.store import SqliteStore
from robotq.system.kept_files import FileRoom
from tests.api.conftest import StartLab
from tests.api.lab import Lab
from tests.slices import each

TASK_ID = "task_20261129_120000_abcdef"
NOW_MS = int(time.time() * 1000)
PAGE = b"<script>fetch('/estop', {method: 'POST'})</script>"
LARGE = bytes(range(256)) * 4_000


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()


def _artifact(name: str, media_type: str, content: bytes) -> Artifact:
    return Artifact(name=name, media_type=media_type, size=len(content), sha256=_hash(content))


ARTIFACTS = (
    _artifact("code.png", "image/png", LARGE),
    _artifact("page.html", "text/html", PAGE),
    replace(_artifact("late.png", "image/png", b"x"), not_kept="reason.artifact_no_room"),
    _artifact("gone.png", "image/png", b"its file is lost"),
)


@pytest.fixture
async def lab(start_lab: StartLab, tmp_path: Path) -> Lab:
    """A daemon that has a task with all of these."""
    store = SqliteStore(tmp_path)
    await store.open(finished=1)
    folder = FileRoom(tmp_path / "artifacts", lambda: 2**30)
    for content in (LARGE, PAGE):
        await asyncio.to_thread(folder.put, content)
    new = Task(
        id=TASK_ID, seq=1, api="robot", queue="robot_a", command=Command(cmd_type="SCAN_QRCODE"),
        actor="anonymous", submitted_at_ms=NOW_MS, rank=1.0,
    )  # fmt: skip
    claimed = transition(new, Action.CLAIM, started_at_ms=NOW_MS)
    ended = transition(
        claimed, Action.COMPLETE, fence=1, ended_at_ms=NOW_MS, result={}, artifacts=ARTIFACTS
    )
    await store.apply([SaveTask(new, None), SaveTask(claimed, new), SaveTask(ended, claimed)])
    await store.close()
    return await start_lab(disk=SqliteStore(tmp_path), language="en")


async def test_task__lists_its_files_and_says_which_are_not_there(lab: Lab) -> None:
    task = await lab.task(TASK_ID)
    assert [one["name"] for one in task["artifacts"]] == [
        "code.png", "page.html", "late.png", "gone.png"
    ]  # fmt: skip
    assert task["artifacts"][0] == {
        "name": "code.png", "media_type": "image/png", "size": len(LARGE),
        "sha256": _hash(LARGE),
    }  # fmt: skip
    assert "artifacts.max_bytes" in task["artifacts"][2]["not_kept"]


async def test_file__comes_whole_as_an_attachment_in_a_sandbox(lab: Lab) -> None:
    path = f"/task/{TASK_ID}/artifacts/code.png"
    async with lab.client.get(path) as response:
        assert await response.read() == LARGE
        headers = response.headers
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Disposition"] == 'attachment; filename="code.png"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    async with lab.client.get(path, headers={"If-None-Match": headers["ETag"]}) as response:
        assert response.status == 304
    async with lab.client.head(path) as response:
        assert (response.status, await response.read()) == (200, b"")
        assert response.headers["Content-Length"] == str(len(LARGE))


async def test_page__that_somebody_has_put_there_is_bytes_to_a_browser(lab: Lab) -> None:
    async with lab.client.get(f"/task/{TASK_ID}/artifacts/page.html") as response:
        assert await response.read() == PAGE
        assert response.headers["Content-Type"] == "application/octet-stream"


@each(
    "name",
    [
        "late.png",
        "gone.png",
        "other.png",
        "..%2F..%2Fkeys.yaml",
        "%2e%2e",
        "code.png%00",
        "x" * 900,
    ],
)
async def test_file__that_is_not_there_is_said_to_be_none(lab: Lab, name: str) -> None:
    answer = await lab.get(f"/task/{TASK_ID}/artifacts/{name}")
    assert answer.status == 404
    assert answer["error_code"] in ("artifact_not_found", "not_found")


async def test_file__of_no_task_is_no_task(lab: Lab) -> None:
    answer = await lab.get("/task/task_of_nobody/artifacts/code.png")
    assert (answer.status, answer["error_code"]) == (404, "task_not_found")


async def test_file__that_the_disk_has_spoiled_does_not_come_whole(
    lab: Lab, tmp_path: Path
) -> None:
    file = FileRoom(tmp_path / "artifacts", lambda: 2**30).path(_hash(LARGE))
    await asyncio.to_thread(file.write_bytes, LARGE[:-1] + b"?")
    async with lab.client.get(f"/task/{TASK_ID}/artifacts/code.png") as response:
        with pytest.raises(ClientPayloadError):
            await response.read()
