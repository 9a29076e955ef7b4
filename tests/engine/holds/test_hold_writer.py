"""Holds come to the disk in the order of the decisions, whatever the disk does meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from robotq.engine.timings import Timings
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from robotq.store.port import DropHold, Mutation, SaveHold, StoreUnavailable, TaskQuery
from tests.engine.conftest import Lab, StartLab
from tests.engine.disk import writes


async def told(lab: Lab, *codes: str) -> list[tuple[str, str, str]]:
    """What the journal says of these holds."""
    return [
        (event.kind, event.actor, event.data["code"])
        for event in await lab.events("hold.")
        if event.data["code"] in codes
    ]


async def agree(lab: Lab) -> None:
    """Memory, disk and the journal say the same of every hold."""
    await lab.until(lambda: lab.engine.recorded(lab.engine.robots) and not lab.engine.holds.untold)
    restored = await lab.disk.data.open(finished=0)
    kept = {(hold.robot, hold.code, hold.id) for hold in restored.holds}
    assert kept == {(hold.robot, hold.code, hold.id) for hold in lab.engine.holds.all()}
    last = {(event.robot, event.data["code"]): event.kind for event in await lab.events("hold.")}
    assert {key for key, kind in last.items() if kind == "hold.set"} == {
        (robot, code) for robot, code, _ in kept
    }


async def test_reset_and_resume__while_a_driver_is_slow_to_confirm_the_stop_are_kept(
    start_lab: StartLab,
) -> None:
    """The stop's record came after the reset's, and the next start found the stop again."""
    lab = await start_lab("robot_a", "robot_b")
    lab.drivers["robot_b"].hooks["emergency_stop"] = lambda: lab.drivers["robot_b"].gate.wait(10)
    stopping = asyncio.create_task(lab.engine.estop.trigger(actor="ann"))
    await lab.quiet()
    assert not stopping.done()
    await lab.engine.estop.reset(actor="bob", robot="robot_a")
    await lab.engine.resume("robot_a", actor="bob")
    lab.drivers["robot_b"].gate.set()
    assert (await stopping).recorded
    await agree(lab)
    assert await told(lab, "estop") == [
        ("hold.set", "ann", "estop"),
        ("hold.set", "ann", "estop"),
        ("hold.lifted", "bob", "estop"),
    ]
    again = await start_lab("robot_a", "robot_b", data=await lab.kill())
    assert not again.holds("robot_a"), "an acknowledged reset and resume"
    assert again.holds("robot_b") == {HoldCode.ESTOP}


async def test_resume__while_a_controlled_stop_waits_for_its_robot_is_kept(
    start_lab: StartLab,
) -> None:
    lab = await start_lab()
    lab.driver.hooks["stop"] = lambda: lab.driver.gate.wait(10)
    stopping = asyncio.create_task(lab.engine.stop_robot("robot_a", actor="ann"))
    await lab.held(HoldCode.PAUSED)
    await lab.until(lambda: lab.engine.recorded(["robot_a"]))
    await lab.engine.resume("robot_a", actor="bob")
    lab.driver.gate.set()
    await asyncio.gather(stopping, return_exceptions=True)
    await agree(lab)
    again = await start_lab(data=await lab.kill())
    assert HoldCode.PAUSED not in again.holds()


async def test_pause__during_an_outage_is_there_after_a_restart(start_lab: StartLab) -> None:
    """Hands in the cell: the disk was out, is back, and the daemon is started anew."""
    lab = await start_lab()
    lab.disk.full = "no space left"
    await lab.engine.pause(None, actor="ann", reason="hands in the cell")
    assert not lab.engine.recorded(["robot_a"])
    waiting = lab.engine.holds.get("robot_a", HoldCode.PAUSED)
    lab.disk.full = None
    await lab.held(HoldCode.PAUSED)
    await agree(lab)
    again = await start_lab(data=await lab.kill())
    assert list(again.engine.holds.of("robot_a")) == [waiting]


BY_THEMSELVES = {HoldCode.STORE_UNAVAILABLE, HoldCode.DOES_NOT_FIT}
"""They are over as soon as their cause is."""


@pytest.mark.parametrize("code", sorted(set(HoldCode) - BY_THEMSELVES))
async def test_every_hold__that_is_set_during_an_outage_is_written_after_it(
    start_lab: StartLab, code: HoldCode
) -> None:
    lab = await start_lab()
    lab.disk.full = "no space left"
    hold = lab.engine.holds.set("robot_a", code, actor="ann", reason="\ud800 of a driver")
    await lab.quiet()
    assert lab.engine.holds.untold, "nothing of it is on disk"
    lab.disk.full = None
    await lab.held(code)
    assert lab.engine._parts.base.hold_writer.on_disk(hold)
    assert await told(lab, code.value) == [("hold.set", "ann", code.value)]


async def test_resume__quicker_than_the_write_of_the_pause_is_not_undone_by_it(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(timings=Timings(probe_s=0.2))
    lab.disk.full = "no space left"
    await lab.engine.pause(None, actor="ann")
    lab.disk.full = None
    await lab.engine.resume(None, actor="bob")
    await lab.held()
    await agree(lab)
    assert await told(lab, "paused") == [
        ("hold.set", "ann", "paused"),
        ("hold.lifted", "bob", "paused"),
    ]
    again = await start_lab(data=await lab.kill())
    assert not again.holds()


async def test_pause__at_the_moment_of_a_resume_is_the_last_that_the_journal_says(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    lab.disk.hangs_at = lambda mutations: any(isinstance(m, DropHold) for m in mutations)
    resuming = asyncio.create_task(lab.engine.resume(None, actor="ann"))
    await lab.until(lambda: lab.disk.hanging)
    pausing = asyncio.create_task(lab.engine.pause(None, actor="bob"))
    await lab.quiet()
    lab.disk.go_on()
    await asyncio.gather(resuming, pausing)
    assert lab.holds() == {HoldCode.PAUSED}
    await agree(lab)
    assert (await told(lab, "paused"))[-1] == ("hold.set", "bob", "paused")


async def test_resume__that_was_refused_leaves_the_hold_on_disk_too(
    start_lab: StartLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk says that it failed, and has kept it all the same."""
    lab = await start_lab()
    await lab.engine.pause(None, actor="ann")
    write = lab.disk.data.apply

    async def lies(mutations: Sequence[Mutation], committed: object = None) -> object:
        done = await write(mutations)
        if any(isinstance(mutation, DropHold) for mutation in mutations):
            raise StoreUnavailable("input/output error")
        return done

    with monkeypatch.context() as patch:
        patch.setattr(lab.disk.data, "apply", lies)
        with pytest.raises(RobotqError, match="input/output"):
            await lab.engine.resume(None, actor="bob")
    assert HoldCode.PAUSED in lab.holds()
    await lab.held(HoldCode.PAUSED)
    await lab.until(lambda: lab.engine.recorded(["robot_a"]))
    again = await start_lab(data=await lab.kill())
    assert again.holds() == {HoldCode.PAUSED}


