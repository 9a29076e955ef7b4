"""kill -9 in the middle of writing: what was answered for is there."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from robotq.model.task import TaskState
from robotq.store.port import TaskQuery
from robotq.store.sqlite import SqliteStore

from .records import counted

_ORDER = ["submitted", "started", "completed"]
_STATES = {
    TaskState.PENDING: "submitted",
    TaskState.RUNNING: "started",
    TaskState.COMPLETED: "completed",
}


def _until_killed(folder: Path, lines: int) -> dict[int, str]:
    """What the daemon said about each task until it was killed, some time after `lines`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.submitting", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said: dict[int, str] = {}
    with process:
        for line in process.stdout:
            word, seq = line.split()
            said[int(seq)] = word
            lines -= 1
            if lines == 0:
                process.kill()
    assert said, "it never got to write anything"
    return said


async def _find(folder: Path, said: dict[int, str]) -> None:
    store = SqliteStore(folder)
    restored = await store.open(finished=1_000_000)
    tasks = {task.seq: task for task in (*restored.unfinished, *restored.finished)}
    for seq, word in said.items():
        assert _ORDER.index(_STATES[tasks[seq].state]) >= _ORDER.index(word)
        assert await store.answer("robot/anonymous", f"key {seq}") is not None
    assert restored.counts == counted({task.id: task for task in tasks.values()})
    # each change has its event, and no event is without its change
    events = await store.events_since(0, limit=10_000_000)
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert len(events) == sum(task.revision for task in tasks.values())
    assert len(await store.list(TaskQuery(limit=10_000_000))) == len(tasks)
    await store.close()


@pytest.mark.parametrize("seed", range(2))
async def test_kill__everything_answered_for_is_there(tmp_path: Path, seed: int) -> None:
    moments = random.Random(seed)
    said: dict[int, str] = {}
    for _ in range(2):
        said |= _until_killed(tmp_path, moments.randrange(20, 600))
        await _find(tmp_path, said)


@pytest.mark.long
async def test_kill__thirty_times_over(tmp_path: Path) -> None:
    moments = random.Random(30)
    said: dict[int, str] = {}
    for _ in range(30):
        said |= _until_killed(tmp_path, moments.randrange(20, 600))
        await _find(tmp_path, said)
