"""The emergency stop acts before anything else, is latched, and starts nothing when it ends."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from robotq.engine.timings import Timings
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from robotq.store.port import DropHold
from tests.engine.conftest import Lab, StartLab


async def test_trigger__stops_every_robot_and_nothing_starts_until_reset_and_resume(
    start_lab: StartLab,
) -> None:
    lab = await start_lab("robot_a", "robot_b")
    lab.clock.freeze()
    running = [await lab.submit(name, robot=name, take_s=50) for name in lab.drivers]
    waiting = [await lab.submit("next", robot=name, take_s=0) for name in lab.drivers]
    for task_id in running:
        await lab.running(task_id)
    report = await lab.engine.estop.trigger(actor="ann", reason="smoke")
    assert report.robots == {"robot_a": None, "robot_b": None}
    assert report.recorded
    for task_id in running:
        task = await lab.ended(task_id)
        assert task.error is not None
        assert (task.state, task.error.code) == (TaskState.FAILED, "stopped")
        assert task.error.args == {"actor": "ann", "reason": "smoke"}
    await lab.engine.resume(None, actor="ann")
    assert lab.holds("robot_a") == {HoldCode.ESTOP}, "a resume lifts no emergency stop"
    assert await lab.engine.estop.reset(actor="ann") == {"robot_a": None, "robot_b": None}
    assert not lab.engine.estop.latched
    await lab.quiet()
    assert [(await lab.find(task_id)).state for task_id in waiting] == [TaskState.PENDING] * 2
    assert lab.holds("robot_a") == lab.holds("robot_b") == {HoldCode.PAUSED}


async def test_trigger__is_latched_before_anything_is_awaited(lab: Lab) -> None:
    lab.disk.hang_all()
    stopping = asyncio.create_task(lab.engine.estop.trigger(actor="ann"))
    await asyncio.sleep(0)
    assert lab.holds() == {HoldCode.ESTOP}
    await lab.until(lambda: lab.driver.estops == 1)
    assert not stopping.done(), "the record comes after"
    lab.disk.go_on()
    assert (await stopping).recorded


async def test_trigger__needs_no_disk_and_is_recorded_when_it_is_back(start_lab: StartLab) -> None:
    lab = await start_lab(timings=Timings(record_s=0.01))
    lab.disk.full = "no space left"
    report = await lab.engine.estop.trigger(actor="ann")
    assert (report.robots, report.recorded) == ({"robot_a": None}, False)
    assert lab.driver.estops == 1
    assert HoldCode.ESTOP in lab.holds()
    with pytest.raises(RobotqError, match="not on disk yet"):
        await lab.engine.estop.reset(actor="ann")
    assert lab.engine.estop.latched
    lab.disk.full = None
    await lab.held(HoldCode.ESTOP)
    await lab.quiet()
    again = await start_lab(data=await lab.kill())
    assert again.holds() == {HoldCode.ESTOP}


async def test_reset__before_the_stop_itself_is_on_disk_is_not_undone_by_it(
    start_lab: StartLab,
) -> None:
    """The disk is back, and somebody is quicker than the probe that finds it out."""
    lab = await start_lab(timings=Timings(record_s=0.01, probe_s=0.2))
    lab.disk.full = "no space left"
    assert not (await lab.engine.estop.trigger(actor="ann")).recorded
    lab.disk.full = None
    while lab.engine.estop.latched:
        with contextlib.suppress(RobotqError):
            await lab.engine.estop.reset(actor="ann")
    await lab.held(HoldCode.PAUSED)
    await lab.quiet()
    again = await start_lab(data=await lab.kill())
    assert again.holds() == {HoldCode.PAUSED}


async def test_trigger__does_not_wait_for_a_disk_that_hangs(lab: Lab) -> None:
    lab.set_timings(record_s=0.01)
    lab.disk.hang_all()
    for _ in range(3):
        report = await lab.engine.estop.trigger(actor="ann")
        assert not report.recorded
    lab.disk.go_on()


async def test_trigger__a_driver_that_fails_to_take_it_is_told_and_the_others_stop(
    start_lab: StartLab,
) -> None:

    def refuse() -> None:
        raise OSError("cable")

    lab = await start_lab("robot_a", "robot_b", "robot_c", timings=Timings(confirm_s=0.02))
    lab.drivers["robot_a"].hooks["emergency_stop"] = refuse
    lab.drivers["robot_b"].hooks["emergency_stop"] = lambda: lab.drivers["robot_b"].gate.wait(10)
    report = await lab.engine.estop.trigger(actor="ann")
    assert report.robots == {
        "robot_a": "OSError: cable",
        "robot_b": "no answer within 0.02 s",
        "robot_c": None,
    }
    (event,) = await lab.events("estop.latched")
    assert event.data["robots"] == report.robots
    assert all(HoldCode.ESTOP in lab.holds(name) for name in lab.drivers)


async def test_trigger__repeated_tells_the_drivers_again_and_counts_once(lab: Lab) -> None:
    for _ in range(3):
        await lab.engine.estop.trigger(actor="ann")
    assert lab.driver.estops == 3
    told = [event for event in await lab.events("hold.set") if event.data["code"] == "estop"]
    assert len(told) == 3
    assert len(await lab.events("estop.latched")) == 3


async def test_trigger__over_a_driver_that_hangs_in_it_bounds_what_waits(lab: Lab) -> None:
    lab.driver.hooks["emergency_stop"] = lambda: lab.driver.gate.wait(10)
    host = lab.engine.robots["robot_a"].host
    calls = [host.emergency_stop() for _ in range(100)]
    refused = [call for call in calls if call.done() and call.exception()]
    assert len(refused) == 100 - 32
    lab.driver.gate.set()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_trigger__a_claim_that_was_just_written_is_given_back(lab: Lab) -> None:
    submitted = [lab.submit(str(number)) for number in range(5)]
    await asyncio.gather(*submitted, lab.engine.estop.trigger(actor="ann"))
    await lab.quiet()
    done = list(lab.driver.done)
    await lab.quiet()
    assert lab.driver.done == done
    assert lab.engine.reads.robot_queue("robot_a").running is None


async def test_reset__is_refused_while_a_driver_is_still_in_its_command(lab: Lab) -> None:
    await lab.at_gate("deaf")
    await lab.engine.estop.trigger(actor="ann")
    with pytest.raises(RobotqError, match="still in a command"):
        await lab.engine.estop.reset(actor="ann")
    await lab.until(lambda: HoldCode.UNRESPONSIVE in lab.holds())
    lab.driver.gate.set()
    await lab.held(HoldCode.ESTOP, HoldCode.OUTCOME_UNKNOWN)
    assert await lab.engine.estop.reset(actor="ann") == {"robot_a": None}
    assert lab.holds() == {HoldCode.OUTCOME_UNKNOWN, HoldCode.PAUSED}


async def test_reset__that_a_driver_refuses_leaves_that_robot_stopped(start_lab: StartLab) -> None:
    def refuse() -> None:
        raise ValueError("door open")

    lab = await start_lab("robot_a", "robot_b")
    await lab.engine.estop.trigger(actor="ann")
    lab.drivers["robot_a"].hooks["reset"] = refuse
    report = await lab.engine.estop.reset(actor="ann")
    assert report == {"robot_a": "ValueError: door open", "robot_b": None}
    assert lab.holds("robot_a") == {HoldCode.ESTOP}
    assert lab.holds("robot_b") == {HoldCode.PAUSED}


async def test_reset__of_one_robot_leaves_the_others_stopped(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    await lab.engine.estop.trigger(actor="ann")
    await lab.engine.estop.reset(actor="ann", robot="robot_a")
    assert lab.engine.estop.latched
    assert lab.holds("robot_b") == {HoldCode.ESTOP}
    with pytest.raises(RobotqError, match="estop"):
        await lab.engine.resume_motion("robot_a", actor="ann")


async def test_reset__without_an_emergency_stop_is_refused(lab: Lab) -> None:
    with pytest.raises(RobotqError, match="not latched"):
        await lab.engine.estop.reset(actor="ann")


async def test_reset__another_stop_at_the_driver_meanwhile_wins(lab: Lab) -> None:
    """The second stop must hold, whichever of the two the driver has taken last."""
    await lab.engine.estop.trigger(actor="ann")
    lab.driver.hooks["reset"] = lambda: lab.driver.gate.wait(10)
    resetting = asyncio.create_task(lab.engine.estop.reset(actor="ann"))
    await lab.quiet()
    await lab.engine.estop.trigger(actor="bob")
    lab.driver.gate.set()
    report = await resetting
    assert report["robot_a"] is not None
    assert lab.holds() == {HoldCode.ESTOP}
    assert lab.driver._latched
    assert lab.engine.robots["robot_a"].host._no_motion.is_set()


async def test_reset__another_stop_while_it_is_being_written_wins(start_lab: StartLab) -> None:
    lab = await start_lab()
    await lab.engine.estop.trigger(actor="ann")
    lab.disk.hangs_at = lambda mutations: any(isinstance(m, DropHold) for m in mutations)
    resetting = asyncio.create_task(lab.engine.estop.reset(actor="ann"))
    await lab.until(lambda: lab.disk.hanging)
    stopping = asyncio.create_task(lab.engine.estop.trigger(actor="bob"))
    await lab.quiet()
    lab.disk.go_on()
    await asyncio.gather(resetting, stopping)
    assert HoldCode.ESTOP in lab.holds()
    again = await start_lab(data=await lab.kill())
    assert HoldCode.ESTOP in again.holds()


async def test_restart__stays_stopped_until_it_is_reset(start_lab: StartLab) -> None:
    lab = await start_lab()
    await lab.engine.estop.trigger(actor="ann", reason="smoke")
    task_id = await lab.submit("first")
    again = await start_lab(data=await lab.kill())
    await again.quiet()
    assert again.driver.done == []
    assert again.engine.estop.latched
    await again.engine.estop.reset(actor="ann")
    await again.engine.resume(None, actor="ann")
    assert (await again.ended(task_id)).state is TaskState.COMPLETED


async def test_cancel__of_the_caller_does_not_undo_it(start_lab: StartLab) -> None:
    lab = await start_lab()
    stopping = asyncio.create_task(lab.engine.estop.trigger(actor="ann"))
    await asyncio.sleep(0)
    stopping.cancel()
    await asyncio.gather(stopping, return_exceptions=True)
    await lab.quiet()
    again = await start_lab(data=await lab.kill())
    assert again.holds() == {HoldCode.ESTOP}
