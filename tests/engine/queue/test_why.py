"""A queue that is not empty and of which nothing moves says why, since when, what clears it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from robotq.api.robot.answers.holds import reason_views
from robotq.catalog import Catalog, CommandSpec
from robotq.config import RobotConfig
from robotq.model.hold import HoldCode, Reason, Wait, WaitCode
from robotq.model.job import Job
from robotq.model.task import Command, TaskState, Work
from robotq.model.texts import Language
from tests.engine.bench import CATALOG, bench_config
from tests.engine.conftest import Lab, StartLab

APPROVED = Catalog([*CATALOG, CommandSpec(cmd_type="POUR", approval=True)])

WITH_HOME = Catalog(
    [
        *CATALOG,
        CommandSpec(
            cmd_type="NAVIGATION",
            schema={
                "type": "object",
                "required": ["area"],
                "properties": {"area": {"type": "string"}},
            },
            resources=("{area}",),
        ),
    ]
)


@dataclass
class SetClock:
    ms: int = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def steady_ms(self) -> int:
        return self.ms


def codes(reasons: Sequence[Reason]) -> list[str]:
    return [reason.code.value for reason in reasons]


def why(lab: Lab, queue: str = "robot_a") -> Sequence[Reason]:
    return lab.engine.why.of(queue).reasons


def standing(lab: Lab) -> list[str]:
    return [one.queue for one in lab.engine.why.all()]


async def of_task(lab: Lab, task_id: str) -> Sequence[Reason]:
    return lab.engine.why.task(await lab.find(task_id))


def wait_of(reasons: Sequence[Reason], code: WaitCode) -> Wait:
    (found,) = [one for one in reasons if isinstance(one, Wait) and one.code is code]
    return found


async def test_empty_queue__has_nothing_to_explain_even_while_it_is_held(lab: Lab) -> None:
    assert not lab.engine.why.of("robot_a").stands
    await lab.engine.pause("robot_a", actor="ann")
    assert standing(lab) == []
    assert not lab.engine.why.of("nobody").stands


async def test_paused_queue__says_so_for_itself_and_for_each_task(lab: Lab) -> None:
    await lab.engine.pause("robot_a", actor="ann", reason="lunch")
    first, second = await lab.submit("first"), await lab.submit("second")
    (hold,) = why(lab)
    assert hold.code is HoldCode.PAUSED
    assert standing(lab) == ["robot_a"]
    assert codes(await of_task(lab, first)) == ["paused"]
    assert codes(await of_task(lab, second)) == ["paused", "ahead"]


async def test_running_command__moves_and_those_behind_know_their_place(lab: Lab) -> None:
    running = await lab.at_gate("running")
    behind = await lab.submit("behind")
    await lab.engine.pause("robot_a", actor="ann")
    assert not lab.engine.why.of("robot_a").stands, "what runs goes on under a pause"
    assert not await of_task(lab, running)
    ahead = wait_of(await of_task(lab, behind), WaitCode.AHEAD)
    assert ahead.args == {"position": 1, "running": running}
    lab.driver.gate.set()
    await lab.ended(running)


async def test_held_motion__is_why_its_command_does_not_get_on(lab: Lab) -> None:
    running = await lab.at_gate("running")
    await lab.engine.hold_motion("robot_a", actor="ann")
    assert codes(why(lab)) == codes(await of_task(lab, running)) == ["motion_held"]
    await lab.engine.resume_motion("robot_a", actor="ann")
    assert not lab.engine.why.of("robot_a").stands
    lab.driver.gate.set()
    await lab.ended(running)


async def test_question__is_a_reason_until_it_is_answered(lab: Lab) -> None:
    asking = await lab.submit("asks", ask="Which bottle?", wait_s=60)
    behind = await lab.submit("behind")
    task = await lab.asking(asking)
    question = wait_of(why(lab), WaitCode.QUESTION)
    assert task.waiting_for is not None
    assert question.since_ms == task.waiting_for.asked_at_ms
    assert (question.task_id, question.args["prompt"]) == (asking, "Which bottle?")
    assert codes(await of_task(lab, behind)) == ["question", "ahead"]
    await lab.engine.answer(asking, {"id": "b7"}, actor="ann")
    await lab.ended(behind)
    assert standing(lab) == []


async def test_step_that_a_person_does__waits_for_that_person(lab: Lab) -> None:
    task_id = await lab.submit("by hand", "MANUAL_STEP", title="Put the lid on")
    await lab.asking(task_id)
    assert codes(why(lab)) == ["question"]
    await lab.engine.answer(task_id, {}, actor="ann")
    await lab.ended(task_id)


async def test_approval__is_a_wait_since_the_submit(start_lab: StartLab) -> None:
    lab = await start_lab(catalog=APPROVED)
    accepted = await lab.accept([lab.order("pour", "POUR")], agent=True)
    task = await lab.find(accepted.task_ids[0])
    approval = wait_of(why(lab), WaitCode.APPROVAL)
    assert (approval.task_id, approval.since_ms) == (task.id, task.submitted_at_ms)
    assert codes(await of_task(lab, task.id)) == ["approval"]


async def test_later__is_a_wait_until_its_time_and_the_pause_comes_first(lab: Lab) -> None:
    at_ms = lab.engine.clock.now_ms() + 3_600_000
    later = await lab.accept([replace(lab.order("later"), not_before_ms=at_ms)])
    assert codes(why(lab)) == ["not_before"]
    await lab.engine.pause("robot_a", actor="ann")
    assert codes(why(lab)) == ["paused", "not_before"], "a resume alone would start nothing"
    now = await lab.submit("now")
    assert codes(why(lab)) == ["paused"], "a resume starts that one"
    assert codes(await of_task(lab, later.task_ids[0])) == ["paused", "not_before"]
    await lab.engine.resume("robot_a", actor="ann")
    await lab.ended(now)
    assert codes(why(lab)) == ["not_before"]


async def test_batch__that_has_begun_and_waits_is_why_all_behind_it_wait(lab: Lab) -> None:
    at_ms = lab.engine.clock.now_ms() + 3_600_000
    orders = [lab.order("one"), replace(lab.order("two"), not_before_ms=at_ms), lab.order("three")]
    one, two, three = (await lab.accept(orders, batch=True, contiguous=True)).task_ids
    await lab.ended(one)
    stranger = await lab.submit("stranger")
    urgent = await lab.submit("urgent", priority=10)
    assert codes(why(lab)) == ["not_before"]
    for behind in (three, stranger, urgent):
        batch = wait_of(await of_task(lab, behind), WaitCode.BATCH)
        assert batch.args["blocked_by"] == two
        assert [part.code for part in batch.because] == [WaitCode.NOT_BEFORE]
        assert batch.since_ms >= (await lab.find(behind)).submitted_at_ms
    assert codes(await of_task(lab, two)) == ["not_before"]
    await lab.engine.queue.cancel(two, actor="ann")
    assert (await lab.ended(stranger)).state is TaskState.COMPLETED
    assert standing(lab) == []


async def test_batch__that_has_not_begun_blocks_its_own_and_nobody_else(lab: Lab) -> None:
    at_ms = lab.engine.clock.now_ms() + 3_600_000
    orders = [replace(lab.order("one"), not_before_ms=at_ms), lab.order("two"), lab.order("three")]
    _, two, three = (await lab.accept(orders, batch=True, contiguous=True)).task_ids
    await lab.run("stranger")
    assert codes(why(lab)) == ["not_before"]
    for own in (two, three):
        assert "batch" in codes(await of_task(lab, own))


async def test_place_of_an_idle_robot__names_it_and_how_to_send_it_away(
    start_lab: StartLab,
) -> None:
    clock = SetClock()
    lab = await start_lab(
        "robot_a",
        "robot_b",
        catalog=WITH_HOME,
        clock=clock,
        robots={
            "robot_a": RobotConfig(driver="bench", reconnect_s=0.01),
            "robot_b": RobotConfig(driver="bench", reconnect_s=0.01),
        },
    )
    await lab.run("there", "GO", place="BENCH_LEFT")
    (occupancy,) = lab.engine.reads.occupied()
    clock.ms += 60_000
    waiting = await lab.submit("too", "GO", robot="robot_b", place="BENCH_RIGHT")
    await lab.quiet()
    assert occupancy.since_ms < clock.ms
    wait = wait_of(why(lab, "robot_b"), WaitCode.RESOURCE)
    assert wait.since_ms == clock.ms, "it waits since it was submitted, not since it was taken"
    assert (wait.task_id, wait.args["occupied_by"], wait.args["occupant"]) == (
        waiting,
        "robot_a",
        "idle",
    )
    assert wait.args["send_away"] == {
        "cmd_type": "NAVIGATION",
        "robot_id": "robot_a",
        "params": {"area": "HOME"},
    }
    assert standing(lab) == ["robot_b"]
    running = await lab.at_gate("busy")
    assert wait_of(why(lab, "robot_b"), WaitCode.RESOURCE).args["occupant"] == "running"
    lab.driver.gate.set()
    await lab.ended(running)
    await lab.engine.pause("robot_a", actor="ann")
    assert wait_of(why(lab, "robot_b"), WaitCode.RESOURCE).args["occupant"] == "held"


async def test_place_of_a_robot_that_is_off_or_gone__is_to_be_released(
    start_lab: StartLab,
) -> None:
    lab = await start_lab("robot_a", "robot_b")
    await lab.run("there", "GO", place="BENCH_LEFT")
    lab.driver.reachable = False
    lab.driver.link_changed(lab.driver.status().link, "no power")
    await lab.held(HoldCode.DISCONNECTED)
    await lab.submit("too", "GO", robot="robot_b", place="BENCH_RIGHT")
    await lab.quiet()
    wait = wait_of(why(lab, "robot_b"), WaitCode.RESOURCE)
    assert (wait.args["occupant"], wait.args["send_away"]) == ("absent", None)
    data = await lab.kill()
    again = await start_lab("robot_b", data=data)
    wait = wait_of(why(again, "robot_b"), WaitCode.RESOURCE)
    assert (wait.args["occupied_by"], wait.args["occupant"]) == ("robot_a", "absent")
    (view,) = [
        one for one in reason_views(why(again, "robot_b"), Language.EN) if one["kind"] == "wait"
    ]
    clear = view["clear"]
    assert (clear["action"], clear["path"]) == ("release", "/resources/bench/release")
    # since when, too: a place that was given up and taken again meanwhile is another matter
    (occupancy,) = again.engine.reads.occupied()
    assert clear["body"] == {"holder": occupancy.robot, "since_ms": occupancy.since_ms}
    await again.engine.releasing.release("bench", actor="ann", **clear["body"])
    assert standing(again) == [] or "resource" not in codes(why(again, "robot_b"))


async def test_robot_that_is_not_configured_any_more__its_queue_says_so(
    start_lab: StartLab,
) -> None:
    lab = await start_lab("robot_a", "robot_b")
    await lab.engine.pause("robot_b", actor="ann")
    left = await lab.submit("left", robot="robot_b")
    data = await lab.kill()
    again = await start_lab(data=data, config=bench_config("robot_a"))
    assert standing(again) == ["robot_b"]
    assert "paused" in codes(why(again, "robot_b"))
    assert len(why(again, "robot_b")) == 2
    assert "paused" in codes(await of_task(again, left))


async def test_claim__that_the_disk_does_not_answer_is_starting_since_its_attempt(
    lab: Lab,
) -> None:
    lab.disk.hangs_at = lambda mutations: (
        len(mutations) > 0 and lab.engine.reads.robot_queue("robot_a").waiting > 0
    )
    task_id = await lab.submit("waits")
    await lab.quiet()
    starting = wait_of(await of_task(lab, task_id), WaitCode.STARTING)
    assert codes(why(lab)) == ["starting"]
    assert 0 < starting.since_ms <= lab.engine.clock.now_ms()
    lab.disk.hangs_at = lambda _: False
    lab.disk.go_on()
    await lab.ended(task_id)


async def test_shutdown__is_why_no_queue_starts_anything(start_lab: StartLab) -> None:
    lab = await start_lab()
    job = Job(queue="task_queue", command=Command(cmd_type="job"), work=Work())
    await lab.engine.queue.submit_job(job, api="task_queue", actor="ann", max_waiting=10)
    gate = await lab.at_gate("deaf")
    behind = await lab.submit("behind")
    down = asyncio.ensure_future(lab.engine.shut_down())
    await lab.until(lambda: lab.engine.queue.closed)
    assert "stopping" in codes(await of_task(lab, behind))
    assert lab.engine.holds.has("task_queue", HoldCode.STOPPING)
    lab.driver.let_go()
    await down
    assert gate


async def test_thousands_that_wait_for_one_place__are_one_reason(start_lab: StartLab) -> None:
    lab = await start_lab("robot_a", "robot_b")
    await lab.run("there", "GO", place="BENCH_LEFT")
    for number in range(60):
        await lab.submit(f"{number}", "GO", robot="robot_b", place="BENCH_RIGHT")
    assert codes(why(lab, "robot_b")) == ["resource"]
