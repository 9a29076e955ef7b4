"""A motion that is held: by a person, or by the robot itself."""

from __future__ import annotations

import asyncio
import threading

import pytest

from robotq.engine.holds.confirming import Confirmation
from robotq.model.errors import RobotqError
from robotq.model.hold import Hold, HoldCode
from robotq.model.task import TaskState
from tests.engine.conftest import Lab, StartLab

_DOOR = "reason.door"


def _hold(lab: Lab) -> Hold:
    hold = lab.engine.robots["robot_a"].motion.hold
    assert hold is not None
    return hold


async def _looks(lab: Lab) -> None:
    """The half second until the daemon looks again is over."""
    await lab.engine.robots["robot_a"].motion.look()


async def _pauses_in_mid_motion(lab: Lab) -> tuple[str, str]:
    """The robot pauses by itself in the first of two commands."""
    thaw = lab.clock.freeze()
    first = await lab.submit("first", take_s=5)
    second = await lab.submit("second")
    await lab.running(first)
    lab.driver.pauses(_DOOR)
    thaw()
    await _looks(lab)
    return first, second


# -- the robot holds its motion itself ---------------------------------------------------------


async def test_robot__that_pauses_by_itself_holds_its_queue_and_says_why(lab: Lab) -> None:
    first, _ = await _pauses_in_mid_motion(lab)
    assert lab.holds() == {HoldCode.MOTION_HELD}
    hold = _hold(lab)
    assert (hold.actor, hold.by_robot, hold.args["reason"]) == ("robot_a", True, _DOOR)
    assert hold.task_id == first
    assert hold.now == {"state": "held", "planned_moves": 0}
    assert (await lab.find(first)).state is TaskState.RUNNING


async def test_robot__that_is_resumed_at_the_machine_goes_on_with_its_queue(lab: Lab) -> None:
    first, second = await _pauses_in_mid_motion(lab)
    lab.driver.pauses()
    await _looks(lab)
    assert (await lab.ended(first)).state is TaskState.COMPLETED
    assert (await lab.ended(second)).state is TaskState.COMPLETED
    assert lab.holds() == set()
    lifted = [
        event for event in await lab.events("hold.lifted") if event.data["code"] != "disconnected"
    ]
    assert [event.actor for event in lifted] == ["robot_a"]


async def test_robot__that_pauses_is_resumed_from_here(lab: Lab) -> None:
    first, second = await _pauses_in_mid_motion(lab)
    await lab.engine.resume_motion("robot_a", actor="ann")
    assert (await lab.ended(first)).state is TaskState.COMPLETED
    assert (await lab.ended(second)).state is TaskState.COMPLETED


async def test_robot__whose_pause_is_cancelled_begins_nothing_before_a_person_resumes(
    lab: Lab,
) -> None:
    first, second = await _pauses_in_mid_motion(lab)
    await lab.engine.queue.cancel(first, actor="bob")
    assert (await lab.ended(first)).state is TaskState.CANCELLED
    await _looks(lab)
    await lab.quiet()
    assert lab.driver.done == ["first"]
    assert lab.holds() == {HoldCode.MOTION_HELD}
    assert _hold(lab).now["state"] == "ended"
    await lab.engine.resume_motion("robot_a", actor="ann")
    assert (await lab.ended(second)).state is TaskState.COMPLETED


async def test_robot__that_pauses_just_before_its_command_ends_begins_no_other(lab: Lab) -> None:
    lab.driver.hooks["execute_ends"] = lambda: lab.driver.pauses(_DOOR)
    first = await lab.submit("first")
    await lab.submit("second")
    await lab.ended(first)
    await lab.quiet()
    assert lab.driver.done == ["first"]
    assert lab.holds() == {HoldCode.MOTION_HELD}


async def test_robot__that_does_not_say_whether_it_is_held_keeps_nobody_from_its_result(
    lab: Lab,
) -> None:
    """It was done; what hangs is the question after it. The next command waits for the answer."""

    def hang() -> None:
        lab.driver.hooks["status"] = lambda: lab.driver.gate.wait(10)

    lab.driver.hooks["execute_ends"] = hang
    first = await lab.submit("first")
    second = await lab.submit("second")
    assert (await lab.ended(first)).state is TaskState.COMPLETED
    await lab.held(HoldCode.UNRESPONSIVE)
    assert lab.driver.done == ["first"]
    lab.driver.hooks.clear()
    lab.driver.gate.set()
    assert (await lab.ended(second)).state is TaskState.COMPLETED
    assert lab.holds() == set()


