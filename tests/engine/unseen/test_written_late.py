"""A change of a running task whose caller has stopped waiting, and which comes to the disk all the
same: nobody writes over it by what was there before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TypeAlias

import pytest

from robotq.config import LimitsConfig, RobotConfig
from robotq.drivers.base import CommandContext, DriverError, LinkLost, UncertainOutcome
from robotq.model.json import JsonObject
from robotq.model.task import Command, TaskState
from robotq.store.port import Mutation, SaveTask, TaskQuery
from tests.engine.conftest import Lab, StartLab
from tests.engine.floor import Floor

Refused: TypeAlias = Callable[[Sequence[Mutation]], bool]


def _leaves(mutations: Sequence[Mutation]) -> bool:
    saved = [one.task.run for one in mutations if isinstance(one, SaveTask)]
    return any(run is not None and run.left_until_ms is not None for run in saved)


async def test_command__that_is_done_while_a_slow_disk_writes_that_it_is_left_has_its_result(
    start_lab: StartLab, caplog: pytest.LogCaptureFixture
) -> None:
    """It is written only after the stop of the daemon has given that up. What comes then, the
    reports and the end, was refused as made of an old state: `internal_error`, for a command that
    the device had completed."""
    floor = Floor(start_lab)
    robot = RobotConfig(driver="bench", reconnect_s=0.01, on_shutdown="leave")
    limits = LimitsConfig(stop_timeout_s=2, shutdown_grace_s=0.05)
    lab = await floor.start(robots={"robot_a": robot}, limits=limits)
    await floor.command()
    lab.set_timings(record_s=0.05)
    lab.disk.hangs_at = _leaves
    ending = asyncio.create_task(lab.engine.shut_down())
    await lab.until(lambda: lab.disk.hanging)
    floor.device.ends("done", found=1)
    await lab.until(lambda: "cannot be written down" in caplog.text)
    await lab.quiet()
    lab.disk.go_on()
    await ending
    (task,) = await lab.disk.data.list(TaskQuery(limit=10))
    assert (task.state, task.error) == (TaskState.COMPLETED, None)
    assert task.result == {"found": 1}
    assert task.run is not None
    assert task.run.left_until_ms is None
    assert "StaleRevision" not in caplog.text


def _ends(mutations: Sequence[Mutation]) -> bool:
    return any(isinstance(one, SaveTask) and one.task.state.final for one in mutations)


def _reports(mutations: Sequence[Mutation]) -> bool:
    tasks = [one.task for one in mutations if isinstance(one, SaveTask)]
    return any(task.state is TaskState.RUNNING and task.steps for task in tasks)


def _once(of: Refused) -> Refused:
    """So is the first one of these, and none after it."""
    seen: list[bool] = []

    def first(mutations: Sequence[Mutation]) -> bool:
        found = of(mutations) and not seen
        seen.extend([True] * found)
        return found

    return first


@pytest.mark.parametrize("refused", [_reports, _once(_reports), _once(_ends)])
async def test_command__that_is_done_has_its_result_whatever_the_disk_says_of_its_reports(
    lab: Lab, caplog: pytest.LogCaptureFixture, refused: Refused
) -> None:
    """A report, or the end with all that goes along, is refused for a reason of which nobody has
    thought."""
    lab.disk.stale_at = refused
    lab.set_timings(report_again_s=0.01)
    task_id = await lab.at_gate("one", take_s=0) if refused is not _reports else await _begun(lab)
    following = await lab.submit("two", take_s=0)
    lab.driver.gate.set()
    task = await lab.ended(task_id)
    assert (task.state, task.error) == (TaskState.COMPLETED, None)
    assert task.result == {"worked": True}
    lab.disk.stale_at = lambda _: False
    assert (await lab.ended(following)).state is TaskState.COMPLETED
    assert lab.holds() == set()
    assert "StaleRevision" in caplog.text


async def _begun(lab: Lab) -> str:
    task_id = await lab.submit("one", take_s=0, gate=True)
    await lab.until(lambda: lab.driver.at_gate)
    return task_id


ODD = "to \udcff"
"""A text that no disk takes: the name of a file in another encoding, for example."""


async def test_words_of_a_driver__that_no_disk_takes_change_no_result(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    """The name of a step, a question, a number of another library, or the words of an error."""
    # what is captured goes from process to process, where such a text breaks pytest
    caplog.set_level(logging.CRITICAL + 1)

    work = lab.driver._work

    def odd(command: Command, context: CommandContext) -> JsonObject:
        with context.step(ODD):
            context.progress(Fraction(1, 2))  # type: ignore[arg-type]
            if "asks" in command.params:
                context.ask(ODD, {"type": "object"}, 5.0, answered_by="ENTER")
        if "odd" in command.params:
            raise {
                "uncertain": UncertainOutcome("answer_lost", ODD),
                "link": LinkLost(ODD),
                "fails": DriverError(ODD, code=ODD),
                "raises": OSError(ODD),
            }[command.params["odd"]]
        return work(command, context)

    lab.driver._work = odd  # type: ignore[method-assign]
    task_id = await lab.submit("one", take_s=0, asks=True)
    asking = await lab.asking(task_id)
    assert asking.waiting_for is not None
    assert asking.waiting_for.prompt == "to ?"
    await lab.engine.answer(task_id, {"id": "b7"}, actor="ann")
    task = await lab.ended(task_id)
    assert (task.state, task.progress) == (TaskState.COMPLETED, 1.0)
    assert task.steps[0].name == "to ?"
    for number, (how, cause) in enumerate(
        {
            "fails": None,
            "raises": "cause.driver_raised",
            "uncertain": "cause.answer_lost",
            "link": "cause.link_lost",
        }.items()
    ):
        task = await lab.run(f"odd-{number}", take_s=0, odd=how)
        assert task.error is not None
        assert task.error.args.get("cause") == cause
        assert task.error.code != "internal_error"
        assert "to ?" in str(task.error.args["reason"])
        if cause is not None:
            await lab.engine.resolve(task.id, "failed", actor="ann")


async def test_run_id__that_no_disk_takes_ends_a_command_that_was_not_sent_as_failed(
    start_lab: StartLab, caplog: pytest.LogCaptureFixture
) -> None:
    """A changed id would be that of another run. Nothing was sent, so nothing is unknown."""
    caplog.set_level(logging.CRITICAL + 1)
    floor = Floor(start_lab)
    lab = await floor.start()
    carry_out = floor.driver.execute

    def odd(command: Command, context: CommandContext) -> JsonObject:
        context.run_id(ODD, begun="begun" in command.params)
        return carry_out(command, context)

    floor.driver.execute = odd  # type: ignore[method-assign]
    refused = await lab.run("before")
    assert refused.error is not None
    assert (refused.state, refused.error.code) == (TaskState.FAILED, "device_error")
    assert "no Unicode text" in str(refused.error.args["reason"])
    assert not refused.outcome_unknown
    assert floor.device.starts == []
    # where the device made it and moves already, only a crash could ask for it
    task_id = await floor.command("after", begun=True)
    floor.device.ends("done", found=1)
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED
