"""What a command leaves behind: on disk before anybody is told of it, and there as long as its
task is."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from robotq.config.schema import ArtifactsConfig, RetentionConfig
from robotq.engine.artifacts.clean_up import CleanUp
from robotq.engine.timings import Timings
from robotq.model.carried.artifact import Artifact
from robotq.model.task import Task, TaskState
from robotq.store.port import Mutation, SaveTask
from robotq.system.kept_files import FileRoom, RoomFull
from tests.engine.conftest import StartLab
from tests.engine.disk import writes

PICTURE = {"name": "code.png", "text": "a picture"}
SHA256 = sha256(b"a picture").hexdigest()


async def files(folder: Path) -> dict[str, int]:
    room = FileRoom(folder / "artifacts", lambda: 0)
    return await asyncio.to_thread(lambda: dict(room.files()))


def listed(task: Task) -> list[tuple[str, str | None]]:
    return [(one.name, one.not_kept) for one in task.artifacts]


def _until_there(file: Path) -> None:
    deadline = time.monotonic() + 5
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.002)


async def test_picture__is_kept_beside_the_result(start_lab: StartLab, tmp_path: Path) -> None:
    lab = await start_lab(folder=tmp_path)
    task = await lab.run("scan", keep=[PICTURE, {"name": "log.txt", "media_type": "text/html"}])
    assert task.state is TaskState.COMPLETED
    first, second = task.artifacts
    assert (first.name, first.media_type, first.size, first.sha256) == (
        "code.png", "image/png", 9, SHA256
    )  # fmt: skip
    assert (second.name, second.media_type) == ("log.txt", "application/octet-stream")
    stream = await lab.engine.artifacts.opened(SHA256)
    assert await asyncio.to_thread(stream.read) == b"a picture"
    stream.close()
    # both have the same content: it is there once
    assert await files(tmp_path) == {SHA256: 9}
    told = [event.data for event in await lab.events("task.artifact")]
    assert [one["name"] for one in told] == ["code.png", "log.txt"]


async def test_picture__is_listed_while_the_command_goes_on(
    start_lab: StartLab, tmp_path: Path
) -> None:
    lab = await start_lab(folder=tmp_path)
    task_id = await lab.submit("scan", keep=[PICTURE], gate_after=True)
    await lab.until(lambda: lab.engine.reads.known(task_id).artifacts)  # type: ignore[union-attr]
    assert listed(await lab.find(task_id)) == [("code.png", None)]
    lab.driver.gate.set()
    assert listed(await lab.ended(task_id)) == [("code.png", None)]


async def test_file__is_on_disk_before_any_commit_names_it(
    start_lab: StartLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_disk, missing = set[str](), list[Artifact]()
    put = FileRoom.put

    def noted(self: FileRoom, content: bytes) -> str:
        kept = put(self, content)
        assert self.has(kept, len(content))
        on_disk.add(kept)
        return kept

    def look(mutations: Sequence[Mutation]) -> bool:
        for one in mutations:
            if isinstance(one, SaveTask):
                missing.extend(a for a in one.task.artifacts if a.sha256 not in on_disk)
        return False

    monkeypatch.setattr(FileRoom, "put", noted)
    lab = await start_lab(folder=tmp_path)
    lab.disk.dies_at = look
    for number in range(20):
        keep = [{"name": "p.png", "text": f"picture {number} {part}"} for part in range(3)]
        await lab.run(f"scan-{number}", take_s=0, keep=keep)
    assert len(await files(tmp_path)) == 60
    assert missing == []


async def test_killed__in_the_commit_of_its_end_the_picture_is_there_or_not_named(
    start_lab: StartLab, tmp_path: Path
) -> None:
    lab = await start_lab(folder=tmp_path)
    lab.disk.dies_at = writes(TaskState.COMPLETED)
    task_id = await lab.submit("scan", keep=[PICTURE])
    await lab.until(lambda: lab.disk.dead)
    again = await start_lab(data=await lab.kill(), folder=tmp_path)
    task = await again.find(task_id)
    assert task.state is TaskState.COMPLETED
    assert listed(task) == [("code.png", None)]
    assert await files(tmp_path) == {SHA256: 9}


async def test_killed__before_it_the_picture_is_nobodys_and_cleaned_up(
    start_lab: StartLab, tmp_path: Path
) -> None:
    lab = await start_lab(folder=tmp_path)
    task_id = await lab.at_gate("scan", keep=[PICTURE])
    lab.disk.full = "no space left on device"
    lab.driver.gate.set()
    await asyncio.to_thread(_until_there, tmp_path / "artifacts" / SHA256[:2] / SHA256)
    await lab.until(lambda: not lab.engine.store_available)
    lab.disk.dead = True
    again = await start_lab(data=await lab.kill(), folder=tmp_path)
    task = await again.find(task_id)
    assert (task.outcome_unknown, listed(task)) == (True, [])
    clean_up = CleanUp(again.engine.artifacts, again.disk, rest_s=0)
    assert await clean_up.look() == 1
    assert await files(tmp_path) == {}


async def test_names__that_come_again_or_are_odd_are_made_plain(
    start_lab: StartLab, tmp_path: Path
) -> None:
    lab = await start_lab(folder=tmp_path)
    keep = [{"name": name} for name in ("a.png", "a.png", "../a.png", "a-2.png", "")]
    task = await lab.run("scan", keep=keep)
    names = ["a.png", "a-2.png", "a-3.png", "a-2-2.png", "artifact"]
    assert [one.name for one in task.artifacts] == names
    assert lab.driver.kept == names


@pytest.mark.parametrize(
    ("limits", "keep", "reason"),
    [
        ({"each_bytes": 1_024}, [{"name": "x", "text": "x" * 1_025}], "too_large"),
        ({"per_task": 0}, [PICTURE], "too_many"),
        ({"max_bytes": 8}, [PICTURE], "no_room"),
    ],
)
async def test_limits__the_command_goes_on_and_its_task_says_what_was_not_kept(
    start_lab: StartLab,
    tmp_path: Path,
    limits: Mapping[str, int],
    keep: list[dict[str, Any]],
    reason: str,
) -> None:
    lab = await start_lab(folder=tmp_path, artifacts=ArtifactsConfig(**limits))
    task = await lab.run("scan", keep=keep)
    assert task.state is TaskState.COMPLETED
    assert [one.not_kept for one in task.artifacts] == [f"reason.artifact_{reason}"]
    assert await files(tmp_path) == {}
    (event,) = await lab.events("task.artifact")
    assert event.data["not_kept"] == f"reason.artifact_{reason}"
    # the same where the command cannot do without it
    needed = await lab.run("scan", keep=[{**keep[0], "needed": True}])
    assert needed.error is not None
    assert needed.error.code == "artifact_not_kept"
    assert needed.error.args["reason"] == f"reason.artifact_{reason}"


async def test_too_many__are_told_of_once(start_lab: StartLab, tmp_path: Path) -> None:
    lab = await start_lab(folder=tmp_path, artifacts=ArtifactsConfig(per_task=3))
    task = await lab.run("scan", keep=[{"name": f"{n}.png", "text": str(n)} for n in range(50)])
    assert listed(task) == [
        ("0.png", None), ("1.png", None), ("2.png", None),
        ("3.png", "reason.artifact_too_many"),
    ]  # fmt: skip
    assert len(await files(tmp_path)) == 3


async def test_no_room__is_none_for_what_is_there_already(
    start_lab: StartLab, tmp_path: Path
) -> None:
    lab = await start_lab(folder=tmp_path, artifacts=ArtifactsConfig(max_bytes=9))
    for cmd_id in ("first", "second"):
        assert listed(await lab.run(cmd_id, keep=[PICTURE])) == [("code.png", None)]


async def test_memory__keeps_nothing_and_says_so(start_lab: StartLab) -> None:
    lab = await start_lab()
    task = await lab.run("scan", keep=[PICTURE])
    assert listed(task) == [("code.png", "reason.artifact_nowhere")]


async def test_disk__that_takes_no_file_keeps_no_command(
    start_lab: StartLab, tmp_path: Path
) -> None:
    (tmp_path / "artifacts").write_text("a file where the folder should be")
    lab = await start_lab(folder=tmp_path)
    assert listed(await lab.run("scan", keep=[PICTURE])) == [("code.png", "reason.artifact_disk")]


async def test_disk__that_is_full_while_a_command_waits_for_it_is_no_fault_of_ours(
    start_lab: StartLab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    go_on = threading.Event()

    def fails(_self: FileRoom, _content: bytes) -> str:
        go_on.wait(10)
        raise RoomFull(8, 8)

    monkeypatch.setattr(FileRoom, "put", fails)
    lab = await start_lab(folder=tmp_path)
    running = asyncio.create_task(lab.run("scan", keep=[PICTURE]))
    await lab.until(lambda: lab.driver.done == ["scan"])
    await lab.quiet()
    go_on.set()
    assert listed(await running) == [("code.png", "reason.artifact_no_room")]
    # nobody has the first command in hand any more
    await lab.run("second")
    await lab.quiet()
    gc.collect()
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


async def test_disk__that_hangs_keeps_no_command_for_ever(
    start_lab: StartLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    put = FileRoom.put

    def hangs(self: FileRoom, content: bytes) -> str:
        go_on.wait(10)
        return put(self, content)

    monkeypatch.setattr(FileRoom, "put", hangs)
    lab = await start_lab(folder=tmp_path, timings=Timings(artifact_s=0.05))
    task = await lab.run("scan", keep=[PICTURE])
    assert task.state is TaskState.COMPLETED
    assert listed(task) == [("code.png", "reason.artifact_late")]
    needed = await lab.run("scan", keep=[{**PICTURE, "needed": True}])
    assert needed.error is not None
    assert needed.error.code == "artifact_not_kept"
    go_on.set()
    # the next one is kept again
    assert listed(await lab.run("scan", keep=[PICTURE])) == [("code.png", None)]


async def test_second_attempt__begins_without_the_files_of_the_first(
    start_lab: StartLab, tmp_path: Path
) -> None:
    lab = await start_lab(folder=tmp_path)
    task_id = await lab.submit("m", "MEASURE", keep=[PICTURE], gate_after=True)
    await lab.until(lambda: lab.engine.reads.known(task_id).artifacts)  # type: ignore[union-attr]
    again = await start_lab(data=await lab.kill(), folder=tmp_path)
    await again.until(lambda: again.driver.at_gate)
    again.driver.gate.set()
    task = await again.ended(task_id)
    assert (task.attempt, listed(task)) == (2, [("code.png", None)])


async def test_clean_up__takes_only_what_no_task_names(start_lab: StartLab, tmp_path: Path) -> None:
    lab = await start_lab("robot_a", "robot_b", folder=tmp_path)
    ended = await lab.run("ended", keep=[{"name": "a", "text": "of one that has ended"}])
    running = await lab.submit(
        "running", keep=[{"name": "a", "text": "of one that runs"}], gate_after=True
    )
    await lab.until(lambda: lab.engine.reads.known(running).artifacts)  # type: ignore[union-attr]
    await asyncio.to_thread(FileRoom(tmp_path / "artifacts", lambda: 2**20).put, b"nobody's")
    clean_up = CleanUp(lab.engine.artifacts, lab.disk, rest_s=0)
    assert await clean_up.look() == 1
    assert set(await files(tmp_path)) == {
        sha256(b"of one that runs").hexdigest(), *(one.sha256 for one in ended.artifacts)
    }  # fmt: skip
    lab.driver.gate.set()
    await lab.ended(running)
    assert await clean_up.look() == 0


async def test_clean_up__leaves_what_is_on_its_way_and_what_a_backup_may_still_copy(
    start_lab: StartLab, tmp_path: Path
) -> None:
    lab = await start_lab(folder=tmp_path)
    artifacts = lab.engine.artifacts
    written = artifacts.write(b"a picture")
    assert await asyncio.wrap_future(written) == SHA256
    at_once = CleanUp(artifacts, lab.disk, rest_s=0)
    assert await at_once.look() == 0
    artifacts.release([written])
    later = CleanUp(artifacts, lab.disk)
    assert [await later.look(), await later.look()] == [0, 0]
    assert await files(tmp_path) == {SHA256: 9}
    assert await at_once.look() == 1
    assert await files(tmp_path) == {}
    # the room is free again
    assert listed(await lab.run("scan", keep=[PICTURE])) == [("code.png", None)]


async def test_retention__takes_the_files_with_their_tasks(
    start_lab: StartLab, tmp_path: Path
) -> None:
    lab = await start_lab(folder=tmp_path, retention=RetentionConfig(tasks_days=1e-9))
    await lab.run("scan", keep=[PICTURE])
    parts = lab.engine._parts
    parts.retention._files = CleanUp(lab.engine.artifacts, lab.disk, rest_s=0)
    # the clock counts as settled only when it has been looked at for a while
    await lab.disk.prune(tasks_before_ms=2**53, events_before_ms=0, answers_before_ms=0, limit=100)
    # while the engine's own round is under way, or the file was named a moment ago, it stays
    for _ in range(500):
        await parts.retention._files.look()
        if not await files(tmp_path):
            break
        await asyncio.sleep(0.01)
    assert await files(tmp_path) == {}
