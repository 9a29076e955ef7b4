"""Actions of ROS as commands: how a goal goes, ends, and is stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from robotq.drivers.base import (
    DriverError,
    LinkLost,
    LinkState,
    Stopped,
    UncertainOutcome,
    UnknownCommand,
)
from robotq.drivers.rosbridge.bridge import Bridge
from robotq.drivers.rosbridge.goals import Goals
from robotq.drivers.rosbridge.messages import GoalStatus, Published, status_topic
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.testing.driver_contract import Execution
from tests.drivers.rosbridge.conftest import MakeSite
from tests.drivers.rosbridge.site import Site
from tests.patience import look_again_s

pytestmark = pytest.mark.wall("asyncio, which the bridge and its client use, waits by the wall")

LONG = Command(cmd_type="MOVE", params={"steps": 500, "step_s": 0.01})


def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() < began + seconds
        time.sleep(look_again_s(began))


def begun(site: Site, command: Command = LONG) -> Execution:
    execution = Execution(site.driver, command, task_id="task_long")
    until(lambda: site.steps() > 2)
    return execution


def test_goal__is_filled_in_carried_out_once_and_tells_its_result(site: Site) -> None:
    assert site.do("MOVE", steps=4, place="SHELF") == {"travelled": 4}
    assert site.starts() == 1
    assert site.move.log[0].endswith("to SHELF")
    sent = next(one for one in site.bridge.heard if one.get("op") == "send_action_goal")
    assert sent["args"] == {"steps": 4, "step_s": 0.01, "text": "to SHELF"}
    assert site.context.places == [None, "SHELF"]
    assert site.context.fractions == [0.25, 0.5, 0.75, 1.0]
    assert [name for name, state in site.context.steps if state == "running"] == [
        f"step {n}" for n in range(1, 5)
    ]


def test_whole_number__is_sent_as_one_whoever_wrote_it(site: Site) -> None:
    """A field of ROS that is an integer refuses 3.0."""
    site.do("MOVE", steps=2.0)
    site.do("MOVE")
    sent = [one["args"] for one in site.bridge.heard if one.get("op") == "send_action_goal"]
    assert [(one["steps"], type(one["steps"])) for one in sent] == [(2, int), (3, int)]


def test_goal__that_is_rejected_has_failed_for_certain(site: Site) -> None:
    site.move.rejects = "Action goal was rejected"
    with pytest.raises(DriverError, match="goal was rejected"):
        site.do("MOVE")
    assert site.starts() == 0


@pytest.mark.slow
def test_goal__without_an_answer_is_uncertain_in_time(site: Site) -> None:
    site.move.rejects = ""
    began = time.monotonic()
    with pytest.raises(UncertainOutcome, match="neither accepted nor rejected") as caught:
        site.do("MOVE")
    assert caught.value.cause == "answer_lost"
    assert time.monotonic() - began < 3.0


def test_goal__without_feedback_is_followed_by_the_servers_status(site: Site) -> None:
    site.move.tells_feedback = False
    assert site.do("MOVE", steps=10, step_s=0.1) == {"travelled": 10}


def test_goal__that_the_robot_gives_up_has_failed_with_its_reason(site: Site) -> None:
    site.move.aborts_after = 1
    with pytest.raises(DriverError, match="the robot gave the goal up: lost"):
        site.do("MOVE")


def test_goal__whose_result_is_not_what_was_meant_has_failed(make_site: MakeSite) -> None:
    commands = {
        "MOVE": {
            "action": "/move", "type": "robot_msgs/action/Move", "goal": {"steps": 2},
            "check": "result.done == 3", "otherwise": "it stopped on the way",
        }
    }  # fmt: skip
    site = make_site({"commands": commands})
    site.driver.connect()
    with pytest.raises(DriverError, match="it stopped on the way"):
        site.do("MOVE")


def test_goal__with_a_field_that_the_type_lacks_was_never_begun(make_site: MakeSite) -> None:
    move = {"action": "/move", "type": "robot_msgs/action/Move", "goal": {"speed": 3}}
    site = make_site({"commands": {"MOVE": move}})
    site.driver.connect()
    with pytest.raises(DriverError, match="does not have a field speed"):
        site.do("MOVE")
    assert site.starts() == 0


def test_goal__of_a_server_that_is_not_there(make_site: MakeSite) -> None:
    away = {"action": "/away", "type": "robot_msgs/action/Move"}
    site = make_site({"commands": {"AWAY": away}})
    site.driver.connect()
    assert site.driver.status().details["no_server"] == ["/away"]
    with pytest.raises(DriverError, match="No action server available"):
        site.do("AWAY")


def test_goal__whose_end_the_bridge_does_not_say_is_uncertain(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_status(*_: Any) -> tuple[int, dict[str, Any]]:
        return 0, {"done": 3}

    monkeypatch.setattr(site.graph, "send_goal", no_status)
    with pytest.raises(UncertainOutcome, match="does not say how the goal ended"):
        site.do("MOVE")


def test_params__out_of_bounds_are_refused_before_anything_is_sent(site: Site) -> None:
    with pytest.raises(DriverError, match="expected 1 to 10000") as caught:
        site.do("MOVE", steps=0)
    assert caught.value.code == "bad_parameter"
    with pytest.raises(UnknownCommand, match="it can do MOVE, GRIP, BATTERY"):
        site.do("FLY")
    assert not any(one.get("op") == "send_action_goal" for one in site.bridge.heard)


# -- stopping -------------------------------------------------------------------------------------


@pytest.mark.real_time("that nothing moves after the stop shows after a moment only")
def test_stop__ends_the_goal_at_once_although_the_bridge_is_busy_with_it(site: Site) -> None:
    execution = begun(site)
    began = time.monotonic()
    site.driver.stop()
    assert isinstance(execution.ended().error, Stopped)
    assert time.monotonic() - began < 1.0
    done = site.steps()
    time.sleep(0.1)
    assert site.steps() == done
    assert site.move.log[-1].endswith("end " + site.move.log[0].split()[1] + " 5")


def test_stop__that_comes_before_the_goal_has_arrived_ends_it_too(site: Site) -> None:
    """The bridge hands the goal on late, so that the first cancel finds nothing to cancel."""
    real = site.graph.send_goal

    async def late(*args: Any) -> tuple[int, JsonObject]:
        await asyncio.sleep(0.5)
        return await real(*args)

    site.graph.send_goal = late  # type: ignore[method-assign,assignment]
    execution = Execution(site.driver, LONG, task_id="task_late")
    until(lambda: any(one.get("op") == "send_action_goal" for one in site.bridge.heard))
    site.driver.stop()
    assert isinstance(execution.ended().error, Stopped)
    assert site.steps() < 60


def test_emergency_stop__ends_the_goals_of_others_too_and_lasts(site: Site) -> None:
    execution = begun(site)
    site.driver.emergency_stop()
    assert isinstance(execution.ended().error, Stopped)
    with pytest.raises(Stopped):
        site.do("MOVE")
    site.driver.reset()
    assert site.do("MOVE") == {"travelled": 3}


def test_emergency_stop__also_sends_what_the_robot_wants(make_site: MakeSite) -> None:
    stop = [
        {"service": "/estop", "type": "std_srvs/srv/Trigger"},
        {"topic": "/cmd_vel", "type": "geometry_msgs/msg/Twist", "message": {"linear": {"x": 0.0}}},
    ]
    site = make_site({"stop": stop})
    called: list[Any] = []

    async def estop(request: Any) -> dict[str, Any]:
        called.append(request)
        return {"success": True}

    site.graph.services["/estop"] = estop
    site.driver.connect()
    site.driver.emergency_stop()
    assert called == [{}]
    until(lambda: len(site.graph.published) == 3)
    assert {name for name, _ in site.graph.published} == {"/cmd_vel"}
    assert any(one.get("op") == "advertise" for one in site.bridge.heard)


def test_emergency_stop__says_when_a_server_refuses(site: Site) -> None:
    site.move.refuses_to_cancel = True
    begun(site)
    with pytest.raises(DriverError, match="/move refuses to cancel"):
        site.driver.emergency_stop()
    assert site.driver.status().details["refuses_to_cancel"] == ["/move"]
    site.move.refuses_to_cancel = False


def test_emergency_stop__while_the_link_is_away_comes_before_everything_at_the_next(
    site: Site,
) -> None:
    execution = begun(site)
    site.bridge.away = True
    site.bridge.disconnect()
    assert isinstance(execution.ended().error, LinkLost)
    with pytest.raises(LinkLost):
        site.driver.emergency_stop()
    assert site.bridge.on_loop(site.move.moving)
    site.bridge.away = False
    site.driver.connect()
    assert not site.bridge.on_loop(site.move.moving)


def test_stop__is_not_held_up_by_a_server_that_answers_no_call(make_site: MakeSite) -> None:
    """A call that is never answered holds up its socket for ever: every stop has its own."""
    site = make_site()
    site.driver.connect()

    async def dead(_: Any) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    site.graph.services["/gripper/set"] = dead
    with pytest.raises(UncertainOutcome, match="gave no answer"):
        site.do("GRIP")
    execution = begun(site)
    site.driver.stop()
    assert isinstance(execution.ended().error, Stopped)


# -- others, and the link -------------------------------------------------------------------------


def test_goal_of_somebody_else__is_not_pushed_away(make_site: MakeSite) -> None:
    """Also one that has come a moment ago, of which the connection that listens all the time knows
    nothing yet."""
    site = make_site()
    site.driver.connect()
    goal: dict[str, Any] = {"steps": 1_000}
    theirs = site.graph.send_goal("/move", "robot_msgs/action/Move", goal, None)
    task = site.bridge.on_loop(lambda: asyncio.ensure_future(theirs))
    until(lambda: site.steps() > 0)
    goals = site.driver._goals  # type: ignore[attr-defined]
    for late in (False, True):
        if late:
            goals.active = lambda _: []
        with pytest.raises(DriverError, match="a goal of somebody else"):
            site.do("MOVE")
    assert site.starts() == 1
    del goals.active
    site.driver.emergency_stop()
    until(lambda: not site.bridge.on_loop(site.move.moving))
    until(task.done)


def test_link_lost__is_told_and_the_goal_goes_on_without_us(site: Site) -> None:
    execution = begun(site)
    site.bridge.disconnect()
    error = execution.ended().error
    assert isinstance(error, LinkLost)
    assert site.links[-1][0] is LinkState.DISCONNECTED
    assert site.bridge.on_loop(site.move.moving)
    site.driver.connect()
    assert site.driver.status().details["goals"] == {"/move": 1}
    site.driver.emergency_stop()


def test_connect__says_what_is_at_the_other_end(make_site: MakeSite) -> None:
    site = make_site()
    site.bridge.away = True
    with pytest.raises(LinkLost, match="HTTP 503, which is no rosbridge"):
        site.driver.connect()
    site.bridge.away = False
    site.bridge.deaf = True
    with pytest.raises(LinkLost, match="no answer to a call of /move/_action/cancel_goal"):
        site.driver.connect()
    site.bridge.deaf = False
    site.driver.connect()


def test_connect__where_the_bridge_lets_no_cancel_through_is_no_link(make_site: MakeSite) -> None:
    site = make_site(services_glob=["/gripper/*"])
    with pytest.raises(LinkLost, match="services_glob does not let it through"):
        site.driver.connect()


def test_end_of_a_goal__is_not_taken_back_by_an_older_word() -> None:
    """What a server says comes over several sockets, and not in the order in which it was said."""
    goals = Goals(Bridge("amr", "ws://127.0.0.1:1"), ["/move"], lambda _: None)
    topic = status_topic("/move")
    told = [{"goal_info": {"goal_id": {"uuid": list(range(16))}}, "status": 4}]
    goals._came(Published(topic, {"status_list": told}))
    older = [{**told[0], "status": 2}]
    goals._came(Published(topic, {"status_list": older}))
    assert list(goals.of("/move").values()) == [GoalStatus.SUCCEEDED]
    assert goals.active("/move") == []


# -- services and topics --------------------------------------------------------------------------


def test_service__is_called_once_and_its_answer_is_looked_at(site: Site) -> None:
    assert site.do("GRIP", close=0) == {"told": "closed"}
    assert site.gripped == [{"data": 0}]
    site.gripper = {"success": False, "message": "empty"}
    with pytest.raises(DriverError, match="nothing between its fingers"):
        site.do("GRIP")


def test_service__that_is_not_there_was_never_called(site: Site) -> None:
    del site.graph.services["/gripper/set"]
    with pytest.raises(DriverError, match="does not exist"):
        site.do("GRIP")


def test_query__takes_the_last_message_of_a_topic_also_while_a_goal_runs(site: Site) -> None:
    execution = begun(site)
    query = Command(cmd_type="BATTERY", params={})
    assert site.driver.immediate(query) == {"percentage": 0.8}
    site.driver.stop()
    execution.ended()
    site.graph.topics["/battery_state"] = None
    with pytest.raises(DriverError, match="had no message within 1 s"):
        site.driver.immediate(query)


def test_requires__is_looked_at_before_the_goal_is_sent(make_site: MakeSite) -> None:
    move = {
        "action": "/move", "type": "robot_msgs/action/Move", "goal": {"steps": 1},
        "requires": [{
            "topic": "/battery_state", "type": "sensor_msgs/msg/BatteryState",
            "check": "message.percentage > 0.2", "otherwise": "the battery is nearly empty",
        }],
    }  # fmt: skip
    site = make_site({"commands": {"MOVE": move}})
    site.driver.connect()
    site.do("MOVE")
    site.graph.topics["/battery_state"] = {"percentage": 0.1}
    with pytest.raises(DriverError, match="the battery is nearly empty"):
        site.do("MOVE")
    assert site.starts() == 1
