"""Commands as configuration: what is refused at load, and what a line can never become."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotq.catalog import load_catalog
from robotq.drivers.base import DriverError
from robotq.drivers.gcode.reader.lines import Rules, prepare
from robotq.model.errors import ConfigError
from robotq.steps import read_program
from robotq.steps.expressions import ExpressionError, parse
from robotq.steps.shapes import Shape
from robotq.steps.templates import number_text, read_line

SCHEMA = {
    "type": "object",
    "required": ["x", "note", "side"],
    "properties": {
        "x": {"type": "number"},
        "y": {"type": "number"},
        "note": {"type": "string"},
        "side": {"enum": ["G54", "G55"]},
        "many": {
            "type": "array",
            "items": {"type": "object", "properties": {"z": {"type": "number"}}},
        },
    },
}
VALUES = {"feed": 1200, "slots": [{"x": 1, "y": 2}, {"x": 3, "y": 4}], "open": "M5"}


def faults(*steps: Any) -> list[str]:
    return [text for _, text in read_program(list(steps), schema=SCHEMA, values=VALUES)[1]]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"gcode": "G0 X{params.z}"}, "params has no z, expected one of x, y"),
        ({"gcode": "G0 X{params.y}"}, "may be missing"),
        ({"gcode": "G0 X{params.note}"}, "may be any text"),
        ({"gcode": "G0 X{value.feed}"}, "unknown name value, expected one of params, values"),
        ({"gcode": "G0 X{values.speed}"}, "values has no speed, expected one of feed"),
        ({"gcode": "G0 X1\nG0 X2"}, "may not stand in a line"),
        ({"gcode": "G0 X1 !"}, "acted upon at once"),
        ({"gcode": "$H"}, "use the actions home"),
        ({"gcode": "G0 X{__import__('os')}"}, "not part of this language"),
        ({"gcode": "G0 X{params.x!r}"}, "is not known"),
        ({"gcode": "G0 X{params.x:>9}"}, "expected one like .3f"),
        ({"gcode": []}, "at least one line"),
        ({"gcode": 5}, "expected a text"),
        ({"gocde": "G0"}, "did you mean gcode"),
        ({"gcode": "G0", "scan": True}, "exactly one action"),
        ({"step": "A"}, "exactly one action"),
        ({"for_each": "values.slots", "steps": []}, "expected a list of steps"),
        ({"gcode": "G0", "into": "a"}, "only beside scan, query"),
        ({"gcode": "G0", "timeout_s": -1}, "above 0"),
        ({"query": {"line": "M114", "expect": "("}}, "regular expression"),
        ({"query": {"line": "M114"}}, "expect is missing"),
        ({"ask": {"prompt": "a", "schema": {"type": "nonsense"}}}, "nonsense"),
        ({"set": {"params": 1}}, "a name of its own"),
        (
            {"for_each": "values.slots", "as": "index", "steps": [{"gcode": "G0 X{index}"}]},
            "two names for the item and its index",
        ),
        ({"home": "Q"}, "axes such as XY"),
        ("G0 X1", "expected a step"),
    ],
)
def test_wrong_step__is_told_when_it_is_read(step: Any, told: str) -> None:
    found = faults(step)
    assert any(told in text for text in found), found


def test_right_steps__have_no_fault() -> None:
    assert not faults(
        {"step": "GO", "gcode": ["{params.side} G0 X{params.x} Y{params.y or 0}", "{values.open}"]},
        {"for_each": "values.slots", "as": "slot", "steps": [{"gcode": "G0 X{slot.x + 1:.2f}"}]},
        {"for_each": "params.many", "as": "one", "steps": [{"gcode": "G0 Z{one.z or 0}"}]},
        {"scan": {"timeout_s": "params.x * 2", "attempts": 3}, "into": "code"},
        {"when": "code == null and not params.y", "fail": "no code at {params.x:.1f}"},
        {"append": {"bottles": {"id": "{code}"}}},
    )


def test_fault__names_file_line_and_key(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "commands:\n  GO_THERE:\n    steps:\n      - home: true\n"
        "      - gcode:\n          - G90\n          - G0 X{values.nowhere}\n"
    )
    with pytest.raises(ConfigError) as raised:
        load_catalog([path])
    assert re.match(
        rf"{re.escape(str(path))}:7: commands.GO_THERE.steps\[1\].gcode\[1\]: .*nowhere",
        str(raised.value),
    )


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{cmd_type: NAVIGATON}", "unknown command NAVIGATON; did you mean NAVIGATION"),
        ("{cmd_type: GET_BATTERY_STATE}", "is nothing that a robot does in its queue"),
        ("{cmd_type: MANUAL_STEP}", "is nothing that a robot does in its queue"),
        ("{cmd_type: OTHER}", "OTHER consists of steps itself"),
        ("{cmd_type: NAVIGATION, params: {area: '{params.x}'}}", "params has no x"),
        ("{cmd_type: NAVIGATION, parms: {}}", "unknown key parms; did you mean params"),
        ("{}", "cmd_type is missing"),
    ],
)
def test_part__is_a_command_that_the_robot_has_by_itself(
    step: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "commands:\n  OTHER: {steps: [{wait_s: 1}]}\n"
        f"  OWN: {{schema: {{properties: {{y: {{}}}}}}, steps: [{{do: {step}}}]}}\n"
    )
    with pytest.raises(ConfigError) as raised:
        load_catalog([path])
    assert told in str(raised.value)


def test_steps__may_differ_from_robot_to_robot(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("commands: {GO: {steps: {arm: [{home: true}], '*': [{unlock: true}]}}}\n")
    spec = load_catalog([path]).get("GO")
    assert spec.program("arm") == spec.steps["arm"]
    assert spec.program("gantry") == spec.steps["*"]
    assert load_catalog([]).get("SCAN_QRCODE").program("gantry") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
LINE = read_line("G1 X{params.a} Y{params.b.c} F{params.list[0]}", {"params": Shape()})


@given(a=JSON, b=JSON, first=JSON)
def test_parameter__never_makes_a_second_line_or_a_word(a: Any, b: Any, first: Any) -> None:
    scope = {"params": {"a": a, "b": {"c": b}, "list": [first]}}
    try:
        line = LINE.line(scope)
    except ExpressionError:
        return
    assert re.fullmatch(r"G1 X-?\d+(\.\d+)? Y-?\d+(\.\d+)? F-?\d+(\.\d+)?", line)


@given(st.text())
def test_program__is_words_of_g_code_or_refused(text: str) -> None:
    rules = Rules(longest=79)
    try:
        lines = prepare(text.splitlines(), rules)
    except DriverError as error:
        assert error.code == "bad_parameter"
        return
    for line in lines:
        assert re.fullmatch(r"([A-Z][ \t]*[+-]?[\d.]+[ \t]*)+", line.text)


@given(st.text(max_size=40))
def test_expression__is_calculated_or_refused_and_nothing_else(text: str) -> None:
    try:
        parse(text).value({"params": {"x": 1}, "values": VALUES})
    except ExpressionError:
        return


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("params.x + values.feed / 2", 601.0),
        ("params.nothing.at.all", None),
        ("params.zero or 5", 0),
        ("params.nothing or 5", 5),
        ("values.slots[1].x", 3),
        ("values.slots[9]", None),
        ("'a' in params.note", True),
        ("len(values.slots) == 2 and not params.nothing", True),
        ("-params.x % 4", 3),
    ],
)
def test_expression__means(text: str, value: Any) -> None:
    scope = {"params": {"x": 1, "zero": 0, "note": "an"}, "values": VALUES}
    assert parse(text).value(scope) == value


@pytest.mark.parametrize("text", ["1 / 0", "params.note * 2", "1e300 * 1e300", "true + 1", "-null"])
def test_expression__that_cannot_be_calculated_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text).value({"params": {"note": "a"}})


@given(st.floats(allow_nan=True))
def test_number__has_no_exponent(number: float) -> None:
    try:
        text = number_text(number)
    except ExpressionError:
        assert not abs(number) <= 1e7
        return
    assert re.fullmatch(r"-?\d+(\.\d+)?", text)
    assert math.isclose(float(text), number, abs_tol=1e-4)
