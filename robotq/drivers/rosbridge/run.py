"""One command: what it waits for, what its goal tells, and what is certain at its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from robotq.config.ros_robot import RosRobot
from robotq.drivers.base import CommandContext, DriverError, LinkLost, Stopped, UncertainOutcome
from robotq.drivers.mapped.filling import arrives, filled, leaves, results
from robotq.drivers.mapped.told import Told
from robotq.drivers.patience import Turns
from robotq.drivers.rosbridge.asking import Asking
from robotq.drivers.rosbridge.bridge import Bridge
from robotq.drivers.rosbridge.endings import place_without_result, values_of, without_result
from robotq.drivers.rosbridge.exchange import Closes, Exchange
from robotq.drivers.rosbridge.goals import LOOK_S, Goals
from robotq.drivers.rosbridge.messages import (
    CancelCode,
    Feedback,
    GoalEnded,
    GoalId,
    GoalStatus,
    send_goal,
)
from robotq.drivers.rosbridge.overheard import Overheard
from robotq.drivers.rosbridge.ready import Action, RosProgram
from robotq.drivers.rosbridge.stops import Stops
from robotq.drivers.settling import LeftRunning
from robotq.model.json import JsonObject

TURN_S = 0.2
"""Between two looks at what is to happen besides; a stop wakes it at once."""
_CANCEL_S = 0.3
"""Between two cancels of a goal that has not ended: the first may have come before the goal."""
_NAMED_S = 2.0
"""Wall seconds in which a goal that is to go on without robotq gets its id, if it has none yet."""
_ANEW_S = 5.0
"""Between two looks at a goal whose end is awaited by its status alone."""
_GONE = GoalStatus.UNKNOWN
"""Of a goal that its server does not list."""


class Run:
    """A command on its way. `stop` may be called from any thread."""

    def __init__(
        self,
        program: RosProgram,
        params: JsonObject,
        robot: RosRobot,
        *,
        bridge: Bridge,
        goals: Goals,
        stops: Stops,
        latched: Callable[[], bool],
    ) -> None:
        self._program = program
        self._scope: dict[str, Any] = {"params": params, "values": robot.values}
        self._bridge = bridge
        self._goals = goals
        self._stops = stops
        self._latched = latched
        self._accept_s = robot.accept_s
        self._ignores_others = robot.others == "ignore"
        self._stopping = False
        self._left_at: float | None = None
        self._exchange: Exchange | None = None
        self._cancelled_at = 0.0
        self.goal_id: GoalId | None = None
        """Of the goal at its server, as soon as that is certain."""

    @property
    def action(self) -> str | None:
        return None if self._program.action is None else self._program.action.name

    def stop(self) -> Future[CancelCode | None] | None:
        """Have it come to its end. Comes to what the server says; None where there is nothing to
        cancel: a service that was called goes on until it answers. Raises LinkLost."""
        self._stopping = True
        self._wake()
        action = self._program.action
        return None if action is None else self._stops.cancel(action.name)

    def breaks(self, error: UncertainOutcome) -> None:
        exchange = self._exchange
        if exchange is not None:
            exchange.breaks(error)

    def let_go(self) -> None:
        """The robot is to go on without robotq."""
        self._left_at = time.monotonic()
        self._wake()

    def _wake(self) -> None:
        exchange = self._exchange
        if exchange is not None:
            exchange.wake()

    @contextmanager
    def _following(self, exchange: Exchange, socket: Closes) -> Iterator[None]:
        self._exchange = exchange
        try:
            yield
        finally:
            self._exchange = None
            socket.close()

    def follow(self, goal_id: GoalId, context: CommandContext) -> JsonObject:
        """Wait for the end of a goal that was begun before, by what its server says of it to
        everybody: the result goes to the connection that began it. Raises as `carry_out`."""
        action = self._program.action
        assert action is not None
        self.goal_id = goal_id
        leaves(self._program.place, context)
        overheard = Overheard(self._bridge, action, goal_id)
        telling = Told(action.name, action.telling, self._scope, context)
        with self._following(overheard.exchange, overheard), telling as told:
            status = self._until_ended(action.name, goal_id, overheard, told)
            return self.ended_unseen(status, context)

    def _until_ended(
        self, action: str, goal_id: GoalId, overheard: Overheard, told: Told
    ) -> GoalStatus:
        looked_at = time.monotonic()
        while (status := self._goals.of(action).get(goal_id, _GONE)).active:
            self._cancel_again(action)
            overheard.tell(overheard.exchange.take(TURN_S, self._woken()), told)
            self._check_left()
            if time.monotonic() - looked_at > _ANEW_S:
                # a subscription may die without a word
                self._goals.look(action, LOOK_S)
                looked_at = time.monotonic()
        return status

    def ended_unseen(self, status: GoalStatus, context: CommandContext) -> JsonObject:
        """The result of a goal of which only the status is known. Raises as `carry_out`."""
        action, place = self._program.action, self._program.place
        assert action is not None
        if status is not GoalStatus.SUCCEEDED:
            if status is _GONE:
                reason = f"{action.name} does not know the goal any more"
                raise UncertainOutcome("device_reset", reason)
            self._values(GoalEnded("", carried=True, status=status, values=None))
        if place is not None:
            context.moved_to(place_without_result(place, self._scope))
        return {"result_unavailable": True}

    def carry_out(self, context: CommandContext) -> JsonObject:
        """Raises DriverError, Stopped, UncertainOutcome."""
        program = self._program
        asking = Asking(self._bridge)
        for ask in program.requires:
            self._check()
            asking.ask(ask, self._scope, acts=False, given_up=self._is_stopping)
        self._check()
        if program.action is not None:
            told: dict[str, Any] = {"result": self._act(program.action, context)}
        else:
            assert program.ask is not None
            leaves(program.place, context)
            told = asking.ask(program.ask, self._scope, acts=True)
        return self._done(told, context)

    def _done(self, told: Mapping[str, Any], context: CommandContext) -> JsonObject:
        scope = {**self._scope, **told}
        arrives(self._program.place, scope, context)
        return results(self._program.result, scope)

    def _is_stopping(self) -> bool:
        return self._stopping or self._latched()

    def _check(self) -> None:
        if self._is_stopping():
            raise Stopped

    # -- a goal --------------------------------------------------------------------------------

    def _act(self, action: Action, context: CommandContext) -> Any:
        goal = filled(action.goal, self._scope)
        self._check_others(action.name)
        before = frozenset(self._goals.of(action.name))
        self._check()
        leaves(self._program.place, context)
        exchange, socket = self._send(action, goal, context)
        telling = Told(action.name, action.telling, self._scope, context)
        with self._following(exchange, socket), telling as told:
            return self._values(self._followed(action.name, exchange, told, before, context))

    def _send(
        self,
        action: Action,
        goal: object,
        context: CommandContext,  # noqa: ARG002 - its id is known when the server lists it
    ) -> tuple[Exchange, Closes]:
        """Begins it. Raises DriverError where it was not begun, and UncertainOutcome."""
        return self._bridge.exchange(lambda id_: send_goal(id_, action.name, action.type, goal))

    def _check_others(self, action: str) -> None:
        """Raises DriverError where the server is busy with a goal of somebody else."""
        if not self._ignores_others:
            self._refuse_others(action, self._goals.active_now(action))

    def _refuse_others(self, action: str, others: Collection[GoalId]) -> None:
        """Raises DriverError."""
        if others and not self._ignores_others:
            whose = self._goals.written(next(iter(others)))
            raise DriverError(
                f"{action} is carrying out a goal of somebody else ({whose}): end it there, or by "
                "an emergency stop"
            )

    def _followed(
        self,
        action: str,
        exchange: Exchange,
        told: Told,
        before: frozenset[GoalId],
        context: CommandContext,
    ) -> GoalEnded:
        """How the goal ended. Raises UncertainOutcome."""
        turns = Turns(TURN_S)
        began = turns.now()
        accepted = heard = False
        while True:
            self._cancel_again(action)
            incoming = exchange.take(TURN_S, self._woken())
            self._check_left()
            waited_s = turns.now() - began
            if isinstance(incoming, GoalEnded):
                if incoming.carried:
                    return incoming
                raise without_result(
                    incoming.values, accepted=accepted, stopping=self._is_stopping()
                )
            if isinstance(incoming, Feedback):
                if not heard:
                    self._learn_id(action, before, context)
                accepted = heard = True
                told.said(feedback=incoming.values)
            elif incoming is None and not accepted and waited_s > self._accept_s:
                accepted = self._found(action, before)

    def _values(self, ended: GoalEnded) -> Any:
        return values_of(ended, self._program, self._scope, stopping=self._is_stopping())

    def _cancel_again(self, action: str) -> None:
        """The cancel that a stop has sent may have come before the goal."""
        if not self._is_stopping() or time.monotonic() - self._cancelled_at < _CANCEL_S:
            return
        self._stops.cancel(action)
        if self._latched():
            self._stops.halt()
        self._cancelled_at = time.monotonic()

    def _woken(self) -> Callable[[], bool]:
        """What ends a wait before its time: what has not been seen to yet."""
        stopping = self._is_stopping()
        left = self._left_at
        return lambda: self._left_at != left or (not stopping and self._is_stopping())

    def _check_left(self) -> None:
        """Without its id nobody can ask for the goal afterwards, so that is waited for."""
        if self._left_at is None:
            return
        if self.goal_id is not None or time.monotonic() - self._left_at > _NAMED_S:
            raise LeftRunning

    def _learn_id(self, action: str, before: frozenset[GoalId], context: CommandContext) -> None:
        """The goal has been accepted, so the server lists it. It is known where no other one has
        come since it was sent."""
        try:
            listed = self._goals.look(action, LOOK_S) or {}
        except LinkLost:
            return
        new = listed.keys() - before
        if len(new) == 1:
            (self.goal_id,) = new
            context.run_id(self.goal_id.hex(), begun=True, details={"action": action})

    def _found(self, action: str, before: frozenset[GoalId]) -> bool:
        """Whether the server carries out a goal that it did not have before. Raises
        UncertainOutcome where it does not: a goal that was rejected gets no answer from some
        bridges, and one that is still on its way gets none either."""
        try:
            listed = self._goals.look(action, LOOK_S) or {}
        except LinkLost:
            listed = self._goals.of(action)
        if listed.keys() - before:
            return True
        raise self._not_accepted(action)

    def _not_accepted(self, action: str) -> UncertainOutcome:
        return UncertainOutcome(
            "answer_lost",
            f"{action} has neither accepted nor rejected the goal within {self._accept_s:g} s",
        )
