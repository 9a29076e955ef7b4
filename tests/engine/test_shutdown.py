"""An orderly end: what runs gets its time, then it is stopped; everything is written."""

from __future__ import annotations

import asyncio

import pytest

from robotq.config import LimitsConfig
from robotq.engine.timings import Timings
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState

from .conftest import Lab, StartLab
from .disk import writes


async def test_grace__a_command_that_ends_in_time_is_completed(start_lab: StartLab) -> None:
    lab = await start_lab(limits=LimitsConfig(shutdown_grace_s=5))
    task_id = await lab.at_gate("first")
    waiting = await lab.submit("second")
    ending = asyncio.create_task(lab.engine.shut_down())
    await lab.until(lambda: HoldCode.STOPPING in lab.holds())
    with pytest.raises(RobotqError, match="shutting down"):
        await lab.submit("third")
    lab.driver.gate.set()
    await ending
    assert (await lab.find(task_id)).state is TaskState.COMPLETED
    assert (await lab.find(waiting)).state is TaskState.PENDING
    assert lab.driver.done == ["first"]
    assert (await lab.events())[-1].kind == "daemon.stopped"


async def test_after_the_grace__it_is_stopped_and_says_why(start_lab: StartLab) -> None:
    lab = await start_lab()
    lab.clock.freeze()
    task_id = await lab.submit("long", take_s=90)
    waiting = await lab.submit("next")
    await lab.running(task_id)
    await lab.engine.shut_down()
    task = await lab.find(task_id)
    assert task.error is not None
    assert (task.state, task.error.code) == (TaskState.FAILED, "stopped_by_shutdown")
    again = await start_lab(data=lab.disk.data)
    assert (await again.ended(waiting)).state is TaskState.COMPLETED, "the position is known"


@pytest.mark.parametrize("silent", [False, True])
async def test_position_uncertain__holds_at_the_next_start(
    start_lab: StartLab, silent: bool
) -> None:
    lab = await start_lab()
    lab.clock.freeze()
    task_id = await lab.submit("long", take_s=90)
    await lab.submit("next")
    await lab.running(task_id)
    lab.driver.position_known = False
    if silent:

        def refuse() -> None:
            raise OSError("cable")

        lab.driver.hooks["status"] = refuse
    await lab.engine.shut_down()
    again = await start_lab(data=lab.disk.data)
    (hold,) = again.engine.holds.of("robot_a")
    assert (hold.code, hold.task_id) == (HoldCode.SHUTDOWN, task_id)
    await again.engine.resume(None, actor="ann")
    await again.until(lambda: again.driver.done == ["next"])


async def test_driver_that_does_not_stop__has_an_unknown_outcome(start_lab: StartLab) -> None:
    lab = await start_lab()
    task_id = await lab.at_gate("deaf")
    await asyncio.gather(lab.engine.shut_down(), _release_late(lab))
    assert (await lab.find(task_id)).outcome_unknown
    again = await start_lab(data=lab.disk.data)
    assert again.holds() == {HoldCode.OUTCOME_UNKNOWN}


async def _release_late(lab: Lab) -> None:
    """Close cannot come before the driver is back; nobody waits five seconds for that here."""
    await lab.until(lambda: HoldCode.UNRESPONSIVE in lab.holds())
    lab.driver.gate.set()


async def test_claim__on_its_way_is_given_back_and_is_no_unknown_outcome(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(limits=LimitsConfig(shutdown_grace_s=5))
    lab.disk.hangs_at = writes(TaskState.RUNNING)
    task_id = await lab.submit("first")
    await lab.until(lambda: lab.disk.hanging)
    ending = asyncio.create_task(lab.engine.shut_down())
    await lab.quiet()
    lab.disk.go_on()
    await ending
    task = await lab.disk.data.get(task_id)
    assert task is not None
    assert (task.state, task.attempt) == (TaskState.PENDING, 0)
    assert lab.driver.done == []


async def test_twice__does_it_once(lab: Lab) -> None:
    await lab.engine.shut_down()
    await lab.engine.shut_down()
    assert len(await lab.events("daemon.stopped")) == 1


async def test_listeners__are_told_that_nothing_more_will_come(lab: Lab) -> None:
    with lab.engine.reads.subscribe() as events:
        listening = asyncio.create_task(_all(events))
        await lab.engine.shut_down()
        assert await listening == ["hold.set", "daemon.stopped"]


async def _all(events: object) -> list[str]:
    assert hasattr(events, "__aiter__")
    return [event.kind async for event in events]


async def test_disk_that_is_out__does_not_keep_the_process(start_lab: StartLab) -> None:
    limits = LimitsConfig(stop_timeout_s=0.02, shutdown_grace_s=0.02)
    lab = await start_lab(limits=limits, timings=Timings(answer_s=0.02))
    robot = lab.engine.robots["robot_a"]
    task_id = await lab.at_gate("first")
    lab.disk.full = "no space left"
    lab.driver.gate.set()
    await lab.until(lambda: not robot.host.busy)
    async with asyncio.timeout(2):
        await lab.engine.shut_down()
    task = await lab.disk.data.get(task_id)
    assert task is not None
    assert task.state is TaskState.RUNNING, "the next start finds it so"


async def test_emergency_stop__after_the_end_does_not_raise(lab: Lab) -> None:
    await lab.engine.shut_down()
    report = await lab.engine.estop.trigger(actor="ann")
    assert report.robots["robot_a"] == "Busy: robot_a-estop has ended"
