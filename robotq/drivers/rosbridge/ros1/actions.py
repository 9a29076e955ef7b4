"""Actions of ROS 1, which are five topics. The client makes the id of a goal, a text.

Sources: https://wiki.ros.org/actionlib/DetailedDescription; actionlib_msgs; `actionlib` of ROS 1
(its server tells all goals five times a second, and keeps those that have ended for five seconds).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from robotq.drivers.rosbridge.messages import (
    ALL_GOALS,
    Feedback,
    GoalEnded,
    GoalId,
    GoalStatus,
    publish,
    subscribe,
)
from robotq.model.json import JsonObject

GOAL_STATUS_ARRAY = "actionlib_msgs/GoalStatusArray"
GOAL_ID = "actionlib_msgs/GoalID"
_MEANS = (
    GoalStatus.ACCEPTED,  # PENDING
    GoalStatus.EXECUTING,  # ACTIVE
    GoalStatus.CANCELED,  # PREEMPTED
    GoalStatus.SUCCEEDED,
    GoalStatus.ABORTED,
    GoalStatus.ABORTED,  # REJECTED
    GoalStatus.CANCELING,  # PREEMPTING
    GoalStatus.CANCELING,  # RECALLING
    GoalStatus.CANCELED,  # RECALLED
    GoalStatus.UNKNOWN,  # LOST, which no server says
)
"""What the numbers of actionlib_msgs/GoalStatus mean."""
_NO_TIME = {"secs": 0, "nsecs": 0}


def new_goal() -> GoalId:
    return f"robotq-{secrets.token_hex(8)}".encode()


def goal_topic(action: str) -> str:
    return f"{action}/goal"


def goal_type(action_type: str) -> str:
    return f"{action_type}Goal"


def cancel_topic(action: str) -> str:
    return f"{action}/cancel"


def status_topic(action: str) -> str:
    return f"{action}/status"


def send_goal(action: str, goal_id: GoalId, goal: Any) -> JsonObject:
    told = {"goal_id": {"stamp": _NO_TIME, "id": goal_id.decode()}, "goal": goal}
    return publish(goal_topic(action), told)


def cancel(action: str, goal: GoalId) -> JsonObject:
    """No id and no time mean all goals."""
    id_ = "" if goal == ALL_GOALS else goal.decode()
    return publish(cancel_topic(action), {"stamp": _NO_TIME, "id": id_})


def listen(ids: tuple[str, str, str], action: str, action_type: str) -> list[JsonObject]:
    """The status comes last: a bridge handles what comes on one socket in its order, so who hears
    it listens to the others."""
    return [
        subscribe(ids[0], f"{action}/result", f"{action_type}Result"),
        subscribe(ids[1], f"{action}/feedback", f"{action_type}Feedback"),
        subscribe(ids[2], status_topic(action), GOAL_STATUS_ARRAY),
    ]


def goals_in(message: Any) -> Mapping[GoalId, GoalStatus]:
    """The goals that a status message tells of. Raises ValueError where it is none."""
    listed = message.get("status_list") if isinstance(message, Mapping) else None
    if not isinstance(listed, list):
        raise ValueError("no status_list")
    return dict(_status(each) for each in listed)


def told_of(goal_id: GoalId, action: str, topic: str, message: Any) -> Feedback | GoalEnded | None:
    """What is told of this goal; None for that of others. Raises ValueError where it is nothing
    that an action tells."""
    kind = topic.removeprefix(f"{action}/")
    if kind not in ("feedback", "result"):
        return None
    try:
        whose, status = _status(message["status"])
        values = message[kind]
    except (TypeError, KeyError) as error:
        raise ValueError(f"no {kind} of a goal: {message!r:.60}") from error
    if whose != goal_id:
        return None
    if kind == "feedback":
        return Feedback("", values)
    return GoalEnded("", carried=True, status=status, values=values)


def _status(told: Any) -> tuple[GoalId, GoalStatus]:
    try:
        id_, number = told["goal_id"]["id"], told["status"]
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise ValueError(number)
        return str(id_).encode(), _MEANS[number]
    except (TypeError, KeyError, IndexError, ValueError) as error:
        raise ValueError(f"no status of a goal: {told!r:.100}") from error
