"""A person says how an unknown outcome ended; nothing that follows can happen twice."""

from __future__ import annotations

import asyncio

import pytest

from robotq.config import QueueConfig
from robotq.engine.queue.queue import TaskQueue
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import Task, TaskState
from robotq.store.port import SaveTask
from tests.engine.conftest import Lab, StartLab


async def lost(lab: Lab) -> Task:
    task = await lab.run("lost", uncertain="link_lost")
    assert task.outcome_unknown
    return task


@pytest.mark.parametrize("outcome", ["completed", "failed"])
async def test_resolve__writes_who_and_why_beside_the_end_and_lifts_the_hold(
    lab: Lab, outcome: str
) -> None:
    task = await lost(lab)
    resolved = await lab.engine.resolve(task.id, outcome, actor="ann", note="stands at the rack")
    assert resolved.resolution is not None
    assert (resolved.resolution.outcome, resolved.resolution.actor) == (outcome, "ann")
    assert resolved.resolution.note == "stands at the rack"
    assert (resolved.state, resolved.error) == (TaskState.FAILED, task.error)
    assert not resolved.outcome_unknown
    assert not lab.holds()
    (event,) = await lab.events("task.resolved")
    assert (event.actor, event.data["outcome"]) == ("ann", outcome)


async def test_retry__runs_the_same_command_as_a_new_task_before_all_others(lab: Lab) -> None:
    task = await lost(lab)
    waiting = await lab.submit("next")
    resolved = await lab.engine.resolve(task.id, "retry", actor="ann")
    assert resolved.resolution is not None
    again = resolved.resolution.retried_as
    assert again is not None
    assert (await lab.find(again)).retry_of == task.id
    await lab.ended(again)
    await lab.engine.resolve(again, "failed", actor="ann")
    await lab.ended(waiting)
    assert lab.driver.done == ["lost", "lost", "next"]


async def test_twice_at_once__is_done_once(lab: Lab) -> None:
    task = await lost(lab)
    answers = await asyncio.gather(
        *(lab.engine.resolve(task.id, "retry", actor=name) for name in "xyz"),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, RobotqError)]
    assert [error.code.name for error in refused] == ["wrong_state"] * 2
    assert lab.engine.reads.counts().total == 2


@pytest.mark.parametrize("outcome", ["done", "", "Completed"])
async def test_outcome__must_be_one_of_three(lab: Lab, outcome: str) -> None:
    task = await lost(lab)
    with pytest.raises(RobotqError, match="completed, failed or retry"):
        await lab.engine.resolve(task.id, outcome, actor="ann")
    assert lab.holds() == {HoldCode.OUTCOME_UNKNOWN}


async def test_known_end__has_nothing_to_resolve(lab: Lab) -> None:
    task = await lab.run("bad", fail="jam")
    with pytest.raises(RobotqError, match="is failed"):
        await lab.engine.resolve(task.id, "completed", actor="ann")
    with pytest.raises(RobotqError, match="No such task"):
        await lab.engine.resolve("task_0", "completed", actor="ann")


async def test_retry__needs_room_and_leaves_everything_as_it_was_without(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(queue=QueueConfig(max_length=1))
    task = await lost(lab)
    await lab.submit("next")
    with pytest.raises(RobotqError, match="full"):
        await lab.engine.resolve(task.id, "retry", actor="ann")
    assert (await lab.find(task.id)).outcome_unknown
    assert lab.holds() == {HoldCode.OUTCOME_UNKNOWN}


async def test_retry__at_a_robot_that_is_gone_is_refused(start_lab: StartLab) -> None:
    """It would wait in a queue that nobody works on."""
    lab = await start_lab("robot_a", "robot_b")
    task = await lab.run("bad", robot="robot_b", fail="jam", take_s=0)
    again = await start_lab("robot_a", data=await lab.kill())
    with pytest.raises(RobotqError, match="expected one of robot_a"):
        await again.engine.retry(task.id, actor="ann")


async def test_death__right_after_the_commit_has_done_it_once(start_lab: StartLab) -> None:
    """The client that got no answer asks again, of the next process."""
    lab = await start_lab()
    task = await lost(lab)
    lab.disk.dies_at = lambda mutations: any(
        isinstance(m, SaveTask) and m.task.resolution is not None for m in mutations
    )
    asking = asyncio.create_task(lab.engine.resolve(task.id, "retry", actor="ann"))
    await lab.until(lambda: lab.disk.dead)
    again = await start_lab(data=await lab.kill())
    with pytest.raises(RobotqError, match="is failed"):
        await again.engine.resolve(task.id, "retry", actor="ann")
    resolved = await again.find(task.id)
    assert resolved.resolution is not None
    assert resolved.resolution.retried_as is not None
    await again.ended(resolved.resolution.retried_as)
    assert again.driver.done == ["lost"]
    asking.cancel()


async def test_client_that_left__does_not_keep_the_hold(lab: Lab) -> None:
    """It is on disk that the hold is lifted: the robot must not stand still for ever."""
    task = await lost(lab)
    lab.disk.hang_all()
    asking = asyncio.create_task(lab.engine.resolve(task.id, "failed", actor="ann"))
    await lab.quiet()
    asking.cancel()
    lab.disk.go_on()
    await lab.held()
    assert not (await lab.find(task.id)).outcome_unknown


async def test_disk_full__nothing_is_resolved(lab: Lab) -> None:
    task = await lost(lab)
    lab.disk.full = "no space left"
    with pytest.raises(RobotqError, match="no space left"):
        await lab.engine.resolve(task.id, "retry", actor="ann")
    lab.disk.full = None
    await lab.held(HoldCode.OUTCOME_UNKNOWN)
    assert (await lab.find(task.id)).outcome_unknown
    assert isinstance(lab.engine.queue, TaskQueue)
    assert lab.engine.reads.unfinished == 0


async def test_long_ago__a_task_that_memory_has_forgotten_is_resolved_on_disk(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(queue=QueueConfig(finished_in_memory=20))
    task = await lost(lab)
    await lab.engine.resolve(task.id, "failed", actor="ann")
    for number in range(25):
        await lab.run(str(number))
    assert lab.engine.reads.known(task.id) is None
    found = await lab.find(task.id)
    assert found.resolution is not None
    again = await lab.engine.retry(task.id, actor="ann")
    assert (await lab.ended(again.id)).retry_of == task.id
