"""One robot's commands run one after the other, and end as they really ended."""

from __future__ import annotations

from robotq.model.hold import HoldCode
from robotq.model.task import StepState, TaskState

from .conftest import Lab, StartLab


async def test_submit__runs_and_completes_with_its_steps(lab: Lab) -> None:
    task = await lab.ended(await lab.submit("first", take_s=12))
    assert task.state is TaskState.COMPLETED
    assert task.result == {"worked": True}
    assert [(step.name, step.state, step.duration_s) for step in task.steps] == [
        ("WORKING", StepState.COMPLETED, 12.0)
    ]
    assert task.simulated


async def test_queue__keeps_the_order_of_arrival(lab: Lab) -> None:
    ids = [await lab.submit(str(number)) for number in range(20)]
    for task_id in ids:
        await lab.ended(task_id)
    assert lab.drivers["robot_a"].done == [str(number) for number in range(20)]
    assert lab.drivers["robot_a"].most_at_once == 1


async def test_device_error__fails_and_the_queue_goes_on(lab: Lab) -> None:
    failed = await lab.submit("bad", fail="no bottle in slot 3")
    after = await lab.submit("good")
    task = await lab.ended(failed)
    assert task.state is TaskState.FAILED
    assert task.error is not None
    assert (task.error.code, task.error.step) == ("device_error", "WORKING")
    assert (await lab.ended(after)).state is TaskState.COMPLETED


async def test_driver_raises__outcome_is_unknown_and_the_queue_held(lab: Lab) -> None:
    broken = await lab.ended(await lab.submit("bad", **{"raise": "boom"}))
    after = await lab.submit("good")
    assert broken.outcome_unknown
    assert [hold.code for hold in lab.engine.holds.of("robot_a")] == [HoldCode.OUTCOME_UNKNOWN]
    resolved = await lab.engine.resolve(broken.id, "failed", actor="ann", note="looked")
    assert resolved.state is TaskState.FAILED
    assert (await lab.ended(after)).state is TaskState.COMPLETED


async def test_timeout__stops_the_robot_and_fails(lab: Lab) -> None:
    task = await lab.ended(await lab.submit("slow", take_s=1_000))
    assert task.error is not None
    assert task.error.code == "timeout"
    assert not lab.engine.holds.held("robot_a")


async def test_two_robots__work_in_parallel(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    clock = lab.drivers["robot_a"].clock
    thaw = clock.freeze()
    first = await lab.submit("a", "robot_a", take_s=50)
    second = await lab.submit("b", "robot_b", take_s=50)
    await lab.running(first)
    await lab.running(second)
    thaw()
    await lab.ended(first)
    await lab.ended(second)
    assert clock.now() < 60
