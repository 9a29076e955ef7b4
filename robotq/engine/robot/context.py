"""What a running command has in its hands: `drivers.base.CommandContext`, made real."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jsonschema_rs

from robotq.drivers.base import DriverError, Stopped, UncertainOutcome, Withdrawn
from robotq.engine.queue.step_recorder import Recorder
from robotq.engine.robot.naming import Naming
from robotq.model.clock import MotionClock, WallClock
from robotq.model.errors import RobotqError
from robotq.model.json import JsonObject
from robotq.model.json.safe import plain, plain_in_slices, plain_text
from robotq.model.task import Question, Task
from robotq.steps import Program

_log = logging.getLogger(__name__)


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
        program: Program | None = None,
        naming: Naming | None = None,
    ) -> None:
        """`asking` is called on the loop with the open question, and with None at its end.
        `naming`: takes the id of the run, where the driver can ask by it."""
        self._task = task
        self.program = program
        self._recorder = recorder
        self._motion = motion
        self._clock = clock
        self._loop = loop
        self._asking = asking
        self._naming = naming
        self._steps = 0
        self._progress = 0.0
        self._progress_posted = False
        self._question: PendingAnswer | None = None
        self._gate = threading.Lock()
        """Held while a stop is handed to the driver."""
        self._rests = False
        self.stopping = False
        """Set when the command is to stop: a question is not waited for any longer."""

    def unless_stopping(self) -> None:
        """Raises Stopped as soon as the command is to stop: for what comes before it begins."""
        if self.stopping:
            raise Stopped

    def at_rest(self) -> None:
        with self._gate:
            self._rests = True

    def stop_anew(self) -> None:
        """Somebody stops it once more, what it does after the first stop too."""
        self._rests = False

    def unless_at_rest(self, stop: Callable[[], None]) -> None:
        """Hand a stop over, unless the robot has come to rest by it already. On a thread."""
        with self._gate:
            if not self._rests:
                stop()

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
        at_ms = self._clock.now_ms()
        self._post(self._recorder.step_started, index, plain_text(name), plain(detail), at_ms)
        completed = seen = False
        try:
            yield
            completed = True
        except UncertainOutcome:
            # it may go on unseen, and be followed again
            seen = self._naming is None or self._naming.run is None
            raise
        except BaseException:
            seen = True
            raise
        finally:
            if completed or seen:
                duration_s = self._motion.now() - started
                self._post(
                    self._recorder.step_ended, index, completed, duration_s, self._clock.now_ms()
                )

    def progress(self, fraction: float) -> None:
        self._progress = fraction
        # a driver that reports faster than the loop listens costs one callback, not thousands
        if not self._progress_posted:
            self._progress_posted = True
            self._post(self._take_progress)

    def _take_progress(self) -> None:
        # in this order: what is reported from here on is posted again
        self._progress_posted = False
        self._recorder.progressed(self._progress)

    def partial(self, **result: Any) -> None:
        # on the thread of the driver, as with a result: it may be large
        self._post(self._recorder.found, plain_in_slices(result))

    def artifact(self, name: str, media_type: str, data: bytes, *, needed: bool = False) -> str:
        return self._recorder.keep(name, media_type, data, needed=needed)

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
            prompt=plain_text(prompt),
            args=plain(args),
            schema=plain(schema),
            answered_by=answered_by,
            asked_at_ms=now_ms,
            deadline_ms=now_ms + int(timeout_s * 1000),
        )
        pending = self._question = PendingAnswer(question, self._motion)
        self._post(self._open, pending)
        try:
            self._motion.wait_outside(
                lambda: pending.given or self.stopping or pending.withdrawn, timeout_s
            )
            value = pending.take()
        finally:
            self._question = None
            self._post(self._close)
        if value is not None:
            return value
        if pending.withdrawn:
            raise Withdrawn
        if self.stopping:
            raise Stopped
        raise DriverError(
            "nobody answered", code="answer_timeout", timeout_s=timeout_s, prompt=prompt, **args
        )

    def withdraw(self) -> None:
        pending = self._question
        if pending is not None:
            pending.withdrawn = True
            self._motion.notify()

    def run_id(
        self,
        run_id: str,
        *,
        boot: str = "",
        begun: bool = False,
        details: JsonObject | None = None,
    ) -> None:
        naming = self._naming
        if naming is None:
            return
        try:
            named = naming.take(run_id, boot, details)
        except ValueError as error:
            if begun:
                # it moves already, and goes on: only after a crash nobody can ask for it
                _log.warning("the id of the run is not kept: %s", error)
                return
            # nothing was sent
            raise DriverError(str(error)) from error
        self._post(naming.write, named)
        if begun:
            return
        self._motion.wait_outside(lambda: named.written.done() or self.stopping)
        if self.stopping:
            raise Stopped
        named.written.result()

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
    """An open question. It is answered at most once, or not at all."""

    def __init__(self, question: Question, motion: MotionClock) -> None:
        self.question = question
        self.being_answered = False
        """An answer is being written to the journal; a second one comes too late."""
        self.withdrawn = False
        """The driver needs no answer any more."""
        self._motion = motion
        self._validator = jsonschema_rs.validator_for(dict(question.schema))
        self._deciding = threading.Lock()
        self._value: JsonObject | None = None
        self._over = False

    @property
    def open(self) -> bool:
        """Nobody has answered, nor is about to."""
        return not self.being_answered and not self.given

    @property
    def given(self) -> bool:
        return self._value is not None

    def check(self, value: Any) -> None:
        """Raises RobotqError bad_parameter for an answer that does not meet the schema."""
        if not isinstance(value, dict):
            raise RobotqError("bad_parameter", field="input", reason="expected a JSON object")
        fault = next(iter(self._validator.iter_errors(value)), None)
        if fault is not None:
            path = ".".join(["input", *(str(part) for part in fault.instance_path)])
            raise RobotqError("bad_parameter", field=path, reason=fault.message)

    def give(self, value: JsonObject) -> bool:
        """Let the command go on with this answer. False where it does not wait any more."""
        with self._deciding:
            if self._over or self.given:
                return False
            self._value = value
        self._motion.notify()
        return True

    def take(self) -> JsonObject | None:
        """The answer, or None; from now on none is taken. Called on the driver's thread."""
        with self._deciding:
            self._over = True
            return self._value
