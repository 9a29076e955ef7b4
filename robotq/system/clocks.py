"""The clocks of `robotq.model.clock`, as they run: that of the machine, and two of motion."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from robotq.model.clock import Timer


class SystemClock:
    """The wall clock of this machine."""

    def __init__(self) -> None:
        self._steady_from_ns = time.time_ns() - time.monotonic_ns()

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def steady_ms(self) -> int:
        return (self._steady_from_ns + time.monotonic_ns()) // 1_000_000


class ScaledClock:
    """Motion time as a fixed multiple of wall time: `scale` wall seconds are one of motion.

    1 is real time, 0.05 twenty times faster.
    """

    def __init__(self, scale: float = 1.0) -> None:
        if scale <= 0:
            raise ValueError("a scaled clock needs a scale above 0; 0 is the VirtualClock")
        self._scale = scale
        self._changed = threading.Condition()

    def now(self) -> float:
        return time.monotonic() / self._scale

    def sleep(self, seconds: float, interrupted: Callable[[], bool]) -> bool:
        # a longer wait overflows; nothing simulated lasts 292 years
        wall_s = min(max(0.0, seconds) * self._scale, threading.TIMEOUT_MAX)
        with self._changed:
            return not self._changed.wait_for(interrupted, wall_s)

    def wait_outside(self, ready: Callable[[], bool], timeout_s: float | None = None) -> bool:
        with self._changed:
            return self._changed.wait_for(ready, timeout_s)

    def notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def call_later(
        self, seconds: float, callback: Callable[[], None], loop: asyncio.AbstractEventLoop
    ) -> Timer:
        return loop.call_later(seconds * self._scale, callback)

    def freeze(self) -> Callable[[], None]:
        return lambda: None

    @contextmanager
    def moving(self) -> Iterator[None]:
        yield


class _Wake:
    """A moment at which a sleeping thread or a timer wants to go on."""

    __slots__ = ("at", "order")

    def __init__(self, at: float, order: int) -> None:
        self.at = at
        self.order = order

    def __lt__(self, other: _Wake) -> bool:
        return (self.at, self.order) < (other.at, other.order)


class _Sleeper(_Wake):
    __slots__ = ("interrupted",)

    def __init__(self, at: float, order: int, interrupted: Callable[[], bool]) -> None:
        super().__init__(at, order)
        self.interrupted = interrupted


class _Timer(_Wake):
    __slots__ = ("_clock", "callback", "loop")

    def __init__(
        self,
        at: float,
        order: int,
        callback: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
        clock: VirtualClock,
    ) -> None:
        super().__init__(at, order)
        self.callback: Callable[[], None] | None = callback
        self.loop = loop
        self._clock = clock

    def cancel(self) -> None:
        self.callback = None
        self._clock.forget(self)


class VirtualClock:
    """Motion time that jumps to the next event as soon as every moving thread sleeps.

    It never jumps while a thread is in `wait_outside`, so a simulated motion does not run
    ahead of a person's answer; nor while a timer that is due has not been called, nor past
    a sleeper that has been interrupted and has yet to go on.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._now = 0.0
        self._moving: dict[int, int] = {}
        """Ident of each moving thread -> how often it has entered `moving`."""
        self._outside = 0
        self._asleep: set[_Sleeper] = set()
        self._wakes: list[_Wake] = []
        """Heap of the sleepers and the timers that are not due."""
        self._due: set[_Timer] = set()
        """Timers handed to their loops and not called yet."""
        self._order = itertools.count()

    def now(self) -> float:
        with self._changed:
            return self._now

    def sleep(self, seconds: float, interrupted: Callable[[], bool]) -> bool:
        with self._changed:
            if threading.get_ident() not in self._moving:
                raise RuntimeError("sleep is only for threads inside `moving()`")
            wake = _Sleeper(self._now + max(0.0, seconds), next(self._order), interrupted)
            heapq.heappush(self._wakes, wake)
            self._asleep.add(wake)
            try:
                self._jump()
                self._changed.wait_for(lambda: wake not in self._asleep or interrupted())
                return not interrupted()
            finally:
                self._asleep.discard(wake)
                self.forget(wake)

    def wait_outside(self, ready: Callable[[], bool], timeout_s: float | None = None) -> bool:
        with self._changed:
            self._outside += 1
            try:
                return self._changed.wait_for(ready, timeout_s)
            finally:
                self._outside -= 1
                self._jump()

    def notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
            # an interruption may have been taken back before its sleeper saw it
            self._jump()

    def call_later(
        self, seconds: float, callback: Callable[[], None], loop: asyncio.AbstractEventLoop
    ) -> Timer:
        with self._changed:
            timer = _Timer(self._now + max(0.0, seconds), next(self._order), callback, loop, self)
            heapq.heappush(self._wakes, timer)
            self._jump()
            return timer

    def forget(self, wake: _Wake) -> None:
        """Take a moment that is not needed any more out of the heap, if it is still there."""
        with self._changed:
            if wake in self._wakes:
                self._wakes.remove(wake)
                heapq.heapify(self._wakes)

    def freeze(self) -> Callable[[], None]:
        frozen = True
        with self._changed:
            self._outside += 1

        def thaw() -> None:
            nonlocal frozen
            with self._changed:
                if frozen:
                    frozen = False
                    self._outside -= 1
                    self._jump()

        return thaw

    @contextmanager
    def moving(self) -> Iterator[None]:
        thread = threading.get_ident()
        with self._changed:
            self._moving[thread] = self._moving.get(thread, 0) + 1
        try:
            yield
        finally:
            with self._changed:
                self._moving[thread] -= 1
                if not self._moving[thread]:
                    del self._moving[thread]
                self._jump()

    def _jump(self) -> None:
        """Pass to the next event if nobody has anything left to do before it."""
        while self._all_wait() and self._wakes and self._wakes[0].at < math.inf:
            self._now = self._wakes[0].at
            while self._wakes and self._wakes[0].at <= self._now:
                wake = heapq.heappop(self._wakes)
                if isinstance(wake, _Sleeper):
                    self._asleep.discard(wake)
                elif isinstance(wake, _Timer):
                    self._hand_over(wake)
            self._changed.notify_all()

    def _all_wait(self) -> bool:
        # a loop that was closed calls nothing any more
        self._due = {timer for timer in self._due if not timer.loop.is_closed()}
        return (
            not self._outside
            and not self._due
            and 0 < len(self._moving) == len(self._asleep)
            and not any(sleeper.interrupted() for sleeper in self._asleep)
        )

    def _hand_over(self, timer: _Timer) -> None:
        self._due.add(timer)
        try:
            timer.loop.call_soon_threadsafe(self._call, timer)
        except RuntimeError:
            if not timer.loop.is_closed():
                raise
            self._due.discard(timer)

    def _call(self, timer: _Timer) -> None:
        try:
            # looked at on the loop's own thread, so that a cancel after the jump still counts
            if timer.callback is not None:
                timer.callback()
        finally:
            with self._changed:
                self._due.discard(timer)
                self._jump()
