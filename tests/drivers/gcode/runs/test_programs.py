"""Programs that people bring: what they mean is what moves, or they are refused before it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import filterfalse
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from robotq.drivers import grbl, marlin
from robotq.drivers.base import DriverError, Stopped, UncertainOutcome
from robotq.drivers.gcode.reader.dialects.grbl import GRBL as PLAIN_GRBL
from robotq.drivers.gcode.reader.lines import Rules, prepare
from robotq.drivers.grbl.protocol import Ok as GrblOk
from robotq.drivers.grbl.protocol import Status
from robotq.drivers.grbl.protocol import parse as grbl_said
from robotq.drivers.marlin.talk.protocol import Complaint, Halted, Position, Resend
from robotq.drivers.marlin.talk.protocol import Ok as MarlinOk
from robotq.drivers.marlin.talk.protocol import parse as marlin_said
from robotq.drivers.steps.values import _number_or_text, program_lines
from robotq.drivers.text_lines import split_lines
from robotq.model.json import JsonObject
from robotq.testing.emulators import GrblEmulator, MarlinEmulator
from tests.drivers.gcode.bench import PROGRAM_SCHEMA, RUN_GCODE, Bench, bench, until

GRBL = Rules(longest=79, letters=PLAIN_GRBL.rules.letters, denied={"M3": "no spindle here"})


def run(robot: Bench, text: str) -> None:
    robot.do(RUN_GCODE, {"program": text}, schema=PROGRAM_SCHEMA)


# what is read


@pytest.mark.parametrize("line", ["G1 X1e-05 Y2", "G1 X1E5", "G1 X.5e+2", "G1 X5.E1"])
@pytest.mark.parametrize("rules", [GRBL, Rules(longest=80, bare_words=True)])
def test_exponents__are_refused_with_their_place(line: str, rules: Rules) -> None:
    with pytest.raises(DriverError, match=r"line 2: .*an exponent is not G-code"):
        prepare(["G21", line], rules)


def test_a_letter_e__that_stands_by_itself_is_an_extruder() -> None:
    (line,) = prepare(["G1 X1 E0.5"], Rules(longest=80, bare_words=True))
    assert line.text == "G1 X1 E0.5"
    with pytest.raises(DriverError, match="does not know the letter E"):
        prepare(["G1 X1 E0.5"], GRBL)


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
@pytest.mark.parametrize("start", ["; a note", "( a note"])
def test_comments__end_where_the_line_ends_for_a_controller(odd: str, start: str) -> None:
    end = ")" if start[0] == "(" else ""
    for program in (f"{start}{odd}G0 X7{end}\nG0 X1", [f"{start}{odd}G0 X7{end}", "G0 X1"]):
        assert [line.text for line in prepare(program_lines(program), GRBL)] == ["G0 X1"]


@pytest.mark.parametrize(
    "line",
    [
        "G0 X\uff17",
        "\uff27\uff10 X7",
        "G0 X7\u2028",
        "G0\xa0X7",
        "M\uff13 S1000",
        "G0 X\u0667",
        "M3\u0131",
        "\u017f500",
    ],
)
def test_other_scripts__are_refused_by_place_wherever_they_stand(line: str) -> None:
    with pytest.raises(DriverError, match=r"line 401: .* is not ASCII"):
        prepare([*["G0 X1"] * 400, line], GRBL)
    with pytest.raises(DriverError, match="line 1"):
        prepare([line], GRBL)


def test_what_comes_behind_the_end_of_a_program__is_not_sent() -> None:
    lines = prepare(["G0 X1", "M30", "G0 X99", "this is no G-code"], GRBL)
    assert [line.text for line in lines] == ["G0 X1", "M30"]


def test_byte_order_mark__belongs_to_no_line() -> None:
    assert [line.text for line in prepare(split_lines("\ufeffG0 X1\r\nG0 X2\r"), GRBL)] == [
        "G0 X1",
        "G0 X2",
    ]


# a small reader of its own, as the standard and as the firmware reads


def firmware(line: str) -> list[tuple[str, Decimal]]:
    """As Grbl: capitals, no blanks, words of one letter and one number."""
    squeezed = line.upper().replace(" ", "").replace("\t", "")
    words = re.findall(r"([A-Z])([+-]?[0-9]*\.?[0-9]*)", squeezed)
    assert "".join(letter + number for letter, number in words) == squeezed
    return [(letter, Decimal(number)) for letter, number in words]


def is_a_name(line: str) -> bool:
    """Of a program, behind the sign of its beginning."""
    named = line.isascii() and re.fullmatch(r"[ \t]*%[^%(;]*", line)
    return bool(named) and not re.search(r"[GMXYZ][ \t]*[-+.0-9]", line, re.IGNORECASE)


def standard(  # noqa: C901 - one case for each character
    text: str,
) -> list[list[tuple[str, Decimal]]] | None:
    """By RS274: comments out, line numbers out, each word a letter and a number; None: not so. A
    sign of beginning and end may have a name behind it."""
    lines = []
    for raw in filterfalse(is_a_name, re.split("\r\n|\n|\r", text)):
        bare, inside = "", False
        for character in raw:
            if not inside and character == ";":
                break
            if character == "(":
                if inside:
                    return None
                inside = True
            elif character == ")":
                if not inside:
                    return None
                inside = False
            elif not inside:
                bare += character
        if inside or not bare.isascii():
            return None
        bare = bare.strip(" \t").upper()
        if bare in ("", "%"):
            continue
        found = re.findall(r"([A-Z])[ \t]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))[ \t]*", bare)
        if found and found[0][0] == "N":
            found = found[1:]
        lines.append([(letter, Decimal(number)) for letter, number in found])
        if {("M", Decimal(2)), ("M", Decimal(30))} & set(lines[-1]):
            break
    return [line for line in lines if line]


PIECES = st.sampled_from(
    ["G0", "G1", "g01", "X1", "x-2.5", "Y.5", "Z+3.", "F600", "N10 ", "M30", "M3", "M\uff13", "\n",
     "\r\n", "\r", " ", "\t", "(", ")", ";", "\u2028", "\x0c", "\x85", "%", "e-5", "E2", "X\uff11",
     "1_0", "\xa0", "\u0131", "/", "$H", "!", "?"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=40))
@example("%)")
@example("%g01")
def test_program__moves_as_the_text_says_or_is_refused(text: str) -> None:
    try:
        sent = [line.text for line in prepare(program_lines(text), GRBL)]
    except DriverError as error:
        assert error.code == "bad_parameter"
        return
    for line in sent:
        line.encode("ascii")
        assert not set("\r\n!?~$\x18") & set(line)
    assert [firmware(line) for line in sent] == standard(text.removeprefix("\ufeff"))
    assert not any(("M", Decimal(3)) in firmware(line) for line in sent), "it is denied"


# what one command leaves to the next


@pytest.fixture
def device(tmp_path: Path) -> GrblEmulator:
    return GrblEmulator(tmp_path / "ttyUSB0", speed=100)


@pytest.mark.parametrize(
    "before",
    ["G91\nG1 X5 F600", "G20\nG1 X1 F60", "G92 X7", "G55\nG0 X1", "G18", "G93\nG1 X1 F60", "G80"],
)
@pytest.mark.parametrize("step", ["G1 X5 F6000", "G0 X5"])
def test_next_command__begins_in_known_modes(
    device: GrblEmulator, tmp_path: Path, before: str, step: str
) -> None:
    device.systems["55"] = (50.0, 0.0, 0.0)
    with device, bench(grbl.create, tmp_path, device.port) as robot:
        run(robot, before)
        robot.do([{"gcode": step}])
        assert device.axes.position[0] == pytest.approx(5)
        modes = device.modes
        assert (modes.plane, modes.feed_mode, modes.system) == ("17", "94", "54")


def test_modes__are_kept_by_choice_and_within_one_command(
    device: GrblEmulator, tmp_path: Path
) -> None:
    with device, bench(grbl.create, tmp_path, device.port, modes="keep") as robot:
        run(robot, "G91\nG0 X5")
        run(robot, "G0 X5")
        assert device.axes.position[0] == 10
    with device_again(tmp_path) as other, bench(grbl.create, tmp_path, other.port) as robot:
        robot.do([{"gcode": "G91"}, {"gcode": "G0 X5"}, {"gcode": "G0 X5"}])
        assert other.axes.position[0] == 10


def device_again(folder: Path) -> GrblEmulator:
    return GrblEmulator(folder / "ttyUSB1", speed=100)


@pytest.mark.parametrize("end", ["M2", "m02", "N9 M2 ; the end"])
def test_end_of_a_program__on_marlin_that_does_not_know_it(tmp_path: Path, end: str) -> None:
    with (
        MarlinEmulator(tmp_path / "tty", speed=100) as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        run(robot, f"G1 X5 F6000\n{end}\nG1 X9")
        assert device.axes.position[0] == 5


@pytest.mark.parametrize("before", ["G91\nG1 X5 F600"])
def test_next_command__on_marlin_too(tmp_path: Path, before: str) -> None:
    with (
        MarlinEmulator(tmp_path / "tty", speed=100) as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        run(robot, before)
        robot.do([{"gcode": "G1 X5 F6000"}])
        assert device.axes.position[0] == 5


def test_feed__of_the_options_counts_after_a_reset_too(
    device: GrblEmulator, tmp_path: Path
) -> None:
    with device, bench(grbl.create, tmp_path, device.port, feed=1200) as robot:
        robot.driver.stop()
        run(robot, "G1 X3")
        assert device.axes.position[0] == 3


# ends


@pytest.mark.parametrize("text", ["", "\n\n", "; nothing\n(here)", "%\n%"])
def test_empty_program__is_refused(device: GrblEmulator, tmp_path: Path, text: str) -> None:
    with (
        device,
        bench(grbl.create, tmp_path, device.port) as robot,
        pytest.raises(DriverError, match="no line"),
    ):
        run(robot, text)


def test_progress__of_a_completed_program_is_all_of_it(
    device: GrblEmulator, tmp_path: Path
) -> None:
    with device, bench(grbl.create, tmp_path, device.port) as robot:
        running = robot.start_program(["G0 X1", "G0 X2"])
        running.result()
        assert running.context.fractions[-1] == 1.0


@pytest.mark.slow
def test_cancel_while_a_long_program_is_read__is_certain_and_nothing_was_sent(
    device: GrblEmulator, tmp_path: Path
) -> None:
    with device, bench(grbl.create, tmp_path, device.port) as robot:
        sent = robot.driver.status().details["lines_sent"]
        running = robot.start_program(["G1 X1.234 Y2.345 F600 (a long program)"] * 900_000)
        until(lambda: bool(running.context.fractions))
        robot.driver.stop()
        with pytest.raises(Stopped):
            running.result(3.0)
        assert robot.driver.status().details["lines_sent"] == sent
        run(robot, "G0 X1")


@pytest.mark.slow
def test_emergency_stop_while_a_long_program_is_read__is_prompt(
    device: GrblEmulator, tmp_path: Path
) -> None:
    with device, bench(grbl.create, tmp_path, device.port) as robot:
        running = robot.start_program(["G1 X1.234 Y2.345 F600 (a long program)"] * 900_000)
        until(lambda: bool(running.context.fractions))
        resets = device.resets
        robot.driver.emergency_stop()
        until(lambda: device.resets > resets, 1.0)
        with pytest.raises(Stopped):
            running.result(3.0)
        assert device.axes.moved == []


# what stays on, what is not known


def failing(
    device: GrblEmulator | MarlinEmulator, robot: Bench, steps: Sequence[JsonObject]
) -> None:
    with pytest.raises((DriverError, UncertainOutcome)):
        robot.do(steps)
    assert not device.axes.blocks


def test_after_a_failure__spindle_and_coolant_are_off(device: GrblEmulator, tmp_path: Path) -> None:
    steps: list[JsonObject] = [{"gcode": ["M3 S1000", "M8", "G0 X1"]}, {"fail": "no bottle"}]
    with device, bench(grbl.create, tmp_path, device.port) as robot:
        failing(device, robot, steps)
        assert not device.modes.spindle
        assert not device.modes.coolant


def test_after_a_failure__a_gripper_on_the_spindle_output_stays_closed_by_choice(
    device: GrblEmulator, tmp_path: Path
) -> None:
    with device, bench(grbl.create, tmp_path, device.port, after_failure=[]) as robot:
        failing(device, robot, [{"gcode": "M3 S1000"}, {"fail": "no bottle"}])
        assert device.modes.spindle


def test_after_a_cancel__the_spindle_is_off(device: GrblEmulator, tmp_path: Path) -> None:
    with device, bench(grbl.create, tmp_path, device.port) as robot:
        running = robot.start_program(["M3 S1000", "G1 X900 F600"])
        until(lambda: bool(device.axes.blocks))
        robot.driver.stop()
        with pytest.raises(Stopped):
            running.result()
        assert not device.modes.spindle


def test_position__is_unknown_until_the_work_offset_was_told(
    device: GrblEmulator, tmp_path: Path
) -> None:
    device.reports.tells_offset = False
    with device, bench(grbl.create, tmp_path, device.port) as robot:
        details = robot.driver.status().details
        assert "x_mm" not in details
        assert "unknown" in details["work_position"]
        device.reports.tells_offset = True
        device.reports.made = 0
        until(lambda: "x_mm" in robot.driver.status().details)


def test_reports_in_inches__are_no_link(device: GrblEmulator, tmp_path: Path) -> None:
    device.inches = True
    with (
        device,
        pytest.raises(UncertainOutcome, match=r"\$13 has to be 0"),
        bench(grbl.create, tmp_path, device.port),
    ):
        pass


def test_steps_that_only_calculate__can_be_stopped(device: GrblEmulator, tmp_path: Path) -> None:
    inner = [{"for_each": 10000, "steps": [{"set": {"b": "{1 + 1}"}}]}]
    steps = [{"step": "THINKING", "for_each": 10000, "steps": inner}]
    with device, bench(grbl.create, tmp_path, device.port) as robot:
        running = robot.start(steps)
        until(lambda: bool(running.context.steps))
        robot.driver.stop()
        with pytest.raises(Stopped):
            running.result(3.0)


def test_texts_that_double__end_as_a_failure(device: GrblEmulator, tmp_path: Path) -> None:
    steps: list[JsonObject] = [{"set": {"a": "xxxxxxxx"}},
             {"for_each": 60, "steps": [{"set": {"a": "{a}{a}"}}]}]  # fmt: skip
    with (
        device,
        bench(grbl.create, tmp_path, device.port) as robot,
        pytest.raises(DriverError, match="more than"),
    ):
        robot.do(steps)


@pytest.mark.slow
def test_a_line_without_end__is_refused_at_once() -> None:
    for line in ("X" + "1" * 2_000_000, "(" * 1_000_000, "X1 " * 400_000, "N" + "1" * 1_000_000):
        with pytest.raises(DriverError):
            prepare([line], GRBL)


def test_a_probe_as_a_query__begins_in_known_modes_too(
    device: GrblEmulator, tmp_path: Path
) -> None:
    with device, bench(grbl.create, tmp_path, device.port) as robot:
        run(robot, "G91\nG0 X5")
        with pytest.raises(DriverError, match="answered with nothing"):
            robot.do([{"query": {"line": "G1 X5 F6000", "expect": "PRB"}}])
        assert device.axes.position[0] == 5


def test_answers__with_digits_of_other_scripts_are_texts() -> None:
    assert [_number_or_text(text) for text in ("1_0", "\uff17", "nan", "1e3", "-2.5", "7")] == [
        "1_0",
        "\uff17",
        "nan",
        "1e3",
        -2.5,
        7,
    ]


@pytest.mark.parametrize("noise", ["ok\x85", "ok\u2028", "ok\x1c", "\xa0ok"])
def test_damaged_acknowledgement__is_none(noise: str) -> None:
    assert not isinstance(grbl_said(noise.encode()), GrblOk)
    assert not isinstance(marlin_said(noise.encode()), MarlinOk)


@pytest.mark.parametrize("digits", ["\uff17", "\u0667"])
def test_reports_with_digits_of_other_scripts__are_no_reports(digits: str) -> None:
    assert not isinstance(grbl_said(f"<Idle|MPos:{digits},0,0>".encode()), Status)
    assert not isinstance(grbl_said(f"<Hold:{digits}|MPos:1,0,0>".encode()), Status)
    assert not isinstance(marlin_said(f"X:{digits} Y:1.0".encode()), Position)
    assert not isinstance(marlin_said(f"Resend: {digits}".encode()), Resend)


def test_two_exclamation_marks__are_an_error_and_halted_only_where_it_says_so() -> None:
    assert isinstance(marlin_said(b"!! Move out of range: 400.0 0.0 0.0"), Complaint)
    assert isinstance(marlin_said(b"!! Printer is halted"), Halted)


@pytest.mark.parametrize("parser", [True, False])
def test_after_a_cancel__laser_and_fan_of_marlin_are_off(tmp_path: Path, parser: bool) -> None:
    with (
        MarlinEmulator(tmp_path / "tty", speed=10, emergency_parser=parser) as device,
        bench(marlin.create, tmp_path, device.port) as robot,
    ):
        running = robot.start_program(["M106 S255", "M3 S200", "G1 X30 F6000", "G1 X90 F6000"])
        until(lambda: bool(device.axes.blocks))
        robot.driver.stop()
        with pytest.raises(Stopped):
            running.result()
        assert device.taken.index("M5") > device.taken.index("M3 S200")
        assert device.taken.index("M107") > device.taken.index("M106 S255")


def test_after_a_failure__a_code_that_marlin_does_not_know_keeps_none_of_the_others(
    tmp_path: Path,
) -> None:
    with (
        MarlinEmulator(tmp_path / "tty", speed=10) as device,
        bench(marlin.create, tmp_path, device.port, after_failure=["M9", "M107"]) as robot,
    ):
        failing(device, robot, [{"gcode": "M106 S255"}, {"fail": "no bottle"}])
        assert "M107" in device.taken
