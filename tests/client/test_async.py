"""A program with an event loop drives a lab with `robotq.AsyncClient`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from robotq.client import AsyncClient, NotFinished, Refused, Task, TaskFailed, Unreachable
from robotq.testing.daemon import Daemon

from .conftest import BY_HAND, GO_AWAY, GO_HOME, PICK_UP_NOTHING
from .proxy import Fault, Proxy


@pytest.fixture
async def client(robotq_daemon: Daemon) -> AsyncIterator[AsyncClient]:
    async with robotq_daemon.async_client() as client:
        yield client


@pytest.fixture
async def far(network: Proxy) -> AsyncIterator[AsyncClient]:
    """A client behind the network; each of its requests has a connection of its own there."""
    headers = {"Connection": "close"}
    async with AsyncClient(network.url, retry_s=5, language="en", headers=headers) as client:
        yield client


async def test_lab_day__from_submit_to_end(client: AsyncClient) -> None:
    seen: list[Task] = []
    scan = client.run("SCAN_QRCODE", {"run_times": "continue"}, progress=seen.append)
    home = client.run(GO_HOME, robot_id="robot_b", timeout_s=10)
    scanned, _ = await asyncio.gather(scan, home)
    assert seen[-1] == scanned
    with pytest.raises(TaskFailed, match="device_error"):
        await client.run(PICK_UP_NOTHING)
    batch = await client.submit_batch([GO_AWAY, GO_HOME])
    assert [task.state for task in await client.wait_all(batch.task_ids)] == ["completed"] * 2
    found = [line.task_id async for line in client.all_tasks(state="completed")]
    assert len(found) == 4
    assert (await client.immediate("GET_BATTERY_STATE"))["simulated"]
    with pytest.raises(Refused, match="unknown_command"):
        await client.submit("NAVIGATE")


async def test_person__pauses_answers_cancels_and_stops(client: AsyncClient) -> None:
    (hold,) = await client.pause("robot_a", "cleaning")
    accepted = await client.submit(BY_HAND)
    with pytest.raises(NotFinished):
        await client.wait(accepted.task_id, timeout_s=0.05)
    assert (await client.task(accepted.task_id)).holds == (hold,)
    assert await client.resume("robot_a") == ()
    async with aclosing(client.events(last_event_id=0, kind="task.question")) as events:
        async for event in events:
            assert event.task_id == accepted.task_id
            break
    await client.answer_task(accepted.task_id, {"done": True})
    assert (await client.wait(accepted.task_id)).completed
    other = await client.submit(BY_HAND)
    assert (await client.cancel(other.task_id)).cancelled
    assert (await client.estop()).latched
    assert not (await client.reset_estop()).latched


@pytest.mark.parametrize("fault", Fault)
async def test_submit__counts_once_whatever_the_network_does(
    fault: Fault, network: Proxy, far: AsyncClient, robotq_daemon: Daemon
) -> None:
    network.faults.extend([fault] * 2)
    task = await far.run(GO_AWAY)
    assert task.completed
    assert (await far.queue_status()).total_tasks == 1
    motions = await asyncio.to_thread(robotq_daemon.motions)
    assert {motion["task_id"] for motion in motions} == {task.task_id}


async def test_signal__is_never_sent_twice(network: Proxy, far: AsyncClient) -> None:
    network.faults.append(Fault.LOSE)
    with pytest.raises(Unreachable) as lost:
        await far.immediate("START_WORKING")
    assert lost.value.maybe_done
    assert len(network.requests) == 1
    with pytest.raises(Unreachable) as gone:
        async with AsyncClient("http://127.0.0.1:1", retry_s=0.1) as nowhere:
            await nowhere.resume()
    assert not gone.value.maybe_done


async def test_events__none_is_missed_and_none_comes_twice(
    network: Proxy, far: AsyncClient, client: AsyncClient
) -> None:
    found = []
    async with aclosing(far.events(last_event_id=0)) as events:
        for number in range(3):
            network.cut_all()
            network.faults.extend([Fault.REFUSE] * number)
            task = await client.run(GO_HOME)
            async for event in events:
                found.append(event)
                if event.kind == "task.completed" and event.task_id == task.task_id:
                    break
    ids = [event.id for event in found]
    assert ids == list(range(1, len(ids) + 1))
    assert len([event for event in found if event.kind == "task.completed"]) == 3


async def test_waits__are_not_limited_by_the_connections_of_the_client(
    client: AsyncClient,
) -> None:
    await client.pause()
    batch = await client.submit_batch([GO_HOME] * 150, contiguous=False)
    waiting = [asyncio.create_task(client.wait(task_id)) for task_id in batch.task_ids]
    await client.resume()
    assert all(task.completed for task in await asyncio.gather(*waiting))
