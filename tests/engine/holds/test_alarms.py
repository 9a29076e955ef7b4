"""Alarms: what somebody has to act on, in one order, seen by a name, quiet for a time."""

from __future__ import annotations

import pytest

from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from tests.engine.conftest import Lab, StartLab
from tests.engine.queue.test_order import SetClock


def codes(lab: Lab) -> list[str]:
    return [alarm.code for alarm in lab.engine.alarms.standing()]


async def test_alarms__most_urgent_first_and_the_first_one_is_marked(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    assert codes(lab) == []
    await lab.engine.pause("robot_b", actor="ann")
    asks = await lab.submit("asks", ask="Which bottle?", wait_s=60)
    await lab.asking(asks)
    lab.engine.holds.set("robot_b", HoldCode.MOTION_HELD, actor="ann")
    assert codes(lab) == ["question", "motion_held", "paused"]
    priorities = [alarm.priority for alarm in lab.engine.alarms.standing()]
    assert priorities == ["medium", "medium", "low"]
    first = [alarm.code for alarm in lab.engine.alarms.standing() if alarm.first]
    assert first == ["question"], "a pause that somebody wanted is no cause"
    await lab.engine.estop.trigger(actor="ann", reason="a bottle fell")
    found = lab.engine.alarms.standing()
    assert (found[0].code, found[0].queue, found[0].priority) == ("estop", "", "high")
    assert [alarm.code for alarm in found].count("estop") == 1, "one stop is one alarm"


async def test_alarm__is_acknowledged_by_a_name_and_stays(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    (alarm,) = lab.engine.alarms.standing()
    seen = await lab.engine.alarms.acknowledge(alarm.id, actor="li")
    assert (seen.acknowledged_by, seen.code) == ("li", "paused")
    again = await lab.engine.alarms.acknowledge(alarm.id, actor="bob")
    assert again.acknowledged_by == "li", "the first one counts"
    (event,) = await lab.events("alarm.acknowledged")
    assert (event.actor, event.robot, event.data["code"]) == ("li", "robot_a", "paused")
    assert lab.holds() == {HoldCode.PAUSED}, "it lifts nothing"
    # somebody pauses it again: nobody has seen that one
    await lab.engine.pause(None, actor="eve", reason="the deck is wet")
    (new,) = lab.engine.alarms.standing()
    assert (new.id != alarm.id, new.acknowledged_by) == (True, None)
    with pytest.raises(RobotqError) as refused:
        await lab.engine.alarms.acknowledge(alarm.id, actor="li")
    assert refused.value.code.name == "alarm_not_found"


async def test_alarm__that_is_shelved_comes_back_by_itself(start_lab: StartLab) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock)
    await lab.engine.pause(None, actor="ann")
    (alarm,) = lab.engine.alarms.standing()
    shelved = await lab.engine.alarms.shelve(alarm.id, 15, actor="li")
    assert (shelved.shelved_by, shelved.acknowledged_by) == ("li", None)
    assert lab.holds() == {HoldCode.PAUSED}, "a hold is never hidden"
    clock.time_ms += 14 * 60_000
    assert lab.engine.alarms.standing()[0].shelved_by == "li"
    clock.time_ms += 61_000
    assert lab.engine.alarms.standing()[0].shelved_by is None
    for minutes in (-1, 481):
        with pytest.raises(RobotqError, match="expected 0 to 480"):
            await lab.engine.alarms.shelve(alarm.id, minutes, actor="li")
