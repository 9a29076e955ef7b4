"""`python -m tests.drivers.rosbridge.ros_side [--in-threads] LOG`: a real action server of ROS 2
(Fibonacci of test_msgs) and a real service behind a bridge, in a Python that has rclpy.

Prints the port of the bridge. The server writes down what it does in LOG.
"""

from __future__ import annotations

import array
import asyncio
import base64
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rclpy
from action_msgs.msg import GoalStatusArray
from action_msgs.srv import CancelGoal
from rclpy.action import ActionClient, ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_srvs.srv import SetBool
from test_msgs.action import Fibonacci

from robotq.testing.rosbridge.graph import Heard, NotThere
from robotq.testing.rosbridge.server import BridgeServer

ACTION = "/fibonacci"
_STEP_S = 0.02
_TOPICS = {
    (f"{ACTION}/_action/status", "action_msgs/msg/GoalStatusArray"): (
        GoalStatusArray, DurabilityPolicy.TRANSIENT_LOCAL,
    ),
    (f"{ACTION}/_action/feedback", "test_msgs/action/Fibonacci_FeedbackMessage"): (
        Fibonacci.Impl.FeedbackMessage, DurabilityPolicy.VOLATILE,
    ),
}  # fmt: skip
_SERVICES = {"/gripper/set": SetBool, f"{ACTION}/_action/cancel_goal": CancelGoal}


class Robot:
    """The action server: a number each 20 ms, until it is cancelled."""

    def __init__(self, node: Any, log: Path) -> None:
        self._log = log.open("a", encoding="utf-8", buffering=1)
        group = ReentrantCallbackGroup()
        self._server = ActionServer(
            node,
            Fibonacci,
            ACTION,
            self._execute,
            callback_group=group,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            result_timeout=900,
        )
        node.create_service(SetBool, "/gripper/set", self._grip, callback_group=group)

    def _execute(self, goal: Any) -> Any:
        id_ = bytes(goal.goal_id.uuid).hex()
        self._write(f"start {id_} to {goal.request.order}")
        numbers = [0, 1]
        for step in range(goal.request.order):
            if goal.is_cancel_requested:
                goal.canceled()
                self._write(f"end {id_} 5")
                return Fibonacci.Result(sequence=numbers)
            numbers.append((numbers[-1] + numbers[-2]) % 2**31 // 2)
            goal.publish_feedback(Fibonacci.Feedback(sequence=[step + 1]))
            self._write(f"step {id_} {step + 1}")
            time.sleep(_STEP_S)
        goal.succeed()
        self._write(f"end {id_} 4")
        return Fibonacci.Result(sequence=[goal.request.order])

    def _grip(self, request: Any, response: Any) -> Any:
        self._write(f"grip {request.data}")
        response.success, response.message = True, "closed" if request.data else "open"
        return response

    def _write(self, line: str) -> None:
        self._log.write(line + "\n")


class RclpyGraph:
    """`Graph` over rclpy: what a bridge's own node does."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._group = ReentrantCallbackGroup()

    async def send_goal(
        self, action: str, type_: str, goal: Any, feedback: Heard | None
    ) -> tuple[int, dict[str, Any]]:
        if type_ != "test_msgs/action/Fibonacci":
            raise NotThere(f"Unable to import {type_}")
        loop = asyncio.get_running_loop()
        client = ActionClient(self._node, Fibonacci, action, callback_group=self._group)
        if not await asyncio.to_thread(client.wait_for_server, 1.0):
            raise NotThere("No action server available")

        def told(message: Any) -> None:
            if feedback is not None:
                loop.call_soon_threadsafe(feedback, values(message.feedback))

        handle = await _done(loop, client.send_goal_async(made(Fibonacci.Goal, goal), told))
        if not handle.accepted:
            raise NotThere("Action goal was rejected")
        result = await _done(loop, handle.get_result_async())
        return result.status, values(result.result)

    async def call(self, service: str, request: Any) -> dict[str, Any]:
        kind = _SERVICES.get(service)
        if kind is None:
            raise NotThere(f"Service {service} does not exist")
        client = self._node.create_client(kind, service, callback_group=self._group)
        try:
            if not await asyncio.to_thread(client.wait_for_service, 1.0):
                raise NotThere(f"Service {service} does not exist")
            loop = asyncio.get_running_loop()
            response = await _done(loop, client.call_async(made(kind.Request, request)))
            told: dict[str, Any] = values(response)
            return told
        finally:
            self._node.destroy_client(client)

    def subscribe(self, topic: str, type_: str | None, heard: Heard) -> Callable[[], None]:
        kind, keeps = _TOPICS.get((topic, type_ or ""), (None, DurabilityPolicy.VOLATILE))
        if kind is None:
            raise NotThere(f"Cannot infer topic type for topic {topic} ({type_})")
        loop = asyncio.get_running_loop()
        qos = QoSProfile(depth=10, durability=keeps, reliability=ReliabilityPolicy.RELIABLE)
        made_ = self._node.create_subscription(
            kind,
            topic,
            lambda message: loop.call_soon_threadsafe(heard, values(message)),
            qos,
            callback_group=self._group,
        )
        return lambda: self._node.destroy_subscription(made_)

    def publish(self, topic: str, message: Any) -> None:
        raise NotThere(topic)


async def _done(loop: asyncio.AbstractEventLoop, future: Any) -> Any:
    """What a future of rclpy comes to."""
    waiting = loop.create_future()
    future.add_done_callback(lambda done: loop.call_soon_threadsafe(waiting.set_result, done))
    return (await waiting).result()


def values(message: Any) -> Any:
    """A message as a bridge writes it: bytes as Base64."""
    if hasattr(message, "get_fields_and_field_types"):
        types = message.get_fields_and_field_types()
        told = {}
        for name, type_ in types.items():
            value = getattr(message, name)
            if type_.startswith(("uint8[", "octet[", "char[", "sequence<uint8")):
                told[name] = base64.b64encode(bytes(value)).decode()
            else:
                told[name] = values(value)
        return told
    if isinstance(message, (list, tuple, array.array)) or hasattr(message, "tolist"):
        return [values(each) for each in message]
    return message


def made(kind: Any, told: Any) -> Any:
    """A message of what a client has sent. Raises NotThere, in the words of a bridge."""
    message = kind()
    types = message.get_fields_and_field_types()
    for name, value in dict(told or {}).items():
        if name not in types:
            raise NotThere(f"Message type {kind.__name__} does not have a field {name}")
        field = getattr(message, name)
        if hasattr(field, "get_fields_and_field_types"):
            setattr(message, name, made(type(field), value))
        else:
            setattr(message, name, value)
    return message


def main() -> None:
    rclpy.init()
    robot, bridge = rclpy.create_node("robot"), rclpy.create_node("bridge")
    Robot(robot, Path(sys.argv[-1]))
    executor = MultiThreadedExecutor(num_threads=8)
    executor.add_node(robot)
    executor.add_node(bridge)

    def spin() -> None:
        try:
            executor.spin()
        except ExternalShutdownException:
            return

    threading.Thread(target=spin, daemon=True).start()
    in_threads = "--in-threads" in sys.argv
    with BridgeServer(RclpyGraph(bridge), goals_in_threads=in_threads) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
