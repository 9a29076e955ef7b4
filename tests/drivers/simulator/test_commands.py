"""What each command does to the lab, and how it fails when that is impossible."""

from __future__ import annotations

from typing import Any

import pytest

from robotq.drivers.base import DriverError, UnknownCommand
from robotq.drivers.simulator.commands import IMMEDIATE, QUEUED
from robotq.drivers.simulator.lab.state import fresh_tray, moved, with_bottle
from robotq.model.task import Command
from tests.drivers.simulator.bench import Bench

BOTH = {"target_params": [{"bottle_id": "bottle_001"}, {"bottle_id": "bottle_002"}]}


def slot(bench: Bench, bottle_id: str) -> str:
    return bench.state.bottles[bottle_id].slot


def place(bench: Bench, bottle_id: str, pose: str) -> None:
    """Somebody puts a bottle there by hand."""
    source = slot(bench, bottle_id)
    bench.lab.change(lambda state: moved(state, bottle_id, source=source, target=pose))


def pick(*bottle_ids: str) -> dict[str, Any]:
    return {"target_params": [{"bottle_id": bottle_id} for bottle_id in bottle_ids]}


def put(bottle_id: str, pose: str) -> dict[str, Any]:
    return {"release_params": [{"bottle_id": bottle_id, "release_pose": pose}]}


def test_pick_up__keeps_the_last_bottle_in_the_gripper(bench: Bench) -> None:
    result, context = bench.run("PICK_UP", BOTH)
    assert context.names() == [
        "NAVIGATING",
        "GRABBING_BOTTLE",
        "PUTTING_TO_BACK",
        "GRABBING_BOTTLE",
    ]
    assert slot(bench, "bottle_001") == "robot_a.back_1"
    assert slot(bench, "bottle_002") == "robot_a.gripper"
    assert [bottle["slot"] for bottle in result["bottles"]] == ["robot_a.back_1", "robot_a.gripper"]
    assert context.fractions[-1] <= 1


def test_params_as_a_list__are_the_list_of_bottles(bench: Bench) -> None:
    bench.run("PICK_UP", [{"bottle_id": "bottle_001"}])
    bench.run("PUT_TO", [{"bottle_id": "bottle_001", "release_pose": "CHROMATOGRAPH_003"}])
    assert slot(bench, "bottle_001") == "CHROMATOGRAPH_003"


def test_put_to__takes_from_the_gripper_and_from_the_back(bench: Bench) -> None:
    bench.run("PICK_UP", BOTH)
    _, context = bench.run(
        "PUT_TO",
        {
            "release_params": [
                {"bottle_id": "bottle_002", "release_pose": "SPLIT_TABLE_001"},
                {"bottle_id": "bottle_001", "release_pose": "WAITING_SPLIT_AREA_004"},
            ]
        },
    )
    assert context.names() == [
        "NAVIGATING",
        "PUTTING_DOWN",
        "NAVIGATING",
        "TAKING_FROM_BACK",
        "PUTTING_DOWN",
    ]
    assert slot(bench, "bottle_002") == "SPLIT_TABLE_001"
    assert slot(bench, "bottle_001") == "WAITING_SPLIT_AREA_004"
    assert context.places == [None, "SPLIT_TABLE", None, "WAITING_SPLIT_AREA_TRANSFER"]


def test_take_from_pose_to_pose__carries_the_bottle(bench: Bench) -> None:
    bench.run(
        "TAKE_BOTTOL_FROM_SP_TO_SP",
        {"initial_pose": "WAITING_SPLIT_AREA_001", "target_pose": "SPLIT_TABLE_002"},
    )
    assert slot(bench, "bottle_004") == "SPLIT_TABLE_002"


@pytest.mark.parametrize(("size", "bottle_id"), [(250, "bottle_004"), (500, "bottle_005")])
def test_split_liquid__takes_a_portion_and_leaves_the_bench(
    bench: Bench, size: int, bottle_id: str
) -> None:
    result, context = bench.run("SPLIT_LIQUID", {"volume": size}, robot="robot_b")
    bottle = bench.state.bottles[bottle_id]
    assert bottle.volume == size - 50
    assert bottle.slot.startswith(f"SPLIT_DONE_{size}ML_AREA_")
    assert result["bottles"][0]["volume_ml"] == bottle.volume
    assert context.names() == [
        "NAVIGATING",
        "GRABBING_BOTTLE",
        "SPLITTING",
        "NAVIGATING",
        "PUTTING_DOWN",
        "RETURNING",
    ]
    assert bench.robot("robot_b").status().place == "SPLIT_STANDBY"
    assert context.fractions[-1] == 1


