"""Numbers that topics tell, shown while a command runs and while none does."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from robotq.drivers.rosbridge.bridge import Bridge, Socket
from robotq.drivers.rosbridge.messages import Incoming, Published, subscribe
from robotq.drivers.rosbridge.ready import Shows
from robotq.model.carried.live_value import LiveValue, LiveValues
from robotq.steps.expressions import ExpressionError

EVERY_MS = 500
"""The bridge leaves out what comes more often, so that a topic of a thousand messages a second
costs as much as one of two."""


class Shown:
    """Listens on a socket of its own, so that it holds up nothing."""

    def __init__(
        self, bridge: Bridge, shows: Mapping[str, Shows], names: Mapping[str, Any]
    ) -> None:
        """`names`: what expressions know besides the message."""
        self._bridge = bridge
        self._shows = shows
        self._names = names
        self._socket: Socket | None = None
        self._heard: Mapping[str, tuple[float, Any]] = {}
        """Topic -> when it had its last message, by the monotonic clock, and that message."""

    def open(self) -> None:
        """Raises LinkLost."""
        self.close()
        self._heard = {}
        if not self._shows:
            return
        socket = Socket(self._bridge, self._came, lambda _reason: None)
        socket.open()
        self._socket = socket
        for topic, type_ in {(each.topic, each.type) for each in self._shows.values()}:
            socket.send(subscribe(self._bridge.new_id(), topic, type_, every_ms=EVERY_MS))

    def close(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.close()

    def _came(self, incoming: Incoming) -> None:
        if isinstance(incoming, Published):
            # replaced as a whole: whoever asks is another thread
            self._heard = {**self._heard, incoming.topic: (time.monotonic(), incoming.message)}

    def values(self) -> LiveValues:
        """As they were heard last. One that cannot be calculated, such as the number of a sensor
        that says NaN, is not there."""
        heard, now = self._heard, time.monotonic()
        found: dict[str, LiveValue] = {}
        for name, shows in self._shows.items():
            if shows.topic not in heard:
                continue
            at, message = heard[shows.topic]
            try:
                value = shows.value.value({**self._names, "message": message})
            except ExpressionError:
                continue
            if value is None:
                continue
            found[name] = LiveValue(
                value=value, unit=shows.unit, normal=shows.normal, age_s=max(0.0, now - at)
            )
        return found
