"""Nobody has watched a command to its end: the device is asked before anything is decided."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from robotq.config import RobotConfig
from robotq.drivers.settling import Settled
from robotq.model.hold import HoldCode
from robotq.model.task import StepState, TaskState
from robotq.store.port import Mutation, SaveTask
from tests.engine.conftest import StartLab
from tests.engine.floor import Floor
from tests.engine.settling import Device

HOLD_ON_START = {"robots": {"robot_a": RobotConfig(driver="bench", on_start="hold")}}


# -- the truth ---------------------------------------------------------------------------------


async def test_running__is_followed_again_after_a_crash_as_if_nothing_had_happened(
    floor: Floor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    task_id = await floor.command()
    floor.device.running.progress = 0.3
    await floor.lab.until(lambda: floor.lab._in_memory(task_id).progress == 0.3)
    after = await floor.lab.submit("after")
    lab = await floor.killed()
    await floor.attached()
    floor.device.running.progress = 0.6
    await lab.until(lambda: lab._in_memory(task_id).progress == 0.6)
    task = await lab.find(task_id)
    assert (task.state, task.attempt) == (TaskState.RUNNING, 1)
    assert [step.state for step in task.steps] == [StepState.RUNNING], "the same step goes on"
    floor.device.running.steps.append("PLACING")
    await lab.until(lambda: len(lab._in_memory(task_id).steps) == 2)
    floor.device.ends("done", found=3)
    ended = await lab.ended(task_id)
    assert (ended.state, ended.result) == (TaskState.COMPLETED, {"found": 3})
    assert [(step.name, step.state) for step in ended.steps] == [
        ("WORKING", StepState.COMPLETED),
        ("PLACING", StepState.COMPLETED),
    ]
    assert lab.holds() == set()
    assert f"{task_id} is followed again, as its device says of run {task_id}.1" in caplog.text
    await lab.until(lambda: len(floor.device.starts) == 2)
    assert floor.device.starts == [f"{task_id}.1", f"{after}.1"]
    floor.device.ends()


async def test_completed__while_the_daemon_was_down_ends_by_what_the_device_has_stored(
    floor: Floor,
) -> None:
    task_id = await floor.command()
    after = await floor.lab.submit("after")
    data = await floor.lab.kill()
    floor.device.ends("done", bottles=2)
    lab = await floor.start(data=data)
    task = await lab.ended(task_id)
    assert (task.state, task.result, task.settled) == (TaskState.COMPLETED, {"bottles": 2}, True)
    assert [step.state for step in task.steps] == [StepState.COMPLETED]
    assert lab.holds() == set()
    await lab.until(lambda: floor.device.starts[1:] == [f"{after}.1"])
    floor.device.ends()
    kinds = [event.kind for event in await lab.events("task.") if event.task_id == task_id]
    told = [kind for kind in kinds if kind in ("task.in_doubt", "task.settled", "task.completed")]
    assert told == ["task.in_doubt", "task.settled", "task.completed"]


async def test_failed__while_the_daemon_was_down_is_certain_and_the_queue_goes_on(
    floor: Floor,
) -> None:
    task_id = await floor.command()
    data = await floor.lab.kill()
    floor.device.ends("failed")
    lab = await floor.start(data=data)
    task = await lab.ended(task_id)
    assert task.error is not None
    assert (task.error.code, task.error.args["reason"]) == ("device_error", "the gripper is empty")
    assert (task.settled, task.outcome_unknown, lab.holds()) == (True, False, set())
    assert task.steps[0].state is StepState.FAILED


async def test_stopped__at_the_robot_while_the_daemon_was_down_pauses_the_queue(
    floor: Floor,
) -> None:
    task_id = await floor.command()
    data = await floor.lab.kill()
    floor.device.stop("button")
    lab = await floor.start(data=data)
    task = await lab.ended(task_id)
    assert (task.state, task.settled) == (TaskState.CANCELLED, True)
    assert lab.holds() == {HoldCode.PAUSED}


async def test_never_started__waits_again_by_itself_under_another_id(floor: Floor) -> None:
    floor.device.loses_starts = True
    task_id = await floor.lab.submit("lost start")
    await floor.lab.until(lambda: floor.device.lost)
    floor.device.loses_starts = False
    lab = await floor.killed()
    await lab.until(lambda: floor.device.starts)
    assert floor.device.starts == [f"{task_id}.2"]
    floor.device.ends()
    task = await lab.ended(task_id)
    assert (task.state, task.attempt, task.settled) == (TaskState.COMPLETED, 2, False)
    assert f"{task_id}.1" in floor.device.refused


async def test_never_started__three_times_is_not_begun_again(floor: Floor) -> None:
    floor.device.loses_starts = True
    task_id = await floor.lab.submit("lost start")
    lab = floor.lab
    for attempt in (1, 2, 3):
        await lab.until(partial(floor.device.lost.__contains__, f"{task_id}.{attempt}"))
        lab = await floor.killed()
    task = await lab.ended(task_id)
    assert task.outcome_unknown
    assert floor.device.starts == []


async def test_never_started__and_called_off_before_is_cancelled_and_not_begun(
    floor: Floor,
) -> None:
    floor.device.loses_starts = True
    task_id = await floor.lab.submit("lost start")
    await floor.lab.until(lambda: floor.device.lost)
    cancelling = asyncio.create_task(floor.lab.engine.queue.cancel(task_id, actor="ann"))
    await floor.lab.until(lambda: floor.lab._in_memory(task_id).asked)
    floor.device.loses_starts = False
    lab = await floor.killed()
    cancelling.cancel()
    task = await lab.ended(task_id)
    assert (task.state, task.settled) == (TaskState.CANCELLED, True)
    assert floor.device.starts == []


async def test_hold_of_the_start__stays_whatever_the_device_says(floor: Floor) -> None:
    task_id = await floor.command()
    after = await floor.lab.submit("after")
    data = await floor.lab.kill()
    floor.device.ends()
    lab = await floor.start(data=data, **HOLD_ON_START)
    assert (await lab.ended(task_id)).settled
    await lab.quiet()
    assert lab.holds() == {HoldCode.RESTARTED}
    assert (await lab.find(after)).state is TaskState.PENDING


# -- the lies ----------------------------------------------------------------------------------


def _boots_again(device: Device, run_id: str) -> Settled:
    device.restarts()
    return Settled.never_started(id=run_id, boot=device.boot, cannot_start=True)


LIES: dict[str, Callable[[Device, str], Any]] = {
    "has forgotten and says that it never began": _boots_again,
    "answers for another run": lambda device, _: Settled.completed(
        {"found": 9}, id="task_other.1", boot=device.boot
    ),
    "runs another run": lambda device, _: Settled.running(id="task_other.1", boot=device.boot),
    "has failed in another life": lambda _, run_id: Settled.failed(
        "empty", id=run_id, boot="boot-0"
    ),
    "has completed it in another life": lambda _, run_id: Settled.completed(
        {"found": 9}, id=run_id, boot="boot-0"
    ),
    "may receive the start after it said that it never began": lambda device, run_id: (
        Settled.never_started(id=run_id, boot=device.boot, cannot_start=False)
    ),
    "says nothing of its memory": lambda _, run_id: Settled.never_started(
        id=run_id, boot="", cannot_start=True
    ),
    "cannot say": lambda *_: Settled.unknown("forgotten"),
    "answers nonsense": lambda *_: "completed",
    "raises": lambda *_: 1 / 0,
}


@pytest.mark.parametrize("after", ["a crash", "a broken link"])
@pytest.mark.parametrize("lie", LIES)
async def test_lie__is_not_believed_and_a_person_decides(
    floor: Floor, lie: str, after: str
) -> None:
    """Each time the device itself has another truth than it tells."""
    task_id = await floor.command()
    device = floor.device
    device.lies = lambda run_id: LIES[lie](device, run_id)
    if after == "a crash":
        lab = await floor.killed()
    else:
        lab = floor.lab
        floor.driver.breaks()
        await lab.held(HoldCode.DISCONNECTED)
        floor.driver.mends()
    task = await lab.ended(task_id)
    assert task.outcome_unknown, lie
    assert not task.settled
    await lab.held(HoldCode.OUTCOME_UNKNOWN)
    await lab.quiet()
    assert device.starts == [f"{task_id}.1"], "nothing is begun again"


async def test_answer__that_comes_too_late_is_not_waited_for_and_not_believed(
    floor: Floor,
) -> None:
    task_id = await floor.command()
    after = await floor.lab.submit("after")
    data = await floor.lab.kill()
    floor.device.ends("done", found=1)
    floor.device.answers.clear()
    lab = await floor.start(data=data, connected=False)
    task = await lab.ended(task_id)
    assert task.outcome_unknown
    assert task.error is not None
    assert task.error.args["reason"] == "reason.settle_too_late"
    await lab.until(lambda: HoldCode.UNRESPONSIVE in lab.holds())
    floor.device.answers.set()
    await lab.held(HoldCode.OUTCOME_UNKNOWN)
    assert (await lab.find(task_id)).outcome_unknown
    await lab.engine.resolve(task_id, "completed", actor="ann")
    await lab.until(lambda: floor.device.starts[1:] == [f"{after}.1"])
    floor.device.ends()


async def test_id__of_the_device_that_was_not_written_any_more_is_unknown(
    start_lab: StartLab,
) -> None:
    """Never "the only run that there is"."""
    floor = Floor(start_lab)
    await floor.start()
    floor.driver.late_id = True
    floor.driver.hooks["id"] = lambda: floor.lab.clock.wait_outside(lambda: False, 0.2)
    task_id = await floor.lab.submit("one")
    await floor.lab.until(lambda: floor.device.starts)
    lab = await floor.killed()
    task = await lab.find(task_id)
    assert task.outcome_unknown
    assert lab.holds() == {HoldCode.OUTCOME_UNKNOWN}
    assert not any(line.startswith("settle") for line in floor.device.log)


async def test_id__that_cannot_be_kept_for_any_reason_begins_nothing(floor: Floor) -> None:
    """A driver that waits for its id for ever would have its task claimed, and never begun."""

    def names(mutations: Sequence[Mutation]) -> bool:
        saved = [one.task for one in mutations if isinstance(one, SaveTask)]
        return any(task.run is not None and task.state is TaskState.RUNNING for task in saved)

    floor.lab.disk.stale_at = names
    task_id = await floor.lab.submit("one")
    task = await floor.lab.ended(task_id)
    assert task.outcome_unknown
    assert floor.lab.holds() == {HoldCode.OUTCOME_UNKNOWN}
    assert floor.device.starts == []


async def test_id__of_the_device_that_was_written_settles_like_any_other(floor: Floor) -> None:
    floor.driver.late_id = True
    task_id = await floor.command()
    await floor.lab.until(lambda: floor.lab._in_memory(task_id).run)
    data = await floor.lab.kill()
    floor.device.ends("done", found=1)
    lab = await floor.start(data=data)
    assert (await lab.ended(task_id)).settled
