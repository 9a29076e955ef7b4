"""HTTP clients that cost as little as possible, so that the daemon is what is measured."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from dataclasses import dataclass
from typing import Any, Self, cast

_HOST = "127.0.0.1"
_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def fine(self) -> Self:
        """Itself. Raises RuntimeError unless the status is 200: a run of errors is no result."""
        if self.status != 200:
            raise RuntimeError(f"HTTP {self.status}: {self.body[:300]!r}")
        return self


def message(method: str, path: str, body: Any = None) -> bytes:
    """A whole request, ready to be sent."""
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


def command(robot: str = "robot_a", cmd_id: str = "bench") -> dict[str, Any]:
    """A command of the simulator that is over soon and leaves the lab as it was."""
    return {
        "cmd_id": cmd_id,
        "cmd_type": "NAVIGATION",
        "params": {"robot_id": robot, "area": "HOME"},
    }


def complete(received: bytes) -> Answer | None:
    """The answer in what was received, None while a part of it is missing.

    Raises ValueError for an answer without Content-Length.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end].lower()
    at = head.index(b"content-length:") + len(b"content-length:")
    length = int(head[at:].partition(b"\r\n")[0])
    if len(received) < end + 4 + length:
        return None
    return Answer(int(head[9:12]), bytes(received[end + 4 : end + 4 + length]))


class Connection:
    """One kept-alive connection that blocks; use it as a context manager."""

    def __init__(self, port: int, timeout_s: float = 60.0) -> None:
        self._socket = socket.create_connection((_HOST, port), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> Answer:
        self._socket.sendall(request)
        received = b""
        while (answer := complete(received)) is None:
            block = self._socket.recv(_BLOCK)
            if not block:
                raise ConnectionError("the daemon closed the connection")
            received += block
        return answer

    def get(self, path: str) -> Any:
        return self.send(message("GET", path)).fine().json()

    def post(self, path: str, body: Any = None) -> Any:
        return self.send(message("POST", path, body)).fine().json()

    def holds(self, action: str) -> dict[str, list[str]]:
        """The body of a request that clears every hold which `action` clears."""
        seen = self.get("/queue/status?limit=0")["holds"]
        named = [hold for hold in seen if hold["clear"]["action"] == action]
        # an earlier daemon, which is measured for comparison, has no names for them
        ids = [hold["id"] for hold in named if "id" in hold]
        return {"holds": ids} if ids else {}

    def reset(self) -> Answer:
        """Leave the emergency stop. 409 while a command has not come to its end."""
        return self.send(message("POST", "/estop/reset", self.holds("reset")))

    def resume(self) -> Answer:
        """Let all queues go on."""
        return self.send(message("POST", "/queue/resume", self.holds("resume")))

    def go_on(self, settle_s: float = 5.0) -> None:
        """Leave the emergency stop as soon as it can be left, and let the queues go on.

        Raises RuntimeError where that does not come to pass within `settle_s`.
        """
        deadline = time.monotonic() + settle_s
        # a stop that did not come through has latched nothing
        while self.get("/estop")["latched"]:
            answer = self.reset()
            if answer.status != 409 or time.monotonic() > deadline:
                answer.fine()
                break
            time.sleep(0.001)
        self.resume().fine()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()


class AsyncConnection(asyncio.Protocol):
    """One kept-alive connection of an event loop, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._answer: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, port: int) -> AsyncConnection:
        _, connection = await asyncio.get_running_loop().create_connection(cls, _HOST, port)
        return connection

    async def send(self, request: bytes) -> Answer:
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # not every loop's transport says that it is an asyncio.Transport
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = complete(self._received)
        if answer is not None and self._answer is not None and not self._answer.done():
            self._received = b""
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the daemon closed the connection"))
