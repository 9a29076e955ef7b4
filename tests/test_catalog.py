"""Command specs: what an operator writes, what a client may send, what each is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotq.catalog import Catalog, CommandSpec, Kind, load_catalog
from robotq.config import packaged, strict_yaml
from robotq.model.errors import ConfigError, RobotqError

PICK_UP = CommandSpec(
    cmd_type="PICK_UP",
    schema={
        "type": "object",
        "required": ["target_params"],
        "properties": {
            "target_params": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["bottle_id"],
                    "properties": {"bottle_id": {"type": "string"}},
                },
            },
            "hand": {"enum": ["left", "right"], "default": "right"},
            "area": {"type": "string", "default": "SCAN_TABLE"},
        },
    },
    resources=("{area}", "WAITING_{area}", "HOME"),
)
ANYTHING = CommandSpec(cmd_type="ANYTHING")
BOTTLES = {"target_params": [{"bottle_id": "b1"}]}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a command file of the operator and give its path."""

    def write(text: str, name: str = "own.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def faults(*paths: Path) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load_catalog(paths)
    return str(raised.value).replace(f"{paths[0].parent}/", "").splitlines()


def refused(spec: CommandSpec, params: Any) -> RobotqError:
    with pytest.raises(RobotqError) as raised:
        Catalog([spec]).validated(spec, params)
    return raised.value


# what comes with robotq


def test_packaged__the_commands_of_a_chemistry_lab() -> None:
    catalog = load_catalog([])
    kinds = {spec.cmd_type: spec.kind for spec in catalog}
    assert kinds["SCAN_QRCODE"] is Kind.QUEUED
    assert kinds["SCAN_QRCODE_ENTER_ID"] is Kind.INPUT
    assert kinds["GET_BATTERY_STATE"] is Kind.QUERY
    assert kinds["START_WORKING"] is Kind.CONTROL
    assert catalog.get("SCAN_QRCODE").timeout_s == 1800
    assert len(catalog) == len(kinds)


def test_packaged__takes_the_command_file_of_the_field() -> None:
    catalog = load_catalog([])
    params = {"run_times": "continue", "robot_id": "robot_a", "timeout": 60.0}
    validated = catalog.validated(catalog.get("SCAN_QRCODE"), params)
    assert params.items() <= validated.items()


def test_packaged__every_command_has_a_title_in_both_languages() -> None:
    assert [spec.cmd_type for spec in load_catalog([]) if set(spec.title) != {"zh", "en"}] == []


def test_packaged__commands_go_only_to_places_of_the_lab() -> None:
    places = strict_yaml.read(packaged("lab.yaml")).value["places"]
    named = {place for spec in load_catalog([]) for place in spec.resources if "{" not in place}
    assert named <= set(places)
    assert named, "or the test looks at nothing"


# an operator's own files


def test_own_file__adds_a_command_in_two_lines(write: Write) -> None:
    catalog = load_catalog([write("commands:\n  WATER_PLANTS: {timeout_s: 90}\n")])
    assert catalog.get("WATER_PLANTS") == CommandSpec(cmd_type="WATER_PLANTS", timeout_s=90)
    assert "SCAN_QRCODE" in catalog


def test_own_file__says_all_that_a_command_can_be(write: Write) -> None:
    path = write(
        """
        commands:
          WASH:
            kind: queued
            title: {zh: 清洗, en: Wash}
            timeout_s: 12.5
            idempotent: true
            approval: true
            robots: [robot_b]
            handler: manual_step
            resources: ["{sink}"]
            schema:
              type: object
              required: [sink]
              properties: {sink: {type: string}}
            example: {cmd_type: WASH, params: {sink: SINK_1}}
        """
    )
    spec = load_catalog([path]).get("WASH")
    assert dataclasses.asdict(spec) == {
        "cmd_type": "WASH",
        "kind": "queued",
        "title": {"zh": "清洗", "en": "Wash"},
        "timeout_s": 12.5,
        "idempotent": True,
        "approval": True,
        "robots": ("robot_b",),
        "steps": {},
        "handler": "manual_step",
        "resources": ("{sink}",),
        "schema": {
            "type": "object",
            "required": ["sink"],
            "properties": {"sink": {"type": "string"}},
        },
        "example": {"cmd_type": "WASH", "params": {"sink": "SINK_1"}},
    }


def test_own_file__changes_one_field_and_leaves_the_others(write: Write) -> None:
    before = load_catalog([]).get("SCAN_QRCODE")
    first = write("commands: {SCAN_QRCODE: {timeout_s: 60, approval: true}}", "first.yaml")
    second = write("commands: {SCAN_QRCODE: {timeout_s: 90}}", "second.yaml")
    spec = load_catalog([first, second]).get("SCAN_QRCODE")
    assert spec == dataclasses.replace(before, timeout_s=90, approval=True)


def test_own_file__every_fault_at_once_with_line_and_key(write: Write) -> None:
    first = write(
        """commands:
  WASH:
    timeout: 5
    kind: fast
  DRY:
    timeout_s: 0
    title: Dry
""",
        "first.yaml",
    )
    second = write(
        """commands:
  MIX:
    schema: {type: strng}
  POUR:
    resources: ["{where}"]
    example: {cmd_type: SPILL}
""",
        "second.yaml",
    )
    expected = """
first.yaml:3: commands.WASH.timeout: unknown key; did you mean timeout_s?
first.yaml:4: commands.WASH.kind: "fast" is not one of "queued", "query", "input", "control"
first.yaml:6: commands.DRY.timeout_s: 0 is less than or equal to the minimum of 0
first.yaml:7: commands.DRY.title: "Dry" is not of type "object"
second.yaml:3: commands.MIX.schema.type: "strng" is not valid under any of the schemas
second.yaml:5: commands.POUR.resources[0]: found '{where}', expected the name of a property
second.yaml:6: commands.POUR.example: expected cmd_type: POUR
"""
    told = sorted(faults(first, second))
    for line, begin in zip(told, expected.strip().splitlines(), strict=True):
        assert line.startswith(begin)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", 'own.yaml: the file: null is not of type "object"'),
        ("COMMANDS: {}", "own.yaml:1: COMMANDS: unknown key, expected one of: commands"),
        ("commands:\n  WASH:\n  WASH:", "own.yaml:3:3: the key 'WASH' stands a second time"),
        ("commands:\n  WASH: [1", "own.yaml:2:11: while parsing a flow sequence"),
        ("commands: {'a b': {}}", 'own.yaml:1: commands: "a b" does not match'),
        ("commands: {A: {title: {de: x}}}", "own.yaml:1: commands.A.title.de: unknown key"),
        ("commands: {A: {robots: [1]}}", "own.yaml:1: commands.A.robots[0]: 1 is not of type"),
        ("commands: {A: {schema: {$ref: 'http://localhost/x'}}}", "Retrieval is disabled"),
        (
            "commands: {A: {schema: {pattern: (}}}",
            'commands.A.schema.pattern: "(" is not a "regex"',
        ),
        (
            "commands: {A: {schema: {properties: {n: {type: integer, default: x}}}}}",
            'commands.A.schema.properties.n.default: "x" is not of type "integer"',
        ),
        (
            "commands: {A: {example: {cmd_type: A, params: {timeout: 0}}}}",
            "commands.A.example: does not meet the schema. Bad parameter params.timeout",
        ),
    ],
)
def test_own_file__fault(text: str, fault: str, write: Write) -> None:
    assert fault in faults(write(text))[0]


