"""The disk of a robot's machine stands still while a command of the fleet is taken in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from .conftest import HOME, Member, Site, until

pytestmark = pytest.mark.wall("daemons in one loop, and a database in another process")


@contextmanager
def standing_still(member: Member) -> Iterator[threading.Event]:
    """The thread that writes waits for the disk, and after 0.3 s nobody waits for it."""
    assert member.daemon is not None
    base: Any = member.daemon.engine._parts.base
    commit = base.commit
    base.settings.timings = replace(base.settings.timings, probe_s=0.05)
    go_on = threading.Event()
    before, commit.disk.deadline_s = commit.disk.deadline_s, 0.3
    commit._store._writer.run(lambda _: go_on.wait(30))
    try:
        yield go_on
    finally:
        go_on.set()
        commit.disk.deadline_s = before


@pytest.mark.slow
async def test_command_of_the_fleet__that_the_disk_takes_late_runs_once_and_a_cancel_counts(
    site: Site,
) -> None:
    hub = await site.start("hub", hub=True)
    lab = await site.start("lab-1", "robot_a")
    await until(lambda: _knows(hub, "robot_a"))

    with standing_still(lab):
        late = await hub.submit(HOME, "robot_a")
        await until(lambda: _given_up(lab))
        # nobody has begun to take this one, so that it can be called off where it waits
        called_off = await hub.submit(HOME, "robot_a")
        waits = await hub.submit(HOME, "robot_a")
        assert (await hub.post(f"/task/{called_off}/cancel"))["task"]["state"] == "cancelled"
        assert await _row(site, late) == ("taking", None)
        assert (await hub.get(f"/task/{late}"))["state"] == "pending"

    for task_id in (late, waits):
        assert (await hub.ended(task_id))["state"] == "completed"
        assert await until(lambda task_id=task_id: _taken(site, task_id))
    assert (await hub.ended(called_off))["state"] == "cancelled"
    tasks = (await lab.get("/tasks"))["tasks"]
    assert sorted(one["task_id"] for one in tasks) == sorted([late, waits])

    # one that a person calls off after it came late stays called off
    await lab.post("/queue/pause")
    with standing_still(lab):
        unwanted = await hub.submit(HOME, "robot_a")
        await until(lambda: _given_up(lab))
    await until(lambda: _taken(site, unwanted))
    await lab.post(f"/task/{unwanted}/cancel")
    holds = (await lab.get("/queue/status"))["holds"]
    await lab.post("/queue/resume", {"holds": [hold["id"] for hold in holds]})
    await lab.ended(await lab.submit(HOME, "robot_a"))
    assert (await hub.ended(unwanted))["state"] == "cancelled"
    assert not {line["task_id"] for line in lab.motions()} & {unwanted, called_off}


@pytest.mark.long
async def test_robot_with_durability_fleet__a_late_write_is_accepted_unless_its_row_was_taken_back(
    site: Site,
) -> None:
    hub = await site.start("hub", hub=True)
    lab = await site.start("lab-1", "robot_a", durable=True)
    await until(lambda: _knows(hub, "robot_a"))
    body = {**HOME, "robot_id": "robot_a"}

    # the row was taken back, so nobody has it
    with standing_still(lab):
        status, refused = await lab.ask("POST", "/", body)
        assert (status, refused["error_code"]) == (503, "store_unavailable")
        assert await _rows(site) == []
    await until(lambda: _works(lab))
    (called_off,) = (await lab.get("/tasks"))["tasks"]
    assert called_off["state"] == "cancelled"

    # the row could not be taken back: the same key finds it at any door, and it runs
    with standing_still(lab):
        asking = asyncio.create_task(lab.ask("POST", "/", body, Idempotency_Key="k"))
        await until(lambda: _rows(site))
        site.proxy.cut()
        status, refused = await asking
        assert (status, refused["error_code"]) == (503, "fleet_away")
        site.proxy.mend()
        accepted = await until(lambda: _accepted(hub, body))
    assert (await hub.ended(accepted))["state"] == "completed"
    assert await until(lambda: _taken(site, accepted))
    assert await _accepted(lab, body) == accepted

    tasks = (await lab.get("/tasks"))["tasks"]
    assert {one["task_id"] for one in tasks} == {called_off["task_id"], accepted}


async def _knows(member: Any, *robots: str) -> bool:
    found = await member.get("/fleet")
    there = {name for one in found["daemons"] for name in one["names"] if not one["here"]}
    return set(robots) <= there


async def _works(lab: Member) -> bool:
    assert lab.daemon is not None
    return bool(lab.daemon.engine.store_available)


async def _given_up(lab: Member) -> bool:
    return not await _works(lab)


async def _accepted(member: Member, body: Any) -> Any:
    status, found = await member.ask("POST", "/", body, Idempotency_Key="k")
    return found["task_id"] if status == 200 else None


async def _taken(site: Site, row_id: str) -> bool:
    return bool(await _row(site, row_id) == ("taken", row_id))


async def _row(site: Site, row_id: str) -> Any:
    (found,) = [row[1:] for row in await _rows(site) if row[0] == row_id]
    return found


async def _rows(site: Site) -> list[tuple[str, str, str | None]]:
    def read() -> list[tuple[str, str, str | None]]:
        with psycopg.connect(site.proxy.dsn) as connection:
            return connection.execute(
                "SELECT id, state, task_id FROM robotq.fleet_inbox ORDER BY accepted_at, id"
            ).fetchall()

    return await asyncio.to_thread(read)
