"""What a bridge stands in front of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from robotq.model.json import JsonObject

Heard = Callable[[JsonObject], None]
"""Gets a message; called on the loop of the bridge."""


class NotThere(Exception):
    """No such action, service or topic, or a message that does not fit its type; in the words of
    the bridge."""


class Graph(Protocol):
    """The nodes of a robot. Everything is called on the loop of the bridge."""

    async def send_goal(
        self, action: str, type_: str, goal: Any, feedback: Heard | None
    ) -> tuple[int, JsonObject]:
        """Returns the status and the result when the goal has ended. Raises NotThere where it was
        rejected."""

    async def call(self, service: str, request: Any) -> JsonObject:
        """Raises NotThere."""

    def subscribe(self, topic: str, type_: str | None, heard: Heard) -> Callable[[], None]:
        """Returns what ends it. Topics that keep their last message tell it at once. Raises
        NotThere."""

    def publish(self, topic: str, message: JsonObject) -> None: ...
