"""What a running command has in its hands: `drivers.base.CommandContext`, made real."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from robotq.drivers.base import DriverError, Stopped
from robotq.engine.recorder import Recorder
from robotq.model.clock import MotionClock, WallClock
from robotq.model.json import JsonObject
from robotq.model.task import Question, Task


class RunContext:
    """One run of one task. Its public methods are called on the driver's thread.

    Reports are handed to the loop and never wait for it; only `ask` waits, for an answer.
    """

    def __init__(
        self,
        task: Task,
        recorder: Recorder,
        *,
        motion: MotionClock,
        clock: WallClock,
        loop: asyncio.AbstractEventLoop,
        asking: Callable[[PendingAnswer | None], None],
    ) -> None:
        """`asking` is called on the loop with the open question, and with None at its end."""
        self._task = task
        self._recorder = recorder
        self._motion = motion
        self._clock = clock
        self._loop = loop
        self._asking = asking
        self._steps = 0
        self._latest: float | None = None
        self.stopping = False
        """Set when the command is to stop: a question is not waited for any longer."""

    @property
    def task_id(self) -> str:
        return self._task.id

    @property
    def attempt(self) -> int:
        return self._task.attempt

    @contextmanager
    def step(self, name: str, **detail: Any) -> Iterator[None]:
        index, self._steps = self._steps, self._steps + 1
        started = self._motion.now()
        self._post(self._recorder.step_started, index, name, detail, self._clock.now_ms())
        completed = False
        try:
            yield
            completed = True
        finally:
            duration_s = self._motion.now() - started
            self._post(
                self._recorder.step_ended, index, completed, duration_s, self._clock.now_ms()
            )

    def progress(self, fraction: float) -> None:
        waiting, self._latest = self._latest is not None, fraction
        # a driver that reports faster than the loop listens costs one callback, not thousands
        if not waiting:
            self._post(self._take_progress)

    def _take_progress(self) -> None:
        fraction, self._latest = self._latest, None
        if fraction is not None:
            self._recorder.progressed(fraction)

    def partial(self, **result: Any) -> None:
        self._post(self._recorder.found, result)

    def moved_to(self, place: str | None) -> None:
        self._post(self._recorder.moved, place)

    def ask(
        self,
        prompt: str,
        schema: JsonObject,
        timeout_s: float,
        *,
        answered_by: str | None = None,
        **args: Any,
    ) -> JsonObject:
        now_ms = self._clock.now_ms()
        question = Question(
            prompt=prompt,
            args=args,
            schema=schema,
            answered_by=answered_by,
            asked_at_ms=now_ms,
            deadline_ms=now_ms + int(timeout_s * 1000),
        )
        pending = PendingAnswer(question, self._motion)
        deadline = time.monotonic() + timeout_s
        self._post(self._open, pending)
        try:
            self._motion.wait_outside(
                lambda: pending.value is not None or self.stopping,
                max(0.0, deadline - time.monotonic()),
            )
        finally:
            self._post(self._close)
        if pending.value is not None:
            return pending.value
        if self.stopping:
            raise Stopped
        raise DriverError(
            "nobody answered", code="answer_timeout", timeout_s=timeout_s, prompt=prompt, **args
        )

    def _open(self, pending: PendingAnswer) -> None:
        self._recorder.asked(pending.question)
        self._asking(pending)

    def _close(self) -> None:
        self._asking(None)
        self._recorder.asking_ended()

    def _post(self, call: Callable[..., None], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:
            # the loop has ended; a driver that comes back this late has nobody to report to
            return


class PendingAnswer:
    """An open question. Answered at most once, on the loop."""

    def __init__(self, question: Question, motion: MotionClock) -> None:
        self.question = question
        self.value: JsonObject | None = None
        self.taken = False
        """An answer is being written to the journal; a second one comes too late."""
        self._motion = motion

    def give(self, value: JsonObject) -> None:
        self.value = value
        self._motion.notify()
