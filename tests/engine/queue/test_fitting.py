"""Commands that wait while their spec changes under them: none is run, none fails unheard."""

from __future__ import annotations

import pytest

from robotq.catalog import Catalog, CommandSpec, Kind
from robotq.engine.state.known_robots import KnownRobots
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode, WaitCode
from robotq.model.task import TaskState
from tests.engine.bench import CATALOG, bench_config
from tests.engine.conftest import Lab, StartLab
from tests.engine.test_reload import other, reload

NEEDS_SPEED = CommandSpec(
    cmd_type="WORK", schema={"type": "object", "required": ["speed"], "properties": {"speed": {}}}
)
GO = CATALOG.get("GO")


def without(cmd_type: str) -> Catalog:
    return Catalog([spec for spec in CATALOG if spec.cmd_type != cmd_type])


async def test_spec__that_is_gone_holds_the_queue_and_fails_none_of_twelve(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    waiting = [await lab.submit(f"b{number}") for number in range(12)]
    await reload(lab, catalog=without("WORK"))
    misfits = lab.engine.queue.misfits()
    assert misfits.number == 12
    assert [task.id for task, _ in misfits.first] == waiting
    assert "12 waiting commands do not fit any more" in misfits.line
    (event,) = await lab.events("config.reloaded")
    assert event.data["does_not_fit"] == 12

    await lab.engine.resume(None, actor="ann")
    await lab.held(HoldCode.DOES_NOT_FIT)
    (hold,) = lab.engine.holds.of("robot_a")
    assert hold.task_id == waiting[0]
    assert "WORK" in hold.args["reason"]
    await lab.quiet()
    assert {(await lab.find(task_id)).state for task_id in waiting} == {TaskState.PENDING}
    assert lab.driver.done == []

    # it clears itself, and all run in their order
    await reload(lab)
    for task_id in waiting:
        assert (await lab.ended(task_id)).state is TaskState.COMPLETED
    assert lab.driver.done == [f"b{number}" for number in range(12)]
    assert lab.holds() == set()


@pytest.mark.parametrize(
    ("spec", "code", "told"),
    [
        (NEEDS_SPEED, "missing_parameter", "params.speed"),
        (
            CommandSpec(
                cmd_type="WORK",
                schema={"type": "object", "properties": {"take_s": {"maximum": 0.5}}},
            ),
            "bad_parameter",
            "params.take_s",
        ),
        (CommandSpec(cmd_type="WORK", robots=("robot_z",)), "bad_parameter", "done by robot_z"),
        (CommandSpec(cmd_type="WORK", kind=Kind.QUERY), "bad_parameter", "acts at once"),
    ],
)
async def test_every_way_not_to_fit__stops_the_queue_when_its_turn_comes(
    lab: Lab, spec: CommandSpec, code: str, told: str
) -> None:
    running = await lab.at_gate("running")
    before = await lab.submit("before", "GO", place="HALL")
    stale = await lab.submit("stale", take_s=1)
    behind = await lab.submit("behind", "GO", place="HALL")
    await reload(lab, catalog=other(WORK=spec))
    assert lab.holds() == set(), "what runs and what fits goes on"
    (wait,) = lab.engine.queue.waits(await lab.find(stale))
    assert (wait.code, wait.args["error"]) == (WaitCode.DOES_NOT_FIT, code)
    lab.driver.gate.set()
    assert (await lab.ended(running)).state is TaskState.COMPLETED
    assert (await lab.ended(before)).state is TaskState.COMPLETED
    await lab.held(HoldCode.DOES_NOT_FIT)
    (hold,) = lab.engine.holds.of("robot_a")
    assert hold.task_id == stale
    assert told in hold.args["reason"]
    assert (await lab.find(behind)).state is TaskState.PENDING

    await lab.engine.queue.cancel(stale, actor="ann")
    assert (await lab.ended(behind)).state is TaskState.COMPLETED
    assert lab.holds() == set()


async def test_place__that_is_gone_does_not_fit(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    task_id = await lab.submit("first", "GO", place="HALL")
    places = KnownRobots({"robot_a": frozenset({"BENCH_LEFT"})})
    reloaded = lab.engine.prepare_reload(bench_config(), CATALOG, places)
    await lab.engine.reload(reloaded, actor="ann")
    ((task, why),) = lab.engine.queue.misfits().first
    assert (task.id, why.args_["field"]) == (task_id, "params.place")


async def test_contiguous_batch__with_a_misfit_is_not_begun(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    orders = [lab.order("one", "GO", place="HALL"), lab.order("two")]
    batch = (await lab.accept(orders, batch=True)).task_ids
    await reload(lab, catalog=without("WORK"))
    await lab.engine.resume(None, actor="ann")
    await lab.held(HoldCode.DOES_NOT_FIT)
    (hold,) = lab.engine.holds.of("robot_a")
    assert hold.task_id == batch[1]
    assert lab.driver.done == []
    await lab.engine.queue.cancel(batch[1], actor="ann")
    assert (await lab.ended(batch[0])).state is TaskState.COMPLETED


async def test_misfit__that_waits_for_its_time_keeps_nobody(lab: Lab) -> None:
    body = {"cmd_type": "WORK", "cmd_id": "later", "not_before": "+1h"}
    await lab.accept([lab.engine.intake.read(body)])
    await reload(lab, catalog=without("WORK"))
    assert (await lab.run("now", "GO", place="HALL")).state is TaskState.COMPLETED
    assert lab.holds() == set()


async def test_reload__between_claim_and_start_gives_the_claim_back(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last look is right before the driver is called."""
    fitting = lab.engine._parts.tasks.fitting
    # as if the reload came after the look through what waits
    monkeypatch.setattr(fitting, "take", lambda look: None)
    await lab.engine.pause(None, actor="ann")
    task_id = await lab.submit("first")
    await reload(lab, catalog=without("WORK"))
    await lab.engine.resume(None, actor="ann")
    await lab.held(HoldCode.DOES_NOT_FIT)
    task = await lab.find(task_id)
    assert (task.state, task.attempt) == (TaskState.PENDING, 0)
    assert lab.driver.done == []


async def test_start__holds_what_no_longer_fits(start_lab: StartLab) -> None:
    lab = await start_lab()
    await lab.engine.pause(None, actor="ann")
    task_id = await lab.submit("first")
    data = await lab.kill()
    lab = await start_lab(data=data, catalog=without("WORK"))
    assert lab.engine.queue.misfits().number == 1
    await lab.held(HoldCode.PAUSED, HoldCode.DOES_NOT_FIT)
    await lab.engine.resume(None, actor="ann")
    await lab.held(HoldCode.DOES_NOT_FIT)
    data = await lab.kill()
    # the hold is found out anew: where the spec is back, nothing is left of it
    lab = await start_lab(data=data)
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED
    assert lab.holds() == set()


async def test_retry__of_what_does_not_fit_is_refused(lab: Lab) -> None:
    task = await lab.run("first")
    await reload(lab, catalog=other(WORK=NEEDS_SPEED))
    with pytest.raises(RobotqError, match="speed"):
        await lab.engine.retry(task.id, actor="ann")
