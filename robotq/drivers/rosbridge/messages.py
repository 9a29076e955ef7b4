"""What goes over the WebSocket: rosbridge protocol 2, and the parts of ROS 2 actions that are
reached through it.

Sources: ROSBRIDGE_PROTOCOL.md of rosbridge_suite; https://design.ros2.org/articles/actions.html;
action_msgs. A bridge tells nobody when it refuses a message (a name that its globs leave out, an
operation that it does not know): there is no answer then.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

from robotq.model.json import JsonObject

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""What may be half a character, which neither the disk nor anybody who reads it takes."""

CANCEL_GOAL = "action_msgs/srv/CancelGoal"
GOAL_STATUS_ARRAY = "action_msgs/msg/GoalStatusArray"

GoalId: TypeAlias = bytes
"""16 bytes, made by the client of the action, which is the bridge."""
ALL_GOALS: GoalId = bytes(16)
"""In a cancel: every goal of the action."""


class GoalStatus(IntEnum):
    """Of action_msgs/msg/GoalStatus."""

    UNKNOWN = 0
    ACCEPTED = 1
    EXECUTING = 2
    CANCELING = 3
    SUCCEEDED = 4
    CANCELED = 5
    ABORTED = 6

    @property
    def active(self) -> bool:
        return self in (GoalStatus.ACCEPTED, GoalStatus.EXECUTING, GoalStatus.CANCELING)


class CancelCode(IntEnum):
    """Of action_msgs/srv/CancelGoal."""

    NONE = 0
    REJECTED = 1
    UNKNOWN_GOAL_ID = 2
    GOAL_TERMINATED = 3


@dataclass(frozen=True, slots=True)
class Feedback:
    id: str
    values: Any


@dataclass(frozen=True, slots=True)
class GoalEnded:
    id: str
    carried: bool
    """The bridge got a result of the action; else `values` is why there is none."""
    status: GoalStatus | None
    """None: the bridge is too old to say."""
    values: Any


@dataclass(frozen=True, slots=True)
class Responded:
    id: str
    carried: bool
    """The service has answered; else `values` is why not."""
    values: Any


@dataclass(frozen=True, slots=True)
class Published:
    topic: str
    message: Any


Incoming: TypeAlias = Feedback | GoalEnded | Responded | Published


def send_goal(id_: str, action: str, type_: str, goal: Any) -> JsonObject:
    return {
        "op": "send_action_goal",
        "id": id_,
        "action": action,
        "action_type": type_,
        "args": goal,
        "feedback": True,
    }


def call_service(id_: str, service: str, type_: str | None, request: Any) -> JsonObject:
    message: dict[str, Any] = {
        "op": "call_service",
        "id": id_,
        "service": service,
        "args": request,
    }
    return message if type_ is None else {**message, "type": type_}


def cancel(id_: str, action: str, goal: GoalId) -> JsonObject:
    """Asks the action's own server, which a bridge that is busy with the goal passes on where it
    would not pass on its own `cancel_action_goal`."""
    request = {
        "goal_info": {
            "goal_id": {"uuid": list(goal)},
            "stamp": {"sec": 0, "nanosec": 0},
        }
    }
    return call_service(id_, f"{action}/_action/cancel_goal", CANCEL_GOAL, request)


def subscribe(id_: str, topic: str, type_: str | None, *, every_ms: int = 0) -> JsonObject:
    """`every_ms`: of messages that come more often, the bridge sends the latest one only."""
    message: dict[str, Any] = {"op": "subscribe", "id": id_, "topic": topic}
    if every_ms:
        message |= {"throttle_rate": every_ms, "queue_length": 1}
    return message if type_ is None else {**message, "type": type_}


def unsubscribe(id_: str, topic: str) -> JsonObject:
    return {"op": "unsubscribe", "id": id_, "topic": topic}


def advertise(id_: str, topic: str, type_: str) -> JsonObject:
    return {"op": "advertise", "id": id_, "topic": topic, "type": type_}


def publish(topic: str, message: Any) -> JsonObject:
    return {"op": "publish", "topic": topic, "msg": message}


def status_topic(action: str) -> str:
    return f"{action}/_action/status"


def feedback_topic(action: str) -> str:
    """Where every client hears the feedback of every goal."""
    return f"{action}/_action/feedback"


def feedback_type(action_type: str) -> str:
    """Of that topic. Bridges know it since November 2025; others do not subscribe, and say so to
    nobody (RobotWebTools/rosbridge_suite#1072)."""
    return f"{action_type}_FeedbackMessage"


def encode(message: JsonObject) -> str:
    """Raises ValueError for a number that JSON does not have."""
    return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def read(text: str) -> Incoming | None:
    """A message of the bridge; None for what is of no meaning here.

    Raises ValueError for what is none.
    """
    # the bridge writes NaN and Infinity, which are no JSON: nobody knows such a value
    message = json.loads(text, parse_constant=lambda _: None)
    if _HALF.search(text):
        message = json.loads(json.dumps(message, ensure_ascii=False).encode("utf-8", "replace"))
    if not isinstance(message, Mapping):
        raise ValueError("no object")
    values, id_ = message.get("values"), message.get("id")
    match message.get("op"):
        case "publish":
            return Published(str(message.get("topic")), message.get("msg"))
        case "action_feedback" if isinstance(id_, str):
            return Feedback(id_, values)
        case "action_result" if isinstance(id_, str):
            return GoalEnded(id_, message.get("result") is True, _status(message), values)
        case "service_response" if isinstance(id_, str):
            return Responded(id_, message.get("result") is True, values)
        case _:
            return None


def goals_in(message: Any) -> Mapping[GoalId, GoalStatus]:
    """The goals that a status message tells of. Raises ValueError where it is none."""
    listed = message.get("status_list") if isinstance(message, Mapping) else None
    if not isinstance(listed, list):
        raise ValueError("no status_list")
    goals: dict[GoalId, GoalStatus] = {}
    for each in listed:
        try:
            goals[_goal_id(each["goal_info"]["goal_id"]["uuid"])] = GoalStatus(each["status"])
        except (TypeError, KeyError, binascii.Error) as error:
            raise ValueError(f"no status of a goal: {each!r:.100}") from error
    return goals


def feedback_in(message: Any) -> tuple[GoalId, Any]:
    """Which goal a message of the topic tells of, and what. Raises ValueError where it is none."""
    try:
        return _goal_id(message["goal_id"]["uuid"]), message["feedback"]
    except (TypeError, KeyError, binascii.Error) as error:
        raise ValueError(f"no feedback of a goal: {message!r:.100}") from error


def cancel_code(values: Any) -> CancelCode | None:
    """What a server says to a cancel; None for what makes no sense."""
    code = values.get("return_code") if isinstance(values, Mapping) else None
    return CancelCode(code) if code in tuple(CancelCode) else None


def finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _status(message: Mapping[str, Any]) -> GoalStatus | None:
    status = message.get("status")
    if isinstance(status, bool) or status not in tuple(GoalStatus):
        return None
    return GoalStatus(status)


def _goal_id(uuid: Any) -> GoalId:
    """Bridges write arrays of bytes as Base64, some as a list."""
    id_ = base64.b64decode(uuid, validate=True) if isinstance(uuid, str) else bytes(uuid)
    if len(id_) != len(ALL_GOALS):
        raise ValueError(f"no id of a goal: {uuid!r:.60}")
    return id_
