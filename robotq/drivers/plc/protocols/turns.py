"""One exchange after another on what can carry only one; a stop goes before all that wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken = False
        self._firsts = 0
        """How many stops wait."""

    @contextmanager
    def turn(self, *, first: bool = False) -> Iterator[None]:
        """Waits for the exchange that is on its way, and, if it is not `first`, for those that
        are."""
        with self._changed:
            self._firsts += first
            try:
                self._changed.wait_for(lambda: not self._taken and (first or not self._firsts))
            finally:
                self._firsts -= first
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()
