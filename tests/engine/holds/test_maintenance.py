"""What is due after so many commands, hours or days."""

from __future__ import annotations

import pytest

from robotq.config import MaintenanceConfig, NotifyConfig, RobotConfig
from robotq.engine.upkeep.maintenance import Item, Maintenance
from robotq.model.errors import RobotqError
from robotq.model.hold import HoldCode
from tests.engine.bench import bench_config
from tests.engine.conftest import Lab, StartLab
from tests.engine.queue.test_order import SetClock


def robot(**items: MaintenanceConfig) -> dict[str, RobotConfig]:
    plain = bench_config("robot_a").robots["robot_a"]
    changed = {**vars(plain), "maintenance": items}
    return {"robot_a": RobotConfig(**changed), "robot_b": bench_config("robot_b").robots["robot_b"]}


def kept(lab: Lab) -> Maintenance:
    found = lab.engine.maintenance
    assert isinstance(found, Maintenance)
    return found


async def item(lab: Lab, name: str = "belt") -> Item:
    await kept(lab).look()
    (found,) = [one for one in kept(lab).items() if one.name == name]
    return found


BELT = MaintenanceConfig(
    counts="commands", every=3, warn_before=1, then="hold", text="change the belt"
)


async def test_belt__is_due_after_three_commands_and_holds_the_queue_until_it_is_changed(
    start_lab: StartLab,
) -> None:
    lab = await start_lab(robots=robot(belt=BELT))
    await lab.run("1")
    assert not (await item(lab)).warns
    await lab.run("2", fail="a failed one counts too")
    found = await item(lab)
    assert (found.used, found.warns, found.due) == (2, True, False)
    await lab.run("3")
    assert (await item(lab)).due
    await lab.held(HoldCode.PAUSED)
    (hold,) = lab.engine.holds.of("robot_a")
    assert hold.actor == "maintenance"
    assert hold.args["reason"] == "belt: 3 of 3 commands. change the belt"
    waiting = await lab.submit("4")
    # to resume does not help: nothing begins in between
    await lab.engine.resume("robot_a", actor="li")
    await lab.quiet()
    assert lab.holds() == {HoldCode.PAUSED}
    assert (await lab.find(waiting)).state == "pending"
    # somebody has changed it, and may still stand there
    done = await kept(lab).done("robot_a", "belt", actor="li")
    assert (done.used, done.actor, done.due) == (0, "li", False)
    assert lab.holds() == {HoldCode.PAUSED}
    await lab.engine.resume("robot_a", actor="li")
    await lab.ended(waiting)
    assert (await item(lab)).used == 1
    assert [event.actor for event in await lab.events("maintenance.done")] == ["li"]
    assert len(await lab.events("maintenance.due")) == 1


async def test_counter__lasts_over_a_crash_and_counts_what_never_began_not_at_all(
    start_lab: StartLab,
) -> None:
    items = {
        "belt": MaintenanceConfig(counts="commands", every=1_000),
        "gripper": MaintenanceConfig(counts="OTHER", every=5),
        "oil": MaintenanceConfig(counts="hours", every=5),
    }
    lab = await start_lab(robots=robot(**items))
    await lab.run("1")
    await lab.run("b", robot="robot_b")
    await lab.engine.pause("robot_a", actor="li", reason="")
    called_off = await lab.submit("2")
    await lab.engine.queue.cancel(called_off, actor="li")
    data = await lab.kill()
    again = await start_lab(robots=robot(**items), data=data)
    assert (await item(again)).used == 1
    assert (await item(again, "gripper")).used == 0
    assert 0 <= (await item(again, "oil")).used < 0.1
    await again.engine.resume("robot_a", actor="li")
    await again.run("3")
    assert (await item(again)).used == 2


async def test_item__that_is_new_counts_from_its_first_start_on(start_lab: StartLab) -> None:
    lab = await start_lab(robots=robot(belt=MaintenanceConfig(counts="commands", every=9)))
    await lab.run("1")
    data = await lab.kill()
    both = robot(belt=BELT, days=MaintenanceConfig(counts="days", every=1), new=BELT)
    again = await start_lab(robots=both, data=data)
    assert (await item(again)).used == 1
    assert (await item(again, "new")).used == 0
    assert (await item(again, "days")).used < 0.01


async def test_due__is_an_alarm_and_is_told_to_people(start_lab: StartLab) -> None:
    pytest.importorskip("apprise", reason="the extra notify is not installed")
    once = MaintenanceConfig(counts="commands", every=1, text="look at it")
    lab = await start_lab(
        robots=robot(belt=once), notify=NotifyConfig(to=["json://127.0.0.1:1/"], after_s=0)
    )
    await lab.run("1")
    await item(lab)
    (alarm,) = lab.engine.alarms.standing()
    assert (alarm.code, alarm.priority, alarm.queue) == ("maintenance_due", "low", "robot_a")
    telling = lab.engine._telling
    assert telling is not None
    await telling.look()
    (incident,) = telling.notifier.open.values()
    assert incident.event == "maintenance"
    assert incident.words == "belt: 1 of 1 commands. look at it"
    assert not lab.holds()


async def test_done__of_what_is_not_there_says_what_there_is(start_lab: StartLab) -> None:
    lab = await start_lab(robots=robot(belt=BELT))
    with pytest.raises(RobotqError, match="robot_a has belt to be seen to"):
        await kept(lab).done("robot_a", "bolt", actor="li")
    plain = await start_lab("robot_a")
    assert plain.engine.maintenance is None


async def test_due__is_told_with_the_time_since_it_is_due_not_since_it_was_done(
    start_lab: StartLab,
) -> None:
    once = MaintenanceConfig(counts="commands", every=2)
    clock = SetClock()
    lab = await start_lab(robots=robot(belt=once), clock=clock)
    await lab.run("1")
    assert (await item(lab)).due_ms is None
    clock.time_ms += 3_600_000
    await lab.run("2")
    found = await item(lab)
    assert found.due_ms is not None
    assert found.due_ms - found.since_ms >= 3_600_000
    (alarm,) = lab.engine.alarms.standing()
    assert alarm.since_ms == found.due_ms
