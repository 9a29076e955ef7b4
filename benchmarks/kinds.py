"""What the clients send that users have: the same head each time, another one, a key."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import socket
import threading
from collections.abc import Callable
from typing import Any

from benchmarks.client import message
from robotq.client import AsyncClient

Make = Callable[[], bytes]
"""The next request."""

_KEY = re.compile(rb"(?i)(?<=\r\nidempotency-key: )[^\r]+")
_NUMBERS = itertools.count(1)


def same(request: bytes) -> Make:
    """The same bytes each time."""
    return lambda: request


def kinds(body: dict[str, Any]) -> dict[str, Make]:
    """A submit as it comes from each kind of client."""
    plain = message("POST", "/", body)
    return {
        "keyed": _with(plain, b"Idempotency-Key: 3f0c2b1e-7c55-4a41-9a0e-%012d"),
        "client": _of_our_client(body),
        "header": _with(plain, b"X-Request-Id: 7d1f-%012d"),
        "same": same(plain),
    }


def _with(request: bytes, header: bytes) -> Make:
    """The request with a header that has another number each time."""
    head, rest = request.split(b"\r\n\r\n", 1)
    return lambda: b"%b\r\n%b\r\n\r\n%b" % (head, header % next(_NUMBERS), rest)


def _of_our_client(body: dict[str, Any]) -> Make:
    """Byte for byte what `robotq.AsyncClient` sends, with another key each time."""
    before, _, after = _recorded(body).partition(b"\r\n\r\n")
    found = _KEY.search(before)
    assert found is not None, "it sends a key"
    begin, end = before[: found.start()], before[found.end() :]
    return lambda: b"%b%032d%b\r\n\r\n%b" % (begin, next(_NUMBERS), end, after)


def _recorded(body: dict[str, Any]) -> bytes:
    received = bytearray()

    def answer(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            while True:
                head, there, sent = bytes(received).partition(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                if there and length is not None and len(sent) >= int(length[1]):
                    break
                received.extend(connection.recv(65_536))
            accepted = {"success": True, "message": "", "task_id": "task_1", "queue_size": 1}
            content = json.dumps({**accepted, "note": ""}).encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content))
            connection.sendall(content)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        answering = threading.Thread(target=answer, args=(listening,))
        answering.start()
        asyncio.run(_submit(listening.getsockname()[1], body))
        answering.join()
    return bytes(received)


async def _submit(port: int, body: dict[str, Any]) -> None:
    async with AsyncClient(f"http://127.0.0.1:{port}") as client:
        await client.submit(body)
