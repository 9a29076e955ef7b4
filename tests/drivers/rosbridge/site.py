"""A robot behind a bridge, and the driver that talks to it."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robotq.drivers import rosbridge
from robotq.drivers.base import Driver
from robotq.model.json import JsonObject
from robotq.model.task import Command
from robotq.testing.driver_contract import RecordingContext, driver_setup
from robotq.testing.rosbridge import BridgeServer, SimulatedAction, SimulatedGraph

MOVE: dict[str, Any] = {
    "action": "/move",
    "type": "robot_msgs/action/Move",
    "goal": {"steps": "{params.steps}", "step_s": "{params.step_s}", "text": "to {params.place}"},
    "feedback": {
        "progress": "feedback.done / feedback.of",
        "step": "step {feedback.done}",
        "partial": {"done": "feedback.done"},
    },
    "check": "result.done == params.steps",
    "otherwise": "it stopped on the way",
    "result": {"travelled": "result.done"},
    "place": "{params.place}",
    "params": {
        "steps": {"type": "integer", "min": 1, "max": 10_000, "default": 3},
        "step_s": {"type": "number", "min": 0, "max": 10, "default": 0.01},
        "place": {"type": "text", "default": "DOCK"},
    },
}
COMMANDS: dict[str, Any] = {
    "MOVE": MOVE,
    "GRIP": {
        "service": "/gripper/set",
        "type": "std_srvs/srv/SetBool",
        "request": {"data": "{params.close}"},
        "check": "response.success",
        "otherwise": "the gripper has nothing between its fingers",
        "result": {"told": "response.message"},
        "params": {"close": {"type": "integer", "min": 0, "max": 1, "default": 1}},
    },
    "BATTERY": {
        "query": True,
        "topic": "/battery_state",
        "type": "sensor_msgs/msg/BatteryState",
        "result": {"percentage": "message.percentage"},
    },
}
OPTIONS: dict[str, Any] = {"commands": COMMANDS, "answer_s": 1.0, "accept_s": 0.6}


class Site:
    """The bridge, what is behind it, and the driver. Close it at the end."""

    def __init__(
        self, tmp_path: Path, options: Mapping[str, Any] | None = None, **bridge: Any
    ) -> None:
        self.graph = SimulatedGraph()
        self.move: SimulatedAction = self.graph.action("/move")
        self.graph.topics["/battery_state"] = {"percentage": 0.8}
        self.gripper: JsonObject = {"success": True, "message": "closed"}
        self.gripped: list[JsonObject] = []

        async def grip(request: JsonObject) -> JsonObject:
            self.gripped.append(request)
            return self.gripper

        self.graph.services["/gripper/set"] = grip
        self.bridge = BridgeServer(self.graph, **bridge).start()
        self._options = {"url": self.bridge.url, **OPTIONS, **(options or {})}
        self._tmp_path = tmp_path
        setup, self.links = driver_setup(tmp_path, self._options)
        self.driver: Driver = rosbridge.create(setup)
        self.context = RecordingContext()

    def again(self) -> Driver:
        """Another driver for the same robot, as after a start."""
        return rosbridge.create(driver_setup(self._tmp_path, self._options)[0])

    def do(self, cmd_type: str, **params: Any) -> JsonObject:
        return self.driver.execute(Command(cmd_type=cmd_type, params=params), self.context)

    def starts(self) -> int:
        return sum(line.startswith("start ") for line in self.move.log)

    def steps(self) -> int:
        return sum(line.startswith("step ") for line in self.move.log)

    def close(self) -> None:
        self.driver.close()
        self.bridge.stop()
        # aiohttp's client keeps the connection of a WebSocket whose other end was cut until it is
        # collected, and warns then
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
