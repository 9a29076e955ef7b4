"""What a program comes to: compared with what can be worked out on paper, and with the machine."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from robotq.drivers.base import DriverError
from robotq.drivers.gcode.programs.handed_in import judged
from robotq.drivers.gcode.reader.dialects.grbl import DIALECTS, FAMILY
from robotq.drivers.gcode.reader.dialects.marlin import MARLIN
from robotq.drivers.gcode.reader.rules import UNKNOWN, Rules
from robotq.steps import read_program

GRBL = replace(DIALECTS["grbl"].for_programs(), start=FAMILY.known)
GRBLHAL = replace(DIALECTS["grblhal"].for_programs(), start=FAMILY.known)
ARM = replace(MARLIN.for_programs(), start=MARLIN.known)
SCHEMA = {"type": "object", "properties": {
    "program": {"type": "string"}, "dry": {"type": "boolean"}, "times": {"type": "integer"},
}}  # fmt: skip


def of(
    program: str,
    rules: Rules = GRBL,
    steps: Sequence[Any] = ({"program": "params.program"},),
    *,
    known: bool = True,
    **params: Any,
) -> Any:
    read, wrong = read_program(list(steps), schema=SCHEMA, values={})
    assert not list(wrong)
    rules = rules if known else replace(rules, start=UNKNOWN)
    return judged(read, {"program": program, **params}, rules, known=known, look=lambda _: None)


@pytest.mark.parametrize(
    ("program", "box"),
    [
        ("G1 X10 Y-5 F600\nX-3\n", {"x": [-3, 10], "y": [-5, -5]}),
        ("G20\nG1 X1 F10\n", {"x": [25.4, 25.4]}),
        # from where it stands nobody knows how far it goes
        ("G91\nG1 X10 F600\n", {}),
        ("G1 X10 F600\nG91\nX5\nX-20\n", {"x": [-5, 15]}),
        # a half circle reaches beyond both of its ends
        ("G1 X0 Y0 F600\nG2 X10 Y0 I5 J0\n", {"x": [0, 10], "y": [0, 5]}),
        ("G1 X0 Y0 F600\nG3 X10 Y0 I5 J0\n", {"x": [0, 10], "y": [-5, 0]}),
        ("G1 X0 Y0 F600\nG2 X10 Y10 R10\n", {"x": [0, 10], "y": [0, 10]}),
        ("G1 X0 Y0 F600\nG2 X10 Y10 R-10\n", {"x": [-10, 10], "y": [0, 20]}),
        ("G1 X10 Y0 F600\nG2 X10 Y0 I-10\n", {"x": [-10, 10], "y": [-10, 10]}),
        # seen from +Y, with Z to the right and X upwards (grbl gcode.c: G18 is the plane ZX)
        ("G18\nG1 X0 Z0 F600\nG2 X10 Z0 I5 K0\n", {"x": [0, 10], "z": [-5, 0]}),
        # coordinates of the machine are other ones
        ("G1 X10 F600\nG53 G0 Z-2\n", {"x": [10, 10]}),
        # what G28 has been asked for is no motion code: X20 is the G1 from before
        ("G1 X10 F600\nG28\nX20\n", {"x": [10, 20]}),
        ("G92 X0\nG1 X3 F600\n", {"x": [3, 3]}),
        ("G4 P3\n", {}),
    ],
)
def test_box__is_what_the_tool_reaches(program: str, box: Any) -> None:
    assert of(program)["box_mm"] == {
        axis: pytest.approx(ends, abs=1e-3) for axis, ends in box.items()
    }


@pytest.mark.parametrize(
    ("program", "rules", "seconds"),
    [
        ("G1 X0 F600\nX10\n", GRBL, 1),
        ("G20\nG1 X0 F60\nX1\n", GRBL, 1),
        ("G1 X0 Y0 F600\nG2 X10 Y0 I5 J0\n", GRBL, math.pi * 5 / 10),
        ("G1 X0 Y0 Z0 F600\nG3 X0 Y0 Z3 I5 J0\n", GRBL, math.hypot(math.pi * 10, 3) / 10),
        ("G4 P1.5\n", GRBL, 1.5),
        ("G4 P1500\nG4 S2\n", ARM, 3.5),
        ("G0 X0\nX100\n", GRBL, 100 / 5000 * 60),
        ("G0 X0 F600\nG0 X100\n", ARM, 10),
        ("G93\nG1 X5 F30\nX6 F60\n", GRBL, 3),
        ("G81 X1 Y1 Z-2 R1 F60\nX2\n", GRBLHAL, 3),
        ("G91\nG1 X10 F600\nX-10\n", GRBL, 2),
    ],
)
def test_estimate__is_ways_by_feeds_and_dwells(program: str, rules: Rules, seconds: float) -> None:
    assert of(program, rules)["estimate_s"] == pytest.approx(seconds, abs=0.051)


def test_questions__are_where_this_firmware_waits() -> None:
    program = "G1 X1 F600\nM0\nM1\nG1 X2\nM0\n"
    here, there = of(program), of(program, ARM)
    assert [one["line"] for one in here["questions"]] == [2, 5]
    assert [one["code"] for one in there["questions"]] == ["M0", "M1", "M0"]
    many = of("G1 X1 F600\n" + "M0\n" * 150)
    assert (len(many["questions"]), many["questions_in_all"]) == (100, 150)


def test_text_of_a_line__is_no_tool_and_no_coordinate() -> None:
    told = of("G1 X1 F600\nM117 T5 X900\n", ARM)
    assert (told["tools"], told["box_mm"]) == ([], {"x": [1, 1]})


def test_modes_that_nobody_knows__make_no_box_until_the_program_says_them() -> None:
    assert of("G1 X10 F600\n", known=False)["box_mm"] == {}
    assert of("G21 G90\nG1 X10 F600\n", known=False)["box_mm"] == {"x": [10, 10]}


PROGRAM = {"program": "params.program"}


@pytest.mark.parametrize(
    ("steps", "params"),
    [
        ([PROGRAM], {}),
        ([{"home": True}, {"step": "RUNNING", "steps": [PROGRAM]}], {}),
        ([{"when": "params.dry != true", "program": "params.program"}], {"dry": False}),
        ([PROGRAM, {"gcode": "M5"}], {}),
        ([{"wait_s": 1}, PROGRAM], {}),
    ],
)
def test_steps__that_carry_it_out_for_sure_are_judged(steps: Any, params: Any) -> None:
    assert of("G1 X1 F600\n", steps=steps, **params)["lines"] == 1
    with pytest.raises(DriverError) as refused:
        of("G1 X1 F600\nM2000\n", steps=steps, **params)
    assert (refused.value.code, refused.value.args_["line"]) == ("program_refused", 2)
    # with the modes that a command begins in, bare coordinates mean nothing
    with pytest.raises(DriverError, match="error:31"):
        of("X1\n", steps=steps, **params)


@pytest.mark.parametrize(
    ("steps", "params"),
    [
        ([{"gcode": "G1 X0 F600"}, PROGRAM], {}),
        ([{"when": "params.dry != true", "program": "params.program"}], {"dry": True}),
        ([{"for_each": "params.times", "steps": [PROGRAM]}], {"times": 0}),
        ([{"steps": [{"gcode": "G1 X0 F600"}]}, PROGRAM], {}),
    ],
)
def test_steps__of_which_it_shows_only_when_they_run_refuse_nothing(
    steps: Any, params: Any
) -> None:
    """Behind `G1` of the operator the bare `X1` is a motion."""
    assert of("X1\nM2000\n", steps=steps, **params) is None


def test_a_second_program__begins_in_what_the_first_one_leaves() -> None:
    told = of("G1 X1 F600\n", steps=[PROGRAM, PROGRAM])
    assert told["lines"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("rules", [GRBL, GRBLHAL, ARM], ids=["grbl", "grblhal", "marlin"])
def test_any_lines__are_summed_up_or_refused_with_their_number(rules: Rules) -> None:
    chance = random.Random(f"{rules.firmware} 13.2")
    codes = ["G0", "G1", "G2", "G3", "G4", "G17", "G18", "G19", "G20", "G21", "G28", "G53", "G54",
             "G80", "G81", "G90", "G91", "G92", "G93", "G94", "M0", "M3", "M5", "M6", "M117",
             "M400", "T1", ""]  # fmt: skip
    values = ["1", "-2.5", ".5", "0", "3.", "1e3", "", "-", ".", "1.2.3", "99999999", "0.0001"]
    accepted = 0
    for _ in range(1_500):
        lines = [
            " ".join([
                chance.choice(codes),
                *(letter + chance.choice(values[:5] if chance.random() < 0.9 else values)
                  for letter in chance.sample("XYZIJRFPST", chance.randrange(4))),
            ])
            for _ in range(chance.randrange(1, 6))
        ]  # fmt: skip
        try:
            told = of("\n".join(["G1 X0 Y0 Z0 F600", *lines]), rules)
        except DriverError as refused:
            assert 1 < refused.args_["line"] <= len(lines) + 1
            continue
        accepted += 1
        assert math.isfinite(told["estimate_s"])
        assert told["estimate_s"] >= 0
        assert all(low <= high for low, high in told["box_mm"].values())
    assert 50 < accepted < 1_450
