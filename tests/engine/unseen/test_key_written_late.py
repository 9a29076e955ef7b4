"""A keyed submit that the disk took too late was told as refused. Whoever comes again with its key
gets a task that runs, once, and never an answer that speaks of one that was called off."""

from __future__ import annotations

import pytest

from robotq.engine.intake.idempotency import KeyedRequest
from robotq.engine.timings import Timings
from robotq.model.errors import RobotqError
from robotq.model.task import Task, TaskState
from robotq.store.port import TaskQuery
from tests.engine.conftest import Lab, StartLab

KEY = KeyedRequest(scope="robot:ann", key="k1", fingerprint="f1")
OTHER = KeyedRequest(scope="robot:ann", key="k1", fingerprint="f2")


async def _late(start_lab: StartLab, *cmd_ids: str) -> Lab:
    """The commands are on disk; who submitted them reads that they are refused."""
    lab = await start_lab(timings=Timings(disk_s=0.02))
    lab.disk.hang_all()
    orders = [lab.order(cmd_id) for cmd_id in cmd_ids]
    with pytest.raises(RobotqError, match="does not answer"):
        await lab.accept(orders, batch=len(orders) > 1, keyed=KEY)
    assert await lab.disk.data.answer(KEY.scope, KEY.key) is not None
    return lab


async def _works_again(lab: Lab) -> list[Task]:
    lab.disk.go_on()
    await lab.held()
    await lab.until(lambda: lab.engine.store_available)
    return [*await lab.disk.data.list(TaskQuery(limit=100))]


async def test_same_key__is_accepted_anew_and_runs_once(start_lab: StartLab) -> None:
    lab = await _late(start_lab, "first")
    (called_off,) = await _works_again(lab)
    assert called_off.state is TaskState.CANCELLED
    again = await lab.accept([lab.order("first")], keyed=KEY)
    assert not again.repeated
    assert again.task_ids[0] != called_off.id
    assert (await lab.ended(again.task_ids[0])).state is TaskState.COMPLETED
    # from here on it is a key as any other
    assert (await lab.accept([lab.order("first")], keyed=KEY)).task_ids == again.task_ids
    with pytest.raises(RobotqError) as refused:
        await lab.accept([lab.order("other")], keyed=OTHER)
    assert refused.value.code.name == "idempotency_conflict"
    assert lab.driver.done == ["first"]


async def test_same_key__while_the_disk_is_away_is_never_told_as_accepted(
    start_lab: StartLab,
) -> None:
    """It is on disk, and will be called off: who read its answer would wait for it in vain."""
    lab = await _late(start_lab, "first")
    for _ in range(3):
        with pytest.raises(RobotqError) as refused:
            await lab.accept([lab.order("first")], keyed=KEY)
        assert refused.value.code.name == "store_unavailable"
        await lab.quiet()
    await _works_again(lab)
    again = await lab.accept([lab.order("first")], keyed=KEY)
    await lab.ended(again.task_ids[0])
    assert lab.driver.done == ["first"]


async def test_other_command__gets_the_key_of_what_was_never_accepted(start_lab: StartLab) -> None:
    lab = await _late(start_lab, "b1", "b2")
    assert {task.state for task in await _works_again(lab)} == {TaskState.CANCELLED}
    other = await lab.accept([lab.order("other")], keyed=OTHER)
    await lab.ended(other.task_ids[0])
    assert lab.driver.done == ["other"]


async def test_restart__frees_the_key_too(start_lab: StartLab) -> None:
    lab = await _late(start_lab, "first")
    await _works_again(lab)
    after = await start_lab(data=await lab.kill())
    again = await after.accept([after.order("first")], keyed=KEY)
    await after.ended(again.task_ids[0])
    assert after.driver.done == ["first"]


async def test_called_off__and_run_again_by_a_person_keeps_its_key(start_lab: StartLab) -> None:
    """Else there were two motions for one key."""
    lab = await _late(start_lab, "first")
    (called_off,) = await _works_again(lab)
    await lab.ended((await lab.engine.retry(called_off.id, actor="ann")).id)
    again = await lab.accept([lab.order("first")], keyed=KEY)
    assert (again.repeated, list(again.task_ids)) == (True, [called_off.id])
    assert lab.driver.done == ["first"]


async def test_retry__that_came_late_can_be_asked_for_again(start_lab: StartLab) -> None:
    """With its key or without: nobody had been told that it was accepted."""
    lab = await start_lab(timings=Timings(disk_s=0.02))
    failed = await lab.run("first", fail=True)
    for keyed in (KEY, None):
        lab.disk.hang_all()
        with pytest.raises(RobotqError, match="does not answer"):
            await lab.engine.retry_once(failed.id, actor="ann", keyed=keyed)
        await _works_again(lab)
    await lab.engine.resume("robot_a", actor="ann")
    new = await lab.engine.retry_once(failed.id, actor="ann", keyed=KEY)
    assert not new.repeated
    await lab.ended(new.task_ids[0])
    with pytest.raises(RobotqError) as refused:
        await lab.engine.retry_once(failed.id, actor="ann")
    assert refused.value.code.name == "already_retried"
