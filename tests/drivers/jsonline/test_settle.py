"""A device of version 2 is asked what became of a command; one of version 1 goes on as before."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest

from robotq.drivers import jsonline
from robotq.drivers.jsonline.device.kept import Kept
from robotq.drivers.settling import RunState, Settled, Settles, UnsettledRun
from robotq.model.hold import HoldCode
from robotq.model.task import Command, DeviceRun, TaskState
from robotq.testing.driver_bench import Execution, RecordingContext
from robotq.testing.driver_contract import driver_setup
from tests.drivers.jsonline.conftest import MakeMachine
from tests.drivers.jsonline.machine import QUICK, Machine, site
from tests.slices import some

NOD = Command(cmd_type="ROBOT_ACTION", params={"action_type": "NOD"})


def _kept(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path / "commands.json"


# -- over a wire -------------------------------------------------------------------------------


async def test_cable__that_comes_back_finds_the_scan_going_on_and_follows_it(
    tmp_path: Path, machine: MakeMachine, clean_scan: list[str]
) -> None:
    one = await machine(scale=0.02)
    async with site(one.wire.pattern, tmp_path / "site") as here:
        task_id = await here.submit()
        await here.in_step(task_id, "NAVIGATING_TO_SCAN")
        await asyncio.to_thread(one.wire.unplug)
        await here.held(HoldCode.DISCONNECTED)
        assert here.in_memory(task_id).state is TaskState.RUNNING
        await asyncio.to_thread(one.wire.plug)
        task = await here.ended(task_id, 60)
        assert (task.state, task.attempt) == (TaskState.COMPLETED, 1)
        assert here.holds() == set()
        assert one.motions(task_id) == clean_scan, "nothing was made twice"


async def test_cable__that_comes_back_after_the_end_brings_the_result(
    tmp_path: Path, machine: MakeMachine
) -> None:
    one = await machine(scale=0.02)
    async with site(one.wire.pattern, tmp_path / "site") as here:
        task_id = await here.submit("ROBOT_ACTION", action_type="NOD")
        await here.until(lambda: one.device.busy)
        await asyncio.to_thread(one.wire.unplug)
        await here.held(HoldCode.DISCONNECTED)
        await here.until(lambda: not one.device.busy)
        await asyncio.to_thread(one.wire.plug)
        task = await here.ended(task_id)
        assert (task.state, task.settled) == (TaskState.COMPLETED, True)
        assert task.result is not None
        assert task.result["simulated"] is True


async def test_device__that_restarts_in_a_command_and_has_kept_its_memory_does_not_know_the_end(
    tmp_path: Path, machine: MakeMachine
) -> None:
    one = await machine(scale=1, memory=_kept(tmp_path / "device"))
    async with site(one.wire.pattern, tmp_path / "site") as here:
        task_id = await here.submit()
        await here.in_step(task_id, "NAVIGATING_TO_SCAN")
        await asyncio.to_thread(one.off_and_away)
        await here.held(HoldCode.DISCONNECTED)
        await asyncio.to_thread(one.back)
        task = await here.ended(task_id)
        assert task.outcome_unknown
        assert task.error is not None
        assert "lost its power" in task.error.args["reason"]
        await here.held(HoldCode.OUTCOME_UNKNOWN)


async def test_device__that_restarts_and_forgets_is_not_believed(
    tmp_path: Path, machine: MakeMachine
) -> None:
    one = await machine(scale=1)
    async with site(one.wire.pattern, tmp_path / "site") as here:
        task_id = await here.submit()
        await here.in_step(task_id, "NAVIGATING_TO_SCAN")
        await asyncio.to_thread(one.off_and_away)
        await asyncio.to_thread(one.back)
        task = await here.ended(task_id)
        assert task.outcome_unknown
        assert task.error is not None
        assert task.error.args["reason"] == "reason.settled_other_boot"


async def test_device__of_version_1_has_an_unknown_outcome_at_once(
    tmp_path: Path, machine: MakeMachine
) -> None:
    one = await machine(scale=0.05, newest=1)
    async with site(one.wire.pattern, tmp_path / "site") as here:
        task_id = await here.submit()
        await here.in_step(task_id, "NAVIGATING_TO_SCAN")
        await asyncio.to_thread(one.wire.unplug)
        task = await here.ended(task_id)
        assert task.outcome_unknown
        assert task.run is None
        assert task.error is not None
        assert task.error.args["cause"] == "cause.link_lost"


# -- what it remembers -------------------------------------------------------------------------


def test_restart__of_the_device_between_two_commands_keeps_the_result(tmp_path: Path) -> None:
    one = Machine(tmp_path, scale=0.05, memory=_kept(tmp_path / "device"))
    setup, _ = driver_setup(tmp_path, {"port": one.wire.pattern, **QUICK})
    driver = jsonline.create(setup)
    try:
        driver.connect()
        done = Execution(driver, NOD, task_id="task_kept").ended()
        one.reboot()
        driver.close()
        driver = jsonline.create(setup)
        driver.connect()
        answer = _asked(driver, done.context.unsettled(NOD))
        assert answer.state is RunState.COMPLETED
        assert answer.result == done.result
    finally:
        driver.close()
        one.close()


def test_id__that_was_never_there_is_refused_from_now_on(tmp_path: Path) -> None:
    """The start that was on its way all the time arrives after the answer."""
    one = Machine(tmp_path, scale=0.05, memory=_kept(tmp_path / "device"))
    setup, _ = driver_setup(tmp_path, {"port": one.wire.pattern, **QUICK})
    driver = jsonline.create(setup)
    try:
        driver.connect()
        late = Execution(driver, NOD, task_id="task_late", called_off=True).ended()
        answer = _asked(driver, late.context.unsettled(NOD))
        assert (answer.state, answer.cannot_start) == (RunState.NEVER_STARTED, True)
        moved = one.motions()
        refused = Execution(driver, NOD, task_id="task_late").ended()
        assert "never began" in str(refused.error)
        assert one.motions() == moved
        # over a restart too
        one.reboot()
        driver.close()
        driver = jsonline.create(setup)
        driver.connect()
        assert "never began" in str(Execution(driver, NOD, task_id="task_late").ended().error)
        assert one.motions() == moved
    finally:
        driver.close()
        one.close()


def test_id__of_many_commands_ago_is_unknown_and_not_never_started(tmp_path: Path) -> None:
    one = Machine(tmp_path, scale=0.0, remembers=2)
    setup, _ = driver_setup(tmp_path, {"port": one.wire.pattern, **QUICK})
    driver = jsonline.create(setup)
    try:
        driver.connect()
        first = Execution(driver, NOD, task_id="task_1").ended()
        for number in (2, 3, 4):
            assert Execution(driver, NOD, task_id=f"task_{number}").ended().error is None
        answer = _asked(driver, first.context.unsettled(NOD))
        assert answer.state is RunState.UNKNOWN
        assert "forgotten" in answer.reason
    finally:
        driver.close()
        one.close()


def test_version_1__hears_the_same_bytes_as_ever(tmp_path: Path) -> None:
    """All that an earlier host has sent, and nothing else."""
    one = Machine(tmp_path, scale=0.05, newest=1, crc=False)
    setup, _ = driver_setup(tmp_path, {"port": one.wire.pattern, **QUICK})
    driver = jsonline.create(setup)
    try:
        driver.connect()
        done = Execution(driver, NOD, task_id="task_v1").ended()
        assert done.error is None
        assert done.context.run is None
        run = UnsettledRun(
            task_id="task_v1",
            attempt=1,
            command=NOD,
            at_device=DeviceRun(id="task_v1.1", driver="jsonline", boot="x", at_ms=0),
        )
        assert _asked(driver, run).state is RunState.UNKNOWN
        said = [line for line in bytes(one.wire.heard).split(b"\n") if line.strip()]
        messages = [json.loads(line.partition(b"#")[0]) for line in said]
        assert messages[0].keys() == {"op", "id", "protocol", "host"}
        assert messages[0]["protocol"] == 1
        assert {one["op"] for one in messages} <= {"hello", "status", "run", "look"}
        for message in messages:
            if message["op"] == "status":
                assert message.keys() == {"op", "id"}
    finally:
        driver.close()
        one.close()


def test_kept__is_lost_whole_where_the_file_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "commands.json"
    kept = Kept(4, path)
    kept.begins("task.1")
    kept.ended({"id": "task.1", "state": "done", "result": {}})
    assert Kept(4, path).id == kept.id
    assert Kept(4, path).report("task.1") == {"id": "task.1", "state": "done", "result": {}}
    path.write_bytes(path.read_bytes()[:-9])
    assert Kept(4, path).id != kept.id


def _asked(driver: object, run: UnsettledRun) -> Settled:
    assert isinstance(driver, Settles)
    return driver.settle(run, RecordingContext(task_id=run.task_id))


@pytest.mark.parametrize("state", ["running", "refused"])
def test_kept__over_a_restart_says_what_is_certain(tmp_path: Path, state: str) -> None:
    path = tmp_path / "commands.json"
    kept = Kept(4, path)
    if state == "running":
        kept.begins("task.1")
    else:
        kept.refuses("task.1")
    report = Kept(4, path).report("task.1")
    assert report is not None
    assert report["state"] == ("uncertain" if state == "running" else "unknown")


@pytest.mark.real_time("the cable is pulled at another moment each time")
@pytest.mark.parametrize("seed", some(range(100), 2))
async def test_emergency_stop__while_the_cable_is_out_is_the_first_that_the_device_hears(
    tmp_path: Path, machine: MakeMachine, seed: int
) -> None:
    one = await machine(scale=0.05)
    async with site(one.wire.pattern, tmp_path / "site") as here:
        task_id = await here.submit()
        await here.in_step(task_id, "NAVIGATING_TO_SCAN")
        await asyncio.sleep(random.Random(seed).uniform(0, 0.1))
        await asyncio.to_thread(one.wire.unplug)
        await here.held(HoldCode.DISCONNECTED)
        report = await here.engine.estop.trigger(actor="ann")
        assert report.robots["robot_a"] is not None, "it says that the robot has not confirmed it"
        heard = len(one.wire.heard)
        await asyncio.to_thread(one.wire.plug)
        task = await here.ended(task_id)
        assert bytes(one.wire.heard[heard:]).lstrip(b"\n")[:1] == b"\x18"
        assert (task.state, task.outcome_unknown) == (TaskState.FAILED, False)
        moved = one.motions()
        await asyncio.sleep(0.06)
        assert one.motions() == moved
