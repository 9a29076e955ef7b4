"""Two daemons of one fleet number their tasks alike: each task is still itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from robotq.model.ids import Numbers
from tests.fleet.conftest import BY_HAND, HOME, Member, Site, until

pytestmark = pytest.mark.wall("daemons in one loop, and a database in another process")


@pytest.mark.slow
async def test_two_daemons_of_a_fleet__make_no_id_alike_and_one_is_not_taken_for_the_other(
    site: Site,
) -> None:
    hub = await site.start("hub", hub=True)
    one = await site.start("lab-1", "robot_a")
    two = await site.start("lab-2", "robot_b")
    await until(lambda: _knows(hub, "robot_a", "robot_b"))
    # the first task of each folder, in the same second
    made = [await _at_both(one, two, HOME) for _ in range(3)]
    assert all(first != second for first, second in made), made

    # a robotq of before made them alike
    for member in (one, two):
        assert member.daemon is not None
        member.daemon.engine.standby.ids_of_its_own(Numbers())
    same = await until(lambda: _alike(one, two))
    await until(lambda: _both_there(hub, same))
    told = (await hub.get(f"/task/{same}"))["fleet"]
    assert {told["daemon"], *told["also_at"]} == {"lab-1", "lab-2"}
    # nobody knows which of them is meant
    status, refused = await hub.ask("POST", f"/task/{same}/cancel", {})
    assert (status, refused["error_code"]) == (409, "wrong_state"), refused
    assert "lab-1" in refused["message"]
    assert "lab-2" in refused["message"]
    for member in (one, two):
        assert (await member.get(f"/task/{same}"))["state"] in ("pending", "running")
    await one.post(f"/task/{same}/cancel")
    assert (await one.ended(same))["state"] == "cancelled"
    assert (await two.get(f"/task/{same}"))["state"] in ("pending", "running")
    # of two, one has ended: what is called off is the other one
    await until(lambda: _told(hub, "lab-1", same, "cancelled"))
    await hub.post(f"/task/{same}/cancel")
    assert (await two.ended(same))["state"] == "cancelled"


async def _at_both(one: Member, two: Member, command: Any) -> tuple[str, str]:
    return await asyncio.gather(one.submit(command, "robot_a"), two.submit(command, "robot_b"))


async def _alike(one: Member, two: Member) -> str | None:
    """An id that both have given; a second may end between them."""
    first, second = await _at_both(one, two, BY_HAND)
    return first if first == second else None


async def _both_there(hub: Member, task_id: str) -> bool:
    found = await hub.get("/fleet/tasks?limit=100")
    there = [one["daemon"] for one in found["tasks"] if one["task"]["task_id"] == task_id]
    return sorted(there) == ["lab-1", "lab-2"]


async def _told(hub: Member, daemon: str, task_id: str, state: str) -> bool:
    found = await hub.get(f"/fleet/tasks?daemon={daemon}&state={state}&limit=100")
    return any(one["task"]["task_id"] == task_id for one in found["tasks"])


async def _knows(member: Member, *robots: str) -> bool:
    found = await member.get("/fleet")
    there = {name for one in found["daemons"] for name in one["names"] if not one["here"]}
    return set(robots) <= there
