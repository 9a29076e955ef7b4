"""A robot leaves the configuration while commands wait for it: they are seen, moved, called off."""

from __future__ import annotations

import pytest

from robotq.catalog import Catalog, CommandSpec
from robotq.config import RobotConfig
from robotq.engine.state.known_robots import KnownRobots
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from tests.engine.bench import CATALOG, bench_config
from tests.engine.conftest import Lab, StartLab


async def without_robot_b(start_lab: StartLab, *cmd_ids: str, catalog: Catalog = CATALOG) -> Lab:
    """Commands wait for robot_b; then the configuration has robot_a alone."""
    lab = await start_lab("robot_a", "robot_b")
    await lab.engine.pause("robot_b", actor="ann")
    for cmd_id in cmd_ids:
        await lab.submit(cmd_id, robot="robot_b")
    return await start_lab("robot_a", data=await lab.kill(), catalog=catalog)


def ids(lab: Lab, robot: str = "robot_b") -> list[str]:
    return [task.id for task in lab.engine.reads.robot_queue(robot)]


async def test_queue__of_a_robot_that_is_gone_is_counted_and_held(start_lab: StartLab) -> None:
    lab = await without_robot_b(start_lab, "b1", "b2", "b3")
    assert list(lab.engine.queue_names) == ["robot_a", "robot_b"]
    assert "robot_b (3 waiting)" in lab.engine.absent.line
    hold = lab.engine.holds.get("robot_b", HoldCode.NOT_CONFIGURED)
    assert hold is not None
    assert hold.args["tasks"] == 3
    assert lab.engine.reads.counts(queue="robot_b").pending == 3
    assert (await lab.run("first")).state is TaskState.COMPLETED
    # what is called off is counted at once, and with the last one the queue is over
    for left, task_id in reversed(list(enumerate(ids(lab)))):
        await lab.engine.queue.cancel(task_id, actor="ann")
        if left:
            await lab.until(lambda left=left: _tasks_told(lab) == left)  # type: ignore[misc]
    await lab.until(lambda: not lab.engine.absent.names)
    assert list(lab.engine.queue_names) == ["robot_a"]
    assert HoldCode.NOT_CONFIGURED not in lab.holds("robot_b")


def _tasks_told(lab: Lab) -> int:
    hold = lab.engine.holds.get("robot_b", HoldCode.NOT_CONFIGURED)
    return -1 if hold is None else int(hold.args["tasks"])


