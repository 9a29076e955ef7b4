"""What Marlin keeps of the last segments: moves of fewer than six steps are not carried out before
another one comes. What is told of the robot's place is true all the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import marlin
from robotq.drivers.base import DriverError, Stopped
from robotq.drivers.marlin.short import Remainder
from robotq.testing.emulators import MarlinEmulator
from tests.drivers.gcode.bench import Bench, bench, until
from tests.slices import some

Make = Callable[..., tuple[MarlinEmulator, Bench]]

STEP_MM = 1 / 80


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def made(
            options: dict[str, Any] | None = None, **device: Any
        ) -> tuple[MarlinEmulator, Bench]:
            device.setdefault("speed", 1000)
            emulator = stack.enter_context(MarlinEmulator(tmp_path / "ttyUSB0", **device))
            options = {"port": f"{tmp_path}/ttyUSB*", **(options or {})}
            return emulator, stack.enter_context(bench(marlin.create, tmp_path, **options))

        yield made


def true_place(device: MarlinEmulator, robot: Bench) -> None:
    """The place that is told is that of the robot, or is told as not known with the bounds."""
    status = robot.driver.status()
    for axis, at in zip("xyz", device.axes.position, strict=True):
        off = abs(status.details[f"target_{axis}_mm"] - at)
        if status.position_known:
            assert off < STEP_MM + 0.005
        else:
            assert off <= 6 * STEP_MM + 0.005
            assert "six steps" in status.details["position_unknown_because"]


def test_program_of_tiny_segments__says_what_may_be_left(make: Make) -> None:
    device, robot = make()
    # three steps each: the last one is left
    result = robot.run(["G1 X1 F6000", *(f"G1 X{1 + n * 3 / 80:.4f}" for n in range(1, 52))])
    assert device.axes.position[0] == pytest.approx(1 + 50 * 3 / 80)
    assert result["not_carried_out_mm"] == {"x": pytest.approx(3 / 80, abs=0.001)}
    assert not robot.driver.status().position_known
    true_place(device, robot)
    # it is no reason to refuse the next command, which makes up for it
    assert robot.run(["G1 X5"]) == {}
    assert device.axes.position[0] == 5
    assert robot.driver.status().position_known
    assert device.taken.count("M92") == 1


def test_single_move__too_short_to_be_made_is_not_told_as_made(make: Make) -> None:
    device, robot = make()
    robot.run(["G1 X10 F6000"])
    result = robot.run(["G1 X10.05"])
    assert device.axes.position[0] == 10
    assert result["not_carried_out_mm"] == {"x": pytest.approx(0.05)}
    true_place(device, robot)
    # homing leaves nothing
    robot.do([{"home": True}])
    assert robot.driver.status().position_known


def test_jogs__that_are_too_short_add_up_until_one_is_made(make: Make) -> None:
    device, robot = make()
    robot.run(["G1 X10 F6000"])
    assert robot.do([{"jog": "X0.05 F600"}])["not_carried_out_mm"] == {"x": pytest.approx(0.05)}
    assert device.axes.position[0] == 10
    assert robot.do([{"jog": "X0.05 F600"}]) == {}
    assert device.axes.position[0] == pytest.approx(10.1)
    true_place(device, robot)


def test_move_to_where_it_stands__is_whole(make: Make) -> None:
    _, robot = make()
    robot.run(["G1 X10 F6000"])
    assert robot.run(["G1 X10"]) == {}
    assert robot.driver.status().position_known


def test_program__that_ends_with_an_arc_says_what_may_be_left(make: Make) -> None:
    device, robot = make()
    result = robot.run(["G1 X10 F6000", "G2 X20.02 Y0 I5 J0"])
    assert set(result["not_carried_out_mm"]) == {"x", "y", "z"}
    true_place(device, robot)
    assert robot.run(["G1 X30"]) == {}


def test_controller__that_does_not_tell_its_steps_is_not_believed_to_have_many(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robotq.drivers.marlin.controller.steps_in", lambda told: None)
    _, robot = make()
    robot.run(["G1 X10 F6000"])
    # 16 steps here; it could be three
    assert robot.run(["G1 X10.2"])["not_carried_out_mm"] == {"x": pytest.approx(0.2)}
    assert robot.run(["G1 X12"]) == {}


def test_stop_between_two_motions__does_not_hide_what_is_left(make: Make) -> None:
    device, robot = make(emergency_parser=False, speed=1)
    running = robot.start_program(["G1 X1 F6000", "G1 X1.05", "G4 S5", "G1 X50"])
    until(lambda: "G1 X1.05" in device.taken)
    robot.driver.stop()
    with pytest.raises(Stopped):
        running.result()
    assert device.axes.position[0] == 1
    true_place(device, robot)


def test_failure__does_not_hide_what_is_left(make: Make) -> None:
    device, robot = make({"allow": ["M1234"]})
    with pytest.raises(DriverError, match="Unknown command"):
        robot.run(["G1 X1 F6000", "G1 X1.05", "M1234"])
    assert not robot.driver.status().position_known
    true_place(device, robot)


def _walk(rolls: random.Random) -> Sequence[str]:
    """Moves of every size, relative and absolute, in both units, and other names for places."""
    lines, x, y = ["G1 X20 Y20 F6000"], 20.0, 20.0
    for _ in range(rolls.randrange(1, 40)):
        size = rolls.choice([0.01, 0.03, 0.07, 0.2, 3.0])
        dx, dy = rolls.uniform(-size, size), rolls.uniform(-size, size)
        x, y = x + dx, y + dy
        match rolls.randrange(8):
            case 0:
                lines += ["G91", f"G1 X{dx:.4f} Y{dy:.4f}", "G90"]
                x, y = round(x, 9), round(y, 9)
            case 1:
                lines += ["G20", f"G1 X{x / 25.4:.6f} Y{y / 25.4:.6f}", "G21"]
            case 2:
                lines += [f"G1 X{x:.5f} Y{y:.4f}", "G92 X20 Y20"]
                x, y = 20.0, 20.0
            case _:
                lines.append(f"G1 X{x:.5f} Y{y:.4f}")
    return lines


@pytest.mark.parametrize("seed", some(range(5), 2))
def test_random_walks__end_where_it_is_said(make: Make, seed: int) -> None:
    rolls = random.Random(seed)
    device, robot = make({"allow": ["G92"]})
    known = 0
    for _ in range(6):
        result = robot.run(_walk(rolls))
        status = robot.driver.status()
        assert status.position_known == ("not_carried_out_mm" not in result)
        true_place(device, robot)
        known += status.position_known
    assert known < 6, "nothing was left, so nothing was tried"


@pytest.mark.parametrize("before", [[], ["G91"], ["G20"], ["G20", "G91"], ["G92 X5"]])
def test_remainder__is_the_same_however_a_line_is_written(before: Sequence[str]) -> None:
    """The usual way is read in another manner than all others."""
    chance = random.Random(len(before))
    most = 0.1 / 25.4 if "G20" in before else 0.1

    def short_mm(lines: Sequence[str]) -> dict[str, float]:
        remainder = Remainder()
        remainder.steps = (80.0, 80.0, 400.0)
        remainder.begin((0.0, 0.0, 0.0))
        for line in (*before, *lines):
            remainder.sent(line, motion=True)
        return remainder.short_mm()

    found = set()
    for _ in range(30):
        way = [(chance.uniform(-most, most), chance.choice((".001", "-0", "+1.", "0.002")))]
        way += [(chance.uniform(-most, most), ".001") for _ in range(chance.randrange(6))]
        usual = short_mm([f"G1 X{x:.5f} Y{y} F600" for x, y in way])
        found.add(bool(usual))
        for other in ("G1 F600 X{x:.5f} Y{y}", "G01Y{y}X{x:.5f}", "G0 X {x:.5f} Y {y} E1"):
            assert short_mm([other.format(x=x, y=y) for x, y in way]) == usual
    assert found == {True, False}
