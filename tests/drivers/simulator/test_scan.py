"""SCAN_QRCODE, step by step."""

from __future__ import annotations

from pathlib import Path

import pytest

from robotq.drivers.base import DriverError, Stopped
from robotq.system.clocks import ScaledClock
from tests.drivers.simulator.bench import Bench

FILE = {"run_times": "continue", "robot_id": "robot_a", "timeout": 60.0}
"""The params of the well-known command file."""

SPANS = {
    "NAVIGATING_TO_SCAN": (30, 60),
    "GRAB_SCAN_GUN": (10, 20),
    "CV_DETECTING": (5, 10),
    "GRABBING_BOTTLE": (10, 15),
    "SCANNING": (5, 10),
    "PUTTING_TO_BACK": (10, 15),
    "TURNING_BACK_FRONT": (5, 10),
    "NAVIGATING_TO_SPLIT": (30, 60),
    "PUTTING_DOWN": (10, 15),
}
"""Usual seconds of each step."""

WITH_UNREADABLE_BOTTLE = {"lab": str(Path(__file__).parents[3] / "config" / "lab.yaml")}


def test_scan__goes_through_its_steps_in_their_usual_times(bench: Bench) -> None:
    began = bench.clock.now()
    _, context = bench.run("SCAN_QRCODE", FILE)
    per_bottle = ["GRABBING_BOTTLE", "SCANNING", "PUTTING_TO_BACK"]
    assert context.names() == [
        "NAVIGATING_TO_SCAN",
        "GRAB_SCAN_GUN",
        "CV_DETECTING",
        *per_bottle * 3,
        "TURNING_BACK_FRONT",
        "NAVIGATING_TO_SPLIT",
        "PUTTING_DOWN",
    ]
    for step in context.steps:
        low, high = SPANS[step.name]
        assert low <= step.seconds <= high, step
    assert 165 <= bench.clock.now() - began <= 295


def test_scan__gives_all_bottles_and_brings_them_to_the_splitting_table(bench: Bench) -> None:
    result, context = bench.run("SCAN_QRCODE", FILE)
    bottles = result["scanned_bottles"]
    assert result["scanned_count"] == len(bottles) == 3
    assert [bottle["slot_index"] for bottle in bottles] == [1, 2, 3]
    assert [bottle["type"] for bottle in bottles] == [
        "glass_bottle_250",
        "glass_bottle_500",
        "glass_bottle_1000",
    ]
    assert all(
        set(bottle) == {"bottle_id", "type", "slot_index", "task", "timestamp"}
        for bottle in bottles
    )
    slots = [bench.state.bottles[bottle["bottle_id"]].slot for bottle in bottles]
    assert slots == ["SPLIT_TABLE_001", "SPLIT_TABLE_002", "SPLIT_TABLE_003"]
    assert [partial["scanned_count"] for partial in context.partials] == [1, 2, 3]
    assert context.fractions == sorted(context.fractions)
    assert context.fractions[-1] == 1


def test_scan__tells_where_the_robot_stands(bench: Bench) -> None:
    _, context = bench.run("SCAN_QRCODE", FILE)
    assert context.places == [None, "SCAN_TABLE", None, "SPLIT_TABLE"]


def test_same_file_again_and_again__finds_a_fresh_tray_each_time(bench: Bench) -> None:
    for number in (1, 2, 3):
        result, _ = bench.run("SCAN_QRCODE", FILE)
        assert result["scanned_count"] == 3
        assert bench.state.trays == number


def test_fresh_tray__leaves_alone_what_another_robot_holds(bench: Bench) -> None:
    bench.run("PICK_UP", [{"bottle_id": "bottle_004"}], robot="robot_b")
    bench.run("SCAN_QRCODE", FILE)
    bench.run("SCAN_QRCODE", FILE)
    assert bench.state.bottles["bottle_004"].slot == "robot_b.gripper"
    assert len(bench.state.bottles) == 10


def test_run_times__limits_the_bottles(bench: Bench) -> None:
    result, _ = bench.run("SCAN_QRCODE", {"run_times": 2})
    assert [bottle["bottle_id"] for bottle in result["scanned_bottles"]] == [
        "bottle_001",
        "bottle_002",
    ]
    assert bench.state.bottles["bottle_003"].slot == "SCAN_TABLE_003"