async def test_unknown_outcome__there_can_be_resolved(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    running = await lab.at_gate("running", robot="robot_b")
    lab = await start_lab("robot_a", data=await lab.kill())
    assert lab.holds("robot_b") == {HoldCode.OUTCOME_UNKNOWN, HoldCode.NOT_CONFIGURED}
    with pytest.raises(RobotqError, match="expected one of robot_a"):
        await lab.engine.resolve(running, "retry", actor="ann")
    await lab.engine.resolve(running, "completed", actor="ann")
    await lab.held(robot="robot_b")
    assert not lab.engine.absent.names


async def test_move__to_a_robot_that_can_do_it(start_lab: StartLab) -> None:
    lab = await without_robot_b(start_lab, "b1", "b2")
    first, second = ids(lab)
    moved = await lab.engine.move_to(first, "robot_a", actor="ann", note="b is at the workshop")
    assert [task.queue for task in moved.tasks] == ["robot_a"]
    task = await lab.ended(first)
    assert (task.queue, task.state) == ("robot_a", TaskState.COMPLETED)
    assert lab.driver.done == ["b1"]
    assert ids(lab) == [second]
    (event,) = await lab.events("task.moved")
    assert (event.actor, event.robot, event.data["was_robot"]) == ("ann", "robot_a", "robot_b")
    assert event.data["note"] == "b is at the workshop"
    counts = lab.engine._parts.base.memory
    assert counts.counts(queue="robot_b").total == counts.counts(queue="robot_b").pending == 1
    assert counts.counts(queue="robot_a").completed == 1
    assert lab.engine.queue.revision_of("robot_a") == moved.revision
    # the same after a restart
    again = await start_lab("robot_a", data=await lab.kill())
    counts = again.engine._parts.base.memory
    assert (counts.counts(queue="robot_b").total, counts.counts(queue="robot_a").completed) == (
        1,
        1,
    )
    assert again.engine.reads.unfinished == 1


async def test_move__of_a_contiguous_batch_takes_all_in_their_order(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    await lab.engine.pause(None, actor="ann")
    there = await lab.submit("there")
    batch = await lab.batch("b1", "b2", "b3", robot="robot_b")
    alone = await lab.submit("alone", robot="robot_b")
    moved = await lab.engine.move_to(batch[1], "robot_a", actor="ann")
    assert [task.id for task in moved.tasks] == list(batch)
    assert ids(lab, "robot_a") == [there, *batch]
    assert ids(lab) == [alone]
    await lab.engine.resume(None, actor="ann")
    await lab.ended(batch[2])
    assert lab.driver.done == ["there", "b1", "b2", "b3"]


async def test_move__names_the_new_robot_in_the_command_too(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    await lab.engine.pause(None, actor="ann")
    body = {"cmd_type": "WORK", "params": {"robot_id": "robot_b"}}
    (task_id,) = (await lab.accept([lab.engine.intake.read(body)])).task_ids
    await lab.engine.move_to(task_id, "robot_a", actor="ann")
    assert (await lab.find(task_id)).command.params["robot_id"] == "robot_a"


async def test_move__to_a_robot_that_cannot_do_it_is_refused(start_lab: StartLab) -> None:
    only_b = [
        CommandSpec(cmd_type="WORK", robots=("robot_b",)) if spec.cmd_type == "WORK" else spec
        for spec in CATALOG
    ]
    lab = await without_robot_b(start_lab, "b1", catalog=Catalog(only_b))
    (task_id,) = ids(lab)
    with pytest.raises(RobotqError, match="done by robot_b"):
        await lab.engine.move_to(task_id, "robot_a", actor="ann")
    with pytest.raises(RobotqError, match="expected one of robot_a"):
        await lab.engine.move_to(task_id, "robot_z", actor="ann")
    assert ids(lab) == [task_id]
    assert await lab.events("task.moved") == []


async def test_move__to_a_driver_without_its_steps_is_refused(
    lab: Lab, start_lab: StartLab
) -> None:
    lab = await without_robot_b(start_lab, "b1")
    known = KnownRobots(lacks={"robot_a": lambda cmd_type, _: f"no steps for {cmd_type}"})
    lab.engine._parts.base.settings.known = known
    (task_id,) = ids(lab)
    with pytest.raises(RobotqError, match="cannot do WORK: no steps for WORK"):
        await lab.engine.move_to(task_id, "robot_a", actor="ann")
    assert ids(lab) == [task_id]


async def test_move__of_what_runs_or_by_an_older_look_is_refused(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    running = await lab.at_gate("running")
    with pytest.raises(RobotqError, match="running"):
        await lab.engine.move_to(running, "robot_b", actor="ann")
    waiting = await lab.submit("waiting")
    with pytest.raises(RobotqError) as told:
        await lab.engine.move_to(waiting, "robot_b", actor="ann", seen=7)
    assert told.value.code.name == "precondition_failed"


@pytest.mark.parametrize("on_start", ["resume", "hold"])
async def test_robot__that_is_back_goes_on_when_somebody_says_so(
    start_lab: StartLab, on_start: str
) -> None:
    lab = await without_robot_b(start_lab, "b1", "b2")
    tasks = ids(lab)
    # the pause of back then is lifted meanwhile
    await lab.engine.resume(None, actor="ann")
    assert lab.holds("robot_b") == {HoldCode.NOT_CONFIGURED}
    robots = {
        name: RobotConfig(driver="bench", reconnect_s=0.01, on_start=on_start)  # type: ignore[arg-type]
        for name in ("robot_a", "robot_b")
    }
    lab = await start_lab(config=bench_config(robots=robots), data=await lab.kill())
    await lab.held(HoldCode.RESTARTED, robot="robot_b")
    await lab.quiet()
    assert lab.drivers["robot_b"].done == []
    await lab.engine.resume("robot_b", actor="ann")
    for task_id in tasks:
        assert (await lab.ended(task_id)).state is TaskState.COMPLETED
    assert lab.drivers["robot_b"].done == ["b1", "b2"]


async def test_resume_of_all__names_what_was_seen_there_too(start_lab: StartLab) -> None:
    lab = await without_robot_b(start_lab, "b1")
    names = await lab.engine.resume(None, actor="ann")
    assert list(names) == ["robot_a", "robot_b"]
    assert lab.holds("robot_b") == {HoldCode.NOT_CONFIGURED}
