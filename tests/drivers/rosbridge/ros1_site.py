"""A robot of ROS 1 behind a bridge, and the driver that talks to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robotq.drivers import rosbridge
from robotq.drivers.base import Driver
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.testing.driver_contract import RecordingContext, driver_setup
from robotq.testing.rosbridge import ActionlibServer, BridgeServer, SimulatedGraph
from tests.drivers.rosbridge.site import MOVE

OPTIONS: dict[str, Any] = {
    "ros": 1,
    "commands": {
        "MOVE": {**MOVE, "type": "robot_msgs/MoveAction"},
        "BATTERY": {
            "query": True,
            "topic": "/battery_state",
            "type": "sensor_msgs/BatteryState",
            "result": {"percentage": "message.percentage"},
        },
    },
    "answer_s": 1.0,
    "accept_s": 1.0,
}


class Ros1Site:
    """Close it at the end."""

    def __init__(self, tmp_path: Path, options: Mapping[str, Any] | None = None) -> None:
        self.graph = SimulatedGraph()
        self.graph.topics["/battery_state"] = {"percentage": 0.8}
        self.move = ActionlibServer(self.graph, "/move", "robot_msgs/MoveAction")
        self.bridge = BridgeServer(self.graph).start()
        self.bridge.on_loop(self.move.start)
        self.options = {"url": self.bridge.url, **OPTIONS, **(options or {})}
        self._tmp_path = tmp_path
        setup, self.links = driver_setup(tmp_path, self.options)
        self.driver: Driver = rosbridge.create(setup)
        self.drivers = [self.driver]
        self.context = RecordingContext()

    def again(self) -> Driver:
        """Another driver for the same robot, as after a start."""
        self.drivers.append(rosbridge.create(driver_setup(self._tmp_path, self.options)[0]))
        return self.drivers[-1]

    def do(self, cmd_type: str, **params: Any) -> JsonObject:
        return self.driver.execute(Command(cmd_type=cmd_type, params=params), self.context)

    def starts(self) -> int:
        return sum(line.startswith("start ") for line in list(self.move.log))

    def steps(self) -> int:
        return sum(line.startswith("step ") for line in list(self.move.log))

    def close(self) -> None:
        for driver in self.drivers:
            driver.close()
        self.bridge.on_loop(self.move.stop)
        self.bridge.stop()
