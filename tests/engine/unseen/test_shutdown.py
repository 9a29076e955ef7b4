"""An orderly end: what runs gets its time, then it is stopped; everything is written."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from robotq.config import LimitsConfig
from robotq.engine.timings import Timings
from robotq.model.errors import NotWritten, RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from tests.engine.conftest import Lab, StartLab
from tests.engine.disk import writes


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
    lab = await start_lab(limits=limits, timings=Timings(answer_s=0.02, disk_at_end_s=0.02))
    robot = lab.engine.robots["robot_a"]
    task_id = await lab.at_gate("first")
    lab.disk.full = "no space left"
    lab.driver.gate.set()
    await lab.until(lambda: not robot.host.busy)
    with pytest.raises(NotWritten, match=task_id):
        async with asyncio.timeout(2):
            await lab.engine.shut_down()
    task = await lab.disk.data.get(task_id)
    assert task is not None
    assert task.state is TaskState.RUNNING, "the next start finds it so"


async def test_emergency_stop__after_the_end_does_not_raise(lab: Lab) -> None:
    await lab.engine.shut_down()
    report = await lab.engine.estop.trigger(actor="ann")
    assert report.robots["robot_a"] == "Busy: robot_a-estop has ended"


SOON = Timings(disk_at_end_s=0.3)
"""What the disk gets at the end, where nobody wants to wait for it."""


async def within_bound(lab: Lab) -> str:
    """The end with a disk that takes nothing; returns what is told of it."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(NotWritten) as told:
        await lab.engine.shut_down()
    assert loop.time() - began < 3
    return str(told.value)


async def test_hanging_disk__the_end_comes_in_time_and_says_what_is_not_written(
    start_lab: StartLab, caplog: pytest.LogCaptureFixture
) -> None:
    """A file server is gone when somebody ends the service: that took 40 seconds."""
    lab = await start_lab("robot_a", "robot_b", timings=SOON)
    lab.clock.freeze()
    stops: list[str] = []
    lab.drivers["robot_b"].hooks["stop"] = lambda: stops.append("robot_b")
    confirmed = await lab.submit("confirmed", robot="robot_b", take_s=90)
    await lab.running(confirmed)
    task_id = await lab.at_gate("done", take_s=0)
    lab.disk.hang_all()
    lab.driver.gate.set()
    await lab.until(lambda: not lab.engine.robots["robot_a"].host.busy)
    told = await within_bound(lab)
    assert task_id in told
    assert confirmed in told
    assert task_id in caplog.text
    assert stops, "it was stopped although the disk hangs"
    assert await lab.disk.data.get(confirmed) is not None, "what was told is there"


async def test_full_disk__the_end_comes_in_time_and_says_what_is_not_written(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(timings=SOON)
    task_id = await lab.at_gate("done")
    lab.disk.full = "no space left on device"
    lab.driver.gate.set()
    assert task_id in await within_bound(lab)


async def test_full_disk__a_pause_that_is_not_written_is_told_at_the_end(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(timings=SOON)
    lab.disk.full = "no space left on device"
    await lab.engine.pause(None, actor="ann", reason="cleaning")
    assert "paused (robot_a)" in await within_bound(lab)


async def test_full_disk__a_robot_is_stopped_before_anybody_waits_for_the_disk(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(timings=Timings(disk_at_end_s=60))
    lab.clock.freeze()
    stops: list[str] = []
    lab.driver.hooks["stop"] = lambda: stops.append("robot_a")
    task_id = await lab.submit("long", take_s=90)
    await lab.running(task_id)
    lab.disk.full = "no space left on device"
    ending = asyncio.create_task(lab.engine.shut_down())
    await lab.until(lambda: stops)
    assert not ending.done()
    lab.disk.full = None
    await ending
    assert (await lab.find(task_id)).state is TaskState.FAILED, "the disk came back in time"


async def test_working_disk__gets_no_exception(lab: Lab) -> None:
    await lab.run("first")
    await lab.engine.shut_down()
    assert (await lab.events())[-1].kind == "daemon.stopped"


async def test_driver__that_fails_after_the_daemon_gave_it_up_is_told_as_late(
    start_lab: StartLab, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    lab = await start_lab(timings=Timings(answer_s=0.02))
    task_id = await lab.at_gate("deaf", fail="jam")
    await lab.engine.shut_down()
    lab.driver.gate.set()
    await lab.until(lambda: f"{task_id} came back late" in caplog.text)
    # what nobody took fails the test once it is collected
    gc.collect()
