"""What a thread waits with, by a clock that may be swift."""

from __future__ import annotations

import os
import queue
import select
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.swift.clock import Clock, Wait

_LOOK_S = 0.005
"""A wait that cannot be woken looks so often whether it is over."""

# as they are before they are taken over
_sleep = time.sleep
_select = select.select
_poll = select.poll
_wait = threading.Condition.wait
_join = threading.Thread.join
_time_ns = time.time_ns


class _Gate:
    """A lock that somebody waits for, and that is opened in its time as well."""

    def __init__(self, clock: Clock, lock: Any) -> None:
        self._clock = clock
        self._lock = lock
        self._over = False

    def pass_(self, seconds: float) -> bool:
        """Whether somebody else has opened it in time."""
        wait = self._clock.add(seconds, self._open)
        try:
            while not (passed := self._lock.acquire(True, self._clock.left(wait))):
                if not self._clock.left(wait):
                    break
        finally:
            self._clock.drop(wait)
        return passed and not self._over

    def _open(self) -> None:
        try:
            self._lock.release()
        except RuntimeError:
            return  # somebody else was quicker
        self._over = True


def take_over(clock: Clock) -> None:
    """For the whole process, and for good. While the clock is not swift nothing is another."""
    time.monotonic = clock.now
    time.monotonic_ns = lambda: int(clock.now() * 1e9)
    time.time = clock.of_day
    time.time_ns = lambda: int(clock.of_day() * 1e9) if clock.swift else _time_ns()
    time.sleep = _sleeping(clock)  # type: ignore[assignment]
    # they have a name of their own for it
    threading._time = queue.time = socketserver.time = subprocess._time = clock.now  # type: ignore[attr-defined]
    threading.Condition.wait = _waiting(clock)  # type: ignore[assignment,method-assign]
    threading.Thread.join = _joining(clock)  # type: ignore[assignment,method-assign]
    select.select = _selecting(clock)
    subprocess.Popen.__init__ = _starting(clock)  # type: ignore[method-assign]
    select.poll = lambda: _Poll(clock)  # type: ignore[assignment,misc,return-value]


def _starting(clock: Clock) -> Callable[..., None]:
    start = subprocess.Popen.__init__

    def started(self: Any, *how: Any, **more: Any) -> None:
        clock.by_the_wall()
        start(self, *how, **more)

    return started


def _sleeping(clock: Clock) -> Callable[[float], None]:
    def sleep(seconds: float, /) -> None:
        if not clock.swift or seconds <= 0:
            _sleep(seconds)
            return
        lock = threading.Lock()
        lock.acquire()
        _Gate(clock, lock).pass_(seconds)

    return sleep


def _waiting(clock: Clock) -> Callable[[threading.Condition, float | None], bool]:
    def wait(self: Any, timeout: float | None = None) -> bool:
        if not clock.swift or timeout is None or timeout <= 0:
            return _wait(self, timeout)
        if not self._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        waiter = threading.Lock()
        waiter.acquire()
        self._waiters.append(waiter)
        saved = self._release_save()
        came = False
        try:
            came = _Gate(clock, waiter).pass_(timeout)
        finally:
            self._acquire_restore(saved)
            if not came and waiter in self._waiters:
                self._waiters.remove(waiter)
        return came

    return wait


def _joining(clock: Clock) -> Callable[[threading.Thread, float | None], None]:
    def join(self: threading.Thread, timeout: float | None = None) -> None:
        if not clock.swift or timeout is None or timeout <= 0:
            _join(self, timeout)
            return
        wait = clock.add(timeout, _nothing)
        try:
            while left := clock.left(wait):
                _join(self, min(left, _LOOK_S))
                if not self.is_alive():
                    return
        finally:
            clock.drop(wait)

    return join


def _nothing() -> None:
    """It looks for itself."""


def _selecting(clock: Clock) -> Callable[..., tuple[list[Any], list[Any], list[Any]]]:
    def selected(
        read: Sequence[Any],
        write: Sequence[Any],
        other: Sequence[Any],
        timeout: float | None = None,
        /,
    ) -> tuple[list[Any], list[Any], list[Any]]:
        if not clock.swift or timeout is None or timeout <= 0:
            return _select(read, write, other, timeout)
        with _bell(clock, timeout) as (bell, wait):
            while True:
                found = _select([*read, bell], write, other, clock.left(wait))
                ready = [each for each in found[0] if each is not bell]
                if ready or found[1] or found[2] or not clock.left(wait):
                    return ready, found[1], found[2]

    return selected


class _Poll:
    """As much of the system's as is used here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._poll = _poll()
        self.register = self._poll.register
        self.modify = self._poll.modify
        self.unregister = self._poll.unregister

    def poll(self, timeout_ms: float | None = None, /) -> list[tuple[int, int]]:
        if not self._clock.swift or timeout_ms is None or timeout_ms <= 0:
            return self._poll.poll(timeout_ms)
        with _bell(self._clock, timeout_ms / 1000) as (bell, wait):
            self._poll.register(bell, select.POLLIN)
            try:
                while True:
                    found = self._poll.poll(self._clock.left(wait) * 1000)
                    ready = [each for each in found if each[0] != bell]
                    if ready or not self._clock.left(wait):
                        return ready
            finally:
                self._poll.unregister(bell)


@contextmanager
def _bell(clock: Clock, seconds: float) -> Iterator[tuple[int, Wait]]:
    """Something to read when the time is over."""
    bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    wait = clock.add(seconds, lambda: os.eventfd_write(bell, 1))
    try:
        yield bell, wait
    finally:
        clock.drop(wait)
        os.close(bell)
