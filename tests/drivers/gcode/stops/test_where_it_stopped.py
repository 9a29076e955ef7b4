"""A program that does not come to its end says where it was, and the device is asked whether that
is true."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from robotq.drivers import grbl, marlin
from robotq.drivers.base import DriverError, DriverFactory, Ended, LinkLost, Stopped
from robotq.drivers.gcode.programs.place import place_of
from robotq.drivers.gcode.reader.dialects.grbl import GRBL as PLAIN_GRBL
from robotq.drivers.gcode.reader.lines import prepare
from robotq.model.carried.stopped_at import StoppedAt
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from robotq.testing.emulators.faults import Fault, FaultKind, Faults
from tests.drivers.gcode.bench import Bench, bench, square, until

Device = GrblEmulator | MarlinEmulator
BOTH = pytest.mark.parametrize(
    ("factory", "emulator"),
    [(grbl.create, GrblEmulator), (marlin.create, MarlinEmulator)],
    ids=["grbl", "marlin"],
)
LINES = square(400)


def place(error: Ended) -> StoppedAt:
    assert error.stopped_at is not None
    return error.stopped_at


def agrees(at: StoppedAt, device: Device, refused: int = 0) -> tuple[int, int, int]:
    """What it says is what the device did: each line of the program is one motion."""
    lines = LINES
    numbers = {line: number for number, line in enumerate(lines, 1)}
    begun = [numbers[line] for line in device.axes.moved if line in numbers]
    taken = max((numbers[line] for line in device.taken if line in numbers), default=0)
    done, answered, sent = (
        0 if one is None else one.line for one in (at.done, at.answered, at.begun)
    )
    last = max(begun, default=0)
    # the last one that has begun may have been broken off
    assert done <= last - (device.axes.position != _end_of(lines, last))
    assert sent >= last
    assert answered <= taken + refused
    assert done <= answered <= sent <= at.lines == len(lines)
    for one in (at.done, at.answered, at.begun):
        assert one is None or one.text == lines[one.line - 1]
    return done, answered, sent


def _end_of(lines: list[str], number: int) -> tuple[float, float, float] | None:
    if not number:
        return None
    x, y = (float(word[1:]) for word in lines[number - 1].split()[1:3])
    return (x, y, 0.0)


def ended(robot: Bench, device: Device, how: Callable[[Bench, Device], None]) -> Ended:
    running = robot.start_program(LINES)
    until(lambda: len(device.axes.moved) > 110, 60)
    how(robot, device)
    with pytest.raises(Ended) as error:
        running.result()
    assert isinstance(error.value, Ended)
    return error.value


@BOTH
@pytest.mark.parametrize("how", ["stop", "estop"])
def test_a_stop_in_the_middle__says_which_lines_are_done(
    tmp_path: Path, factory: DriverFactory, emulator: type[Device], how: str
) -> None:
    with (
        emulator(tmp_path / "port", speed=20) as device,
        bench(factory, tmp_path, device.port) as robot,
    ):
        error = ended(
            robot,
            device,
            lambda robot, _: (
                robot.driver.stop() if how == "stop" else robot.driver.emergency_stop()
            ),
        )
        assert isinstance(error, Stopped)
        done, answered, _ = agrees(place(error), device)
        assert done > 0
        assert answered > 100


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("seed", range(6))
def test_a_stop_at_any_moment__never_says_more_than_is_true(
    tmp_path: Path, factory: DriverFactory, emulator: type[Device], seed: int
) -> None:
    random = Random(seed)
    with (
        emulator(tmp_path / "port", speed=20) as device,
        bench(factory, tmp_path, device.port) as robot,
    ):
        running = robot.start_program(LINES)
        at = random.randrange(200)
        until(lambda: len(device.axes.moved) >= at, 60)
        robot.driver.stop()
        with pytest.raises(Stopped) as error:
            running.result()
        agrees(place(error.value), device)


@BOTH
def test_a_cable_that_is_pulled__says_it_too(
    tmp_path: Path, factory: DriverFactory, emulator: type[Device]
) -> None:
    with (
        emulator(tmp_path / "port", speed=20) as device,
        bench(factory, tmp_path, device.port) as robot,
    ):
        error = ended(robot, device, lambda _, device: device.unplug())
        assert isinstance(error, LinkLost)
        # the device goes on with what it has
        until(lambda: not device.axes.blocks)
        agrees(place(error), device)


@BOTH
def test_a_controller_that_starts_anew__says_where_it_was_before(
    tmp_path: Path, factory: DriverFactory, emulator: type[Device]
) -> None:
    with (
        emulator(tmp_path / "port", speed=20) as device,
        bench(factory, tmp_path, device.port) as robot,
    ):
        error = ended(robot, device, lambda _, device: device.reboot())
        at = place(error)
        assert at.answered is not None
        # its position is lost with the start, and it has forgotten what it had planned
        last = len([line for line in device.axes.moved if line in LINES])
        assert at.done is None or at.done.line < last
        assert at.begun is not None
        assert at.begun.line >= last


def test_grbl__that_refuses_a_line_calls_none_behind_it_done(tmp_path: Path) -> None:
    # two lines come in as one, which has two codes of a group
    faults = Faults([Fault(kind=FaultKind.GLUE, line=LINES[150])])
    with (
        GrblEmulator(tmp_path / "port", faults=faults, speed=20) as device,
        bench(grbl.create, tmp_path, device.port) as robot,
    ):
        with pytest.raises(DriverError, match="line 151") as error:
            robot.run(LINES)
        at = place(error.value)
        done, _, _ = agrees(at, device, refused=1)
        assert 0 < done <= 150


def test_marlin__that_halts_says_where(tmp_path: Path) -> None:
    with (
        MarlinEmulator(tmp_path / "port", speed=20) as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        error = ended(robot, device, lambda _, device: device.order(lambda: device.take(b"M112\n")))
        assert isinstance(error, DriverError)
        agrees(place(error), device)


@BOTH
def test_a_stop_in_a_dwell__does_not_make_it_done(
    tmp_path: Path, factory: DriverFactory, emulator: type[Device]
) -> None:
    # seconds for one, milliseconds for the other
    dwell = "G4 P3" if factory is grbl.create else "G4 P3000"
    with (
        emulator(tmp_path / "port") as device,
        bench(factory, tmp_path, device.port) as robot,
    ):
        running = robot.start_program(["G1 X40 F600", dwell, "G1 X41", dwell, "G1 X42"])
        until(lambda: device.axes.moving)
        robot.driver.stop()
        with pytest.raises(Stopped) as error:
            running.result()
        at = place(error.value)
        assert at.done is None
        assert "G1 X41" not in " ".join(device.axes.moved)


@BOTH
def test_a_program_that_is_refused_before_it_begins__has_no_place(
    tmp_path: Path, factory: DriverFactory, emulator: type[Device]
) -> None:
    with (
        emulator(tmp_path / "port", speed=20) as device,
        bench(factory, tmp_path, device.port) as robot,
        pytest.raises(DriverError) as error,
    ):
        robot.run(["G1 X1 F600", "/G1 X2"])
    assert error.value.stopped_at is None


def test_lines_of_the_operator__have_no_place(tmp_path: Path) -> None:
    with (
        GrblEmulator(tmp_path / "port") as device,
        bench(grbl.create, tmp_path, device.port) as robot,
    ):
        running = robot.start([{"gcode": ["G1 X50 F600", "G1 X0"]}])
        until(lambda: device.axes.moving)
        robot.driver.stop()
        with pytest.raises(Stopped) as error:
            running.result()
    assert error.value.stopped_at is None


def over(lines: list[str], answered: int, most: int = 3, refused: int | None = None) -> int:
    read = prepare(lines, PLAIN_GRBL.rules)
    at = place_of(
        read,
        sent=len(read),
        answered=answered,
        planned_most=most,
        one_by_one=False,
        refused=refused,
    )
    return 0 if at.done is None else at.done.line


def test_a_dwell_that_was_answered__is_the_end_of_all_before_it() -> None:
    lines = ["G21 G90", "G1 X1 F600", "G1 X2", "G4 P0.5", "G1 X3"]
    assert over(lines, 5) == 4
    assert over(lines, 3) == 0
    # a reset makes Grbl answer the line that it breaks off, and no other one after it
    assert over(lines, 4) == 0
    # one that waits for nothing is answered at once by some
    assert over(["G21 G90", "G1 X1 F600", "G4 P0", "G1 X3"], 4) == 0


def test_motions_that_may_be_none__do_not_push_others_out_of_the_planner() -> None:
    far = [f"G1 X{n} F600" for n in (1, 2, 3, 4, 5, 6)]
    assert over(["G21 G90", *far], 7) == 4
    # it stands there already
    assert over(["G21 G90", *far[:2], *["G1 X2 F600"] * 9], 12) == 0
    # each of them is less than a step of some machine; together they are more
    tiny = [f"G1 X{1 + n / 10:.1f} F600" for n in range(40)]
    assert over(["G21 G90", *tiny], 41) == 22
    # the same number says two things where nobody knows which mode is in effect
    assert over(["G21 G90", *far[:2], "G92 X9", "G91", *far[:2]], 7) == 0


def test_a_line_that_was_refused__is_not_done_and_none_behind_it() -> None:
    lines = ["G21 G90", *(f"G1 X{n} F600" for n in range(1, 20))]
    assert over(lines, 20, refused=10) == 9
    assert over(lines, 20, refused=None) == 17
