"""Who waits for whom in the drivers for G-code: a stop for nobody; what is taken is given back."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

import robotq.drivers
from robotq.drivers import grbl, marlin
from robotq.drivers.base import DriverFactory, LinkLost, Stopped, UncertainOutcome
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from tests.drivers.gcode.bench import Bench, bench, channel_of, until
from tests.drivers.gcode.stopping import Device, moves
from tests.syntax import tree_of

FIRMWARES = (grbl.create, marlin.create)


@contextmanager
def robot(create: DriverFactory, folder: Path) -> Iterator[tuple[Bench, Device]]:
    link = folder / "ttyUSB0"
    device: Device = GrblEmulator(link) if create is grbl.create else MarlinEmulator(link)
    with device, bench(create, folder, device.port) as made:
        yield made, device


@pytest.mark.slow
@pytest.mark.wall("whoever waits for a lock has a limit by the wall")
@pytest.mark.parametrize("create", FIRMWARES, ids=("grbl", "marlin"))
@pytest.mark.parametrize("lock", ["_changed", "gate._handing", "turn"])
def test_emergency_stop__does_not_wait_for_a_lock_before_it_is_on_the_wire(
    create: DriverFactory, lock: str, tmp_path: Path
) -> None:
    with robot(create, tmp_path) as (made, device):
        running = made.start_program(moves(40, 6000))
        until(lambda: device.axes.full)
        stopper = threading.Thread(target=made.driver.emergency_stop)
        held = attrgetter(lock)(channel_of(made))
        # the turn is with the command, for as long as it runs
        with _held(held):
            stopper.start()
            # whoever holds it, the robot comes to rest
            until(lambda: not device.axes.moving, 5)
        stopper.join(10)
        assert not stopper.is_alive()
        with pytest.raises((Stopped, UncertainOutcome)):
            running.result(60)


@contextmanager
def _held(lock: Any) -> Iterator[None]:
    taken = lock.acquire(timeout=1)
    try:
        yield
    finally:
        if taken:
            lock.release()


@pytest.mark.parametrize("create", FIRMWARES, ids=("grbl", "marlin"))
def test_turn__is_free_after_a_command_that_could_not_begin(
    create: DriverFactory, tmp_path: Path
) -> None:
    with robot(create, tmp_path) as (made, device):
        device.unplug()
        until(lambda: channel_of(made).lost is not None)

        with pytest.raises(LinkLost):
            made.run(["G1 X1 F600"])

        with channel_of(made).turn_if_free() as ours:
            assert ours


@pytest.mark.parametrize("create", FIRMWARES, ids=("grbl", "marlin"))
def test_turn__of_somebody_else_is_not_given_back_by_a_command_that_waits_for_it(
    create: DriverFactory, tmp_path: Path
) -> None:
    with robot(create, tmp_path) as (made, device):
        channel = channel_of(made)
        with channel.turn:
            running = made.start_program(["G1 X1 F600"])
            made.driver.emergency_stop()
            with channel.turn_if_free() as ours:
                assert not ours
            assert not running.over
        with pytest.raises(Stopped):
            running.result(30)
        assert device.axes.moved == []


def _calls(tree: ast.AST, names: Callable[[str], bool]) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if names(name):
                yield ast.unparse(node)
            case _:
                pass


@pytest.mark.parametrize("part", ["gcode", "grbl", "marlin"])
def test_locks__are_taken_by_with_and_by_nothing_else(part: str) -> None:
    for path in (Path(robotq.drivers.__file__).parent / part).rglob("*.py"):
        found = list(_calls(tree_of(path.read_text()), lambda name: name == "acquire"))
        # with a limit, or without a wait: what cannot be said by `with`
        allowed = 2 if (part, path.name) == ("gcode", "channel.py") else 0
        assert len(found) == allowed, (path, found)
