"""Actions of ROS 1 as commands: five topics behind a bridge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from robotq.config.ros_robot import ROS_ROBOT
from robotq.drivers.base import DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.drivers.rosbridge.options import read_options
from robotq.drivers.settling import RunState, Settles
from robotq.model.errors import ConfigError
from robotq.model.task import Command
from robotq.testing.driver_contract import (
    DriverBench,
    DriverContract,
    Execution,
    RecordingContext,
)
from robotq.testing.settle_contract import SettleContract
from tests.drivers.killed import KilledDaemon, killed, until
from tests.drivers.rosbridge.bench import bench_of
from tests.drivers.rosbridge.ros1_site import OPTIONS, Ros1Site
from tests.slices import some

pytestmark = [
    pytest.mark.wall("asyncio, which the bridge and its client use, waits by the wall"),
    pytest.mark.real_time("the status comes five times a second"),
]

LONG = Command(cmd_type="MOVE", params={"steps": 500, "step_s": 0.01})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Ros1Site]:
    made = Ros1Site(tmp_path)
    made.driver.connect()
    yield made
    made.close()


def begun(site: Ros1Site, command: Command = LONG) -> Execution:
    before = site.steps()
    execution = Execution(site.driver, command, task_id="task_long")
    until(lambda: site.steps() > before + 2)
    return execution


def test_goal__goes_out_once_behind_its_id_and_tells_its_result(site: Ros1Site) -> None:
    sent: list[Any] = []
    real = site.context.run_id

    def run_id(*args: Any, **more: Any) -> None:
        # it is on disk, and nothing has moved
        sent.append(site.starts())
        real(*args, **more)

    site.context.run_id = run_id  # type: ignore[method-assign]
    assert site.do("MOVE", steps=4, place="SHELF") == {"travelled": 4}
    assert sent == [0]
    assert site.starts() == 1
    assert site.move.log[0].endswith("to SHELF")
    assert site.context.run is not None
    assert site.move.log[0].split()[1] == site.context.run.id
    assert site.context.fractions == [0.25, 0.5, 0.75, 1.0]
    assert site.do("BATTERY") == {"percentage": 0.8}


def test_goal__that_is_rejected_or_given_up_has_failed_for_certain(site: Ros1Site) -> None:
    site.move.rejects = True
    with pytest.raises(DriverError, match="gave the goal up"):
        site.do("MOVE")
    assert site.starts() == 0
    site.move.rejects = False
    site.move.aborts_after = 1
    with pytest.raises(DriverError, match="gave the goal up"):
        site.do("MOVE")


def test_result__that_was_lost_leaves_the_status(site: Ros1Site) -> None:
    site.move.tells_result = False
    assert site.do("MOVE", steps=2) == {"result_unavailable": True}


def test_stop__ends_the_goal_and_so_does_an_emergency_stop(site: Ros1Site) -> None:
    for stop in (site.driver.stop, site.driver.emergency_stop):
        execution = begun(site)
        stop()
        assert isinstance(execution.ended().error, Stopped)
        assert not site.bridge.on_loop(site.move.moving)
    with pytest.raises(Stopped):
        site.do("MOVE")
    site.driver.reset()
    assert site.do("MOVE") == {"travelled": 3}


@pytest.mark.slow
def test_emergency_stop__that_the_server_does_not_heed_is_not_called_heard(site: Ros1Site) -> None:
    site.move.ignores_cancel = True
    begun(site)
    with pytest.raises(DriverError, match="/move has not answered yet"):
        site.driver.emergency_stop()
    site.move.ignores_cancel = False
    # the cancel is sent again and again
    until(lambda: not site.bridge.on_loop(site.move.moving))


def test_goal_of_somebody_else__is_not_pushed_away(site: Ros1Site) -> None:
    """A server of ROS 1 would end theirs for ours. Also one that has come a moment ago, of which
    the connection that listens all the time knows nothing yet."""
    theirs = {"goal_id": {"id": "theirs"}, "goal": {"steps": 1_000}}
    site.bridge.on_loop(lambda: site.graph.publish("/move/goal", theirs))
    until(lambda: site.steps() > 0)
    goals = site.driver._goals  # type: ignore[attr-defined]
    for late in (False, True):
        if late:
            goals.active = lambda _: []
        with pytest.raises(DriverError, match="a goal of somebody else \\(theirs\\)"):
            site.do("MOVE")
    assert site.starts() == 1


@pytest.mark.slow
def test_server__that_is_not_there_or_dies_is_waited_for_no_longer_than_needed(
    site: Ros1Site,
) -> None:
    execution = begun(site)
    site.move.silent = True
    error = execution.ended().error
    assert isinstance(error, UncertainOutcome), error
    assert "says nothing of its goals" in str(error)


def test_server__that_was_started_anew_has_forgotten(site: Ros1Site) -> None:
    execution = begun(site)
    site.bridge.on_loop(site.move.forget)
    error = execution.ended().error
    assert isinstance(error, UncertainOutcome), error
    assert error.cause == "device_reset"


def test_settle__by_the_status_and_attach_hears_the_result(site: Ros1Site) -> None:
    command = Command(cmd_type="MOVE", params={"steps": 150, "step_s": 0.01})
    execution = begun(site, command)
    site.bridge.disconnect()
    assert isinstance(execution.ended().error, LinkLost)
    run = execution.context.unsettled(command)
    after = site.again()
    after.connect()
    assert isinstance(after, Settles)
    assert after.settle(run, RecordingContext()).state is RunState.RUNNING
    context = RecordingContext()
    assert after.attach(run, context) == {"travelled": 150}
    assert context.fractions
    assert site.starts() == 1
    # it lists the goal for a moment, and then nobody knows
    said = after.settle(run, RecordingContext())
    assert (said.state, said.result) == (RunState.COMPLETED, {"result_unavailable": True})
    site.move.keeps_s = 0
    until(lambda: not site.bridge.on_loop(site.move.listed))
    assert after.settle(run, RecordingContext()).state is RunState.UNKNOWN


@pytest.mark.parametrize(
    ("type_", "told"),
    [
        (
            "robot_msgs/action/Move",
            "expected a type of ROS 1 such as move_base_msgs/MoveBaseAction",
        ),
        ("robot_msgs/Move", "expected a type of ROS 1"),
    ],
)
def test_type__of_ros_2_is_told(type_: str, told: str) -> None:
    options = {"ros": 1, "commands": {"MOVE": {"action": "/move", "type": type_}}}
    assert ROS_ROBOT.read(options)
    with pytest.raises(ConfigError, match=told):
        read_options("amr", options)


@pytest.mark.slow
class TestContract(DriverContract, SettleContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[DriverBench]:
        site = Ros1Site(tmp_path)
        yield bench_of(site)
        site.close()


class Log:
    """What the action server has written down."""

    key = "place"

    def __init__(self, site: Ros1Site) -> None:
        self._site = site

    def begun(self, key: Any) -> int:
        log = list(self._site.move.log)
        return sum(line.startswith("start ") and line.endswith(f" to {key}") for line in log)

    def done(self, key: Any, run: str) -> bool:
        log = list(self._site.move.log)
        return f"end {run} 3" in log and f"start {run} to {key}" in log

    def remembers(self, run: str) -> bool:
        return run in self._site.bridge.on_loop(self._site.move.listed)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", some(range(40), 1))
def test_kill__at_any_moment_and_the_server_is_asked(
    tmp_path: Path, record_property: Callable[[str, object], None], seed: int
) -> None:
    site = Ros1Site(tmp_path)
    # what a busy machine needs for a start is longer than five seconds
    site.move.keeps_s = 120
    robot = {"driver": "rosbridge", "options": {**OPTIONS, "url": site.bridge.url}}
    lab = KilledDaemon(tmp_path, "amr", robot, Log(site))
    try:
        commands: list[dict[str, Any]] = [
            {"place": f"P{number}", "steps": 100, "step_s": 0.02} for number in range(2)
        ]
        found = killed(lab, seed, commands, 4.0)
        record_property("kill", dict(found.tally))
        assert not found.faults, (seed, found, site.move.log)
    finally:
        lab.daemon.kill()
        site.close()
