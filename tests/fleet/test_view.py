"""One view: somebody at a hub looks for a task, waits for it, and asks what became of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from .conftest import BY_HAND, HOME, Site, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.wall("daemons in one loop, and a database in another process"),
]


async def test_hub__finds_waits_for_and_tells_the_whole_story_of_a_task_elsewhere(
    site: Site,
) -> None:
    hub = await site.start("hub", hub=True)
    lab = await site.start("lab-1", "robot_a")
    await until(lambda: _daemons(hub, 2))
    done = await lab.submit({**HOME, "cmd_id": "first"}, "robot_a")
    await lab.ended(done)
    asks = await lab.submit(BY_HAND, "robot_a")
    await until(lambda: _state(hub, asks, "running"))

    # a long-poll at the hub ends when somebody at the robot has answered
    waits = asyncio.create_task(hub.get(f"/fleet/tasks/{asks}?wait=20"))
    await asyncio.sleep(0)
    await lab.post(f"/task/{asks}/cancel")
    assert (await waits)["state"] == "cancelled"

    found = await until(lambda: _listed(hub, "state=completed&cmd_id=first"))
    assert [one["task"]["task_id"] for one in found] == [done]
    assert found[0]["daemon"] == "lab-1"
    assert found[0]["age_s"] < 5
    assert not await _listed(hub, "from=2000-01-01&to=2000-01-02")
    assert await _listed(hub, "from=2000-01-01&api=robot")
    told = (await hub.get(f"/fleet/tasks/{done}/events"))["events"]
    kinds = [one["event"]["kind"] for one in told]
    assert kinds[0] == "task.submitted"
    assert kinds[-1] == "task.completed"
    past = await hub.get("/dashboard/history?limit=1")
    assert [one["task_id"] for one in past["tasks"]] == [asks]
    older = await hub.get(f"/dashboard/history?limit=1&cursor={past['next_cursor']}")
    assert [one["task_id"] for one in older["tasks"]] == [done]

    numbers = await until(lambda: _counted(hub))
    assert numbers['robotq_fleet_tasks_ended_total{daemon="lab-1",state="cancelled"}'] == 1
    assert numbers['robotq_fleet_away{daemon="lab-1"}'] == 0
    assert numbers["robotq_fleet_database_up"] == 1
    assert numbers["robotq_fleet_inbox"] == 0


async def _daemons(member: Any, count: int) -> bool:
    return len((await member.get("/fleet"))["daemons"]) == count


async def _state(member: Any, task_id: str, state: str) -> bool:
    status, task = await member.ask("GET", f"/task/{task_id}")
    return bool(status == 200 and task["state"] == state)


async def _listed(member: Any, query: str) -> Any:
    return (await member.get(f"/fleet/tasks?{query}"))["tasks"]


async def _counted(member: Any) -> dict[str, float] | None:
    text = await member.text("/fleet/metrics")
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    numbers = {name: float(value) for name, _, value in lines}
    ended = 'robotq_fleet_tasks_ended_total{daemon="lab-1",state="cancelled"}'
    return numbers if numbers.get(ended) else None