async def test_unknown_outcome__and_its_hold_are_in_one_transaction(start_lab: StartLab) -> None:
    lab = await start_lab()
    ends: list[bool] = []

    def end(mutations: Sequence[Mutation]) -> bool:
        if writes(TaskState.FAILED)(mutations):
            ends.append(any(isinstance(mutation, SaveHold) for mutation in mutations))
        return False

    lab.disk.hangs_at = end
    await lab.run("lost", uncertain="link_lost")
    assert ends == [True]


async def test_a_disk_that_does_not_answer__is_an_outage_and_refuses(start_lab: StartLab) -> None:
    """The file system is frozen. What comes to the disk when it thaws does not run."""
    lab = await start_lab(timings=Timings(disk_s=0.05))
    lab.disk.hang_all()
    with pytest.raises(RobotqError, match="does not answer") as refused:
        await lab.submit("first")
    assert refused.value.code.name == "store_unavailable"
    assert lab.holds() == {HoldCode.STORE_UNAVAILABLE}
    calls = lab.disk.calls
    with pytest.raises(RobotqError, match="does not answer"):
        await lab.submit("second")
    assert lab.disk.calls == calls, "it was not even handed over"
    lab.disk.go_on()
    await lab.held()
    (late,) = await lab.disk.data.list(TaskQuery(cmd_id="first"))
    assert (late.state, late.attempt) == (TaskState.CANCELLED, 0)
    assert (await lab.run("third")).state is TaskState.COMPLETED
    assert lab.driver.done == ["third"]


