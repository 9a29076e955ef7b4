"""A command that is followed again: its device has it already, and nothing is begun."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from robotq.drivers.base import DriverError, UncertainOutcome
from robotq.engine.robot.context import RunContext
from robotq.engine.robot.run import Run
from robotq.model.carried.program import programs_in
from robotq.model.json import JsonObject
from robotq.model.json.safe import plain_in_slices
from robotq.model.task import StepState


class AttachedContext(RunContext):
    """Steps that were open go on where they are reported again by their names."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        steps = self._recorder.steps
        self._steps = len(steps)
        self._open_steps = {
            index: (step.name, step.started_at_ms)
            for index, step in enumerate(steps)
            if step.state is StepState.RUNNING
        }

    @contextmanager
    def step(self, name: str, **detail: Any) -> Iterator[None]:
        index = next((at for at, (known, _) in self._open_steps.items() if known == name), None)
        if index is None:
            # the robot is further than what was seen last
            for seen in tuple(self._open_steps):
                self._ends(seen, completed=True)
            with super().step(name, **detail):
                yield
            return
        known = self._open_steps.pop(index)
        completed = False
        try:
            yield
            completed = True
        except UncertainOutcome:
            self._open_steps[index] = known
            raise
        finally:
            if index not in self._open_steps:
                self._open_steps[index] = known
                self._ends(index, completed=completed)

    def _ends(self, index: int, *, completed: bool) -> None:
        _, started_at_ms = self._open_steps.pop(index)
        now_ms = self._clock.now_ms()
        duration_s = max(0, now_ms - started_at_ms) / 1000
        self._post(self._recorder.step_ended, index, completed, duration_s, now_ms)


class AttachedRun(Run):
    """What `Run` is, without a start."""

    context_type = AttachedContext

    def _begin(self) -> asyncio.Future[JsonObject]:
        return self._host.execute(
            lambda: plain_in_slices(self._attached()), self._glance, begun=True
        )

    def _attached(self) -> JsonObject:
        """On the driver's thread."""
        driver, run, context = self._host.settles, self._follows, self._context
        assert driver is not None
        assert run is not None
        if not programs_in(run.command.params):
            return driver.attach(run, context)
        try:
            # its device may still want lines; a stop is for the driver to confirm
            with self._programs.opened(run.command, (), lambda: None) as command:
                return driver.attach(replace(run, command=command), context)
        except DriverError as error:
            if error.code != "program_lost":
                raise
            # the robot is in it all the same, so this is no certain failure
            raise RuntimeError(str(error)) from error
