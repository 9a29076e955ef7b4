"""Services and topics: one question, one answer, and what it is certain to mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from robotq.drivers.base import DriverError, UncertainOutcome
from robotq.drivers.mapped.filling import filled, require
from robotq.drivers.rosbridge.bridge import Bridge
from robotq.drivers.rosbridge.messages import Published, Responded, call_service, subscribe
from robotq.drivers.rosbridge.ready import Ask

_NOT_SENT = re.compile(
    r"does not exist|[Uu]nable to import|does not have a field|message requires a"
    r"|[Nn]o action server available|goal was rejected",
)
"""Words with which a bridge says that it has called nobody, or that the server has refused the
goal: exceptions of rosbridge_library/internal (services, actions, ros_loader,
message_conversion). Any other word may come after the robot has begun."""


class Asking:
    """Asks over a bridge, each time on a socket of its own."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def ask(
        self,
        ask: Ask,
        scope: Mapping[str, Any],
        *,
        acts: bool,
        given_up: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any]:
        """The names that the answer adds to `scope`. `acts`: the service may move the robot, so
        that an answer that does not come leaves everything open.

        Raises DriverError, LinkLost, UncertainOutcome.
        """
        answer = (
            self._called(ask, scope, acts, given_up) if ask.service else self._heard(ask, given_up)
        )
        name = "response" if ask.service else "message"
        require(ask.check, {**scope, name: answer}, ask.otherwise, ask.name)
        return {name: answer}

    def _called(
        self, ask: Ask, scope: Mapping[str, Any], acts: bool, given_up: Callable[[], bool]
    ) -> Any:
        request, service = filled(ask.request, scope), ask.service or ""
        exchange, socket = self._bridge.exchange(
            lambda id_: call_service(id_, service, ask.type, request)
        )
        try:
            told = exchange.take(ask.answer_s, given_up)
        finally:
            socket.close()
        if isinstance(told, Responded):
            if told.carried:
                return told.values
            raise not_carried(told.values, certain=not acts)
        reason = f"{service} gave no answer within {ask.answer_s:g} s"
        raise UncertainOutcome("answer_lost", reason) if acts else DriverError(reason)

    def _heard(self, ask: Ask, given_up: Callable[[], bool]) -> Any:
        topic = ask.topic or ""
        exchange, socket = self._bridge.exchange(lambda id_: subscribe(id_, topic, ask.type))
        try:
            told = exchange.take(ask.answer_s, given_up)
        finally:
            socket.close()
        if isinstance(told, Published):
            return told.message
        raise DriverError(f"{topic} had no message within {ask.answer_s:g} s")


def not_carried(values: Any, *, certain: bool) -> Exception:
    """What it means that a bridge has no result. `certain`: nothing can have moved by it."""
    text = str(values)[:500] or "the bridge gives no reason"
    if certain or _NOT_SENT.search(text):
        return DriverError(text)
    return UncertainOutcome("answer_lost", text)
