"""What the action servers say of their goals, and whether the way to stop them is open."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from robotq.drivers.base import LinkLost
from robotq.drivers.rosbridge.bridge import Bridge, Socket
from robotq.drivers.rosbridge.dialects import ROS_2, Dialect
from robotq.drivers.rosbridge.messages import (
    GoalId,
    GoalStatus,
    Incoming,
    Published,
    advertise,
    subscribe,
)
from robotq.model.json import JsonObject

_log = logging.getLogger(__name__)

LOOK_S = 2.0
"""Longest that a look at the goals of a server takes."""
_FIRST_S = 0.1
"""The same where it has told of none yet: before its first goal it has nothing to tell."""


class Goals:
    """Follows the status of every action on one socket. All methods may be called from any thread
    but that of the loop."""

    def __init__(
        self,
        bridge: Bridge,
        actions: Iterable[str],
        on_lost: Callable[[str], None],
        dialect: Dialect = ROS_2,
        publishes: Mapping[str, str] | None = None,
    ) -> None:
        """`publishes`: topic -> its type, of what is sent on the same socket."""
        self._bridge = bridge
        self._dialect = dialect
        self._publishes = publishes or {}
        self._actions = {dialect.status_topic(action): action for action in actions}
        self._on_lost = on_lost
        self._socket: Socket | None = None
        self._known: dict[str, Mapping[GoalId, GoalStatus]] = {}
        self._heard_at: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        return self._socket is not None and self._socket.is_open

    def open(self) -> None:
        """Raises LinkLost."""
        self.close()
        with self._lock:
            self._known = {}
            self._heard_at = {}
        socket: Socket

        def lost(reason: str) -> None:
            # one that was closed here says so too
            if self._socket is socket:
                self._on_lost(reason)

        socket = Socket(self._bridge, self._came, lost)
        socket.open()
        self._socket = socket
        for topic in self._actions:
            socket.send(subscribe(self._bridge.new_id(), topic, self._dialect.status_type))
        for topic, type_ in self._publishes.items():
            # early: a publisher needs a moment to be found by those who listen
            socket.send(advertise(self._bridge.new_id(), topic, type_))

    def send(self, message: JsonObject) -> None:
        """Raises LinkLost where it did not get out, or nobody knows."""
        socket = self._socket
        if socket is None:
            raise LinkLost("not connected")
        socket.send(message)

    def close(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.close()

    def of(self, action: str) -> Mapping[GoalId, GoalStatus]:
        """The goals of an action as they were told last."""
        with self._lock:
            return self._known.get(action, {})

    def written(self, goal: GoalId) -> str:
        return self._dialect.written(goal)

    def heard_at(self, action: str) -> float:
        """When the server has told of its goals last, by the monotonic clock; 0 for never."""
        with self._lock:
            return self._heard_at.get(action, 0.0)

    def active(self, action: str) -> list[GoalId]:
        return [id_ for id_, status in self.of(action).items() if status.active]

    def active_now(self, action: str) -> list[GoalId]:
        """The same as the server says now. Raises LinkLost."""
        # what is told all the time may be older: the last goal may have ended by now, and a new
        # goal would push away one that has come a moment ago
        listed = self.look(action, LOOK_S if self.heard_at(action) > 0 else _FIRST_S)
        if listed is None:
            listed = self.of(action)
        return [id_ for id_, status in listed.items() if status.active]

    def look(self, action: str, seconds: float) -> Mapping[GoalId, GoalStatus] | None:
        """All goals as the server says now: it keeps its last word for whoever subscribes. None
        where it says nothing, as it does before its first goal. Raises LinkLost."""
        topic, type_ = self._dialect.status_topic(action), self._dialect.status_type
        exchange, socket = self._bridge.exchange(lambda id_: subscribe(id_, topic, type_))
        try:
            told = exchange.take(seconds)
        finally:
            socket.close()
        if not isinstance(told, Published):
            return None
        self._came(told)
        return self.of(action)

    def _came(self, incoming: Incoming) -> None:
        if not isinstance(incoming, Published) or incoming.topic not in self._actions:
            return
        try:
            goals = self._dialect.goals_in(incoming.message)
        except ValueError as error:
            _log.warning("%s: %s: %s", self._bridge.robot, incoming.topic, error)
            return
        action = self._actions[incoming.topic]
        with self._lock:
            self._heard_at[action] = time.monotonic()
            self._known[action] = _merged(self._known.get(action, {}), goals)


def _merged(
    before: Mapping[GoalId, GoalStatus], told: Mapping[GoalId, GoalStatus]
) -> Mapping[GoalId, GoalStatus]:
    """What is told comes over several sockets, so an older word may come after a newer one: a goal
    that has ended does not go on."""
    return {
        id_: before[id_] if status.active and _is_over(before.get(id_)) else status
        for id_, status in told.items()
    }


def _is_over(status: GoalStatus | None) -> bool:
    return status is not None and not status.active
