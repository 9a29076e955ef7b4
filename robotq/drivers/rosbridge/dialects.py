"""How the goals of ROS 1 and of ROS 2 are named and told of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from robotq.drivers.rosbridge import messages
from robotq.drivers.rosbridge.messages import GoalId, GoalStatus
from robotq.drivers.rosbridge.ros1 import actions as ros1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    status_topic: Callable[[str], str]
    status_type: str
    goals_in: Callable[[Any], Mapping[GoalId, GoalStatus]]
    """Raises ValueError."""
    written: Callable[[GoalId], str]
    """As an id stands on disk."""
    read: Callable[[str], GoalId]
    """Raises ValueError."""


ROS_2 = Dialect(
    status_topic=messages.status_topic,
    status_type=messages.GOAL_STATUS_ARRAY,
    goals_in=messages.goals_in,
    written=bytes.hex,
    read=bytes.fromhex,
)
ROS_1 = Dialect(
    status_topic=ros1.status_topic,
    status_type=ros1.GOAL_STATUS_ARRAY,
    goals_in=ros1.goals_in,
    written=bytes.decode,
    read=str.encode,
)
