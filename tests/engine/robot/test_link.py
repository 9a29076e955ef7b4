"""The link to a robot: made for ever again; making it never moves anything."""

from __future__ import annotations

import pytest

from robotq.drivers.base import LinkState
from robotq.model.hold import HoldCode
from robotq.model.task import TaskState
from tests.engine.conftest import Lab, StartLab


async def test_no_link__holds_the_queue_with_the_reason_until_it_is_there(lab: Lab) -> None:
    lab.driver.reachable = False
    lab.driver.link_changed(LinkState.DISCONNECTED, "cable out")
    await lab.until(lambda: lab.holds() == {HoldCode.DISCONNECTED})
    (hold,) = lab.engine.holds.of("robot_a")
    task_id = await lab.submit("first")
    await lab.until(lambda: lab.engine.holds.of("robot_a")[0].args == {"reason": "no power"})
    assert lab.engine.holds.of("robot_a")[0].since_ms == hold.since_ms
    await lab.quiet()
    assert (await lab.find(task_id)).state is TaskState.PENDING
    lab.driver.reachable = True
    assert (await lab.ended(task_id)).state is TaskState.COMPLETED
    codes = [(event.kind, event.data.get("reason")) for event in await lab.events("hold.")]
    assert codes == [
        ("hold.set", "cable out"),
        ("hold.set", "no power"),
        ("hold.lifted", "no power"),
    ]


async def test_lost_in_a_command__is_unknown_and_reconnecting_moves_nothing(lab: Lab) -> None:
    lost = await lab.run("lost", lose_link="reset by peer")
    after = await lab.submit("after")
    assert lost.outcome_unknown
    assert lost.error is not None
    assert lost.error.args == {"cause": "cause.link_lost", "reason": "reset by peer"}
    assert lab.holds() == {HoldCode.OUTCOME_UNKNOWN, HoldCode.DISCONNECTED}
    lab.driver.reachable = True
    await lab.held(HoldCode.OUTCOME_UNKNOWN)
    await lab.quiet()
    assert lab.driver.done == ["lost"]
    await lab.engine.resolve(lost.id, "failed", actor="ann")
    assert (await lab.ended(after)).state is TaskState.COMPLETED


async def test_resolved__while_the_link_is_down_waits_for_it(lab: Lab) -> None:
    lost = await lab.run("lost", lose_link="reset by peer")
    after = await lab.submit("after")
    await lab.engine.resolve(lost.id, "failed", actor="ann")
    await lab.quiet()
    assert lab.driver.done == ["lost"]
    lab.driver.reachable = True
    assert (await lab.ended(after)).state is TaskState.COMPLETED


async def test_ready__is_a_robot_only_when_nothing_waits_for_its_link_any_more(lab: Lab) -> None:
    """Who asks for a result at once is refused as long as the hold is there."""

    def ready() -> bool:
        return lab.engine.robot("robot_a").ready

    assert ready()
    lab.driver.reachable = False
    lab.driver.link_changed(LinkState.DISCONNECTED, "cable out")
    await lab.held(HoldCode.DISCONNECTED)
    assert not ready()
    lab.disk.hang_all()
    lab.driver.reachable = True
    await lab.until(lambda: lab.engine.robot("robot_a").connected)
    assert lab.holds() == {HoldCode.DISCONNECTED}
    assert not ready()
    lab.disk.go_on()
    await lab.held()
    assert ready()


async def test_start__without_a_robot_is_a_start_all_the_same(start_lab: StartLab) -> None:
    lab = await start_lab(connected=False)
    assert lab.holds() <= {HoldCode.DISCONNECTED}
    assert (await lab.run("first")).state is TaskState.COMPLETED
    assert await lab.events("hold.") == [], "a start is no loss"


async def test_lost_again__while_it_is_being_made_is_not_taken_for_made(lab: Lab) -> None:
    """The report comes between the connection and the first status."""
    reports: list[int] = []

    def lose_once() -> None:
        if not reports:
            reports.append(1)
            lab.driver.link_changed(LinkState.DISCONNECTED, "again")

    lab.driver.hooks["status"] = lose_once
    connects: list[int] = []
    lab.driver.hooks["connect"] = lambda: connects.append(1)
    lab.driver.link_changed(LinkState.DISCONNECTED, "cable out")
    await lab.until(lambda: len(connects) == 2)
    await lab.held()


async def test_lost_again__while_its_return_is_being_written_holds_on(lab: Lab) -> None:
    lab.driver.link_changed(LinkState.DISCONNECTED, "cable out")
    lab.disk.hang_all()
    await lab.until(lambda: lab.engine.robots["robot_a"].connected)
    lab.driver.reachable = False
    lab.driver.link_changed(LinkState.DISCONNECTED, "again")
    await lab.until(lambda: not lab.engine.robots["robot_a"].connected)
    lab.disk.go_on()
    await lab.quiet()
    assert lab.holds() == {HoldCode.DISCONNECTED}
    lab.driver.reachable = True
    await lab.held()


async def test_status__that_says_disconnected_is_believed(lab: Lab) -> None:
    connects: list[int] = []

    def no_power_at_first() -> None:
        connects.append(1)
        lab.driver.reachable = True

    def off() -> None:
        lab.driver.reachable = len(connects) > 2

    lab.driver.hooks["connect"] = no_power_at_first
    lab.driver.hooks["status"] = off
    lab.driver.link_changed(LinkState.DISCONNECTED, "cable out")
    await lab.until(lambda: len(connects) == 3)
    await lab.held()


@pytest.mark.parametrize("number", [3])
async def test_report__of_a_lost_link_twice_counts_once(lab: Lab, number: int) -> None:
    lab.driver.reachable = False
    for _ in range(number):
        lab.driver.link_changed(LinkState.DISCONNECTED, "cable out")
    await lab.until(lambda: lab.holds() == {HoldCode.DISCONNECTED})
    await lab.quiet()
    reasons = [event.data["reason"] for event in await lab.events("hold.set")]
    assert reasons == ["cable out", "no power"]
    lab.driver.reachable = True
