"""What goes wrong between robotq and a controller of the GRBL family, one thing at a time.

The controller's own log is the judge: no line is ever carried out twice.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from robotq.drivers import grbl
from robotq.drivers.base import DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.model.task import Command
from robotq.testing.emulators import Fault, FaultKind, Faults, GrblEmulator
from tests.drivers.gcode.bench import Bench, bench, bench_on_a_bad_wire, in_order, square, until

LINES = square(120)
HIT = LINES[60]

UNCERTAIN = {
    FaultKind.GLUE: {"answer_lost", "DriverError"},
    FaultKind.LOSE_LINE: {"answer_lost"},
    FaultKind.LOSE_ANSWER: {"answer_lost"},
    FaultKind.CORRUPT_ANSWER: {"answer_lost"},
    FaultKind.DOUBLE_ANSWER: {"answer_lost"},
    FaultKind.GLUE_ANSWER: {"answer_lost"},
    FaultKind.DELAY_ANSWER: {"completed"},
    FaultKind.DIE: {"link_lost"},
    FaultKind.REBOOT: {"device_reset"},
    # a digit that is another one is a line as good as any: GRBL has no checksums
    FaultKind.DROP: {"completed", "DriverError", "answer_lost"},
    FaultKind.DOUBLE: {"completed", "DriverError", "answer_lost"},
    FaultKind.CORRUPT: {"completed", "DriverError", "answer_lost", "device_reset"},
}


def outcome_of(device: GrblEmulator, folder: Path, lines: list[str]) -> tuple[str, bool]:
    """How the program ended, and whether a motion is taken on afterwards without a person."""
    with bench_on_a_bad_wire(
        grbl.create, folder, device.port, answer_timeout_s=0.5, silence_s=1.0
    ) as robot:
        running = robot.start_program(lines)
        try:
            until(lambda: running.over or goes_on(robot), timeout_s=30)
            running.result()
            ended = "completed"
        except UncertainOutcome as error:
            ended = error.cause
        except DriverError:
            ended = "DriverError"
        return ended, robot.driver.status().position_known


def goes_on(robot: Bench) -> bool:
    """A blank that has become a `!` holds the robot like somebody at the machine, and somebody
    lets it go on."""
    if robot.driver.status().held:
        with suppress(DriverError, LinkLost):
            robot.driver.resume()
    return False


@pytest.mark.slow
@pytest.mark.parametrize("kind", FaultKind)
def test_fault__has_the_right_outcome_and_repeats_nothing(tmp_path: Path, kind: FaultKind) -> None:
    faults = Faults([Fault(kind=kind, line=HIT, seconds=0.3)])
    with GrblEmulator(tmp_path / "ttyUSB0", faults=faults, speed=100) as device:
        ended, _ = outcome_of(device, tmp_path, LINES)
        assert faults.happened, "or nothing was tried"
        assert ended in UNCERTAIN[kind]
        in_order(LINES, device.taken)
        in_order(LINES, device.axes.moved)


def test_line_that_got_lost_at_the_end__is_noticed(tmp_path: Path) -> None:
    faults = Faults([Fault(kind=FaultKind.LOSE_LINE, line=LINES[-1])])
    with GrblEmulator(tmp_path / "ttyUSB0", faults=faults, speed=100) as device:
        assert outcome_of(device, tmp_path, LINES)[0] == "answer_lost"


def test_next_command__is_in_step_again(tmp_path: Path) -> None:
    faults = Faults([Fault(kind=FaultKind.DOUBLE_ANSWER, line=HIT)])
    with (
        GrblEmulator(tmp_path / "ttyUSB0", faults=faults, speed=100) as device,
        bench(grbl.create, tmp_path, device.port) as robot,
    ):
        with pytest.raises(UncertainOutcome, match="more answers"):
            robot.run(LINES)
        robot.run(LINES)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 20))]
)
def test_noise__never_repeats_a_line_and_never_hangs(tmp_path: Path, seed: int) -> None:
    faults = Faults(
        seed=seed, rate=0.02, kinds=[kind for kind in FaultKind if kind is not FaultKind.DIE]
    )
    # where a point gets lost, 30.00029 becomes 3000029: without ends it would go on for hours
    with GrblEmulator(tmp_path / "ttyUSB0", faults=faults, speed=100, ends_mm=1000) as device:
        outcome_of(device, tmp_path, LINES)
        in_order(LINES, device.taken)


class PointLost(Faults):
    """The decimal point of one line does not arrive. What does is a line as good as any."""

    def __init__(self) -> None:
        super().__init__(rate=1.0)

    def inbound(self, line: bytes) -> bytes:
        return line.replace(b".", b"") if HIT.encode() in line else line


def test_motion_whose_point_got_lost__ends_at_the_limit_switch(tmp_path: Path) -> None:
    device = GrblEmulator(tmp_path / "ttyUSB0", faults=PointLost(), speed=100, ends_mm=1000)
    with device:
        assert outcome_of(device, tmp_path, LINES) == ("DriverError", False)
        assert max(device.axes.position) <= 1000


def test_motion_whose_point_got_lost__is_seen_to_go_on_and_can_be_stopped(tmp_path: Path) -> None:
    """Without switches nobody but the person who looks at it knows: it is no silence."""
    device = GrblEmulator(tmp_path / "ttyUSB0", faults=PointLost(), speed=100)
    with device, bench(grbl.create, tmp_path, device.port, answer_timeout_s=0.3) as robot:
        running = robot.start_program(LINES)
        until(lambda: robot.driver.status().details.get("x_mm", 0) > 2000)
        told = robot.driver.immediate(Command(cmd_type="GET_ROBOT_MOTION_STATE", params={}))
        assert told["motion"] == "moving"
        assert told["lines_under_way"] > 0
        robot.driver.stop()
        with pytest.raises(Stopped):
            running.result()
        assert not device.axes.moving


def test_feed_that_lost_its_digit__is_refused_by_the_controller(tmp_path: Path) -> None:
    """Genuine Grbl takes F0, and no motion with it."""

    class Lossy(GrblEmulator):
        def take(self, data: bytes) -> None:
            super().take(data.replace(b"X2 F6000", b"X2 F0"))

    with (
        Lossy(tmp_path / "ttyUSB0", speed=100) as device,
        bench(grbl.create, tmp_path, device.port) as robot,
    ):
        robot.run(["G1 X1 F6000"])
        with pytest.raises(DriverError, match=r"line 1, .*error:22"):
            robot.run(["G1 X2 F6000"])
        assert device.axes.position[0] == 1.0
