"""The way to a bridge: WebSockets on a loop of their own, used from the threads of a driver.

A bridge handles the messages of one WebSocket one after another: a goal that runs, a service that
never answers, holds up everything behind it (seen with rosbridge_suite 2.0 in its default
setting). So each goal and each call has a socket of its own, and a stop never waits for another.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import Any, TypeVar

import aiohttp

from robotq.drivers.base import LinkLost
from robotq.drivers.rosbridge.exchange import Exchange
from robotq.drivers.rosbridge.messages import Incoming, encode, read
from robotq.model.json import JsonObject

_log = logging.getLogger(__name__)

_Made = TypeVar("_Made")

_OPEN_S = 5.0
"""Wall seconds in which the bridge takes a connection."""
_SEND_S = 2.0
"""Wall seconds in which it takes a message."""
_BEAT_S = 4.0
"""Between two pings; half of it without a pong, and the connection is lost."""
_CLOSE_S = 1.0
_SHUT_S = 2.0
"""Wall seconds in which everything is closed at the end."""
_MOST_BYTES = 8 * 2**20
"""Of one message."""


class Socket:
    """One WebSocket to the bridge. Messages go to `on_message` on the loop of the bridge."""

    def __init__(
        self,
        bridge: Bridge,
        on_message: Callable[[Incoming], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._bridge = bridge
        self._on_message = on_message
        self._on_lost = on_lost
        self._web: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None
        self.dropped = 0
        """Messages that made no sense."""

    @property
    def is_open(self) -> bool:
        return self._web is not None and not self._web.closed

    # -- from any other thread -----------------------------------------------------------------

    def open(self) -> None:
        """Raises LinkLost."""
        self._bridge.run(self.opened(), 2 * _OPEN_S)

    def send(self, message: JsonObject) -> None:
        """Raises LinkLost where it did not get out, or nobody knows."""
        self._bridge.run(self.sent(message), _SEND_S)

    def close(self) -> None:
        if not self._bridge.is_shut:
            self._bridge.begin(self.closed())

    # -- on the loop ---------------------------------------------------------------------------

    async def opened(self) -> None:
        """Raises LinkLost."""
        bridge = self._bridge
        try:
            async with asyncio.timeout(_OPEN_S):
                self._web = await bridge.session.ws_connect(
                    bridge.url, heartbeat=_BEAT_S, max_msg_size=_MOST_BYTES
                )
        except aiohttp.WSServerHandshakeError as error:
            reason = f"something answers with HTTP {error.status}, which is no rosbridge"
            raise LinkLost(f"{bridge.url}: {reason}") from error
        except (aiohttp.ClientError, OSError) as error:
            reason = str(error) or type(error).__name__
            raise LinkLost(f"{bridge.url}: nobody takes the connection: {reason}") from error
        except TimeoutError as error:
            raise LinkLost(f"{bridge.url}: no answer within {_OPEN_S:g} s") from error
        bridge.sockets.add(self)
        self._reading = asyncio.create_task(self._read(self._web), name=f"{bridge.robot}-reading")

    async def sent(self, message: JsonObject) -> None:
        """Raises LinkLost."""
        if self._web is None or self._web.closed:
            raise LinkLost("not connected")
        try:
            await self._web.send_str(encode(message))
        except (aiohttp.ClientError, OSError) as error:
            raise LinkLost(str(error) or type(error).__name__) from error

    async def closed(self) -> None:
        """Close it; a bridge that has gone away answers no close, and is not waited for."""
        self._bridge.sockets.discard(self)
        if self._web is not None:
            try:
                async with asyncio.timeout(_CLOSE_S):
                    await self._web.close()
            except TimeoutError:
                _log.info("%s: the bridge did not answer a close", self._bridge.robot)
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self, web: aiohttp.ClientWebSocketResponse) -> None:
        try:
            async for message in web:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._take(message.data)
            reason = f"the bridge closed the connection ({web.close_code})"
        except aiohttp.ClientError as error:
            reason = str(error)
        self._on_lost(reason)

    def _take(self, text: str) -> None:
        try:
            incoming = read(text)
        except ValueError as error:
            self.dropped += 1
            _log.warning("%s: dropped what is no message: %s", self._bridge.robot, error)
            return
        if incoming is not None:
            self._on_message(incoming)


class Bridge:
    """Where the bridge is, and the loop on which all sockets to it live. Its methods may be called
    from any thread but that of the loop."""

    def __init__(self, robot: str, url: str) -> None:
        self.robot = robot
        self.url = url
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()
        self._session_id = secrets.token_hex(3)
        # unlike a generator, it may be asked from several threads at once
        self._count = itertools.count(1)
        self._shut = False
        self._thread: threading.Thread | None = None
        self.sockets: set[Socket] = set()
        """Those that are open; on the loop only."""

    @property
    def session(self) -> aiohttp.ClientSession:
        """On the loop only."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    def new_id(self) -> str:
        """No other message of any daemon has it."""
        return f"{self.robot}-{self._session_id}-{next(self._count)}"

    def exchange(self, message: Callable[[str], JsonObject]) -> tuple[Exchange, Socket]:
        """Send what `message` makes of a new id on a socket of its own; the caller closes it.

        Raises LinkLost: then it was not sent, or nobody knows.
        """
        exchange, id_ = Exchange(), self.new_id()

        def came(incoming: Incoming) -> None:
            if getattr(incoming, "id", id_) == id_:
                exchange.put(incoming)

        socket = Socket(self, came, lambda reason: exchange.breaks(LinkLost(reason)))
        socket.open()
        try:
            socket.send(message(id_))
        except LinkLost:
            socket.close()
            raise
        return exchange, socket

    @property
    def is_shut(self) -> bool:
        return self._shut

    def begin(self, work: Coroutine[Any, Any, _Made]) -> Future[_Made]:
        """Have `work` done on the loop. Raises LinkLost after `shut`."""
        try:
            loop = self._running()
        except LinkLost:
            work.close()
            raise
        return asyncio.run_coroutine_threadsafe(work, loop)

    def run(self, work: Coroutine[Any, Any, _Made], seconds: float) -> _Made:
        """Raises what it raises, and LinkLost where it takes longer."""
        future = self.begin(work)
        try:
            return future.result(seconds)
        except Late as error:
            future.cancel()
            raise LinkLost(f"{self.url}: no answer within {seconds:g} s") from error

    def shut(self) -> None:
        """End the loop with everything on it; nothing works afterwards."""
        with self._starting:
            self._shut = True
            loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            asyncio.run_coroutine_threadsafe(self._end(), loop)
            self._thread.join(_SHUT_S)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._shut:
                raise LinkLost("the driver is closed")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._serve, args=(self._loop,), name=f"{self.robot}-bridge", daemon=True
                )
                self._thread.start()
            return self._loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.close()

    async def _end(self) -> None:
        await asyncio.gather(*(socket.closed() for socket in list(self.sockets)))
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        asyncio.get_running_loop().call_soon(asyncio.get_running_loop().stop)
