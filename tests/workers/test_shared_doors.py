"""Two daemons share dispatcher and checklist: whoever is connected to one works for both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from robotq.postgres import Database
from robotq.store.queries import ItemOrder, ItemQuery
from robotq.store.shared.merging import in_order
from tests.fleet.conftest import until
from tests.postgres.link import Link
from tests.store.test_items import BARE, FULL, OF_TASK

from .test_shared import Door, answered, door

DISPATCH = "/apis/dispatcher"
NEXT = "/apis/task-queue/api/tasks/next"
LIST = "/apis/checklist/api/v1"
STEP = {"cmd_type": "MANUAL_STEP", "params": {"title": "turn the tray"}}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Hands:
    """A worker at one daemon, played by a test."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def task(self) -> Any:
        async with asyncio.timeout(10):
            while (told := await self.ws.receive_json())["type"] != "task":
                pass
        return told

    async def complete(self, task_id: str, result: Any) -> None:
        await self.ws.send_json({"type": "task_complete", "taskId": task_id, "result": result})


async def _hands(http: aiohttp.ClientSession, at: Door, group: str = "g") -> Hands:
    return Hands(await http.ws_connect(at.url(f"{DISPATCH}/ws?group={group}")))


async def _said(at: Door, task_id: str, status: str) -> Any:
    async def looked() -> Any:
        _, told = await at.ask("GET", f"{DISPATCH}/api/task/{task_id}")
        return told if told["status"] == status else None

    return await until(looked)


@pytest.mark.slow
@pytest.mark.wall("daemons in one loop, and a database in another process")
async def test_dispatcher_and_checklist__are_the_same_at_both_daemons(
    postgres: str, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with AsyncExitStack() as stack:
        near = await stack.enter_async_context(door(postgres, tmp_path / "near", http))
        far = await stack.enter_async_context(door(postgres, tmp_path / "far", http))
        body = {"data": {"n": 1}, "group": "g"}

        # nobody is connected to either
        status, told = await near.ask("POST", f"{DISPATCH}/api/openai", body)
        assert (status, told["error"]) == (503, "No worker available")

        # the worker is there, whoever waits for the result is here
        hands = await _hands(http, far)
        await until(lambda: _taken(near, {**body, "group": "nobody", "async": True}))
        asking = asyncio.create_task(near.ask("POST", f"{DISPATCH}/api/openai", body))
        task = await hands.task()
        assert task["payload"]["data"] == {"n": 1}
        assert (await _said(near, task["taskId"], "executing"))["workerId"].startswith("W1-")
        await hands.complete(task["taskId"], "done")
        status, told = await asking
        assert (status, told["result"]) == (200, "done")

        # its daemon is cut off: it brings the result to the other one
        made = await _taken(near, {**body, "async": True})
        task = await hands.task()
        assert task["taskId"] == made["taskId"]
        other = await _hands(http, near)
        await other.complete(task["taskId"], "brought elsewhere")
        assert (await _said(far, task["taskId"], "completed"))["result"] == "brought elsewhere"
        # the first worker is free again
        made = await _taken(near, {**body, "async": True})
        both = [asyncio.create_task(one.task()) for one in (hands, other)]
        done, rest = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED, timeout=10)
        assert [one.result()["taskId"] for one in done] == [made["taskId"]]
        for one in rest:
            one.cancel()
        # whoever has it goes away with it, and both daemons say so
        await (hands if done == {both[0]} else other).ws.close()
        for at in (near, far):
            assert (await _said(at, made["taskId"], "failed"))["error"] == "Worker disconnected"

        await _one_checklist(near, far)


