"""Programs after the habits of the tools that write them, for every firmware: each one runs, or is
refused before anything moves, with the line and what would let it pass. No error comes late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import grbl, marlin
from robotq.drivers.base import DriverError
from robotq.drivers.grbl.options import read_options
from robotq.model.errors import ConfigError
from robotq.testing.emulators import Dialect, GrblEmulator, MarlinEmulator
from tests.drivers.gcode.bench import Bench, bench, until

PROGRAMS = sorted((Path(__file__).parents[1] / "programs").iterdir())
FIRMWARES = [*Dialect, "marlin", "reprap"]
CNC = {
    "fusion360", "freecad", "lightburn-grbl", "inkscape", "carbide-create",
    "fusion360-laser", "lightburn-grblhal", "inkscape-laser",
}  # fmt: skip
LIMITS = {"M201": None, "M203": None}
RUNS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    # what the options have to say for it; nothing for all the others that run
    **{(name, firmware): {} for name in CNC for firmware in Dialect},
    ("fusion360-drill", "grblhal"): {"translate": {"G43": None}},
    ("prusaslicer", "marlin"): {"translate": LIMITS},
    ("cura", "marlin"): {},
    ("lightburn-marlin", "marlin"): {},
    ("fusion360", "marlin"): {
        "translate": {"G54": None, "G18": None, "G28": None},
        "refused": "line 19",
    },
    ("freecad", "marlin"): {"translate": {"G54": None}},
    ("inkscape", "marlin"): {},
    ("freecad-marlin", "marlin"): {},
    # its tools have numbers that Grbl refuses
    ("carbide-create-tools", "grbl"): {"translate": {"M6": "M0", "T": None}},
    ("carbide-create-tools", "grblhal"): {},
    ("carbide-create-tools", "fluidnc"): {"allow": ["M6"]},
    ("prusaslicer-arcs", "marlin"): {},
    ("prusaslicer-arcs", "reprap"): {"allow": ["G2", "G3"]},
    ("cura-reprap", "marlin"): {},
    ("cura-reprap", "reprap"): {},
    ("prusaslicer", "reprap"): {"translate": LIMITS, "allow": ["G2"]},
    ("cura", "reprap"): {},
    ("lightburn-marlin", "reprap"): {},
}


def text_of(path: Path) -> Sequence[str]:
    return path.read_text().split("\n")


def run(robot: Bench, lines: Sequence[str]) -> None:
    """A pause of the program is ended by a person."""
    running = robot.start_program(lines)
    while not running.over:
        until(lambda: running.over or robot.driver.status().held)
        if not running.over:
            robot.driver.resume()
    running.result()


def emulator(firmware: str, folder: Path) -> GrblEmulator | MarlinEmulator:
    if firmware in ("marlin", "reprap"):
        return MarlinEmulator(folder / "tty", speed=2000)
    return GrblEmulator(folder / "tty", dialect=Dialect(firmware), speed=2000)


def options(firmware: str, said: Mapping[str, Any]) -> dict[str, Any]:
    of_driver = {"dialect": firmware} if firmware == "reprap" else {}
    return {**of_driver, **{key: said[key] for key in said if key in ("translate", "allow")}}


@pytest.mark.slow
@pytest.mark.parametrize("firmware", FIRMWARES)
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_program__runs_or_is_refused_before_anything_moves(
    tmp_path: Path, firmware: str, path: Path
) -> None:
    create = marlin.create if firmware in ("marlin", "reprap") else grbl.create
    said = RUNS.get((path.stem, firmware))
    with (
        emulator(firmware, tmp_path) as device,
        bench(create, tmp_path, device.port, **options(firmware, said or {})) as robot,
    ):
        if said is not None and "refused" not in said:
            run(robot, text_of(path))
            assert device.axes.moved
            return
        sent = robot.driver.status().details["lines_sent"]
        with pytest.raises(DriverError, match=r"^line \d+: '.+': ") as raised:
            run(robot, text_of(path))
        assert raised.value.code == "bad_parameter"
        assert device.axes.moved == []
        assert robot.driver.status().details["lines_sent"] == sent


@pytest.mark.parametrize(
    ("name", "firmware", "told"),
    [
        ("fusion360-drill", "grbl", r"line 5: 'T3 M6': Grbl 1.1 does not know M6; .*{M6: null}"),
        ("fusion360-drill", "fluidnc", r"line 5: .*M6.*`allow: \[M6\]` says that it has this"),
        ("prusaslicer", "marlin", r"line 8: 'M201 .*allow: \[M201\]"),
        ("cura", "grbl", r"line 7: 'M140 S60': Grbl 1.1 does not know M140"),
        ("lightburn-grbl", "marlin", r"line 4: .*knows it only with CNC_COORDINATE_SYSTEMS"),
        ("carbide-create", "marlin", r"line 7: .*write G53 and G0 on two lines|G53"),
    ],
)
def test_refusal__says_what_would_let_it_pass(
    tmp_path: Path, name: str, firmware: str, told: str
) -> None:
    (path,) = (path for path in PROGRAMS if path.stem == name)
    create = marlin.create if firmware == "marlin" else grbl.create
    with (
        emulator(firmware, tmp_path) as device,
        bench(create, tmp_path, device.port) as robot,
        pytest.raises(DriverError, match=told),
    ):
        run(robot, text_of(path))


def test_tool_change__becomes_a_pause_by_choice(tmp_path: Path) -> None:
    with (
        GrblEmulator(tmp_path / "tty", speed=100) as device,
        bench(grbl.create, tmp_path, device.port, translate={"M6": "M0", "M7": "M8"}) as robot,
    ):
        run(robot, ["G0 X1", "T2 M6", "M7", "G0 X2"])
        assert [line for line in device.taken if line[0] in "TM"] == ["T2", "M0", "M8"]


def test_spindle_of_a_cnc_program__becomes_the_fan_output_of_a_marlin(tmp_path: Path) -> None:
    how = {"M3": "M106 S{S}", "M5": ["M107", "G4 P10"]}
    with (
        MarlinEmulator(tmp_path / "tty", speed=100) as device,
        bench(marlin.create, tmp_path, device.port, translate=how) as robot,
    ):
        run(robot, ["M3 S200", "G1 X1 F600", "M5 G0 X2"])
        taken = [line for line in device.taken if line[0] in "GM"]
        start = taken.index("M106 S200")
        assert taken[start : start + 5] == ["M106 S200", "G1 X1 F600", "M107", "G4 P10", "G0 X2"]
        with pytest.raises(DriverError, match=r"line 2: 'M3': M3 has no S"):
            run(robot, ["G1 X3", "M3"])


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"translate": {"M6": "M999"}}, "does not know M999"),
        ({"translate": {"hello": None}}, "expected codes such as"),
        ({"allow": ["M3 S5"]}, "expected codes such as"),
        ({"allow": ["M3"], "deny": ["M3"]}, "under deny too"),
        ({"dialect": "smoothie"}, "one of auto"),
    ],
)
def test_options__are_checked_when_they_are_loaded(said: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read_options("gantry", {"port": "/dev/gantry", **said})


def test_another_firmware__than_the_configuration_says_gets_nothing(tmp_path: Path) -> None:
    with (
        GrblEmulator(tmp_path / "tty", dialect=Dialect.FLUIDNC) as device,
        bench(grbl.create, tmp_path, device.port, dialect="grbl") as robot,
        pytest.raises(DriverError, match=r"says Grbl 1.1, and the controller is FluidNC"),
    ):
        robot.run(["G0 X1"])


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_axis__that_the_machine_does_not_have_is_refused(tmp_path: Path, firmware: str) -> None:
    create = marlin.create if firmware in ("marlin", "reprap") else grbl.create
    with (
        emulator(firmware, tmp_path) as device,
        bench(create, tmp_path, device.port, **options(firmware, {})) as robot,
    ):
        with pytest.raises(DriverError, match=r"line 2: 'G1 A5': .*A"):
            robot.run(["G1 X1 F6000", "G1 A5"])
        assert device.axes.moved == []


@pytest.mark.parametrize(
    "line", ["M115 U3.13.2 ; latest firmware", 'M862.3 P "MK3S"', 'M486 A"part.stl"', "M73 P5 @"]
)
def test_line__whose_words_nobody_can_read_can_be_left_out(tmp_path: Path, line: str) -> None:
    code = line.split(maxsplit=1)[0]
    with MarlinEmulator(tmp_path / "tty", speed=100) as device:
        with (
            bench(marlin.create, tmp_path, device.port) as robot,
            pytest.raises(DriverError, match=rf"line 2: .*translate: {{{code}: null}}"),
        ):
            run(robot, ["G1 X1 F6000", line])
        assert device.axes.moved == []
        with bench(marlin.create, tmp_path, device.port, translate={code: None}) as robot:
            run(robot, ["G1 X1 F6000", line])
        assert device.axes.position[0] == 1.0


def test_outputs__of_a_descendant_are_set_where_the_site_has_them(tmp_path: Path) -> None:
    class Site(GrblEmulator):
        def take(self, data: bytes) -> None:
            super().take(data.replace(b"M67 E0 Q50", b"M8"))

    with (
        Site(tmp_path / "tty", dialect=Dialect.GRBLHAL, speed=100) as device,
        bench(grbl.create, tmp_path, device.port, allow=["M67"]) as robot,
    ):
        run(robot, ["M67 E0 Q50", "G0 X1"])
        assert device.modes.coolant
        with pytest.raises(DriverError, match=r"line 1: 'G1 X1 E0.5': .*E"):
            run(robot, ["G1 X1 E0.5"])
