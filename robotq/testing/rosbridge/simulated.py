"""A graph of ROS that is simulated: action servers as rclpy's behave, services, topics.

A server keeps what it did in a log of its own, which is asked what the robot really did.
"""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from robotq.model.json import JsonObject
from robotq.testing.rosbridge.graph import Heard, NotThere

_EXECUTING, _CANCELING, _SUCCEEDED, _CANCELED, _ABORTED = 2, 3, 4, 5, 6
_ACTIVE = (1, _EXECUTING, _CANCELING)

Service = Callable[[JsonObject], Awaitable[JsonObject]]


@dataclass(slots=True)
class _Goal:
    id: bytes
    status: int = _EXECUTING
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    ended_at: float | None = None


class SimulatedAction:
    """An action server whose robot moves in steps: its goal is `{"steps": 5, "step_s": 0.1}`."""

    def __init__(self, graph: SimulatedGraph, name: str, type_: str) -> None:
        self._graph = graph
        self.name = name
        self.type = type_
        self.log: list[str] = []
        """`start ID GOAL`, `step ID n`, `end ID status`: what the robot did."""
        self.rejects: str | None = None
        """Why goals are rejected; empty: without an answer, as some bridges have it."""
        self.refuses_to_cancel = False
        self.tells_feedback = True
        self.tells_status = True
        self.aborts_after: int | None = None
        self.keeps_s = 900.0
        """Seconds for which a goal that has ended is still listed."""
        self._goals: dict[bytes, _Goal] = {}

    def moving(self) -> bool:
        return any(goal.status in _ACTIVE for goal in self._goals.values())

    def forget(self) -> None:
        """As a server does that was started anew."""
        for goal in self._goals.values():
            goal.cancelled.set()
        self._goals = {}
        self._tell()

    async def carry_out(self, goal: JsonObject, feedback: Heard | None) -> tuple[int, JsonObject]:
        if self.rejects is not None:
            if not self.rejects:
                await asyncio.Event().wait()
            raise NotThere(self.rejects)
        unknown = goal.keys() - {"steps", "step_s", "text"}
        if unknown:
            raise NotThere(f"Message type {self.type}_Goal does not have a field {min(unknown)}")
        made = _Goal(uuid.uuid4().bytes)
        self._goals[made.id] = made
        self._write(f"start {made.id.hex()} {goal.get('text', '')}".rstrip())
        self._tell()
        done = await self._move(made, goal, feedback)
        made.status, made.ended_at = self._how(made), time.monotonic()
        self._write(f"end {made.id.hex()} {made.status}")
        self._tell()
        return made.status, {"done": done, "error_msg": "lost" if made.status == _ABORTED else ""}

    async def _move(self, made: _Goal, goal: JsonObject, feedback: Heard | None) -> int:
        steps, step_s = int(goal.get("steps", 5)), float(goal.get("step_s", 0.02))
        for step in range(steps):
            if self.aborts_after == step:
                made.status = _ABORTED
                return step
            try:
                await asyncio.wait_for(made.cancelled.wait(), step_s)
            except TimeoutError:
                self._write(f"step {made.id.hex()} {step + 1}")
                if self.tells_feedback:
                    self._tell_feedback(made, {"done": step + 1, "of": steps}, feedback)
                continue
            return step
        return steps

    def _tell_feedback(self, made: _Goal, values: JsonObject, client: Heard | None) -> None:
        if client is not None:
            client(values)
        told = {"goal_id": _info(made)["goal_id"], "feedback": values}
        self._graph.publish(f"{self.name}/_action/feedback", told)

    def _how(self, made: _Goal) -> int:
        if made.status == _ABORTED:
            return _ABORTED
        return _CANCELED if made.cancelled.is_set() else _SUCCEEDED

    def cancel(self, request: JsonObject) -> JsonObject:
        """Of action_msgs/srv/CancelGoal: no id means all."""
        wanted = bytes(request["goal_info"]["goal_id"]["uuid"])
        if self.refuses_to_cancel:
            return {"return_code": 1, "goals_canceling": []}
        if any(wanted) and wanted not in self._goals:
            return {"return_code": 2, "goals_canceling": []}
        meant = [
            goal
            for goal in self._goals.values()
            if goal.status in _ACTIVE and (not any(wanted) or goal.id == wanted)
        ]
        if any(wanted) and not meant:
            return {"return_code": 3, "goals_canceling": []}
        for goal in meant:
            goal.status = _CANCELING
            goal.cancelled.set()
            self._write(f"cancel {goal.id.hex()}")
        self._tell()
        return {"return_code": 0, "goals_canceling": [_info(goal) for goal in meant]}

    def status(self) -> JsonObject:
        now = time.monotonic()
        kept = {
            id_: goal
            for id_, goal in self._goals.items()
            if goal.ended_at is None or now - goal.ended_at < self.keeps_s
        }
        self._goals = kept
        return {
            "status_list": [
                {"goal_info": _info(goal), "status": goal.status} for goal in kept.values()
            ]
        }

    def has_had_goals(self) -> bool:
        return bool(self._goals)

    def _tell(self) -> None:
        if self.tells_status:
            self._graph.publish(f"{self.name}/_action/status", self.status())

    def _write(self, line: str) -> None:
        self.log.append(line)
        self._graph.write(f"{self.name} {line}")


