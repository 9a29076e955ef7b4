"""What is no request that any route could see gets the one form of errors too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from robotq.api.access.keys import KeyFile
from tests.api.lab import Lab
from tests.api.served import serve
from tests.slices import each


@pytest.fixture
async def port(lab: Lab) -> AsyncIterator[int]:
    """Where the lab is served as the daemon serves it."""
    keys = await asyncio.to_thread(KeyFile, lab.engine.config.data)
    served, port = await serve(lab, keys)
    try:
        yield port
    finally:
        await served.close()


async def sent(port: int, data: bytes) -> tuple[bytes, bytes]:
    """Head and body of the answer to these bytes, after which the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


@each(
    ("data", "said"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", "8190"),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", "8190"),
        (b"hello robot\r\n\r\n", ""),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", ""),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n{}", ""),
        (b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n", ""),
    ],
)
async def test_no_request__is_refused_in_json(port: int, data: bytes, said: str) -> None:
    head, body = await sent(port, data)
    assert head.startswith(b"HTTP/1.")
    assert b" 400 " in head.splitlines()[0]
    assert b"application/json" in head
    answer = orjson.loads(body)
    assert (answer["success"], answer["error_code"], answer["field"]) == (
        False,
        "bad_parameter",
        "request",
    )
    assert said in answer["reason"]
    assert len(answer["reason"]) <= 200


async def test_request__is_served_as_ever(port: int) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    head, body = await sent(port, request)
    assert b" 200 " in head.splitlines()[0]
    assert orjson.loads(body)["status"] == "ok"
