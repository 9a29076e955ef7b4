"""After a stop was told nothing moves, whatever the planner holds. What moved is counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from robotq.drivers import marlin
from robotq.drivers.base import Stopped
from robotq.testing.emulators import MarlinEmulator
from tests.drivers.gcode.bench import Bench, bench, until
from tests.drivers.gcode.stopping import (
    Device,
    full,
    long_arcs,
    moves,
    not_full,
    of_many,
    stop_once,
    tiny,
)

SCENES = (full, not_full, full, tiny, full, long_arcs)


@contextmanager
def robot(folder: Path, number: int) -> Iterator[tuple[Bench, Device]]:
    device = MarlinEmulator(folder / "ttyUSB0", speed=1.0)
    # with more lines on their way, more of them could come through
    options = {"window": (1, 4)[number % 2]}
    with device, bench(marlin.create, folder, device.port, **options) as made:
        yield made, device


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_stops__at_random_moments_with_the_planner_full_and_not(tmp_path: Path) -> None:
    assert of_many(tmp_path, robot, SCENES, robots=6, each=2, seed=1) == []


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_stops__two_hundred_of_them(tmp_path: Path) -> None:
    assert of_many(tmp_path, robot, SCENES, robots=8, each=25, seed=2) == []


def test_emulator__carries_out_the_waiting_line_after_a_single_stop(tmp_path: Path) -> None:
    """As genuine firmware does: one M410 is not enough."""
    device = MarlinEmulator(tmp_path / "ttyUSB0")
    with device, bench(marlin.create, tmp_path, device.port) as robot:
        running = robot.start_program(moves(40, 6000))
        until(lambda: device.axes.full)
        device.take(b"\nM410\n")
        begun = len(device.axes.moved)
        until(lambda: len(device.axes.moved) > begun)
        robot.driver.emergency_stop()
        with pytest.raises(Stopped):
            running.result(60)


def test_m112__ends_when_it_is_at_rest_and_not_when_it_says_that_it_has_halted(
    tmp_path: Path,
) -> None:
    device = MarlinEmulator(tmp_path / "ttyUSB0")
    options = {"emergency": "M112"}
    with device, bench(marlin.create, tmp_path, device.port, **options) as robot:
        wrong = stop_once(robot, device, full, "estop", Random(3))
        assert wrong == ""
        assert device.halted
