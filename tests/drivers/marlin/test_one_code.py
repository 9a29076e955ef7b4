"""Marlin carries out the first code of a line and reads every later one as a parameter."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotq.drivers import marlin
from robotq.drivers.base import DriverError
from robotq.drivers.gcode.reader.lines import prepare
from robotq.drivers.marlin.options import read_options
from robotq.testing.emulators import MarlinEmulator
from tests.drivers.gcode.bench import bench
from tests.slices import each

RULES = read_options("arm", {"port": "/dev/ttyUSB0"}).program_rules


def sent(*lines: str) -> list[str]:
    return [line.text for line in prepare(lines, RULES)]


@pytest.mark.parametrize(
    ("line", "is_sent"),
    [
        ("G21 G90", ["G21", "G90"]),
        ("G90 G1 X77 F600", ["G90", "G1 X77 F600"]),
        ("G1 X77 G90", ["G90", "G1 X77"]),
        ("X10 G1 F600", ["G1 X10 F600"]),
        ("g91g28z0", ["G91", "G28 Z0"]),
        ("M3 S200", ["M3 S200"]),
        ("M5 M9", ["M5", "M9"]),
        ("F600", ["G1 F600"]),
        ("G28 X Y", ["G28 X Y"]),
        ("G4 P500", ["G4 P500"]),
        ("T0", ["T0"]),
        ("G1 X\t10\tF600", ["G1 X 10 F600"]),
        ("M104 T0 S200", ["M104 T0 S200"]),
        ("G90 G94 G17 G40 G49 G80 G21", ["G90", "G21"]),
    ],
)
def test_line__is_put_on_lines_of_its_own_where_it_means_the_same(
    line: str, is_sent: list[str]
) -> None:
    assert sent(line) == is_sent


def test_bare_coordinates__mean_the_last_motion_of_the_program() -> None:
    assert sent("G1 X1 F600", "X2", "G0 Y3", "Y4") == ["G1 X1 F600", "G1 X2", "G0 Y3", "G0 Y4"]


@each(
    "line",
    ["X10", "S500", "T0 G1 X60", "G0 X1 M3", "G53 G0 X1", "G28 X10", "G4 P1.5", "T2 M6", "G1 X1 M",
     "M3 S100 X5", "G4 P1 X2", "T0 X5", "G90 G91", "M3 M5", "G80 G0 X1", "G1 A5", "I1", "G1 X",
     "G2 X1", "G3 X1 I0 J0", "G92"],
)  # fmt: skip
def test_line__that_would_mean_another_thing_is_refused_before_the_first(
    tmp_path: Path, line: str
) -> None:
    with (
        MarlinEmulator(tmp_path / "ttyUSB0", speed=100) as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        with pytest.raises(DriverError, match="line 2"):
            robot.run(["G28", line])
        assert not any(taken.startswith("G28") for taken in device.taken)


def test_program__that_ends_relative_leaves_the_next_command_where_it_belongs(
    tmp_path: Path,
) -> None:
    with (
        MarlinEmulator(tmp_path / "ttyUSB0", speed=100) as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        robot.run(["G90 G1 X20 Y20 F6000", "G91 G1 X1"])
        robot.do([{"gcode": ["G21 G90", "G0 X20 Y20 F6000"]}])
        assert device.axes.position == (20.0, 20.0, 0.0)
