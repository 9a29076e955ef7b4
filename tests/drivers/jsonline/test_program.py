"""A program of ten thousand lines, through a device that takes short lines only."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from robotq.catalog import Catalog, CommandSpec
from robotq.drivers.base import Driver
from robotq.model.clock import MotionClock
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from tests.drivers.jsonline.conftest import MakeMachine
from tests.drivers.jsonline.machine import site
from tests.drivers.jsonline.plotter import Plotter

CATALOG = Catalog([CommandSpec(cmd_type="RUN_GCODE", timeout_s=1800.0)])
PROGRAM = [f"G1 X{number % 200} Y{number % 77} F1200" for number in range(10_000)]


class _Made:
    """The plotter inside the device."""

    def __init__(self, line_s: float) -> None:
        self._line_s = line_s
        self.plotter: Plotter | None = None

    def __call__(self, clock: MotionClock) -> Driver:
        self.plotter = Plotter(clock, self._line_s)
        return self.plotter

    @property
    def done(self) -> list[str]:
        assert self.plotter is not None
        return self.plotter.done


async def test_program__completes(machine: MakeMachine, tmp_path: Path) -> None:
    made = _Made(0.0)
    device = await machine(driver=made, max_line=512)
    async with site(device.wire.pattern, tmp_path, catalog=CATALOG) as here:
        task = await here.run("RUN_GCODE", program=PROGRAM)
    assert task.state is TaskState.COMPLETED
    assert task.result is not None
    assert task.result["lines"] == 10_000
    assert made.done == PROGRAM


async def test_program__as_a_text(machine: MakeMachine, tmp_path: Path) -> None:
    made = _Made(0.0)
    device = await machine(driver=made)
    async with site(device.wire.pattern, tmp_path, catalog=CATALOG) as here:
        task = await here.run("RUN_GCODE", program="\n".join(PROGRAM[:1_000]))
    assert task.state is TaskState.COMPLETED
    assert made.done == PROGRAM[:1_000]


async def test_program__cancelled_while_its_lines_are_fetched(
    machine: MakeMachine, tmp_path: Path
) -> None:
    made = _Made(0.0)
    device = await machine(driver=made, max_line=256)
    async with site(device.wire.pattern, tmp_path, catalog=CATALOG) as here:
        task_id = await here.submit("RUN_GCODE", program=PROGRAM)
        await here.until(lambda: b'"op":"lines"' in device.wire.heard)
        await here.engine.queue.cancel(task_id, actor="test")
        assert (await here.ended(task_id)).state is TaskState.CANCELLED
    assert made.done == []


async def test_program__held_resumed_and_stopped_for_good(
    machine: MakeMachine, tmp_path: Path
) -> None:
    made = _Made(0.001)
    device = await machine(driver=made, scale=1.0)
    async with site(device.wire.pattern, tmp_path, catalog=CATALOG) as here:
        task_id = await here.submit("RUN_GCODE", program=PROGRAM)
        await here.until(lambda: len(made.done) > 10)
        await here.engine.hold_motion("robot_a", actor="test")
        held = len(made.done)
        assert (await here.engine.robot("robot_a").status()).held
        # the line in which it was asked to
        assert len(made.done) <= held + 1
        await here.engine.resume_motion("robot_a", actor="test")
        await here.until(lambda: len(made.done) > held + 10)
        await here.engine.estop.trigger(actor="test")
        task = await here.ended(task_id)
        assert task.state is not TaskState.COMPLETED
        done = len(made.done)
        await here.engine.estop.reset(actor="test")
        assert len(made.done) == done
    assert made.done == PROGRAM[:done]


async def test_program__with_a_line_that_is_too_long_for_the_device(
    machine: MakeMachine, tmp_path: Path
) -> None:
    made = _Made(0.0)
    device = await machine(driver=made, max_line=256)
    async with site(device.wire.pattern, tmp_path, catalog=CATALOG) as here:
        task = await here.run("RUN_GCODE", program=["G0 X1", "(" + "x" * 300 + ")"])
        assert task.error is not None
        assert task.error.code == "device_error"
        assert "line 2" in task.error.args["reason"]
        assert here.holds() == set()
    assert made.done == []


@pytest.mark.slow
async def test_program__whose_lines_are_fetched_is_fetched_on_after_the_cable_was_out(
    machine: MakeMachine, tmp_path: Path
) -> None:
    """The command is followed again, and its lines are there for the device all the same."""
    made = _Made(0.0)
    device = await machine(driver=made, max_line=256)
    async with site(device.wire.pattern, tmp_path, catalog=CATALOG) as here:
        task_id = await here.submit("RUN_GCODE", program=PROGRAM)
        await here.until(lambda: device.wire.heard.count(b'"op":"lines"') > 5)
        await asyncio.to_thread(device.wire.unplug)
        await here.held(HoldCode.DISCONNECTED)
        assert made.done == []
        await asyncio.to_thread(device.wire.plug)
        task = await here.ended(task_id, 60)
    assert (task.state, task.attempt) == (TaskState.COMPLETED, 1)
    assert made.done == PROGRAM
