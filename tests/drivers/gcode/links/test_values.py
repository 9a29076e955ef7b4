"""What controllers of G-code tell of themselves, and how old it is."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from robotq.drivers import grbl, marlin
from robotq.drivers.marlin.talk.protocol import temperatures_in
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from tests.drivers.gcode.bench import bench, until


def test_grbl__tells_where_it_is_without_a_command_and_grows_old_where_it_is_silent(
    tmp_path: Path,
) -> None:
    with ExitStack() as stack:
        device = stack.enter_context(GrblEmulator(tmp_path / "ttyUSB0", speed=1_000))
        robot = stack.enter_context(bench(grbl.create, tmp_path, port=f"{tmp_path}/ttyUSB*"))
        robot.run(["G1 X12.5 Y3 F600"])
        until(lambda: robot.driver.status().values.get("x") is not None)
        until(lambda: robot.driver.status().values["x"].value == device.axes.position[0])
        values = robot.driver.status().values
        assert [values[axis].value for axis in "xyz"] == list(device.axes.position)
        assert {values[axis].unit for axis in "xyz"} == {"mm"}
        assert values["x"].normal is None
        assert values["x"].age_s < 3


def test_marlin__tells_where_it_goes_to_and_how_warm_it_is(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stack.enter_context(MarlinEmulator(tmp_path / "ttyUSB0", speed=1_000))
        robot = stack.enter_context(bench(marlin.create, tmp_path, port=f"{tmp_path}/ttyUSB*"))
        robot.run(["G1 X12.5 Y3 F600", "M105"])
        values = robot.driver.status().values
        assert values["target_x"].value == 12.5
        assert (values["temperature"].value, values["temperature"].unit) == (20.0, "°C")
        assert values["temperature_bed"].value == 20.0
        assert all(value.age_s < 30 for value in values.values())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("T:205.1 /210.0 B:60.0 /60.0 @:64 B@:0", {"T": 205.1, "B": 60.0}),
        ("T:20.00 /0.00 B:20.00 /0.00 T0:20.00 /0.00 T1:-3.5 /0 @:0", {
            "T": 20.0, "B": 20.0, "T0": 20.0, "T1": -3.5}),
        ("T:21.00 /50.00 W:?", {"T": 21.0}),
        ("B:60", {"B": 60.0}),
        ("X:1.00 Y:2.00 Z:3.00 E:0.00", {}),
        ("T:", {}),
        ("T:nan /0", {}),
        ("T:1e9 /0", {}),
        ("echo:T:20.0", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_marlin__temperatures_of_its_words(text: str, told: dict[str, float]) -> None:
    assert temperatures_in(text) == told
