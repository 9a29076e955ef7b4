"""The folder of a real daemon that is killed at the worst moments."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.crash.process import DaemonProcess

GO_HOME = {"cmd_type": "NAVIGATION", "cmd_id": "DROPPED", "params": {"area": "HOME"}}


async def until(true: Callable[[], Any]) -> Any:
    async with asyncio.timeout(30):
        # another process tells nobody
        while not (found := await asyncio.to_thread(true)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found


def tasks(daemon: DaemonProcess) -> list[dict[str, Any]]:
    answer = requests.get(f"{daemon.url}/tasks", timeout=10).json()
    found: list[dict[str, Any]] = answer["tasks"]
    return found


@pytest.mark.long
@pytest.mark.parametrize("point", ["accept", "commit", "accepted", "answer_kept"])
async def test_daemon__killed_while_it_takes_a_file_runs_it_once(
    tmp_path: Path, point: str
) -> None:
    environ = {"ROBOTQ_INBOX__POLL_S": "0.05"}
    daemon = DaemonProcess(tmp_path / "data", time_scale=0, environ=environ)
    inbox = daemon.data / "inbox"
    await asyncio.to_thread(inbox.mkdir, parents=True)
    # a start writes by itself, the first one of a data folder more than others
    points = [f"commit:{nth}" for nth in range(2, 8)] if point == "commit" else [point]
    try:
        for one in points:
            if await daemon.start(one):
                break
        assert daemon.alive()
        half = inbox / ".go.json"
        half.write_text(json.dumps(GO_HOME))
        half.rename(inbox / "go.json")
        assert await daemon.died(30)
        assert not (inbox / "done" / "go.json").exists()
        assert await daemon.start()
        await until((inbox / "done" / "go.json").exists)
        (task,) = await asyncio.to_thread(tasks, daemon)
        assert task["cmd_id"] == "DROPPED"
        accepted = json.loads((inbox / "done" / "go.json.accepted.json").read_text())
        assert accepted["task_id"] == task["task_id"]
        assert await daemon.terminate() == 0
        # dropped while nobody was there
        (inbox / "later.json").write_text(json.dumps({**GO_HOME, "cmd_id": "LATER"}))
        assert await daemon.start()
        await until((inbox / "done" / "later.json").exists)
        found = await asyncio.to_thread(tasks, daemon)
        assert [task["cmd_id"] for task in found] == ["LATER", "DROPPED"]
        assert await daemon.terminate() == 0
    finally:
        daemon.kill()
