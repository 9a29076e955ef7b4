"""What a test waits in real time: more than a moment only where it says why.

A test that sleeps is slow on a quiet machine and wrong on a busy one. So whatever is slept in a
test's own code is looked at while it runs: `time.sleep`, `asyncio.sleep`, and the wait for an
event or a condition that does not come. What robotq does in the background meanwhile is its own,
and so is what an emulated machine or wire does on a thread. What is slept while the clock is swift
(`tests.swift`) is not slept for real.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import TypeVar

from tests.swift import CLOCK

LONGEST_S = 0.05
_TESTS = str(Path(__file__).parent) + "/"
_OF_OTHERS = (threading.__file__, "blockbuster.py", __file__)

T = TypeVar("T")


class Slept:
    """By the test that runs now, on its thread."""

    def __init__(self) -> None:
        self.waits: list[str] = []

    def begin(self) -> None:
        self.waits.clear()

    def note(self, seconds: float, frame: FrameType | None) -> None:
        """That it has slept so long; `frame`: where."""
        others = threading.current_thread() is not threading.main_thread()
        if seconds <= LONGEST_S or CLOCK.wanted or others:
            return
        while frame is not None and frame.f_code.co_filename.endswith(_OF_OTHERS):
            frame = frame.f_back
        if frame is not None and frame.f_code.co_filename.startswith(_TESTS):
            place = frame.f_code.co_filename.removeprefix(_TESTS)
            self.waits.append(f"{seconds:g} s in tests/{place}:{frame.f_lineno}")


def watch() -> Slept:
    """From now on, for the whole process."""
    slept = Slept()
    time.sleep = _thread_sleep(slept, time.sleep)  # type: ignore[assignment]
    asyncio.sleep = asyncio.tasks.sleep = _task_sleep(slept, asyncio.sleep)  # type: ignore[assignment]
    waited = _condition_wait(slept, threading.Condition.wait)
    threading.Condition.wait = waited  # type: ignore[assignment,method-assign]
    return slept


def _thread_sleep(slept: Slept, sleep: Callable[[float], None]) -> Callable[[float], None]:
    def watched(seconds: float, /) -> None:
        sleep(seconds)
        slept.note(seconds, sys._getframe(1))

    return watched


def _task_sleep(
    slept: Slept, sleep: Callable[[float, T], Awaitable[T]]
) -> Callable[..., Awaitable[T]]:
    async def watched(delay: float, result: T | None = None) -> T:
        frame = sys._getframe(1) if delay > LONGEST_S else None
        done = await sleep(delay, result)  # type: ignore[arg-type]
        slept.note(delay, frame)
        return done

    return watched


def _condition_wait(
    slept: Slept, wait: Callable[[threading.Condition, float | None], bool]
) -> Callable[[threading.Condition, float | None], bool]:
    def watched(self: threading.Condition, timeout: float | None = None) -> bool:
        came = wait(self, timeout)
        if not came and timeout is not None:
            slept.note(timeout, sys._getframe(1))
        return came

    return watched
