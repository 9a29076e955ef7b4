"""A real action server of ROS 2, over rclpy, behind the bridge of these tests.

It needs a Python with rclpy: `pip install '.[ros]'`, or ROBOTQ_TEST_ROS names one.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from robotq.drivers import rosbridge
from robotq.drivers.base import Driver, LinkLost, Stopped
from robotq.drivers.settling import RunState, Settles
from robotq.model.task import Command
from robotq.testing.driver_contract import Execution, RecordingContext, driver_setup
from tests.drivers.rosbridge.test_goals import until

ROOT = Path(__file__).parents[3]
_ROS = os.environ.get("ROBOTQ_TEST_ROS") or (
    sys.executable if importlib.util.find_spec("rclpy") else None
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.wall("the robot is a process of its own"),
    pytest.mark.skipif(_ROS is None, reason="no rclpy here: pip install '.[ros]'"),
]

OPTIONS: dict[str, Any] = {
    "commands": {
        "COUNT": {
            "action": "/fibonacci",
            "type": "test_msgs/action/Fibonacci",
            "goal": {"order": "{params.order}"},
            "feedback": {"progress": "feedback.sequence[0] / params.order"},
            "result": {"counted": "result.sequence[0]"},
            "params": {"order": {"type": "integer", "min": 1, "max": 10_000}},
        },
        "GRIP": {
            "service": "/gripper/set",
            "type": "std_srvs/srv/SetBool",
            "request": {"data": True},
            "check": "response.success",
            "result": {"told": "response.message"},
        },
    }
}


class RealRobot:
    def __init__(self, tmp_path: Path, *, in_threads: bool) -> None:
        assert _ROS is not None
        self._tmp_path = tmp_path
        self.log = tmp_path / "robot.log"
        arguments = ["--in-threads"] if in_threads else []
        environ = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "RMW_IMPLEMENTATION": "rmw_fastrtps_cpp",
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
            "ROS_LOCALHOST_ONLY": "1",
            # nobody else's graph on this machine
            "ROS_DOMAIN_ID": str(os.getpid() % 90 + 1),
        }
        self.process = subprocess.Popen(
            [_ROS, "-m", "tests.drivers.rosbridge.ros_side", *arguments, str(self.log)],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self._url = self.process.stdout.readline().strip()
        if not self._url:
            self.process.kill()
            self.process.communicate()
            pytest.fail("the side with rclpy did not start; what it says stands above")
        self.driver = self.again()

    def again(self) -> Driver:
        options = {"url": self._url, "accept_s": 5, **OPTIONS}
        return rosbridge.create(driver_setup(self._tmp_path, options)[0])

    def lines(self, word: str) -> list[str]:
        text = self.log.read_text("utf-8") if self.log.exists() else ""
        return [line for line in text.splitlines() if line.startswith(word)]

    def close(self) -> None:
        self.driver.close()
        self.process.kill()
        self.process.communicate()


@pytest.fixture(params=[False, True], ids=["goals_one_by_one", "goals_in_threads"])
def robot(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RealRobot]:
    made = RealRobot(tmp_path, in_threads=request.param)
    try:
        made.driver.connect()
        yield made
    finally:
        made.close()


def begun(robot: RealRobot, order: int = 2_000) -> tuple[Execution, Command]:
    command = Command(cmd_type="COUNT", params={"order": order})
    execution = Execution(robot.driver, command, task_id="task_real").named()
    until(lambda: len(robot.lines("step")) > 3)
    return execution, command


def test_goal__goes_to_its_end_and_its_result_is_had(robot: RealRobot) -> None:
    context = RecordingContext()
    done = robot.driver.execute(Command(cmd_type="COUNT", params={"order": 10}), context)
    assert done == {"counted": 10}
    assert context.fractions[-1] == 1.0
    assert context.run is not None
    assert robot.lines("end") == [f"end {context.run.id} 4"]
    assert robot.driver.execute(Command(cmd_type="GRIP"), context) == {"told": "closed"}


@pytest.mark.real_time("that nothing moves after the stop shows after a moment only")
def test_stop__gets_to_the_server_while_the_bridge_is_busy_with_the_goal(robot: RealRobot) -> None:
    execution, _ = begun(robot)
    began = time.monotonic()
    robot.driver.stop()
    assert isinstance(execution.ended().error, Stopped)
    assert time.monotonic() - began < 3.0
    steps = len(robot.lines("step"))
    time.sleep(0.2)
    assert len(robot.lines("step")) == steps


def test_goal_that_was_left__is_found_again_under_its_id(robot: RealRobot) -> None:
    execution, command = begun(robot, order=150)
    run = execution.context.unsettled(command)
    assert isinstance(robot.driver, Settles)
    robot.driver.let_go(60)
    execution.ended()
    after = robot.again()
    try:
        after.connect()
        assert isinstance(after, Settles)
        assert after.settle(run, RecordingContext()).state is RunState.RUNNING
        context = RecordingContext()
        result = after.attach(run, context)
        assert result == {"result_unavailable": True}
        assert after.settle(run, RecordingContext()).state is RunState.COMPLETED
        # its feedback is heard too, although another connection has begun it
        assert len(context.fractions) > 10
        assert execution.context.fractions[-1] < context.fractions[0] < context.fractions[-1]
    finally:
        after.close()
    assert len(robot.lines("start")) == 1
    assert robot.lines("end") == [f"end {run.id} 4"]


def test_server_that_was_started_anew__does_not_know_the_goal(
    robot: RealRobot, tmp_path: Path
) -> None:
    execution, command = begun(robot)
    run = execution.context.unsettled(command)
    robot.process.kill()
    assert isinstance(execution.ended().error, LinkLost)
    (tmp_path / "new").mkdir()
    anew = RealRobot(tmp_path / "new", in_threads=False)
    try:
        anew.driver.connect()
        assert isinstance(anew.driver, Settles)
        assert anew.driver.settle(run, RecordingContext()).state is RunState.UNKNOWN
    finally:
        anew.close()
