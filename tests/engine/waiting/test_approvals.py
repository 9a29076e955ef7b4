"""Commands that an agent submits wait until a person agrees; nobody else waits for that."""

from __future__ import annotations

import asyncio

import pytest

from robotq.catalog import Catalog, CommandSpec
from robotq.model.errors import RobotqError
from robotq.model.hold import WaitCode
from robotq.model.task import TaskState
from tests.engine.bench import CATALOG
from tests.engine.conftest import Lab, StartLab

APPROVED = Catalog([*CATALOG, CommandSpec(cmd_type="POUR", approval=True)])


@pytest.fixture
async def lab(start_lab: StartLab) -> Lab:
    return await start_lab(catalog=APPROVED)


async def by_agent(lab: Lab, cmd_id: str, cmd_type: str = "POUR") -> str:
    accepted = await lab.accept([lab.order(cmd_id, cmd_type)], agent=True)
    return accepted.task_ids[0]


async def test_task_of_an_agent__waits_and_is_passed_over(lab: Lab) -> None:
    pour = await by_agent(lab, "pour")
    await lab.run("of a person", "POUR")
    await lab.ended(await by_agent(lab, "harmless", "WORK"))
    assert lab.driver.done == ["of a person", "harmless"]
    (wait,) = lab.engine.queue.waits(await lab.find(pour))
    assert wait.code is WaitCode.APPROVAL
    assert not lab.holds(), "the queue goes on"


async def test_approve__lets_it_run_once(lab: Lab) -> None:
    pour = await by_agent(lab, "pour")
    approved = await lab.engine.queue.approve(pour, actor="ann", note="looked at it")
    assert not approved.awaits_approval
    assert (await lab.ended(pour)).state is TaskState.COMPLETED
    assert lab.driver.done == ["pour"]
    (event,) = await lab.events("task.approved")
    assert (event.actor, event.data["note"]) == ("ann", "looked at it")
    with pytest.raises(RobotqError, match="is completed, so it cannot approve"):
        await lab.engine.queue.approve(pour, actor="ann")


async def test_approve__keeps_its_place_in_line(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    first = await by_agent(lab, "first")
    last = await lab.submit("last")
    await lab.engine.queue.approve(first, actor="ann")
    await lab.engine.resume(None, actor="ann")
    await lab.ended(last)
    assert lab.driver.done == ["first", "last"]


async def test_reject__ends_it_and_says_why(lab: Lab) -> None:
    pour = await by_agent(lab, "pour")
    rejected = await lab.engine.queue.reject(pour, actor="ann", reason="wrong bottle")
    assert rejected.state is TaskState.CANCELLED
    assert rejected.error is not None
    assert (rejected.error.code, rejected.error.args["reason"]) == ("rejected", "wrong bottle")
    assert await lab.ended(pour) == rejected
    await lab.run("next")
    assert lab.driver.done == ["next"]


async def test_decisions__are_for_tasks_that_wait_for_one(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    waiting = await lab.submit("of a person", "POUR")
    for decide in (lab.engine.queue.approve, lab.engine.queue.reject):
        with pytest.raises(RobotqError, match="is pending, so it cannot"):
            await decide(waiting, actor="ann")
        with pytest.raises(RobotqError, match="No such task"):
            await decide("task_of_nobody", actor="ann")


async def test_two_people__only_one_decides(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    pour = await by_agent(lab, "pour")
    queue = lab.engine.queue
    done = await asyncio.gather(
        queue.approve(pour, actor="ann"),
        queue.reject(pour, actor="bob"),
        queue.approve(pour, actor="cy"),
        return_exceptions=True,
    )
    assert sum(isinstance(one, RobotqError) for one in done) == 2
    assert not (await lab.find(pour)).awaits_approval


async def test_contiguous_batch__waits_and_is_decided_about_as_one(lab: Lab) -> None:
    orders = [lab.order("1"), lab.order("2", "POUR"), lab.order("3")]
    ids = (await lab.accept(orders, batch=True, agent=True)).task_ids
    await lab.run("other")
    assert lab.driver.done == ["other"], "no robot stands in the middle of a batch"
    await lab.engine.queue.approve(ids[2], actor="ann")
    for task_id in ids:
        assert (await lab.ended(task_id)).state is TaskState.COMPLETED
    assert lab.driver.done == ["other", "1", "2", "3"]
    rejected = (await lab.accept(orders, batch=True, agent=True)).task_ids
    await lab.engine.queue.reject(rejected[0], actor="ann")
    codes = [task.error and task.error.code for task in [await lab.ended(i) for i in rejected]]
    assert codes == ["rejected", "batch_failed", "batch_failed"]


async def test_loose_batch__only_what_needs_it_waits(lab: Lab) -> None:
    orders = [lab.order("1"), lab.order("2", "POUR"), lab.order("3")]
    ids = (await lab.accept(orders, batch=True, contiguous=False, agent=True)).task_ids
    await lab.ended(ids[2])
    assert lab.driver.done == ["1", "3"]


async def test_retry_by_an_agent__waits_too(lab: Lab) -> None:
    done = await lab.run("pour", "POUR")
    again = await lab.engine.retry(done.id, actor="agent", agent=True)
    assert again.awaits_approval
    await lab.engine.queue.reject(again.id, actor="ann")
    by_person = await lab.engine.retry(again.id, actor="ann")
    assert not by_person.awaits_approval
    await lab.ended(by_person.id)


async def test_restart__goes_on_waiting(lab: Lab, start_lab: StartLab) -> None:
    pour = await by_agent(lab, "pour")
    after = await start_lab(data=await lab.kill(), catalog=APPROVED)
    await after.run("next")
    assert after.driver.done == ["next"]
    await after.engine.queue.approve(pour, actor="ann")
    assert (await after.ended(pour)).state is TaskState.COMPLETED


async def test_cancel__needs_no_approval(lab: Lab) -> None:
    pour = await by_agent(lab, "pour")
    cancelled = await lab.engine.queue.cancel(pour, actor="agent")
    assert cancelled.error is not None
    assert cancelled.error.code == "cancelled"
