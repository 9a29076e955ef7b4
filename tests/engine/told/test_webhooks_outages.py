"""Webhooks over restarts and outages; and nothing waits for a receiver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from robotq.config import QueueConfig
from robotq.engine.webhooks import service as webhooks
from robotq.model.crashpoints import CrashPoint, at_crash_points
from robotq.model.delivery import DeliveryState
from robotq.model.errors import RobotqError
from robotq.model.task import TaskState
from tests.engine.conftest import StartLab
from tests.engine.disk import writes
from tests.engine.webhooks import LOOPBACK, NOBODY, called_back, sending, told
from tests.receiver import Receiver, running_receiver, status


@pytest.fixture
def no_crash_points_left() -> Iterator[None]:
    yield
    at_crash_points(None)


async def test_restart__goes_on_where_it_was(start_lab: StartLab, receiver: Receiver) -> None:
    receiver.usual = status(503)
    config = sending(receiver.url(), retry_s=30)
    lab = await start_lab(webhooks=config)
    task = await lab.run("c")
    await receiver.got()
    await lab.until(lambda: lab.engine.webhooks._pending[f"{task.id}-site"].problem)
    await lab.end()
    receiver.usual = status(200)
    lab = await start_lab(data=lab.disk.data, webhooks=replace(config, retry_s=0.01))
    assert [request.attempt for request in await receiver.got(2)] == [1, 2]
    assert (await told(lab, task)).attempts == 2


@pytest.mark.usefixtures("no_crash_points_left")
async def test_daemon_dies_before_it_is_sent__the_next_one_sends_it(
    start_lab: StartLab, receiver: Receiver
) -> None:
    lab = await start_lab(webhooks=sending(receiver.url()))
    lab.disk.dies_at = writes(TaskState.COMPLETED)
    task_id = await lab.submit("c")
    await lab.until(lambda: lab.disk.dead)
    lab = await start_lab(data=await lab.kill(), webhooks=sending(receiver.url()))
    (request,) = await receiver.got()
    assert request.body["task_id"] == task_id
    await told(lab, await lab.find(task_id))
    assert len(receiver.requests) == 1


@pytest.mark.usefixtures("no_crash_points_left")
async def test_daemon_dies_before_the_acknowledgement_is_noted__it_is_sent_twice(
    start_lab: StartLab, receiver: Receiver
) -> None:
    lab = await start_lab(webhooks=sending(receiver.url()))

    def die(point: CrashPoint) -> None:
        lab.disk.dead |= point is CrashPoint.WEBHOOK_SENT

    at_crash_points(die)
    task = await lab.run("c")
    await lab.until(lambda: lab.disk.dead)
    at_crash_points(None)
    lab = await start_lab(data=await lab.kill(), webhooks=sending(receiver.url()))
    first, second = await receiver.got(2)
    assert first.body == second.body
    assert (await told(lab, task)).attempts == 1


@pytest.mark.usefixtures("no_crash_points_left")
async def test_disk_full_when_it_is_acknowledged__is_noted_later_and_not_sent_twice(
    start_lab: StartLab, receiver: Receiver
) -> None:
    lab = await start_lab(webhooks=sending(receiver.url()))

    def fill(point: CrashPoint) -> None:
        if point is CrashPoint.WEBHOOK_SENT:
            lab.disk.full = "no space left on device"

    at_crash_points(fill)
    task = await lab.run("c")
    await lab.until(lambda: not lab.engine.store_available)
    at_crash_points(None)
    lab.disk.full = None
    await told(lab, task)
    assert len(receiver.requests) == 1


async def test_task_that_cannot_be_read__is_sent_when_it_can(
    start_lab: StartLab, receiver: Receiver
) -> None:
    receiver.answers.append(status(503))
    lab = await start_lab(webhooks=sending(allowed_hosts=LOOPBACK, retry_s=30))
    task = await called_back(lab, receiver.url())
    await lab.until(lambda: lab.engine.webhooks._pending[f"{task.id}-caller"].problem)
    others = QueueConfig(finished_in_memory=20)
    for number in range(others.finished_in_memory):
        await lab.run(str(number))
    await lab.end()
    lab = await start_lab(
        data=lab.disk.data,
        queue=others,
        webhooks=sending(allowed_hosts=LOOPBACK),
        unreadable=True,
    )
    assert lab.engine.reads.known(task.id) is None, "it ended too long ago"
    await lab.until(lambda: lab.disk.unread >= 3)
    assert [request.attempt for request in receiver.requests] == [1]
    lab.disk.unreadable = False
    assert [request.attempt for request in await receiver.got(2)] == [1, 2]
    assert (await told(lab, task)).attempts == 2


async def test_task_removed_by_retention__is_given_up(start_lab: StartLab) -> None:
    lab = await start_lab(webhooks=sending(NOBODY, retry_s=30))
    task = await lab.run("c")
    await lab.until(lambda: lab.engine.webhooks._pending[f"{task.id}-site"].problem)
    data = lab.disk.data
    await lab.end()
    await data.open(finished=10)
    future_ms = (task.ended_at_ms or 0) + 1
    assert await data.prune(
        tasks_before_ms=future_ms, events_before_ms=0, answers_before_ms=0, limit=10
    )
    lab = await start_lab(data=data, webhooks=sending(NOBODY))
    given_up = await told(lab, task, DeliveryState.UNDELIVERED)
    assert given_up.problem is not None
    assert (given_up.problem.code, given_up.attempts) == ("webhook.task_gone", 1)


async def test_hanging_receiver__holds_up_neither_robots_nor_others(
    start_lab: StartLab, receiver: Receiver
) -> None:
    async with running_receiver() as dead:
        dead.usual = dead.never
        config = sending(dead.url(), timeout_s=30, allowed_hosts=LOOPBACK)
        lab = await start_lab(webhooks=config)
        ids = [await lab.submit(str(number)) for number in range(30)]
        for task_id in ids:
            await lab.ended(task_id)
        await called_back(lab, receiver.url())
        await lab.until(lambda: lab.engine.webhooks.statistics().delivered == 1)
        assert len(await dead.got(4)) == 4, "few at once for one receiver"
        assert lab.engine.webhooks.statistics().pending == 31


async def test_too_many_waiting__the_next_is_given_up_and_the_robot_goes_on(
    start_lab: StartLab, receiver: Receiver
) -> None:
    receiver.usual = receiver.never
    lab = await start_lab(webhooks=sending(receiver.url(), timeout_s=30, max_pending=2))
    tasks = [await lab.run(str(number)) for number in range(3)]
    given_up = await told(lab, tasks[2], DeliveryState.UNDELIVERED)
    assert given_up.problem is not None
    assert (given_up.problem.code, given_up.attempts) == ("webhook.too_many", 0)
    assert [event.kind for event in await lab.events("webhook.")] == ["webhook.undelivered"]
    with pytest.raises(RobotqError, match="Too many webhooks"):
        await lab.engine.webhooks.resend(given_up.id, actor="ann")
    assert lab.engine.webhooks.statistics().pending == 2


async def test_older_ones__are_shown_from_the_disk(
    start_lab: StartLab, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "_REMEMBERED", 1)
    lab = await start_lab(webhooks=sending(receiver.url()))
    old, new = await lab.run("old"), await lab.run("new")
    assert (await told(lab, old)).task_id == old.id
    assert (await told(lab, new)).task_id == new.id
