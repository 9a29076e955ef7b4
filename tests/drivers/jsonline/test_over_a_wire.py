"""A robot behind a real pty, from the daemon's engine: nothing in between is replaced."""

from __future__ import annotations

import asyncio
from pathlib import Path

from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from tests.drivers.jsonline.conftest import MakeMachine
from tests.drivers.jsonline.machine import site

ASKING_LAB = Path(__file__).parents[3] / "config" / "lab.yaml"


async def test_scan__completes_with_its_steps(
    machine: MakeMachine, tmp_path: Path, clean_scan: list[str]
) -> None:
    device = await machine()
    async with site(device.wire.pattern, tmp_path) as here:
        task = await here.run()
    assert task.state is TaskState.COMPLETED
    assert task.result is not None
    assert task.result["scanned_count"] == 3
    assert task.result["simulated"] is True
    assert [step.name for step in task.steps][:3] == [
        "NAVIGATING_TO_SCAN",
        "GRAB_SCAN_GUN",
        "CV_DETECTING",
    ]
    assert task.progress == 1.0
    assert device.motions() == clean_scan


async def test_scan__asks_for_an_id_over_the_wire(machine: MakeMachine, tmp_path: Path) -> None:
    device = await machine(lab=ASKING_LAB)
    async with site(device.wire.pattern, tmp_path) as here:
        task_id = await here.submit()
        await here.until(lambda: here.in_memory(task_id).waiting_for)
        question = here.in_memory(task_id).waiting_for
        assert question is not None
        assert question.answered_by == "SCAN_QRCODE_ENTER_ID"
        assert question.args["slot_index"] == 2
        await here.engine.answer(task_id, {"bottle_id": "bottle_042"}, actor="test")
        task = await here.ended(task_id)
    assert task.result is not None
    assert [bottle["bottle_id"] for bottle in task.result["scanned_bottles"]] == [
        "bottle_001",
        "bottle_042",
        "bottle_003",
    ]


async def test_scan__nobody_answers(machine: MakeMachine, tmp_path: Path) -> None:
    lab = tmp_path / "lab.yaml"
    lab.write_text(ASKING_LAB.read_text().replace("id_input_timeout: 300", "id_input_timeout: 0.2"))
    device = await machine(lab=lab)
    async with site(device.wire.pattern, tmp_path) as here:
        task = await here.run()
        assert task.error is not None
        assert task.error.code == "answer_timeout"
        # the device itself said that it failed: the next one may run
        assert here.holds() == set()


async def test_command_that_the_device_does_not_know(machine: MakeMachine, tmp_path: Path) -> None:
    device = await machine()
    async with site(device.wire.pattern, tmp_path) as here:
        task = await here.run("ROBOT_ACTION", action_type="SOMERSAULT")
        assert task.error is not None
        assert task.error.code == "device_error"
        assert "SOMERSAULT" in task.error.args["reason"]
        assert here.holds() == set()


async def test_query__is_answered_while_it_moves(machine: MakeMachine, tmp_path: Path) -> None:
    device = await machine(scale=0.004)
    async with site(device.wire.pattern, tmp_path) as here:
        task_id = await here.submit()
        await here.in_step(task_id, "NAVIGATING_TO_SCAN")
        order = here.engine.intake.read({"cmd_type": "GET_BATTERY_STATE"})
        answer = await here.engine.immediate.serve(order, actor="test")
        assert answer["simulated"] is True
        assert here.in_memory(task_id).state is TaskState.RUNNING


async def test_robots__capabilities_come_from_the_device(
    machine: MakeMachine, tmp_path: Path
) -> None:
    device = await machine()
    async with site(device.wire.pattern, tmp_path) as here:
        robot = here.engine.robot("robot_a")
        assert robot.capabilities.stop_out_of_band
        assert robot.capabilities.position_survives_stop
        assert robot.capabilities.can_hold
        assert not robot.capabilities.simulated
        status = await robot.status()
        assert status.place == "HOME"
        assert status.details["simulated"] is True


async def test_hold__stands_still_until_resumed(machine: MakeMachine, tmp_path: Path) -> None:
    device = await machine(scale=0.004)
    async with site(device.wire.pattern, tmp_path) as here:
        task_id = await here.submit()
        await here.in_step(task_id, "GRABBING_BOTTLE")
        await here.engine.hold_motion("robot_a", actor="test")
        robot = here.engine.robot("robot_a")
        assert (await robot.status()).held
        before = (await robot.status()).details["battery_percent"]
        moved = len(device.motions())
        await asyncio.sleep(0.05)
        # the motion that it is in may have been logged already, and no other is begun
        assert len(device.motions()) <= moved + 1
        assert (await robot.status()).details["battery_percent"] == before
        await here.engine.resume_motion("robot_a", actor="test")
        assert (await here.ended(task_id)).state is TaskState.COMPLETED


async def test_cancel__of_a_running_command(machine: MakeMachine, tmp_path: Path) -> None:
    device = await machine(scale=0.004)
    async with site(device.wire.pattern, tmp_path) as here:
        task_id = await here.submit()
        await here.in_step(task_id, "NAVIGATING_TO_SCAN")
        await here.engine.queue.cancel(task_id, actor="test")
        assert (await here.ended(task_id)).state is TaskState.CANCELLED
        moved = device.motions()
        again = await here.run()
        assert again.state is TaskState.COMPLETED
        assert device.motions()[: len(moved)] == moved


async def test_cancel__while_it_asks(machine: MakeMachine, tmp_path: Path) -> None:
    device = await machine(lab=ASKING_LAB)
    async with site(device.wire.pattern, tmp_path) as here:
        task_id = await here.submit()
        await here.until(lambda: here.in_memory(task_id).waiting_for)
        await here.engine.queue.cancel(task_id, actor="test")
        assert (await here.ended(task_id)).state is TaskState.CANCELLED


async def test_estop__while_it_moves_and_nothing_after_the_reset(
    machine: MakeMachine, tmp_path: Path
) -> None:
    device = await machine(scale=0.004)
    async with site(device.wire.pattern, tmp_path) as here:
        first, second = await here.submit(), await here.submit()
        await here.in_step(first, "CV_DETECTING")
        report = await here.engine.estop.trigger(actor="test")
        assert report.robots == {"robot_a": None}
        task = await here.ended(first)
        assert task.state is not TaskState.COMPLETED
        moved = device.motions()
        # the device itself is latched too, not only the queue
        assert (await here.engine.robot("robot_a").status()).details["emergency_stop"] is True
        await here.engine.estop.reset(actor="test")
        assert here.holds() == {HoldCode.PAUSED}
        assert device.motions() == moved
        await here.engine.resume("robot_a", actor="test")
        assert (await here.ended(second)).state is TaskState.COMPLETED


async def test_estop__of_a_robot_that_is_not_there__stops_it_when_it_comes_back(
    machine: MakeMachine, tmp_path: Path
) -> None:
    device = await machine(scale=0.004, newest=1)
    async with site(device.wire.pattern, tmp_path) as here:
        task_id = await here.submit()
        await here.in_step(task_id, "NAVIGATING_TO_SCAN")
        await asyncio.to_thread(device.wire.unplug)
        await here.ended(task_id)
        report = await here.engine.estop.trigger(actor="test")
        assert report.robots["robot_a"] is not None
        await asyncio.to_thread(device.wire.plug)
        await here.until(lambda: HoldCode.DISCONNECTED not in here.holds())
        assert (await here.engine.robot("robot_a").status()).details["emergency_stop"] is True
        moved = device.motions()
        await asyncio.sleep(0.05)
        assert device.motions() == moved
