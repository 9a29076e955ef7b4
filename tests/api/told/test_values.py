"""What the robots of the lab measure, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from robotq.model.carried.live_value import LiveValue
from tests.api.conftest import StartLab
from tests.api.lab import Lab


async def _heard(lab: Lab, robot: str = "robot_a") -> None:
    """The half second until the daemon has looked is over."""
    known = lab.engine.robots[robot]
    status = await known.motion.look()
    assert status is not None
    known.values.take(status.values)


async def _values(lab: Lab, path: str = "/robots/robot_a/values") -> dict[str, dict[str, Any]]:
    answer = await lab.get(path)
    assert answer.status == 200, answer.text
    return {each["name"]: each for each in answer["values"]}


async def test_robot__tells_battery_and_position_with_unit_range_and_the_last_hour(
    lab: Lab,
) -> None:
    await _heard(lab)
    values = await _values(lab)
    assert list(values) == ["battery", "x", "y"]
    battery = values["battery"]
    assert battery["unit"] == "%"
    assert battery["state"] == "normal"
    least, most = battery["normal"]
    assert 0 < least < battery["value"] <= most == 100
    assert battery["age_s"] < 5
    assert values["x"]["normal"] is None
    assert values["x"]["state"] == "no_range"
    assert [point["last"] for point in battery["points"]] == [battery["value"]]
    assert abs(battery["points"][0]["at_ms"] - lab.engine.clock.now_ms()) < 20_000


async def test_robot__that_nobody_knows_has_no_values(lab: Lab) -> None:
    answer = await lab.get("/robots/robot_x/values")
    assert (answer.status, answer["error_code"]) == (400, "bad_parameter")
    assert (await lab.get("/robots/robot_a/values?points=0")).status == 400


async def test_link__that_is_down_makes_every_value_old_at_once_everywhere(lab: Lab) -> None:
    """The page, the address and the metrics: none of them shows as now what nobody knows."""
    await _heard(lab)
    robot = lab.engine.robots["robot_a"]
    metrics = (await lab.get("/metrics")).text
    assert 'robotq_robot_value{name="battery",robot="robot_a",unit="%"}' in metrics
    assert 'robotq_robot_value_outside{name="battery",robot="robot_a"} 0.0' in metrics
    robot.link.connected = False
    try:
        assert {each["state"] for each in (await _values(lab)).values()} == {"stale"}
        look = (await lab.get("/dashboard/look")).body
        shown = look["robots"][0]["values"]
        assert [each["name"] for each in shown] == ["battery", "x", "y"]
        assert {each["state"] for each in shown} == {"stale"}
        assert all(len(each["trend"]) == 30 for each in shown)
        metrics = (await lab.get("/metrics")).text
        assert 'robotq_robot_value{name="battery",robot="robot_a"' not in metrics
        assert 'robotq_robot_value_age_seconds{name="battery",robot="robot_a"}' in metrics
    finally:
        robot.link.connected = True


async def test_look__has_a_dozen_values_of_a_robot_however_many_it_tells(lab: Lab) -> None:
    robot = lab.engine.robots["robot_b"]
    robot.values.take({f"v{number}": LiveValue(value=1.0) for number in range(500)})
    look = (await lab.get("/dashboard/look")).body
    assert [len(each["values"]) for each in look["robots"] if each["robot_id"] == "robot_b"] == [12]
    assert len((await _values(lab, "/robots/robot_b/values")).keys() - {"battery", "x", "y"}) <= 32


async def test_points__are_as_few_as_somebody_asks_for(lab: Lab) -> None:
    robot = lab.engine.robots["robot_a"]
    now = robot.values.now()
    for age in range(3_500, 0, -5):
        # heard long ago, and told only now
        robot.values.take({"force": LiveValue(value=age % 7, unit="N", age_s=float(age))})
    assert now <= robot.values.now()
    for asked, most in ((360, 360), (100, 90), (7, 6), (1, 1)):
        answer = await lab.get(f"/robots/robot_a/values?points={asked}")
        (force,) = [each for each in answer["values"] if each["name"] == "force"]
        assert 0.9 * most - 1 <= len(force["points"]) <= most
        assert answer["every_s"] == pytest.approx(3_600 / most)


async def test_range__of_the_site_goes_before_that_of_the_driver(start_lab: StartLab) -> None:
    lab = await start_lab(
        robots={
            "robot_a": {
                "driver": "simulator",
                "options": {"lab": None},
                "values": {"battery": {"normal": [100.5, None], "alarm": True, "alarm_after_s": 0}},
            }
        }
    )
    await _heard(lab)
    battery = (await _values(lab))["battery"]
    assert (battery["state"], battery["normal"], battery["alarm"]) == ("low", [100.5, None], True)
    (alarm,) = (await lab.get("/alarms"))["alarms"]
    assert (alarm["code"], alarm["priority"], alarm["robot_id"]) == ("value", "medium", "robot_a")
    # one id for as long as it lasts, so that somebody can say that they have seen it
    await lab.post(f"/alarms/{alarm['id']}/acknowledge", {})
    await _heard(lab)
    (same,) = (await lab.get("/alarms"))["alarms"]
    assert (same["id"], same["acknowledged_by"]) == (alarm["id"], "anonymous")