@pytest.mark.parametrize(("size", "bottle_id"), [(250, "bottle_007"), (500, "bottle_008")])
def test_pick_from_opener__ends_with_the_bottle_in_the_gripper(
    bench: Bench, size: int, bottle_id: str
) -> None:
    bench.run(f"PICK_FROM_BOTTLE_OPENER_{size}", robot="robot_b")
    assert slot(bench, bottle_id) == "robot_b.gripper"


def test_refill__fills_every_empty_bottle(bench: Bench) -> None:
    result, _ = bench.run("REFILL_EMPTY_BOTTLES", robot="robot_b")
    assert [bottle["volume_ml"] for bottle in result["bottles"]] == [250, 500]
    with pytest.raises(DriverError, match="there is no empty bottle at REFILL_STATION"):
        bench.run("REFILL_EMPTY_BOTTLES", robot="robot_b")


def test_transfer__brings_split_bottles_to_the_chromatograph(bench: Bench) -> None:
    bench.run("TRANSFER_TO_CHROMATOGRAPH")
    assert slot(bench, "bottle_006") == "CHROMATOGRAPH_001"
    with pytest.raises(DriverError, match="no bottle in SPLIT_DONE_250ML_AREA or SPLIT_DONE_500"):
        bench.run("TRANSFER_TO_CHROMATOGRAPH")


def test_whole_chain__from_the_scan_to_the_chromatograph(bench: Bench) -> None:
    bench.run("SCAN_QRCODE")
    bench.run(
        "TAKE_BOTTOL_FROM_SP_TO_SP",
        {"initial_pose": "SPLIT_TABLE_001", "target_pose": "WAITING_SPLIT_AREA_003"},
    )
    bench.run("SPLIT_LIQUID", {"volume": 250, "bottle_id": "bottle_001"}, robot="robot_b")
    bench.run("TRANSFER_TO_CHROMATOGRAPH", {"bottle_id": "bottle_001"})
    assert slot(bench, "bottle_001") == "CHROMATOGRAPH_001"
    assert bench.state.bottles["bottle_001"].volume == 200


@pytest.mark.parametrize(
    "area", ["HOME", "SCAN_TABLE", "SPLIT_TABLE", "CHROMATOGRAPH", "CHARGER", "BOX_AREA_3"]
)
def test_navigation__knows_the_area_and_is_quick_where_the_robot_is(
    bench: Bench, area: str
) -> None:
    bench.run("NAVIGATION", {"area": area})
    assert bench.robot().status().place == area
    at, lines = bench.clock.now(), len(bench.motions())
    bench.run("NAVIGATION", {"area": area})
    assert bench.clock.now() - at < 1
    assert len(bench.motions()) == lines + 1, "also a small correction is a motion"


def test_boxes__are_carried_from_area_to_area(bench: Bench) -> None:
    bench.run("PICK_UP_BOX", {"box_initial_area": "BOX_AREA_1"})
    assert bench.state.boxes == {"box_001": "robot_a"}
    bench.run("PUT_DOWN_BOX", {"box_target_area": "BOX_AREA_2"})
    bench.run("PICK_BOX_TO_SP", {"box_initial_area": "BOX_AREA_2", "box_target_area": "BOX_AREA_3"})
    assert bench.state.boxes == {"box_001": "BOX_AREA_3"}


def test_robot_action__takes_its_time_or_is_given_up(bench: Bench) -> None:
    _, context = bench.run("ROBOT_ACTION", {"action_type": "LOOK_AROUND", "timeout": 20})
    assert 6 <= context.steps[0].seconds <= 10
    at = bench.clock.now()
    with pytest.raises(DriverError, match="LOOK_AROUND was given up after 2 s"):
        bench.run("ROBOT_ACTION", {"action_type": "LOOK_AROUND", "timeout": 2})
    assert bench.clock.now() - at == pytest.approx(2)


