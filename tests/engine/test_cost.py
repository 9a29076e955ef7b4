"""What the engine does for a command that does nothing, counted: a machine that is busy counts
the same."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import robotq
from benchmarks.gap import start_no_op_engine
from robotq.engine.engine import Engine

_COMMANDS = 100
_CALLS = 153
"""Functions of robotq that the event loop calls for each command, from its claim to its end."""
_LOOKS = 250
"""Calls that are no command's own: of a look at the disk, and of cleaning up, if its time comes."""
_BESIDES = 14
"""Hand-overs and commits that are not a command's own: the resume, a look at the disk, and one at
the programs that nobody needs any more."""


@pytest.mark.usefixtures("swift")  # what is done by the clock beside them is not counted
async def test_command__costs_one_commit_and_two_hand_overs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, _ = await start_no_op_engine(tmp_path)
    try:
        last = await _waiting(engine, _COMMANDS)
        told = Counter[str]()
        loop = asyncio.get_running_loop()
        tell = loop.call_soon_threadsafe

        def counted(callback: Any, *args: Any, **options: Any) -> Any:
            told[threading.current_thread().name] += 1
            return tell(callback, *args, **options)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        before = engine.reads.store_statistics().commits
        with _calls_counted() as calls:
            await engine.resume("robot_a", actor="ada")
            await engine.queue.wait_ended(last, 30)
        commits = engine.reads.store_statistics().commits - before
    finally:
        await engine.shut_down()
    # the resume, the first claim, which has no end to go along with, and a look at the disk
    assert commits <= _COMMANDS + 3
    # from other threads to the loop: the driver is back, the disk has it
    assert told.total() <= 2 * _COMMANDS + _BESIDES, told
    assert calls.total() <= _CALLS * _COMMANDS + _LOOKS, (calls.total(), calls.most_common(20))


async def _waiting(engine: Engine, commands: int) -> str:
    """Have so many wait. Returns the id of the last."""
    await engine.pause("robot_a", actor="ada")
    order = engine.intake.read({"cmd_type": "NOOP"})
    accepted = await engine.queue.submit(
        [order] * commands, api="robot", actor="ada", batch=True, contiguous=False
    )
    return accepted.task_ids[-1]


@contextmanager
def _calls_counted() -> Iterator[Counter[str]]:
    """Of this thread."""
    calls = Counter[str]()
    ours = str(Path(robotq.__file__).parent)

    def count(frame: FrameType, event: str, _arg: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(ours):
            calls[f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_qualname}"] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(before)
