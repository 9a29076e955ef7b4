"""What the operator wrote is read by the rules of the robot that gets it, before it gets it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotq.catalog import load_catalog
from robotq.config import load_config
from robotq.drivers.base import DriverError
from robotq.drivers.gcode.reader.lines import prepare
from robotq.drivers.grbl.options import read_options as read_grbl
from robotq.drivers.marlin.options import read_options as read_marlin
from robotq.steps import read_program
from robotq.steps.templates import check_line
from tests.written.conftest import Site, faults, right

ROOT = Path(__file__).parents[2]

GRBL = "robots: {gantry: {driver: grbl, options: {port: /dev/gantry}}}\n"
MARLIN = "robots: {arm: {driver: marlin, options: {port: /dev/arm}}}\n"
LAB = "robots: {robot_a: {}}\n"
BOTH = (
    "robots:\n  gantry: {driver: grbl, options: {port: /dev/gantry, deny: [M3]}}\n"
    "  arm: {driver: marlin, options: {port: /dev/arm}}\n"
)


def commands(steps: str, schema: str = "{}", values: str = "{}") -> str:
    return (
        f"values: {values}\ncommands:\n  GREET:\n    schema: {schema}\n    steps:\n    - {steps}\n"
    )


@pytest.mark.parametrize("robots", [GRBL, MARLIN, LAB])
@pytest.mark.parametrize(
    ("step", "at", "told"),
    [
        ('gcode: "hello world"', "gcode", "'HELLO WORL' is not a word of G-code"),
        ("gcode: [G21, 'M98 P\"x.g\"']", "gcode[1]", "is not a word of G-code"),
        ('gcode: "G1 X1e-5"', "gcode", "an exponent is not G-code"),
        ('gcode: "G1 X1 X2"', "gcode", "the letter X stands twice"),
        (f'gcode: "G1 X{"0" * 300}"', "gcode", ""),
        ('steps: [{gcode: ["G21", "hello"]}]', "steps[0].gcode[1]", "not a word of G-code"),
        ('for_each: 3\n      steps: [{gcode: "hello world"}]', "steps[0].gcode", "not a word"),
        ('jog: "G1 X10"', "jog", "a jog takes axes and F"),
        ('query: {line: "MEASURE", expect: "(.*)"}', "query.line", ""),
        ("do: {cmd_type: ROBOT_ACTION, params: {action_type: WAVE}}", "do.cmd_type", "found"),
    ],
)
def test_step__that_the_controller_cannot_be_given(
    site: Site, robots: str, step: str, at: str, told: str
) -> None:
    written = site(robots, commands(step))
    if robots == LAB and step.startswith("do:"):
        # it has that by itself
        right(written)
        return
    (line,) = faults(written)
    assert line.startswith("own.yaml:")
    assert f"commands.GREET.steps[0].{at}: " in line
    assert told in line
    robot = next(iter(written[0].robots))
    assert line.endswith(f"; for {robot} ({written[0].robots[robot].driver})")


@pytest.mark.parametrize(
    ("robots", "right_for"),
    [(GRBL, False), (MARLIN, False), (LAB, True)],
)
def test_line__is_as_long_as_its_controller_takes(site: Site, robots: str, right_for: bool) -> None:
    line = "G1 " + " ".join(f"{letter}10.123456" for letter in "XYZIJKRF") + " " * 0
    assert len(line) > 80
    assert (faults(site(robots, commands(f'gcode: "{line}"'))) == []) is right_for


def test_two_firmwares__each_by_its_own_rules(site: Site) -> None:
    two_codes = commands('gcode: "G90 G1 X77"')
    assert faults(site(GRBL, two_codes)) == []
    # codes without parameters get lines of their own
    assert faults(site(MARLIN, two_codes)) == []
    (line,) = faults(site(BOTH, commands('gcode: "G1 X1 M3 S5"')))
    assert line.endswith("; for arm (marlin)")
    assert "one code of a line" in line
    (line,) = faults(site(BOTH, commands('gcode: "X10"')))
    assert line.endswith("; for arm (marlin)")
    assert faults(site(BOTH, commands('gcode: ["G1 X1 F100", "X10"]'))) == []
    (line,) = faults(site(BOTH, commands('query: {line: "$G", expect: "(.*)"}')))
    assert line.endswith("; for arm (marlin)")
    (line,) = faults(site(BOTH, commands('query: {line: "M114", expect: "X:(.*)"}')))
    assert line.endswith("; for gantry (grbl)")


def test_deny_list__is_for_clients_and_not_for_the_operator(site: Site) -> None:
    assert faults(site(BOTH, commands('gcode: "M3 S1000"'))) == []
    (line,) = faults(site(BOTH, commands("program: values.own", values="{own: [G21, M3]}")))
    assert "M3 is refused: the configuration of this robot denies it" in line


def test_only_robots__that_can_do_it_count(site: Site) -> None:
    own = "commands:\n  GREET: {robots: [gantry], steps: [{gcode: X10}]}\n"
    assert faults(site(BOTH, own)) == []
    own = "commands:\n  GREET: {steps: {gantry: [{gcode: X10}], arm: [{gcode: G1 X10}]}}\n"
    assert faults(site(BOTH, own)) == []


AXIS = "{type: object, required: [a, d], properties: {a: {enum: [X, Y, %s]}, d: {type: number}}}"


def test_words_of_a_parameter__each_has_to_be_right(site: Site) -> None:
    jog = 'jog: "{params.a}{params.d} F100"'
    assert faults(site(BOTH, commands(jog, AXIS % "Z"))) == []
    (line,) = faults(site(GRBL, commands(jog, AXIS % "E")))
    assert "does not know the letter E" in line


def test_values__are_put_in_as_they_are(site: Site) -> None:
    step = 'gcode: "{values.grip}"'
    assert faults(site(BOTH, commands(step, values='{grip: "M3 S1000"}'))) == []
    (line,) = faults(site(GRBL, commands(step, values='{grip: "close it"}')))
    assert "{values.grip}" in line
    # milliseconds and no fractions there
    (line,) = faults(site(BOTH, commands('gcode: "G4 P{values.s}"', values="{s: 0.3}")))
    assert line.endswith("; for arm (marlin)")


def test_numbers_that_are_not_known_yet__are_left_open(site: Site) -> None:
    schema = "{type: object, required: [n], properties: {n: {type: number}}}"
    for line in ("G{params.n} X1", "G28 X{params.n}", "G4 P{params.n}", "G1 X{params.n:.3f}"):
        assert faults(site(BOTH, commands(f'gcode: "{line}"', schema))) == []


@pytest.mark.parametrize("file", sorted((ROOT / "config").glob("*-*.yaml")), ids=lambda f: f.name)
def test_ready_configurations__have_no_faults(file: Path) -> None:
    if file.stem.endswith("-commands"):
        pytest.skip("part of another one")
    config = load_config(file, {}, {})
    right((config, load_catalog(config.commands)))


def test_scanner__that_is_not_there_is_noted(site: Site) -> None:
    (note, *_) = [
        note
        for note in right(site(GRBL, commands("scan: true\n      into: code"))).notes
        if "scanner" in note
    ]
    assert note.startswith("gantry cannot do GREET: it reads a code, and the robot has no scanner")


@given(line=st.text(st.sampled_from('GMXYZFSPETN0123456789.-+ ();%"$eé'), min_size=1, max_size=100))
def test_any_line__is_wrong_when_read_exactly_where_it_would_be_refused_when_it_runs(
    line: str,
) -> None:
    program, unreadable = read_program([{"gcode": line}], schema={}, values={})
    if unreadable:
        return
    for read in (read_grbl, read_marlin):
        options = read("gantry", {"port": "/dev/gantry"})
        rules = options.rules
        refused = False
        try:
            prepare([line], rules)
        except DriverError:
            refused = True
        found = list(options.wrong_steps(program))
        assert bool(found) >= refused
        if found and not refused:
            # letters that no firmware of the family knows
            assert "does not know the letter" in found[0][1]
        check_line(line)


def test_command__that_no_robot_here_can_do_is_told(site: Site) -> None:
    own = "commands:\n  PICK_UP: {timeout_s: 60}\n  HELLO: {robots: [nobody], handler: driver}\n"
    notes = right(site(GRBL, own)).notes
    note, other = [each for each in notes if each.startswith("no robot here can do")]
    assert "PICK_UP" in note
    assert "no steps are written for it" in note
    assert "HELLO: its robots are not here" in other
    # what acts at once is answered at once, and what a person does needs no driver
    assert "GET_ROBOT_MOTION_STATE" not in note
    assert "MANUAL_STEP" not in note
    # commands of the packaged lab, of which the site says nothing, are counted and not listed
    assert "SCAN_QRCODE" not in " ".join(notes)
    assert any(each.endswith("are for other robots, and are refused here") for each in notes)
    assert not any("no steps are written" in each for each in right(site(LAB)).notes)
    both = right(site(GRBL, commands("gcode: G0 X1"))).notes
    assert not any("GREET" in each for each in both)


def test_command__whose_robots_are_not_here_is_told(site: Site) -> None:
    own = "commands:\n  GREET: {robots: [gantry], steps: [{gcode: G0 X1}]}\n"
    assert not any("GREET" in each for each in right(site(BOTH, own)).notes)
