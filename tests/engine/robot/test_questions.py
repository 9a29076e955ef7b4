"""A running command asks, somebody answers once; it is in the journal before it acts."""

from __future__ import annotations

import asyncio

import pytest

from robotq.model.errors import RobotqError
from robotq.model.task import TaskState
from robotq.store.port import AppendEvent
from tests.engine.conftest import Lab, StartLab


async def answer_by_command(lab: Lab, robot: str | None = None, **value: object) -> object:
    body = {"cmd_type": "ENTER", "params": value}
    if robot is not None:
        body["robot_id"] = robot
    return await lab.engine.immediate.serve(lab.engine.intake.read(body), actor="ann")


async def test_answer__through_the_task_lets_it_go_on(lab: Lab) -> None:
    task_id = await lab.submit("asks", ask="Which bottle?", wait_s=60)
    task = await lab.asking(task_id)
    assert task.state is TaskState.RUNNING
    assert task.waiting_for is not None
    assert (task.waiting_for.prompt, task.waiting_for.answered_by) == ("Which bottle?", "ENTER")
    assert task.waiting_for.deadline_ms == task.waiting_for.asked_at_ms + 60_000
    await lab.engine.answer(task_id, {"id": "b7"}, actor="ann")
    ended = await lab.ended(task_id)
    assert (ended.result, ended.waiting_for) == ({"worked": True, "id": "b7"}, None)
    (event,) = await lab.events("task.answered")
    assert (event.actor, event.data) == ("ann", {"answer": {"id": "b7"}})


async def test_answer__that_names_the_question_is_taken_for_that_one_alone(lab: Lab) -> None:
    task_id = await lab.submit("asks", ask="Which bottle?")
    question = (await lab.asking(task_id)).waiting_for
    assert question is not None
    with pytest.raises(RobotqError, match="asks something else by now"):
        await lab.engine.answer(
            task_id, {"id": "b6"}, actor="ben", asked_at_ms=question.asked_at_ms - 1
        )
    await lab.engine.answer(task_id, {"id": "b7"}, actor="ann", asked_at_ms=question.asked_at_ms)
    assert (await lab.ended(task_id)).result == {"worked": True, "id": "b7"}


async def test_answer__by_the_command_that_the_question_names(lab: Lab) -> None:
    task_id = await lab.submit("asks", ask="Which bottle?")
    await lab.asking(task_id)
    assert await answer_by_command(lab, id="b7") == {"answered_task_id": task_id}
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED
    with pytest.raises(RobotqError, match="No command waits for ENTER"):
        await answer_by_command(lab, id="b8")


async def test_answer__of_several_robots_that_ask_one_must_be_named(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    asking = {name: await lab.submit("asks", robot=name, ask="?", take_s=0) for name in lab.drivers}
    for task_id in asking.values():
        await lab.asking(task_id)
    with pytest.raises(RobotqError, match="several robots ask: robot_a, robot_b"):
        await answer_by_command(lab, id="b7")
    assert await answer_by_command(lab, "robot_b", id="b7") == {
        "answered_task_id": asking["robot_b"]
    }
    assert await answer_by_command(lab, id="b8") == {"answered_task_id": asking["robot_a"]}
    for task_id in asking.values():
        await lab.ended(task_id)


@pytest.mark.parametrize(
    ("value", "field"), [({}, "input"), ([], "input"), ("b7", "input"), (None, "input")]
)
async def test_answer__that_is_wrong_is_named_and_the_question_stays(
    lab: Lab, value: object, field: str
) -> None:
    task_id = await lab.submit("asks", ask="Which bottle?")
    await lab.asking(task_id)
    with pytest.raises(RobotqError) as refused:
        await lab.engine.answer(task_id, value, actor="ann")
    assert (refused.value.code.name, refused.value.args_["field"]) == ("bad_parameter", field)
    await lab.engine.answer(task_id, {"id": "b7"}, actor="ann")
    await lab.ended(task_id)


async def test_answer__twice_at_once_counts_once(lab: Lab) -> None:
    task_id = await lab.submit("asks", ask="Which bottle?")
    await lab.asking(task_id)
    answers = await asyncio.gather(
        *(lab.engine.answer(task_id, {"id": name}, actor=name) for name in "xyz"),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, RobotqError)]
    assert [error.code.name for error in refused] == ["no_question"] * 2
    assert (await lab.ended(task_id)).result == {"worked": True, "id": "x"}
    assert len(await lab.events("task.answered")) == 1


async def test_answer__to_nobody(lab: Lab) -> None:
    task = await lab.run("first")
    with pytest.raises(RobotqError, match="waiting for this answer"):
        await lab.engine.answer(task.id, {"id": "b7"}, actor="ann")
    with pytest.raises(RobotqError, match="No such task"):
        await lab.engine.answer("task_0", {"id": "b7"}, actor="ann")


async def test_answer__that_cannot_be_written_does_not_act_and_can_be_repeated(lab: Lab) -> None:
    task_id = await lab.submit("asks", ask="Which bottle?")
    await lab.asking(task_id)
    lab.disk.full = "no space left"
    with pytest.raises(RobotqError, match="no space left"):
        await lab.engine.answer(task_id, {"id": "b7"}, actor="ann")
    assert (await lab.find(task_id)).state is TaskState.RUNNING
    lab.disk.full = None
    await lab.engine.answer(task_id, {"id": "b8"}, actor="ann")
    assert (await lab.ended(task_id)).result == {"worked": True, "id": "b8"}