@pytest.mark.parametrize(
    ("cmd_type", "params", "complaint"),
    [
        ("PICK_UP", pick("bottle_777"), "there is no bottle_777 in the lab"),
        ("PICK_UP", {}, "the parameter target_params is no list of objects"),
        ("PICK_UP", {"target_params": [{}]}, "the parameter bottle_id is no text: None"),
        (
            "PUT_TO",
            put("bottle_001", "HOME_001"),
            "robot_a does not have bottle_001; it is in SCAN_TABLE_001",
        ),
        (
            "TAKE_BOTTOL_FROM_SP_TO_SP",
            {"initial_pose": "SPLIT_TABLE_001", "target_pose": "SPLIT_TABLE_002"},
            "there is no bottle in SPLIT_TABLE_001",
        ),
        (
            "TAKE_BOTTOL_FROM_SP_TO_SP",
            {"initial_pose": "SCAN_TABLE_001", "target_pose": "SCAN_TABLE_002"},
            "SCAN_TABLE_002 is taken by bottle_002",
        ),
        (
            "TAKE_BOTTOL_FROM_SP_TO_SP",
            {"initial_pose": "SCAN_TABLE_002", "target_pose": "SPLIT_DONE_250ML_AREA_002"},
            "bottle_002, a glass_bottle_500, does not fit into SPLIT_DONE_250ML_AREA",
        ),
        (
            "TAKE_BOTTOL_FROM_SP_TO_SP",
            {"initial_pose": "MOON_001", "target_pose": "SCAN_TABLE_002"},
            "robot_a knows no pose MOON_001",
        ),
        ("SPLIT_LIQUID", {"volume": 250}, "robot_a cannot split; robot_b can"),
        ("TRANSFER_TO_CHROMATOGRAPH", {"bottle_id": "bottle_001"}, "bottle_001 is in SCAN_TABLE"),
        ("NAVIGATION", {"area": "MOON"}, "robot_a knows no place MOON; it knows HOME, CHARGER"),
        ("NAVIGATION", {}, "the parameter area is no text: None"),
        ("PICK_UP_BOX", {"box_initial_area": "BOX_AREA_2"}, "there is no box in BOX_AREA_2"),
        ("PICK_UP_BOX", {"box_initial_area": "HOME"}, "there is no box area HOME; there are BOX"),
        ("PUT_DOWN_BOX", {"box_target_area": "BOX_AREA_2"}, "robot_a carries no box"),
        (
            "PICK_BOX_TO_SP",
            {"box_initial_area": "BOX_AREA_1", "box_target_area": "BOX_AREA_1"},
            "BOX_AREA_1 has box_001 already",
        ),
        ("ROBOT_ACTION", {"action_type": "FLY"}, "robot_a knows no action FLY; it knows WAVE"),
        ("ROBOT_ACTION", {"action_type": "NOD", "timeout": "x"}, "timeout is no number: 'x'"),
    ],
)
def test_what_is_impossible__fails_by_name_before_anything_moves(
    bench: Bench, cmd_type: str, params: Any, complaint: str
) -> None:
    before = bench.robot().status(), bench.state
    with pytest.raises(DriverError) as error:
        bench.run(cmd_type, params)
    assert complaint in str(error.value)
    assert error.value.code == "device_error"
    assert bench.motions() == []
    assert (bench.robot().status(), bench.state) == before


def test_full_gripper__takes_nothing_else(bench: Bench) -> None:
    bench.run("PICK_UP", pick("bottle_006"))
    for cmd_type, params in (
        ("PICK_UP", pick("bottle_001")),
        ("TRANSFER_TO_CHROMATOGRAPH", {}),
        ("PICK_UP_BOX", {"box_initial_area": "BOX_AREA_1"}),
        ("PICK_FROM_BOTTLE_OPENER_250", {}),
        ("REFILL_EMPTY_BOTTLES", {}),
    ):
        with pytest.raises(DriverError):
            bench.run(cmd_type, params)
    with pytest.raises(DriverError, match="the gripper of robot_a holds bottle_006"):
        bench.run("PICK_UP", pick("bottle_001"))


def test_box_in_both_hands__leaves_no_hand_for_a_bottle(bench: Bench) -> None:
    bench.run("PICK_UP_BOX", {"box_initial_area": "BOX_AREA_1"})
    for cmd_type in ("PICK_UP", "SCAN_QRCODE"):
        with pytest.raises(DriverError, match="robot_a carries box_001 in both hands"):
            bench.run(cmd_type, pick("bottle_001"))


def test_full_back_platform__takes_no_more_bottles(bench: Bench) -> None:
    bench.robot()
    for number in range(1, 7):
        place(bench, f"bottle_00{number + 3}", f"robot_a.back_{number}")
    with pytest.raises(DriverError, match="back platform of robot_a has room for 0 bottles, not"):
        bench.run("SCAN_QRCODE")
    with pytest.raises(DriverError, match="back platform of robot_a has no room for bottle_001"):
        bench.run("PICK_UP", BOTH)


