"""A mail server on the loopback address that takes every letter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def got(self, number: int = 1) -> list[EmailMessage]:
        async with asyncio.timeout(10):
            while len(self.letters) < number:
                self.came.clear()
                await self.came.wait()
        return self.letters

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 lab ESMTP")
        while line := await reader.readline():
            word = line.split(None, 1)[0].upper() if line.strip() else b""
            if word == b"DATA":
                say("354 go on")
                letter = await reader.readuntil(b"\r\n.\r\n")
                found = message_from_bytes(letter[:-3], policy=policy.default)
                assert isinstance(found, EmailMessage)
                self.letters.append(found)
                self.came.set()
                say("250 taken")
            elif word == b"QUIT":
                say("221 bye")
                break
            else:
                say("250 lab")
        writer.close()


@asynccontextmanager
async def running_mail_server() -> AsyncIterator[MailServer]:
    mail = MailServer()
    server = await asyncio.start_server(mail.serve, "127.0.0.1", 0)
    mail.port = server.sockets[0].getsockname()[1]
    async with server:
        yield mail
