"""Collects what a running command reports, and brings it to the disk without holding it up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from robotq.engine.queue import TaskQueue
from robotq.engine.resources import Resources
from robotq.model.clock import WallClock
from robotq.model.crashpoints import CrashPoint, crash_point
from robotq.model.errors import RobotqError
from robotq.model.event import Event
from robotq.model.task import Question, Step, StepState, Task
from robotq.store.port import Mutation

_MAX_STEPS = 2_000
"""Steps kept with a task; of a command with more, the first ones are."""

_PROGRESS_S = 0.2
"""Wall seconds between two writes where only the progress has changed."""


class Recorder:
    """The reports of one run. Belongs to the loop.

    Reports are written in the background, several in one commit where they come fast. While
    the disk takes no writes they wait here, and go with the end of the command.
    """

    def __init__(
        self,
        task: Task,
        queue: TaskQueue,
        resources: Resources,
        clock: WallClock,
        places: Sequence[str],
    ) -> None:
        self._task = task
        self._queue = queue
        self._resources = resources
        self._clock = clock
        self._places = places
        self._steps: list[Step] = []
        self._progress: float | None = None
        self._partial: dict[str, Any] | None = None
        self._question: Question | None = None
        self._events: list[Event] = []
        self._occupancies: list[Mutation] = []
        self._dirty = False
        self._urgent = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._closed = False

    # -- reports -----------------------------------------------------------------------------

    def step_started(self, index: int, name: str, detail: dict[str, Any], at_ms: int) -> None:
        if index < _MAX_STEPS and not self._closed:
            step = Step(name=name, state=StepState.RUNNING, started_at_ms=at_ms, detail=detail)
            self._steps.append(step)
            self._report("task.step", at_ms, step=name, state="running", **detail)

    def step_ended(self, index: int, completed: bool, duration_s: float, at_ms: int) -> None:
        if index < len(self._steps) and not self._closed:
            state = StepState.COMPLETED if completed else StepState.FAILED
            step = replace(self._steps[index], state=state, duration_s=round(duration_s, 3))
            self._steps[index] = step
            self._report(
                "task.step", at_ms, step=step.name, state=state.value, duration_s=step.duration_s
            )

    def progressed(self, fraction: float) -> None:
        self._progress = min(1.0, max(0.0, fraction))
        self._touch()

    def found(self, partial: dict[str, Any]) -> None:
        self._partial = partial
        self._touch()

    def moved(self, place: str | None) -> None:
        self._occupancies += self._resources.moved(
            self._task.queue, place, self._places, self._clock.now_ms()
        )
        if self._occupancies:
            self._touch(urgent=True)

    def asked(self, question: Question) -> None:
        self._question = question
        self._report(
            "task.question",
            question.asked_at_ms,
            prompt=question.prompt,
            answered_by=question.answered_by,
            **question.args,
        )

    def asking_ended(self) -> None:
        self._question = None
        self._touch(urgent=True)

    # -- writing -----------------------------------------------------------------------------

    async def close(self) -> tuple[dict[str, Any], list[Event]]:
        """End the writing. Returns the last changes and what is not in the journal yet, to go
        into the commit that ends the task."""
        self._closed = True
        if self._writer is not None:
            self._urgent.set()
            await self._writer
        return self._changes(), self._events

    def occupancies(self) -> list[Mutation]:
        """What follows from the last moves and is not written yet."""
        return self._occupancies

    def current_step(self) -> str | None:
        """The step that runs, or that failed last."""
        for step in reversed(self._steps):
            if step.state is not StepState.COMPLETED:
                return step.name
        return None

    def _report(self, kind: str, at_ms: int, **data: Any) -> None:
        task = self._task
        self._events.append(
            Event(
                kind=kind,
                at_ms=at_ms,
                actor="robotq",
                api=task.api,
                robot=task.queue,
                task_id=task.id,
                data=data,
            )
        )
        self._touch(urgent=True)

    def _touch(self, *, urgent: bool = False) -> None:
        if self._closed:
            return
        self._dirty = True
        if urgent:
            self._urgent.set()
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name=f"record {self._task.id}")

    async def _write(self) -> None:
        while self._dirty and not self._closed:
            self._dirty = False
            events, self._events = self._events, []
            occupancies, self._occupancies = self._occupancies, []
            try:
                await self._queue.record(self._task, self._changes(), events, occupancies)
                crash_point(CrashPoint.STEP_RECORDED)
            except RobotqError as error:
                if error.code.name != "store_unavailable":
                    raise
                self._events = events + self._events
                self._occupancies = occupancies + self._occupancies
                self._dirty = True
            self._urgent.clear()
            if self._dirty and not self._events and not self._closed:
                try:
                    async with asyncio.timeout(_PROGRESS_S):
                        await self._urgent.wait()
                except TimeoutError:
                    continue

    def _changes(self) -> dict[str, Any]:
        return {
            "steps": tuple(self._steps),
            "progress": self._progress,
            "partial": self._partial,
            "waiting_for": self._question,
        }
