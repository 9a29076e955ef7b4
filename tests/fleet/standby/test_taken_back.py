"""A person takes something back at the machine that drives, is told that it is done, and the
machine dies in that moment: what the second one does then."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from robotq.testing.emulators import GrblEmulator
from tests.drivers.gcode.test_over_http import plugged

from .pair import NOD, ROBOT, Pair

pytestmark = [
    pytest.mark.timeout(200),
    pytest.mark.long,
    pytest.mark.wall("daemons and a device in processes of their own"),
    pytest.mark.real_time("a lease runs out by the clock of the wall"),
]

_CONFIG = Path(__file__).parents[3] / "config"
STAYS = {"then": "stay_paused", "note": "cleaning"}


@pytest.fixture
def pair_of(new_postgres: str, tmp_path: Path) -> Callable[..., Pair]:
    """lab-1 tells by itself what has happened every eight seconds only."""
    return partial(Pair, tmp_path, new_postgres, time_scale=0.3, first_poll_s=8)


async def _waiting(pair: Pair, count: int = 4, **headers: str) -> Sequence[str]:
    """Commands at lab-1, which carries out the first one; both machines know of all."""
    ids = []
    for _ in range(count):
        status, answer = await pair.one.ask(pair.http, "POST", "/", NOD, **headers)
        assert status == 200, answer
        ids.append(answer["task_id"])

    async def known() -> bool:
        found = [(await pair.two.ask(pair.http, "GET", f"/task/{one}"))[0] for one in ids]
        return found == [200] * count

    await pair.until(known)
    return ids


async def _done(pair: Pair, path: str, body: Any = None) -> dict[str, Any]:
    status, answer = await pair.one.ask(pair.http, "POST", path, body or {})
    assert status == 200, answer
    assert "not_told" not in answer
    return answer


async def _done_and_dead(pair: Pair, path: str, body: Any = None) -> dict[str, Any]:
    one = pair.one
    status, answer = await one.ask(pair.http, "POST", path, body or {})
    os.kill(one.process.pid, signal.SIGKILL)
    assert status == 200, answer
    assert "not_told" not in answer
    await one.kill()
    return answer


async def _completed(pair: Pair, ids: Sequence[str]) -> None:
    for task_id in ids:
        task = await pair.ended(pair.two, task_id)
        assert task["state"] == "completed", task


async def _nothing_begins(pair: Pair, begun: set[str]) -> None:
    """Longer than a command that is not held would take to begin."""
    await asyncio.sleep(1.5)
    assert {task for task, _ in pair.motions()} <= begun


async def test_reject__the_second_machine_neither_does_it_nor_asks_again(
    pair_of: Callable[..., Pair], tmp_path: Path
) -> None:
    specs = tmp_path / "approval.yaml"
    specs.write_text("commands:\n  ROBOT_ACTION: {approval: true}\n", "utf-8")
    async with pair_of(more={"commands": [str(specs)]}) as pair:
        await pair.both_are_there()
        (wanted,) = await _waiting(pair, 1, X_Robotq_Agent="mcp")
        await _done_and_dead(pair, f"/task/{wanted}/reject", {"reason": "wrong bottle"})

        await pair.until_drives(pair.two)
        task = await pair.ended(pair.two, wanted)
        assert (task["state"], task["result"]["error_code"]) == ("cancelled", "rejected")
        assert pair.motions() == []


async def test_reorder__counts_at_the_second_machine(pair_of: Callable[..., Pair]) -> None:
    async with pair_of() as pair:
        await pair.both_are_there()
        await _done(pair, "/queue/pause")
        *others, last = await _waiting(pair)
        await _done_and_dead(pair, "/queue/reorder", {"task_id": last, "to": "head"})
        await pair.until_drives(pair.two)
        await pair.resume(pair.two)
        await _completed(pair, [last, *others])
        assert pair.order() == [last, *others]


async def test_moved_again_and_again_between_two__stands_there_at_the_second_machine_too(
    pair_of: Callable[..., Pair],
) -> None:
    """There is no room left between the two, so those behind stand elsewhere too."""
    async with pair_of() as pair:
        await pair.both_are_there()
        await _done(pair, "/queue/pause")
        first, second, *others = await _waiting(pair, 6)
        left = list(others)
        for _ in range(14):
            left.insert(0, left.pop())
            await _done(pair, "/queue/reorder", {"task_id": left[0], "after": first})
        await _done_and_dead(pair, "/queue/reorder", {"task_id": second, "after": left[0]})
        await pair.until_drives(pair.two)
        await pair.resume(pair.two)
        wanted = [first, left[0], second, *left[1:]]
        await _completed(pair, wanted)
        assert pair.order() == wanted


async def test_moved_to_another_robot__is_not_done_at_the_second_machine(
    pair_of: Callable[..., Pair],
) -> None:
    async with pair_of(first_robots={"robot_b": {"driver": "simulator"}}) as pair:
        await pair.both_are_there()
        *others, last = await _waiting(pair)
        await _done_and_dead(pair, f"/task/{last}/move", {"robot_id": "robot_b"})
        await pair.until_drives(pair.two)
        await _completed(pair, others)
        await _nothing_begins(pair, set(others))


async def test_motion_that_a_person_holds__stands_at_the_second_machine(
    pair_of: Callable[..., Pair],
) -> None:
    async with pair_of() as pair:
        await pair.both_are_there()
        ids = await _waiting(pair)
        await pair.until(lambda: _moves(pair))
        await _done_and_dead(pair, f"/robots/{ROBOT}/hold")
        begun = {task for task, _ in pair.motions()}
        held = len(pair.motions())

        await pair.until_drives(pair.two)
        await _nothing_begins(pair, begun)
        assert len(pair.motions()) == held
        robot = await pair.robot(pair.two)
        assert robot["motion_held"], robot
        assert "lab-1" in str(robot["holds"]), robot
        # who lets it go on sees both: that of the motion, and that of the queue
        named = {hold["code"]: hold["id"] for hold in robot["holds"]}
        body = {"holds": [named["motion_held"]]}
        status, answer = await pair.two.ask(pair.http, "POST", f"/robots/{ROBOT}/resume", body)
        assert status == 200, answer
        if "paused" in named:
            await pair.resume(pair.two)
        await _completed(pair, ids)
        assert pair.order() == list(ids)


async def _moves(pair: Pair) -> bool:
    return bool((await pair.robot(pair.one))["running_task"])


@pytest.mark.parametrize("verb", ["approve", "retry", "resume", "motion"])
async def test_stay_paused__holds_at_the_second_machine(
    pair_of: Callable[..., Pair], tmp_path: Path, verb: str
) -> None:
    specs = tmp_path / "approval.yaml"
    specs.write_text("commands:\n  ROBOT_ACTION: {approval: true}\n", "utf-8")
    async with pair_of(more={"commands": [str(specs)]}) as pair:
        await pair.both_are_there()
        body: dict[str, Any] = dict(STAYS)
        if verb == "approve":
            await _waiting(pair, 1)
            (asked,) = await _waiting(pair, 1, X_Robotq_Agent="mcp")
            path = f"/task/{asked}/approve"
        elif verb == "retry":
            ended, _ = await _waiting(pair, 2)
            await _done(pair, f"/task/{ended}/cancel")
            path = f"/task/{ended}/retry"
        elif verb == "resume":
            paused = await _done(pair, "/queue/pause", {"reason": "lunch"})
            await _waiting(pair, 2)
            path = "/queue/resume"
            body["holds"] = [paused["holds"][0]["id"]]
        else:
            await _waiting(pair, 2)
            await pair.until(lambda: _moves(pair))
            held = await _done(pair, f"/robots/{ROBOT}/hold")
            path = f"/robots/{ROBOT}/resume"
            body["holds"] = [held["holds"][0]["id"]]
        await _done_and_dead(pair, path, body)
        begun = {task for task, _ in pair.motions()}
        running = await _running(pair)
        await pair.until_drives(pair.two)
        await _nothing_begins(pair, begun | running)
        assert "cleaning" in str((await pair.robot(pair.two))["holds"])


async def _running(pair: Pair) -> set[str]:
    _, answer = await pair.two.ask(pair.http, "GET", "/fleet/tasks?daemon=lab-1&state=running")
    return {one["task"]["task_id"] for one in answer["tasks"]}


async def test_resume__goes_on_at_the_second_machine(pair_of: Callable[..., Pair]) -> None:
    async with pair_of() as pair:
        await pair.both_are_there()
        paused = await _done(pair, "/queue/pause", {"reason": "lunch"})
        ids = await _waiting(pair)
        await _done_and_dead(pair, "/queue/resume", {"holds": [paused["holds"][0]["id"]]})
        await pair.until_drives(pair.two)
        await _completed(pair, ids)
        assert pair.order() == list(ids)


async def test_two_people_paused__the_second_machine_tells_of_both(
    pair_of: Callable[..., Pair],
) -> None:
    async with pair_of() as pair:
        await pair.both_are_there()
        path = "/queue/pause"
        for name, reason in (("Li", "hands in the machine"), ("Wang", "lunch")):
            status, answer = await pair.one.ask(
                pair.http, "POST", path, {"reason": reason}, X_Robotq_Name=name
            )
            assert (status, answer.get("not_told")) == (200, None), answer
        await pair.one.kill()
        await pair.until_drives(pair.two)
        told = str((await pair.robot(pair.two))["holds"])
        assert "lunch" in told
        assert "hands in the machine" in told


async def test_resolve__is_not_asked_again_at_the_second_machine(
    pair_of: Callable[..., Pair],
) -> None:
    async with pair_of() as pair:
        await pair.both_are_there()
        (task_id,) = await _waiting(pair, 1)
        await pair.until(lambda: _moves(pair))
        await asyncio.to_thread(pair.lose_power)
        task = await pair.ended(pair.one, task_id)
        assert task["result"]["error_code"] == "outcome_unknown", task
        await pair.until_drives(pair.one)
        await _done_and_dead(pair, f"/task/{task_id}/resolve", {"outcome": "completed"})

        await pair.until_drives(pair.two)
        assert (await pair.robot(pair.two))["holds"] == []
        there = await pair.task(pair.two, task_id)
        assert there["resolution"]["outcome"] == "completed", there
        assert there["fleet"]["daemon"] == "lab-1", there
        await _completed(pair, [await pair.submit(pair.two, NOD)])


async def test_raw_line__leaves_the_queue_paused_at_the_second_machine(
    pair_of: Callable[..., Pair], tmp_path: Path
) -> None:
    robot = {"driver": "grbl", "options": {"port": f"{tmp_path}/tty*"}}
    more = {"commands": [str(_CONFIG / "gcode-commands.yaml")]}
    machine = GrblEmulator(tmp_path / "ttyUSB0", homing=True, speed=10)
    async with plugged(machine), pair_of(robot=robot, fence="none", more=more) as pair:
        await pair.both_are_there()
        await _done(pair, "/queue/pause", {"reason": "the gripper"})
        task_id = await pair.submit(pair.one, {"cmd_type": "HOME"})
        told = await _done_and_dead(pair, f"/robots/{ROBOT}/raw", {"line": "$X"})
        assert told["outcome"] == "answered", told

        await pair.until(lambda: _asks_whether_off(pair))
        status, taken = await pair.two.ask(
            pair.http, "POST", f"/fleet/robots/{ROBOT}/take", {"old_machine_is_off": True}
        )
        assert status == 200, taken
        await pair.until_drives(pair.two)
        there = await pair.robot(pair.two)
        assert "the gripper" in str(there["holds"])
        # nobody knows what the line has done
        assert not there["position_known"]
        assert (await pair.task(pair.two, task_id))["state"] == "pending"
        assert machine.axes.travelled_mm == 0


async def _asks_whether_off(pair: Pair) -> bool:
    return "A person has to say that it is off" in str(await pair.robot(pair.two))
