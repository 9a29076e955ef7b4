"""The disk takes no writes: nothing is accepted, nothing starts, nothing that happened is lost."""

from __future__ import annotations

import asyncio

import pytest

from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from tests.engine.conftest import Lab, StartLab


async def test_submit__is_refused_and_the_hold_says_why_until_a_probe_lifts_it(lab: Lab) -> None:
    lab.disk.full = "no space left"
    with pytest.raises(RobotqError) as refused:
        await lab.submit("first")
    assert (refused.value.code.http_status, refused.value.code.retry) == (503, True)
    (hold,) = lab.engine.holds.of("robot_a")
    assert (hold.code, hold.args) == (HoldCode.STORE_UNAVAILABLE, {"reason": "no space left"})
    lab.disk.full = None
    await lab.held()
    # the hold goes a moment earlier
    await lab.until(lambda: lab.engine.store_available)
    assert (await lab.run("second")).state is TaskState.COMPLETED
    kinds = [
        (event.kind, event.data["code"])
        for event in await lab.events("hold.")
        if event.robot == "robot_a"
    ]
    assert kinds == [("hold.set", "store_unavailable"), ("hold.lifted", "store_unavailable")]


async def test_result__that_could_not_be_written_is_written_when_the_disk_is_back(
    lab: Lab,
) -> None:
    task_id = await lab.at_gate("first", report={"found": 3})
    after = await lab.submit("second")
    lab.disk.full = "no space left"
    lab.driver.gate.set()
    await lab.until(lambda: not lab.engine.robots["robot_a"].host.busy)
    await lab.quiet()
    assert (await lab.find(task_id)).state is TaskState.RUNNING, "told only when it is on disk"
    assert lab.driver.done == ["first"]
    lab.disk.full = None
    task = await lab.ended(task_id)
    assert (task.state, task.result) == (TaskState.COMPLETED, {"worked": True})
    assert task.partial == {"found": 3}
    assert [step.duration_s for step in task.steps] == [1.0]
    assert (await lab.ended(after)).state is TaskState.COMPLETED
    assert lab.driver.done == ["first", "second"]


async def test_steps__of_the_outage_come_with_the_end(lab: Lab) -> None:
    task_id = await lab.at_gate("first", steps=3)
    lab.disk.full = "no space left"
    lab.driver.gate.set()
    await lab.until(lambda: not lab.engine.robots["robot_a"].host.busy)
    lab.disk.full = None
    task = await lab.ended(task_id)
    assert [step.name for step in task.steps] == ["WORKING", "STEP_0", "STEP_1", "STEP_2"]
    steps = [(event.data["step"], event.data["state"]) for event in await lab.events("task.step")]
    assert steps == [
        ("WORKING", "running"),
        *((f"STEP_{n}", state) for n in range(3) for state in ("running", "completed")),
        ("WORKING", "completed"),
    ]


async def test_outage__does_not_keep_the_loop_busy(lab: Lab) -> None:
    """What waits to be written waits for the disk, and does not ask it again and again."""
    task_id = await lab.at_gate("first")
    lab.disk.full = "no space left"
    recorder = lab.engine.robots["robot_a"].executor._run
    assert recorder is not None
    recorder.recorder.found({"x": 1})
    recorder.recorder.step_started(9, "LATE", {}, 0)
    await lab.quiet()
    calls = lab.disk.calls
    await lab.quiet()
    assert lab.disk.calls - calls < 5
    lab.disk.full = None
    lab.driver.gate.set()
    await lab.ended(task_id)


async def test_pause__acts_although_it_cannot_be_written(lab: Lab) -> None:
    lab.disk.full = "no space left"
    await lab.engine.pause(None, actor="ann")
    assert not lab.engine.recorded(["robot_a"]), "she is told that a restart would not know it"
    lab.disk.full = None
    await lab.held(HoldCode.PAUSED)
    assert lab.engine.recorded(["robot_a"])


async def test_cancel__of_a_running_one_stops_it_and_says_that_it_is_not_written(lab: Lab) -> None:
    lab.set_timings(cancel_s=0.01)
    lab.clock.freeze()
    task_id = await lab.submit("first", take_s=50)
    await lab.running(task_id)
    lab.disk.full = "no space left"
    with pytest.raises(RobotqError) as refused:
        await lab.engine.queue.cancel(task_id, actor="ann")
    assert refused.value.code.name == "store_unavailable"
    assert not lab.engine.robots["robot_a"].host.busy
    lab.disk.full = None
    assert (await lab.ended(task_id)).state is TaskState.CANCELLED