async def test_answer__that_came_too_late_says_so(lab: Lab) -> None:
    """It was on its way to the disk when the command stopped waiting."""
    task_id = await lab.submit("asks", ask="Which bottle?", wait_s=5)
    await lab.asking(task_id)

    def is_answer(mutations: object) -> bool:
        assert isinstance(mutations, list)
        return any(
            isinstance(m, AppendEvent) and m.event.kind == "task.answered" for m in mutations
        )

    lab.disk.hangs_at = is_answer
    answering = asyncio.create_task(lab.engine.answer(task_id, {"id": "b7"}, actor="ann"))
    await lab.until(lambda: lab.disk.hanging)
    stopping = asyncio.create_task(lab.engine.queue.cancel(task_id, actor="bob"))
    await lab.until(lambda: not lab.engine.robots["robot_a"].host.busy)
    lab.disk.go_on()
    with pytest.raises(RobotqError, match="has stopped waiting"):
        await answering
    assert (await stopping).state is TaskState.CANCELLED


async def test_answer__of_a_client_that_left_is_taken_all_the_same(lab: Lab) -> None:
    task_id = await lab.submit("asks", ask="Which bottle?")
    await lab.asking(task_id)
    answering = asyncio.create_task(lab.engine.answer(task_id, {"id": "b7"}, actor="ann"))
    await asyncio.sleep(0)
    answering.cancel()
    assert (await lab.ended(task_id)).result == {"worked": True, "id": "b7"}


async def test_question__that_nobody_answers_fails_the_command(lab: Lab) -> None:
    task = await lab.run("asks", ask="Which bottle?", wait_s=0.01)
    assert task.error is not None
    assert task.error.code == "answer_timeout"
    assert task.error.args["prompt"] == "Which bottle?"
    assert not lab.holds()


async def test_question__does_not_outlive_a_cancel(lab: Lab) -> None:
    task_id = await lab.submit("asks", ask="Which bottle?", wait_s=60)
    after = await lab.submit("next")
    await lab.asking(task_id)
    assert (await lab.engine.queue.cancel(task_id, actor="ann")).state is TaskState.CANCELLED
    assert (await lab.ended(after)).state is TaskState.COMPLETED
    assert (await lab.find(task_id)).waiting_for is None


async def test_manual_step__is_done_when_somebody_says_so(lab: Lab) -> None:
    task_id = await lab.submit("by hand", "MANUAL_STEP", title="Change the filter")
    task = await lab.asking(task_id)
    assert task.waiting_for is not None
    assert task.waiting_for.prompt == "ask.manual_step"
    assert task.waiting_for.args == {"title": "Change the filter"}
    await lab.engine.answer(task_id, {"note": "done"}, actor="ann")
    ended = await lab.ended(task_id)
    assert ended.result == {"title": "Change the filter", "note": "done"}
    assert lab.driver.done == [], "the driver has nothing to do with it"


async def test_manual_step__takes_any_params_and_can_be_cancelled(lab: Lab) -> None:
    order = lab.engine.intake.read({"cmd_type": "MANUAL_STEP", "params": ["a", "list"]})
    (task_id,) = (await lab.accept([order])).task_ids
    await lab.asking(task_id)
    assert (await lab.engine.queue.cancel(task_id, actor="ann")).state is TaskState.CANCELLED


async def test_question__outlives_neither_the_daemon_nor_its_command(start_lab: StartLab) -> None:
    lab = await start_lab()
    task_id = await lab.submit("asks", ask="Which bottle?", wait_s=0.3)
    await lab.asking(task_id)
    again = await start_lab(data=await lab.kill())
    task = await again.find(task_id)
    assert (task.outcome_unknown, task.waiting_for) == (True, None)
    with pytest.raises(RobotqError) as refused:
        await again.engine.answer(task_id, {"id": "b7"}, actor="ann")
    assert refused.value.code.name == "no_question"


async def test_question__ends_with_an_emergency_stop(lab: Lab) -> None:
    task_id = await lab.submit("asks", ask="Which bottle?", wait_s=60)
    await lab.asking(task_id)
    await lab.engine.estop.trigger(actor="ann")
    task = await lab.ended(task_id)
    assert (task.state, task.waiting_for) == (TaskState.FAILED, None)
    with pytest.raises(RobotqError) as refused:
        await answer_by_command(lab, id="b7")
    assert refused.value.code.name == "no_question"


async def test_question__motion_does_not_run_ahead_of_the_answer(start_lab: StartLab) -> None:
    """Where time jumps, another robot's motion would be over before anybody could answer."""
    lab = await start_lab("robot_a", "robot_b")
    asks = await lab.submit("asks", ask="Which bottle?", wait_s=60)
    await lab.asking(asks)
    moves = await lab.submit("moves", robot="robot_b", take_s=5)
    await lab.running(moves)
    await lab.quiet()
    assert (await lab.find(moves)).state is TaskState.RUNNING
    await lab.engine.answer(asks, {"id": "b7"}, actor="ann")
    assert (await lab.ended(moves)).state is TaskState.COMPLETED


async def test_answer__under_a_pause_lets_the_command_end_and_the_next_one_wait(lab: Lab) -> None:
    task_id = await lab.submit("asks", ask="Which bottle?", wait_s=60)
    after = await lab.submit("after")
    await lab.asking(task_id)
    await lab.engine.pause(None, actor="ann")
    await lab.engine.answer(task_id, {"id": "b7"}, actor="ann")
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED
    await lab.quiet()
    assert (await lab.find(after)).state is TaskState.PENDING
