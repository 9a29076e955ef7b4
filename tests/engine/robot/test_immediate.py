"""Commands that act at once: no tasks, in no count, and the queue is not held up by them."""

from __future__ import annotations

from typing import Any

import pytest

from robotq.catalog import Catalog
from robotq.config import Config
from robotq.drivers.base import DriverError, LinkLost, UnknownCommand
from robotq.engine.state.known_robots import NOBODY_KNOWS, KnownRobots
from robotq.model.errors import ConfigError, RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from robotq.model.texts import Language
from tests.engine.conftest import Lab, StartLab


async def serve(lab: Lab, cmd_type: str, **params: Any) -> dict[str, Any]:
    order = lab.engine.intake.read({"cmd_type": cmd_type, "params": params})
    return await lab.engine.immediate.serve(order, actor="ann")


async def test_query__is_answered_while_a_command_runs_and_is_in_no_count(lab: Lab) -> None:
    task_id = await lab.at_gate("first")
    assert await serve(lab, "ASK_STATE") == {"battery": 0.9, "simulated": True}
    assert lab.engine.reads.counts().total == 1
    assert await lab.events("command.") == []
    lab.driver.gate.set()
    await lab.ended(task_id)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (LinkLost("no power"), "robot_disconnected"),
        (DriverError("jam"), "device_error"),
        (DriverError("jam", code="paper"), "device_error"),
        (UnknownCommand("it answers only GET_STATE"), "robot_cannot"),
    ],
)
async def test_query__what_the_driver_raises_is_told(
    lab: Lab, raised: Exception, code: str
) -> None:
    def refuse() -> None:
        raise raised

    lab.driver.hooks["immediate"] = refuse
    with pytest.raises(RobotqError) as refused:
        await serve(lab, "ASK_STATE")
    assert refused.value.code.name == code


async def test_query__that_a_robot_cannot_answer_says_what_it_can(lab: Lab) -> None:
    def refuse() -> None:
        raise UnknownCommand("at once it answers only GET_STATE")

    lab.driver.hooks["immediate"] = refuse
    with pytest.raises(RobotqError) as refused:
        await serve(lab, "ASK_STATE")
    told = refused.value.text(Language.EN)
    assert told == "robot_a cannot do ASK_STATE: at once it answers only GET_STATE"
    assert refused.value.code.http_status == 422


async def test_query__that_cannot_be_served_while_busy(lab: Lab) -> None:
    with pytest.raises(RobotqError) as refused:
        await serve(lab, "ASK_STATE", busy=True)
    assert refused.value.code.http_status == 409


async def test_query__a_driver_that_hangs_is_not_waited_for(lab: Lab) -> None:
    lab.set_timings(answer_s=0.01)
    lab.driver.hooks["immediate"] = lambda: lab.driver.gate.wait(10)
    for _ in range(32):
        with pytest.raises(RobotqError, match="gave no answer"):
            await serve(lab, "ASK_STATE")
    with pytest.raises(RobotqError, match="does not answer 32 earlier calls"):
        await serve(lab, "ASK_STATE")
    lab.driver.gate.set()


