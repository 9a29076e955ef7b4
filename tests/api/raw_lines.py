"""Clients that send a request in pieces, and an operator who edits the key file by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

from .lab import Lab


class Line:
    """A connection of a client that sends what it likes, when it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, lab: Lab) -> Line:
        line = cls(*await asyncio.open_connection("127.0.0.1", lab.client.port))
        OPEN.append(line)
        return line

    def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)

    def head(self, method: str, path: str, headers: Mapping[str, str], length: int) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def status(self, wait_s: float = 10) -> int | None:
        """Of the next answer; 0 where the daemon has closed the line, None where neither comes."""
        try:
            async with asyncio.timeout(wait_s):
                line = await self._reader.readline()
        except TimeoutError:
            return None
        except ConnectionError:
            return 0
        return int(line.split()[1]) if line else 0

    async def whole(self) -> int:
        """The next answer is read to its end; its status, 0 where the line is closed."""
        try:
            async with asyncio.timeout(10):
                head = await self._reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                await self._reader.readexactly(int(length))
        except (ConnectionError, asyncio.IncompleteReadError):
            return 0
        return int(head.split()[1])

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


OPEN: list[Line] = []


async def hang_up() -> None:
    """Before the lab ends, which waits for its clients."""
    while OPEN:
        await OPEN.pop().close()


def edit_scopes(folder: Path, name: str, *scopes: str) -> None:
    """An operator edits the file by hand."""
    path = folder / "keys.yaml"
    before, _, rest = path.read_text(encoding="utf-8").partition(f"- name: {name}\n")
    head, _, after = rest.partition("  scopes:\n")
    kept = after[after.index("  created:") :]
    lines = "".join(f"  - '{scope}'\n" for scope in scopes)
    edited = folder / "edited.yaml"
    edited.write_text(f"{before}- name: {name}\n{head}  scopes:\n{lines}{kept}", encoding="utf-8")
    # in one step, as editors do it: half a file is a file without keys
    edited.replace(path)
