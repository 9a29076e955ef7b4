"""Queries and signals, also while a command runs."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from robotq.drivers.base import DriverError
from robotq.drivers.simulator.commands import IMMEDIATE
from robotq.model.json import JsonObject
from robotq.model.task import Command
from tests.drivers.simulator.bench import Bench


def ask(bench: Bench, cmd_type: str, **params: Any) -> JsonObject:
    return bench.robot().immediate(Command(cmd_type=cmd_type, params=params))


@pytest.mark.parametrize("cmd_type", sorted(IMMEDIATE))
def test_every_immediate_command__is_served_while_a_command_runs(
    bench: Bench, cmd_type: str
) -> None:
    with bench.frozen():
        running = bench.start("NAVIGATION", {"area": "CHARGER"})
        answer = ask(bench, cmd_type)
        assert answer
        orjson.dumps(answer)
    running.join()
    assert running.error is None


def test_motion_state__follows_the_robot(bench: Bench) -> None:
    idle = ask(bench, "GET_ROBOT_MOTION_STATE")
    assert (idle["state"], idle["place"], idle["speed_mm_s"]) == ("idle", "HOME", 0)
    seen: list[JsonObject] = []
    with bench.frozen():
        running = bench.start("NAVIGATION", {"area": "SCAN_TABLE"})
        for seconds in (1, 10, 20):
            bench.at(seconds, lambda: seen.append(ask(bench, "GET_ROBOT_MOTION_STATE")))
    running.join()
    assert [state["state"] for state in seen] == ["moving"] * 3
    assert [state["place"] for state in seen] == ["HOME", None, None]
    assert seen[0]["speed_mm_s"] == 250
    assert seen[1]["speed_mm_s"] == seen[2]["speed_mm_s"] > 330
    assert seen[2]["x_mm"] - seen[1]["x_mm"] == pytest.approx(10 * seen[1]["speed_mm_s"], abs=1)
    assert seen[0]["motion"] == "drive HOME -> SCAN_TABLE"
    bench.robot().emergency_stop()
    assert ask(bench, "GET_ROBOT_MOTION_STATE")["state"] == "emergency_stop"


def test_battery__drains_with_motion_and_fills_at_the_charger(bench: Bench) -> None:
    assert ask(bench, "GET_BATTERY_STATE")["percentage"] == 100
    bench.run("SCAN_QRCODE")
    drained = ask(bench, "GET_BATTERY_STATE")
    assert 99 < drained["percentage"] < 99.5
    assert not drained["charging"]
    bench.run("NAVIGATION", {"area": "CHARGER"})
    level = ask(bench, "GET_BATTERY_STATE")["percentage"]
    bench.run("SPLIT_LIQUID", robot="robot_b")
    charged = ask(bench, "GET_BATTERY_STATE")
    assert charged["charging"]
    assert charged["percentage"] > level
    bench.run("NAVIGATION", {"area": "HOME"})
    assert ask(bench, "GET_BATTERY_STATE")["percentage"] > level


def test_low_battery__is_changed_by_somebody(bench: Bench) -> None:
    bench.robot()
    bench.lab.change(lambda state: bench.robot()._body.settled(state, battery=15.01))
    bench.run("NAVIGATION", {"area": "SCAN_TABLE"})
    assert ask(bench, "GET_BATTERY_STATE")["percentage"] == 100


def test_arms_and_fingers__show_what_they_do(bench: Bench) -> None:
    rest = ask(bench, "GET_UPPER_LIMB_JOINT_STATES")["joints"]
    assert len(rest) == 12
    assert set(ask(bench, "GET_FINGER_PRESSURES")["pressures_kpa"].values()) == {0}
    opened = ask(bench, "GET_HAND_JOINT_STATES")
    seen: list[Any] = []
    with bench.frozen():
        running = bench.start("ROBOT_ACTION", {"action_type": "WAVE"})
        bench.at(2, lambda: seen.append(ask(bench, "GET_UPPER_LIMB_JOINT_STATES")["joints"]))
    running.join()
    assert seen[0] != rest
    bench.run("PICK_UP", [{"bottle_id": "bottle_001"}])
    assert all(value > 10 for value in ask(bench, "GET_FINGER_PRESSURES")["pressures_kpa"].values())
    assert ask(bench, "GET_HAND_JOINT_STATES") != opened


def test_bottle_get__tells_of_one_or_of_all(bench: Bench) -> None:
    assert len(ask(bench, "BOTTLE_GET")["bottles"]) == 10
    assert ask(bench, "BOTTLE_GET", bottle_id="bottle_003")["bottles"] == [
        {
            "bottle_id": "bottle_003",
            "type": "glass_bottle_1000",
            "slot": "SCAN_TABLE_003",
            "volume_ml": 1000,
            "task": "analyse",
        }
    ]
    with pytest.raises(DriverError, match="there is no bottle_777 in the lab"):
        ask(bench, "BOTTLE_GET", bottle_id="bottle_777")


def test_station_counter__counts_what_was_put_down(bench: Bench) -> None:
    bench.run("SCAN_QRCODE")
    bench.run("SCAN_QRCODE")
    counter = ask(bench, "GET_STATION_COUNTER")
    assert counter["trays"] == 2
    assert counter["stations"]["SPLIT_TABLE"] == {"bottles": 3, "slots": 6, "put_down": 6}
    assert counter["stations"]["SCAN_TABLE"] == {"bottles": 0, "slots": 3, "put_down": 0}


def test_signals__are_counted_and_outlive_a_restart(bench: Bench) -> None:
    assert ask(bench, "PROCESS_BEGINS") == {"process_running": True, "count": 1}
    assert ask(bench, "PROCESS_ENDED") == {"process_running": False, "count": 1}
    assert ask(bench, "PROCESS_BEGINS") == {"process_running": True, "count": 2}
    again = bench.restarted()
    assert ask(again, "MANUAL_RESET_COMPLETED") == {"process_running": True, "count": 1}
    assert bench.motions() == []
