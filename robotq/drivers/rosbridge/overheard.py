"""The feedback of a goal that was begun over a connection which is gone: the bridge tells that one
alone, and the topic of the action tells everybody who listens."""

from __future__ import annotations

import logging

from robotq.drivers.mapped.told import Told
from robotq.drivers.rosbridge.bridge import Bridge, Socket
from robotq.drivers.rosbridge.exchange import Exchange
from robotq.drivers.rosbridge.messages import (
    GoalId,
    Incoming,
    Published,
    feedback_in,
    feedback_topic,
    feedback_type,
    subscribe,
)
from robotq.drivers.rosbridge.ready import Action

_log = logging.getLogger(__name__)


class Overheard:
    """Listens on a socket of its own, where the command makes anything of feedback. Close it."""

    def __init__(self, bridge: Bridge, action: Action, goal_id: GoalId) -> None:
        """Raises LinkLost."""
        self._bridge = bridge
        self._goal_id = goal_id
        self._socket: Socket | None = None
        if action.telling.is_nothing:
            self.exchange = Exchange()
            return
        topic, type_ = feedback_topic(action.name), feedback_type(action.type)
        self.exchange, self._socket = bridge.exchange(lambda id_: subscribe(id_, topic, type_))

    def tell(self, incoming: Incoming | None, told: Told) -> None:
        """Of this goal alone: the topic tells of everybody's."""
        if not isinstance(incoming, Published):
            return
        try:
            whose, feedback = feedback_in(incoming.message)
        except ValueError as error:
            _log.warning("%s: %s: %s", self._bridge.robot, incoming.topic, error)
            return
        if whose == self._goal_id:
            told.said(feedback=feedback)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
