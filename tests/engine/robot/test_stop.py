"""Stop, hold and resume of a robot: what a person asks of the machine, not of the queue."""

from __future__ import annotations

import asyncio
import threading

import pytest

from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from tests.engine.bench import BenchDriver
from tests.engine.conftest import Lab, StartLab
from tests.engine.disk import writes


async def test_stop__cancels_what_runs_and_pauses_the_queue(lab: Lab) -> None:
    lab.clock.freeze()
    task_id = await lab.submit("first", take_s=50)
    after = await lab.submit("second")
    await lab.running(task_id)
    await lab.engine.stop_robot("robot_a", actor="ann", reason="a glass fell")
    task = await lab.find(task_id)
    assert task.state is TaskState.CANCELLED
    assert task.error is not None
    assert (task.error.code, task.error.args["reason"]) == ("stopped", "a glass fell")
    (hold,) = lab.engine.holds.of("robot_a")
    assert (hold.code, hold.actor, hold.args) == (
        HoldCode.PAUSED,
        "ann",
        {"reason": "a glass fell"},
    )
    assert (await lab.find(after)).state is TaskState.PENDING


async def test_stop__without_a_command_goes_to_the_driver_all_the_same(lab: Lab) -> None:
    stops: list[str] = []
    lab.driver.hooks["stop"] = lambda: stops.append("stop")
    await lab.engine.stop_robot("robot_a", actor="ann")
    assert stops == ["stop"]
    assert lab.holds() == {HoldCode.PAUSED}


async def test_stop__of_a_driver_that_never_confirms_is_answered_in_time(lab: Lab) -> None:
    task_id = await lab.at_gate("deaf")
    await lab.engine.stop_robot("robot_a", actor="ann")
    assert (await lab.find(task_id)).outcome_unknown
    assert lab.holds() >= {HoldCode.PAUSED, HoldCode.OUTCOME_UNKNOWN}


async def test_stop__that_the_driver_refuses_holds_the_queue_over_a_restart(
    start_lab: StartLab,
) -> None:
    def refuse() -> None:
        raise OSError("cable")

    lab = await start_lab()
    lab.driver.hooks["stop"] = refuse
    with pytest.raises(OSError, match="cable"):
        await lab.engine.stop_robot("robot_a", actor="ann")
    again = await start_lab(data=await lab.kill())
    assert again.holds() == {HoldCode.PAUSED}


async def test_stop__waits_behind_no_status_and_no_hold_that_hangs(lab: Lab) -> None:
    lab.clock.freeze()
    task_id = await lab.submit("first", take_s=50)
    await lab.running(task_id)
    lab.driver.hooks["status"] = lab.driver.hooks["hold"] = lambda: lab.driver.gate.wait(10)
    robot = lab.engine.robots["robot_a"]
    hanging = [
        asyncio.create_task(robot.status()),
        asyncio.create_task(lab.engine.hold_motion("robot_a", actor="bob")),
    ]
    await lab.quiet()
    await lab.engine.stop_robot("robot_a", actor="ann")
    assert (await lab.find(task_id)).state is TaskState.CANCELLED
    lab.driver.gate.set()
    await asyncio.gather(*hanging)


async def test_unknown_robot__is_named_with_those_that_are_known(lab: Lab) -> None:
    with pytest.raises(RobotqError, match="expected one of robot_a"):
        await lab.engine.stop_robot("robot_z", actor="ann")


async def test_hold__pauses_the_motion_and_resume_lets_it_go_on(lab: Lab) -> None:
    thaw = lab.clock.freeze()
    task_id = await lab.submit("first", take_s=5)
    await lab.running(task_id)
    await lab.engine.hold_motion("robot_a", actor="ann")
    assert (await lab.engine.robots["robot_a"].status()).held
    thaw()
    await lab.quiet()
    assert (await lab.find(task_id)).state is TaskState.RUNNING
    await lab.engine.resume_motion("robot_a", actor="ann")
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED
    assert [event.kind for event in await lab.events("robot.")] == ["robot.hold", "robot.resume"]


async def test_hold__a_controller_that_cannot_pause_says_so(
    start_lab: StartLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        BenchDriver,
        "capabilities",
        type(BenchDriver.capabilities)(simulated=True),
    )
    lab = await start_lab()
    with pytest.raises(RobotqError, match="cannot pause"):
        await lab.engine.hold_motion("robot_a", actor="ann")


async def test_robot__that_does_not_answer_is_busy(lab: Lab) -> None:
    lab.set_timings(answer_s=0.02)
    lab.driver.hooks["status"] = lambda: lab.driver.gate.wait(10)
    with pytest.raises(RobotqError, match="gave no answer"):
        await lab.engine.robots["robot_a"].status()


