"""No two robots in one place, whatever happens at the same time."""

from __future__ import annotations

import asyncio

import pytest

from robotq.catalog import Catalog
from robotq.engine.state.resources import Resources
from robotq.model.hold import HoldCode, WaitCode
from robotq.model.task import Command, Task, TaskState
from robotq.store.port import DropOccupancy, SaveOccupancy
from tests.engine.bench import CATALOG
from tests.engine.conftest import Lab, StartLab
from tests.engine.disk import writes


def occupied(lab: Lab) -> dict[str, str]:
    return {one.resource: one.robot for one in lab.engine.reads.occupied()}


async def on_disk(lab: Lab) -> dict[str, str]:
    restored = await lab.disk.data.open(finished=0)
    return {one.resource: one.robot for one in restored.occupancies}


@pytest.fixture
async def two(start_lab: StartLab) -> Lab:
    return await start_lab("robot_a", "robot_b")


async def test_place__is_kept_after_the_command_and_the_wait_names_who_has_it(two: Lab) -> None:
    await two.run("there", "GO", place="BENCH_LEFT")
    assert occupied(two) == {"bench": "robot_a"}
    task_id = await two.submit("too", "GO", robot="robot_b", place="BENCH_RIGHT")
    await two.quiet()
    (wait,) = two.engine.queue.waits(await two.find(task_id))
    assert (wait.code, wait.args) == (
        WaitCode.RESOURCE,
        {"resource": "bench", "occupied_by": "robot_a"},
    )
    assert two.drivers["robot_b"].done == []


async def test_place__is_given_up_after_leaving_and_the_other_robot_goes_on(two: Lab) -> None:
    await two.run("there", "GO", place="BENCH_LEFT")
    task_id = await two.submit("too", "GO", robot="robot_b", place="BENCH_RIGHT")
    await two.run("away", "GO", place="HALL")
    assert (await two.ended(task_id)).state is TaskState.COMPLETED
    assert occupied(two) == {"bench": "robot_b"} == await on_disk(two)


async def test_waiting_task__is_passed_over_by_those_that_can_run(two: Lab) -> None:
    await two.run("there", "GO", place="BENCH_LEFT")
    waiting = await two.submit("too", "GO", robot="robot_b", place="BENCH_RIGHT")
    later = await two.run("later", robot="robot_b")
    assert later.state is TaskState.COMPLETED
    assert (await two.find(waiting)).state is TaskState.PENDING


async def test_same_moment__only_one_of_two_robots_gets_the_place(two: Lab) -> None:
    """Both ask while neither claim is on disk yet."""
    for _ in range(5):
        first, second = await asyncio.gather(
            two.submit("a", "GO", robot="robot_a", place="BENCH_LEFT"),
            two.submit("b", "GO", robot="robot_b", place="BENCH_RIGHT"),
        )
        await two.quiet()
        states = {(await two.find(first)).state, (await two.find(second)).state}
        assert TaskState.PENDING in states
        (owner,) = set(occupied(two).values())
        await two.run("away", "GO", robot=owner, place="HALL")
        await two.ended(first)
        await two.ended(second)
        (owner,) = set(occupied(two).values())
        await two.run("away", "GO", robot=owner, place="HALL")


async def test_next_command__keeps_the_place_that_the_one_before_was_leaving(two: Lab) -> None:
    """What it has reported last and the next claim go into one commit; the claim counts."""
    await two.engine.pause("robot_a", actor="ann")
    first = await two.submit("there", "GO", place="BENCH_LEFT", leave=True)
    second = await two.submit("and there", "GO", place="BENCH_RIGHT")
    await two.engine.resume("robot_a", actor="ann")
    await two.ended(first)
    await two.ended(second)
    assert occupied(two) == {"bench": "robot_a"} == await on_disk(two)


async def test_left__as_the_last_thing_gives_the_place_up(two: Lab) -> None:
    await two.run("there and away", "GO", place="BENCH_LEFT", leave=True)
    assert occupied(two) == {} == await on_disk(two)