def test_unreadable_bottle__is_asked_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path, options=WITH_UNREADABLE_BOTTLE)
    answer = {"bottle_id": "sample_77", "type": "glass_bottle_250", "task": "keep"}
    result, context = bench.run("SCAN_QRCODE", FILE, answers=[answer])
    question = context.questions[0]
    assert question["prompt"] == "ask.bottle_id"
    assert question["answered_by"] == "SCAN_QRCODE_ENTER_ID"
    assert question["timeout_s"] == 300
    assert question["slot_index"] == 2
    assert context.names().count("WAITING_ID_INPUT") == 1
    bottle = result["scanned_bottles"][1]
    assert (bottle["bottle_id"], bottle["type"], bottle["task"]) == tuple(answer.values())
    assert bench.state.bottles["sample_77"].slot == "SPLIT_TABLE_002"
    assert context.fractions[-1] == 1


def test_unreadable_bottle_nobody_answers_for__fails_and_is_scanned_next_time(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, options=WITH_UNREADABLE_BOTTLE)
    with pytest.raises(DriverError) as error:
        bench.run("SCAN_QRCODE", FILE)
    assert error.value.code == "answer_timeout"
    assert bench.state.bottles["bottle_002"].slot == "robot_a.gripper"
    result, context = bench.run("SCAN_QRCODE", FILE, answers=[{"bottle_id": "bottle_002"}])
    assert [bottle["slot_index"] for bottle in result["scanned_bottles"]] == [2, 3]
    assert "GRAB_SCAN_GUN" not in context.names(), "the robot still has it"
    assert all(bottle.slot != "robot_a.gripper" for bottle in bench.state.bottles.values())


def test_answer_that_names_another_bottle__is_asked_for_again_and_then_refused(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, options=WITH_UNREADABLE_BOTTLE)
    wrong = {"bottle_id": "bottle_001"}
    result, context = bench.run("SCAN_QRCODE", FILE, answers=[wrong, {"bottle_id": "bottle_002"}])
    assert result["scanned_count"] == 3
    assert len(context.questions) == 2
    with pytest.raises(DriverError, match=r"bottle_001 was entered for the bottle in slot 2"):
        bench.run("SCAN_QRCODE", FILE, answers=[wrong] * 5)


def test_timeout_of_one_attempt__makes_slow_reading_fail(bench: Bench) -> None:
    answers = [{"bottle_id": f"bottle_00{number}"} for number in (1, 2, 3)]
    _, context = bench.run("SCAN_QRCODE", {"timeout": 2.0}, answers=answers)
    scanning = [step.seconds for step in context.steps if step.name == "SCANNING"]
    assert scanning == pytest.approx([2.0] * 3)
    assert len(context.questions) == 3


def test_scan_after_one_that_was_stopped__goes_on_with_the_same_bottles(bench: Bench) -> None:
    context = bench.context()
    context.at_step["SCANNING"] = bench.robot().stop
    with pytest.raises(Stopped):
        bench.run("SCAN_QRCODE", FILE, context=context)
    assert bench.state.bottles["bottle_001"].slot == "robot_a.gripper"
    result, _ = bench.run("SCAN_QRCODE", FILE)
    assert result["scanned_count"] == 3
    assert bench.state.trays == 1
    assert bench.state.bottles["bottle_001"].slot == "SPLIT_TABLE_001"


def test_bottles_on_the_back_from_before__are_brought_along(bench: Bench) -> None:
    context = bench.context()
    context.at_step["TURNING_BACK_FRONT"] = bench.robot().stop
    with pytest.raises(Stopped):
        bench.run("SCAN_QRCODE", {"run_times": 2}, context=context)
    result, _ = bench.run("SCAN_QRCODE", FILE)
    assert result["scanned_count"] == 1
    assert bench.state.bottles["bottle_001"].slot == "SPLIT_TABLE_001"
    assert bench.state.bottles["bottle_003"].slot == "SPLIT_TABLE_003"


def test_robot_without_a_scan_gun__cannot_scan(bench: Bench) -> None:
    with pytest.raises(DriverError, match="robot_b has no scan gun"):
        bench.run("SCAN_QRCODE", {}, robot="robot_b")


def test_same_seed__gives_the_same_durations_at_every_scale(tmp_path: Path) -> None:
    exact = Bench(tmp_path / "exact", options={"seed": 7})
    scaled = Bench(tmp_path / "scaled", options={"seed": 7}, clock=ScaledClock(0.002))
    other = Bench(tmp_path / "other", options={"seed": 8})
    first, second, third = (b.run("SCAN_QRCODE", FILE)[1] for b in (exact, scaled, other))
    durations = [step.seconds for step in first.steps]
    # scaled time also holds the delays of this machine, so only the lower bound is exact
    assert second.names() == first.names()
    for seconds, step in zip(durations, second.steps, strict=True):
        assert step.seconds >= seconds - 0.01
    assert durations != [step.seconds for step in third.steps]
