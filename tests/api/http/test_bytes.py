"""Bodies and connections that are not what the daemon speaks: one clear line, no traceback."""

from __future__ import annotations

import asyncio
import gzip
import logging
import time
from collections.abc import AsyncIterator

import pytest

from robotq.api.access.keys import KeyFile
from tests.api.lab import Lab
from tests.api.served import serve

HOME = b'{"cmd_type": "NAVIGATION", "params": {"area": "HOME"}}'
PACKED = gzip.compress(HOME, mtime=0)


@pytest.fixture
async def port(lab: Lab) -> AsyncIterator[int]:
    keys = await asyncio.to_thread(KeyFile, lab.engine.config.data)
    served, port = await serve(lab, keys)
    try:
        yield port
    finally:
        await served.close()


async def sent(port: int, data: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode()


def request(body: bytes, *headers: str) -> bytes:
    head = [
        "POST / HTTP/1.1",
        "Host: localhost",
        "Accept-Language: en",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def no_traceback(caplog: pytest.LogCaptureFixture) -> bool:
    return not any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (PACKED[:15] + b"rubbish" + PACKED[22:], "gzip"),
        (HOME, "gzip"),
        (b"\x00\x01rubbish", "deflate"),
    ],
)
async def test_body_that_cannot_be_unpacked__is_400_and_no_traceback(
    port: int, caplog: pytest.LogCaptureFixture, body: bytes, coding: str
) -> None:
    answer = await sent(port, request(body, f"Content-Encoding: {coding}"))
    assert answer.startswith("HTTP/1.1 400")
    assert f"packed ({coding}), and cannot be unpacked" in answer
    assert no_traceback(caplog)


async def test_body_that_was_cut_off__says_that_it_was_packed(port: int) -> None:
    answer = await sent(port, request(PACKED[:-20], "Content-Encoding: gzip"))
    assert answer.startswith("HTTP/1.1 400")
    assert "unpacked (gzip)" in answer


async def test_body_that_is_packed__is_taken(port: int) -> None:
    answer = await sent(port, request(PACKED, "Content-Encoding: gzip"))
    assert "Task queued" in answer


async def test_after_a_body_that_cannot_be_unpacked__the_daemon_goes_on(port: int) -> None:
    await sent(port, request(HOME, "Content-Encoding: gzip"))
    assert "Task queued" in await sent(port, request(HOME))


async def test_duplicate_key_of_a_command__is_refused_by_its_name(port: int) -> None:
    body = b'{"cmd_type": "NAVIGATION", "params": {"area": "HOME", "area": "SPLIT_TABLE"}}'
    answer = await sent(port, request(body))
    assert answer.startswith("HTTP/1.1 400")
    assert "Bad parameter area: it stands twice in the same object" in answer


async def test_tls_on_the_plain_port__is_one_clear_line_and_not_many(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    hello = b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + b"\x01" * 194
    began = time.monotonic()
    with caplog.at_level(logging.INFO):
        answers = [await sent(port, hello) for _ in range(20)]
    # three in each second that it took here
    most = 3 * (2 + int(time.monotonic() - began))
    assert all("plain HTTP and no TLS" in answer for answer in answers)
    lines = [record.getMessage() for record in caplog.records if "TLS" in record.getMessage()]
    assert 1 <= len(lines) <= min(most, 19)
    assert "127.0.0.1 speaks TLS (https) to the plain port: use http://" in lines[0]
    assert no_traceback(caplog)