async def test_arming__until_start_working_nothing_but_queries_is_taken(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(require_start_working=True)
    with pytest.raises(RobotqError, match="not armed"):
        await lab.submit("first")
    assert await serve(lab, "ASK_STATE")
    assert await serve(lab, "START_WORKING") == {"armed": True}
    assert (await lab.run("first")).state is TaskState.COMPLETED
    assert await serve(lab, "STOP_WORKING") == {"armed": False, "paused": True}
    assert lab.holds() == {HoldCode.PAUSED}
    with pytest.raises(RobotqError, match="not armed"):
        await lab.submit("second")
    events = await lab.events("command.control")
    assert [event.data["cmd_type"] for event in events] == ["START_WORKING", "STOP_WORKING"]
    assert {event.actor for event in events} == {"ann"}


async def test_arming__is_no_matter_where_the_site_does_not_demand_it(lab: Lab) -> None:
    assert await serve(lab, "STOP_WORKING") == {"armed": True, "paused": True}
    await lab.engine.resume(None, actor="ann")
    assert (await lab.run("first")).state is TaskState.COMPLETED


async def test_control__hold_and_resume_of_the_motion(lab: Lab) -> None:
    assert await serve(lab, "HOLD") == {"held": True}
    assert lab.driver._held
    assert await serve(lab, "RESUME") == {"held": False}
    assert not lab.driver._held


async def test_reset_system__disarms_and_reads_the_configuration_again(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(require_start_working=True)
    await serve(lab, "START_WORKING")
    assert await serve(lab, "RESET_SYSTEM") == {"armed": False, "reloaded": False}
    read = 0

    def read_again() -> tuple[Config, Catalog, KnownRobots]:
        nonlocal read
        read += 1
        if read > 1:
            raise ConfigError("lab.yaml:3: no such place")
        return lab.engine.config, lab.engine.catalog, NOBODY_KNOWS

    lab.engine._parts.reloading._read_again = read_again
    assert await serve(lab, "RESET_SYSTEM") == {"armed": False, "reloaded": True}
    with pytest.raises(RobotqError, match=r"lab\.yaml:3"):
        await serve(lab, "RESET_SYSTEM")
    assert [event.actor for event in await lab.events("config.reloaded")] == ["ann"]


async def test_task_state__finds_the_newest_command_by_the_client_s_own_name(lab: Lab) -> None:
    await lab.run("mine")
    task_id = await lab.at_gate("mine")
    found = await serve(lab, "GET_TASK_STATE", target_cmd_id="mine")
    assert found == {
        "target_cmd_id": "mine",
        "task_id": task_id,
        "state": "running",
        "current_step": "WORKING",
        "progress": None,
    }
    with pytest.raises(RobotqError, match="No such task"):
        await serve(lab, "GET_TASK_STATE", target_cmd_id="yours")
    lab.driver.gate.set()


async def test_list_params__are_refused_where_an_object_is_needed(lab: Lab) -> None:
    task_id = await lab.submit("asks", ask="?")
    await lab.asking(task_id)
    for cmd_type in ("ENTER", "GET_TASK_STATE"):
        order = lab.engine.intake.read({"cmd_type": cmd_type, "params": ["b7"]})
        with pytest.raises(RobotqError, match="expected an object"):
            await lab.engine.immediate.serve(order, actor="ann")


async def test_query__is_answered_under_every_hold(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    await lab.held(HoldCode.PAUSED)
    await lab.engine.estop.trigger(actor="ann")
    assert (await serve(lab, "ASK_STATE"))["battery"] == 0.9


async def test_stop_working__stops_the_command_that_runs(lab: Lab) -> None:
    lab.clock.freeze()
    task_id = await lab.submit("first", take_s=50)
    await lab.running(task_id)
    await serve(lab, "STOP_WORKING")
    task = await lab.find(task_id)
    assert task.error is not None
    assert (task.state, task.error.code) == (TaskState.CANCELLED, "stopped")
    assert task.error.args == {"actor": "ann", "reason": "STOP_WORKING"}


async def test_resume_of_the_motion__is_refused_under_an_emergency_stop(lab: Lab) -> None:
    await serve(lab, "HOLD")
    await lab.engine.estop.trigger(actor="ann")
    with pytest.raises(RobotqError, match="is estop, so it cannot resume"):
        await serve(lab, "RESUME")
    assert [event.data["cmd_type"] for event in await lab.events("command.control")] == ["HOLD"]


async def test_control__that_the_robot_refuses_is_not_told_as_done(lab: Lab) -> None:
    def refuse() -> None:
        raise DriverError("in an error state")

    lab.driver.hooks["hold"] = refuse
    with pytest.raises(RobotqError, match="in an error state"):
        await serve(lab, "HOLD")
    assert await lab.events("command.control") == []


async def test_task_state__shows_the_step_of_a_running_command(lab: Lab) -> None:
    task_id = await lab.at_gate("mine")
    state = await serve(lab, "GET_TASK_STATE", target_cmd_id="mine")
    assert (state["task_id"], state["state"], state["current_step"]) == (
        task_id,
        "running",
        "WORKING",
    )
    lab.driver.gate.set()
    await lab.ended(task_id)


async def test_signal__while_the_disk_is_full_acts_all_the_same(lab: Lab) -> None:
    lab.disk.full = "no space left"
    assert await serve(lab, "HOLD") == {"held": True}
    assert lab.driver._held
