"""People confirm what they have seen, and nothing newer."""

from __future__ import annotations

import asyncio

import pytest

from robotq.engine.holds.confirming import Confirmation
from robotq.engine.intake.idempotency import KeyedRequest
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from tests.engine.conftest import Lab


async def test_reset__of_an_older_stop_does_not_lift_the_newer_one(lab: Lab) -> None:
    await lab.engine.estop.trigger(actor="ann", reason="bottle fell")
    older = [hold.id for hold in lab.engine.holds.all() if hold.code is HoldCode.ESTOP]
    await lab.engine.estop.trigger(actor="ben", reason="a person in the cell")
    with pytest.raises(RobotqError) as refused:
        await lab.engine.estop.reset(actor="ann", confirmation=Confirmation(older))
    assert refused.value.code.name == "not_what_was_meant"
    assert lab.engine.estop.latched
    newer = [hold.id for hold in lab.engine.holds.all() if hold.code is HoldCode.ESTOP]
    await lab.engine.estop.reset(actor="ann", confirmation=Confirmation(newer))
    assert not lab.engine.estop.latched


async def test_resume__that_names_nothing_does_not_lift_what_is_seconds_old(lab: Lab) -> None:
    await lab.engine.pause("robot_a", actor="ann", reason="hands in the cell")
    with pytest.raises(RobotqError) as refused:
        await lab.engine.resume("robot_a", actor="ben", confirmation=Confirmation(None))
    assert refused.value.code.name == "not_named"
    (hold,) = lab.engine.holds.of("robot_a")
    await lab.engine.resume("robot_a", actor="ben", confirmation=Confirmation([hold.id]))
    assert not lab.engine.holds.held("robot_a")


async def test_resume__of_an_older_pause_does_not_lift_one_that_was_set_again(lab: Lab) -> None:
    await lab.engine.pause("robot_a", actor="ann")
    (older,) = lab.engine.holds.of("robot_a")
    await lab.engine.pause("robot_a", actor="ben", reason="hands in the cell")
    with pytest.raises(RobotqError):
        await lab.engine.resume(None, actor="ann", confirmation=Confirmation([older.id]))
    assert lab.engine.holds.held("robot_a")


async def test_resolve__starts_nothing_where_the_queue_is_to_stay_paused(lab: Lab) -> None:
    lost = await lab.submit("lost", lose_link="cable")
    await lab.ended(lost)
    lab.driver.reachable = True
    await lab.until(lambda: lab.holds() == {HoldCode.OUTCOME_UNKNOWN})
    waiting = await lab.submit("next")
    await lab.engine.resolve(lost, "completed", actor="ann", note="it was done", stay_paused=True)
    assert lab.engine.holds.has("robot_a", HoldCode.PAUSED)
    assert (await lab.find(waiting)).state is TaskState.PENDING
    await lab.engine.resume(None, actor="ann")
    assert (await lab.ended(waiting)).state is TaskState.COMPLETED


async def test_retry__twice_moves_the_robot_once(lab: Lab) -> None:
    failed = await lab.run("bad", fail="jam")
    again = await lab.engine.retry(failed.id, actor="ann")
    with pytest.raises(RobotqError) as refused:
        await lab.engine.retry(failed.id, actor="ann")
    assert refused.value.code.name == "already_retried"
    assert refused.value.args_["retried_as"] == again.id
    await lab.ended(again.id)
    assert lab.driver.done == ["bad", "bad"]


async def test_retry__with_one_key_gets_the_same_answer_again(lab: Lab) -> None:
    failed = await lab.run("bad", fail="jam")
    keyed = KeyedRequest(scope="robot:ann", key="k", fingerprint="f")
    answers = await asyncio.gather(
        *(lab.engine.retry_once(failed.id, actor="ann", keyed=keyed) for _ in range(3))
    )
    assert len({answer.task_ids for answer in answers}) == 1
    assert sorted(answer.repeated for answer in answers) == [False, True, True]
    # also after the new one has ended
    await lab.ended(answers[0].task_ids[0])
    later = await lab.engine.retry_once(failed.id, actor="ann", keyed=keyed)
    assert later.task_ids == answers[0].task_ids
    assert lab.driver.done == ["bad", "bad"]


async def test_retry__keeps_the_order_in_which_it_was_asked_for(lab: Lab) -> None:
    ended = [await lab.run(name, fail="jam") for name in ("b2", "b3", "b4")]
    await lab.engine.pause(None, actor="ann")
    other = await lab.submit("other", priority=5)
    for task in ended:
        await lab.engine.retry(task.id, actor="ann")
    await lab.engine.resume(None, actor="ann")
    await lab.ended(other)
    assert lab.driver.done[3:] == ["b2", "b3", "b4", "other"]


async def test_retry_batch__goes_on_from_the_failed_command(lab: Lab) -> None:
    orders = [lab.order("b1"), lab.order("b2", fail="jam"), lab.order("b3"), lab.order("b4")]
    accepted = await lab.accept(orders, batch=True)
    for task_id in accepted.task_ids:
        await lab.ended(task_id)
    await lab.engine.pause(None, actor="ann")
    other = await lab.submit("other")
    assert accepted.batch_id is not None
    again = await lab.engine.retry_batch(accepted.batch_id, actor="ann")
    tasks = [await lab.find(task_id) for task_id in again.task_ids]
    assert [task.retry_of for task in tasks] == list(accepted.task_ids[1:])
    assert all(task.contiguous for task in tasks)
    waiting = [task.id for task in lab.engine.reads.robot_queue("robot_a")]
    assert waiting == [*again.task_ids, other]
    with pytest.raises(RobotqError) as refused:
        await lab.engine.retry_batch(accepted.batch_id, actor="ann")
    assert refused.value.code.name == "already_retried"