async def test_a_disk_that_does_not_answer__each_is_told_in_time(start_lab: StartLab) -> None:
    """One was answered long before, one waits already when the next one comes."""
    lab = await start_lab()
    assert (await lab.run("answered")).state is TaskState.COMPLETED
    # on a busy machine the second one must come before the first has been told
    lab.engine._parts.base.commit.disk.deadline_s = 0.3
    lab.disk.hang_all()
    first = asyncio.create_task(lab.submit("first"))
    await lab.quiet()
    second = asyncio.create_task(lab.submit("second"))
    for one in (first, second):
        with pytest.raises(RobotqError, match="does not answer"):
            await one
    lab.disk.go_on()
    await lab.held()
    late = await lab.disk.data.list(TaskQuery(states=frozenset({TaskState.CANCELLED})))
    assert {task.command.cmd_id for task in late} == {"first", "second"}
    assert lab.driver.done == ["answered"]


async def test_resume__that_the_disk_took_too_long_for_lets_nothing_go_on(
    start_lab: StartLab,
) -> None:
    lab = await start_lab()
    await lab.engine.pause(None, actor="ann")
    waiting = await lab.submit("waits")
    lab.engine._parts.base.commit.disk.deadline_s = 0.05
    lab.disk.hang_all()
    with pytest.raises(RobotqError, match="does not answer"):
        await lab.engine.resume(None, actor="bob")
    await lab.engine.pause(None, actor="eve")
    lab.disk.go_on()
    await lab.held(HoldCode.PAUSED)
    await agree(lab)
    assert (await lab.find(waiting)).state is TaskState.PENDING
    again = await start_lab(data=await lab.kill())
    assert again.holds() == {HoldCode.PAUSED}


async def test_resolve__that_the_disk_took_too_long_for_pauses_the_queue(
    start_lab: StartLab,
) -> None:
    lab = await start_lab()
    unknown = await lab.run("lost", uncertain="link_lost")
    await lab.held(HoldCode.OUTCOME_UNKNOWN)
    waiting = await lab.submit("waits")
    lab.engine._parts.base.commit.disk.deadline_s = 0.05
    lab.disk.hang_all()
    with pytest.raises(RobotqError, match="does not answer"):
        await lab.engine.resolve(unknown.id, "completed", actor="ann")
    lab.disk.go_on()
    await lab.held(HoldCode.PAUSED)
    assert (await lab.find(unknown.id)).resolution, "it is on disk, and is not asked for again"
    assert (await lab.find(waiting)).state is TaskState.PENDING
    await agree(lab)


async def test_result__of_a_disk_that_does_not_answer_is_kept(lab: Lab) -> None:
    task_id = await lab.at_gate("first")
    lab.engine._parts.base.commit.disk.deadline_s = 0.05
    lab.disk.hang_all()
    lab.driver.gate.set()
    await lab.held(HoldCode.STORE_UNAVAILABLE)
    lab.disk.go_on()
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED
    await lab.held()


async def test_cancel__stops_the_robot_although_the_disk_hangs(lab: Lab) -> None:
    """A step is on its way to a disk that does not answer; the stop must not wait behind it."""
    lab.set_timings(cancel_s=0.05)
    thaw = lab.clock.freeze()
    task_id = await lab.submit("first", take_s=50)
    await lab.running(task_id)
    lab.engine._parts.base.commit.disk.deadline_s = 0.02
    lab.disk.hang_all()
    run = lab.engine.robots["robot_a"].executor._run
    assert run is not None
    run.recorder.step_started(9, "LATE", {}, 0)
    await lab.quiet()
    cancelling = asyncio.create_task(lab.engine.queue.cancel(task_id, actor="ann"))
    await lab.quiet()
    assert run.request is not None, "told to stop at once"
    thaw()
    with pytest.raises(RobotqError) as refused:
        await cancelling
    assert refused.value.code.name == "store_unavailable"
    lab.disk.go_on()
    assert (await lab.ended(task_id)).state is TaskState.CANCELLED


async def test_change__of_a_task_that_waits_for_a_hanging_disk_is_refused_in_time(
    lab: Lab,
) -> None:
    lab.engine._parts.base.commit.disk.deadline_s = 0.05
    lab.disk.hangs_at = writes(TaskState.RUNNING)
    task_id = await lab.submit("first")
    await lab.until(lambda: lab.disk.hanging)
    with pytest.raises(RobotqError) as refused:
        await lab.engine.queue.cancel(task_id, actor="ann")
    assert refused.value.code.name == "store_unavailable"
    lab.disk.go_on()
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED
