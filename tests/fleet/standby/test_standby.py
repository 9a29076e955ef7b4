"""A robot in the network, and a second machine that takes it over."""

from __future__ import annotations

import asyncio
import random
import re
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from .pair import NOD, Machine, Pair

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.wall("daemons and a device in processes of their own"),
    pytest.mark.real_time("a lease runs out by the clock of the wall"),
]


@pytest.mark.long
@pytest.mark.parametrize("seed", range(50))
async def test_stopped_between_the_look_and_the_byte__the_byte_never_counts(
    new_postgres: str, tmp_path: Path, seed: int
) -> None:
    await stopped_between(new_postgres, tmp_path, nth=1 + seed % 6)


async def stopped_between(dsn: str, folder: Path, *, nth: int) -> None:
    async with Pair(folder, dsn) as pair:
        one, two = pair.one, pair.two
        await one.start(f"fleet_looked:{nth}:stop")
        await pair.until_drives(one)
        await two.start()
        ids = [await pair.submit(one, NOD) for _ in range(3)]
        await pair.until(lambda: _stands_still(one))
        # two looks for each command
        begun = ids[(nth - 1) // 2]
        assert (await pair.ended(two, begun))["state"] == "completed"
        one.thaw()
        # what lab-1 had accepted alone, and nobody knew, comes to lab-2 now
        done = [await pair.ended(two, task_id) for task_id in ids]
        assert [task["state"] for task in done] == ["completed"] * 3
        for task_id in ids:
            there = await pair.ended(one, task_id)
            assert there["state"] == "completed" or there["result"]["error_code"] == "handed_over"
        await pair.until_knows(one, "driven by lab-2 (epoch 2)")
        # longer than anything of lab-1 could have waited
        await asyncio.sleep(0.5)

        moved = pair.motions()
        once = [motion for task, motion in moved if task == ids[0]]
        assert once
        for task_id in ids:
            assert [motion for task, motion in moved if task == task_id] == once, "each once"
        if nth % 2 == 0:
            # its start was on its way, and at the latest a question before it was refused
            assert any("under epoch 1" in line for line in pair.refused())


@pytest.mark.long
@pytest.mark.parametrize("seed", range(12))
async def test_machine_that_drives__is_killed_again_and_again_and_each_command_is_done_once(
    new_postgres: str, tmp_path: Path, seed: int
) -> None:
    """They take turns: each is killed or stands still while it drives, and is back as the
    standby."""
    await killed_in_turn(new_postgres, tmp_path, seed=seed)


async def killed_in_turn(dsn: str, folder: Path, *, seed: int) -> None:
    rng = random.Random(seed)
    async with Pair(folder, dsn, time_scale=0.15) as pair:
        drives, waits = pair.one, pair.two
        points = ("", "", "fleet_looked:3", "started:2", "finish:2", "claimed:2", "fleet_adopted:1")
        await drives.start()
        await pair.until_drives(drives)
        await waits.start()
        ids: list[str] = []
        for _ in range(3):
            for _ in range(3):
                await pair.until(partial(_submitted, pair, drives, ids))
            # at the machine that does not drive, whose answer says who has it
            await pair.until(partial(_takes_for_the_other, pair, waits, ids))
            await asyncio.sleep(rng.uniform(0.0, 1.2))
            if rng.random() < 0.4:
                drives.freeze()
                await pair.until(partial(_drives_at_last, pair, waits))
                await asyncio.sleep(rng.uniform(0.0, 0.5))
                drives.thaw()
            else:
                await drives.kill()
                await pair.until(partial(_drives_at_last, pair, waits))
                await drives.start(rng.choice(points))
            drives, waits = waits, drives

        unknown: set[str] = set()

        async def all_ended() -> bool:
            for machine in (drives, waits):
                if not machine.process.alive():
                    # it has come to its crash point
                    await machine.start()
                unknown.update(await _person(pair, machine))
            return all([await _has_ended(pair, drives, task_id) for task_id in ids])

        await pair.until(all_ended, 90, lambda: ids)
        moved = pair.motions()
        # one that went and came back has the same id with a number behind it
        of = {
            task_id: [m for task, m in moved if task.partition("-")[0] == task_id]
            for task_id in ids
        }
        longest = max(of.values(), key=len)
        doubled = {task_id: found for task_id, found in of.items() if len(found) > len(set(found))}
        assert not doubled, "nothing moved twice"
        never = {task_id for task_id, found in of.items() if found != longest}
        assert never <= unknown, "what nobody was asked about has moved once"


@pytest.mark.long
async def test_command_that_comes_back_to_who_has_begun_it__is_not_begun_once_more(
    new_postgres: str, tmp_path: Path
) -> None:
    """The other machine has followed it to its end, and died before it had written that down."""
    async with Pair(tmp_path, new_postgres, time_scale=0.15) as pair:
        one, two = pair.one, pair.two
        await one.start()
        await pair.until_drives(one)
        await two.start("finish")
        await pair.until_knows(two, "driven by lab-1 (epoch 1)")
        task_id = await pair.submit(one, NOD)
        await pair.until_moved()
        await one.kill()
        await pair.until_dead(two, 60)

        await one.start()
        await pair.until(lambda: _has_ended(pair, one, task_id), 60)
        assert len(pair.motions()) == 1, pair.motions()


@pytest.mark.long
async def test_batch_that_has_begun__lets_nothing_in_between_at_the_second_machine_either(
    new_postgres: str, tmp_path: Path
) -> None:
    """Also where that is more urgent: the robot may have something in its gripper."""
    async with Pair(tmp_path, new_postgres, time_scale=0.3) as pair:
        one, two = pair.one, pair.two
        await pair.both_are_there()
        path = "/?contiguous=true"
        status, answer = await one.ask(pair.http, "POST", path, [NOD] * 3)
        assert status == 200, answer
        batch = answer["task_ids"]
        await pair.until_moved()
        await one.ask(pair.http, "POST", "/queue/pause", {"reason": "cleaning"})
        urgent = await pair.submit(one, {**NOD, "priority": 10})
        assert (await pair.ended(one, batch[0]))["state"] == "completed"
        await pair.until(lambda: _has_ended(pair, two, batch[0]))
        await one.kill()
        await pair.until_drives(two)
        # and a life of the second machine later
        await two.kill()
        await two.start()
        await pair.until_drives(two)
        await pair.resume(two)
        assert (await pair.ended(two, urgent))["state"] == "completed"
        assert pair.order() == [*batch, urgent]


async def _submitted(pair: Pair, machine: Machine, ids: list[str]) -> bool:
    if not machine.process.alive():
        # it has come to its crash point; what it had not answered is nobody's
        await machine.start()
    ids.append(await pair.submit(machine, NOD))
    return True


async def _takes_for_the_other(pair: Pair, machine: Machine, ids: list[str]) -> bool:
    """Once it knows who drives. Before that it keeps the command until the other one takes it."""
    if not machine.process.alive():
        # it has driven meanwhile, and come to its crash point
        await machine.start()
    if await _drives(pair, machine):
        # the other one came to its crash point
        return True
    if not await _knows(pair, machine, "driven by"):
        return False
    status, answer = await machine.ask(pair.http, "POST", "/", NOD)
    assert status == 200, answer
    if answer["task_id"] not in ids:
        ids.append(answer["task_id"])
    return answer.get("accepted_by") == "fleet"


async def _drives_at_last(pair: Pair, machine: Machine) -> bool:
    if not machine.process.alive():
        # it has come to its crash point
        await machine.start()
    return await _drives(pair, machine)


async def _person(pair: Pair, machine: Machine) -> set[str]:
    """Who looks at the robot where an outcome is unknown: a daemon was killed between its claim
    and its first byte. Returns the commands that this was about."""
    found: set[str] = set()
    _, failed = await machine.ask(pair.http, "GET", "/tasks?state=failed")
    for task in failed["tasks"]:
        if "outcome_unknown" in str(task):
            body = {"outcome": "failed", "note": "looked at it"}
            await machine.ask(pair.http, "POST", f"/task/{task['task_id']}/resolve", body)
            found.add(task["task_id"].partition("-")[0])
    holds = re.findall(r"hold_[a-z0-9]{8}", str(await pair.robot(machine)))
    if holds:
        await machine.ask(pair.http, "POST", "/queue/resume", {"holds": holds})
    return found


async def _has_ended(pair: Pair, machine: Machine, task_id: str) -> bool:
    """Whether it has ended somewhere, and was not only handed over."""
    status, found = await machine.ask(pair.http, "GET", "/fleet/tasks?limit=500")
    assert status == 200, found
    return any(
        one["task"]["state"] in ("completed", "failed")
        for one in found["tasks"]
        if one["task"]["task_id"].partition("-")[0] == task_id
        and "handed_over" not in str(one["task"])
    )


async def _drives(pair: Pair, machine: Machine) -> bool:
    return bool((await pair.robot(machine))["connected"])


async def _stands_still(machine: Machine) -> bool:
    return bool(machine.stands_still)


async def _knows(pair: Pair, machine: Machine, text: str) -> bool:
    return text in str(await pair.robot(machine))


@pytest.mark.long
async def test_key__counts_at_both_machines_also_where_one_dies_before_its_answer(
    new_postgres: str, tmp_path: Path
) -> None:
    async with Pair(tmp_path, new_postgres) as pair:
        one, two = pair.one, pair.two
        await one.start("fleet_taken")
        await pair.until_drives(one)
        await two.start()
        with pytest.raises(aiohttp.ClientError):
            await pair.submit(one, NOD, key="k")
        await pair.until_dead(one)
        await pair.until_drives(two)
        # lab-1 has it on its disk, and could not tell anybody
        told = await pair.submit(two, NOD, key="k")
        await one.start()
        assert (await pair.ended(two, told))["state"] == "completed"
        assert await pair.submit(two, NOD, key="k") == told
        assert [task for task, _ in pair.motions()] == [told]

        async def nothing_waits() -> bool:
            found = (await two.ask(pair.http, "GET", "/fleet"))[1]
            return not found["waiting"]

        await pair.until(nothing_waits)