def test_own_file__one_that_cannot_be_read_does_not_hide_the_faults_of_another(
    write: Write, tmp_path: Path
) -> None:
    lines = faults(tmp_path / "none.yaml", write("commands: {A: {kind: fast}}"))
    assert lines[0] == "none.yaml: cannot be read: No such file or directory"
    assert lines[1].startswith("own.yaml:1: commands.A.kind")


def test_own_file__with_everything_commented_out(write: Write) -> None:
    assert len(load_catalog([write("commands:\n# none yet\n")])) == len(load_catalog([]))


@pytest.mark.parametrize(
    "template",
    ["{", "{}", "{area!r}", "{area:>9}", "{area.x}", "{hand}", "{target_params}", "{no}"],
)
def test_places__a_template_that_could_not_be_filled_is_refused_at_load(template: str) -> None:
    with pytest.raises(ConfigError, match=r"PICK_UP\.resources\[0\]: found"):
        Catalog([dataclasses.replace(PICK_UP, resources=(template,))])


def test_places__an_optional_parameter_without_default_is_refused_at_load() -> None:
    schema = {"type": "object", "properties": {"area": {"type": "string"}}}
    with pytest.raises(ConfigError, match="expected area to be required or to have a default"):
        Catalog([CommandSpec(cmd_type="GO", schema=schema, resources=("{area}",))])


# what a client sends


def test_get__an_unknown_command_with_the_names_it_may_have_meant() -> None:
    with pytest.raises(RobotqError) as raised:
        Catalog([PICK_UP, ANYTHING]).get("pickup")
    assert raised.value.code.name == "unknown_command"
    assert raised.value.args_ == {"cmd_type": "pickup", "suggestions": ["PICK_UP"]}


def test_get__a_name_of_a_megabyte_is_answered_in_a_short_text() -> None:
    with pytest.raises(RobotqError) as raised:
        Catalog([PICK_UP]).get("P" * 1_000_000)
    assert len(str(raised.value)) < 500


