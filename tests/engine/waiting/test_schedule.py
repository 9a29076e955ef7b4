"""When a command may run: `not_before`, `expires_at`, and the clock by which they count."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from robotq.engine.intake.schedule import read_schedule
from robotq.engine.timings import Timings
from robotq.model.errors import RobotqError
from robotq.model.task import Repeat, TaskState
from tests.engine.conftest import Lab, StartLab
from tests.engine.queue.test_order import SetClock

NOW_MS = 1_767_225_600_000
"""2026-01-01 00:00:00 UTC"""
DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("given", "ms"),
    [
        ("2026-01-01T08:00:00+08:00", NOW_MS),
        ("2026-01-01T00:00:01.5Z", NOW_MS + 1_500),
        ("+90", NOW_MS + 90_000),
        ("+0.5s", NOW_MS + 500),
        ("+15m", NOW_MS + 900_000),
        ("+8h", NOW_MS + 8 * 3_600_000),
        ("+2d", NOW_MS + 2 * DAY_MS),
        (NOW_MS / 1000, NOW_MS),
        (NOW_MS // 1000 + 1, NOW_MS + 1_000),
        (NOW_MS + 7, NOW_MS + 7),
        (str(NOW_MS // 1000), NOW_MS),
        (str(NOW_MS), NOW_MS),
        ("2001-09-09", None),
        (None, None),
    ],
)
def test_time__in_every_form(given: Any, ms: int | None) -> None:
    if ms is None and given is not None:
        # without a zone it is a time of the daemon, as in answers
        ms = int(datetime.fromisoformat(given).timestamp() * 1000)
    assert read_schedule({"not_before": given}, NOW_MS)["not_before_ms"] == ms


@pytest.mark.parametrize(
    "given",
    [
        30,
        86_400,
        -1,
        0,
        1e15,
        True,
        "soon",
        "30",
        "-5",
        "+",
        "+5w",
        "+1e3",
        "+٣",
        "2026-13-01",
        [],
        {},
    ],
)
def test_time__that_could_mean_something_else_is_refused(given: Any) -> None:
    with pytest.raises(RobotqError, match="expected a time such as") as refused:
        read_schedule({"expires_at": given}, NOW_MS)
    assert refused.value.args_["field"] == "expires_at"


@pytest.mark.parametrize(
    "given", ["2027-06-01", "+367d", "9999-12-31T23:59:59-23:00", NOW_MS / 1000 + 367 * 86_400]
)
def test_time__of_the_next_century_is_a_slip_of_the_pen(given: Any) -> None:
    with pytest.raises(RobotqError, match="within 366 days"):
        read_schedule({"not_before": given}, NOW_MS)


def test_expires_at__must_leave_time_to_start() -> None:
    with pytest.raises(RobotqError, match="after not_before"):
        read_schedule({"not_before": "+90", "expires_at": "+90"}, NOW_MS)


@pytest.mark.parametrize(
    ("given", "repeat"),
    [
        (3, Repeat(count=3)),
        (3.0, Repeat(count=3)),
        ({"count": 100_000}, Repeat(count=100_000)),
        ({"interval_s": 1}, Repeat(interval_s=1.0)),
        (
            {"count": 2, "interval_s": 0.5e2, "on_failure": "continue"},
            Repeat(count=2, interval_s=50.0, on_failure="continue"),
        ),
        (None, None),
    ],
)
def test_repeat__in_every_form(given: Any, repeat: Repeat | None) -> None:
    assert read_schedule({"repeat": given}, NOW_MS)["repeat"] == repeat


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (0, "repeat"),
        (True, "repeat"),
        ("3", "repeat"),
        (2.5, "repeat"),
        (100_001, "repeat"),
        ({}, "repeat"),
        ({"count": 0}, "repeat.count"),
        ({"count": "2"}, "repeat.count"),
        ({"interval_s": 0.5}, "repeat.interval_s"),
        ({"interval_s": True}, "repeat.interval_s"),
        ({"interval_s": 366 * 86_400 + 1}, "repeat.interval_s"),
        ({"interval_s": "60"}, "repeat.interval_s"),
        ({"count": 2, "on_failure": "retry"}, "repeat.on_failure"),
        ({"count": 2, "on_failure": []}, "repeat.on_failure"),
        ({"times": 2}, "repeat.times"),
    ],
)
def test_repeat__that_is_wrong_names_the_field(given: Any, field: str) -> None:
    with pytest.raises(RobotqError) as refused:
        read_schedule({"repeat": given}, NOW_MS)
    assert refused.value.args_["field"] == field


async def expiring(lab: Lab, cmd_id: str, in_ms: int, **params: Any) -> str:
    at_ms = lab.engine.clock.now_ms() + in_ms
    order = replace(lab.order(cmd_id, **params), expires_at_ms=at_ms)
    return (await lab.accept([order])).task_ids[0]


async def error_of(lab: Lab, task_id: str) -> str | None:
    task = await lab.ended(task_id)
    return None if task.error is None else task.error.code


async def test_expired__ends_on_time_behind_a_running_command_and_under_a_hold(
    start_lab: StartLab,
) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock)
    await lab.at_gate("running")
    behind = await expiring(lab, "behind", 20)
    await lab.quiet()
    assert (await lab.find(behind)).state is TaskState.PENDING
    clock.time_ms += 20
    assert await error_of(lab, behind) == "expired"
    await lab.engine.pause(None, actor="ann")
    held = await expiring(lab, "held", 20)
    clock.time_ms += 20
    assert await error_of(lab, held) == "expired"
    task = await lab.find(held)
    assert task.ended_at_ms == task.expires_at_ms
    assert (task.attempt, lab.driver.done) == (0, ["running"])


async def test_expired__in_the_past_is_accepted_and_never_runs(lab: Lab) -> None:
    """A submit that is repeated after its time has the answer of the first one."""
    assert await error_of(lab, await expiring(lab, "late", -5_000)) == "expired"
    assert lab.driver.done == []


async def test_expired__many_at_once_are_all_ended(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    at_ms = lab.engine.clock.now_ms() + 50
    orders = [replace(lab.order(str(n)), expires_at_ms=at_ms + n % 3) for n in range(600)]
    ids = (await lab.accept(orders, batch=True, contiguous=False)).task_ids
    assert {await error_of(lab, task_id) for task_id in ids} == {"expired"}
    assert lab.engine.reads.unfinished == 0


async def test_expired__takes_a_whole_contiguous_batch_along_but_not_what_runs(lab: Lab) -> None:
    at_ms = lab.engine.clock.now_ms() + 60
    orders = [
        lab.order("b1", gate=True),
        lab.order("b2"),
        replace(lab.order("b3"), expires_at_ms=at_ms),
        lab.order("b4"),
    ]
    ids = (await lab.accept(orders, batch=True)).task_ids
    await lab.until(lambda: lab.driver.at_gate)
    codes = [await error_of(lab, task_id) for task_id in ids[1:]]
    assert codes == ["batch_failed", "expired", "batch_failed"]
    lab.driver.gate.set()
    assert await error_of(lab, ids[0]) is None


async def test_expired__started_in_time_is_not_touched(start_lab: StartLab) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock, timings=Timings(look_s=0.001))
    task_id = await expiring(lab, "r", 30, gate=True)
    await lab.until(lambda: lab.driver.at_gate)
    clock.time_ms += 60
    await lab.quiet()
    lab.driver.gate.set()
    assert await error_of(lab, task_id) is None


async def test_expired__one_that_was_started_before_the_power_cut_runs_again(
    start_lab: StartLab,
) -> None:
    """It goes back to its place because it is idempotent, and it was started in time."""
    clock = SetClock()
    lab = await start_lab(clock=clock)
    order = lab.order("m", "MEASURE", gate=True)
    order = replace(order, expires_at_ms=clock.now_ms() + 1_000)
    (task_id,) = (await lab.accept([order])).task_ids
    await lab.until(lambda: lab.driver.at_gate)
    data = await lab.kill()
    clock.time_ms += 5_000
    again = await start_lab(data=data, clock=clock)
    again.driver.gate.set()
    task = await again.ended(task_id)
    assert (task.state, task.attempt) == (TaskState.COMPLETED, 2)


async def test_expired__while_the_daemon_was_down_never_runs(start_lab: StartLab) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock)
    await lab.engine.pause(None, actor="ann")
    stale = await expiring(lab, "stale", 1_000)
    data = await lab.kill()
    clock.time_ms += 1_001
    again = await start_lab(data=data, clock=clock)
    assert await error_of(again, stale) == "expired"
    await again.engine.resume(None, actor="ann")
    await again.run("after")
    assert again.driver.done == ["after"]


async def test_expired__while_the_disk_is_out_is_written_when_it_is_back(
    start_lab: StartLab,
) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock, timings=Timings(look_s=0.001))
    await lab.engine.pause(None, actor="ann")
    stale = await expiring(lab, "stale", 40)
    lab.disk.full = "no space left"
    clock.time_ms += 80
    await lab.quiet()
    assert (await lab.find(stale)).state is TaskState.PENDING
    lab.disk.full = None
    assert await error_of(lab, stale) == "expired"


async def test_expired__and_cancelled_in_the_same_moment_has_one_end(lab: Lab) -> None:
    await lab.engine.pause(None, actor="ann")
    ids = [await expiring(lab, str(number), 5) for number in range(20)]
    await asyncio.gather(
        *(lab.engine.queue.cancel(task_id, actor="ann") for task_id in ids),
        return_exceptions=True,
    )
    assert {await error_of(lab, task_id) for task_id in ids} <= {"expired", "cancelled"}
    ends = [event for event in await lab.events("task.") if event.after in ("failed", "cancelled")]
    assert sorted(event.task_id or "" for event in ends) == sorted(ids)


async def test_clock_set_forward__is_noticed_by_what_waits_and_by_what_expires(
    start_lab: StartLab,
) -> None:
    clock = SetClock()
    lab = await start_lab("robot_a", "robot_b", clock=clock, timings=Timings(look_s=0.01))
    await lab.engine.pause("robot_b", actor="ann")
    stale = await expiring(lab, "stale", DAY_MS, robot="robot_b")
    order = replace(lab.order("tomorrow"), not_before_ms=clock.now_ms() + DAY_MS)
    (tomorrow,) = (await lab.accept([order])).task_ids
    await lab.quiet()
    clock.time_ms += DAY_MS
    assert await error_of(lab, stale) == "expired"
    assert await error_of(lab, tomorrow) is None


async def test_clock_set_back__starts_and_ends_nothing(start_lab: StartLab) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock, timings=Timings(look_s=0.01))
    order = replace(lab.order("soon"), not_before_ms=clock.now_ms() + 60_000)
    order = replace(order, expires_at_ms=clock.now_ms() + 120_000)
    (soon,) = (await lab.accept([order])).task_ids
    clock.time_ms -= 3_600_000
    await lab.run("now")
    assert (await lab.find(soon)).state is TaskState.PENDING
    clock.time_ms += 3_660_000
    assert (await lab.run("after")).state is TaskState.COMPLETED
    assert lab.driver.done == ["now", "soon", "after"]


async def test_intake__times_are_read_by_the_engine_s_clock(start_lab: StartLab) -> None:
    clock = SetClock()
    lab = await start_lab(clock=clock)
    body = {"cmd_type": "WORK", "not_before": "+1m", "repeat": 2, "extra_key": 1}
    order = lab.engine.intake.read(body)
    assert order.not_before_ms == clock.now_ms() + 60_000
    assert (order.repeat, order.expires_at_ms) == (Repeat(count=2), None)
    assert order.command.extra == {"extra_key": 1}
    wrapped = {"data": {"cmd_type": "WORK", "not_before": "+1m"}}
    assert lab.engine.intake.read(wrapped).not_before_ms == clock.now_ms() + 60_000


@pytest.mark.parametrize("key", ["not_before", "expires_at", "repeat"])
async def test_intake__what_acts_at_once_cannot_wait(lab: Lab, key: str) -> None:
    value = 2 if key == "repeat" else "+90"
    with pytest.raises(RobotqError, match="acts at once") as refused:
        lab.engine.intake.read({"cmd_type": "ASK_STATE", key: value})
    assert refused.value.args_["field"] == key


async def test_intake__a_command_of_a_batch_is_not_repeated(lab: Lab) -> None:
    items = [{"cmd_type": "WORK"}, {"cmd_type": "WORK", "repeat": 2}]
    with pytest.raises(RobotqError, match="batch") as refused:
        lab.engine.intake.read_batch(items)
    assert refused.value.args_["field"] == "[1].repeat"
    later = lab.engine.intake.read_batch([{"cmd_type": "WORK", "not_before": "+90"}])
    assert later[0].not_before_ms is not None


def test_epoch__is_what_the_tests_say() -> None:
    assert datetime.fromtimestamp(NOW_MS / 1000, UTC).isoformat() == "2026-01-01T00:00:00+00:00"
