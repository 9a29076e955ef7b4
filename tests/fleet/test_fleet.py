"""A lab with robots on two machines, one place to submit, and one stop for all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.cli.conftest import robotq

from .conftest import BY_HAND, HOME, KEY, Site, until

pytestmark = pytest.mark.wall("daemons in one loop, and a database in another process")


@pytest.mark.slow
async def test_command__goes_in_at_any_door_and_runs_once(site: Site) -> None:
    hub = await site.start("hub", hub=True)
    one = await site.start("lab-1", "robot_a")
    two = await site.start("lab-2", "robot_b")
    await until(lambda: _knows(hub, "robot_a", "robot_b"))
    await until(lambda: _knows(one, "robot_b"))

    accepted = await hub.post("/", {**HOME, "robot_id": "robot_b"}, Idempotency_Key="k")
    assert (accepted["accepted_by"], accepted["daemon"]) == ("fleet", "lab-2")
    task_id = accepted["task_id"]
    # the answer was lost, so the client asks at other doors
    assert await one.submit(HOME, "robot_b", Idempotency_Key="k") == task_id
    done = await hub.ended(task_id)
    assert done["state"] == "completed"
    assert done["actor"] == "anonymous@hub"
    assert done["fleet"]["daemon"] == "lab-2"
    assert await two.submit(HOME, "robot_b", Idempotency_Key="k") == task_id
    assert (await two.get(f"/task/{task_id}"))["state"] == "completed"
    assert len({line["task_id"] for line in two.motions()}) <= 1
    status, refused = await hub.ask(
        "POST", "/", {**BY_HAND, "robot_id": "robot_b"}, Idempotency_Key="k"
    )
    assert (status, refused["error_code"]) == (409, "idempotency_conflict")

    # first at the robot's own door, then elsewhere
    own = await two.submit(HOME, "robot_b", Idempotency_Key="other")
    again = await hub.submit(HOME, "robot_b", Idempotency_Key="other")
    found = await until(lambda: _state(hub, again, "completed"))
    assert found["task_id"] == own

    # what is not right is refused by the daemon of the robot, and that is told at the door
    wrong = await hub.submit({"cmd_type": "NAVIGATION", "params": {"area": "NOWHERE"}}, "robot_b")
    failed = await hub.ended(wrong)
    assert failed["state"] == "failed"
    assert "NOWHERE" in failed["result"]["message"]
    assert (await hub.post("/", {"cmd_type": "GET_BATTERY_STATE", "robot_id": "robot_b"}))[
        "percentage"
    ]
    # a slip of the pen names all whom the door would have taken
    for door, known in ((hub, "robot_a, robot_b"), (one, "robot_a, robot_b")):
        status, refused = await door.ask("POST", "/", {**HOME, "robot_id": "robot_z"})
        assert (status, refused["field"]) == (400, "robot_id")
        assert refused["reason"] == f"expected one of {known}"
    shown = await asyncio.to_thread(robotq, "status", "--url", f"http://127.0.0.1:{hub.port}")
    assert "This daemon drives no robots; robotq fleet shows" in shown.stdout
    listed = await hub.get("/fleet/tasks?robot_id=robot_b")
    assert {one["task"]["task_id"] for one in listed["tasks"]} == {task_id, own}


async def _knows(member: Any, *robots: str) -> bool:
    found = await member.get("/fleet")
    there = {name for one in found["daemons"] for name in one["names"] if not one["here"]}
    return set(robots) <= there


async def _state(member: Any, task_id: str, state: str) -> Any:
    task = await member.get(f"/task/{task_id}")
    return task if task["state"] == state else None


@pytest.mark.slow
async def test_daemon_that_is_away__its_commands_wait_and_say_why(site: Site) -> None:
    hub = await site.start("hub", hub=True)
    lab = await site.start("lab-2", "robot_b")
    await until(lambda: _knows(hub, "robot_b"))
    await lab.stop()

    waits = await hub.submit(HOME, "robot_b")
    called_off = await hub.submit(HOME, "robot_b")
    too_late = await hub.submit({**HOME, "expires_at": "+1"}, "robot_b")
    task = await until(lambda: _away(hub, waits))
    assert "lab-2 is away" in task["fleet"]["why"]
    assert (await hub.post(f"/task/{called_off}/cancel"))["task"]["state"] == "cancelled"
    await until(lambda: _state(hub, too_late, "failed"))

    await lab.start()
    assert (await hub.ended(waits))["state"] == "completed"
    assert (await hub.ended(called_off))["state"] == "cancelled"
    expired = await hub.ended(too_late)
    assert (expired["state"], expired["result"]["error_code"]) == ("failed", "expired")
    ours = await lab.get("/tasks")
    assert [one["task_id"] for one in ours["tasks"]] == [waits]


async def _away(member: Any, task_id: str) -> Any:
    task = await member.get(f"/task/{task_id}")
    return task if "away" in task["fleet"].get("why", "") else None


@pytest.mark.slow
async def test_stop_anywhere__stops_every_robot_and_who_was_away_latches_before_it_starts(
    site: Site,
) -> None:
    # on a busy machine nobody beats for three seconds: here no daemon is away but who has said so
    hub = await site.start("hub", hub=True, away_s=60)
    one = await site.start("lab-1", "robot_a")
    gone = await site.start("lab-3", "robot_b")
    await until(lambda: _knows(hub, "robot_a", "robot_b"))
    running = await hub.submit(BY_HAND, "robot_a")
    await until(lambda: _state(hub, running, "running"))
    waits = await gone.submit(BY_HAND, "robot_b")
    await until(lambda: _state(gone, waits, "running"))
    second = await gone.submit(HOME, "robot_b")
    await gone.stop()

    status, stopped = await hub.ask("POST", "/estop", {"reason": "smoke"})
    assert stopped["fleet"]["lab-1"]["confirmed"], stopped
    assert not stopped["fleet"]["lab-3"]["confirmed"]
    assert (status, stopped["success"]) == (422, False)
    assert "lab-3" in stopped["message"]
    assert (await one.get("/estop"))["latched"]
    assert (await one.get("/estop"))["holds"][0]["by"][0]["actor"] == "anonymous@hub"

    await gone.start()
    assert (await gone.get("/estop"))["latched"]
    assert (await gone.get(f"/task/{second}"))["state"] == "pending"
    (stop,) = await until(lambda: _stops(hub, 2))
    assert set(stop["latched_by"]) == {"lab-1", "lab-3"}

    status, works = await hub.ask("POST", "/fleet/daemons/lab-1/leave")
    assert (status, works["error_code"]) == (409, "wrong_state")
    # reset while one is away: it does not latch that stop again
    await gone.stop()
    left = await hub.post(f"/fleet/stops/{stop['stop_id']}/reset")
    assert left["daemons"]["lab-1"]["reset"]
    assert not left["success"]
    assert not (await one.get("/estop"))["latched"]
    late = await site.start("lab-4", "robot_b")
    assert not (await late.get("/estop"))["latched"]
    assert await _stops(hub, 0) is None
    await hub.post("/fleet/daemons/lab-3/leave")
    assert "lab-3" not in {one["name"] for one in (await hub.get("/fleet"))["daemons"]}
    # the body is not believed without the key of the fleet, but whoever may stop, may stop
    status, told = await late.ask(
        "POST",
        "/fleet/stop",
        {"stop_id": "stop_0123456789abcdef", "door": "x", "actor": "y"},
        Authorization=f"Bearer {KEY}",
    )
    assert (status, told["confirmed"]) == (200, True)
    again = await late.post(
        "/fleet/stop", {"stop_id": "stop_0123456789abcdef", "door": "x", "actor": "y"}
    )
    assert again["robots"] == {}


async def _stops(member: Any, latched: int) -> Any:
    found = (await member.get("/fleet"))["stops"]
    return found if found and len(found[0]["latched_by"]) >= latched else None


@pytest.mark.slow
async def test_database_away__robots_go_on_stop_gets_through_and_nothing_is_lost(
    site: Site,
) -> None:
    one = await site.start("lab-1", "robot_a")
    two = await site.start("lab-2", "robot_b")
    await until(lambda: _knows(one, "robot_b"))
    site.proxy.cut()
    ours = [await one.submit(HOME, "robot_a") for _ in range(5)]
    for task_id in ours:
        assert (await one.ended(task_id))["state"] == "completed"
    status, away = await one.ask("POST", "/", {**HOME, "robot_id": "robot_b"}, Idempotency_Key="k")
    assert (status, away["error_code"]) == (503, "fleet_away")
    status, stopped = await one.ask("POST", "/estop")
    assert (status, stopped["fleet"]["lab-2"]["confirmed"]) == (200, True)
    assert (await two.get("/estop"))["latched"]
    assert (await one.get("/fleet"))["database"]

    site.proxy.mend()
    again = await until(lambda: _accepted(one))
    await until(lambda: _all_known(two, [*ours]))
    (stop,) = await until(lambda: _stops(two, 1))
    # the stop holds what came after it
    assert (await two.get(f"/task/{again}"))["state"] == "pending"
    await two.post(f"/fleet/stops/{stop['stop_id']}/reset")
    events = await _journal(site, "lab-1")
    assert events == sorted(set(events))
    assert len(events) == one.daemon.engine.reads.last_event_id  # type: ignore[union-attr]


async def _accepted(member: Any) -> Any:
    status, found = await member.ask(
        "POST", "/", {**HOME, "robot_id": "robot_b"}, Idempotency_Key="k"
    )
    return found["task_id"] if status == 200 else None


async def _all_known(member: Any, task_ids: list[str]) -> bool:
    listed = await member.get("/fleet/tasks?daemon=lab-1&state=completed")
    return set(task_ids) <= {one["task"]["task_id"] for one in listed["tasks"]}


async def _journal(site: Site, daemon: str) -> list[int]:
    import psycopg  # noqa: PLC0415

    member = next(one for one in site.members if one.name == daemon)
    assert member.daemon is not None

    def read() -> list[int]:
        with psycopg.connect(site.proxy.dsn) as connection:
            rows = connection.execute(
                "SELECT id FROM robotq.fleet_events WHERE daemon = %s ORDER BY id", (daemon,)
            ).fetchall()
            return [number for (number,) in rows]

    async def whole() -> list[int] | None:
        assert member.daemon is not None
        found = await asyncio.to_thread(read)
        return found if len(found) == member.daemon.engine.reads.last_event_id else None

    found: list[int] = await until(whole)
    return found
