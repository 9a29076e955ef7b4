"""When a request is sent again, how an answer is judged, and what a wait shows. No I/O."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from robotq.client.errors import NotRobotq, Refused, Unreachable
from robotq.client.request import Call, Repeat
from robotq.client.shapes import NotFinished, Task

_T = TypeVar("_T")

CONNECT_S = 5.0
"""Wall seconds that a connection may take."""

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_WAIT_S = 20.0
"""Wall seconds that one request waits at the daemon for the end of a task."""

_PASSING = frozenset({"shutting_down", "store_unavailable", "too_many_requests"})
"""Refusals that a little later need not be one."""
_GATEWAY = frozenset({502, 503, 504})
"""What a proxy answers when the daemon behind it does not."""

Progress = Callable[[Task], object]
"""Is called with a task each time that something about it has changed."""


class Lost(Exception):
    """A request got no answer."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent
        """It may have reached the daemon."""


class Trying:
    """The attempts of one call."""

    def __init__(self, call: Call[object], url: str, retry_s: float) -> None:
        self._call = call
        self._url = url
        self._pause_s = _FIRST_PAUSE_S
        self._retry_s = retry_s
        self._until: float | None = None
        """Of the monotonic clock; counts from the first attempt that came to nothing, so that a
        stop whose answer was long in coming, and was lost, is sent again all the same."""
        self.maybe_done = False
        """An attempt may have been carried out."""

    def pause_s(self, problem: Lost | Refused) -> float:
        """Wall seconds until the next attempt. Raises Unreachable, or the refusal, where there
        is none."""
        if isinstance(problem, Lost):
            self.maybe_done |= problem.sent
        elif problem.code not in _PASSING:
            raise problem
        now = time.monotonic()
        if self._until is None:
            self._until = now + self._retry_s
        left_s = self._until - now
        unsafe = self._call.repeat is Repeat.UNSENT and (
            isinstance(problem, Refused) or problem.sent
        )
        if unsafe or left_s <= 0:
            if isinstance(problem, Refused):
                raise problem
            raise self.given_up(str(problem)) from problem
        pause_s = min(self._pause_s * random.uniform(0.5, 1.5), left_s)  # noqa: S311 - no secret
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        return pause_s

    def given_up(self, reason: str) -> Unreachable:
        request = f"{self._call.method} {self._url}{self._call.path}"
        what = "it may have been carried out" if self.maybe_done else "it did not reach the daemon"
        return Unreachable(
            f"no answer to {request} ({reason}); {what}",
            maybe_done=self.maybe_done and self._call.method != "GET",
            idempotency_key=self._call.headers.get("Idempotency-Key"),
        )

    @property
    def asks_for_kind(self) -> bool:
        """Before the next attempt, find out that the command is one that is queued: only those
        count once whatever their key."""
        return self.maybe_done and self._call.repeat is Repeat.QUEUED


def read_answer(call: Call[_T], status: int, content: bytes, *, repeated: bool) -> _T:
    """What the daemon says. Raises Refused, Lost where a proxy answers in its place, NotRobotq."""
    try:
        answer = json.loads(content)
    except ValueError:
        if status in _GATEWAY:
            raise Lost(f"HTTP {status} from a proxy", sent=True) from None
        raise NotRobotq(f"HTTP {status} without JSON; is there another program?") from None
    if status >= 400 and not (call.path == "/health" and "status" in answer):
        if not isinstance(answer, dict):
            raise NotRobotq(f"HTTP {status}: {answer!r:.200}")
        raise Refused(status, answer, repeated=repeated)
    try:
        return call.read(answer)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise NotRobotq(f"HTTP {status} is not what robotq answers: {error}") from error


class Watching:
    """A wait for the end of a task."""

    def __init__(
        self, timeout_s: float | None, progress: Progress | None, interval_s: float
    ) -> None:
        self._timeout_s = timeout_s
        self._until = None if timeout_s is None else time.monotonic() + timeout_s
        self._progress = progress
        self._look_s = _WAIT_S if progress is None else interval_s
        self._shown: object = None

    @property
    def wait_s(self) -> float:
        """How long the next request is to wait at the daemon."""
        if self._until is None:
            return self._look_s
        return max(min(self._look_s, self._until - time.monotonic()), 0.001)

    def seen(self, task: Task) -> bool:
        """Show what is new. True where it has ended. Raises NotFinished."""
        shown = _of_interest(task)
        if self._progress is not None and shown != self._shown:
            self._progress(task)
        self._shown = shown
        if task.ended:
            return True
        if self._timeout_s is not None and self.wait_s <= 0.001:
            raise NotFinished(task, self._timeout_s)
        return False


_PASSING_FIELDS = frozenset({"remaining_s", "starts_in_s", "eta", "eta_ms"})


def _of_interest(task: Task) -> Mapping[str, Any]:
    """Without what changes with every second."""
    return {key: value for key, value in task.raw.items() if key not in _PASSING_FIELDS}
