"""Pause and resume: a pause acts at once, a resume lifts only what it may."""

from __future__ import annotations

import asyncio
import re

import pytest

from robotq.api.robot.answers.holds import hold_reason
from robotq.engine.holds.confirming import Confirmation
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from robotq.model.texts import Language
from robotq.store.port import DropHold
from tests.engine.conftest import Lab, StartLab
from tests.engine.disk import writes


async def test_pause__starts_nothing_more_and_lets_what_runs_go_on(lab: Lab) -> None:
    task_id = await lab.at_gate("first")
    after = await lab.submit("second")
    assert await lab.engine.pause("robot_a", actor="ann", reason="cleaning") == ("robot_a",)
    lab.driver.gate.set()
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED
    await lab.quiet()
    assert (await lab.find(after)).state is TaskState.PENDING
    (hold,) = lab.engine.holds.of("robot_a")
    assert (hold.code, hold.actor, hold.args) == (HoldCode.PAUSED, "ann", {"reason": "cleaning"})
    await lab.engine.resume("robot_a", actor="ann")
    assert (await lab.ended(after)).state is TaskState.COMPLETED


async def test_pause__of_all_and_of_one(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    assert await lab.engine.pause(None, actor="ann") == ("robot_a", "robot_b")
    await lab.engine.resume("robot_b", actor="ann")
    assert (await lab.run("first", robot="robot_b")).state is TaskState.COMPLETED
    assert lab.holds("robot_a") == {HoldCode.PAUSED}
    with pytest.raises(RobotqError, match="robot_id"):
        await lab.engine.pause("robot_z", actor="ann")


async def test_pause__over_a_pause_keeps_everybodys_reason(start_lab: StartLab) -> None:
    """Ann has a hand in the cell. Bob pauses for lunch, comes back, and sees that she is at it."""
    lab = await start_lab()
    await lab.engine.pause(None, actor="ann", reason="a hand in the cell")
    (first,) = lab.engine.holds.of("robot_a")
    await lab.engine.pause(None, actor="bob", reason="lunch")
    (hold,) = lab.engine.holds.of("robot_a")
    assert hold.id != first.id, "who was asked about the first one has not seen the second"
    assert hold.since_ms == first.since_ms
    assert (hold.actors, hold.actor) == (("bob", "ann"), "bob")
    assert [one["args"] for one in hold.by] == [
        {"reason": "lunch"},
        {"reason": "a hand in the cell"},
    ]
    told = [event for event in await lab.events("hold.set") if event.data["code"] == "paused"]
    assert [event.actor for event in told] == ["ann", "bob"], "everyone who held it is told"
    words = hold_reason(hold, Language.EN)
    assert re.fullmatch(
        r"Paused by bob \(.+\): lunch; before that: ann \(.+\): a hand in the cell", words
    )
    assert "a hand in the cell" in hold_reason(hold, Language.ZH)

    # two people's pauses are two, also where one of them was set long ago
    with pytest.raises(RobotqError) as refused:
        await lab.engine.resume(None, actor="bob", confirmation=Confirmation(None, actor="bob"))
    assert refused.value.code.name == "not_named"
    again = await start_lab(data=await lab.kill())
    (kept,) = again.engine.holds.of("robot_a")
    assert (kept.by, hold_reason(kept, Language.EN)) == (hold.by, words)
    await again.engine.resume(None, actor="bob", confirmation=Confirmation([kept.id]))
    (lifted,) = await again.events("hold.lifted")
    assert [one["actor"] for one in lifted.data["earlier"]] == ["ann"], "the record names them"
    await again.engine.pause(None, actor="bob", reason="lunch")
    (new,) = again.engine.holds.of("robot_a")
    assert new.actors == ("bob",)


async def test_pause__by_the_same_person_is_one_pause(lab: Lab) -> None:
    """A script that pauses before each of its steps does not fill the screen."""
    await lab.engine.pause("robot_a", actor="ann", reason="cleaning")
    for _ in range(3):
        await lab.engine.pause("robot_a", actor="ann")
        await lab.engine.pause("robot_a", actor="ann", reason="cleaning")
    (hold,) = lab.engine.holds.of("robot_a")
    assert [one["args"] for one in hold.by] == [{"reason": "cleaning"}]
    await lab.engine.pause("robot_a", actor="ann", reason="the pump leaks")
    for number in range(200):
        await lab.engine.pause("robot_a", actor=f"script_{number}", reason="?")
    (hold,) = lab.engine.holds.of("robot_a")
    assert len(hold.by) < 60
    assert (hold.actor, hold.by[-1]["args"]) == ("script_199", {"reason": "cleaning"})


async def test_stop_and_held_motion__keep_everybodys_reason_too(lab: Lab) -> None:
    await lab.engine.estop.trigger(actor="ann", reason="smoke")
    await lab.engine.estop.trigger(actor="bob")
    stop = lab.engine.holds.get("robot_a", HoldCode.ESTOP)
    assert stop is not None
    assert [(one["actor"], one["args"].get("reason")) for one in stop.by] == [
        ("bob", ""),
        ("ann", "smoke"),
    ]
    assert "smoke" in hold_reason(stop, Language.EN)
    door, held = "reason.door", HoldCode.MOTION_HELD
    lab.engine.holds.set("robot_a", held, actor="robot_a", by_robot=True, reason=door)
    lab.engine.holds.set(
        "robot_a", held, actor="robot_a", by_robot=True, reason="reason.tool_change"
    )
    hold = lab.engine.holds.set("robot_a", held, actor="bob")
    assert not hold.by_robot, "a person wants it held until a person resumes"
    assert hold.actors == ("bob", "robot_a")
    assert hold_reason(hold, Language.EN).endswith("the robot waits for a tool change")


async def test_stay_paused__over_somebody_elses_pause_is_a_pause_of_ones_own(lab: Lab) -> None:
    """Bob retries and wants to look first. Ann, who had paused before, resumes her pause."""
    bad = await lab.run("bad", fail="jam")
    await lab.engine.pause("robot_a", actor="ann", reason="cleaning")
    await lab.engine.retry_once(bad.id, actor="bob", note="I look first", stay_paused=True)
    (hold,) = lab.engine.holds.of("robot_a")
    assert hold.actors == ("bob", "ann")
    assert hold.by[0]["args"] == {"reason": "I look first"}


async def test_pause__survives_a_restart(start_lab: StartLab) -> None:
    lab = await start_lab()
    await lab.engine.pause(None, actor="ann", reason="cleaning")
    (hold,) = lab.engine.holds.of("robot_a")
    again = await start_lab(data=await lab.kill())
    (kept,) = again.engine.holds.of("robot_a")
    assert (kept, kept.id) == (hold, hold.id)


async def test_resume__lifts_nothing_that_needs_something_else(lab: Lab) -> None:
    unknown = await lab.run("bad", **{"raise": "boom"})
    await lab.engine.pause(None, actor="ann")
    await lab.engine.resume(None, actor="ann")
    assert lab.holds() == {HoldCode.OUTCOME_UNKNOWN}
    await lab.engine.resolve(unknown.id, "failed", actor="ann")
    assert not lab.holds()


async def test_resume__that_finds_nothing_to_lift_does_nothing(lab: Lab) -> None:
    calls = lab.disk.calls
    assert await lab.engine.resume("robot_a", actor="ann") == ("robot_a",)
    assert lab.disk.calls == calls


async def test_pause__while_a_resume_is_being_written_wins(start_lab: StartLab) -> None:
    """A robot must not start because two people pressed two buttons at once."""
    lab = await start_lab()
    await lab.engine.pause(None, actor="ann")
    task_id = await lab.submit("first")
    lab.disk.hangs_at = lambda mutations: any(isinstance(m, DropHold) for m in mutations)
    resuming = asyncio.create_task(lab.engine.resume(None, actor="ann"))
    await lab.until(lambda: lab.disk.hanging)
    pausing = asyncio.create_task(lab.engine.pause(None, actor="bob"))
    await lab.quiet()
    lab.disk.go_on()
    await asyncio.gather(resuming, pausing)
    await lab.quiet()
    assert lab.holds() == {HoldCode.PAUSED}
    assert (await lab.find(task_id)).state is TaskState.PENDING
    again = await start_lab(data=await lab.kill())
    assert again.holds() == {HoldCode.PAUSED}


async def test_claim__that_was_held_before_its_start_is_given_back_and_counts_as_no_attempt(
    lab: Lab,
) -> None:
    lab.disk.hangs_at = writes(TaskState.RUNNING)
    task_id = await lab.submit("first")
    await lab.until(lambda: lab.disk.hanging)
    pausing = asyncio.create_task(lab.engine.pause(None, actor="ann"))
    await lab.quiet()
    lab.disk.go_on()
    await pausing
    await lab.until(lambda: lab.engine.reads.robot_queue("robot_a").waiting)
    task = await lab.find(task_id)
    assert (task.state, task.attempt, task.started_at_ms) == (TaskState.PENDING, 0, None)
    assert lab.driver.done == []
    await lab.engine.resume(None, actor="ann")
    assert (await lab.ended(task_id)).attempt == 1
    assert [event.kind for event in await lab.events("task.") if event.kind != "task.step"] == [
        "task.submitted",
        "task.claimed",
        "task.released",
        "task.claimed",
        "task.completed",
    ]


async def test_lift__is_on_disk_before_anything_moves(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    await lab.submit("first")
    lab.disk.full = "no space left"
    with pytest.raises(RobotqError, match="no space left"):
        await lab.engine.resume(None, actor="ann")
    assert HoldCode.PAUSED in lab.holds()
    assert lab.driver.done == []


async def test_transient_holds__take_the_newest_reason_and_are_told_and_never_stored(
    start_lab: StartLab,
) -> None:
    lab = await start_lab()
    holds = lab.engine.holds
    first = holds.set("robot_a", HoldCode.UNRESPONSIVE, reason="slow")
    again = holds.set("robot_a", HoldCode.UNRESPONSIVE, reason="stuck")
    assert (again.args, again.since_ms) == ({"reason": "stuck"}, first.since_ms)
    await lab.until(lambda: not holds.untold)
    told = [event.data["reason"] for event in await lab.events("hold.set")]
    assert told == ["slow", "stuck"]
    assert not (await start_lab(data=await lab.kill())).holds()


async def test_holds__of_several_reasons_are_each_cleared_in_their_own_way(lab: Lab) -> None:
    unknown = await lab.run("lost", uncertain="link_lost")
    await lab.engine.pause(None, actor="ann", reason="new tips")
    waiting = await lab.submit("waits")
    assert lab.holds() == {HoldCode.OUTCOME_UNKNOWN, HoldCode.PAUSED}
    assert [hold.code for hold in lab.engine.holds.of("robot_a")] == [
        HoldCode.OUTCOME_UNKNOWN,
        HoldCode.PAUSED,
    ], "oldest first"
    await lab.engine.resolve(unknown.id, "failed", actor="ann")
    await lab.quiet()
    assert lab.holds() == {HoldCode.PAUSED}
    assert (await lab.find(waiting)).state is TaskState.PENDING
    await lab.engine.resume(None, actor="ann")
    assert (await lab.ended(waiting)).state is TaskState.COMPLETED


async def test_holds__everything_that_set_and_lifted_one_is_in_the_journal(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann", reason="new tips")
    await lab.engine.resume(None, actor="bob")
    told = [
        (event.kind, event.actor, event.robot, event.data["code"])
        for event in await lab.events("hold.")
        if event.data["code"] == "paused"
    ]
    assert told == [
        ("hold.set", "ann", "robot_a", "paused"),
        ("hold.lifted", "bob", "robot_a", "paused"),
    ]


async def test_pause__of_a_client_that_left_is_done_and_written(start_lab: StartLab) -> None:
    lab = await start_lab()
    lab.disk.hang_all()
    pausing = asyncio.create_task(lab.engine.pause(None, actor="ann"))
    await asyncio.sleep(0)
    pausing.cancel()
    await lab.quiet()
    lab.disk.go_on()
    assert lab.holds() == {HoldCode.PAUSED}
    again = await start_lab(data=await lab.kill())
    assert again.holds() == {HoldCode.PAUSED}


async def test_resume__of_a_client_that_left_lets_the_queue_go_on(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    waiting = await lab.submit("waits")
    lab.disk.hang_all()
    resuming = asyncio.create_task(lab.engine.resume(None, actor="ann"))
    await asyncio.sleep(0)
    resuming.cancel()
    await lab.quiet()
    assert lab.driver.done == [], "the end of the hold is not on disk"
    lab.disk.go_on()
    assert (await lab.ended(waiting)).state is TaskState.COMPLETED
