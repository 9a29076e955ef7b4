"""What an operator writes for a SiLA 2 server: faults are told with their place."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from robotq.config import sila_robot as shape
from robotq.config.device_params import DeviceParam
from robotq.drivers.base import KnowsPlaces
from robotq.drivers.sila.options import read_options
from robotq.model.errors import ConfigError
from tests.drivers.sila.site import MOVE, MOVER

ROOT = Path(__file__).parents[3]
DESCRIPTION = {"file": str(Path(__file__).parent / "Mover.sila.xml")}


def refused(**options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        read_options("arm", options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"address": "host"}, "address: found 'host', expected a host and a port"),
        ({"adress": "host:1"}, "adress: unknown key; did you mean address?"),
        ({"insecure": True, "ca": "/x"}, "ca: only TLS has it"),
        ({"ca": "/no/such/file"}, "ca: found '/no/such/file', which is no file"),
        ({"key": __file__}, "expected certificate and key"),
        ({"server_uuid": "arm"}, "server_uuid: found 'arm', expected a UUID"),
        ({"commands": {"GO": {"feature": MOVER}}}, "commands.GO: expected one of command and"),
        ({"commands": {"GO": {**MOVE, "feature": "Mover"}}}, "commands.GO.feature: found 'Mover'"),
        ({"commands": {"GO": {**MOVE, "command": "go"}}}, "commands.GO.command: found 'go'"),
        (
            {"commands": {"GO": {"feature": MOVER, "property": "BatteryLevel"}}},
            "a property only tells something: expected query: true",
        ),
        ({"commands": {"GO": {**MOVE, "check": "response.x =="}}}, "is not an expression"),
        ({"commands": {"GO": {**MOVE, "parameters": {"X": "{params.y}"}}}}, "parameters.X"),
        (
            {"commands": {"GO": {**MOVE, "requires": [{"feature": MOVER, "property": "B"}]}}},
            "requires[0].check: is missing",
        ),
        ({"stop": [{"feature": MOVER, "command": "abort"}]}, "stop[0].command"),
        ({"descriptions": [{"file": "/no"}]}, "descriptions[0].file: /no cannot be read"),
        ({"descriptions": [{"file": str(ROOT / "mkdocs.yml")}]}, "is no XML"),
        ({"descriptions": [{**DESCRIPTION, "only": ["Moove"]}]}, "has no Moove; did you mean"),
        (
            {"descriptions": [DESCRIPTION], "commands": {"GO": {**MOVE, "command": "Moove"}}},
            "commands.GO.command: org.robotq/tests/Mover/v1 has no Moove",
        ),
        (
            {"descriptions": [DESCRIPTION], "commands": {"GO": {**MOVE, "parameters": {"X": 1}}}},
            "commands.GO.parameters: Move: Steps is missing",
        ),
    ],
)  # fmt: skip
def test_fault__is_told_with_its_place(options: dict[str, Any], expected: str) -> None:
    assert expected in refused(**options)


def test_description__brings_what_takes_plain_values() -> None:
    read = read_options("arm", {"descriptions": [DESCRIPTION], "places": ["DOCK"]})
    assert sorted(read.brings) == ["ABORT", "BATTERY_LEVEL", "GRIP", "MOVE"]
    assert read.brings["BATTERY_LEVEL"]["kind"] == "query"
    schema = read.brings["MOVE"]["schema"]
    steps = schema["properties"]["Steps"]
    assert (steps["type"], steps["minimum"], steps["maximum"]) == ("integer", 1, 10_000)
    assert schema["properties"]["Place"]["type"] == "string"
    assert isinstance(read, KnowsPlaces)


def test_description__goes_behind_what_is_written() -> None:
    written = {"descriptions": [{**DESCRIPTION, "only": ["Move"]}], "commands": {"MOVE": MOVE}}
    read = read_options("arm", written)
    assert list(read.brings) == ["MOVE"]
    assert "steps" in read.brings["MOVE"]["schema"]["properties"]


def test_description__with_entities_is_none(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.sila.xml"
    bomb.write_text('<!DOCTYPE x [<!ENTITY a "aaaa">]><Feature>&a;</Feature>')
    assert "is no description" in refused(descriptions=[{"file": str(bomb)}])


@pytest.mark.parametrize("bound", ["one", "inf"])
def test_description__whose_bound_is_no_number_is_refused(tmp_path: Path, bound: str) -> None:
    text = Path(DESCRIPTION["file"]).read_text("utf-8")
    wrong = tmp_path / "Mover.sila.xml"
    wrong.write_text(text.replace(">1</MinimalInclusive>", f">{bound}</MinimalInclusive>"))
    assert f"found '{bound}', expected a number" in refused(descriptions=[{"file": str(wrong)}])


def test_ready_configuration__is_right() -> None:
    text = (ROOT / "config" / "sila-robot.yaml").read_text("utf-8")
    options = yaml.safe_load(text)["robots"]["arm"]["options"]
    assert list(read_options("arm", options).brings) == ["MOVE", "GRIP", "BATTERY"]


def test_docs__name_every_key() -> None:
    page = (ROOT / "docs" / "drivers" / "sila.md").read_text("utf-8")
    shapes = (
        shape.SilaRobot, shape.SilaCommand, shape.SilaAsk, shape.SilaFeedback, shape.SilaStop,
        shape.SilaDescription, DeviceParam,
    )  # fmt: skip
    keys = {field.name for one in shapes for field in fields(one)}
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}\b", page)] == []
