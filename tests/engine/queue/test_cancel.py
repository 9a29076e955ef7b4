"""Calling a task off: waiting, about to start, running, ended."""

from __future__ import annotations

import asyncio

import pytest

from robotq.model.crashpoints import CrashPoint
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from tests.engine.conftest import Lab, StartLab
from tests.engine.disk import writes


async def test_waiting__is_cancelled_at_once_and_never_runs(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    task_id = await lab.submit("first")
    task = await lab.engine.queue.cancel(task_id, actor="ann", reason="changed my mind")
    assert task.state is TaskState.CANCELLED
    assert task.error is not None
    assert (task.error.code, task.error.args) == (
        "cancelled",
        {"actor": "ann", "reason": "changed my mind"},
    )
    await lab.engine.resume(None, actor="ann")
    assert (await lab.run("second")).state is TaskState.COMPLETED
    assert lab.driver.done == ["second"]


async def test_running__is_stopped_and_the_next_one_runs(lab: Lab) -> None:
    thaw = lab.clock.freeze()
    task_id = await lab.submit("first", take_s=50)
    after = await lab.submit("second")
    await lab.running(task_id)
    task = await lab.engine.queue.cancel(task_id, actor="ann", reason="wrong bottle")
    assert task.state is TaskState.CANCELLED
    thaw()
    assert (await lab.ended(after)).state is TaskState.COMPLETED
    assert lab.clock.now() < 50
    (event,) = await lab.events("task.cancelled")
    assert event.actor == "ann"


async def test_running__completed_before_the_stop_reached_it_is_completed(lab: Lab) -> None:
    task_id = await lab.at_gate("first", take_s=0)
    lab.driver.hooks["stop"] = lab.driver.gate.set
    task = await lab.engine.queue.cancel(task_id, actor="ann")
    assert task.state is TaskState.COMPLETED


async def test_running__a_stop_that_is_not_confirmed_in_time_is_told(lab: Lab) -> None:
    task_id = await lab.at_gate("deaf")
    task = await lab.engine.queue.cancel(task_id, actor="ann")
    assert task.outcome_unknown
    assert lab.holds() >= {HoldCode.OUTCOME_UNKNOWN}


async def test_running__a_driver_whose_stop_raises_or_hangs_is_given_up_in_time(lab: Lab) -> None:
    def refuse() -> None:
        raise OSError("cable")

    for number, hook in enumerate([refuse, lambda: lab.driver.gate.wait(10)]):
        lab.driver.hooks["stop"] = hook
        task_id = await lab.at_gate(f"deaf {number}")
        assert (await lab.engine.queue.cancel(task_id, actor="ann")).outcome_unknown
        lab.driver.gate.set()
        await lab.held(HoldCode.OUTCOME_UNKNOWN)
        lab.driver.gate.clear()
        await lab.engine.resolve(task_id, "failed", actor="ann")


async def test_stop__is_repeated_for_a_driver_that_was_only_about_to_begin(lab: Lab) -> None:
    lab.set_timings(repeat_stop_s=0.005)
    stops: list[int] = []

    def deaf_at_first() -> None:
        stops.append(1)
        if len(stops) == 3:
            lab.driver.gate.set()

    lab.driver.hooks["stop"] = deaf_at_first
    task_id = await lab.at_gate("first", stop_there=True)
    assert (await lab.engine.queue.cancel(task_id, actor="ann")).state is TaskState.CANCELLED
    # one more may be on its way while the driver comes back
    assert len(stops) >= 3


async def test_just_claimed__is_stopped_as_soon_as_the_claim_is_written(lab: Lab) -> None:
    lab.clock.freeze()
    lab.disk.hangs_at = writes(TaskState.RUNNING)
    task_id = await lab.submit("first", take_s=50)
    await lab.until(lambda: lab.disk.hanging)
    cancelling = asyncio.create_task(lab.engine.queue.cancel(task_id, actor="ann"))
    await lab.quiet()
    assert lab.engine.reads.robot_queue("robot_a").running is None, "the claim is on its way"
    lab.disk.go_on()
    assert (await cancelling).state is TaskState.CANCELLED


async def test_just_claimed__and_not_begun_yet_never_reaches_the_driver(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim is on disk, and its executor has not come to it: the robot must not twitch."""
    executor = lab.engine.robots["robot_a"].executor

    def called_off_now(point: CrashPoint) -> None:
        if point is CrashPoint.CLAIMED:
            (running,) = lab.engine.reads.running()
            executor.cancel(running.id, actor="ann")

    with monkeypatch.context() as moment:
        moment.setattr("robotq.engine.robot.executor.crash_point", called_off_now)
        task = await lab.ended(await lab.submit("first"))
    assert (task.state, task.started_at_ms) == (TaskState.CANCELLED, None)
    assert lab.driver.done == []


async def test_just_claimed__and_given_back_meanwhile_is_called_off_all_the_same(lab: Lab) -> None:
    lab.disk.hangs_at = writes(TaskState.RUNNING)
    task_id = await lab.submit("first")
    await lab.until(lambda: lab.disk.hanging)
    pausing = asyncio.create_task(lab.engine.pause("robot_a", actor="ann"))
    cancelling = asyncio.create_task(lab.engine.queue.cancel(task_id, actor="ann"))
    await lab.quiet()
    lab.disk.go_on()
    await pausing
    assert (await cancelling).state is TaskState.CANCELLED
    assert lab.driver.done == []


async def test_ended__cannot_be_cancelled(lab: Lab) -> None:
    task = await lab.run("first")
    with pytest.raises(RobotqError, match="is completed"):
        await lab.engine.queue.cancel(task.id, actor="ann")
    with pytest.raises(RobotqError, match="No such task"):
        await lab.engine.queue.cancel("task_0", actor="ann")


async def test_twice__the_second_one_gets_the_same_end(lab: Lab) -> None:
    thaw = lab.clock.freeze()
    task_id = await lab.submit("first", take_s=50)
    await lab.running(task_id)
    first, second = await asyncio.gather(
        lab.engine.queue.cancel(task_id, actor="ann"),
        lab.engine.queue.cancel(task_id, actor="bob"),
    )
    thaw()
    assert first == second
    assert first.error is not None
    assert first.error.args["actor"] == "ann"


async def test_next_one__while_the_end_of_the_running_one_is_being_written(lab: Lab) -> None:
    """The end and the next claim go in one commit: whoever comes between waits for it."""
    task_id = await lab.at_gate("first")
    following = await lab.submit("second", take_s=50)
    lab.clock.freeze()
    lab.disk.hangs_at = writes(TaskState.COMPLETED, TaskState.RUNNING)
    lab.driver.gate.set()
    await lab.until(lambda: lab.disk.hanging)
    cancelling = asyncio.create_task(lab.engine.queue.cancel(following, actor="ann"))
    await lab.quiet()
    lab.disk.go_on()
    assert (await cancelling).state is TaskState.CANCELLED
    assert (await lab.find(task_id)).state is TaskState.COMPLETED


async def test_unconfigured_robot__its_waiting_task_can_be_cancelled(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    await lab.engine.pause(None, actor="ann")
    task_id = await lab.submit("first", robot="robot_b")
    again = await start_lab("robot_a", data=await lab.kill())
    assert again.holds("robot_b") >= {HoldCode.NOT_CONFIGURED}
    task = await again.engine.queue.cancel(task_id, actor="ann")
    assert task.state is TaskState.CANCELLED
