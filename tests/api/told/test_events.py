"""GET /events: everything that happens, in order, without gaps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse

from tests.api.conftest import StartLab
from tests.api.lab import GO_HOME, Lab


@asynccontextmanager
async def listening(
    lab: Lab, query: str = "", **headers: str
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    async with lab.client.get(f"/events{query}", headers=headers) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        yield _events(response)


async def _events(response: ClientResponse) -> AsyncIterator[dict[str, Any]]:
    last_id = ""
    async for line in response.content:
        field, _, value = line.decode().rstrip("\r\n").partition(": ")
        if field == "id":
            last_id = value
        elif field == "data":
            event = orjson.loads(value)
            assert str(event["id"]) == last_id
            yield event


async def _until(events: AsyncIterator[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    heard = []
    async with asyncio.timeout(10):
        async for event in events:
            heard.append(event)
            if event["kind"] == kind:
                return heard
    raise AssertionError(f"the stream ended before {kind}")


async def test_stream__tells_the_life_of_a_task(lab: Lab) -> None:
    async with listening(lab) as events:
        task_id = await lab.submit(GO_HOME)
        heard = await _until(events, "task.completed")
    of_task = [event for event in heard if event["task_id"] == task_id]
    assert [event["after"] for event in of_task if event["after"]] == [
        "pending",
        "running",
        "completed",
    ]
    assert of_task[0]["kind"] == "task.submitted"
    assert of_task[0]["actor"] == "anonymous"
    assert of_task[0]["robot_id"] == "robot_a"


@pytest.mark.parametrize("by", ["header", "query"])
async def test_stream__a_client_that_comes_back_goes_on_where_it_was(lab: Lab, by: str) -> None:
    first = lab.engine.reads.last_event_id
    await lab.ended(await lab.submit(GO_HOME))
    headers = {"Last-Event-ID": str(first)} if by == "header" else {}
    query = "" if by == "header" else f"?last_event_id={first}"
    async with listening(lab, query, **headers) as events:
        heard = await _until(events, "task.completed")
        await lab.submit(GO_HOME)
        heard += await _until(events, "task.completed")
    ids = [event["id"] for event in heard]
    assert ids == list(range(first + 1, first + 1 + len(ids)))


async def test_stream__a_number_from_the_future_means_from_now_on(lab: Lab) -> None:
    async with listening(lab, **{"Last-Event-ID": "999999999"}) as events:
        await lab.submit(GO_HOME)
        heard = await _until(events, "task.completed")
    assert heard[0]["kind"] == "task.submitted"


async def test_stream__a_number_that_is_none_is_named(lab: Lab) -> None:
    answer = await lab.get("/events", headers={"Last-Event-ID": "abc"})
    assert (answer.status, answer["field"]) == (400, "Last-Event-ID")


async def test_stream__filters(lab: Lab) -> None:
    async with listening(lab, "?robot_id=robot_b&kind=task.") as events:
        await lab.submit(GO_HOME)
        await lab.post("/queue/pause", {"robot_id": "robot_b"})
        await lab.post("/queue/resume")
        task_id = await lab.submit({**GO_HOME, "robot_id": "robot_b"})
        heard = await _until(events, "task.completed")
    assert {event["task_id"] for event in heard} == {task_id}


async def test_stream__one_too_many_is_refused(start_lab: StartLab) -> None:
    lab = await start_lab(limits__event_streams=1)
    async with listening(lab):
        answer = await lab.get("/events")
        assert (answer.status, answer["code"]) == (503, 1013)
        assert answer.headers["Retry-After"]


async def test_stream__a_listener_that_leaves_gives_its_place_free(start_lab: StartLab) -> None:
    lab = await start_lab(limits__event_streams=1)
    async with listening(lab) as events:
        await lab.submit(GO_HOME)
        await _until(events, "task.completed")
    async with asyncio.timeout(10):
        # the daemon learns of it with the next thing that it has to tell
        while lab.engine.reads.event_statistics().listeners:
            await lab.submit(GO_HOME)
            await asyncio.sleep(0.005)
    async with listening(lab):
        assert lab.engine.reads.event_statistics().listeners == 1


async def test_stream__one_that_does_not_keep_up_is_cut_off_and_can_come_back(lab: Lab) -> None:
    await lab.ended(await lab.submit(GO_HOME))
    first = lab.engine.reads.last_event_id
    async with listening(lab) as events:
        (subscription,) = lab.engine.reads._bus._subscriptions
        # as if 1,000 events had come while the client took nothing
        subscription.end()
        async with asyncio.timeout(5):
            assert [event async for event in events] == []
    await lab.submit(GO_HOME)
    async with listening(lab, **{"Last-Event-ID": str(first)}) as events:
        assert (await _until(events, "task.completed"))[0]["kind"] == "task.submitted"


async def test_stream__shutting_down_ends_it(lab: Lab) -> None:
    async with listening(lab) as events:
        lab.engine.reads._bus.close()
        async with asyncio.timeout(5):
            assert [event async for event in events] == []
