"""What lasts over the end of a daemon whose device can be asked: the id of the run, its time limit,
its question, and the motion itself where robotq is upgraded meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from robotq.config import LimitsConfig, RobotConfig
from robotq.model.task import TaskState
from robotq.store.port import Mutation, SaveTask, TaskQuery
from tests.engine.conftest import Lab, StartLab
from tests.engine.floor import Floor, not_through

# -- before the start --------------------------------------------------------------------------


async def test_start__goes_out_only_when_its_id_is_on_disk(floor: Floor) -> None:
    """And not at all where it is called off while the disk is slow."""
    seen: list[object] = []
    lab = floor.lab
    floor.driver.hooks["start"] = lambda: seen.append(_on_disk(lab))
    task_id = await floor.command()
    assert seen == [f"{task_id}.1"]
    floor.device.ends()
    await lab.ended(task_id)


def _on_disk(lab: Lab) -> object:
    (task,) = lab.engine.reads.running()
    return None if task.run is None else task.run.id


async def test_called_off__while_the_id_is_being_written_sends_no_start(floor: Floor) -> None:
    lab = floor.lab
    reached = asyncio.Event()
    loop = asyncio.get_running_loop()
    execute = floor.driver.execute

    def at_execute(command: Any, context: Any) -> Any:
        lab.disk.full = "no space left"
        loop.call_soon_threadsafe(reached.set)
        return execute(command, context)

    floor.driver.execute = at_execute  # type: ignore[method-assign]
    task_id = await lab.submit("one")
    await reached.wait()
    stopping = asyncio.create_task(lab.engine.stop_robot("robot_a", actor="ann"))
    await lab.until(lambda: "stop" in floor.device.log)
    lab.disk.full = None
    task = await lab.ended(task_id)
    await stopping
    assert task.state is TaskState.CANCELLED
    assert floor.device.starts == []


# -- over a crash ------------------------------------------------------------------------------


async def test_time_limit__goes_on_over_the_crash(floor: Floor) -> None:
    task_id = await floor.command()
    run = floor.lab.engine.robots["robot_a"].executor.current
    assert run is not None
    run._limit.spend(99.5)
    floor.device.running.progress = 0.5
    await floor.lab.until(lambda: (floor.lab._in_memory(task_id).run or _NONE).worked_s > 99)
    lab = await floor.killed()
    await floor.attached()
    attached = lab.engine.robots["robot_a"].executor.current
    assert attached is not None
    assert attached.worked_s > 99
    attached._limit.spend(0.5)
    # the clock of the motion goes on
    threading.Thread(target=partial(_half_a_second_passes, lab)).start()
    task = await lab.ended(task_id)
    assert task.error is not None
    assert task.error.code == "timeout"
    assert "stop" in floor.device.log


def _half_a_second_passes(lab: Lab) -> None:
    with lab.clock.moving():
        lab.clock.sleep(0.5, lambda: False)


class _None:
    worked_s = 0.0


_NONE = _None()


@pytest.mark.slow
async def test_question__is_asked_again_after_the_crash(floor: Floor) -> None:
    task_id = await floor.command()
    floor.device.running.ask = True
    await floor.lab.asking(task_id)
    lab = await floor.killed()
    await floor.attached()
    await lab.until(lambda: lab.engine.robots["robot_a"].executor.asks_for(None))
    await lab.engine.answer(task_id, {"id": "b7"}, actor="ann")
    await lab.until(lambda: floor.device.running.answer)
    assert floor.device.running.answer == {"id": "b7"}
    floor.device.ends()
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED


# -- a daemon that is upgraded while the robot works -------------------------------------------


def _leaving(**limits: Any) -> dict[str, Any]:
    robot = RobotConfig(driver="bench", reconnect_s=0.01, on_shutdown="leave")
    return {
        "robots": {"robot_a": robot},
        "limits": LimitsConfig(stop_timeout_s=2, shutdown_grace_s=0.05, **limits),
    }


async def test_leave__has_the_robot_go_on_while_robotq_is_upgraded(start_lab: StartLab) -> None:
    floor = Floor(start_lab)
    await floor.start(**_leaving())
    task_id = await floor.command()
    floor.device.running.progress = 0.2
    await floor.lab.until(lambda: floor.lab._in_memory(task_id).progress == 0.2)
    await floor.lab.engine.shut_down()
    assert floor.device.running.progress == 0.2
    assert not {"stop", "estop"} & set(floor.device.log)
    kinds = [event.kind for event in await floor.lab.events("task.")]
    assert kinds[-1] == "task.left_running"
    floor.device.running.progress = 0.7
    lab = await floor.start(data=floor.lab.disk.data, **_leaving())
    await lab.until(lambda: lab._in_memory(task_id).progress == 0.7)
    floor.device.ends("done", found=1)
    task = await lab.ended(task_id)
    assert (task.state, task.attempt) == (TaskState.COMPLETED, 1)
    assert floor.device.starts == [f"{task_id}.1"]


async def test_leave__for_too_long_has_the_robot_stopped_by_the_next_start(
    start_lab: StartLab,
) -> None:
    floor = Floor(start_lab)
    await floor.start(**_leaving(left_running_s=0.001))
    task_id = await floor.command()
    await floor.lab.engine.shut_down()
    assert "stop" not in floor.device.log
    lab = await floor.start(data=floor.lab.disk.data, **_leaving())
    task = await lab.ended(task_id)
    assert "stop" in floor.device.log
    assert task.error is not None
    assert task.error.code == "stopped_by_shutdown"


@pytest.mark.parametrize("pending", ["a question", "a held motion", "a paused queue", "a stop"])
async def test_leave__is_refused_while_somebody_is_needed(
    start_lab: StartLab, pending: str
) -> None:
    floor = Floor(start_lab)
    await floor.start(**_leaving())
    task_id = await floor.command()
    lab, engine = floor.lab, floor.lab.engine
    asking: asyncio.Task[Any] | None = None
    match pending:
        case "a question":
            floor.device.running.ask = True
            await lab.asking(task_id)
        case "a held motion":
            await engine.hold_motion("robot_a", actor="ann")
        case "a paused queue":
            await engine.pause("robot_a", actor="ann")
        case _:
            floor.driver.hooks["stop"] = not_through
            asking = asyncio.create_task(engine.stop_robot("robot_a", actor="ann"))
            await lab.until(lambda: lab._in_memory(task_id).asked)
            floor.driver.hooks.clear()
    await engine.shut_down()
    if asking is not None:
        await asking
    assert "stop" in floor.device.log
    (task,) = await lab.disk.data.list(TaskQuery(limit=10))
    assert task.state.final
    assert task.run is not None
    assert task.run.left_until_ms is None


async def test_leave__of_a_command_whose_device_cannot_be_asked_stops_it(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(**_leaving())
    task_id = await lab.submit("one", take_s=0, ask="which?")
    await lab.asking(task_id)
    await lab.engine.shut_down()
    (task,) = await lab.disk.data.list(TaskQuery(limit=10))
    assert task.state.final


async def test_leave__that_cannot_be_written_down_for_any_reason_stops_it(
    start_lab: StartLab,
) -> None:
    floor = Floor(start_lab)
    await floor.start(**_leaving())
    task_id = await floor.command()
    await floor.lab.until(lambda: floor.lab._in_memory(task_id).run)

    def leaves(mutations: Sequence[Mutation]) -> bool:
        saved = [one.task.run for one in mutations if isinstance(one, SaveTask)]
        return any(run is not None and run.left_until_ms is not None for run in saved)

    floor.lab.disk.stale_at = leaves
    await floor.lab.engine.shut_down()
    assert "stop" in floor.device.log


async def test_leave__whose_last_report_is_refused_has_the_robot_go_on_all_the_same(
    start_lab: StartLab,
) -> None:
    """Another daemon, or a hub, has written the task meanwhile. What was reported last is lost, and
    the motion is not: nobody calls it an unknown outcome for that."""
    floor = Floor(start_lab)
    await floor.start(**_leaving())
    task_id = await floor.command()
    saves: list[SaveTask] = []

    def last(mutations: Sequence[Mutation]) -> bool:
        before = len(saves)
        for one in mutations:
            if isinstance(one, SaveTask) and one.task.run is not None:
                saves.extend([one] * (one.task.run.left_until_ms is not None))
        return before == 1 and len(saves) > 1

    floor.lab.disk.stale_at = last
    await floor.lab.engine.shut_down()
    assert len(saves) >= 2
    (task,) = await floor.lab.disk.data.list(TaskQuery(limit=10))
    assert (task.state, task.error) == (TaskState.RUNNING, None)
    assert not {"stop", "estop"} & set(floor.device.log)
    lab = await floor.start(data=floor.lab.disk.data, **_leaving())
    floor.device.ends("done", found=1)
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED


async def test_wish__that_is_refused_by_the_disk_is_told_at_the_end_and_breaks_nothing(
    start_lab: StartLab, caplog: pytest.LogCaptureFixture
) -> None:
    floor = Floor(start_lab)
    await floor.start(**_leaving())
    task_id = await floor.command()
    lab = floor.lab
    asked: list[SaveTask] = []

    def wishes(mutations: Sequence[Mutation]) -> bool:
        found = [one for one in mutations if isinstance(one, SaveTask) and one.task.asked]
        asked.extend(found)
        return len(asked) == 1 and bool(found)

    lab.disk.stale_at = wishes
    await lab.engine.queue.cancel(task_id, actor="ann", reason="wrong vial")
    task = await lab.ended(task_id)
    assert task.state is TaskState.CANCELLED
    intending = lab.engine.robots["robot_a"].executor._wishes._intending
    assert intending is not None
    assert intending.done()
    assert intending.exception() is None
