"""Who reads from a port: the reader thread, or for a time a thread that sends and wants to take the
answers by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from robotq.drivers.transport.port import Port

_LOOK_IN_S = 0.05
"""How often the reader thread looks in while another thread reads by itself."""


class WhoseTurn:
    """At most one thread reads at a time, and what it has read is dealt with before another one
    reads."""

    def __init__(self) -> None:
        self.reading = threading.RLock()
        """Held by whoever takes bytes from the port, until what they say is dealt with."""
        self._here: int | None = None
        """The thread that reads by itself."""
        self._given_back = threading.Event()

    @contextmanager
    def given_to_this_thread(self) -> Iterator[None]:
        """For one thread at a time. Whoever reads already is to be woken."""
        self._given_back.clear()
        self._here = threading.get_ident()
        try:
            yield
        finally:
            self._here = None
            self._given_back.set()

    @property
    def is_given(self) -> bool:
        """A thread reads by itself."""
        return self._here is not None

    @property
    def is_given_to_this_thread(self) -> bool:
        return self._here == threading.get_ident()

    @contextmanager
    def looking_in(self, port: Port) -> Iterator[bool]:
        """Inside, the reader thread reads: now and then, if another thread reads by itself. False
        where that one does so at this moment, and needs no help."""
        given = port.by_turns and self.is_given
        if given:
            self._given_back.wait(_LOOK_IN_S)
        with self._held(self.reading.acquire(blocking=not given)) as ours:
            yield ours

    @contextmanager
    def nobody_reads(self, at_most_s: float) -> Iterator[None]:
        """Inside, unless somebody takes longer than that to come to an end."""
        with self._held(self.reading.acquire(timeout=at_most_s)):
            yield

    @contextmanager
    def _held(self, ours: bool) -> Iterator[bool]:
        try:
            yield ours
        finally:
            if ours:
                self.reading.release()
