"""kill -9 in the middle of writing: what was answered for is there."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from robotq.model.task import TaskState
from robotq.store.port import TaskQuery
from robotq.store.sqlite.store import SqliteStore
from tests.crash.faults import FAULTS, Faults, possible

from .records import counted

_ORDER = ["submitted", "started", "completed"]
_STATES = {
    TaskState.PENDING: "submitted",
    TaskState.RUNNING: "started",
    TaskState.COMPLETED: "completed",
}


def _until_killed(
    folder: Path, lines: int, environ: Mapping[str, str] | None = None
) -> dict[int, str]:
    """What the daemon said about each task until it was killed, some time after `lines`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.submitting", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environ or {})},
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
    assert lines <= 0, "it ended by itself"
    return said


async def _find(folder: Path, said: dict[int, str]) -> None:
    store = SqliteStore(folder)
    restored = await store.open(finished=1_000_000)
    tasks = {task.seq: task for task in (*restored.unfinished, *restored.finished)}
    for seq, word in said.items():
        assert _ORDER.index(_STATES[tasks[seq].state]) >= _ORDER.index(word)
        kept = await store.answer("robot/anonymous", f"key {seq}")
        assert (kept is not None) == bool(seq % 2)
    assert restored.counts == counted({task.id: task for task in tasks.values()})
    # each change has its event, and no event is without its change
    events = await store.events_since(0, limit=10_000_000)
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert len(events) == sum(task.revision for task in tasks.values())
    assert len(await store.list(TaskQuery(limit=10_000_000))) == len(tasks)
    await store.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
async def test_kill__everything_answered_for_is_there(tmp_path: Path, seed: int) -> None:
    moments = random.Random(seed)
    said: dict[int, str] = {}
    for _ in range(2):
        said |= _until_killed(tmp_path, moments.randrange(20, 600))
        await _find(tmp_path, said)


@contextmanager
def failing_now_and_then(faults: Faults, moments: random.Random) -> Iterator[None]:
    """In each of the ways in which a disk can fail, for some milliseconds."""
    over = threading.Event()

    def come_and_go() -> None:
        while not over.wait(moments.uniform(0, 0.05)):
            fault = moments.choice(list(FAULTS.values()))
            faults.begin(replace(fault, spared=moments.randrange(30)))
            over.wait(moments.uniform(0, 0.05))
            faults.end()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.slow
@pytest.mark.skipif(not possible(), reason="needs Linux and a C compiler")
@pytest.mark.parametrize(
    "kills", [2, pytest.param(20, marks=[pytest.mark.long, pytest.mark.timeout(600)])]
)
async def test_kill__of_one_whose_disk_fails_again_and_again(tmp_path: Path, kills: int) -> None:
    """Long enough that it also fails while the log is copied into the database."""
    moments = random.Random(kills)
    faults = Faults(tmp_path)
    said: dict[int, str] = {}
    for _ in range(kills):
        with failing_now_and_then(faults, moments):
            said |= _until_killed(tmp_path, moments.randrange(500, 3_000), faults.environ)
        await _find(tmp_path, said)


@pytest.mark.long
async def test_kill__thirty_times_over(tmp_path: Path) -> None:
    moments = random.Random(30)
    said: dict[int, str] = {}
    for _ in range(30):
        said |= _until_killed(tmp_path, moments.randrange(20, 600))
        await _find(tmp_path, said)
