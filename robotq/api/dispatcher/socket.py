"""The connections of workers: messages in, messages out."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from typing import Any

from aiohttp import WebSocketError, WSCloseCode, WSMsgType, web

from robotq.api.connections.connection import Connection
from robotq.api.connections.share import Share
from robotq.api.dispatcher import requests
from robotq.api.dispatcher.connected import (
    CLOSE_S,
    SEND_S,
    Connected,
    WorkerSocket,
    notice_dead_peers,
)
from robotq.api.dispatcher.context import HUB, LOG, SHARE
from robotq.api.dispatcher.large import SMALL, hard_limit, tasks_of, too_large
from robotq.api.dispatcher.log import DispatchLog, cut, shown
from robotq.api.http.call import Call
from robotq.api.http.errors import Refused
from robotq.model.clock import WallClock
from robotq.model.errors import RobotqError, error_text
from robotq.model.job import JobEnding
from robotq.model.texts import Language
from robotq.wire.remote_work import worker_socket as wire
from robotq.workers import Hub, WorkerLink

_log = logging.getLogger(__name__)

_LARGE = 131_072
"""Bytes of a message from which on it is not parsed on the event loop."""
_BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_OWN = "robotq"
"""Value of `protocol` with which a worker of robotq asks for tokens, acknowledgements and
cancels, of which the document knows nothing."""


async def connect(call: Call) -> web.StreamResponse:
    """Take a worker in for as long as it stays."""
    query = call.request.query
    group = requests.group(query)
    config = call.engine.config
    # control frames are told, too: they are signs of life. A text that is no UTF-8 is a
    # malformed message like any other
    limit = config.interfaces.dispatcher.result_bytes
    # larger than that is refused here, so that the connection stays
    ws = WorkerSocket(
        timeout=CLOSE_S,
        autoping=False,
        compress=False,
        max_msg_size=hard_limit(limit),
        decode_text=False,
    )
    if call.request.method != "GET" or not ws.can_prepare(call.request).ok:
        raise Refused(426, "A WebSocket is required here", headers={"Upgrade": "websocket"})
    hub, log = call.app[HUB], call.app[LOG]
    name = _new_name(hub, call.engine.clock)
    worker = Connected(ws, call.request, own=query.get("protocol") == _OWN)
    async with hub.connected(
        name, worker, match=group, address=call.request.remote, owner=call.account
    ) as link:
        ws.headers.update(call.headers or {})
        await ws.prepare(call.request)
        notice_dead_peers(call.request.transport)
        hello = wire.Connected(worker_id=name, message="Connected to Task Dispatcher")
        asking = None
        try:
            await worker.send(hello)
            hub.begin(link)
            asking = asyncio.create_task(
                worker.ask_whether_there(link, config.interfaces.dispatcher.heartbeat_s),
                name=f"heartbeat of {name}",
            )
            _log.info("%s of group %s has connected", name, group)
            conversation = Conversation(hub, link, log, call.engine.clock, limit)
            await _listen(worker, conversation, call.app[SHARE])
        except (OSError, TimeoutError) as error:
            _log.info("%s is gone: %s", name, error)
        finally:
            if asking is not None:
                asking.cancel()
            _log.info("%s of group %s has left", name, group)
    return ws


class Conversation:
    """What a worker says, and what follows."""

    def __init__(
        self, hub: Hub, link: WorkerLink, log: DispatchLog, clock: WallClock, limit: int
    ) -> None:
        """`limit`: bytes of a message."""
        self.hub = hub
        self.link = link
        self._log = log
        self._clock = clock
        self._limit = limit

    async def take(self, worker: Connected, raw: bytes) -> None:
        """Anything that nobody can understand is passed over, and the connection stays.

        Raises OSError, TimeoutError.
        """
        if len(raw) > self._limit:
            await self._refuse(worker, raw)
            return
        # what is large is looked through on a thread, so that others have their turns meanwhile
        large = len(raw) > _LARGE
        said = await asyncio.to_thread(requests.message, raw) if large else requests.message(raw)
        if said is None:
            _log.debug("%s says what is no JSON object", self.link.name)
            return
        if said.get("type") == "ping":
            await worker.send(wire.Pong())
            return
        # `ready` changes nothing: who has no task is idle
        ending, task_id = requests.ending(said), requests.task_id(said.get("taskId"))
        if ending is None or task_id is None:
            return
        reason = await self._finish(said, task_id, ending, raw)
        if worker.own:
            await worker.send(wire.Ack(task_id=task_id, taken=not reason, reason=reason))

    async def unread(self) -> None:
        """A message was so large that it could not be read: most probably the result of what the
        worker has. Raises ConnectionError."""
        if self.link.task is not None:
            ending = too_large(None, self._limit)
            await self._finish({}, self.link.task.id, ending, b"")

    async def _refuse(self, worker: Connected, raw: bytes) -> None:
        """Tell both sides that a result is too large. Raises OSError, TimeoutError."""
        ending = too_large(len(raw), self._limit)
        named = tasks_of(raw)
        mine = None if self.link.task is None else self.link.task.id
        task_id = mine if mine in named else next(iter(named), None)
        _log.warning("%s sends %d bytes; result_bytes is %d", self.link.name, len(raw), self._limit)
        if task_id is not None:
            await self._finish({}, task_id, ending, b"")
        assert ending.error is not None
        reason = error_text(ending.error.code, ending.error.args, Language.EN)
        if worker.own:
            await worker.send(wire.Ack(task_id=task_id, taken=False, reason=reason))
        else:
            await worker.send(wire.TooLarge(task_id=task_id, error=reason, max_bytes=self._limit))

    async def _finish(
        self, said: Mapping[str, Any], task_id: str, ending: JobEnding, raw: bytes
    ) -> str:
        """Why the result was refused; empty where it was taken."""
        status, reason = 200 if ending.error is None else 500, ""
        try:
            await self.hub.finish(self.link, task_id, ending, requests.token(said))
        except RobotqError as error:
            if error.code.name == "store_unavailable":
                # the daemon ends; who keeps results can hand this one in later
                raise ConnectionError(str(error)) from error
            status, reason = error.code.http_status, str(error)
        self._log.add(
            self._clock.now_ms(),
            method="WS",
            path=f"/ws {self.link.name}",
            status=status,
            latency_ms=requests.duration_ms(said),
            request=None,
            response=reason or _shown(said, ending, raw),
            task_id=task_id,
        )
        return reason


def _shown(said: Mapping[str, Any], ending: JobEnding, raw: bytes) -> str:
    """What the log shows of an answer."""
    if not said and ending.error is not None:
        return error_text(ending.error.code, ending.error.args, Language.EN)
    # what is large is not written out once more to be cut
    return cut(raw) if len(raw) > SMALL else shown(said.get("result", said.get("error")))


async def _listen(worker: Connected, conversation: Conversation, share: Share) -> None:
    """Until the connection ends. One message at a time: who sends faster has to wait."""
    connection = worker.protocol
    meter = connection.metered() if isinstance(connection, Connection) else None
    if meter is not None:
        meter.share(share, SMALL)
    while True:
        if meter is not None:
            meter.hungry()
        message = await worker.ws.receive()
        if meter is not None:
            meter.fed()
        if message.type is WSMsgType.ERROR and _too_large(message.data):
            # at once: with its connection this handler ends, and its task would fail as lost
            await conversation.unread()
            return
        # a message that is here already is got without waiting: it has a turn of its own all the
        # same, or a worker that sends without end would be all that this process does
        await conversation.hub.pace.turn()
        worker.quiet = 0
        match message.type:
            case WSMsgType.TEXT | WSMsgType.BINARY:
                conversation.hub.heard(conversation.link)
                await conversation.take(worker, message.data)
            case WSMsgType.PING:
                async with asyncio.timeout(SEND_S):
                    await worker.ws.pong(message.data)
            case WSMsgType.PONG:
                conversation.hub.heard(conversation.link)
            case _:
                return


def _too_large(error: object) -> bool:
    return isinstance(error, WebSocketError) and error.code == WSCloseCode.MESSAGE_TOO_BIG


def _new_name(hub: Hub, clock: WallClock) -> str:
    """`W1-1234abcd`: a number, four digits of the time, four of chance."""
    while True:
        tail = "".join(random.choices(_BASE_36, k=4))  # noqa: S311 - a name, no secret
        name = f"W{hub.next_number()}-{clock.now_ms() % 10_000:04d}{tail}"
        if hub.is_name_free(name):
            return name