async def _one_checklist(near: Door, far: Door) -> None:
    _, made = await near.ask("POST", f"{LIST}/tasks", {"title": "sweep"})
    asked = await answered(far.ask("POST", "/", STEP))
    # what people have written stands at both; the step of a robot at its daemon alone
    assert await _titles(near) == ["sweep"]
    listed = await until(lambda: _both(far))
    assert listed == ["turn the tray", "sweep"]
    _, page = await far.ask("GET", f"{LIST}/tasks?page=2&sort_by=created_at&order=asc")
    assert (page["items"], page["total"]) == ([], 2)
    _, items = await far.ask("GET", f"{LIST}/tasks")
    (robots,) = [one for one in items["items"] if one["title"] == "turn the tray"]

    # both are ticked off in one request, at the daemon of the robot
    ticked = {"tasks": [{"id": one, "status": "completed"} for one in (made["id"], robots["id"])]}
    status, told = await far.ask("PUT", f"{LIST}/tasks/bulk", ticked)
    assert status == 200, told
    ended = await answered(far.ask("GET", f"/task/{asked['task_id']}?wait=10"))
    assert ended["state"] == "completed"
    _, now = await near.ask("GET", f"{LIST}/tasks/{made['id']}")
    assert now["status"] == "completed"


@pytest.mark.long
@pytest.mark.wall("a daemon, and a database in another process")
async def test_database_away__a_step_is_ticked_off_and_nobody_is_told_of_half_a_list(
    postgres: str, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with Link.to(postgres) as link, door(link.dsn, tmp_path / "far", http) as far:
        asked = await answered(far.ask("POST", "/", STEP))
        (item,) = await until(lambda: _of(far, asked["task_id"]))
        link.refuses = True
        link.cut()
        assert (await far.ask("GET", f"{LIST}/tasks"))[0] == 503
        done = {"status": "completed"}
        status, told = await far.ask("PUT", f"{LIST}/tasks/{item['id']}", done)
        assert status == 200, told
        ended = await answered(far.ask("GET", f"/task/{asked['task_id']}?wait=10"))
        assert ended["state"] == "completed"
        link.refuses = False


async def _taken(at: Door, body: Any) -> Any:
    return await answered(at.ask("POST", f"{DISPATCH}/api/openai", body))


async def _titles(at: Door) -> list[str]:
    _, page = await at.ask("GET", f"{LIST}/tasks")
    return [one["title"] for one in page["items"]]


async def _both(at: Door) -> list[str] | None:
    titles = await _titles(at)
    return titles if len(titles) == 2 else None


async def _of(at: Door, task_id: str) -> list[Any]:
    _, page = await at.ask("GET", f"{LIST}/tasks")
    return [one for one in page["items"] if one.get("robot_task_id") == task_id]


@pytest.mark.wall("a database in another process")
async def test_task_that_comes_in_there__is_claimed_here_without_waiting_for_the_next_look(
    postgres: str, tmp_path: Path, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bell: daemons look once an hour here."""
    monkeypatch.setattr("robotq.engine.engine._MIRROR_S", 3_600)
    async with AsyncExitStack() as stack:
        near = await stack.enter_async_context(door(postgres, tmp_path / "near", http))
        far = await stack.enter_async_context(door(postgres, tmp_path / "far", http))
        await until(lambda: _listening(postgres))
        for worker in ("bob", "carol"):
            asking = near.ask("POST", f"{NEXT}?wait=30", {"worker_id": worker})
            waiting = asyncio.create_task(asking)
            await asyncio.sleep(0)
            began = time.monotonic()
            _, made = await far.create("print")
            status, given = await waiting
            assert (status, given["task"]["id"]) == (200, made["task_id"])
            assert time.monotonic() - began < 2


async def _listening(dsn: str) -> bool:
    database = Database(dsn, connections=1)
    await database.open()
    try:
        async with database.transaction() as connection:
            found = await connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' "
                "AND datname = current_database()"
            )
            row = await found.fetchone()
        return row is not None and row[0] == 2
    finally:
        await database.close()


@pytest.mark.parametrize("order", list(ItemOrder))
@pytest.mark.parametrize("descending", [False, True])
async def test_list_of_both_stores__is_in_the_order_of_one(
    order: ItemOrder, descending: bool, tmp_path: Path
) -> None:
    from robotq.store.memory import MemoryStore  # noqa: PLC0415
    from robotq.store.mutations import SaveItem  # noqa: PLC0415

    store = MemoryStore()
    await store.open(finished=0)
    await store.apply([SaveItem(one) for one in (FULL, BARE, OF_TASK)])
    query = ItemQuery(order=order, descending=descending)
    listed, _ = await store.items(query)
    assert in_order([OF_TASK, FULL, BARE], query) == listed
    await store.close()
