"""A machine is lost, and with it no command that was accepted for its robot."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from .conftest import BY_HAND, HOME, Site, until
from .processes import Node
from .proxy import Proxy

pytestmark = pytest.mark.wall("daemons, and a database in another process")


@pytest.mark.slow
async def test_robot_with_durability_fleet__has_each_command_in_both_places_or_takes_none(
    site: Site,
) -> None:
    hub = await site.start("hub", hub=True)
    lab = await site.start("lab-1", "robot_a", durable=True)
    other = await site.start("lab-2", "robot_b")
    await until(lambda: _knows(hub, "robot_a", "robot_b"))
    await lab.post("/queue/pause")

    accepted = await lab.submit(HOME, "robot_a", Idempotency_Key="before")
    ((row_id, _, robot),) = await _rows(site)
    assert (row_id, robot) == (accepted, "robot_a")
    batch = (await lab.post("/", [{**HOME, "robot_id": "robot_a"}] * 2))["task_ids"]
    assert len(await _rows(site)) == 2

    site.proxy.cut()
    status, refused = await lab.ask(
        "POST", "/", {**HOME, "robot_id": "robot_a"}, Idempotency_Key="k"
    )
    assert (status, refused["error_code"]) == (503, "fleet_away")
    # what was accepted is answered again, another robot does not wait, and nothing was taken
    assert await lab.submit(HOME, "robot_a", Idempotency_Key="before") == accepted
    await other.ended(await other.submit(HOME, "robot_b"))
    assert (await lab.get("/queue/status"))["queue_size"] == 3

    site.proxy.mend()
    again = await until(lambda: _accepted(hub, "k"))
    assert await until(lambda: _accepted(lab, "k")) == again
    assert (await lab.ask("POST", "/", {**BY_HAND, "robot_id": "robot_a"}, Idempotency_Key="k"))[
        0
    ] == 409
    await _resume(lab)
    for task_id in (accepted, *batch, again):
        assert (await lab.ended(task_id))["state"] == "completed"
    assert await until(lambda: _settled(site))
    tasks = (await lab.get("/tasks"))["tasks"]
    assert sorted(one["task_id"] for one in tasks) == sorted([accepted, *batch, again])


@pytest.mark.long
async def test_machine_that_never_comes_back__its_commands_are_handed_on_and_run_once(
    site: Site,
) -> None:
    hub = await site.start("hub", hub=True)
    lost = await site.start("lab-1", "robot_a", durable=True)
    lab = await site.start("lab-2", "robot_b")
    await until(lambda: _knows(hub, "robot_a", "robot_b"))
    await lost.post("/queue/pause")
    wanted = await lost.submit(HOME, "robot_a", Idempotency_Key="k")
    stays = await lost.submit(HOME, "robot_a")
    await until(lambda: _is_known(hub, stays))
    on = {"robot_id": "robot_b", "old_machine_is_off": True}
    status, works = await hub.ask("POST", f"/fleet/tasks/{wanted}/hand_on", on)
    assert (status, works["error_code"]) == (409, "wrong_state")
    await lost.stop()

    listed = await hub.get("/fleet/tasks?daemon=lab-1&state=pending")
    assert {one["task"]["task_id"] for one in listed["tasks"]} == {wanted, stays}
    status, _ = await hub.ask("POST", f"/fleet/tasks/{wanted}/hand_on", {"robot_id": "robot_b"})
    assert status == 400
    handed = await hub.post(f"/fleet/tasks/{wanted}/hand_on", on)
    assert await hub.post(f"/fleet/tasks/{wanted}/hand_on", on) == handed
    assert (await lab.ended(handed["task_id"]))["state"] == "completed"
    told = (await hub.get(f"/task/{wanted}"))["fleet"]["handed_on"]
    assert (told["task_id"], told["found"]) == (handed["task_id"], None)

    # it comes back all the same, and the database is away just then: it begins nothing
    site.proxy.cut()
    await lost.start()
    holds = (await lost.get("/queue/status"))["holds"]
    assert {"isolated", "paused"} <= {hold["code"] for hold in holds}
    site.proxy.mend()
    await until(lambda: _is(lost, wanted, "cancelled"))
    await until(lambda: _holds_only(lost, "paused"))
    await _resume(lost)
    assert (await lost.ended(stays))["state"] == "completed"
    assert (await hub.get(f"/task/{wanted}"))["fleet"]["handed_on"]["found"] == "cancelled"


@pytest.mark.long
@pytest.mark.parametrize("point", ["fleet_taking", "accepted", "fleet_taken"])
async def test_death_between_the_two_commits__same_key_at_any_door_is_one_motion(
    new_postgres: str, tmp_path: Path, point: str
) -> None:
    proxy = Proxy(new_postgres)
    await proxy.start()
    lab = Node(tmp_path, "lab-1", proxy.dsn, ["robot_a"], durable=["robot_a"])
    hub = Node(tmp_path, "hub", proxy.dsn, ())
    try:
        await asyncio.to_thread(hub.start)
        await asyncio.to_thread(lambda: lab.start(environ={"ROBOTQ_CRASH_POINT": f"{point}:1"}))
        await until(lambda: lab.ask("GET", "/fleet", ready=lambda told: not told["database"]))
        command = {"cmd_type": "NAVIGATION", "params": {"area": "CHARGER"}, "robot_id": "robot_a"}
        assert await lab.ask("POST", "/", command, key="k") is None
        await until(lambda: asyncio.to_thread(lambda: not lab.process.alive()))

        at_the_hub = (await until(lambda: hub.ask("POST", "/", command, key="k")))["task_id"]
        await asyncio.to_thread(lab.start)
        at_the_lab = (await until(lambda: lab.ask("POST", "/", command, key="k")))["task_id"]
        assert at_the_hub == at_the_lab
        await until(lambda: lab.ask("GET", f"/task/{at_the_lab}", ready=_completed))
        tasks = (await lab.ask("GET", "/tasks"))["tasks"]
        assert [one["task_id"] for one in tasks] == [at_the_lab]
        assert len({line["task_id"] for line in lab.motions()}) == 1
    finally:
        for node in (lab, hub):
            node.kill()
        await proxy.close()


@pytest.mark.long
async def test_answer_that_never_comes__is_given_up_in_time_and_the_key_finds_out(
    site: Site,
) -> None:
    lab = await site.start("lab-1", "robot_a", durable=True)
    await until(lambda: _works(lab))
    site.proxy.stall()
    began = asyncio.get_running_loop().time()
    status, refused = await lab.ask(
        "POST", "/", {**HOME, "robot_id": "robot_a"}, Idempotency_Key="k"
    )
    assert (status, refused["error_code"]) == (503, "fleet_away")
    assert asyncio.get_running_loop().time() - began < 7
    site.proxy.mend()
    task_id = await until(lambda: _accepted(lab, "k"))
    assert (await lab.ended(task_id))["state"] == "completed"
    assert len((await lab.get("/tasks"))["tasks"]) == 1

    # a retry is accepted here first, and answered when it is there too
    site.proxy.cut()
    path = f"/task/{task_id}/retry"
    status, refused = await lab.ask("POST", path, {}, Idempotency_Key="again")
    assert (status, refused["error_code"]) == (503, "fleet_away")
    site.proxy.mend()
    again = await until(lambda: _retried(lab, path))
    assert (await lab.ended(again))["state"] == "completed"
    assert len((await lab.get("/tasks"))["tasks"]) == 2


async def _knows(member: Any, *robots: str) -> bool:
    found = await member.get("/fleet")
    there = {name for one in found["daemons"] for name in one["names"] if not one["here"]}
    return set(robots) <= there


async def _works(member: Any) -> bool:
    return (await member.get("/fleet"))["database"] is None


async def _accepted(member: Any, key: str) -> Any:
    status, found = await member.ask(
        "POST", "/", {**HOME, "robot_id": "robot_a"}, Idempotency_Key=key
    )
    return found["task_id"] if status == 200 else None


async def _retried(member: Any, path: str) -> Any:
    status, found = await member.ask("POST", path, {}, Idempotency_Key="again")
    return found["task"]["task_id"] if status == 200 else None


async def _is(member: Any, task_id: str, state: str) -> bool:
    return bool((await member.get(f"/task/{task_id}"))["state"] == state)


async def _is_known(hub: Any, task_id: str) -> bool:
    status, _ = await hub.ask("GET", f"/fleet/tasks/{task_id}")
    return status == 200 and "inbox" not in _["fleet"]


async def _holds_only(member: Any, code: str) -> bool:
    holds = (await member.get("/queue/status"))["holds"]
    return {hold["code"] for hold in holds} == {code}


def _completed(task: Any) -> bool:
    return bool(task["state"] == "completed")


async def _resume(member: Any) -> None:
    holds = (await member.get("/queue/status"))["holds"]
    await member.post("/queue/resume", {"holds": [hold["id"] for hold in holds]})


async def _settled(site: Site) -> bool:
    return {state for _, state, _ in await _rows(site)} == {"taken"}


async def _rows(site: Site) -> list[tuple[str, str, str]]:
    import psycopg  # noqa: PLC0415

    def read() -> list[tuple[str, str, str]]:
        with psycopg.connect(site.proxy.dsn) as connection:
            return connection.execute(
                "SELECT id, state, robot FROM robotq.fleet_inbox ORDER BY accepted_at, id"
            ).fetchall()

    return await asyncio.to_thread(read)
