"""An event loop whose time passes only while this process gets to run.

On a busy machine a process may stand for half a second. Timers of asyncio go by the clock of the
wall, so a stop that has 50 ms to be confirmed is given up then, and a test of it fails although
nothing is wrong. The time of this loop takes small steps: whatever is measured with it is measured
in turns that the process had. On a quiet machine it is the time of the wall. While the clock is
swift (`tests.swift`), which is as patient by itself, it is that one.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from tests.swift import CLOCK

_SLICE_S = 0.005
"""The loop never waits longer than this at once."""
_STEP_S = 2 * _SLICE_S
"""What may pass in one turn. Twice the slice, so that nothing is lost while there is no load."""

_LOOK_S, _LOOK_MOST_S = 0.002, 0.05

T = TypeVar("T")


def look_again_s(began: float) -> float:
    """For how long whoever has waited for something since `began` (`time.monotonic`) may look away:
    a small part of that. While the clock is swift, each look has it stop: a hundred a second are
    most of the work of a test in which a machine moves for a minute."""
    return max(_LOOK_S, min((time.monotonic() - began) / 20, _LOOK_MOST_S))


class PatientLoop(asyncio.SelectorEventLoop):
    """`time()`, and with it every timer and timeout of asyncio, is patient."""

    def __init__(self) -> None:
        self._passed = self._seen = time.monotonic()
        super().__init__(_Slices(self))

    def time(self) -> float:
        passed = time.monotonic() - self._seen
        return self._passed + (passed if CLOCK.swift else min(passed, _STEP_S))

    def turn(self) -> None:
        """What has passed since the last turn counts, up to a step."""
        self._passed = self.time()
        self._seen = time.monotonic()


class _Slices(selectors.DefaultSelector):
    def __init__(self, loop: PatientLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._loop.turn()
        if CLOCK.swift:
            found = self._until_woken(timeout)
        else:
            found = super().select(_SLICE_S if timeout is None else min(timeout, _SLICE_S))
        self._loop.turn()
        return found

    def _until_woken(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        wait = CLOCK.add(timeout, lambda: _wake(self._loop))
        try:
            return super().select(timeout)
        finally:
            CLOCK.drop(wait)


def _wake(loop: asyncio.AbstractEventLoop) -> None:
    """Its timers are due."""
    loop.call_soon_threadsafe(lambda: None)


def run(story: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on such a loop."""
    with asyncio.Runner(loop_factory=PatientLoop) as runner:
        return runner.run(story)
