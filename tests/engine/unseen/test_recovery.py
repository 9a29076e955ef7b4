"""What a start makes of the run before, when that ended without a word."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from robotq.catalog import Catalog
from robotq.config import RobotConfig
from robotq.drivers.base import Capabilities
from robotq.engine.start import start_engine
from robotq.model.errors import ConfigError, DataUnavailable
from robotq.model.hold import HoldCode
from robotq.model.task import StepState, TaskState
from robotq.model.texts import Language, text
from robotq.store.memory import MemoryStore
from robotq.system.clocks import VirtualClock
from tests.engine.bench import CATALOG, BenchDriver, bench_config, bench_factory
from tests.engine.conftest import Lab, StartLab
from tests.engine.disk import Disk, writes

HOLD_ON_START = {"robots": {"robot_a": RobotConfig(driver="bench", on_start="hold")}}


async def test_running__has_an_unknown_outcome_and_holds_its_queue(start_lab: StartLab) -> None:
    lab = await start_lab()
    task_id = await lab.at_gate("cut off")
    after = await lab.submit("after")
    again = await start_lab(data=await lab.kill())
    task = await again.find(task_id)
    assert task.outcome_unknown
    assert task.error is not None
    assert (task.error.args, task.error.step) == ({"cause": "cause.daemon_died"}, "WORKING")
    assert task.steps[0].state is StepState.FAILED
    (hold,) = again.engine.holds.of("robot_a")
    assert (hold.code, hold.task_id) == (HoldCode.OUTCOME_UNKNOWN, task_id)
    await again.quiet()
    assert again.driver.done == []
    await again.engine.resolve(task_id, "completed", actor="ann")
    assert (await again.ended(after)).state is TaskState.COMPLETED
    assert again.driver.done == ["after"]


async def test_idempotent__goes_back_to_its_place_and_runs_once_more(start_lab: StartLab) -> None:
    lab = await start_lab()
    task_id = await lab.at_gate("measure", cmd_type="MEASURE")
    await lab.submit("after")
    again = await start_lab(data=await lab.kill())
    again.driver.gate.set()
    task = await again.ended(task_id)
    assert (task.state, task.attempt) == (TaskState.COMPLETED, 2)
    await again.until(lambda: again.driver.done == ["measure", "after"])
    assert [event.kind for event in await again.events("task.requeued")] == ["task.requeued"]


async def test_idempotent__that_ends_the_daemon_three_times_is_not_begun_again(
    start_lab: StartLab,
) -> None:
    lab = await start_lab()
    task_id = await lab.at_gate("deadly", cmd_type="MEASURE")
    after = await lab.submit("after")
    for attempt in (2, 3):
        lab = await start_lab(data=await lab.kill())
        driver = lab.driver
        await lab.until(lambda driver=driver: driver.at_gate)  # type: ignore[misc]
        assert (await lab.find(task_id)).attempt == attempt, "counted before it is begun"
    lab = await start_lab(data=await lab.kill())
    task = await lab.find(task_id)
    assert task.outcome_unknown
    assert task.error is not None
    assert task.error.args == {"cause": "cause.daemon_died_again", "attempts": 3}
    (hold,) = lab.engine.holds.of("robot_a")
    assert (hold.code, hold.task_id) == (HoldCode.OUTCOME_UNKNOWN, task_id)
    told = text("hold.outcome_unknown", {**hold.args, "task_id": task_id}, Language.EN)
    assert "in each of the 3 runs" in told
    await lab.quiet()
    assert lab.driver.done == []
    await lab.engine.resolve(task_id, "failed", actor="ann")
    assert (await lab.ended(after)).state is TaskState.COMPLETED


async def test_idempotent__that_somebody_has_called_off_does_not_run_again(
    start_lab: StartLab,
) -> None:
    lab = await start_lab()
    task_id = await lab.at_gate("measure", cmd_type="MEASURE")
    cancelling = asyncio.create_task(lab.engine.queue.cancel(task_id, actor="ann"))
    await lab.until(lambda: lab._in_memory(task_id).asked)
    assert lab._in_memory(task_id).state is TaskState.RUNNING, "it was written before the end"
    again = await start_lab(data=await lab.kill())
    cancelling.cancel()
    assert (await again.find(task_id)).outcome_unknown
    assert again.driver.done == []


async def test_waiting__runs_in_order_as_if_nothing_had_happened(start_lab: StartLab) -> None:
    lab = await start_lab()
    await lab.engine.pause(None, actor="ann")
    ids = [await lab.submit(str(number), priority=number % 3) for number in range(9)]
    again = await start_lab(data=await lab.kill())
    await again.engine.resume(None, actor="ann")
    for task_id in ids:
        await again.ended(task_id)
    assert again.driver.done == ["2", "5", "8", "1", "4", "7", "0", "3", "6"]


async def test_numbers__go_on_where_they_were(start_lab: StartLab) -> None:
    lab = await start_lab()
    first = await lab.run("first")
    again = await start_lab(data=await lab.kill())
    second = await again.run("second")
    assert second.seq == first.seq + 1
    assert second.id != first.id
    assert again.engine.reads.counts().completed == 2
    assert [task.id for task in again.engine.reads.latest_ended()] == [
        second.id,
        first.id,
    ]


@pytest.mark.parametrize("cut", ["claimed", "finished", "between"])
async def test_death__at_a_commit_runs_nothing_twice(start_lab: StartLab, cut: str) -> None:
    lab = await start_lab()
    lab.disk.dies_at = {
        "claimed": writes(TaskState.RUNNING),
        "finished": writes(TaskState.COMPLETED),
        "between": writes(TaskState.COMPLETED, TaskState.RUNNING),
    }[cut]
    submitting = [asyncio.create_task(lab.submit(str(number))) for number in range(3)]
    await lab.until(lambda: lab.disk.dead)
    begun = list(lab.driver.done)
    again = await start_lab(data=await lab.kill())
    for hold in again.engine.holds.all():
        assert hold.task_id is not None
        await again.engine.resolve(hold.task_id, "completed", actor="ann")
    unfinished = [task.id for task in again.engine.reads.robot_queue("robot_a")]
    for task_id in unfinished:
        await again.ended(task_id)
    begun += again.driver.done
    assert len(begun) == len(set(begun)), begun
    for task in submitting:
        task.cancel()


async def test_on_start_hold__nothing_moves_by_itself_after_a_power_cut(
    start_lab: StartLab,
) -> None:
    lab = await start_lab()
    await lab.engine.pause(None, actor="ann")
    task_id = await lab.submit("first")
    await lab.engine.resume(None, actor="ann")
    await lab.ended(task_id)
    await lab.engine.pause(None, actor="ann")
    waiting = await lab.submit("second")
    again = await start_lab(data=await lab.kill(), **HOLD_ON_START)
    assert again.holds() == {HoldCode.PAUSED, HoldCode.RESTARTED}
    await again.engine.resume(None, actor="ann")
    assert (await again.ended(waiting)).state is TaskState.COMPLETED


async def test_on_start_hold__is_also_about_a_command_that_goes_back_to_its_place(
    start_lab: StartLab,
) -> None:
    lab = await start_lab()
    task_id = await lab.at_gate("measure", cmd_type="MEASURE")
    again = await start_lab(data=await lab.kill(), **HOLD_ON_START)
    await again.quiet()
    assert again.holds() == {HoldCode.RESTARTED}
    assert again.driver.done == []
    again.driver.gate.set()
    await again.engine.resume(None, actor="ann")
    await again.ended(task_id)


async def test_on_start_hold__with_nothing_waiting_holds_nothing(start_lab: StartLab) -> None:
    lab = await start_lab(**HOLD_ON_START)
    assert (await lab.run("first")).state is TaskState.COMPLETED


async def test_real_robot__holds_on_start_unless_told_otherwise(
    start_lab: StartLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await start_lab()
    await lab.engine.pause(None, actor="ann")
    await lab.submit("first")
    data = await lab.kill()
    monkeypatch.setattr(BenchDriver, "capabilities", Capabilities(simulated=False))
    again = await start_lab(data=data)
    assert again.holds() == {HoldCode.PAUSED, HoldCode.RESTARTED}


async def test_robot_that_is_gone__its_tasks_and_their_reason_are_shown(
    start_lab: StartLab,
) -> None:
    lab = await start_lab("robot_a", "robot_b")
    running = await lab.at_gate("cut off", robot="robot_b", take_s=0)
    waiting = await lab.submit("waiting", robot="robot_b")
    again = await start_lab("robot_a", data=await lab.kill())
    assert (await again.find(running)).outcome_unknown
    assert (await again.find(waiting)).state is TaskState.PENDING
    assert again.holds("robot_b") == {HoldCode.NOT_CONFIGURED, HoldCode.OUTCOME_UNKNOWN}
    assert (await again.run("first")).state is TaskState.COMPLETED
    resolved = await again.engine.resolve(running, "failed", actor="ann")
    assert not resolved.outcome_unknown


async def test_spec_that_is_gone__holds_the_queue_without_a_motion(start_lab: StartLab) -> None:
    lab = await start_lab()
    await lab.engine.pause(None, actor="ann")
    task_id = await lab.submit("first")
    running = [spec for spec in CATALOG if spec.cmd_type != "WORK"]
    again = await start_lab(data=await lab.kill(), catalog=Catalog(running))
    await again.engine.resume(None, actor="ann")
    await again.held(HoldCode.DOES_NOT_FIT)
    assert (await again.find(task_id)).state is TaskState.PENDING
    assert again.driver.done == []


async def test_events__of_the_start_count_for_those_who_listen(start_lab: StartLab) -> None:
    lab = await start_lab()
    await lab.run("first")
    again = await start_lab(data=await lab.kill())
    events = await again.events()
    assert again.engine.reads.last_event_id == events[-1].id
    assert [event.kind for event in events].count("daemon.started") == 2


# -- a start that fails ------------------------------------------------------------------------


async def failing_start(disk: Disk, *robots: str, **changes: Any) -> list[str]:
    """Robots whose drivers were closed again."""
    drivers: dict[str, BenchDriver] = {}
    with pytest.raises(ConfigError):
        await start_engine(
            bench_config(*robots, **changes),
            CATALOG,
            disk,
            {"bench": bench_factory(drivers)},
            simulated_clock=VirtualClock(),
        )
    return [name for name, driver in drivers.items() if driver._closed]


async def test_start__with_an_unknown_driver_closes_what_was_made() -> None:
    robots = {
        "robot_a": RobotConfig(driver="bench"),
        "robot_b": RobotConfig(driver="nothing"),
    }
    assert await failing_start(Disk(MemoryStore()), robots=robots) == ["robot_a"]


async def test_start__on_a_disk_that_takes_no_writes_is_refused() -> None:
    disk = Disk(MemoryStore())
    disk.full = "read-only file system"
    assert await failing_start(disk, "robot_a") == ["robot_a"]


async def test_journal__says_how_every_task_came_to_its_state(lab: Lab) -> None:
    await lab.run("good")
    await lab.run("bad", fail="jam")
    unknown = await lab.run("lost", uncertain="link_lost")
    await lab.engine.resolve(unknown.id, "failed", actor="ann")
    tasks = {task.id: task.state for task in lab.engine.reads.latest_ended()}
    states = {
        event.task_id: event.after for event in await lab.events("task.") if event.after is not None
    }
    assert states == {task_id: state.value for task_id, state in tasks.items()}
    numbers = [event.id for event in await lab.events()]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_start__on_a_slow_disk_tells_each_of_its_holds_once(start_lab: StartLab) -> None:
    """The holds of a start are in its own commit; nobody else writes them meanwhile."""
    lab = await start_lab()
    task_id = await lab.at_gate("cut off")
    again = await start_lab(data=await lab.kill())
    told = [event for event in await again.events("hold.set") if event.task_id == task_id]
    assert len(told) == 1
    (ended,) = [event for event in await again.events("task.failed") if event.task_id == task_id]
    assert ended.id < told[0].id
    assert [event.kind for event in await again.events("daemon.started")] == ["daemon.started"] * 2


async def test_start__whose_disk_takes_nothing_says_so_and_ends(start_lab: StartLab) -> None:
    lab = await start_lab()
    await lab.at_gate("cut off")
    disk = Disk(await lab.kill())
    disk.full = "no space left on device"
    drivers: dict[str, BenchDriver] = {}
    with pytest.raises(DataUnavailable, match="the data cannot be written: no space left"):
        await start_engine(
            bench_config("robot_a"), CATALOG, disk, {"bench": bench_factory(drivers)}
        )
