"""The way to one connected worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket

from aiohttp import WSCloseCode, web

from robotq.api.http.errors import encoded, part
from robotq.model.task import Task
from robotq.wire.remote_work.worker_socket import Cancel, FromDaemon, NewTask, OwnTask
from robotq.workers import WorkerLink

_log = logging.getLogger(__name__)

SEND_S = 10.0
"""Wall seconds in which a worker has to take what it is sent."""
CLOSE_S = 2.0
"""Wall seconds that a worker has to say good-bye, too."""


class WorkerSocket(web.WebSocketResponse):
    """Says why it ends where a message is too large to be read."""

    async def close(
        self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True
    ) -> bool:
        if code == WSCloseCode.MESSAGE_TOO_BIG and not message:
            message = b"message too large: see interfaces.dispatcher.result_bytes"
        return await super().close(code=code, message=message, drain=drain)


class Connected:
    """The way to one worker."""

    def __init__(self, ws: WorkerSocket, request: web.Request, *, own: bool) -> None:
        self.ws = ws
        self.own = own
        self.quiet = 0
        """How often it was asked for a sign of life since the last one."""
        self._request = request

    @property
    def protocol(self) -> object:
        """What its bytes come through."""
        return self._request.protocol

    @property
    def open(self) -> bool:
        transport = self._request.transport
        return not self.ws.closed and transport is not None and not transport.is_closing()

    async def send(self, message: FromDaemon) -> None:
        """Raises OSError, TimeoutError where the worker does not take it."""
        async with asyncio.timeout(SEND_S):
            await self.ws.send_str(encoded(message).decode())

    async def give(self, task: Task) -> bool:
        if not self.open:
            return False
        payload = part(task.command.params)
        await self.send(
            OwnTask(task_id=task.id, payload=payload, attempt=task.attempt, token=task.fence)
            if self.own
            else NewTask(task_id=task.id, payload=payload)
        )
        return True

    async def take_away(self, task: Task) -> None:
        # the document has no word for this; its workers find out when nobody takes their result
        if self.own and self.open:
            await self.send(Cancel(task_id=task.id))

    async def close(self) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self.ws.close(code=1001, message=b"the daemon ends")
        self.abort()

    def abort(self) -> None:
        """End the connection without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def ask_whether_there(self, link: WorkerLink, every_s: float) -> None:
        """Give up an idle worker that does not answer. One that works may be too busy for it;
        what it has, has its own time."""
        while True:
            await asyncio.sleep(every_s)
            if link.task is not None:
                self.quiet = 0
            elif self.quiet >= 2:
                _log.info("%s does not answer", link.name)
                self.abort()
                return
            self.quiet += 1
            try:
                async with asyncio.timeout(SEND_S):
                    await self.ws.ping()
            except (OSError, TimeoutError):
                self.abort()
                return


def notice_dead_peers(transport: asyncio.Transport | None) -> None:
    """Have the system find out that the other machine is gone, also while its worker is too
    busy to answer."""
    one = None if transport is None else transport.get_extra_info("socket")
    if one is None:
        return
    one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", 30),
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 60_000),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            one.setsockopt(socket.IPPROTO_TCP, option, value)
