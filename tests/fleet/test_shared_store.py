"""Daemons of a fleet that share a store for workers: each task is shown once."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Site, until

pytestmark = pytest.mark.wall("daemons in one loop, and a database in another process")


@pytest.mark.slow
async def test_tasks_of_a_shared_store__are_in_the_fleet_once(site: Site) -> None:
    dsn = site.proxy.dsn
    one = await site.start("lab-1", "robot_a", workers=dsn)
    two = await site.start("lab-2", "robot_b", workers=dsn)
    hub = await site.start("hub", hub=True)
    for number in range(3):
        door = (one, two)[number % 2]
        body = {"task_type": f"kind_{number}", "data": {}}
        status, _ = await door.ask("POST", "/apis/task-queue/api/tasks", body)
        assert status == 201
    await until(lambda: _nothing_behind(one, two))
    listed = await until(lambda: _listed(hub, 3))
    assert {one["daemon"] for one in listed} == {"(shared)"}
    ids = [one["task"]["task_id"] for one in listed]
    assert len(set(ids)) == 3
    told = await hub.get(f"/task/{ids[0]}")
    assert told["fleet"]["daemon"] == "(shared)"
    assert not told["fleet"]["away"]
    events = await _events(site, ids)
    assert len(events) == len(set(events)) >= 3

    # who is with one of them is told of at the other one
    await one.post("/workers/w1/next", {"queue": "orchestrator", "wait_s": 0})
    (there,) = await until(lambda: _elsewhere(two, "orchestrator"))
    assert (there["workers"], there["busy"]) == (1, 0)
    assert (await two.get("/workers"))["workers"] == []
    assert not await _elsewhere(one, "orchestrator")


async def _elsewhere(member: Any, queue: str) -> Any:
    return (await member.get("/workers"))["queues"][queue].get("elsewhere")


async def _nothing_behind(*members: Any) -> bool:
    for member in members:
        if (await member.get("/fleet"))["behind"]:
            return False
    return True


async def _listed(hub: Any, count: int) -> Any:
    tasks = (await hub.get("/fleet/tasks"))["tasks"]
    return tasks if len(tasks) >= count else None


async def _events(site: Site, ids: list[str]) -> list[tuple[str, str]]:
    from robotq.fleet.view import View  # noqa: PLC0415
    from robotq.postgres import Database  # noqa: PLC0415

    database = Database(site.proxy.dsn, connections=1)
    await database.open()
    try:
        view = View(database)
        places = dict.fromkeys(await view.newest(), (0, 0))
        found = await view.events(places, limit=500)
        return [(event.task_id, event.kind) for _, _, event in found if event.task_id in ids]
    finally:
        await database.close()