async def test_robot__whose_status_fails_after_a_command_goes_on(lab: Lab) -> None:
    def broken() -> None:
        raise SystemExit("no such register")

    lab.driver.hooks["status"] = broken
    assert (await lab.run("first")).state is TaskState.COMPLETED
    assert (await lab.run("second")).state is TaskState.COMPLETED


async def test_robot__that_is_found_paused_at_the_connect_begins_nothing(lab: Lab) -> None:
    lab.driver.hooks["connect"] = lambda: lab.driver.pauses(_DOOR)
    await lab.relink("robot_a")
    await lab.submit("first")
    await lab.quiet()
    assert lab.driver.done == []
    assert lab.holds() == {HoldCode.MOTION_HELD}


async def test_robot__that_pauses_for_another_reason_needs_another_confirmation(lab: Lab) -> None:
    await _pauses_in_mid_motion(lab)
    seen = _hold(lab)
    lab.driver.pauses("reason.program_pause")
    await _looks(lab)
    assert _hold(lab).args["reason"] == "reason.program_pause"
    assert _hold(lab).since_ms == seen.since_ms
    with pytest.raises(RobotqError) as refused:
        await lab.engine.resume_motion("robot_a", actor="ann", confirmation=Confirmation([seen.id]))
    assert refused.value.code.name == "not_what_was_meant"
    await lab.engine.resume_motion(
        "robot_a", actor="ann", confirmation=Confirmation([_hold(lab).id])
    )
    assert lab.holds() == set()


async def test_resume__that_names_nothing_lifts_no_pause_that_is_seconds_old(lab: Lab) -> None:
    await _pauses_in_mid_motion(lab)
    with pytest.raises(RobotqError) as refused:
        await lab.engine.resume_motion(
            "robot_a", actor="ann", confirmation=Confirmation(None, actor="ann")
        )
    assert refused.value.code.name == "not_named"
    assert lab.holds() == {HoldCode.MOTION_HELD}


# -- persons and the robot ---------------------------------------------------------------------


async def test_person__who_holds_a_robot_that_has_paused_is_the_one_who_resumes_it(
    lab: Lab,
) -> None:
    await _pauses_in_mid_motion(lab)
    await lab.engine.hold_motion("robot_a", actor="ann")
    lab.driver.pauses()
    await _looks(lab)
    assert lab.holds() == {HoldCode.MOTION_HELD}
    assert (_hold(lab).actor, _hold(lab).by_robot) == ("ann", False)


async def test_person__a_hold_outlives_a_button_at_the_robot_and_a_restart(
    start_lab: StartLab,
) -> None:
    lab = await start_lab()
    await lab.engine.hold_motion("robot_a", actor="ann")
    lab.driver.pauses()
    await _looks(lab)
    assert lab.holds() == {HoldCode.MOTION_HELD}
    again = await start_lab(data=await lab.kill())
    assert again.holds() == {HoldCode.MOTION_HELD}
    await again.submit("first")
    await again.quiet()
    assert again.driver.done == []


async def test_restart__asks_the_robot_anew_whether_it_still_pauses(start_lab: StartLab) -> None:
    lab = await start_lab()
    lab.driver.pauses(_DOOR)
    await _looks(lab)
    await lab.engine._parts.base.hold_writer.recorded(5)
    again = await start_lab(data=await lab.kill())
    await again.held()
    assert (await again.run("first")).state is TaskState.COMPLETED


async def test_hold__counts_before_the_driver_has_taken_it(lab: Lab) -> None:
    first = await lab.at_gate("first")
    await lab.submit("second")
    taken = threading.Event()
    lab.driver.hooks["hold"] = lambda: taken.wait(10)
    holding = asyncio.create_task(lab.engine.hold_motion("robot_a", actor="ann"))
    await lab.until(lambda: HoldCode.MOTION_HELD in lab.holds())
    lab.driver.gate.set()
    await lab.ended(first)
    await lab.quiet()
    assert lab.driver.done == ["first"]
    taken.set()
    await holding
    await lab.quiet()
    assert lab.driver.done == ["first"]


