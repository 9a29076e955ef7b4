"""Takes new connections: all that wait, in one turn of the loop."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from robotq.system.rarely import Rarely

_log = logging.getLogger(__name__)

BACKLOG = 1_024
"""Connections that the system keeps until the loop comes to them; who comes when it is full tries
again a second later."""
AT_ONCE = 64
"""Connections that are taken in one turn, so that those that are open have theirs between them."""


class Listener:
    """A socket whose connections are taken.

    uvloop takes one connection a turn by itself. If many clients come at once, the last of them
    waits for as many turns, each with a request of all that came before: measured with 64 that
    submit, an emergency stop waited for up to 190 ms until its connection was taken.
    """

    def __init__(
        self,
        sock: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        *,
        rest_s: float = 0.5,
    ) -> None:
        """On the running loop. `rest_s`: wall seconds that the system gets to have descriptors
        and memory again. Raises NotImplementedError on a loop that cannot watch sockets."""
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._protocol = protocol
        self._opening: set[asyncio.Task[None]] = set()
        self._rest: asyncio.TimerHandle | None = None
        self._rest_s = rest_s
        self._rarely = Rarely(_log)
        sock.setblocking(False)
        sock.listen(BACKLOG)
        self._watch()

    def close(self) -> None:
        """Take no more; what is taken stays open. Can be repeated."""
        if self._sock.fileno() < 0:
            return
        self._loop.remove_reader(self._sock)
        if self._rest is not None:
            self._rest.cancel()
        self._sock.close()

    def _watch(self) -> None:
        self._rest = None
        self._loop.add_reader(self._sock, self._take)

    def _take(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                # it has gone again, and the next one waits
                continue
            except OSError as error:
                self._failed(error)
                return
            task = self._loop.create_task(self._open(connection))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError as error:
            _log.debug("a connection was not opened: %s", error)
            connection.close()

    def _failed(self, error: OSError) -> None:
        """Rest, else the loop would turn around this alone."""
        self._rarely.warning("no connection can be taken for now: %s", error)
        self._loop.remove_reader(self._sock)
        self._rest = self._loop.call_later(self._rest_s, self._watch)


async def listen(
    sock: socket.socket, protocol: Callable[[], asyncio.Protocol]
) -> Listener | asyncio.AbstractServer:
    """Take who connects to this socket, which is bound, until `close`."""
    try:
        return Listener(sock, protocol)
    except NotImplementedError:
        # Windows: its loop takes them by itself, as many as there are
        loop = asyncio.get_running_loop()
        return await loop.create_server(protocol, sock=sock, backlog=BACKLOG)
