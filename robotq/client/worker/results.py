"""Results of a worker on their way over its WebSocket."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import aiohttp
import msgspec

from robotq.client.worker.spool import Finished, Spool
from robotq.wire.remote_work.worker_socket import Ack, TaskComplete, TaskError

_log = logging.getLogger(__name__)

_ANSWER_S = 30.0
"""Seconds that the daemon has to acknowledge a result."""


class Results:
    """Each is kept in the spool until the daemon has taken or refused it."""

    def __init__(self, spool: Spool) -> None:
        self.taken = 0
        self.delivered = asyncio.Event()
        """Set while none is to be handed in."""
        self._spool = spool
        self._there = asyncio.Event()
        """Set when there may be some."""
        self._sent: dict[str, asyncio.Future[Ack]] = {}
        self._took_ms: dict[str, int] = {}

    async def keep(self, finished: Finished, took_ms: int) -> None:
        """On disk when this returns. Raises OSError."""
        self.delivered.clear()
        self._took_ms[finished.task_id] = took_ms
        await asyncio.to_thread(self._spool.keep, finished)
        self._there.set()

    def acknowledged(self, answer: Ack) -> None:
        """The daemon has taken or refused one."""
        waiting = self._sent.get(answer.task_id or "")
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def deliver(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Send every result that is kept, oldest first, and those that come.

        Raises OSError, TimeoutError; then the connection is closed, and the next one tries again.
        """
        try:
            await self._hand_in_all(ws)
        finally:
            await ws.close()

    async def _hand_in_all(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            self._there.clear()
            for path, finished in await asyncio.to_thread(self._spool.kept):
                answer = await self._handed_in(ws, finished)
                if answer.taken:
                    self.taken += 1
                else:
                    _log.warning("the result of %s is refused: %s", finished.task_id, answer.reason)
                await asyncio.to_thread(self._spool.forget, path)
                self._took_ms.pop(finished.task_id, None)
            if not self._there.is_set():
                self.delivered.set()
            await self._there.wait()

    async def _handed_in(self, ws: aiohttp.ClientWebSocketResponse, finished: Finished) -> Ack:
        acknowledged: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._sent[finished.task_id] = acknowledged
        about: dict[str, Any] = {
            "task_id": finished.task_id,
            "token": finished.token,
            "duration": self._took_ms.get(finished.task_id),
            "result": finished.data,
        }
        said = (
            TaskComplete(**about)
            if finished.success
            else TaskError(**about, error=finished.error or "")
        )
        try:
            async with asyncio.timeout(_ANSWER_S):
                await ws.send_str(msgspec.json.encode(said).decode())
                return await acknowledged
        finally:
            del self._sent[finished.task_id]
