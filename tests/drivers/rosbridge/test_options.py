"""What an operator writes for a robot of ROS: faults are told with their place."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from robotq.config import ros_robot as shape
from robotq.config.device_params import DeviceParam
from robotq.drivers.base import KnowsPlaces
from robotq.drivers.rosbridge.options import read_options
from robotq.model.errors import ConfigError
from tests.drivers.rosbridge.site import MOVE

ROOT = Path(__file__).parents[3]


def refused(**options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        read_options("amr", options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"url": "http://host:9090"}, "url: found 'http://host:9090', expected ws://host:9090"),
        ({"uri": "ws://host"}, "uri: unknown key; did you mean url?"),
        ({"commands": {"GO": {}}}, "commands.GO: expected one of action, service and topic"),
        (
            {"commands": {"GO": {"action": "/a", "service": "/b", "type": "x/action/Y"}}},
            "found action and service",
        ),
        ({"commands": {"GO": {"action": "go", "type": "x/action/Y"}}}, "expected a full name"),
        ({"commands": {"GO": {"action": "/go"}}}, "commands.GO.type: found None, expected a type"),
        ({"commands": {"GO": {"action": "/go", "type": "x/srv/Y"}}}, "expected a type such as"),
        ({"commands": {"GO": {**MOVE, "check": "result.done =="}}}, "is not an expression"),
        ({"commands": {"GO": {**MOVE, "goal": {"x": "{params.y}"}}}}, "commands.GO.goal.x"),
        ({"commands": {"GO": {**MOVE, "query": True}}}, "an action moves the robot"),
        (
            {"commands": {"GO": {"topic": "/t", "type": "x/msg/Y"}}},
            "a topic only tells something: expected query: true",
        ),
        (
            {"commands": {"GO": MOVE}, "allowed": ["/other/*"]},
            "commands.GO.action: found '/move', which `allowed` does not name",
        ),
        ({"stop": [{"topic": "/cmd_vel"}]}, "stop[0].type"),
        (
            {"commands": {"A": MOVE, "B": {**MOVE, "type": "other_msgs/action/Move"}}},
            "another command calls it robot_msgs/action/Move",
        ),
    ],
)  # fmt: skip
def test_fault__is_told_with_its_place(options: dict[str, Any], expected: str) -> None:
    assert expected in refused(**options)


def test_values_and_params__may_stand_in_keys_of_values() -> None:
    move = {
        "action": "/move", "type": "robot_msgs/action/Move",
        "goal": {"x": "{values.places[params.place].x}", "deep": [{"y": "at {params.place}"}]},
        "params": {"place": {"type": "text", "one_of": ["DOCK"]}},
    }  # fmt: skip
    read = read_options(
        "amr", {"values": {"places": {"DOCK": {"x": 1.5}}}, "commands": {"MOVE": move}}
    )
    assert not isinstance(read, KnowsPlaces)
    assert read.brings["MOVE"]["schema"]["properties"]["place"]["enum"] == ["DOCK"]
    assert isinstance(read_options("amr", {"places": ["DOCK"]}), KnowsPlaces)


def test_ready_configuration__is_right() -> None:
    text = (ROOT / "config" / "rosbridge-robot.yaml").read_text("utf-8")
    options = yaml.safe_load(text)["robots"]["amr"]["options"]
    assert list(read_options("amr", options).brings) == ["DRIVE", "PICK", "GRIP", "BATTERY"]


def test_docs__name_every_key() -> None:
    page = (ROOT / "docs" / "drivers" / "rosbridge.md").read_text("utf-8")
    shapes = (
        shape.RosRobot, shape.RosCommand, shape.RosAsk, shape.RosFeedback, shape.RosStop,
        DeviceParam,
    )  # fmt: skip
    keys = {field.name for one in shapes for field in fields(one)}
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}\b", page)] == []
