"""A way to the database that a test can cut, stall, and mend."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Proxy:
    """Listens on a port of its own and passes bytes on to the server of a DSN."""

    def __init__(self, dsn: str) -> None:
        self._known = conninfo_to_dict(dsn)
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_cut = False
        self.port = 0
        self.delay_s = 0.0
        """Of each block, in both directions."""

    @property
    def dsn(self) -> str:
        known = {name: value for name, value in self._known.items() if name != "hostaddr"}
        return make_conninfo("", **{**known, "host": "127.0.0.1", "port": self.port})

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """From now on no connection is there, and none comes."""
        self._is_cut = True
        for writer in list(self._links):
            writer.transport.abort()

    def stall(self) -> None:
        """Connections stay, and nothing goes through."""
        self._flows.clear()

    def mend(self) -> None:
        self._is_cut = False
        self._flows.set()

    async def close(self) -> None:
        self.mend()
        self.cut()
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        host = str(self._known.get("host") or "127.0.0.1")
        port = int(self._known.get("port") or 5432)
        try:
            if host.startswith("/"):
                path = f"{host}/.s.PGSQL.{port}"
                there_reader, there_writer = await asyncio.open_unix_connection(path)
            else:
                there_reader, there_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.transport.abort()
            return
        self._links |= {writer, there_writer}
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(self._pass_on(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while block := await source.read(65_536):
                await self._flows.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                sink.write(block)
                await sink.drain()
        self._links.discard(sink)
        sink.transport.abort()
