"""Builds of Marlin know the codes of the parts that they have, and answer the others with `Unknown
command` and `ok`."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotq.drivers import marlin
from robotq.drivers.base import DriverError
from robotq.testing.emulators import MarlinEmulator
from tests.drivers.gcode.bench import bench

BARE = ("M3", "M5", "M9", "M106", "M107", "M117", "M73", "M140", "M300")
"""Codes of parts that a gantry does not have."""


@pytest.mark.parametrize("line", ["M5", "M9", "M107", "M117 Half: 50 %", "M73 P50", "M140 S0"])
def test_code__that_switches_off_or_tells_people_is_missed_by_nobody(
    tmp_path: Path, line: str
) -> None:
    with (
        MarlinEmulator(tmp_path / "tty", speed=100, lacks=BARE) as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        robot.run(["G1 X1 F6000", line, "G1 X2"])
        assert device.axes.position[0] == 2.0


@pytest.mark.parametrize("line", ["M3 S100", "M106 S255", "M140 S60"])
def test_code__that_switches_on_what_is_not_there_fails(tmp_path: Path, line: str) -> None:
    with (
        MarlinEmulator(tmp_path / "tty", speed=100, lacks=BARE) as device,
        bench(marlin.create, tmp_path, device.port) as robot,
        pytest.raises(DriverError, match="Unknown command"),
    ):
        robot.run([line, "G1 X1 F6000"])


def test_program__that_leaves_other_coordinates_behind_is_refused(tmp_path: Path) -> None:
    with MarlinEmulator(tmp_path / "tty", speed=100) as device:
        with bench(marlin.create, tmp_path, device.port) as robot:
            for line in ("G92 X5", "M220 S50", "M211 S0", "M111 S8", "G55", "G18"):
                with pytest.raises(DriverError, match=r"line 2: .*allow: \["):
                    robot.run(["G1 X1 F6000", line])
            assert device.axes.moved == []
            robot.run(["G92 E0", "M220 S100", "G92.1", "G1 X1 F6000"])
        with bench(marlin.create, tmp_path, device.port, allow=["G92"]) as robot:
            robot.run(["G92 X5", "G1 X6 F6000"])
            assert device.axes.position[0] == 6.0
