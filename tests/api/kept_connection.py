"""A program that sends one request after another over a connection that it keeps."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from .lab import GO_HOME


class Client:
    """A program that keeps its connection open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def of(cls, port: int) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        head = await self.head()
        headers = dict(line.split(": ", 1) for line in head[1:])
        async with asyncio.timeout(10):
            body = await self._reader.readexactly(int(headers["Content-Length"]))
        return int(head[0].split()[1]), headers, orjson.loads(body)

    async def head(self) -> list[str]:
        """The lines of the head of an answer."""
        async with asyncio.timeout(10):
            return (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]

    async def ask(self, data: bytes, *, empty: int = 0) -> tuple[int, dict[str, str], Any]:
        """`empty`: answers without a body that come before."""
        await self.send(data)
        for _ in range(empty):
            async with asyncio.timeout(10):
                await self._reader.readuntil(b"\r\n\r\n")
        return await self.answer()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


def request(body: Any, *headers: str, method: str = "POST", path: str = "/") -> bytes:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    lines += [f"Content-Length: {len(content)}", "Accept: */*", "", ""]
    return "\r\n".join(lines).encode() + content


def home(cmd_id: str) -> dict[str, Any]:
    return {**GO_HOME, "cmd_id": cmd_id}
