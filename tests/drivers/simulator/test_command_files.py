"""The packaged command specs, the sample command files and the simulator agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from robotq.catalog import Kind, load_catalog
from robotq.config import packaged
from robotq.drivers.base import Driver
from robotq.drivers.simulator.commands import IMMEDIATE, QUEUED
from robotq.drivers.simulator.lab.layout_file import read_layout
from robotq.model.errors import RobotqError
from robotq.model.task import Command
from tests.drivers.simulator.bench import Bench

SAMPLES = Path(__file__).parents[3] / "commands"
CATALOG = load_catalog([])

LAB_COMMANDS = [
    "START_WORKING",
    "STOP_WORKING",
    "RESET_SYSTEM",
    "GET_TASK_STATE",
    "GET_ROBOT_MOTION_STATE",
    "GET_BATTERY_STATE",
    "GET_UPPER_LIMB_JOINT_STATES",
    "GET_HAND_JOINT_STATES",
    "GET_FINGER_PRESSURES",
    "GET_FULL_BODY_SENSOR_STATES",
    "GET_STATION_COUNTER",
    "BOTTLE_GET",
    "SCAN_QRCODE",
    "SCAN_QRCODE_ENTER_ID",
    "ENTER_ID",
    "PICK_UP",
    "PUT_TO",
    "TAKE_BOTTOL_FROM_SP_TO_SP",
    "SPLIT_LIQUID",
    "PICK_FROM_BOTTLE_OPENER_250",
    "PICK_FROM_BOTTLE_OPENER_500",
    "REFILL_EMPTY_BOTTLES",
    "TRANSFER_TO_CHROMATOGRAPH",
    "NAVIGATION",
    "PICK_UP_BOX",
    "PUT_DOWN_BOX",
    "PICK_BOX_TO_SP",
    "PROCESS_BEGINS",
    "PROCESS_PAUSED",
    "PROCESS_RESUMED",
    "PROCESS_ENDED",
    "MANUAL_RESET_COMPLETED",
    "ROBOT_ACTION",
    "MANUAL_STEP",
]


def sample(name: str) -> dict[str, Any]:
    value = json.loads((SAMPLES / name).read_text(encoding="utf-8"))
    assert isinstance(value, dict)
    return value


def test_catalog__has_every_command_of_the_lab_with_titles_and_an_example() -> None:
    assert {spec.cmd_type for spec in CATALOG} == set(LAB_COMMANDS)
    for spec in CATALOG:
        assert set(spec.title) == {"zh", "en"}, spec.cmd_type
        assert spec.example, spec.cmd_type


def test_catalog__gives_the_driver_what_the_simulator_can_do_and_no_more() -> None:
    mine = {spec.cmd_type: spec.kind for spec in CATALOG if spec.handler == "driver"}
    assert {name for name, kind in mine.items() if kind is Kind.QUEUED} == set(QUEUED)
    assert {name for name, kind in mine.items() if kind is not Kind.QUEUED} == set(IMMEDIATE)


def test_catalog__names_only_places_of_the_lab() -> None:
    places = read_layout(None).places
    for spec in CATALOG:
        params = CATALOG.validated(spec, (spec.example or {}).get("params"))
        assert set(CATALOG.places(spec, params)) <= set(places), spec.cmd_type


def test_scan__may_take_half_an_hour() -> None:
    assert CATALOG.get("SCAN_QRCODE").timeout_s == 1800


def test_samples_of_the_source_tree_and_of_the_package__are_the_same() -> None:
    mine = {path.name: path.read_bytes() for path in SAMPLES.glob("*.json")}
    theirs = {path.name: path.read_bytes() for path in packaged("commands").glob("*.json")}
    assert mine == theirs
    assert "SCAN_QR_CODE_command.json" in mine


def test_samples__are_the_examples_of_the_catalog_one_for_each_queued_command() -> None:
    samples = [sample(path.name) for path in SAMPLES.glob("*.json")]
    by_type = {value["cmd_type"]: value for value in samples}
    assert len(by_type) == len(samples)
    for cmd_type, value in by_type.items():
        assert value == CATALOG.get(cmd_type).example
    queued = {spec.cmd_type for spec in CATALOG if spec.kind is Kind.QUEUED}
    assert queued <= set(by_type)


def test_sample_scan__is_the_well_known_command_file() -> None:
    assert sample("SCAN_QR_CODE_command.json") == {
        "header": {
            "seq": 206,
            "stamp": {"secs": 1698000050, "nsecs": 234567},
            "frame_id": "camera_link",
        },
        "cmd_id": "SCAN_QRCODE_001",
        "cmd_type": "SCAN_QRCODE",
        "params": {"run_times": "continue", "robot_id": "robot_a", "timeout": 60.0},
        "extra": {},
    }


def test_samples_of_queued_commands__all_work_in_a_new_lab(bench: Bench) -> None:
    """In the order of a day: what a command needs, one before has brought about."""
    order = [
        "NAVIGATION", "SPLIT_LIQUID", "PICK_FROM_BOTTLE_OPENER_250", "REFILL_EMPTY_BOTTLES",
        "ROBOT_ACTION", "TAKE_BOTTOL_FROM_SP_TO_SP", "PICK_UP", "PUT_TO",
        "TRANSFER_TO_CHROMATOGRAPH", "PICK_UP_BOX", "PUT_DOWN_BOX", "SCAN_QRCODE",
    ]  # fmt: skip
    for cmd_type in order:
        spec = CATALOG.get(cmd_type)
        if cmd_type == "REFILL_EMPTY_BOTTLES":
            # the sample before left a bottle in the gripper
            bench.run(
                "PUT_TO",
                [{"bottle_id": "bottle_007", "release_pose": "WAITING_SPLIT_AREA_001"}],
                robot="robot_b",
            )
        params = CATALOG.validated(spec, (spec.example or {})["params"])
        bench.run(cmd_type, params, robot=params.get("robot_id", "robot_a"))
    others = {"PICK_BOX_TO_SP", "PICK_FROM_BOTTLE_OPENER_500"}
    assert set(order) | others == set(QUEUED)
    again = Bench(bench.folder / "again")
    for cmd_type in sorted(others):
        params = (CATALOG.get(cmd_type).example or {})["params"]
        again.run(cmd_type, params, robot=params["robot_id"])


@pytest.mark.parametrize(
    ("cmd_type", "params", "field"),
    [
        ("NAVIGATION", {}, "params.area"),
        ("NAVIGATION", {"area": 3}, "params.area"),
        ("PICK_UP", {}, "params.target_params"),
        ("PICK_UP", {"target_params": [{}]}, "params.target_params[0].bottle_id"),
        ("PICK_UP", [{"bottle_id": ""}], "params[0].bottle_id"),
        ("PICK_UP", [], "params"),
        ("PUT_TO", [{"bottle_id": "b"}], "params[0].release_pose"),
        ("SCAN_QRCODE", {"run_times": 0}, "params.run_times"),
        ("SCAN_QRCODE", {"timeout": 0}, "params.timeout"),
        ("SPLIT_LIQUID", {"volume": 1000}, "params.volume"),
        ("ROBOT_ACTION", {"timeout": 3}, "params.action_type"),
        ("SCAN_QRCODE_ENTER_ID", {"bottle_id": "b", "type": "cup"}, "params.type"),
        ("GET_TASK_STATE", {}, "params.target_cmd_id"),
    ],
)
def test_wrong_params__are_refused_by_name(cmd_type: str, params: Any, field: str) -> None:
    with pytest.raises(RobotqError) as error:
        CATALOG.validated(CATALOG.get(cmd_type), params)
    assert error.value.args_["field"] == field


def test_unknown_params__are_kept() -> None:
    spec = CATALOG.get("SCAN_QRCODE")
    params = CATALOG.validated(spec, {"detail_params": True})
    assert params == {"detail_params": True, "run_times": "continue", "timeout": 60.0}


def test_simulator__is_a_driver(bench: Bench) -> None:
    driver: Driver = bench.robot()
    assert driver.capabilities.simulated
    assert driver.capabilities.immediate_while_busy
    assert driver.immediate(Command(cmd_type="GET_BATTERY_STATE"))["percentage"] == 100