async def test_unknown_outcome__keeps_the_place_over_a_restart(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    lost = await lab.run("lost", "GO", place="BENCH_LEFT", uncertain="link_lost")
    assert occupied(lab) == {"bench": "robot_a"}
    again = await start_lab("robot_a", "robot_b", data=await lab.kill())
    again.drivers["robot_a"].place = "HALL"
    await again.relink("robot_a")
    assert occupied(again) == {"bench": "robot_a"}
    task_id = await again.submit("too", "GO", robot="robot_b", place="BENCH_RIGHT")
    await again.quiet()
    assert (await again.find(task_id)).state is TaskState.PENDING
    await again.engine.resolve(lost.id, "failed", actor="ann")
    await again.run("away", "GO", place="HALL")
    assert (await again.ended(task_id)).state is TaskState.COMPLETED


async def test_reconnect__a_robot_that_stands_elsewhere_gives_the_place_up(
    start_lab: StartLab,
) -> None:
    lab = await start_lab("robot_a", "robot_b")
    await lab.run("there", "GO", place="BENCH_LEFT")
    again = await start_lab("robot_a", "robot_b", data=await lab.kill())
    assert occupied(again) == {"bench": "robot_a"}, "it cannot say where it stands"
    again.drivers["robot_a"].place = "HALL"
    await again.relink("robot_a")
    assert occupied(again) == {} == await on_disk(again)


async def test_released_claim__gives_back_only_what_it_took(two: Lab) -> None:
    two.disk.hangs_at = writes(TaskState.RUNNING)
    task_id = await two.submit("there", "GO", place="BENCH_LEFT")
    await two.until(lambda: two.disk.hanging)
    assert occupied(two) == {"bench": "robot_a"}
    pausing = asyncio.create_task(two.engine.pause("robot_a", actor="ann"))
    await two.quiet()
    two.disk.go_on()
    await pausing
    await two.until(lambda: not occupied(two))
    assert (await two.find(task_id)).state is TaskState.PENDING
    assert await on_disk(two) == {}


async def test_claim__that_could_not_be_written_takes_nothing(two: Lab) -> None:
    await two.engine.pause("robot_a", actor="ann")
    await two.submit("there", "GO", place="BENCH_LEFT")
    await two.engine.resume("robot_a", actor="ann")
    two.disk.full = "no space left"
    await two.until(lambda: HoldCode.STORE_UNAVAILABLE in two.holds())
    assert occupied(two) == await on_disk(two)


async def test_reload__other_places_are_in_force_at_once(two: Lab) -> None:
    await two.run("there", "GO", place="BENCH_LEFT")
    task_id = await two.submit("too", "GO", robot="robot_b", place="BENCH_RIGHT")
    await two.quiet()
    assert (await two.find(task_id)).state is TaskState.PENDING
    two.engine._parts.base.resources.remap({"BENCH_LEFT": "left", "BENCH_RIGHT": "right"})
    two.engine.reads.robot_queue("robot_b").wake()
    assert (await two.ended(task_id)).state is TaskState.COMPLETED


# -- the bookkeeping by itself -------------------------------------------------------------------


def task(robot: str, number: int = 1) -> Task:
    return Task(
        id=f"{robot}-{number}",
        seq=number,
        api="robot",
        queue=robot,
        command=Command(cmd_type="GO"),
        actor="test",
        submitted_at_ms=0,
        rank=1.0,
    )


PLACES = {"LEFT": "bench", "RIGHT": "bench", "RACK": "rack"}


def test_taken__counts_before_it_is_written_and_not_after_it_failed() -> None:
    resources = Resources(PLACES, [])
    resources.take(task("a"), ["LEFT"], 0)
    assert resources.wait_of("b", ["RIGHT"]) is not None
    resources.give_back("a")
    assert resources.wait_of("b", ["RIGHT"]) is None


def test_given_up__counts_only_after_it_is_written() -> None:
    resources = Resources(PLACES, [])
    resources.commit(resources.take(task("a"), ["LEFT"], 0))
    resources.moved("a", "LEFT", ["LEFT"], 0)
    left = resources.moved("a", None, [], 0)
    assert left == [DropOccupancy("bench")]
    assert resources.wait_of("b", ["RIGHT"]) is not None
    assert resources.commit(left)
    assert resources.wait_of("b", ["RIGHT"]) is None


def test_come_back__while_the_leaving_was_being_written() -> None:
    resources = Resources(PLACES, [])
    resources.commit(resources.moved("a", "LEFT", [], 0))
    left = resources.moved("a", None, [], 0)
    back = resources.moved("a", "RIGHT", [], 0)
    assert [type(mutation) for mutation in [*left, *back]] == [DropOccupancy, SaveOccupancy]
    assert not resources.commit(left), "it is there again"
    resources.commit(back)
    assert resources.wait_of("b", ["LEFT"]) is not None


def test_one_step_to_another_place_of_the_same_resource__keeps_it() -> None:
    resources = Resources(PLACES, [])
    resources.commit(resources.moved("a", "LEFT", [], 0))
    assert resources.moved("a", "RIGHT", [], 0) == []


def test_needed__is_kept_while_the_robot_is_on_its_way() -> None:
    resources = Resources(PLACES, [])
    resources.commit(resources.take(task("a"), ["LEFT", "RACK"], 0))
    resources.commit(resources.moved("a", "LEFT", ["LEFT", "RACK"], 0))
    assert resources.moved("a", None, ["LEFT", "RACK"], 0) == []
    resources.commit(resources.moved("a", "RACK", ["LEFT", "RACK"], 0))
    assert resources.ended("a", ["LEFT", "RACK"], []) == [DropOccupancy("bench")]


def test_silent_driver__is_taken_to_be_where_its_last_command_led_it() -> None:
    """Most controllers never say where they stand; the place must not look free."""
    resources = Resources(PLACES, [])
    resources.commit(resources.take(task("a"), ["LEFT"], 0))
    assert resources.ended("a", ["LEFT"], []) == []
    assert resources.ended("a", [], []) == [], "a command that goes nowhere has not left it"
    resources.commit(resources.take(task("a", 2), ["RACK"], 0))
    assert resources.ended("a", ["RACK"], []) == [DropOccupancy("bench")]


def test_arrived__where_another_robot_stands_takes_nothing_from_it() -> None:
    resources = Resources(PLACES, [])
    resources.commit(resources.moved("a", "LEFT", [], 0))
    assert resources.moved("b", "RIGHT", [], 0) == []
    assert [one.robot for one in resources.occupied()] == ["a"]


@pytest.fixture
async def silent(start_lab: StartLab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Robots that never tell where they stand, and two places."""
    monkeypatch.setattr("robotq.engine.robot.context.RunContext.moved_to", lambda *_: None)
    resources = {"bench": ["BENCH_LEFT", "BENCH_RIGHT"], "scale": ["SCALE"]}
    return await start_lab("robot_a", "robot_b", resources=resources)


async def test_silent_robot__is_not_where_a_command_that_never_began_would_have_led_it(
    silent: Lab,
) -> None:
    """It was believed at the scale, and the other robot came to the bench, where it stands."""
    await silent.run("there", "GO", place="BENCH_LEFT")
    never = await silent.run("not for me", "GO", place="SCALE", unknown=True)
    assert never.error is not None
    assert never.error.code == "robot_cannot"
    assert occupied(silent) == {"bench": "robot_a"} == await on_disk(silent)
    other = await silent.submit("too", "GO", robot="robot_b", place="BENCH_RIGHT")
    await silent.quiet()
    assert (await silent.find(other)).state is TaskState.PENDING


async def test_silent_robot__a_command_that_a_reload_made_wrong_has_led_it_nowhere(
    silent: Lab,
) -> None:
    await silent.run("there", "GO", place="BENCH_LEFT")
    gate = await silent.at_gate("busy")
    never = await silent.submit("gone", "GO", place="SCALE")
    without = Catalog([spec for spec in CATALOG if spec.cmd_type != "GO"])
    silent.engine._parts.base.settings.catalog = without
    silent.driver.gate.set()
    await silent.ended(gate)
    await silent.held(HoldCode.DOES_NOT_FIT)
    assert (await silent.find(never)).state is TaskState.PENDING
    assert occupied(silent).get("bench") == "robot_a"
    assert "scale" not in occupied(silent)
    assert occupied(silent) == await on_disk(silent)


async def test_silent_robot__a_stop_before_the_begin_has_led_it_nowhere(
    silent: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    await silent.run("there", "GO", place="BENCH_LEFT")
    host = silent.engine.robots["robot_a"].host
    # the stop comes while the thread of the driver is waking up
    monkeypatch.setattr(host._no_motion, "is_set", lambda: True)
    task = await silent.run("stopped", "GO", place="SCALE")
    assert task.state is TaskState.CANCELLED
    assert occupied(silent) == {"bench": "robot_a"} == await on_disk(silent)


@pytest.mark.parametrize("when", ["while its end is being written", "afterwards"])
async def test_arrived__after_it_was_given_up_has_the_place_whenever_it_comes_back(
    two: Lab, when: str
) -> None:
    """Nobody else is sent to where it stands now."""
    task_id = await two.at_gate("deaf", end_at="BENCH_LEFT")
    if when != "afterwards":
        two.disk.hangs_at = writes(TaskState.FAILED)
    cancelling = asyncio.create_task(two.engine.queue.cancel(task_id, actor="ann"))
    if when == "afterwards":
        await cancelling
    else:
        await two.until(lambda: two.disk.hanging)
    two.driver.gate.set()
    await two.until(lambda: not two.engine.robots["robot_a"].host.busy)
    two.disk.go_on()
    assert (await cancelling).outcome_unknown
    async with asyncio.timeout(5):
        while await on_disk(two) != {"bench": "robot_a"}:  # noqa: ASYNC110 - a disk tells nobody
            await asyncio.sleep(0.001)
    await two.held(HoldCode.OUTCOME_UNKNOWN)
    assert occupied(two) == {"bench": "robot_a"}
