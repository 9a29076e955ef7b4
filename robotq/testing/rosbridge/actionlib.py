"""An action server of ROS 1 with the habits of `actionlib`: five topics, a status that it tells
five times a second, goals that have ended forgotten after five seconds, and one goal at a time, of
which a new one pushes the old one away."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from robotq.model.json import JsonObject
from robotq.testing.rosbridge.simulated import SimulatedGraph

_ACTIVE, _PREEMPTED, _SUCCEEDED, _ABORTED, _REJECTED, _PREEMPTING = 1, 2, 3, 4, 5, 6
_RECALLING, _RECALLED = 7, 8
_GO_ON = (0, _ACTIVE, _PREEMPTING, _RECALLING)
_STATUS_S = 0.2


@dataclass(slots=True)
class _Goal:
    id: str
    status: int
    preempt: asyncio.Event = field(default_factory=asyncio.Event)
    ended_at: float | None = None


class ActionlibServer:
    """Its robot moves in steps: a goal is `{"steps": 5, "step_s": 0.1}`. `start` it on the loop of
    the bridge."""

    def __init__(self, graph: SimulatedGraph, name: str, type_: str) -> None:
        self._graph = graph
        self.name = name
        self.type = type_
        self.log: list[str] = []
        """`start ID TEXT`, `step ID n`, `end ID status`: what the robot did."""
        self.rejects = False
        self.ignores_cancel = False
        self.tells_result = True
        self.silent = False
        """Its process is dead: nothing is heard, and nothing is told."""
        self.aborts_after: int | None = None
        self.keeps_s = 5.0
        """`status_list_timeout` of actionlib."""
        self._goals: dict[str, _Goal] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._graph.subscribe(f"{self.name}/goal", f"{self.type}Goal", self._on_goal)
        self._graph.subscribe(f"{self.name}/cancel", "actionlib_msgs/GoalID", self._on_cancel)
        self._begin(self._tell_always())

    def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()

    def moving(self) -> bool:
        return any(goal.status in _GO_ON for goal in self._goals.values())

    def listed(self) -> set[str]:
        return set(self._goals)

    def forget(self) -> None:
        """As a server does that was started anew: the motion ends with its process."""
        for goal in self._goals.values():
            goal.ended_at = 0.0
            goal.preempt.set()
        self._goals = {}
        self._tell()

    # -- what clients publish ------------------------------------------------------------------

    def _on_goal(self, message: JsonObject) -> None:
        if self.silent:
            return
        id_ = str(message["goal_id"]["id"])
        known = self._goals.get(id_)
        if known is not None:
            # the same goal twice is one goal; one that was cancelled before it came is not begun
            if known.status == _RECALLING:
                self._end(known, _RECALLED, {})
            return
        goal = self._goals[id_] = _Goal(id_, 0)
        if self.rejects:
            self._end(goal, _REJECTED, {})
            return
        for other in self._goals.values():
            if other is not goal and other.status == _ACTIVE:
                other.status = _PREEMPTING
                other.preempt.set()
        goal.status = _ACTIVE
        self._write(f"start {id_} {message['goal'].get('text', '')}".rstrip())
        self._tell()
        self._begin(self._move(goal, message["goal"]))

    def _on_cancel(self, message: JsonObject) -> None:
        if self.silent or self.ignores_cancel:
            return
        id_ = str(message.get("id", ""))
        if id_ and id_ not in self._goals:
            self._goals[id_] = _Goal(id_, _RECALLING, ended_at=time.monotonic())
            return
        for goal in self._goals.values():
            if goal.status == _ACTIVE and id_ in ("", goal.id):
                goal.status = _PREEMPTING
                self._write(f"cancel {goal.id}")
                goal.preempt.set()
        self._tell()

    async def _move(self, goal: _Goal, wanted: JsonObject) -> None:
        steps, step_s = int(wanted.get("steps", 5)), float(wanted.get("step_s", 0.02))
        done, status = 0, _SUCCEEDED
        for step in range(steps):
            if self.aborts_after == step:
                status = _ABORTED
                break
            try:
                await asyncio.wait_for(goal.preempt.wait(), step_s)
            except TimeoutError:
                done = step + 1
                self._write(f"step {goal.id} {done}")
                self._publish("feedback", self._about(goal, {"done": done, "of": steps}))
                continue
            status = _PREEMPTED
            break
        if goal.ended_at is None:
            self._end(goal, status, {"done": done})

    def _end(self, goal: _Goal, status: int, result: JsonObject) -> None:
        goal.status, goal.ended_at = status, time.monotonic()
        self._write(f"end {goal.id} {status}")
        if self.tells_result:
            self._publish("result", self._about(goal, result))
        self._tell()

    # -- what it publishes ---------------------------------------------------------------------

    def _about(self, goal: _Goal, values: JsonObject) -> JsonObject:
        return {"status": _told(goal), "values": values}

    def _publish(self, kind: str, about: JsonObject) -> None:
        if not self.silent:
            message = {"status": about["status"], kind: about["values"]}
            self._graph.publish(f"{self.name}/{kind}", message)

    def _tell(self) -> None:
        now = time.monotonic()
        self._goals = {
            id_: goal
            for id_, goal in self._goals.items()
            if goal.ended_at is None or now - goal.ended_at < self.keeps_s
        }
        if self.silent:
            return
        message = {"status_list": [_told(goal) for goal in self._goals.values()]}
        # it is latched
        self._graph.topics[f"{self.name}/status"] = message
        self._graph.publish(f"{self.name}/status", message)

    async def _tell_always(self) -> None:
        while True:
            self._tell()
            await asyncio.sleep(_STATUS_S)

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _write(self, line: str) -> None:
        self.log.append(line)
        self._graph.write(f"{self.name} {line}")


def _told(goal: _Goal) -> JsonObject:
    return {
        "goal_id": {"stamp": {"secs": 0, "nsecs": 0}, "id": goal.id},
        "status": goal.status,
        "text": "",
    }
