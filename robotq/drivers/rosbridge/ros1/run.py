"""A command whose goal is one of ROS 1: its id is on disk before the goal goes out, and its result
comes to everybody who listens, also to who attaches later."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from typing import Any

from robotq.drivers.base import CommandContext, DriverError, LinkLost, UncertainOutcome
from robotq.drivers.mapped.filling import leaves
from robotq.drivers.mapped.told import Told
from robotq.drivers.patience import Turns
from robotq.drivers.rosbridge.bridge import Bridge, Socket
from robotq.drivers.rosbridge.exchange import Exchange
from robotq.drivers.rosbridge.messages import (
    Feedback,
    GoalEnded,
    GoalId,
    GoalStatus,
    Incoming,
    Published,
)
from robotq.drivers.rosbridge.ready import Action
from robotq.drivers.rosbridge.ros1 import actions as ros1
from robotq.drivers.rosbridge.run import TURN_S, Run
from robotq.model.json import JsonObject

_log = logging.getLogger(__name__)

_RESULT_S = 1.0
"""Wall seconds in which the result comes behind the status that the goal has ended."""
_SILENT_S = 5.0
"""Wall seconds after which a server that says nothing of its goals is not there any more."""
_LISTENS_S = 2.0
"""Wall seconds in which the server is heard by who begins to listen."""


class _Unseen(Exception):
    """The goal has ended, and its result has not come."""

    def __init__(self, status: GoalStatus) -> None:
        super().__init__(status)
        self.status = status


class Listening:
    """Hears what the server tells of one goal, on a socket of its own. Close it."""

    def __init__(self, bridge: Bridge, action: Action, goal_id: GoalId) -> None:
        """Raises LinkLost."""
        self._bridge = bridge
        self._action = action.name
        self._goal_id = goal_id
        self.exchange = Exchange()
        self.hears = False
        """Whether the server has been heard."""
        self.goes_on: Collection[GoalId] = ()
        """Goals that it was carrying out then."""
        self._socket = Socket(
            bridge, self._came, lambda reason: self.exchange.breaks(LinkLost(reason))
        )
        self._socket.open()
        ids = (bridge.new_id(), bridge.new_id(), bridge.new_id())
        for message in ros1.listen(ids, action.name, action.type):
            self._socket.send(message)

    def heard(self, given_up: Callable[[], bool]) -> bool:
        """Whether the server is heard within a moment. Raises LinkLost."""
        turns = Turns(TURN_S)
        began = turns.now()
        while not self.hears and turns.now() - began < _LISTENS_S and not given_up():
            self.exchange.take(TURN_S, lambda: self.hears or given_up())
        return self.hears

    def close(self) -> None:
        self._socket.close()

    def _came(self, incoming: Incoming) -> None:
        """On the loop of the bridge."""
        if not isinstance(incoming, Published):
            return
        if incoming.topic == ros1.status_topic(self._action):
            self._began_to_listen(incoming.message)
            return
        try:
            told = ros1.told_of(self._goal_id, self._action, incoming.topic, incoming.message)
        except ValueError as error:
            _log.warning("%s: %s: %s", self._bridge.robot, incoming.topic, error)
            return
        if told is not None:
            self.exchange.put(told)

    def _began_to_listen(self, message: Any) -> None:
        if self.hears:
            return
        try:
            goals = ros1.goals_in(message)
        except ValueError as error:
            _log.warning("%s: %s: %s", self._bridge.robot, self._action, error)
            return
        self.goes_on = [id_ for id_, status in goals.items() if status.active]
        self.hears = True
        self.exchange.wake()


class Ros1Run(Run):
    def follow(self, goal_id: GoalId, context: CommandContext) -> JsonObject:
        program, action = self._program, self._program.action
        assert action is not None
        self.goal_id = goal_id
        leaves(program.place, context)
        listening = Listening(self._bridge, action, goal_id)
        telling = Told(action.name, action.telling, self._scope, context)
        try:
            with self._following(listening.exchange, listening), telling as told:
                ended = self._until_told(action.name, listening.exchange, told, listed=True)
                result = self._values(ended)
        except _Unseen as unseen:
            return self.ended_unseen(unseen.status, context)
        return self._done({"result": result}, context)

    def carry_out(self, context: CommandContext) -> JsonObject:
        try:
            return super().carry_out(context)
        except _Unseen as unseen:
            return self.ended_unseen(unseen.status, context)

    def _check_others(self, action: str) -> None:
        # `_send` hears what the server says then
        if self._goals.active(action):
            super()._check_others(action)

    def _send(
        self, action: Action, goal: object, context: CommandContext
    ) -> tuple[Exchange, Listening]:
        goal_id = ros1.new_goal()
        listening = Listening(self._bridge, action, goal_id)
        try:
            if not listening.heard(self._is_stopping):
                self._check()
                raise DriverError(f"no action server tells anything at {action.name}/status")
            # what is told all the time may be older: a new goal would push another one away
            self._refuse_others(action.name, listening.goes_on)
            context.run_id(goal_id.decode(), details={"action": action.name})
            self._check()
            self.goal_id = goal_id
            self._goals.send(ros1.send_goal(action.name, goal_id, goal))
        except BaseException:
            listening.close()
            raise
        return listening.exchange, listening

    def _followed(
        self,
        action: str,
        exchange: Exchange,
        told: Told,
        before: frozenset[GoalId],  # noqa: ARG002 - the id is known here
        context: CommandContext,  # noqa: ARG002
    ) -> GoalEnded:
        return self._until_told(action, exchange, told, listed=False)

    def _until_told(
        self, action: str, exchange: Exchange, told: Told, *, listed: bool
    ) -> GoalEnded:
        """`listed`: the server has had the goal. Raises _Unseen, UncertainOutcome."""
        began = time.monotonic()
        over_at = None
        assert self.goal_id is not None
        while True:
            self._cancel_again(action)
            incoming = exchange.take(TURN_S, self._woken())
            self._check_left()
            if isinstance(incoming, GoalEnded):
                return incoming
            if isinstance(incoming, Feedback):
                listed = True
                told.said(feedback=incoming.values)
                continue
            now = time.monotonic()
            status = self._goals.of(action).get(self.goal_id)
            if status is None:
                self._check_listed(action, began, now, listed=listed)
            elif status.active:
                listed = True
            else:
                listed, over_at = True, over_at or now
                if now - over_at > _RESULT_S:
                    raise _Unseen(status)
            if now - max(began, self._goals.heard_at(action)) > _SILENT_S:
                raise UncertainOutcome(
                    "answer_lost", f"{action} says nothing of its goals any more"
                )

    def _check_listed(self, action: str, began: float, now: float, *, listed: bool) -> None:
        if listed:
            if now - self._goals.heard_at(action) < TURN_S * 2:
                raise UncertainOutcome("device_reset", f"{action} does not know the goal any more")
        elif now - began > self._accept_s:
            raise self._not_accepted(action)
