"""A command ends as it really ended, and the queue goes on only where that is certain."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from robotq.config import RobotConfig
from robotq.drivers.base import DriverError
from robotq.engine.state.estimates import Estimates
from robotq.model.errors import NotWritten
from robotq.model.hold import HoldCode
from robotq.model.task import StepState, TaskState
from tests.engine.conftest import Lab, StartLab

HOLD_ON_FAILURE = {"robots": {"robot_a": RobotConfig(driver="bench", on_failure="hold")}}


async def test_submit__runs_and_completes_with_its_steps(lab: Lab) -> None:
    task = await lab.run("first", take_s=12)
    assert task.state is TaskState.COMPLETED
    assert task.result == {"worked": True}
    assert [(step.name, step.state, step.duration_s) for step in task.steps] == [
        ("WORKING", StepState.COMPLETED, 12.0)
    ]
    assert (task.attempt, task.progress, task.simulated) == (1, 1.0, True)


async def test_device_error__fails_at_its_step_and_the_queue_goes_on(lab: Lab) -> None:
    failed = await lab.submit("bad", fail="no bottle in slot 3")
    after = await lab.submit("good")
    task = await lab.ended(failed)
    assert task.state is TaskState.FAILED
    assert task.error is not None
    assert (task.error.code, task.error.step) == ("device_error", "WORKING")
    assert task.error.args == {"reason": "no bottle in slot 3"}
    assert task.steps[0].state is StepState.FAILED
    assert (await lab.ended(after)).state is TaskState.COMPLETED


async def test_device_error__a_code_of_the_driver_s_own_is_kept(lab: Lab) -> None:
    task = await lab.run("bad", fail="out of paper", code="paper")
    assert task.error is not None
    assert task.error.code == "paper"
    assert not lab.holds()


async def test_device_error__no_driver_can_say_unknown_and_let_the_queue_go_on(lab: Lab) -> None:
    task = await lab.run("bad", fail="who knows", code="outcome_unknown")
    assert task.error is not None
    assert task.error.code == "device_error"
    assert not task.outcome_unknown


async def test_unknown_to_the_driver__fails_since_nothing_moved(lab: Lab) -> None:
    task = await lab.run("bad", unknown=True)
    assert task.error is not None
    assert task.error.code == "robot_cannot"
    assert not lab.holds()


@pytest.mark.parametrize(
    ("params", "cause"),
    [
        ({"raise": "boom"}, "cause.driver_raised"),
        ({"exit": 3}, "cause.driver_raised"),
        ({"uncertain": "device_reset"}, "cause.device_reset"),
    ],
)
async def test_uncertain__is_unknown_and_the_queue_held(
    lab: Lab, params: dict[str, Any], cause: str
) -> None:
    broken = await lab.run("bad", **params)
    after = await lab.submit("good")
    assert broken.outcome_unknown
    assert broken.error is not None
    assert broken.error.args["cause"] == cause
    await lab.quiet()
    assert lab.driver.done == ["bad"]
    (hold,) = lab.engine.holds.of("robot_a")
    assert (hold.code, hold.task_id) == (HoldCode.OUTCOME_UNKNOWN, broken.id)
    resolved = await lab.engine.resolve(broken.id, "failed", actor="ann", note="looked")
    assert resolved.state is TaskState.FAILED
    assert (await lab.ended(after)).state is TaskState.COMPLETED


async def test_stopped_at_the_robot__is_cancelled_and_the_queue_paused(lab: Lab) -> None:
    task = await lab.run("first", stop_there=True)
    after = await lab.submit("second")
    assert task.state is TaskState.CANCELLED
    assert lab.holds() == {HoldCode.PAUSED}
    await lab.engine.resume("robot_a", actor="ann")
    assert (await lab.ended(after)).state is TaskState.COMPLETED


async def test_result__is_kept_whatever_the_driver_hands_over(lab: Lab) -> None:
    task = await lab.run("odd", report_odd=True)
    assert task.state is TaskState.COMPLETED
    assert task.partial == {"spot": "(1+2j)", "count": str(2**80)}


async def test_policy_hold__holds_after_a_failure_until_resumed(start_lab: StartLab) -> None:
    lab = await start_lab(**HOLD_ON_FAILURE)
    failed = await lab.run("bad", fail="no bottle")
    after = await lab.submit("good")
    (hold,) = lab.engine.holds.of("robot_a")
    assert (hold.code, hold.task_id) == (HoldCode.FAILURE, failed.id)
    await lab.engine.resume("robot_a", actor="ann")
    assert (await lab.ended(after)).state is TaskState.COMPLETED


async def test_policy_hold__is_not_about_what_people_stop(start_lab: StartLab) -> None:
    lab = await start_lab(**HOLD_ON_FAILURE)
    thaw = lab.clock.freeze()
    task_id = await lab.submit("first", take_s=50)
    await lab.running(task_id)
    await lab.engine.queue.cancel(task_id, actor="ann")
    thaw()
    assert not lab.holds()


# -- the time limit ----------------------------------------------------------------------------


async def test_timeout__stops_the_robot_and_fails(lab: Lab) -> None:
    task = await lab.run("slow", take_s=1_000)
    assert task.error is not None
    assert (task.error.code, task.error.args) == ("timeout", {"timeout_s": 100.0})
    assert lab.clock.now() == 100
    assert not lab.holds()


async def test_timeout__a_stop_that_is_not_confirmed_leaves_the_outcome_unknown(lab: Lab) -> None:
    lab.driver.hooks["stop"] = lambda: None
    task_id = await lab.at_gate("deaf")
    after = await lab.submit("after")
    run = lab.engine.robots["robot_a"].executor._run
    assert run is not None
    run._out_of_time()
    task = await lab.ended(task_id)
    assert task.outcome_unknown
    assert task.error is not None
    assert task.error.args == {"cause": "cause.stop_unconfirmed", "reason": "timeout"}
    await lab.held(HoldCode.OUTCOME_UNKNOWN, HoldCode.UNRESPONSIVE)

    await lab.engine.resolve(task_id, "completed", actor="ann")
    await lab.quiet()
    assert lab.driver.done == ["deaf"], "its driver is not back"
    lab.driver.gate.set()
    assert (await lab.ended(after)).state is TaskState.COMPLETED
    assert (await lab.find(task_id)).state is TaskState.FAILED, "the end that was recorded stays"
    assert lab.driver.most_at_once == 1


async def test_timeout__time_does_not_run_while_a_person_is_asked(lab: Lab) -> None:
    task_id = await lab.submit("asks", take_s=60, ask="which bottle?")
    await lab.asking(task_id)
    run = lab.engine.robots["robot_a"].executor._run
    assert run is not None
    assert run._limit._timer is None
    await lab.engine.answer(task_id, {"id": "b1"}, actor="ann")
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED


async def test_timeout__time_does_not_run_while_the_motion_is_held(lab: Lab) -> None:
    thaw = lab.clock.freeze()
    task_id = await lab.submit("held", take_s=60)
    await lab.running(task_id)
    await lab.engine.hold_motion("robot_a", actor="ann")
    thaw()
    run = lab.engine.robots["robot_a"].executor._run
    assert run is not None
    assert run._limit._timer is None
    await lab.engine.resume_motion("robot_a", actor="ann")
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED


async def test_timeout__runs_again_after_a_stop_has_ended_the_hold(lab: Lab) -> None:
    thaw = lab.clock.freeze()
    task_id = await lab.submit("held", take_s=1)
    await lab.running(task_id)
    await lab.engine.hold_motion("robot_a", actor="ann")
    thaw()
    await lab.engine.queue.cancel(task_id, actor="ann")
    await lab.engine.resume_motion("robot_a", actor="ann")
    task = await lab.run("endless", take_s=1_000)
    assert task.error is not None
    assert task.error.code == "timeout"


# -- faults of our own -------------------------------------------------------------------------


async def test_fault__in_the_executor_ends_the_task_and_not_the_executor(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = lab.engine.robots["robot_a"].executor

    async def broken(run: object) -> object:
        raise ZeroDivisionError("ours")

    with monkeypatch.context() as patch:
        patch.setattr(executor, "end", broken)
        task = await lab.run("first")
    assert task.outcome_unknown
    assert task.error is not None
    assert task.error.args["cause"] == "cause.internal_error"
    await lab.engine.resolve(task.id, "completed", actor="ann")
    assert (await lab.run("second")).state is TaskState.COMPLETED


async def test_fault__where_no_end_can_be_recorded_the_queue_says_so(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*args: object, **how: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(lab.engine._parts.tasks.claims, "finish", broken)
    task_id = await lab.submit("first")
    await lab.held(HoldCode.UNRESPONSIVE)
    assert (await lab.find(task_id)).state is TaskState.RUNNING
    with pytest.raises(NotWritten, match=task_id):
        await lab.engine.shut_down()


async def test_fault__of_two_writes_in_a_row_does_not_end_the_executor(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end could not be written, nor could the end that says so: the robot did nothing for
    ever, and nothing brought it back but a restart."""
    lab.set_timings(after_fault_s=0.01)
    finish, faults = (
        lab.engine._parts.tasks.claims.finish,
        [ValueError("ours"), TypeError("again")] * 2,
    )

    async def broken(*args: Any, **how: Any) -> object:
        if faults:
            raise faults.pop()
        return await finish(*args, **how)

    monkeypatch.setattr(lab.engine._parts.tasks.claims, "finish", broken)
    task = await lab.run("first")
    assert task.outcome_unknown
    await lab.held(HoldCode.OUTCOME_UNKNOWN)
    await lab.engine.resolve(task.id, "completed", actor="ann")
    assert (await lab.run("second")).state is TaskState.COMPLETED


