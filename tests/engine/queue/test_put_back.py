"""A cancel that is taken back: the same commands as new tasks, where they stood in line."""

from __future__ import annotations

import pytest

from robotq.catalog import Catalog, CommandSpec
from robotq.engine.waiting.cancel_many import Selection
from robotq.model.errors import RobotqError
from tests.engine.bench import CATALOG
from tests.engine.conftest import Lab, StartLab

APPROVED = Catalog([*CATALOG, CommandSpec(cmd_type="POUR", approval=True)])


def line(lab: Lab) -> list[str | None]:
    """What waits for robot_a, next first, by the names that people gave."""
    return [task.command.cmd_id for task in lab.engine.reads.robot_queue("robot_a")]


async def cancel(lab: Lab, *task_ids: str) -> tuple[str, ...]:
    selection = Selection(task_ids=frozenset(task_ids))
    found = lab.engine.queue.find_many(selection)
    done = await lab.engine.queue.cancel_many(
        selection, count=found.count, up_to=found.up_to, actor="ann"
    )
    return tuple(done.task_ids)


async def test_put_back__stand_where_they_stood_and_name_what_they_repeat(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    ids = [await lab.submit(name) for name in ("a", "b", "c", "d", "e")]
    called_off = await cancel(lab, ids[1], ids[3])
    assert set(called_off) == {ids[1], ids[3]}
    later = await lab.submit("later")
    new = await lab.engine.put_back(called_off, actor="bob")
    assert line(lab) == ["a", "b", "c", "d", "e", "later"]
    tasks = [await lab.find(one) for one in new]
    assert [task.retry_of for task in tasks] == [ids[1], ids[3]]
    assert {task.actor for task in tasks} == {"bob"}
    assert (await lab.find(ids[1])).retried_as == new[0]
    await lab.engine.resume(None, actor="ann")
    await lab.ended(later)
    assert lab.driver.done == ["a", "b", "c", "d", "e", "later"]


async def test_put_back__twice_puts_back_once_and_what_has_begun_stays_as_it_is(lab: Lab) -> None:
    running = await lab.at_gate("runs")
    waits = await lab.submit("waits")
    await lab.engine.pause(None, actor="ann")
    done = await cancel(lab, waits)
    first = await lab.engine.put_back(done, actor="ann")
    assert await lab.engine.put_back([*done, running, "task_of_nobody"], actor="ann") == []
    assert line(lab) == ["waits"]
    assert len(first) == 1


async def test_put_back__waits_for_its_time_and_for_its_approval_again(start_lab: StartLab) -> None:
    lab = await start_lab(catalog=APPROVED)
    accepted = await lab.accept([lab.order("pour", "POUR")], agent=True)
    (pour,) = accepted.task_ids
    (new,) = await lab.engine.put_back(await cancel(lab, pour), actor="ann")
    task = await lab.find(new)
    assert task.awaits_approval, "whoever takes a cancel back has approved nothing"
    assert lab.driver.done == []


async def test_put_back__of_a_batch_go_on_in_their_order(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    batch = await lab.batch("one", "two", "three")
    behind = await lab.submit("behind")
    called_off = await cancel(lab, *batch[1:])
    new = await lab.engine.put_back(called_off, actor="ann")
    assert line(lab) == ["one", "two", "three", "behind"]
    assert {(await lab.find(one)).batch_id for one in new} == {(await lab.find(batch[0])).batch_id}
    await lab.engine.resume(None, actor="ann")
    await lab.ended(behind)
    assert lab.driver.done == ["one", "two", "three", "behind"]


async def test_put_back__that_cannot_stand_in_its_batch_is_refused_whole(lab: Lab) -> None:
    """What is run again of a batch shares one place: a new one would come behind the others."""
    failed = await lab.batch("one", "two", "three", fail="no")
    for one in failed:
        await lab.ended(one)
    await lab.engine.pause(None, actor="ann")
    batch_id = (await lab.find(failed[0])).batch_id
    assert batch_id is not None
    again = (await lab.engine.retry_batch(batch_id, actor="ann")).task_ids
    alone = await lab.submit("alone")
    called_off = await cancel(lab, again[0], alone)
    before = line(lab)
    with pytest.raises(RobotqError, match="of its batch would come before it"):
        await lab.engine.put_back(called_off, actor="ann")
    assert line(lab) == before
