"""What comes for one goal, one call or one topic, handed from the loop of the bridge to the thread
that waits for it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from robotq.drivers.base import UncertainOutcome
from robotq.drivers.rosbridge.messages import Feedback, Incoming

_WAITING = 256
"""Messages that wait to be followed; of more, the oldest feedback is left out."""


class Closes(Protocol):
    """What an exchange goes over."""

    def close(self) -> None: ...


class Exchange:
    """From the message that begins it to the one that ends it."""

    def __init__(self) -> None:
        self._came: deque[Incoming] = deque()
        self._broken: UncertainOutcome | None = None
        self._changed = threading.Condition()

    def put(self, incoming: Incoming) -> None:
        with self._changed:
            if len(self._came) >= _WAITING:
                oldest = next((one for one in self._came if isinstance(one, Feedback)), None)
                self._came.remove(oldest) if oldest is not None else self._came.popleft()
            self._came.append(incoming)
            self._changed.notify_all()

    def breaks(self, error: UncertainOutcome) -> None:
        """Nothing more will come; the first reason counts."""
        with self._changed:
            self._broken = self._broken or error
            self._changed.notify_all()

    def wake(self) -> None:
        """Have whoever waits look again at what they were told besides."""
        with self._changed:
            self._changed.notify_all()

    def take(self, seconds: float, given_up: Callable[[], bool] = lambda: False) -> Incoming | None:
        """The next message; None where there is none within `seconds`, or `given_up` says so
        after a `wake`. Raises UncertainOutcome where there will be none; what came before that
        is not lost."""
        with self._changed:
            self._changed.wait_for(
                lambda: bool(self._came) or self._broken is not None or given_up(), seconds
            )
            if self._came:
                return self._came.popleft()
            if self._broken is not None:
                raise self._broken
            return None
