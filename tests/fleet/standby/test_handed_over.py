"""A command that goes from one machine of a robot to the other, while they die on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fleet.proxy import Proxy

from .pair import NOD, Machine, Pair

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.long,
    pytest.mark.wall("daemons and a device in processes of their own"),
    pytest.mark.real_time("a lease runs out by the clock of the wall"),
]


async def test_command_that_went_through_a_machine_that_died__is_not_done_there_later(
    new_postgres: str, tmp_path: Path
) -> None:
    """lab-2 had it in the database's word only, when it died; lab-1 has done it meanwhile."""
    async with Pair(tmp_path, new_postgres) as pair:
        one, two = pair.one, pair.two
        task_id = await _waits_at_one_of_two(pair, dies_at="fleet_given")
        await one.kill()
        await pair.until_dead(two)
        await one.start()
        await pair.until_drives(one)
        await pair.resume(one)
        await pair.until_moved()
        await pair.until_nothing_waits(one)
        await one.kill()

        await two.start()
        await pair.until_drives(two)
        # the pause had come to it before it died
        await pair.resume(two)
        await _one_more(pair, two)
        _each_once(pair, task_id, 2)


async def test_command_that_both_took_and_neither_had__is_done_by_who_drives_then(
    new_postgres: str, tmp_path: Path
) -> None:
    async with Pair(tmp_path, new_postgres) as pair:
        one, two = pair.one, pair.two
        task_id = await _waits_at_one_of_two(pair, dies_at="fleet_given")
        await one.kill()
        await pair.until_dead(two)
        await one.start("fleet_given")
        await pair.until_dead(one)

        await two.start()
        await pair.until_drives(two)
        await pair.resume(two)
        assert (await pair.ended(two, task_id))["state"] == "completed"
        await one.start()
        await pair.until_nothing_waits(one)
        _each_once(pair, task_id, 1)


async def test_command_that_came_back_to_a_machine_that_died__is_done_once_when_that_is_back(
    new_postgres: str, tmp_path: Path
) -> None:
    """lab-1 had it in its queue again, under an id that nobody was told of."""
    async with Pair(tmp_path, new_postgres) as pair:
        one, two = pair.one, pair.two
        task_id = await _waits_at_one_of_two(pair, dies_at="")
        await one.kill()
        await pair.until_drives(two)
        await pair.until_knows(two, "cleaning")
        await two.kill()
        await one.start("fleet_adopted")
        await pair.until_dead(one)

        await two.start()
        await pair.until_drives(two)
        await pair.resume(two)
        await one.start()
        await pair.until_moved()
        await pair.until_nothing_waits(two)
        await two.kill()
        await pair.until_drives(one)
        await pair.resume(one)
        await _one_more(pair, one)
        _each_once(pair, task_id, 2)


@pytest.fixture
async def proxy(new_postgres: str) -> AsyncIterator[Proxy]:
    """The way of lab-1 to the database."""
    made = Proxy(new_postgres)
    await made.start()
    yield made
    await made.close()


async def test_command_that_came_back_to_who_had_done_it__is_not_done_by_the_other_one(
    new_postgres: str, tmp_path: Path, proxy: Proxy
) -> None:
    async with Pair(tmp_path, new_postgres, time_scale=0.3, first_dsn=proxy.dsn) as pair:
        one, two = pair.one, pair.two
        task_id = await _done_at_one_and_in_doubt_at_two(pair, proxy)
        last = await _one_more(pair, one)
        await pair.until(lambda: _is_told(pair, one, last))
        await one.kill()
        await two.start()
        await pair.until_drives(two)
        await _one_more(pair, two)
        await pair.until_nothing_waits(two)
        _each_once(pair, task_id, 3)


async def test_command_in_doubt__when_the_other_machine_had_begun_the_next_one__keeps_no_robot(
    new_postgres: str, tmp_path: Path, proxy: Proxy
) -> None:
    """The device is asked for the one that it may have in hand, a person for the one before."""
    async with Pair(tmp_path, new_postgres, time_scale=0.3, first_dsn=proxy.dsn) as pair:
        one, two = pair.one, pair.two
        task_id = await _done_at_one_and_in_doubt_at_two(pair, proxy)
        begun = await pair.submit(one, NOD)
        await pair.until(lambda: _has_moved(pair, begun))
        await one.kill()
        await two.start()
        await pair.until_drives(two)
        assert (await pair.ended(two, begun))["state"] == "completed"
        doubted = await pair.ended(two, task_id)
        assert doubted["result"]["error_code"] == "outcome_unknown", doubted
        resolution = {"outcome": "completed", "revision": doubted["revision"]}
        status, answer = await two.ask(pair.http, "POST", f"/task/{task_id}/resolve", resolution)
        assert status == 200, answer
        await _one_more(pair, two)
        _each_once(pair, task_id, 3)


async def _done_at_one_and_in_doubt_at_two(pair: Pair, proxy: Proxy) -> str:
    """lab-1 has the end of a command on its disk, and could not tell anybody: the database was away
    for it. lab-2 has it too, and died before it could ask the device. lab-1 drives again."""
    one, two = pair.one, pair.two
    await one.start()
    await pair.until_drives(one)
    await two.start("fleet_adopted")
    await pair.until_knows(two, "driven by lab-1")
    task_id = await pair.submit(one, NOD)
    await pair.until_moved()
    proxy.cut()
    assert (await pair.ended(one, task_id))["state"] == "completed"
    await pair.until_dead(two)
    proxy.mend()
    await pair.until_drives(one)
    return task_id


async def _is_told(pair: Pair, machine: Machine, task_id: str) -> bool:
    """Whether the database knows its end."""
    _, found = await machine.ask(pair.http, "GET", f"/fleet/tasks/{task_id}")
    return found.get("state") == "completed"


async def _has_moved(pair: Pair, task_id: str) -> bool:
    return any(task == task_id for task, _ in pair.motions())


async def _waits_at_one_of_two(pair: Pair, *, dies_at: str) -> str:
    """A command behind a pause at lab-1, that the database knows; lab-2 dies as it takes over."""
    await pair.one.start()
    await pair.until_drives(pair.one)
    await pair.two.start(dies_at)
    await pair.until_knows(pair.two, "driven by lab-1")
    await pair.one.ask(pair.http, "POST", "/queue/pause", {"reason": "cleaning"})
    task_id = await pair.submit(pair.one, NOD)

    async def is_known() -> bool:
        return (await pair.two.ask(pair.http, "GET", f"/task/{task_id}"))[0] == 200

    await pair.until(is_known)
    return task_id


async def _one_more(pair: Pair, machine: Machine) -> str:
    """So that the robot is seen to be driven from there, and nothing stands before it."""
    task_id = await pair.submit(machine, NOD)
    assert (await pair.ended(machine, task_id))["state"] == "completed"
    return task_id


def _each_once(pair: Pair, task_id: str, count: int) -> None:
    """The robot has done so many commands, this one among them, under whichever id."""
    moved = [task.partition("-")[0] for task, _ in pair.motions()]
    assert task_id in moved
    assert len(moved) == len(set(moved)) == count, moved
