"""A daemon that hears nothing from its fleet holds its robots, where the site wants it so."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import HOME, Site, until

pytestmark = [
    pytest.mark.long,
    pytest.mark.wall("daemons in one loop, and a database in another process"),
]


async def test_nothing_heard__robots_hold_until_a_person_or_the_fleet_lets_them_go_on(
    site: Site,
) -> None:
    hub = await site.start("hub", hub=True)
    lab = await site.start("lab-1", "robot_a", on_isolated="hold")
    other = await site.start("lab-2", "robot_b")
    await until(lambda: _daemons(lab, 3))
    site.proxy.cut()
    # the others answer, so a stop would come
    await until(lambda: _silent_for(lab, 4))
    assert await _code(lab) is None
    await hub.stop()
    await other.stop()
    assert await until(lambda: _code(lab)) == "isolated"
    waits = await lab.submit(HOME, "robot_a")
    assert (await lab.get(f"/task/{waits}"))["state"] == "pending"
    assert (await lab.get("/fleet"))["isolated_since_ms"]

    holds = (await lab.get("/queue/status"))["holds"]
    await lab.post("/queue/resume", {"holds": [hold["id"] for hold in holds]})
    assert (await lab.ended(waits))["state"] == "completed"
    await until(lambda: _silent_for(lab, 12))
    assert await _code(lab) is None

    site.proxy.mend()
    await until(lambda: _hears(lab))
    assert lab.daemon is not None
    kinds = [one.kind for one in await lab.daemon.engine.reads.events(0, limit=500)]
    assert (kinds.count("fleet.isolated"), kinds.count("fleet.heard")) == (1, 1)


async def _daemons(member: Any, count: int) -> bool:
    return len((await member.get("/fleet"))["daemons"]) == count


async def _silent_for(member: Any, seconds: float) -> bool:
    told = await member.get("/fleet")
    since = told["database_since_ms"]
    return bool(since and told["at_ms"] - since > seconds * 1000)


async def _hears(member: Any) -> bool:
    return (await member.get("/fleet"))["isolated_since_ms"] is None


async def _code(member: Any) -> Any:
    holds = (await member.get("/queue/status"))["holds"]
    return holds[0]["code"] if holds else None
