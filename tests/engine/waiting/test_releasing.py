"""A place that an absent robot holds is given to others by a person who has looked."""

from __future__ import annotations

import asyncio

import pytest

from robotq.drivers.base import LinkState
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from tests.engine.conftest import Lab, StartLab


@pytest.fixture
async def two(start_lab: StartLab) -> Lab:
    """robot_b stands at the bench, and robot_a waits for it."""
    lab = await start_lab("robot_a", "robot_b")
    await lab.run("there", "GO", place="BENCH_LEFT", robot="robot_b")
    return lab


async def off(lab: Lab, robot: str = "robot_b") -> None:
    lab.drivers[robot].reachable = False
    lab.drivers[robot].link_changed(LinkState.DISCONNECTED, "off for repair")
    await lab.held(HoldCode.DISCONNECTED, robot=robot)


async def refused(lab: Lab, holder: str = "robot_b", since_ms: int | None = None) -> str:
    with pytest.raises(RobotqError) as told:
        await lab.engine.releasing.release("bench", holder, actor="ann", since_ms=since_ms)
    assert told.value.code.name == "resource_in_use"
    return str(told.value)


def holders(lab: Lab) -> dict[str, str]:
    return {one.resource: one.robot for one in lab.engine.reads.occupied()}


async def test_robot_that_is_off__gives_up_its_place_and_the_other_one_goes_there(
    two: Lab, start_lab: StartLab
) -> None:
    await off(two)
    waiting = await two.submit("waiting", "GO", place="BENCH_RIGHT")
    await two.quiet()
    assert (await two.find(waiting)).state is TaskState.PENDING
    release = two.engine.releasing.release
    was = await release("bench", "robot_b", actor="ann", note="at the workshop")
    assert was.robot == "robot_b"
    assert (await two.ended(waiting)).state is TaskState.COMPLETED
    assert holders(two) == {"bench": "robot_a"}
    (event,) = await two.events("resource.released")
    assert (event.actor, event.robot) == ("ann", "robot_b")
    assert (event.data["resource"], event.data["note"]) == ("bench", "at the workshop")
    # the same after a restart
    again = await start_lab("robot_a", data=await two.kill())
    assert holders(again) == {"bench": "robot_a"}


async def test_robot_that_is_not_configured__likewise(two: Lab, start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", data=await two.kill())
    assert holders(lab) == {"bench": "robot_b"}
    await lab.engine.releasing.release("bench", "robot_b", actor="ann")
    assert holders(lab) == {}
    assert (await lab.run("first", "GO", place="BENCH_LEFT")).state is TaskState.COMPLETED
    again = await start_lab("robot_a", data=await lab.kill())
    assert holders(again) == {"bench": "robot_a"}


async def test_another_holder__than_the_one_that_was_meant(two: Lab) -> None:
    await off(two)
    assert "robot_b holds it by now" in await refused(two, "robot_a")
    held = two.engine._parts.base.resources.holder("bench")
    assert held is not None
    assert "holds it by now" in await refused(two, since_ms=held.since_ms - 1)
    await two.engine.releasing.release("bench", "robot_b", actor="ann", since_ms=held.since_ms)
    with pytest.raises(RobotqError) as told:
        await two.engine.releasing.release("bench", "robot_b", actor="ann")
    assert told.value.code.name == "resource_not_held"


async def test_robot__that_says_it_stands_there_or_runs_keeps_it(two: Lab) -> None:
    assert "says that it stands at BENCH_LEFT" in await refused(two)
    two.drivers["robot_b"].place = None
    running = await two.at_gate("running", robot="robot_b")
    assert f"runs {running}" in await refused(two)
    assert holders(two)["bench"] == "robot_b"
    two.drivers["robot_b"].gate.set()
    await two.ended(running)
    # connected, at rest, and nowhere that it knows of: a person may know better
    await two.engine.releasing.release("bench", "robot_b", actor="ann")
    assert holders(two) == {}


async def test_robot__that_comes_back_and_stands_there_has_it_again(two: Lab) -> None:
    await off(two)
    await two.engine.releasing.release("bench", "robot_b", actor="ann")
    assert holders(two) == {}
    two.drivers["robot_b"].reachable = True
    await two.held(robot="robot_b")
    assert holders(two) == {"bench": "robot_b"}


async def test_release__while_its_robot_could_begin_keeps_it_from_going_there(two: Lab) -> None:
    """It comes back between the decision and the disk, and has a command for that place."""
    await off(two)
    two.drivers["robot_b"].place = None
    again = await two.submit("again", "GO", place="BENCH_LEFT", robot="robot_b")
    two.disk.hang_all()
    releasing = asyncio.create_task(two.engine.releasing.release("bench", "robot_b", actor="ann"))
    await two.quiet()
    assert two.engine._parts.base.resources.wait_of("robot_b", ["BENCH_LEFT"]) is not None
    two.disk.go_on()
    await releasing
    two.drivers["robot_b"].reachable = True
    assert (await two.ended(again)).state is TaskState.COMPLETED
    assert holders(two) == {"bench": "robot_b"}


async def test_full_disk__releases_nothing(two: Lab) -> None:
    await off(two)
    two.disk.full = "no space left"
    with pytest.raises(RobotqError) as told:
        await two.engine.releasing.release("bench", "robot_b", actor="ann")
    assert told.value.code.name == "store_unavailable"
    assert holders(two) == {"bench": "robot_b"}
    wait = two.engine._parts.base.resources.wait_of("robot_a", ["BENCH_LEFT"])
    assert wait is not None
    assert two.engine._parts.base.resources.wait_of("robot_b", ["BENCH_LEFT"]) is None