class SimulatedGraph:
    """Actions, services and topics by name. `log`: a file that outlives whatever is killed."""

    def __init__(self, log: Path | None = None) -> None:
        self._log = None if log is None else log.open("a", encoding="utf-8", buffering=1)
        self.actions: dict[str, SimulatedAction] = {}
        self.services: dict[str, Service] = {}
        self.topics: dict[str, JsonObject | None] = {}
        """Topic -> the message that it keeps."""
        self.published: list[tuple[str, JsonObject]] = []
        """What clients have published."""
        self.knows_feedback = True
        """Bridges from before November 2025 cannot import the type of feedback."""
        self._listeners: dict[str, list[Heard]] = {}
        self._running: set[asyncio.Task[Any]] = set()

    def action(self, name: str, type_: str = "robot_msgs/action/Move") -> SimulatedAction:
        made = self.actions[name] = SimulatedAction(self, name, type_)
        return made

    def write(self, line: str) -> None:
        if self._log is not None:
            self._log.write(f"{line}\n")

    # -- of Graph ------------------------------------------------------------------------------

    async def send_goal(
        self, action: str, type_: str, goal: Any, feedback: Heard | None
    ) -> tuple[int, JsonObject]:
        server = self.actions.get(action)
        if server is None:
            # as long as the bridge looks for one
            await asyncio.sleep(0.2)
            raise NotThere("No action server available")
        if server.type != type_:
            raise NotThere(f"Unable to import {type_} from package {type_.partition('/')[0]}")
        # a client that goes away ends its own waiting, and not the goal
        task = asyncio.ensure_future(server.carry_out(goal, feedback))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def call(self, service: str, request: Any) -> JsonObject:
        action, _, verb = service.rpartition("/_action/")
        if verb == "cancel_goal" and action in self.actions:
            return self.actions[action].cancel(request)
        if service not in self.services:
            raise NotThere(f"Service {service} does not exist")
        return await self.services[service](request)

    def subscribe(self, topic: str, type_: str | None, heard: Heard) -> Callable[[], None]:
        if type_ is None and topic not in self.topics:
            raise NotThere(f"Cannot infer topic type for topic {topic}")
        if topic.endswith("/_action/feedback"):
            self._check_feedback(topic, type_)
        listeners = self._listeners.setdefault(topic, [])
        listeners.append(heard)
        action = self.actions.get(topic.removesuffix("/_action/status"))
        kept = self.topics.get(topic)
        if action is not None and action.has_had_goals() and action.tells_status:
            heard(action.status())
        elif kept is not None:
            heard(kept)
        return lambda: listeners.remove(heard) if heard in listeners else None

    def publish(self, topic: str, message: JsonObject) -> None:
        if "/_action/" not in topic:
            self.published.append((topic, message))
        for heard in list(self._listeners.get(topic, ())):
            heard(message)

    def _check_feedback(self, topic: str, type_: str | None) -> None:
        action = self.actions.get(topic.removesuffix("/_action/feedback"))
        package, _, name = str(type_).rpartition("/")
        if not self.knows_feedback or action is None or type_ != f"{action.type}_FeedbackMessage":
            raise NotThere(f"Unable to import msg class {name} from package {package}")


def _info(goal: _Goal) -> JsonObject:
    return {
        "goal_id": {"uuid": base64.b64encode(goal.id).decode()},
        "stamp": {"sec": 0, "nanosec": 0},
    }
