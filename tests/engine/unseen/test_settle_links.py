"""A link that breaks while a command runs: the device is asked when it is back, and a stop that was
wanted meanwhile comes first."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from robotq.drivers.base import UncertainOutcome
from robotq.model.hold import HoldCode
from robotq.model.task import StepState, TaskState
from tests.engine.conftest import StartLab
from tests.engine.floor import Floor, not_through
from tests.engine.settling import SettlingDriver

# -- a link that breaks ------------------------------------------------------------------------


async def test_link__that_comes_back_finds_the_command_running_and_follows_it(floor: Floor) -> None:
    task_id = await floor.command()
    floor.driver.breaks()
    await floor.lab.held(HoldCode.DISCONNECTED)
    assert (await floor.lab.find(task_id)).state is TaskState.RUNNING
    floor.driver.mends()
    await floor.attached()
    await floor.lab.held()
    floor.device.ends("done", found=1)
    task = await floor.lab.ended(task_id)
    assert (task.state, task.result, task.attempt) == (TaskState.COMPLETED, {"found": 1}, 1)
    assert [step.state for step in task.steps] == [StepState.COMPLETED]
    assert floor.device.starts == [f"{task_id}.1"]


async def test_link__that_comes_back_late_finds_the_end(floor: Floor) -> None:
    task_id = await floor.command()
    floor.driver.breaks()
    await floor.lab.held(HoldCode.DISCONNECTED)
    floor.device.ends("done", found=1)
    floor.driver.mends()
    task = await floor.lab.ended(task_id)
    assert (task.state, task.settled, floor.lab.holds()) == (TaskState.COMPLETED, True, set())


async def test_link__that_breaks_again_and_again_costs_no_second_start(floor: Floor) -> None:
    task_id = await floor.command()
    for number in range(3):
        floor.driver.breaks(f"cable {number}")
        await floor.lab.held(HoldCode.DISCONNECTED)
        floor.driver.mends()
        await floor.lab.held()
    floor.device.ends()
    assert (await floor.lab.ended(task_id)).state is TaskState.COMPLETED
    assert floor.device.starts == [f"{task_id}.1"]


async def test_link__that_does_not_come_back_has_an_unknown_outcome_in_the_end(
    start_lab: StartLab,
) -> None:
    floor = Floor(start_lab)
    await floor.start()
    task_id = await floor.command()
    # its own limit, and the least that a link is waited for
    floor.lab.engine.robots["robot_a"].executor.current._limit.spend(99.9)  # type: ignore[union-attr]
    floor.driver.breaks()
    task = await floor.lab.ended(task_id)
    assert task.error is not None
    assert task.error.args["cause"] == "cause.unsettled"
    assert task.error.args["reason"] == "reason.no_link_to_ask"
    assert HoldCode.OUTCOME_UNKNOWN in floor.lab.holds()
    assert task.steps[0].state is StepState.FAILED


async def test_attach__that_loses_it_again_and_again_over_one_link_is_given_up(
    floor: Floor,
) -> None:
    task_id = await floor.command()
    data = await floor.lab.kill()
    lab = await floor.start(data=data, made=partial(_Losing, device=floor.device))
    task = await lab.ended(task_id)
    assert task.outcome_unknown
    assert len([line for line in floor.device.log if line.startswith("settle")]) <= 5
    assert floor.device.starts == [f"{task_id}.1"]


class _Losing(SettlingDriver):
    def attach(self, run: Any, context: Any) -> Any:
        raise UncertainOutcome("answer_lost", "the controller says something else")


# -- what was to be stopped --------------------------------------------------------------------


@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_stop__that_was_asked_for_before_the_crash_comes_before_the_attach(
    floor: Floor, how: str
) -> None:
    task_id = await floor.command()
    # on disk, and not at the device: the daemon dies in between
    floor.driver.hooks["stop"] = not_through
    engine = floor.lab.engine
    asking = asyncio.create_task(
        engine.stop_robot("robot_a", actor="ann")
        if how == "stop"
        else engine.queue.cancel(task_id, actor="ann")
    )
    await floor.lab.until(lambda: floor.lab._in_memory(task_id).asked)
    lab = await floor.killed()
    asking.cancel()
    task = await lab.ended(task_id)
    assert task.state is TaskState.CANCELLED
    log = [line.split()[0] for line in floor.device.log]
    assert log[log.index("settle") :][:2] == ["settle", "stop"]
    assert floor.device.starts == [f"{task_id}.1"]


@pytest.mark.parametrize("how", ["stop", "cancel", "estop"])
async def test_stop__asked_for_while_the_link_is_away_comes_first_when_it_is_back(
    floor: Floor, how: str
) -> None:
    task_id = await floor.command()
    floor.driver.breaks()
    await floor.lab.held(HoldCode.DISCONNECTED)
    lab, engine = floor.lab, floor.lab.engine
    # its thread has come back: what is asked for now is for the device
    executor = engine._parts.roster["robot_a"].executor
    await lab.until(lambda: executor.doubts.task)
    ways: dict[str, Any] = {
        "stop": partial(engine.stop_robot, "robot_a", actor="ann"),
        "cancel": partial(engine.queue.cancel, task_id, actor="ann"),
        "estop": partial(engine.estop.trigger, actor="ann"),
    }
    asking = asyncio.create_task(ways[how]())
    await lab.until(lambda: lab._in_memory(task_id).asked)
    # the driver has been told, as far as it has a thread for that
    await lab.until(lambda: how != "estop" or floor.driver.estops)
    before = len(floor.device.log)
    floor.driver.mends()
    task = await lab.ended(task_id)
    await asking
    assert task.state is (TaskState.FAILED if how == "estop" else TaskState.CANCELLED)
    assert not task.outcome_unknown
    log = [line.split()[0] for line in floor.device.log[before:]]
    if how == "estop":
        assert log[0] == "estop"
    else:
        # the command's own thread may tell of the loss once the link is there: it is made again
        asked = log.index("settle")
        assert set(log[:asked]) == {"connect"}
        assert log[asked + 1] == "stop"


async def test_emergency_stop__that_is_latched_comes_before_the_link(floor: Floor) -> None:
    task_id = await floor.command()
    floor.driver.hooks |= {"emergency_stop": not_through, "stop": not_through}
    await floor.lab.engine.estop.trigger(actor="ann")
    assert floor.device.running.state == "running"
    data = await floor.lab.kill()
    before = len(floor.device.log)
    lab = await floor.start(data=data)
    task = await lab.ended(task_id)
    assert floor.device.log[before].startswith("estop")
    assert (task.state, task.outcome_unknown) == (TaskState.FAILED, False)
    assert HoldCode.ESTOP in lab.holds()


async def test_emergency_stop__that_is_latched_comes_first_also_where_nobody_can_ask(
    start_lab: StartLab,
) -> None:
    """The id was not written any more, so the outcome is unknown; the robot may be moving."""
    floor = Floor(start_lab)
    await floor.start()
    floor.driver.late_id = True
    floor.driver.hooks["id"] = lambda: floor.lab.clock.wait_outside(lambda: False, 0.2)
    floor.driver.hooks |= {"emergency_stop": not_through, "stop": not_through}
    task_id = await floor.lab.submit("one")
    await floor.lab.until(lambda: floor.device.starts)
    await floor.lab.engine.estop.trigger(actor="ann")
    data = await floor.lab.kill()
    assert floor.device.running.state == "running"
    before = len(floor.device.log)
    lab = await floor.start(data=data)
    assert floor.device.log[before] == "estop"
    assert (await lab.find(task_id)).outcome_unknown
    # nobody has looked yet, and it may have been started by hand: the next start stops it again
    data = await lab.kill()
    before = len(floor.device.log)
    await floor.start(data=data)
    assert floor.device.log[before] == "estop"


async def test_stop__asked_for_while_the_link_stays_away_is_told_and_goes_out_when_it_is_back(
    floor: Floor,
) -> None:
    """Nobody waits for the whole time of the command, and the robot is stopped all the same."""
    task_id = await floor.command()
    floor.driver.breaks()
    await floor.lab.held(HoldCode.DISCONNECTED)
    cancelling = asyncio.create_task(floor.lab.engine.queue.cancel(task_id, actor="ann"))
    task = await floor.lab.ended(task_id)
    await cancelling
    assert task.outcome_unknown
    assert floor.device.running.state == "running"
    before = len(floor.device.log)
    floor.driver.mends()
    await floor.lab.held(HoldCode.OUTCOME_UNKNOWN)
    assert floor.device.log[before:] == ["connect", "stop"]