async def test_next_command__claimed_in_vain_is_looked_at_anew_afterwards(lab: Lab) -> None:
    """During the outage somebody has pressed pause: the next command must not start."""
    task_id = await lab.at_gate("first")
    after = await lab.submit("second")
    lab.disk.full = "no space left"
    lab.driver.gate.set()
    await lab.until(lambda: HoldCode.STORE_UNAVAILABLE in lab.holds())
    await lab.engine.pause(None, actor="ann")
    lab.disk.full = None
    await lab.ended(task_id)
    await lab.quiet()
    task = await lab.find(after)
    assert (task.state, task.attempt) == (TaskState.PENDING, 0)
    assert "task.released" not in [event.kind for event in await lab.events("task.")]


async def test_probe__that_fails_for_another_reason_goes_on(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise ZeroDivisionError("ours")

    with monkeypatch.context() as patch:
        patch.setattr(lab.disk, "probe", broken)
        lab.disk.full = "no space left"
        with pytest.raises(RobotqError):
            await lab.submit("first")
        await lab.quiet()
        lab.disk.full = None
        await lab.quiet()
        assert lab.holds() == {HoldCode.STORE_UNAVAILABLE}
    await lab.held()


async def test_outage_again__before_the_first_one_is_told(lab: Lab) -> None:
    """The probe goes through and nothing else does, over and over."""
    probing = 0

    async def probe() -> None:
        nonlocal probing
        probing += 1

    lab.disk.probe = probe  # type: ignore[method-assign]
    lab.disk.full = "no space left"
    with pytest.raises(RobotqError):
        await lab.submit("first")
    await lab.until(lambda: probing > 3)
    held = 1 + len(lab.engine.reads.worker_queues)
    assert len(lab.engine.holds.untold) <= held
    lab.disk.full = None
    await lab.held()
    assert (await lab.run("second")).state is TaskState.COMPLETED
    told = [event.kind for event in await lab.events("hold.") if event.robot == "robot_a"]
    assert told == ["hold.set", "hold.lifted"], "the journal has lost nothing of it"


async def test_unreadable__an_old_task_is_503_and_not_a_fault(lab: Lab) -> None:
    lab.disk.unreadable = True
    with pytest.raises(RobotqError) as refused:
        await lab.find("task_0")
    assert refused.value.code.name == "store_unavailable"


async def test_death__during_the_outage_leaves_the_outcome_unknown(start_lab: StartLab) -> None:
    lab = await start_lab()
    task_id = await lab.at_gate("first")
    lab.disk.full = "no space left"
    lab.driver.gate.set()
    await lab.until(lambda: HoldCode.STORE_UNAVAILABLE in lab.holds())
    again = await start_lab(data=await lab.kill())
    assert (await again.find(task_id)).outcome_unknown
    assert again.driver.done == []


async def test_crowd__waits_for_the_disk_and_is_answered(lab: Lab) -> None:
    lab.disk.hang_all()
    submitting = [asyncio.create_task(lab.submit(str(number))) for number in range(30)]
    await lab.quiet()
    assert not any(task.done() for task in submitting)
    lab.disk.go_on()
    ids = await asyncio.gather(*submitting)
    for task_id in ids:
        await lab.ended(task_id)
    assert lab.driver.done == [str(number) for number in range(30)]


async def test_worker_queues__are_held_and_say_why_until_the_disk_is_back(lab: Lab) -> None:
    names = list(lab.engine.reads.worker_queues)
    assert "dispatcher" in names
    lab.disk.full = "no space left"
    with pytest.raises(RobotqError):
        await lab.submit("refused")
    for name in names:
        (hold,) = lab.engine.holds.of(name)
        assert (hold.code, hold.args["reason"]) == (HoldCode.STORE_UNAVAILABLE, "no space left")
    lab.disk.full = None
    await lab.engine._parts.base.commit.disk.until_available()
    assert not any(lab.engine.holds.of(name) for name in names)