async def test_fault__while_memory_takes_over_what_is_on_disk_loses_no_other_part(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(Estimates, "learn", broken)
    first = await lab.at_gate("first")
    second = await lab.submit("second")
    lab.driver.gate.set()
    for task_id in (first, second):
        ended = await lab.ended(task_id)
        assert ended.state is TaskState.COMPLETED
        assert ended == await lab.disk.data.get(task_id)
    assert lab.driver.done == ["first", "second"]
    assert not lab.holds()


async def test_fault__in_a_claim_is_overcome(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.set_timings(after_fault_s=0.01)
    claim, faults = lab.engine._parts.tasks.claims.claim, [ZeroDivisionError("ours")]

    async def broken(queue: str) -> object:
        if faults:
            raise faults.pop()
        return await claim(queue)

    monkeypatch.setattr(lab.engine._parts.tasks.claims, "claim", broken)
    assert (await lab.run("first")).state is TaskState.COMPLETED


async def test_reporting__goes_on_after_the_end_and_changes_nothing(lab: Lab) -> None:
    """A driver that was given up still tells of its steps and progress."""
    told = threading.Event()

    def late() -> None:
        lab.driver.hooks.pop("stop")
        told.set()

    lab.driver.hooks["stop"] = late
    task_id = await lab.at_gate("deaf", report={"found": 3}, fail="too late")
    ended = await lab.engine.queue.cancel(task_id, actor="ann")
    assert ended.outcome_unknown
    assert told.is_set()
    lab.driver.gate.set()
    await lab.held(HoldCode.OUTCOME_UNKNOWN)
    assert await lab.find(task_id) == ended
    assert ended.partial is None


def test_driver_error__keeps_its_reason_among_its_arguments() -> None:
    assert DriverError("jam", slot=3).args_ == {"reason": "jam", "slot": 3}
