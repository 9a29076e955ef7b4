"""Emergency stops of the fleet while its database is away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from robotq.fleet.own import UNWRITTEN, Own, StopOfFleet

from .conftest import Site, until

pytestmark = pytest.mark.wall("daemons in one loop, and a database in another process")


@pytest.mark.slow
async def test_stop_that_was_reset_while_the_database_was_away__stops_nobody_who_comes_later(
    site: Site,
) -> None:
    hub = await site.start("hub", hub=True)
    lab = await site.start("lab-1", "robot_a")
    await until(lambda: _knows(hub, "robot_a"))
    await until(lambda: _knows_daemons(lab, 2))
    site.proxy.cut()
    # one is reset at each daemon, one by its id, and the last one stands
    await hub.ask("POST", "/estop", {"reason": "at each daemon"})
    await _reset_here(lab)
    await hub.ask("POST", "/estop", {"reason": "by its id"})
    stop_id = list(_unwritten(hub))[-1]
    left = await hub.post(f"/fleet/stops/{stop_id}/reset")
    assert left["success"], left
    assert not (await lab.get("/estop"))["latched"]

    await hub.ask("POST", "/estop", {"reason": "stands"})

    site.proxy.mend()
    await until(lambda: _all_written(hub))
    late = await site.start("lab-2", "robot_b")
    (hold,) = (await late.get("/estop"))["holds"]
    assert [one["reason"] for one in hold["by"]] == ["stands"]
    (stop,) = await until(lambda: _stops(hub))
    assert stop["reason"] == "stands"


async def _stops(member: Any) -> Any:
    return (await member.get("/fleet"))["stops"]


async def test_stops_without_a_database__are_kept_over_a_restart_and_not_without_end(
    tmp_path: Any,
) -> None:
    own = await asyncio.to_thread(Own, tmp_path)
    for number in range(UNWRITTEN + 5):
        stop = StopOfFleet(stop_id=f"stop_{number}", door="hub", actor="ann", reason="")
        own.began(stop)
        await own.had(stop.stop_id, [])
    kept = list((await asyncio.to_thread(Own, tmp_path)).unwritten)
    assert kept == [f"stop_{number}" for number in range(5, UNWRITTEN + 5)]


async def _knows(member: Any, *robots: str) -> bool:
    found = await member.get("/fleet")
    there = {name for one in found["daemons"] for name in one["names"] if not one["here"]}
    return set(robots) <= there


async def _knows_daemons(member: Any, count: int) -> bool:
    return len((await member.get("/fleet"))["daemons"]) == count


async def _all_written(member: Any) -> bool:
    return not _unwritten(member)


def _unwritten(member: Any) -> Any:
    return member.daemon.fleet.own.unwritten


async def _reset_here(member: Any) -> None:
    holds = (await member.get("/estop"))["holds"]
    await member.post("/estop/reset", {"holds": [hold["id"] for hold in holds]})