async def test_stop__of_one_robot_leaves_the_other_at_work(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    thaw = lab.clock.freeze()
    ids = {name: await lab.submit(name, robot=name, take_s=5) for name in lab.drivers}
    for task_id in ids.values():
        await lab.running(task_id)
    await lab.engine.stop_robot("robot_a", actor="ann")
    assert (await lab.find(ids["robot_a"])).state is TaskState.CANCELLED
    assert lab.holds("robot_b") == set()
    thaw()
    assert (await lab.ended(ids["robot_b"])).state is TaskState.COMPLETED


async def test_stop__by_two_people_at_once_ends_the_command_once(lab: Lab) -> None:
    lab.clock.freeze()
    task_id = await lab.submit("first", take_s=50)
    await lab.running(task_id)
    await asyncio.gather(
        lab.engine.stop_robot("robot_a", actor="ann", reason="smoke"),
        lab.engine.stop_robot("robot_a", actor="bob", reason="a hand in the cell"),
    )
    task = await lab.find(task_id)
    assert task.error is not None
    assert task.error.args == {"actor": "ann", "reason": "smoke"}
    assert lab.holds() == {HoldCode.PAUSED}
    ends = [event for event in await lab.events("task.") if event.after == "cancelled"]
    assert len(ends) == 1


async def test_stop__of_a_held_motion_ends_the_hold_of_the_motion_too(lab: Lab) -> None:
    thaw = lab.clock.freeze()
    task_id = await lab.submit("first", take_s=5)
    await lab.running(task_id)
    await lab.engine.hold_motion("robot_a", actor="ann")
    await lab.engine.stop_robot("robot_a", actor="ann")
    thaw()
    assert (await lab.find(task_id)).state is TaskState.CANCELLED
    await lab.engine.resume(None, actor="ann")
    await lab.engine.resume_motion("robot_a", actor="ann")
    assert (await lab.run("next")).state is TaskState.COMPLETED


async def test_hold__of_a_motion_outlives_the_command_that_is_cancelled(lab: Lab) -> None:
    thaw = lab.clock.freeze()
    task_id = await lab.submit("first", take_s=5)
    following = await lab.submit("second")
    await lab.running(task_id)
    await lab.engine.hold_motion("robot_a", actor="ann")
    thaw()
    await lab.engine.queue.cancel(task_id, actor="bob")
    await lab.engine.resume(None, actor="bob")
    await lab.quiet()
    assert lab.driver.done == ["first"]
    assert lab.holds() == {HoldCode.MOTION_HELD}
    await lab.engine.resume_motion("robot_a", actor="ann")
    assert (await lab.ended(following)).state is TaskState.COMPLETED


async def test_stop__while_a_command_asks_ends_it_and_its_question(lab: Lab) -> None:
    task_id = await lab.submit("asks", ask="Which bottle?", wait_s=60)
    await lab.asking(task_id)
    await lab.engine.stop_robot("robot_a", actor="ann")
    task = await lab.find(task_id)
    assert (task.state, task.waiting_for) == (TaskState.CANCELLED, None)


async def test_stop__acts_although_the_disk_is_full(lab: Lab) -> None:
    thaw = lab.clock.freeze()
    task_id = await lab.submit("first", take_s=50)
    await lab.running(task_id)
    lab.disk.full = "no space left"
    stopping = asyncio.create_task(lab.engine.stop_robot("robot_a", actor="ann"))
    await lab.until(lambda: not lab.engine.robots["robot_a"].host.busy)
    assert HoldCode.PAUSED in lab.holds()
    lab.disk.full = None
    await stopping
    thaw()
    assert (await lab.ended(task_id)).state is TaskState.CANCELLED
    assert lab.driver.done == ["first"]


async def test_stop__that_hangs_in_the_driver_does_not_stop_the_next_command(lab: Lab) -> None:
    returns = threading.Event()
    lab.driver.hooks["stop"] = lambda: returns.wait(10)
    task_id = await lab.at_gate("first")
    after = await lab.submit("second")
    cancelling = asyncio.create_task(lab.engine.queue.cancel(task_id, actor="ann"))
    await lab.until(lambda: lab.engine.robots["robot_a"].host.stop_under_way)
    lab.driver.gate.set()
    assert (await cancelling).state is TaskState.COMPLETED, "the stop came too late for it"
    await lab.held(HoldCode.UNRESPONSIVE)
    assert (await lab.find(after)).state is TaskState.PENDING
    assert lab.driver.done == ["first"]
    returns.set()
    task = await lab.ended(after)
    assert (task.state, task.attempt) == (TaskState.COMPLETED, 1)
    await lab.held()


async def test_stop__of_an_idle_robot_that_hangs_does_not_stop_what_is_resumed(lab: Lab) -> None:
    returns = threading.Event()
    lab.driver.hooks["stop"] = lambda: returns.wait(10)
    stopping = asyncio.create_task(lab.engine.stop_robot("robot_a", actor="ann"))
    await lab.held(HoldCode.PAUSED)
    await lab.engine.resume("robot_a", actor="bob")
    task_id = await lab.submit("next")
    await lab.held(HoldCode.UNRESPONSIVE)
    assert (await lab.find(task_id)).state is TaskState.PENDING
    returns.set()
    await stopping
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED


async def test_cancel__of_a_claim_that_is_given_back_during_an_outage_is_refused_in_time(
    lab: Lab,
) -> None:
    """The claim is on disk, then somebody pauses and the disk is out: cancel hung for ever."""
    lab.set_timings(cancel_s=0.01)
    lab.disk.hangs_at = writes(TaskState.RUNNING)
    task_id = await lab.submit("first")
    await lab.until(lambda: lab.disk.hanging)
    pausing = asyncio.create_task(lab.engine.pause(None, actor="ann"))
    await lab.quiet()
    lab.disk.full = "no space left"
    lab.disk.go_on()
    await pausing
    async with asyncio.timeout(2):
        with pytest.raises(RobotqError) as refused:
            await lab.engine.queue.cancel(task_id, actor="ann", reason="wrong rack")
    assert refused.value.code.name == "store_unavailable"
    lab.disk.full = None
    task = await lab.ended(task_id)
    assert (task.state, task.attempt) == (TaskState.CANCELLED, 0)
    assert lab.driver.done == []
