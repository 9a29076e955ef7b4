"""A command that a robot cannot do is refused at every door when it comes, and not when its turn
comes; where no robot is named, one that can do it gets it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from robotq.catalog import Catalog, CommandSpec
from robotq.engine.state.known_robots import KnownRobots
from robotq.inbox.commands import CommandFiles
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from tests.engine.bench import CATALOG, bench_config
from tests.engine.conftest import Lab, StartLab

ROBOTS = ("robot_a", "robot_b")


async def tell(lab: Lab, able: Mapping[str, set[str]], catalog: Catalog = CATALOG) -> None:
    """From now on, the drivers say that only these robots can do a command."""

    def known(robot: str) -> KnownRobots:
        def lacks(cmd_type: str, _: object) -> str | None:
            return None if robot in able.get(cmd_type, set(ROBOTS)) else "it has no gripper"

        return KnownRobots(lacks={robot: lacks})

    lacks = {robot: known(robot).lacks[robot] for robot in ROBOTS}
    config = bench_config(*ROBOTS)
    prepared = lab.engine.prepare_reload(config, catalog, KnownRobots(lacks=lacks))
    await lab.engine.reload(prepared, actor="ann")


def refused(error: RobotqError, *able: str) -> None:
    assert error.code.name == "robot_cannot"
    assert error.args_["able"] == list(able)
    assert "it has no gripper" in str(error)
    for robot in able:
        assert robot in str(error)


async def test_named_robot__that_cannot_do_it_is_refused_with_those_that_can(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(*ROBOTS)
    await tell(lab, {"WORK": {"robot_b"}})
    with pytest.raises(RobotqError) as told:
        lab.engine.intake.read({"cmd_type": "WORK", "robot_id": "robot_a"})
    refused(told.value, "robot_b")
    with pytest.raises(RobotqError) as told:
        lab.engine.intake.read({"cmd_type": "WORK", "params": {"robot_id": "robot_a"}})
    refused(told.value, "robot_b")


async def test_no_robot_named__only_one_that_can_do_it_is_chosen(start_lab: StartLab) -> None:
    lab = await start_lab(*ROBOTS)
    assert lab.engine.intake.read({"cmd_type": "WORK"}).robot == "robot_a"
    await tell(lab, {"WORK": {"robot_b"}})
    assert lab.engine.intake.read({"cmd_type": "WORK"}).robot == "robot_b"
    # the others are chosen as ever
    assert (
        lab.engine.intake.read({"cmd_type": "GO", "params": {"place": "HALL"}}).robot == "robot_a"
    )


async def test_no_robot_named__and_the_spec_lists_some(start_lab: StartLab) -> None:
    lab = await start_lab(*ROBOTS)
    listed = Catalog(
        [
            CommandSpec(cmd_type="WORK", robots=("robot_a", "robot_b"))
            if spec.cmd_type == "WORK"
            else spec
            for spec in CATALOG
        ]
    )
    await tell(lab, {"WORK": {"robot_b"}}, listed)
    assert lab.engine.intake.read({"cmd_type": "WORK"}).robot == "robot_b"


async def test_nobody_can_do_it__is_refused_and_says_so(start_lab: StartLab) -> None:
    lab = await start_lab(*ROBOTS)
    await tell(lab, {"WORK": set()})
    with pytest.raises(RobotqError) as told:
        lab.engine.intake.read({"cmd_type": "WORK"})
    refused(told.value)
    assert "no robot" in str(told.value)


async def test_batch__with_one_that_cannot_be_done_is_refused_as_a_whole(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(*ROBOTS)
    await tell(lab, {"WORK": {"robot_b"}})
    batch = [
        {"cmd_type": "GO", "params": {"place": "HALL"}},
        {"cmd_type": "WORK", "robot_id": "robot_a"},
    ]
    with pytest.raises(RobotqError) as told:
        lab.engine.intake.read_batch(batch)
    refused(told.value, "robot_b")
    assert told.value.args_["index"] == 1


async def test_inbox_file__with_one_that_cannot_be_done_is_refused(start_lab: StartLab) -> None:
    lab = await start_lab(*ROBOTS)
    await tell(lab, {"WORK": {"robot_b"}})
    inbox = CommandFiles(lab.engine)
    with pytest.raises(RobotqError) as told:
        await inbox.accept(
            "token", json.dumps({"cmd_type": "WORK", "robot_id": "robot_a"}).encode()
        )
    refused(told.value, "robot_b")


async def test_series__that_cannot_be_done_is_refused(start_lab: StartLab) -> None:
    lab = await start_lab(*ROBOTS)
    await tell(lab, {"WORK": {"robot_b"}})
    body = {"cmd_type": "WORK", "robot_id": "robot_a", "repeat": {"interval_s": 3600}}
    with pytest.raises(RobotqError) as told:
        lab.engine.intake.read(body)
    refused(told.value, "robot_b")


async def test_retry__of_what_its_robot_cannot_do_any_more_is_refused(start_lab: StartLab) -> None:
    lab = await start_lab(*ROBOTS)
    task = await lab.run("first")
    await tell(lab, {"WORK": {"robot_b"}})
    with pytest.raises(RobotqError) as told:
        await lab.engine.retry(task.id, actor="ann")
    refused(told.value, "robot_b")


async def test_move__to_a_robot_that_cannot_do_it_says_which_can(start_lab: StartLab) -> None:
    lab = await start_lab(*ROBOTS)
    await lab.engine.pause(None, actor="ann")
    await tell(lab, {"WORK": {"robot_a"}})
    task_id = await lab.submit("waiting")
    with pytest.raises(RobotqError) as told:
        await lab.engine.move_to(task_id, "robot_b", actor="ann")
    refused(told.value, "robot_a")


async def test_what_waits__when_its_robot_can_do_it_no_more_fits_no_more(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(*ROBOTS)
    running = await lab.at_gate("running")
    behind = await lab.submit("behind")
    await tell(lab, {"WORK": {"robot_b"}})
    lab.driver.gate.set()
    await lab.ended(running)
    await lab.held(HoldCode.DOES_NOT_FIT)
    assert (await lab.find(behind)).state is TaskState.PENDING
    # it runs where the configuration is put right
    await tell(lab, {})
    assert (await lab.ended(behind)).state is TaskState.COMPLETED


async def test_next_run_of_a_series__after_a_reload_is_not_begun_in_vain(
    start_lab: StartLab,
) -> None:
    """It came after the reload had looked through what waits."""
    lab = await start_lab(*ROBOTS)
    body = {"cmd_type": "WORK", "cmd_id": "series", "params": {"gate": True}, "repeat": 2}
    (first,) = (await lab.accept([lab.engine.intake.read(body)])).task_ids
    await lab.until(lambda: lab.driver.at_gate)
    await tell(lab, {"WORK": {"robot_b"}})
    lab.driver.gate.set()
    await lab.ended(first)
    await lab.held(HoldCode.DOES_NOT_FIT)
    assert lab.driver.done == ["series"]
