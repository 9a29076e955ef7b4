"""One command on the device: what its driver reports, kept as one state of the whole."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from robotq.drivers.base import DriverError, Stopped, Withdrawn
from robotq.drivers.jsonline import messages
from robotq.model.clock import MotionClock
from robotq.model.json import JsonObject
from robotq.steps import Program

_PROGRESS_S = 0.05
"""Seconds between two reports where only the progress has changed."""


class DeviceCommand:
    """A command and how it stands; the context that its driver gets."""

    def __init__(
        self,
        id_: str,
        task_id: str,
        attempt: int,
        *,
        clock: MotionClock,
        changed: Callable[[DeviceCommand], None],
    ) -> None:
        """`changed` sends a report; it is called on the thread of whoever changed something."""
        self.id = id_
        self._task_id = task_id
        self._attempt = attempt
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()
        self._told: dict[str, Any] = {}
        self._end: dict[str, Any] | None = None
        self._steps = 0
        self._progress_at = 0.0
        self._questions = 0
        self._answer: dict[str, Any] | None = None
        self._withdrawn = False
        self.stopping = False

    @property
    def task_id(self) -> str:
        return self._task_id

    @property
    def attempt(self) -> int:
        return self._attempt

    @property
    def program(self) -> Program | None:
        """None: what a command means is the device's own affair."""
        return None

    @property
    def over(self) -> bool:
        return self._end is not None

    def report(self) -> dict[str, Any]:
        """All that is to be told about it now."""
        with self._lock:
            if self._end is not None:
                return {"id": self.id, **self._end}
            return {"id": self.id, "state": messages.RUNNING, **self._told}

    def needs(self, first: int, count: int) -> None:
        """The device waits for these lines of a long parameter; `count` 0: for no more."""
        self._tell(need={"from": first, "count": count} if count else None)

    def ended(self, state: str, **fields: Any) -> None:
        """Its last report."""
        with self._lock:
            place = {"place": self._told["place"]} if "place" in self._told else {}
            self._end = {"state": state, **place, **fields}
        self._changed(self)

    def answer(self, n: int, answer: dict[str, Any]) -> bool:
        """Take the answer to a question. False where it is not asked any more."""
        with self._lock:
            if n != self._questions or "ask" not in self._told:
                return False
            self._answer = answer
        self._clock.notify()
        return True

    # -- what the driver tells -----------------------------------------------------------------

    @contextmanager
    def step(self, name: str, **detail: Any) -> Iterator[None]:
        with self._lock:
            self._steps += 1
            before = self._told.get("step")
            step = {"n": self._steps, "name": name, "detail": detail}
        self._tell(step=step)
        yield
        # not where it raises: the last report of the command then ends the step too
        self._tell(step=before)

    def progress(self, fraction: float) -> None:
        now = time.monotonic()
        with self._lock:
            self._told["progress"] = fraction
            silent = now - self._progress_at < _PROGRESS_S
        if not silent:
            self._progress_at = now
            self._changed(self)

    def partial(self, **result: Any) -> None:
        self._tell(partial=result)

    def artifact(self, name: str, media_type: str, data: bytes, *, needed: bool = False) -> str:  # noqa: ARG002 - as the protocol has it
        """A line has no place for a file, so nothing is kept."""
        if needed:
            raise DriverError("reason.artifact_no_way", code="artifact_not_kept", name=name)
        return name

    def moved_to(self, place: str | None) -> None:
        with self._lock:
            self._told["place"] = place
        self._changed(self)

    def ask(
        self,
        prompt: str,
        schema: JsonObject,
        timeout_s: float,
        *,
        answered_by: str | None = None,
        **args: Any,
    ) -> JsonObject:
        with self._lock:
            self._questions += 1
            self._answer, self._withdrawn = None, False
            question = {
                "n": self._questions,
                "prompt": prompt,
                "schema": schema,
                "timeout_s": timeout_s,
                "answered_by": answered_by,
                "args": args,
            }
        self._tell(ask=question)
        # the host ends the question in time; this is for a host that has gone
        self._clock.wait_outside(
            lambda: self._answer is not None or self.stopping or self._withdrawn, 2 * timeout_s
        )
        self._tell(ask=None)
        answer = self._given()
        if isinstance(answer.get("value"), dict):
            return dict(answer["value"])
        if "refused" in answer:
            raise ValueError(str(answer["refused"]))
        if self._withdrawn:
            raise Withdrawn
        if self.stopping:
            raise Stopped
        raise DriverError("nobody answered", code="answer_timeout")

    def withdraw(self) -> None:
        self._withdrawn = True
        self._clock.notify()

    def run_id(self, run_id: str, **_: Any) -> None:
        """What the driver calls it: the host knows it by the id of its request."""

    def _given(self) -> dict[str, Any]:
        with self._lock:
            return self._answer or {}

    def _tell(self, **changes: Any) -> None:
        with self._lock:
            self._told.update(changes)
            for key, value in changes.items():
                if value is None:
                    del self._told[key]
        self._changed(self)
