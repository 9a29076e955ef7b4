"""A person is told "cancelled" or "paused", and the machine dies in that moment."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.conftest import Site, until
from tests.fleet.proxy import Proxy

from .pair import NOD, ROBOT, Machine, Pair
from .test_take_over import drives, in_the_network, starts

__all__ = ["in_the_network"]

pytestmark = [
    pytest.mark.timeout(200),
    pytest.mark.wall("daemons and a device in processes of their own"),
    pytest.mark.real_time("a lease runs out by the clock of the wall"),
]


@pytest.fixture
async def proxy(new_postgres: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(new_postgres)
    await proxy.start()
    yield proxy
    await proxy.close()


async def _answered_and_dead(
    pair: Pair, machine: Machine, path: str, body: Any = None
) -> dict[str, Any]:
    status, answer = await machine.ask(pair.http, "POST", path, body or {})
    os.kill(machine.process.pid, signal.SIGKILL)
    assert status == 200, answer
    await machine.kill()
    return answer


async def _four_wait(pair: Pair) -> list[str]:
    """At lab-1, which carries out the first; both machines know of all."""
    one, two = pair.one, pair.two
    await one.start()
    await pair.until(lambda: _drives(pair, one))
    await two.start()
    await pair.until(lambda: _stands_by(pair, two))
    ids = [await pair.submit(one, NOD) for _ in range(4)]

    async def known() -> bool:
        found = [(await two.ask(pair.http, "GET", f"/task/{one_}"))[0] for one_ in ids]
        return found == [200] * 4

    await pair.until(known)
    assert (await pair.task(one, ids[-1]))["state"] == "pending"
    return ids


async def _drives(pair: Pair, machine: Machine) -> bool:
    return bool((await pair.robot(machine))["connected"])


async def _stands_by(pair: Pair, machine: Machine) -> bool:
    return "driven by lab-1 (epoch 1)" in str(await pair.robot(machine))


@pytest.mark.long
@pytest.mark.parametrize("how", ["one", "many"])
async def test_cancel_that_was_answered__counts_at_the_machine_that_takes_over(
    new_postgres: str, tmp_path: Path, how: str
) -> None:
    async with Pair(tmp_path, new_postgres, time_scale=0.3, first_poll_s=8) as pair:
        *others, last = await _four_wait(pair)
        if how == "one":
            answer = await _answered_and_dead(pair, pair.one, f"/task/{last}/cancel")
        else:
            named: dict[str, Any] = {"task_ids": [last]}
            _, look = await pair.one.ask(pair.http, "POST", "/tasks/cancel", named)
            named |= {"count": look["matching"], "up_to": look["up_to"]}
            answer = await _answered_and_dead(pair, pair.one, "/tasks/cancel", named)
        assert "not_told" not in answer

        await pair.until(lambda: _drives(pair, pair.two))
        for task_id in others:
            assert (await pair.ended(pair.two, task_id))["state"] == "completed"
        assert (await pair.ended(pair.two, last))["state"] == "cancelled"
        moved = {task for task, _ in pair.motions()}
        assert moved == set(others)


@pytest.mark.long
@pytest.mark.parametrize("how", ["queue", "stop"])
async def test_pause_that_was_answered__holds_at_the_machine_that_takes_over(
    new_postgres: str, tmp_path: Path, proxy: Proxy, how: str
) -> None:
    async with Pair(
        tmp_path, new_postgres, time_scale=0.3, first_dsn=proxy.dsn, first_poll_s=8
    ) as pair:
        first, *others = await _four_wait(pair)
        # the network is slow from now on
        proxy.delay_s = 0.04
        path = "/queue/pause" if how == "queue" else f"/robots/{ROBOT}/stop"
        answer = await _answered_and_dead(pair, pair.one, path, {"reason": "cleaning"})
        assert "not_told" not in answer
        begun = {first, *(task for task, _ in pair.motions())}

        await pair.until(lambda: _drives(pair, pair.two))
        assert "cleaning" in str(await pair.robot(pair.two))
        for task_id in begun:
            await pair.ended(pair.two, task_id)
        # longer than a command that is not held would take to begin
        await asyncio.sleep(1.5)
        assert {task for task, _ in pair.motions()} <= begun
        waiting = [(await pair.task(pair.two, task_id))["state"] for task_id in others]
        assert waiting[-1] == "pending"
        # a stop calls off what runs, also one that has not moved yet
        assert {*waiting} <= {"pending", "cancelled"} or how == "queue"


@pytest.mark.long
async def test_database_that_does_not_answer__the_person_is_told_that_the_other_may_not_know(
    site: Site, in_the_network: tuple[Any, Path]
) -> None:
    port, _ = in_the_network
    one = await starts(site, "lab-1", port, "device")
    await until(lambda: drives(one))
    assert "not_told" not in await one.post("/queue/pause", {"reason": "cleaning"})
    first, second, third = [await one.submit(NOD, ROBOT) for _ in range(3)]
    assert "not_told" not in await one.post(f"/task/{first}/cancel")

    site.proxy.stall()
    began = time.monotonic()
    cancelled = await one.post(f"/task/{second}/cancel")
    assert cancelled["task"]["state"] == "cancelled"
    assert cancelled["not_told"] == [ROBOT]
    assert "robot_a" in cancelled["message"]
    assert "cancelled" in cancelled["message"]
    assert time.monotonic() - began < 4
    # many at a time wait together, and each is told
    began = time.monotonic()
    moved = {"robot_id": ROBOT, "count": 1}
    look = await one.post("/tasks/cancel", {"robot_id": ROBOT})
    many, paused = await asyncio.gather(
        one.post("/tasks/cancel", {**moved, "up_to": look["up_to"]}),
        one.post("/queue/pause", {"robot_id": ROBOT, "reason": "again"}),
    )
    assert time.monotonic() - began < 4
    assert (many["task_ids"], many["not_told"]) == ([third], [ROBOT])
    assert paused["not_told"] == [ROBOT]
    # the emergency stop waits for nobody
    began = time.monotonic()
    _, stopped = await one.ask("POST", "/estop", {"reason": "smoke"})
    assert stopped["latched"]
    assert time.monotonic() - began < 1.5

    site.proxy.mend()
    await until(lambda: _all_told(one))


async def _all_told(member: Any) -> bool:
    return "not_told" not in await member.post("/queue/pause", {"reason": "once more"})
