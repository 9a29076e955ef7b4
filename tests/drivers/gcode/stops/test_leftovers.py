"""Programs as CAM writes them: block delete, texts, feeds that are forgotten, what is left on."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotq.drivers import grbl, marlin
from robotq.drivers.base import DriverError, DriverFactory, Stopped
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from tests.drivers.gcode.bench import bench, until
from tests.drivers.gcode.stopping import moves

Emulator = type[GrblEmulator] | type[MarlinEmulator]
BOTH = pytest.mark.parametrize(
    ("factory", "emulator"),
    [(grbl.create, GrblEmulator), (marlin.create, MarlinEmulator)],
    ids=["grbl", "marlin"],
)
DELETABLE = ["G1 X1 F6000", "/G1 X2", "N30 / G1 X3", "G1 Y4"]


@BOTH
def test_block_delete__is_refused_with_its_line_and_the_option(
    tmp_path: Path, factory: DriverFactory, emulator: Emulator
) -> None:
    with (
        emulator(tmp_path / "port", speed=100) as device,
        bench(factory, tmp_path, device.port) as robot,
    ):
        with pytest.raises(DriverError, match=r"line 2: '/G1 X2': .*block_delete"):
            robot.run(DELETABLE)
        assert not device.axes.moved


@BOTH
@pytest.mark.parametrize(("choice", "x"), [("skip", 1.0), ("run", 3.0)])
def test_block_delete__as_the_site_wants_it(
    tmp_path: Path, factory: DriverFactory, emulator: Emulator, choice: str, x: float
) -> None:
    with (
        emulator(tmp_path / "port", speed=100) as device,
        bench(factory, tmp_path, device.port, block_delete=choice) as robot,
    ):
        robot.run(DELETABLE)
        assert device.axes.position[:2] == (x, 4.0)


@pytest.mark.parametrize("text", ["Printing: 12 %", "x1e5 Done (almost)", "", "G1 X5"])
def test_m117__keeps_the_letters_of_its_text_and_moves_nothing(tmp_path: Path, text: str) -> None:
    with (
        MarlinEmulator(tmp_path / "port", speed=100) as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        robot.run([f"m117 {text}", "G1 X1 F6000"])
        said = text.replace(" (almost)", "")
        assert f"M117 {said}".strip() in device.taken
        assert device.axes.position == (1.0, 0.0, 0.0)


def test_m117__with_what_marlin_takes_for_a_checksum(tmp_path: Path) -> None:
    with (
        MarlinEmulator(tmp_path / "port") as device,
        bench(marlin.create, tmp_path, device.port) as robot,
        pytest.raises(DriverError, match="line 1"),
    ):
        robot.run(["M117 3*4", "G1 X1 F600"])


def test_grbl__without_a_feed_after_a_reset_is_refused_before_its_first_line(
    tmp_path: Path,
) -> None:
    with (
        GrblEmulator(tmp_path / "port") as device,
        bench(grbl.create, tmp_path, device.port) as robot,
    ):
        with pytest.raises(DriverError, match=r"line 3: 'G1 X2': no feed"):
            robot.run(["G0 X1", "G4 P0", "G1 X2"])
        assert not device.axes.moved
        robot.run(["G0 X1", "G1 X2 F6000"])
        # the feed of the command before is in effect
        robot.run(["G1 X3"])
        running = robot.start_program(moves(6, 1500))
        until(lambda: bool(device.axes.blocks))
        robot.driver.stop()
        with pytest.raises(Stopped):
            running.result()
        with pytest.raises(DriverError, match="no feed"):
            robot.run(["G1 X3"])
        robot.run(["G93 G1 X3 F60", "G0 X1"])
    with (
        GrblEmulator(tmp_path / "port", speed=10) as device,
        bench(grbl.create, tmp_path, device.port, feed=600) as robot,
    ):
        robot.run(["G1 X2"])


def test_marlin__is_all_off_after_a_cancel(tmp_path: Path) -> None:
    lines = ["M3 S200", "M106 S255", "M104 S200", "M140 S60", *moves(40, 6000)]
    with (
        MarlinEmulator(tmp_path / "port") as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        running = robot.start_program(lines)
        until(lambda: device.axes.full)
        assert set(device.on) == {"spindle", "fan", "nozzle", "bed"}
        robot.driver.stop()
        with pytest.raises(Stopped):
            running.result()
        assert device.on == {}


def test_marlin__that_was_left_in_inches_moves_in_millimetres(tmp_path: Path) -> None:
    with (
        MarlinEmulator(tmp_path / "port", speed=100) as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        robot.run(["G20", "G1 X1 F600"])
        assert device.axes.position[0] == pytest.approx(25.4)
        robot.run(["G1 X1 F600"])
        assert device.axes.position[0] == pytest.approx(1.0)


def test_backslash_in_a_text__is_left_out_as_by_marlin(tmp_path: Path) -> None:
    """Marlin leaves it out before it looks at the checksum, and would ask for the line for ever."""
    with (
        MarlinEmulator(tmp_path / "tty", speed=100) as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        robot.run(["M117 C:\\parts\\lid.nc", "G1 X1 F6000"])
        assert "M117 C:partslid.nc" in device.taken
