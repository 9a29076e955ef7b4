"""Server-sent events, as bytes come in. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from robotq.client.errors import NotRobotq
from robotq.wire.service import Event

SILENCE_S = 45.0
"""Wall seconds without a byte after which a stream counts as broken; the daemon gives a sign of
life every 15."""

_MESSAGE_BYTES = 16 * 2**20


class EventStream:
    """The events of a daemon over any number of connections, each event once."""

    def __init__(self, last_event_id: int | None, filters: Mapping[str, str | None]) -> None:
        self.last_event_id = last_event_id
        """The event after which the next connection goes on; None: with the next new one."""
        self.query = {key: value for key, value in filters.items() if value is not None}
        self._received = b""

    def connected(self) -> None:
        """Another connection begins: a message that was cut off comes again, whole."""
        self._received = b""

    @property
    def headers(self) -> Mapping[str, str]:
        headers = {"Accept": "text/event-stream"}
        if self.last_event_id is not None:
            headers["Last-Event-ID"] = str(self.last_event_id)
        return headers

    def feed(self, block: bytes) -> Iterator[Event]:
        """The events that are complete with these bytes. Raises NotRobotq."""
        self._received += block.replace(b"\r", b"")
        while (end := self._received.find(b"\n\n")) >= 0:
            message, self._received = self._received[:end], self._received[end + 2 :]
            event = self._event(message)
            if event is not None:
                yield event
        if len(self._received) > _MESSAGE_BYTES:
            raise NotRobotq(f"an event of more than {_MESSAGE_BYTES} bytes")

    def _event(self, message: bytes) -> Event | None:
        data = []
        event_id = None
        for line in message.split(b"\n"):
            name, _, value = line.partition(b":")
            if name == b"data":
                data.append(value.removeprefix(b" "))
            elif name == b"id":
                event_id = value.strip()
        try:
            if event_id is not None:
                self.last_event_id = int(event_id)
            return Event.read(json.loads(b"\n".join(data))) if data else None
        except (ValueError, LookupError, TypeError) as error:
            raise NotRobotq(f"an event that robotq does not send: {error}") from error
