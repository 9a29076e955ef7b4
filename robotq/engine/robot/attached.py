"""A command that is followed again: its device has it already, and nothing is begun."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from robotq.drivers.base import UncertainOutcome
from robotq.drivers.settling import UnsettledRun
from robotq.engine.queue.ending import StopRequest
from robotq.engine.robot.context import RunContext
from robotq.engine.robot.run import Run
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

    def __init__(
        self,
        run: UnsettledRun,
        worked_s: float,
        request: StopRequest | None,
        *args: Any,
        **how: Any,
    ) -> None:
        """`worked_s`: motion time that the command has had; `request`: it was to be stopped
        before this."""
        self._at_device = run
        super().__init__(*args, **how)
        self._limit.spend(worked_s)
        if request is not None:
            self.ask_to_stop(request)

    def _begin(self) -> asyncio.Future[JsonObject]:
        driver, run, context = self._host.settles, self._at_device, self._context
        assert driver is not None
        return self._host.execute(
            lambda: plain_in_slices(driver.attach(run, context)), self._glance, begun=True
        )
