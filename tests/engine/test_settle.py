"""Nobody has watched a command to its end: the device is asked before anything is decided."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from robotq.config import LimitsConfig, RobotConfig
from robotq.drivers.base import UncertainOutcome
from robotq.drivers.settling import Settled
from robotq.engine.timings import Timings
from robotq.model.hold import HoldCode
from robotq.model.task import StepState, TaskState
from robotq.store.port import TaskQuery

from .conftest import Lab, StartLab
from .settling import Device, SettlingDriver

HOLD_ON_START = {"robots": {"robot_a": RobotConfig(driver="bench", on_start="hold")}}
QUICK = Timings(settle_s=0.1, in_doubt_s=0.3, repeat_stop_s=0.05)


class Floor:
    """Daemons, one after another, and the device that outlives them."""

    def __init__(self, start_lab: StartLab) -> None:
        self._start_lab = start_lab
        self.device = Device()
        self.lab: Lab

    async def start(self, **how: Any) -> Lab:
        how.setdefault("timings", QUICK)
        # long enough for a busy machine
        how.setdefault("limits", LimitsConfig(stop_timeout_s=2, shutdown_grace_s=0.05))
        made = how.pop("made", partial(SettlingDriver, device=self.device))
        self.lab = await self._start_lab(made=made, **how)
        return self.lab

    @property
    def driver(self) -> SettlingDriver:
        driver = self.lab.driver
        assert isinstance(driver, SettlingDriver)
        return driver

    async def command(self, cmd_id: str = "one", **params: Any) -> str:
        """One that its device carries out right now."""
        task_id = await self.lab.submit(cmd_id, **params)
        await self.lab.until(lambda: self.device.starts and self._step(task_id))
        return task_id

    def _step(self, task_id: str) -> object:
        return self.lab._in_memory(task_id).steps

    async def killed(self, **how: Any) -> Lab:
        """The daemon dies, and is started again."""
        data = await self.lab.kill()
        return await self.start(data=data, **how)

    async def attached(self) -> None:
        await self.lab.until(lambda: any(line.startswith("attach") for line in self.device.log))


@pytest.fixture
async def floor(start_lab: StartLab) -> Floor:
    floor = Floor(start_lab)
    await floor.start()
    return floor


# -- the truth ---------------------------------------------------------------------------------


async def test_running__is_followed_again_after_a_crash_as_if_nothing_had_happened(
    floor: Floor,
) -> None:
    task_id = await floor.command()
    floor.device.running.progress = 0.3
    await floor.lab.until(lambda: floor.lab._in_memory(task_id).progress == 0.3)
    after = await floor.lab.submit("after")
    lab = await floor.killed()
    await floor.attached()
    floor.device.running.progress = 0.6
    await lab.until(lambda: lab._in_memory(task_id).progress == 0.6)
    task = await lab.find(task_id)
    assert (task.state, task.attempt) == (TaskState.RUNNING, 1)
    assert [step.state for step in task.steps] == [StepState.RUNNING], "the same step goes on"
    floor.device.running.steps.append("PLACING")
    await lab.until(lambda: len(lab._in_memory(task_id).steps) == 2)
    floor.device.ends("done", found=3)
    ended = await lab.ended(task_id)
    assert (ended.state, ended.result) == (TaskState.COMPLETED, {"found": 3})
    assert [(step.name, step.state) for step in ended.steps] == [
        ("WORKING", StepState.COMPLETED),
        ("PLACING", StepState.COMPLETED),
    ]
    assert lab.holds() == set()
    await lab.until(lambda: len(floor.device.starts) == 2)
    assert floor.device.starts == [f"{task_id}.1", f"{after}.1"]
    floor.device.ends()


async def test_completed__while_the_daemon_was_down_ends_by_what_the_device_has_stored(
    floor: Floor,
) -> None:
    task_id = await floor.command()
    after = await floor.lab.submit("after")
    data = await floor.lab.kill()
    floor.device.ends("done", bottles=2)
    lab = await floor.start(data=data)
    task = await lab.ended(task_id)
    assert (task.state, task.result, task.settled) == (TaskState.COMPLETED, {"bottles": 2}, True)
    assert [step.state for step in task.steps] == [StepState.COMPLETED]
    assert lab.holds() == set()
    await lab.until(lambda: floor.device.starts[1:] == [f"{after}.1"])
    floor.device.ends()
    kinds = [event.kind for event in await lab.events("task.") if event.task_id == task_id]
    told = [kind for kind in kinds if kind in ("task.in_doubt", "task.settled", "task.completed")]
    assert told == ["task.in_doubt", "task.settled", "task.completed"]


async def test_failed__while_the_daemon_was_down_is_certain_and_the_queue_goes_on(
    floor: Floor,
) -> None:
    task_id = await floor.command()
    data = await floor.lab.kill()
    floor.device.ends("failed")
    lab = await floor.start(data=data)
    task = await lab.ended(task_id)
    assert task.error is not None
    assert (task.error.code, task.error.args["reason"]) == ("device_error", "the gripper is empty")
    assert (task.settled, task.outcome_unknown, lab.holds()) == (True, False, set())
    assert task.steps[0].state is StepState.FAILED


async def test_stopped__at_the_robot_while_the_daemon_was_down_pauses_the_queue(
    floor: Floor,
) -> None:
    task_id = await floor.command()
    data = await floor.lab.kill()
    floor.device.stop("button")
    lab = await floor.start(data=data)
    task = await lab.ended(task_id)
    assert (task.state, task.settled) == (TaskState.CANCELLED, True)
    assert lab.holds() == {HoldCode.PAUSED}


async def test_never_started__waits_again_by_itself_under_another_id(floor: Floor) -> None:
    floor.device.loses_starts = True
    task_id = await floor.lab.submit("lost start")
    await floor.lab.until(lambda: floor.device.lost)
    floor.device.loses_starts = False
    lab = await floor.killed()
    await lab.until(lambda: floor.device.starts)
    assert floor.device.starts == [f"{task_id}.2"]
    floor.device.ends()
    task = await lab.ended(task_id)
    assert (task.state, task.attempt, task.settled) == (TaskState.COMPLETED, 2, False)
    assert f"{task_id}.1" in floor.device.refused


async def test_never_started__three_times_is_not_begun_again(floor: Floor) -> None:
    floor.device.loses_starts = True
    task_id = await floor.lab.submit("lost start")
    lab = floor.lab
    for attempt in (1, 2, 3):
        await lab.until(partial(floor.device.lost.__contains__, f"{task_id}.{attempt}"))
        lab = await floor.killed()
    task = await lab.ended(task_id)
    assert task.outcome_unknown
    assert floor.device.starts == []


async def test_never_started__and_called_off_before_is_cancelled_and_not_begun(
    floor: Floor,
) -> None:
    floor.device.loses_starts = True
    task_id = await floor.lab.submit("lost start")
    await floor.lab.until(lambda: floor.device.lost)
    cancelling = asyncio.create_task(floor.lab.engine.queue.cancel(task_id, actor="ann"))
    await floor.lab.until(lambda: floor.lab._in_memory(task_id).asked)
    floor.device.loses_starts = False
    lab = await floor.killed()
    cancelling.cancel()
    task = await lab.ended(task_id)
    assert (task.state, task.settled) == (TaskState.CANCELLED, True)
    assert floor.device.starts == []


async def test_hold_of_the_start__stays_whatever_the_device_says(floor: Floor) -> None:
    task_id = await floor.command()
    after = await floor.lab.submit("after")
    data = await floor.lab.kill()
    floor.device.ends()
    lab = await floor.start(data=data, **HOLD_ON_START)
    assert (await lab.ended(task_id)).settled
    await lab.quiet()
    assert lab.holds() == {HoldCode.RESTARTED}
    assert (await lab.find(after)).state is TaskState.PENDING


# -- a link that breaks ------------------------------------------------------------------------


async def test_link__that_comes_back_finds_the_command_running_and_follows_it(floor: Floor) -> None:
    task_id = await floor.command()
    floor.driver.breaks()
    await floor.lab.held(HoldCode.DISCONNECTED)
    assert (await floor.lab.find(task_id)).state is TaskState.RUNNING
    floor.driver.mends()
    await floor.attached()
    await floor.lab.held()
    floor.device.ends("done", found=1)
    task = await floor.lab.ended(task_id)
    assert (task.state, task.result, task.attempt) == (TaskState.COMPLETED, {"found": 1}, 1)
    assert [step.state for step in task.steps] == [StepState.COMPLETED]
    assert floor.device.starts == [f"{task_id}.1"]


async def test_link__that_comes_back_late_finds_the_end(floor: Floor) -> None:
    task_id = await floor.command()
    floor.driver.breaks()
    await floor.lab.held(HoldCode.DISCONNECTED)
    floor.device.ends("done", found=1)
    floor.driver.mends()
    task = await floor.lab.ended(task_id)
    assert (task.state, task.settled, floor.lab.holds()) == (TaskState.COMPLETED, True, set())


async def test_link__that_breaks_again_and_again_costs_no_second_start(floor: Floor) -> None:
    task_id = await floor.command()
    for number in range(3):
        floor.driver.breaks(f"cable {number}")
        await floor.lab.held(HoldCode.DISCONNECTED)
        floor.driver.mends()
        await floor.lab.held()
    floor.device.ends()
    assert (await floor.lab.ended(task_id)).state is TaskState.COMPLETED
    assert floor.device.starts == [f"{task_id}.1"]


async def test_link__that_does_not_come_back_has_an_unknown_outcome_in_the_end(
    start_lab: StartLab,
) -> None:
    floor = Floor(start_lab)
    await floor.start()
    task_id = await floor.command()
    # its own limit, and the least that a link is waited for
    floor.lab.engine.robots["robot_a"].executor._current._limit.spend(99.9)  # type: ignore[union-attr]
    floor.driver.breaks()
    task = await floor.lab.ended(task_id)
    assert task.error is not None
    assert task.error.args["cause"] == "cause.unsettled"
    assert task.error.args["reason"] == "reason.no_link_to_ask"
    assert HoldCode.OUTCOME_UNKNOWN in floor.lab.holds()
    assert task.steps[0].state is StepState.FAILED


async def test_attach__that_loses_it_again_and_again_over_one_link_is_given_up(
    floor: Floor,
) -> None:
    task_id = await floor.command()
    data = await floor.lab.kill()
    lab = await floor.start(data=data, made=partial(_Losing, device=floor.device))
    task = await lab.ended(task_id)
    assert task.outcome_unknown
    assert len([line for line in floor.device.log if line.startswith("settle")]) <= 5
    assert floor.device.starts == [f"{task_id}.1"]


class _Losing(SettlingDriver):
    def attach(self, run: Any, context: Any) -> Any:
        raise UncertainOutcome("answer_lost", "the controller says something else")


# -- what was to be stopped --------------------------------------------------------------------


@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_stop__that_was_asked_for_before_the_crash_comes_before_the_attach(
    floor: Floor, how: str
) -> None:
    task_id = await floor.command()
    # on disk, and not at the device: the daemon dies in between
    floor.driver.hooks["stop"] = _raises
    engine = floor.lab.engine
    asking = asyncio.create_task(
        engine.stop_robot("robot_a", actor="ann")
        if how == "stop"
        else engine.queue.cancel(task_id, actor="ann")
    )
    await floor.lab.until(lambda: floor.lab._in_memory(task_id).asked)
    lab = await floor.killed()
    asking.cancel()
    task = await lab.ended(task_id)
    assert task.state is TaskState.CANCELLED
    log = [line.split()[0] for line in floor.device.log]
    assert log[log.index("settle") :][:2] == ["settle", "stop"]
    assert floor.device.starts == [f"{task_id}.1"]


def _raises() -> None:
    raise RuntimeError("it does not get through")


@pytest.mark.parametrize("how", ["stop", "cancel", "estop"])
async def test_stop__asked_for_while_the_link_is_away_comes_first_when_it_is_back(
    floor: Floor, how: str
) -> None:
    task_id = await floor.command()
    floor.driver.breaks()
    await floor.lab.held(HoldCode.DISCONNECTED)
    lab, engine = floor.lab, floor.lab.engine
    # its thread has come back: what is asked for now is for the device
    executor = engine._parts.roster["robot_a"].executor
    await lab.until(lambda: executor.doubts.task)
    ways: dict[str, Any] = {
        "stop": partial(engine.stop_robot, "robot_a", actor="ann"),
        "cancel": partial(engine.queue.cancel, task_id, actor="ann"),
        "estop": partial(engine.estop.trigger, actor="ann"),
    }
    asking = asyncio.create_task(ways[how]())
    await lab.until(lambda: lab._in_memory(task_id).asked)
    # the driver has been told, as far as it has a thread for that
    await lab.until(lambda: how != "estop" or floor.driver.estops)
    before = len(floor.device.log)
    floor.driver.mends()
    task = await lab.ended(task_id)
    await asking
    assert task.state is (TaskState.FAILED if how == "estop" else TaskState.CANCELLED)
    assert not task.outcome_unknown
    log = [line.split()[0] for line in floor.device.log[before:]]
    if how == "estop":
        assert log[0] == "estop"
    else:
        assert log[:3] == ["connect", "settle", "stop"]


async def test_emergency_stop__that_is_latched_comes_before_the_link(floor: Floor) -> None:
    task_id = await floor.command()
    floor.driver.hooks |= {"emergency_stop": _raises, "stop": _raises}
    await floor.lab.engine.estop.trigger(actor="ann")
    assert floor.device.running.state == "running"
    data = await floor.lab.kill()
    before = len(floor.device.log)
    lab = await floor.start(data=data)
    task = await lab.ended(task_id)
    assert floor.device.log[before].startswith("estop")
    assert (task.state, task.outcome_unknown) == (TaskState.FAILED, False)
    assert HoldCode.ESTOP in lab.holds()


async def test_emergency_stop__that_is_latched_comes_first_also_where_nobody_can_ask(
    start_lab: StartLab,
) -> None:
    """The id was not written any more, so the outcome is unknown; the robot may be moving."""
    floor = Floor(start_lab)
    await floor.start()
    floor.driver.late_id = True
    floor.driver.hooks["id"] = lambda: floor.lab.clock.wait_outside(lambda: False, 0.2)
    floor.driver.hooks |= {"emergency_stop": _raises, "stop": _raises}
    task_id = await floor.lab.submit("one")
    await floor.lab.until(lambda: floor.device.starts)
    await floor.lab.engine.estop.trigger(actor="ann")
    data = await floor.lab.kill()
    assert floor.device.running.state == "running"
    before = len(floor.device.log)
    lab = await floor.start(data=data)
    assert floor.device.log[before] == "estop"
    assert (await lab.find(task_id)).outcome_unknown
    # nobody has looked yet, and it may have been started by hand: the next start stops it again
    data = await lab.kill()
    before = len(floor.device.log)
    await floor.start(data=data)
    assert floor.device.log[before] == "estop"


async def test_stop__asked_for_while_the_link_stays_away_is_told_and_goes_out_when_it_is_back(
    floor: Floor,
) -> None:
    """Nobody waits for the whole time of the command, and the robot is stopped all the same."""
    task_id = await floor.command()
    floor.driver.breaks()
    await floor.lab.held(HoldCode.DISCONNECTED)
    cancelling = asyncio.create_task(floor.lab.engine.queue.cancel(task_id, actor="ann"))
    task = await floor.lab.ended(task_id)
    await cancelling
    assert task.outcome_unknown
    assert floor.device.running.state == "running"
    before = len(floor.device.log)
    floor.driver.mends()
    await floor.lab.held(HoldCode.OUTCOME_UNKNOWN)
    assert floor.device.log[before:] == ["connect", "stop"]


# -- the lies ----------------------------------------------------------------------------------


def _boots_again(device: Device, run_id: str) -> Settled:
    device.restarts()
    return Settled.never_started(id=run_id, boot=device.boot, cannot_start=True)


LIES: dict[str, Callable[[Device, str], Any]] = {
    "has forgotten and says that it never began": _boots_again,
    "answers for another run": lambda device, _: Settled.completed(
        {"found": 9}, id="task_other.1", boot=device.boot
    ),
    "runs another run": lambda device, _: Settled.running(id="task_other.1", boot=device.boot),
    "has failed in another life": lambda _, run_id: Settled.failed(
        "empty", id=run_id, boot="boot-0"
    ),
    "has completed it in another life": lambda _, run_id: Settled.completed(
        {"found": 9}, id=run_id, boot="boot-0"
    ),
    "may receive the start after it said that it never began": lambda device, run_id: (
        Settled.never_started(id=run_id, boot=device.boot, cannot_start=False)
    ),
    "says nothing of its memory": lambda _, run_id: Settled.never_started(
        id=run_id, boot="", cannot_start=True
    ),
    "cannot say": lambda *_: Settled.unknown("forgotten"),
    "answers nonsense": lambda *_: "completed",
    "raises": lambda *_: 1 / 0,
}


@pytest.mark.parametrize("after", ["a crash", "a broken link"])
@pytest.mark.parametrize("lie", LIES)
async def test_lie__is_not_believed_and_a_person_decides(
    floor: Floor, lie: str, after: str
) -> None:
    """Each time the device itself has another truth than it tells."""
    task_id = await floor.command()
    device = floor.device
    device.lies = lambda run_id: LIES[lie](device, run_id)
    if after == "a crash":
        lab = await floor.killed()
    else:
        lab = floor.lab
        floor.driver.breaks()
        await lab.held(HoldCode.DISCONNECTED)
        floor.driver.mends()
    task = await lab.ended(task_id)
    assert task.outcome_unknown, lie
    assert not task.settled
    await lab.held(HoldCode.OUTCOME_UNKNOWN)
    await lab.quiet()
    assert device.starts == [f"{task_id}.1"], "nothing is begun again"


async def test_answer__that_comes_too_late_is_not_waited_for_and_not_believed(
    floor: Floor,
) -> None:
    task_id = await floor.command()
    after = await floor.lab.submit("after")
    data = await floor.lab.kill()
    floor.device.ends("done", found=1)
    floor.device.answers.clear()
    lab = await floor.start(data=data, connected=False)
    task = await lab.ended(task_id)
    assert task.outcome_unknown
    assert task.error is not None
    assert task.error.args["reason"] == "reason.settle_too_late"
    await lab.until(lambda: HoldCode.UNRESPONSIVE in lab.holds())
    floor.device.answers.set()
    await lab.held(HoldCode.OUTCOME_UNKNOWN)
    assert (await lab.find(task_id)).outcome_unknown
    await lab.engine.resolve(task_id, "completed", actor="ann")
    await lab.until(lambda: floor.device.starts[1:] == [f"{after}.1"])
    floor.device.ends()


async def test_id__of_the_device_that_was_not_written_any_more_is_unknown(
    start_lab: StartLab,
) -> None:
    """Never "the only run that there is"."""
    floor = Floor(start_lab)
    await floor.start()
    floor.driver.late_id = True
    floor.driver.hooks["id"] = lambda: floor.lab.clock.wait_outside(lambda: False, 0.2)
    task_id = await floor.lab.submit("one")
    await floor.lab.until(lambda: floor.device.starts)
    lab = await floor.killed()
    task = await lab.find(task_id)
    assert task.outcome_unknown
    assert lab.holds() == {HoldCode.OUTCOME_UNKNOWN}
    assert not any(line.startswith("settle") for line in floor.device.log)


async def test_id__of_the_device_that_was_written_settles_like_any_other(floor: Floor) -> None:
    floor.driver.late_id = True
    task_id = await floor.command()
    await floor.lab.until(lambda: floor.lab._in_memory(task_id).run)
    data = await floor.lab.kill()
    floor.device.ends("done", found=1)
    lab = await floor.start(data=data)
    assert (await lab.ended(task_id)).settled


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


# -- the time limit ----------------------------------------------------------------------------


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
            floor.driver.hooks["stop"] = _raises
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
