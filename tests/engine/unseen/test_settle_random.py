"""Whatever happens to a device that can be asked, its link and its daemon, in whatever order: no
run is begun twice, and no end is believed that the device has not stored."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robotq.drivers.base import DriverSetup
from robotq.drivers.settling import Settled
from robotq.engine.timings import Timings
from robotq.model.task import Task, TaskState
from tests import patience
from tests.engine.bench import BenchDriver
from tests.engine.queue.test_random import Story, actions, play
from tests.engine.settling import Device, SettlingDriver
from tests.slices import examples

_LIES: dict[str, Any] = {
    "nothing": None,
    "another run": lambda device, run_id: Settled.completed({}, id=f"{run_id}9", boot=device.boot),
    "another life": lambda _, run_id: Settled.completed({}, id=run_id, boot="boot-0"),
    "never, but it may come": lambda device, run_id: Settled.never_started(
        id=run_id, boot=device.boot, cannot_start=False
    ),
    "unknown": lambda *_: Settled.unknown("forgotten"),
    "raises": lambda *_: 1 / 0,
}

of_device = st.one_of(
    st.tuples(st.just("device_ends"), st.sampled_from(["done", "done", "failed"])),
    st.tuples(st.sampled_from(["break", "mend", "restart", "lose_start", "late_id", "kill"])),
    st.tuples(st.just("lie"), st.sampled_from(sorted(_LIES))),
)
stories = st.lists(
    st.tuples(st.one_of(of_device, of_device, actions), st.integers(0, 12)),
    min_size=5,
    max_size=40,
)


class SettlingStory(Story):
    """`robot_b` has a device that outlives the daemon and can be asked."""

    timings = Timings(settle_s=2, in_doubt_s=5)

    def __init__(self) -> None:
        super().__init__()
        self.device = Device()
        self.truth: dict[str, str] = {}
        """How each run has ended at the device, whatever that has forgotten since."""

    def made(self, setup: DriverSetup) -> BenchDriver:
        if setup.robot != "robot_b":
            return BenchDriver(setup)
        return SettlingDriver(setup, self.device)

    @property
    def _driver(self) -> SettlingDriver:
        driver = self.lab.drivers["robot_b"]
        assert isinstance(driver, SettlingDriver)
        return driver

    def may_repeat(self, task: Task) -> bool:
        # under the ids of its own, of which the device has begun one at most
        begun = [one for one in self.device.starts if one.startswith(f"{task.id}.")]
        return super().may_repeat(task) or (task.queue == "robot_b" and len(begun) <= 1)

    # -- what happens to the device --------------------------------------------------------------

    async def _device_ends(self, state: str) -> None:
        self._end(state)

    def _end(self, state: str) -> None:
        for run in self.device.runs.values():
            if run.state == "running":
                run.result, run.state = {"found": 1}, state

    async def _break(self) -> None:
        if not self._driver.gone:
            self._driver.breaks()

    async def _mend(self) -> None:
        self._driver.mends()

    async def _restart(self) -> None:
        self._remember()
        self.device.restarts()

    async def _lose_start(self) -> None:
        self.device.loses_starts = not self.device.loses_starts

    async def _late_id(self) -> None:
        self._driver.late_id = not self._driver.late_id

    async def _lie(self, lie: str) -> None:
        told = _LIES[lie]
        self.device.lies = None if told is None else lambda run_id: told(self.device, run_id)

    def _remember(self) -> None:
        for run_id, run in self.device.runs.items():
            self.truth[run_id] = run.state

    # -- what must be true -----------------------------------------------------------------------

    async def check(self, before: Any) -> None:
        await super().check(before)
        self._remember()
        for task in await self.tasks():
            if task.settled and task.state is TaskState.COMPLETED:
                assert task.run is not None
                assert self.truth.get(task.run.id) == "done", "believed what never was"

    async def _clear(self) -> None:
        self.device.lies = None
        self.device.loses_starts = False
        self._driver.mends()
        self._end("done")
        await super()._clear()


@pytest.mark.slow
@given(steps=stories)
@settings(
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_device__of_which_anything_may_happen(steps: list[tuple[Any, ...]]) -> None:
    patience.run(play(SettlingStory(), steps))


@pytest.mark.long
@pytest.mark.timeout(600)
@given(steps=stories)
@settings(
    max_examples=500,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_device__of_which_anything_may_happen__at_length(steps: list[tuple[Any, ...]]) -> None:
    patience.run(play(SettlingStory(), steps))