def test_robot_without_a_back_platform__carries_one_bottle(bench: Bench) -> None:
    with pytest.raises(DriverError, match="back platform of robot_b has no room for bottle_004"):
        bench.run("PICK_UP", pick("bottle_004", "bottle_005"), robot="robot_b")


def test_place_out_of_reach__is_named(bench: Bench) -> None:
    with pytest.raises(DriverError, match="robot_b cannot reach SCAN_TABLE"):
        bench.run("PICK_UP", pick("bottle_001"), robot="robot_b")
    bench.run("PICK_UP", pick("bottle_004"), robot="robot_b")
    with pytest.raises(DriverError, match="robot_b cannot reach CHROMATOGRAPH"):
        bench.run("PUT_TO", put("bottle_004", "CHROMATOGRAPH_001"), robot="robot_b")
    with pytest.raises(DriverError, match="WAITING_SPLIT_AREA_002 is taken by bottle_005"):
        bench.run("PUT_TO", put("bottle_004", "WAITING_SPLIT_AREA_002"), robot="robot_b")


def test_split__needs_a_bottle_that_fits_and_holds_enough(bench: Bench) -> None:
    bench.robot("robot_b")
    bench.lab.change(lambda state: with_bottle(state, "bottle_004", volume=60.0))
    bench.run("SPLIT_LIQUID", {"volume": 250}, robot="robot_b")
    with pytest.raises(DriverError, match="there is no glass_bottle_250 in WAITING_SPLIT_AREA"):
        bench.run("SPLIT_LIQUID", {"volume": 250}, robot="robot_b")
    back = {
        "initial_pose": slot(bench, "bottle_004"),
        "target_pose": "WAITING_SPLIT_AREA_001",
    }
    bench.run("TAKE_BOTTOL_FROM_SP_TO_SP", back, robot="robot_b")
    with pytest.raises(DriverError, match="bottle_004 holds 10 ml, a portion is 50 ml"):
        bench.run("SPLIT_LIQUID", {"volume": 250}, robot="robot_b")
    with pytest.raises(DriverError, match="no place for bottles of 1000 ml that are split"):
        bench.run("SPLIT_LIQUID", {"volume": 1000}, robot="robot_b")


def test_full_station__is_named(bench: Bench) -> None:
    bench.robot("robot_b")
    for bottle_id, pose in (("001", 2), ("007", 3), ("009", 4)):
        place(bench, f"bottle_{bottle_id}", f"SPLIT_DONE_250ML_AREA_00{pose}")
    with pytest.raises(DriverError, match="SPLIT_DONE_250ML_AREA is full"):
        bench.run("SPLIT_LIQUID", {"volume": 250}, robot="robot_b")
    assert bench.motions() == []


def test_bottle_cleared_away_meanwhile__is_missed_by_name(bench: Bench) -> None:
    bench.robot("robot_b")
    context = bench.context()
    # between the grasp being planned and the grasp, somebody brings a fresh tray

    def clear() -> None:
        bench.lab.change(lambda state: fresh_tray(state, bench.lab.layout, "robot_a"))

    place(bench, "bottle_004", "WAITING_SPLIT_AREA_003")
    context.at_step["GRABBING_BOTTLE"] = clear
    with pytest.raises(DriverError, match="bottle_004 is not in WAITING_SPLIT_AREA_003; it is in"):
        bench.run("PICK_UP", pick("bottle_004"), robot="robot_b", context=context)
    query = Command(cmd_type="GET_ROBOT_MOTION_STATE")
    assert bench.robot("robot_b").immediate(query)["state"] == "idle"


def test_unknown_command__moves_nothing(bench: Bench) -> None:
    with pytest.raises(UnknownCommand):
        bench.run("BREW_COFFEE")
    with pytest.raises(UnknownCommand, match=r"answers only .*GET_ROBOT_MOTION_STATE"):
        bench.robot().immediate(Command(cmd_type="BREW_COFFEE"))
    with pytest.raises(UnknownCommand):
        bench.robot().immediate(Command(cmd_type="NAVIGATION", params={"area": "HOME"}))
    assert bench.motions() == []


def test_tables__name_each_command_once() -> None:
    assert not set(QUEUED) & set(IMMEDIATE)