def test_validated__fills_in_what_was_left_out_and_keeps_what_is_unknown() -> None:
    params = {**BOTTLES, "detail_params": True, "timeout": 60.0}
    assert Catalog([PICK_UP]).validated(PICK_UP, params) == {
        **params,
        "hand": "right",
        "area": "SCAN_TABLE",
    }
    assert "hand" not in params, "the client's own params stay as they came"


@pytest.mark.parametrize("params", [None, {}, [], [1, {"a": None}], {"x": {"y": []}}])
def test_validated__a_command_without_a_schema_takes_any_params(params: Any) -> None:
    assert Catalog([ANYTHING]).validated(ANYTHING, params) == ({} if params is None else params)


def test_validated__params_that_are_a_list() -> None:
    spec = CommandSpec(cmd_type="MOVES", schema={"type": "array", "items": {"type": "string"}})
    assert Catalog([spec]).validated(spec, ["a"]) == ["a"]
    error = refused(spec, ["a", 5])
    assert error.args_ == {"field": "params[1]", "reason": '5 is not of type "string"'}


@pytest.mark.parametrize(
    ("params", "code", "field", "reason"),
    [
        (None, "missing_parameter", "params.target_params", None),
        ({}, "missing_parameter", "params.target_params", None),
        (
            {"target_params": [{}]},
            "bad_parameter",
            "params.target_params[0].bottle_id",
            "required, but missing",
        ),
        (
            {"target_params": [{"bottle_id": "a"}, {"bottle_id": 5}]},
            "bad_parameter",
            "params.target_params[1].bottle_id",
            '5 is not of type "string"',
        ),
        (
            {**BOTTLES, "hand": "both"},
            "bad_parameter",
            "params.hand",
            '"both" is not one of "left", "right"',
        ),
        ([], "bad_parameter", "params", '[] is not of type "object"'),
        ("x", "bad_parameter", "params", "not an object or a list"),
        ({**BOTTLES, "timeout": 0}, "bad_parameter", "params.timeout", "not a number above 0"),
        ({**BOTTLES, "timeout": "60"}, "bad_parameter", "params.timeout", "not a number above 0"),
        ({**BOTTLES, "timeout": True}, "bad_parameter", "params.timeout", "not a number above 0"),
        ({**BOTTLES, "timeout": None}, "bad_parameter", "params.timeout", "not a number above 0"),
    ],
)
def test_validated__names_the_field_and_the_reason(
    params: Any, code: str, field: str, reason: str | None
) -> None:
    error = refused(PICK_UP, params)
    assert error.code.name == code
    assert error.args_["field"] == field
    assert error.args_.get("reason") == reason


def test_validated__nested_without_end_is_a_bad_parameter() -> None:
    deep: dict[str, Any] = {}
    here = deep
    for _ in range(5_000):
        here["a"] = here = {}
    for params in (deep, {"target_params": deep}, {**BOTTLES, "hand": deep}):
        assert refused(PICK_UP, params).code.http_status == 400


def test_validated__a_huge_wrong_value_is_not_repeated_whole() -> None:
    assert len(str(refused(PICK_UP, {**BOTTLES, "hand": "x" * 1_000_000}))) < 1_000
    assert len(str(refused(PICK_UP, {"target_params": "x" * 1_000_000}))) < 1_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(params=JSON | st.fixed_dictionaries({"target_params": JSON}, optional={"hand": JSON}))
def test_validated__any_json_is_taken_or_refused_by_name(params: Any) -> None:
    """Whatever a client sends, the answer is the params or an error of ours."""
    catalog = Catalog([PICK_UP])
    try:
        taken = catalog.validated(PICK_UP, params)
    except RobotqError as error:
        assert error.code.http_status == 400
        assert error.args_["field"].startswith("params")
    else:
        assert params.items() <= taken.items()
        assert taken["hand"] in {"left", "right"}


def test_places__rendered_from_the_params_each_once() -> None:
    catalog = Catalog([PICK_UP])
    params = catalog.validated(PICK_UP, {**BOTTLES, "area": "HOME"})
    assert catalog.places(PICK_UP, params) == ("HOME", "WAITING_HOME")
    assert catalog.places(PICK_UP, catalog.validated(PICK_UP, BOTTLES)) == (
        "SCAN_TABLE",
        "WAITING_SCAN_TABLE",
        "HOME",
    )


def test_places__none_for_a_command_that_stays_where_it_is() -> None:
    assert Catalog([ANYTHING]).places(ANYTHING, [1]) == ()


def test_places__a_value_with_braces_is_only_a_name() -> None:
    catalog = Catalog([PICK_UP])
    params = catalog.validated(PICK_UP, {**BOTTLES, "area": "{area.__class__}"})
    assert catalog.places(PICK_UP, params)[0] == "{area.__class__}"
