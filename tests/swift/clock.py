"""The clock: by the wall until somebody lets it be swift."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.swift.threads import Echo, Threads

BY_THE_WALL = "TESTS_BY_THE_WALL"
"""A variable of the environment: no clock is swift."""
_LOOK_S = 0.0002
"""How often is looked whether everybody waits."""
_LOOK_AGAIN_S = 0.002
"""The same where somebody is at work for longer."""
_WORKED_S = 0.00005
"""Who has used so much of the processor may not have come to his end."""
_JUMP_S = 0.05
"""A longer wait ends in several jumps: what only then begins to happen, happens in time."""

# as they are before `tests.swift.waits` takes them over
_sleep = time.sleep
_wall = time.monotonic
_of_day = time.time


@dataclass(eq=False, slots=True)
class Wait:
    """Somebody wants to go on at a moment."""

    until: float
    wake: Callable[[], None]
    """Called from another thread, at the moment or later, perhaps more than once."""


class Clock:
    """`now` never goes back, whichever way it goes on."""

    def __init__(self) -> None:
        self.swift = False
        self.wanted = False
        """It is swift where that is possible."""
        self.possible = Threads.known() and not os.environ.get(BY_THE_WALL)
        """Whether this system tells what the threads of a process do."""
        self._lock = threading.Lock()
        self._waits: set[Wait] = set()
        self._time: tuple[Callable[[], float], float] = (_wall, 0.0)
        """What counts the seconds, and what they are added to."""
        self._of_day = 0.0
        """How far the time of day was ahead when the clock began to be swift."""
        self._begun = threading.Semaphore(0)
        self._thread: threading.Thread | None = None

    def now(self) -> float:
        """Seconds, like `time.monotonic`."""
        counter, more = self._time
        return counter() + more

    def of_day(self) -> float:
        """Like `time.time`; while it is swift, it goes on with `now`, and nobody sets it."""
        return self.now() + self._of_day if self.swift else _of_day()

    @contextmanager
    def hurry(self) -> Iterator[None]:
        """Swift inside the block, where that is possible."""
        self.wanted = True
        try:
            if self.possible:
                with self._hurried():
                    yield
            else:
                yield
        finally:
            self.wanted = False

    @contextmanager
    def _hurried(self) -> Iterator[None]:
        if self._thread is None:
            self._thread = threading.Thread(target=self._go_on, name="swift", daemon=True)
            self._thread.start()
        now = self.now()
        self._of_day = _of_day() - now
        self._time = (time.process_time, now - time.process_time())
        self.swift = True
        self._begun.release()
        try:
            yield
        finally:
            self.by_the_wall()

    def by_the_wall(self) -> None:
        """Be swift no more in this block: there is another process now, which waits by the wall."""
        if self.swift:
            self.swift = False
            self._time = (_wall, self.now() - _wall())

    def add(self, seconds: float, wake: Callable[[], None]) -> Wait:
        """Somebody is about to wait; `drop` it when the wait is over."""
        wait = Wait(self.now() + seconds, wake)
        with self._lock:
            self._waits.add(wait)
        return wait

    def drop(self, wait: Wait) -> None:
        with self._lock:
            self._waits.discard(wait)

    def left(self, wait: Wait) -> float:
        """Seconds of its time."""
        return max(0.0, wait.until - self.now())

    # -- the thread ----------------------------------------------------------------------------

    def _go_on(self) -> None:
        threads, echo = Threads(), Echo()
        while True:
            self._begun.acquire()
            pause_s, before_s = _LOOK_S, 0.0
            while self.swift:
                _sleep(pause_s)
                used_s = time.process_time() - time.thread_time()
                worked, before_s = used_s - before_s > _WORKED_S, used_s
                # on a busy machine, somebody who is about to run is all that has to be known
                if not worked and threads.asleep():
                    turns = threads.turns()
                    # what was sent over a pseudo-terminal, and has not arrived, has arrived then
                    echo.wait()
                    if turns == threads.turns() and threads.asleep():
                        self._jump()
                        pause_s = _LOOK_S
                        continue
                pause_s = min(2 * pause_s, _LOOK_AGAIN_S)

    def _jump(self) -> None:
        with self._lock:
            if not self.swift or not self._waits:
                return
            first = min(wait.until for wait in self._waits)
            left = first - self.now()
            if left > 0:
                counter, more = self._time
                self._time = (counter, more + min(left, _JUMP_S))
            # whoever was woken before, and has yet to go on, goes on first
            now = self.now()
            for wait in self._waits:
                if wait.until <= now:
                    wait.wake()
