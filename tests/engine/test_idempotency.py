"""A submit that is repeated with its key gets the first answer again, whatever happened to it."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from robotq.config import QueueConfig
from robotq.engine.intake.idempotency import KeyedRequest
from robotq.engine.queue.queue import Accepted
from robotq.engine.timings import Timings
from robotq.model.errors import RobotqError
from robotq.store.port import SaveAnswer

from .conftest import Lab, StartLab


def keyed(key: str = "k1", fingerprint: str = "f1", scope: str = "robot:ann") -> KeyedRequest:
    return KeyedRequest(scope=scope, key=key, fingerprint=fingerprint)


async def submit(lab: Lab, request: KeyedRequest, *cmd_ids: str) -> Accepted:
    orders = [lab.order(cmd_id) for cmd_id in cmd_ids or ("first",)]
    return await lab.accept(orders, batch=len(orders) > 1, keyed=request)


async def test_repeated__gets_the_first_answer_and_runs_once(lab: Lab) -> None:
    first = await submit(lab, keyed())
    again = await submit(lab, keyed())
    assert list(again.task_ids) == list(first.task_ids)
    assert again.queue_size == first.queue_size
    assert (first.repeated, again.repeated) == (False, True)
    await lab.ended(first.task_ids[0])
    assert list((await submit(lab, keyed())).task_ids) == list(first.task_ids)
    assert lab.driver.done == ["first"]


async def test_batch__is_repeated_as_a_whole(lab: Lab) -> None:
    first = await submit(lab, keyed(), "b1", "b2")
    again = await submit(lab, keyed(), "b1", "b2")
    assert list(again.task_ids) == list(first.task_ids)
    assert again.batch_id == first.batch_id


async def test_command_of_the_fleet__that_comes_by_two_ways_is_one(lab: Lab) -> None:
    """Out of the inbox, and from who repeats its key here: its id was given before."""
    orders = [replace(lab.order("first"), task_id="task_20261130_090000_abcdefghij")]
    first = await lab.accept(orders, keyed=keyed())
    again = await lab.accept(orders, keyed=keyed())
    assert (again.task_ids, again.repeated) == (first.task_ids, True)
    await lab.ended(first.task_ids[0])
    assert lab.driver.done == ["first"]


async def test_at_the_same_time__is_accepted_once(lab: Lab) -> None:
    answers = await asyncio.gather(*(submit(lab, keyed()) for _ in range(20)))
    assert len({tuple(answer.task_ids) for answer in answers}) == 1
    assert sorted(answer.repeated for answer in answers) == [False, *[True] * 19]
    assert lab.engine.reads.counts().total == 1


async def test_write__that_the_disk_does_not_answer_is_not_told_as_accepted(
    start_lab: StartLab,
) -> None:
    """It is on disk, and is undone there when the disk answers again."""
    lab = await start_lab(timings=Timings(disk_s=0.02))
    lab.disk.hang_all()
    with pytest.raises(RobotqError, match="does not answer"):
        await submit(lab, keyed())
    assert await lab.disk.data.answer("robot:ann", "k1") is not None
    lab.disk.go_on()
    await lab.held()
    await lab.quiet()
    assert not lab.driver.done


async def test_other_content__is_a_conflict(lab: Lab) -> None:
    await submit(lab, keyed())
    with pytest.raises(RobotqError) as refused:
        await submit(lab, keyed(fingerprint="f2"))
    assert refused.value.code.name == "idempotency_conflict"


async def test_other_client__may_use_the_same_key(lab: Lab) -> None:
    first = await submit(lab, keyed())
    other = await submit(lab, keyed(scope="robot:bob"))
    assert list(first.task_ids) != list(other.task_ids)


async def test_refused__leaves_the_key_free(start_lab: StartLab) -> None:
    lab = await start_lab(queue=QueueConfig(max_length=1))
    blocking = await lab.at_gate("first")
    with pytest.raises(RobotqError, match="full"):
        await submit(lab, keyed())
    lab.driver.gate.set()
    await lab.ended(blocking)
    assert not (await submit(lab, keyed())).repeated


async def test_restart__remembers_the_key(start_lab: StartLab) -> None:
    lab = await start_lab()
    first = await submit(lab, keyed())
    await lab.ended(first.task_ids[0])
    again = await start_lab(data=await lab.kill())
    assert list((await submit(again, keyed())).task_ids) == list(first.task_ids)
    assert again.driver.done == []


async def test_death__before_the_answer_left_is_no_second_task(start_lab: StartLab) -> None:
    lab = await start_lab()
    lab.disk.dies_at = lambda mutations: any(isinstance(m, SaveAnswer) for m in mutations)
    asking = asyncio.create_task(submit(lab, keyed()))
    await lab.until(lambda: lab.disk.dead)
    again = await start_lab(data=await lab.kill())
    answer = await submit(again, keyed())
    assert answer.repeated
    await again.ended(answer.task_ids[0])
    assert again.driver.done == ["first"]
    asking.cancel()


async def test_client_that_left__has_its_task_run_and_gets_its_answer_when_it_comes_back(
    lab: Lab,
) -> None:
    lab.disk.hang_all()
    asking = asyncio.create_task(submit(lab, keyed()))
    await lab.quiet()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    lab.disk.go_on()
    answer = await submit(lab, keyed())
    assert answer.repeated
    await lab.ended(answer.task_ids[0])
    assert lab.driver.done == ["first"]


async def test_unreadable_disk__is_told_to_who_comes_again_and_nothing_is_accepted_twice(
    lab: Lab,
) -> None:
    first = await submit(lab, keyed())
    lab.disk.unreadable = True
    with pytest.raises(RobotqError, match="input/output error"):
        await submit(lab, keyed())
    assert lab.engine.reads.counts().total == 1
    lab.disk.unreadable = False
    assert list((await submit(lab, keyed())).task_ids) == list(first.task_ids)


async def test_repeated__is_answered_also_where_nothing_more_is_taken(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(queue=QueueConfig(max_length=1))
    lab.driver.gate.clear()
    first = await submit(lab, keyed())
    with pytest.raises(RobotqError, match="full"):
        await submit(lab, keyed("k2"))
    again = await submit(lab, keyed())
    assert (list(again.task_ids), again.repeated) == (list(first.task_ids), True)
    with pytest.raises(RobotqError) as refused:
        await submit(lab, keyed(fingerprint="f2"))
    assert refused.value.code.name == "idempotency_conflict"
    lab.engine.queue.close()
    assert (await submit(lab, keyed())).repeated


async def test_repeated__among_others_keeps_none_of_them_from_the_disk(lab: Lab) -> None:
    first = await submit(lab, keyed("k0"))
    answers = await asyncio.gather(*(submit(lab, keyed(f"k{n % 7}")) for n in range(21)))
    assert [answer.repeated for answer in answers].count(False) == 6
    assert list(answers[0].task_ids) == list(first.task_ids)
    assert len({answer.task_ids[0] for answer in answers}) == 7
    assert lab.engine.reads.counts().total == 7
