"""A PLC that takes a number only after it has seen 0, and has answered that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers.base import DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.drivers.plc.handshakes.look import Look
from robotq.drivers.plc.options import read_options
from robotq.drivers.settling import RunState, Settles
from robotq.model.errors import ConfigError
from robotq.model.task import Command
from robotq.testing.driver_contract import Execution, RecordingContext
from tests.drivers.plc.site import ModbusServer, Site
from tests.drivers.plc.world import World


def zero(**more: Any) -> World:
    return World("numbered", idle=True, **{"waits_for_zero": 0.03, **more})


def jobs(world: World) -> list[tuple[int, str]]:
    return [(job.goal, job.ended) for job in world.plc.jobs]


def test_number__goes_back_to_zero_between_two_commands_and_stays_until_then() -> None:
    world = zero()
    assert world.run(7) == {"weight": 70}
    # so that it can be settled, whenever robotq dies
    assert world.plc.nodes["start"] == world.plc.nodes["done"] != 0
    assert ("reset", "completed") not in world.report.steps
    assert world.run(8) == {"weight": 80}
    assert ("reset", "completed") in world.report.steps
    assert jobs(world) == [(7, "ok"), (8, "ok")]


def test_zero__that_the_plc_does_not_answer_starts_nothing() -> None:
    world = zero()
    world.run(7)
    # it has not seen it yet, and would not see the next number either
    world.plc.waits_for_zero = 60
    with pytest.raises(DriverError, match="done has not gone back to 0"):
        world.run(8)
    assert jobs(world) == [(7, "ok")]
    world.plc.waits_for_zero = 0.03
    assert world.run(8) == {"weight": 80}


def test_zero__is_not_written_over_a_number_that_may_be_at_work() -> None:
    world = zero(tells_no_bad_end=True)
    world.events[0.4] = "alarm"
    with pytest.raises(DriverError, match="夹爪故障"):
        world.run(7)
    number = world.plc.nodes["start"]
    world.plc.nodes["alarm"] = 0
    with pytest.raises(DriverError, match="not at its end"):
        world.run(8)
    assert world.plc.nodes["start"] == number
    world.at_its_end = Look(world, world.pattern, world.station).left_open
    assert world.run(8) == {"weight": 80}
    assert jobs(world) == [(7, "failed"), (8, "ok")]


def test_number__that_somebody_writes_after_the_zero_is_seen() -> None:
    world = zero()
    world.run(7)
    real = world.write

    def write(name: str, value: Any) -> None:
        real(name, value)
        if name == "goal":
            world.plc.nodes["start"] = 4_711

    world.write = write  # type: ignore[method-assign]
    with pytest.raises(DriverError, match="and not both 0"):
        world.run(8)
    assert [name for name, value in world.writes if name == "start" and value] == ["start"]


@pytest.mark.parametrize("before", [True, False], ids=["question_lost", "answer_lost"])
def test_network__cut_at_each_exchange_of_the_second_never_begins_it_twice(before: bool) -> None:
    for at in range(1, 40):
        world = zero(move_s=0.2)
        world.run(7)
        world.cut_at, world.cut_before = world.exchanges + at, before
        with contextlib.suppress(LinkLost):
            assert world.run(8) == {"weight": 80}
        assert [goal for goal, _ in jobs(world)] in ([7], [7, 8]), at


@pytest.mark.parametrize("event", ["restart", "alarm"])
def test_event__at_each_exchange_of_the_second_is_never_told_as_done_unless_it_was(
    event: str,
) -> None:
    for at in range(1, 40):
        world = zero(move_s=0.2)
        world.run(7)
        world.happens_at = world.exchanges + at, event
        done = False
        with contextlib.suppress(DriverError, Stopped, UncertainOutcome):
            done = world.run(8) == {"weight": 80}
        ended = [how for goal, how in jobs(world) if goal == 8]
        assert ended == ["ok"] or not done, at
        assert len(ended) <= 1, at


def test_idle__is_of_numbers_only(tmp_path: Path) -> None:
    node = {"type": "bool", "address": "coil:0"}
    options = {
        "modbus": {"host": "h"},
        "nodes": [{"name": "a", **node}, {"name": "b", "type": "bool", "address": "coil:1"}],
        "commands": {"GO": {"pattern": "pulse", "start": "a", "done": "b", "idle": 0}},
    }
    with pytest.raises(ConfigError, match="only numbered has it"):
        read_options("station", options)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    pytest.importorskip("pymodbus", reason="the extra modbus is not installed")
    made = Site(tmp_path, "numbered", ModbusServer("numbered"))
    made.options["commands"]["MOVE"]["idle"] = 0
    made.plc.waits_for_zero = 0.02
    yield made
    made.close()


@pytest.mark.wall("the server of the PLC waits by the wall")
def test_station__that_waits_for_zero_takes_one_command_after_the_other(site: Site) -> None:
    driver = site.again()
    driver.connect()
    for goal in (2, 3):
        command = Command(cmd_type="MOVE", params={"goal": goal})
        done = Execution(driver, command, task_id=f"task_{goal}").ended()
        assert done.result == {"weight": goal * 10}
        assert isinstance(driver, Settles)
        run = done.context.unsettled(command)
        assert driver.settle(run, RecordingContext()).state is RunState.COMPLETED
    assert [(job.goal, job.ended) for job in site.plc.jobs] == [(2, "ok"), (3, "ok")]
