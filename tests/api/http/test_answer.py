"""Answers go out whole, and look the same however they go out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from tests.api.lab import Lab


async def _get(lab: Lab, request_line: str, *headers: str) -> tuple[str, Mapping[str, str], bytes]:
    """Status line, headers and body of a request whose connection is closed after it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", lab.client.port)
    lines = [request_line, f"Host: 127.0.0.1:{lab.client.port}", *headers, "", ""]
    writer.write("\r\n".join(lines).encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    found = dict(line.split(": ", 1) for line in head[1:] if line)
    body = b""
    if not request_line.startswith("HEAD"):
        body = await reader.readexactly(int(found["Content-Length"]))
    writer.close()
    await writer.wait_closed()
    return head[0], found, body


@pytest.mark.parametrize(
    "path", ["/queue/status?limit=0", "/task/task_20200101_000000_abcdef"], ids=["200", "404"]
)
async def test_answer__is_the_same_whether_the_connection_is_kept_or_not(
    lab: Lab, path: str
) -> None:
    kept = await _get(lab, f"GET {path} HTTP/1.1")
    closed = await _get(lab, f"GET {path} HTTP/1.1", "Connection: close")
    assert closed[1] == {**kept[1], "Connection": "close", "Date": closed[1]["Date"]}
    assert (closed[0], len(closed[2])) == (kept[0], len(kept[2]))


async def test_answer__to_head_has_the_length_and_no_body(lab: Lab) -> None:
    status, headers, _ = await _get(lab, "HEAD /queue/status?limit=0 HTTP/1.1")
    assert status == "HTTP/1.1 200 OK"
    assert int(headers["Content-Length"]) > 0


async def test_answer__to_an_old_client_is_as_it_expects(lab: Lab) -> None:
    status, headers, body = await _get(lab, "GET /queue/status?limit=0 HTTP/1.0")
    assert status == "HTTP/1.0 200 OK"
    assert headers["Content-Type"] == "application/json"
    assert body.startswith(b"{")


async def test_answer__a_client_that_reads_nothing_is_waited_for(lab: Lab) -> None:
    runner = lab.client.server.runner
    assert runner is not None
    assert runner.server is not None
    server = runner.server
    asked = 20_000
    _, writer = await asyncio.open_connection("127.0.0.1", lab.client.port, limit=4096)
    request = f"GET /commands HTTP/1.1\r\nHost: 127.0.0.1:{lab.client.port}\r\n\r\n".encode()
    writer.write(request * asked)
    before, others = -1, 0
    while server.requests_count - others != before:
        before = server.requests_count - others
        # turns of the loop in which hundreds of answers would be given, if they still were
        for _ in range(20):
            await lab.get("/queue/status?limit=0")
            others += 1
    assert 0 < before < asked / 4
    writer.transport.abort()
