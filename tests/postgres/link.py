"""A link between daemons and their database that a test can cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Link:
    """Takes connections on a port of this machine, and hands their bytes on."""

    def __init__(self, dsn: str) -> None:
        self._to = dsn
        self._pipes: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.refuses = False
        """Whether new connections are cut at once: the database is away."""
        self.cuts = 0
        self.port = 0

    @property
    def dsn(self) -> str:
        """Of the same database, over this link."""
        return make_conninfo(self._to, host="127.0.0.1", port=str(self.port), sslmode="disable")

    @classmethod
    @asynccontextmanager
    async def to(cls, dsn: str) -> AsyncIterator[Link]:
        link = cls(dsn)
        server = await asyncio.start_server(link._taken, "127.0.0.1", 0)
        link.port = server.sockets[0].getsockname()[1]
        try:
            yield link
        finally:
            server.close()
            link.cut()
            await asyncio.gather(*link._pipes, return_exceptions=True)

    def cut(self) -> None:
        """Every connection ends in the middle of whatever it carries."""
        self.cuts += 1
        for writer in self._writers:
            writer.transport.abort()

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        known = conninfo_to_dict(self._to)
        host, port = str(known.get("host", "127.0.0.1")), int(known.get("port") or 5432)
        try:
            if host.startswith("/"):
                far, to = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
            else:
                far, to = await asyncio.open_connection(host, port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, to}
        for source, target in ((reader, to), (far, writer)):
            pipe = asyncio.create_task(_pump(source, target))
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    target.transport.abort()
