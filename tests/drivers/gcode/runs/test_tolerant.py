"""What every firmware or every tool takes for granted is taken; what is refused names the line, the
rule and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotq.drivers import grbl
from robotq.drivers.base import DriverError
from robotq.drivers.gcode.reader.dialect import Site
from robotq.drivers.gcode.reader.dialects.grbl import GRBL
from robotq.drivers.gcode.reader.dialects.marlin import MARLIN
from robotq.drivers.gcode.reader.lines import prepare
from robotq.drivers.text_lines import split_lines
from robotq.testing.emulators import Dialect, GrblEmulator
from tests.drivers.gcode.bench import bench

BOTH = {"grbl": GRBL.for_programs(), "marlin": MARLIN.for_programs()}


def sent(firmware: str, text: str) -> list[str]:
    return [line.text for line in prepare(split_lines(text), BOTH[firmware])]


def checked(line: str) -> str:
    total = 0
    for byte in line.encode():
        total ^= byte
    return f"{line}*{total}"


@pytest.mark.parametrize("firmware", BOTH)
@pytest.mark.parametrize(
    "text",
    [
        "\ufeffG1 X1 F100\r\n",
        "G1 X1 F100\n\x00\x00\x00",
        "G1 X1 F100\n\x1a",
        "G1 X1 F100\x1a",
        "%\nO1000 (part)\nG1 X1 F100\n%",
        "%part of three\nG1 X1 F100",
        "(a (small (nested)) note) G1 X1 F100",
        "G1 X1 (there) F100 ; and (back",
        "$I\n$G\n?\nG1 X1 F100",
        "N10 G1 X1 F100",
        "N10G1 X1 F100",
        checked("N10 G1 X1 F100") + "\n" + checked("N20"),
        "g1 x1 f100",
        "G1" + " " * 90 + "X1" + " " * 90 + "F100",
        "G1 X1 F100\nM30\nG1 X99 this is no G-code",
        "G1 X1 F100\nM2",
    ],
)
def test_program__means_one_motion(firmware: str, text: str) -> None:
    lines = [line for line in sent(firmware, text) if line not in ("M30", "M2")]
    assert ["".join(line.split()) for line in lines] == ["G1X1F100"]


@pytest.mark.parametrize("firmware", BOTH)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("N10 G1 X1*11", r"line 1: .*checksum"),
        ("G1 X1\nG1 X2)", r"line 2: 'G1 X2\)': '\)' is not a word"),
        ("G1 X1 (open", r"line 1: .*without `\)`"),
        ("G1 X1\n%G1 X9", r"line 2: '%G1 X9': .*not a word"),
        ("//G1 X5", r"line 1: '//G1 X5': .*block_delete"),
        ("G1 X1\x00 Y2", r"line 1: .*not a word"),
        ('M98 P"x.g"', r"line 1: .*`translate: {M98: null}` leaves it out"),
        ("G1 X1\nM6 T2", r"line 2: 'M6 T2': .*"),
        ("G1 X1\n$H", r"line 2: '\$H': a \$ command is no line of a program"),
        ("$110=500\nG1 X1", r"line 1: '\$110=500': a \$ command"),
        ("G1 X1\n" + "\n" * 7 + "M999", r"line 9: 'M999': .*M999"),
    ],
)
def test_refusal__quotes_the_line_of_the_user(firmware: str, text: str, told: str) -> None:
    with pytest.raises(DriverError, match=told):
        sent(firmware, text)


def test_end_of_a_program__is_not_sent_where_it_is_not_known() -> None:
    assert sent("marlin", "G1 X1 F100\nM30") == ["G1 X1 F100"]
    assert sent("grbl", "G1 X1 F100\nM30") == ["G1 X1 F100", "M30"]
    # with a name behind it, it deletes a file there
    with pytest.raises(DriverError, match="line 1"):
        sent("marlin", "M30 part.gco")


def test_pause__keeps_the_words_for_the_person() -> None:
    assert sent("marlin", "M0 Turn the part\nm1 S5") == ["M0 Turn the part", "M1 S5"]
    assert sent("grbl", "M0 (Turn the part)") == ["M0"]


def test_allowed_code__is_sent_although_no_table_has_it() -> None:
    rules = GRBL.for_programs(Site(allowed=frozenset({"M700", "G10"})))
    lines = [line.text for line in prepare(["M700 P1 S2", "G10 L20 P1 X0"], rules)]
    assert lines == ["M700 P1 S2", "G10 L20 P1 X0"]


@pytest.mark.parametrize("dialect", [Dialect.GRBL, Dialect.FLUIDNC])
def test_axes_of_g28_and_g92__before_the_first_motion(tmp_path: Path, dialect: Dialect) -> None:
    """Fusion 360 begins so. Every command begins with G80, and with it in effect Grbl refuses these
    axes too (error:31)."""
    with (
        GrblEmulator(tmp_path / "tty", dialect=dialect, speed=100) as device,
        bench(grbl.create, tmp_path, device.port, allow=["G92"]) as robot,
    ):
        robot.run(["G28 G91 Z0.", "G90", "G92 X0 Y0", "G0 X1", "G80", "G28 X0", "G0 X2 Y3"])
        at = device.taken.index("G28 G91 Z0.")
        assert [device.taken[at - 1], device.taken[at + 1]] == ["G0", "G80"]
        assert device.axes.position[:2] == (2.0, 3.0)
        # what coordinates mean is not known all the same
        for lines in (["G28 Z0", "X5"], ["G0 X1", "G80", "G92 X0", "X5"], ["G80 G28 X0"]):
            with pytest.raises(DriverError, match=r"line \d: .*error:31"):
                robot.run(lines)
        assert device.axes.position[:2] == (2.0, 3.0)