async def test_hold__that_the_driver_refuses_is_lifted_again(lab: Lab) -> None:
    def refuse() -> None:
        raise OSError("cable")

    lab.driver.hooks["hold"] = refuse
    with pytest.raises(OSError, match="cable"):
        await lab.engine.hold_motion("robot_a", actor="ann")
    await lab.held()
    assert (await lab.run("first")).state is TaskState.COMPLETED


async def test_hold__of_which_the_driver_says_nothing_stays(lab: Lab) -> None:
    lab.set_timings(answer_s=0.02)
    lab.driver.hooks["hold"] = lambda: lab.driver.gate.wait(10)
    lab.driver.hooks["status"] = lambda: lab.driver.pauses(_DOOR)
    with pytest.raises(RobotqError, match="gave no answer"):
        await lab.engine.hold_motion("robot_a", actor="ann")
    assert _hold(lab).args["reason"] == "reason.hold_unconfirmed"
    await lab.submit("first")
    await lab.quiet()
    assert lab.driver.done == []


async def test_resume__of_a_robot_that_does_not_go_on_keeps_the_hold(lab: Lab) -> None:
    lab.set_timings(goes_on_s=0.02)
    await _pauses_in_mid_motion(lab)
    lab.driver.hooks["status"] = lambda: lab.driver.pauses(_DOOR)
    with pytest.raises(RobotqError, match="safety door is open") as refused:
        await lab.engine.resume_motion("robot_a", actor="ann")
    assert refused.value.code.name == "motion_still_held"
    assert lab.holds() == {HoldCode.MOTION_HELD}


async def test_look__an_answer_from_before_a_resume_counts_for_nothing(lab: Lab) -> None:
    await _pauses_in_mid_motion(lab)
    asked, answer = threading.Event(), threading.Event()
    status = lab.driver.status

    def held_back() -> object:
        found = status()
        if not asked.is_set():
            asked.set()
            answer.wait(10)
        return found

    lab.driver.status = held_back  # type: ignore[method-assign, assignment]
    looking = asyncio.create_task(_looks(lab))
    await lab.until(asked.is_set)
    resuming = asyncio.create_task(lab.engine.resume_motion("robot_a", actor="ann"))
    await lab.quiet()
    answer.set()
    await asyncio.gather(looking, resuming)
    assert lab.holds() == set()


# -- time limits -------------------------------------------------------------------------------


async def test_limit__counts_again_after_a_hold_that_ended_with_its_command(lab: Lab) -> None:
    thaw = lab.clock.freeze()
    first = await lab.submit("first", take_s=5)
    await lab.running(first)
    await lab.engine.hold_motion("robot_a", actor="ann")
    thaw()
    lab.driver.hooks["execute_ends"] = lab.driver.pauses
    lab.driver.pauses()
    assert (await lab.ended(first)).state is TaskState.COMPLETED
    lab.driver.hooks.clear()
    await lab.engine.resume_motion("robot_a", actor="ann")
    assert (await lab.run("slow", take_s=1_000)).state is TaskState.FAILED


async def test_limit__counts_again_after_the_controller_has_started_anew(lab: Lab) -> None:
    lab.driver.pauses(_DOOR)
    await _looks(lab)
    lab.driver.hooks["connect"] = lab.driver.pauses
    await lab.relink("robot_a")
    await lab.held()
    assert (await lab.run("slow", take_s=1_000)).state is TaskState.FAILED


# -- the emergency stop ------------------------------------------------------------------------


async def test_estop__that_ended_the_motion_leaves_one_hold_to_lift(lab: Lab) -> None:
    thaw = lab.clock.freeze()
    first = await lab.submit("first", take_s=5)
    second = await lab.submit("second")
    await lab.running(first)
    await lab.engine.hold_motion("robot_a", actor="ann")
    await lab.engine.estop.trigger(actor="ann")
    thaw()
    await lab.ended(first)
    await lab.engine.estop.reset(actor="ann")
    assert lab.holds() == {HoldCode.PAUSED}
    await lab.quiet()
    assert lab.driver.done == ["first"]
    await lab.engine.resume("robot_a", actor="ann")
    assert (await lab.ended(second)).state is TaskState.COMPLETED


async def test_estop__a_robot_that_still_pauses_after_the_reset_stays_held(lab: Lab) -> None:
    await lab.engine.estop.trigger(actor="ann")
    lab.driver.hooks["reset"] = lambda: lab.driver.pauses(_DOOR)
    await lab.engine.estop.reset(actor="ann")
    assert lab.holds() == {HoldCode.PAUSED, HoldCode.MOTION_HELD}
