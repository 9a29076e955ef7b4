"""Two kinds of time: the wall clock, and the clock of simulated motion.

Wall time stamps records and bounds what people and networks do. Motion time passes only
where something simulated moves; it can run faster than the wall, or jump.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class WallClock(Protocol):
    """The time of day; injected so that a test can step it."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch. May jump either way when somebody sets the clock."""

    def steady_ms(self) -> int:
        """Milliseconds since the epoch as the clock stood when this process began. Passes
        evenly whatever somebody sets, so leases and deadlines of workers go by it."""


class Timer(Protocol):
    """A pending callback of a motion clock."""

    def cancel(self) -> None:
        """Make sure that the callback is not called from now on. May be called twice."""


class MotionClock(Protocol):
    """Time as a motion sees it, in seconds. Every method may be called from any thread,
    except `call_later`, which belongs to the thread of its loop.

    The conditions passed to `sleep` and `wait_outside` are also looked at by other threads,
    under the clock's lock: they only read, and take no lock.
    """

    def now(self) -> float:
        """Seconds of motion time since an arbitrary start; never goes back."""

    def sleep(self, seconds: float, interrupted: Callable[[], bool]) -> bool:
        """Let `seconds` of motion time pass, or less when `interrupted()` becomes true.

        `seconds` may be infinite. Whoever changes what `interrupted` looks at calls
        `notify()` afterwards. Returns True when the whole time has passed, False when
        interrupted.
        """

    def wait_outside(self, ready: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait in wall time until `ready()`; a virtual clock does not jump meanwhile.

        Returns the last value of `ready()`, so False after `timeout_s` seconds of wall time.
        """

    def notify(self) -> None:
        """Make every sleeper and waiter look at its condition again."""

    def call_later(
        self, seconds: float, callback: Callable[[], None], loop: asyncio.AbstractEventLoop
    ) -> Timer:
        """Call `callback` on `loop` after `seconds` of motion time."""

    def freeze(self) -> Callable[[], None]:
        """Keep a virtual clock from jumping until the returned function is called.

        For what has to reach a motion before it goes on, such as a stop. That function may
        be called more than once.
        """

    def moving(self) -> AbstractContextManager[None]:
        """For a thread that carries out motions: only inside may it call `sleep`.

        A thread that is inside already may enter again.
        """
