"""The connection over which somebody holds a button, and a robot's axis moves meanwhile.

The daemon sends a number, and only its echo keeps the robot moving: for 0.3 s from the moment in
which the number was *sent*. So what a slow connection has kept back for a second moves nothing,
and a page that stands, or is not there, has let go.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from robotq.api.http.call import Call
from robotq.api.http.errors import Refused, encoded
from robotq.api.robot.models.robots import JogQuery
from robotq.drivers.jogging import LIFE_S, JogWanted
from robotq.engine.control.jogging import Jog
from robotq.model.errors import RobotqError
from robotq.model.texts import Language, text
from robotq.wire import jog as wire

_log = logging.getLogger(__name__)

_BEAT_S = 0.05
_KEPT = 16
"""Beats that are remembered: more than are sent in `LIFE_S`."""
_BEGIN_S = 5.0
"""Wall seconds in which a connection has to begin its jog."""
_SEND_S = 2.0
_MOST_BYTES = 1_024
"""Of a message."""


async def hold_button(call: Call) -> web.StreamResponse:
    call.refuse_agents("jog")
    query = call.query(JogQuery)
    robot = call.engine.robot(call.path("robot_id"))
    wanted = JogWanted(
        axis=query.axis,
        direction=1 if query.direction == "plus" else -1,
        speed_mm_s=query.speed_mm_s,
    )
    socket = web.WebSocketResponse(timeout=_SEND_S, compress=False, max_msg_size=_MOST_BYTES)
    if not socket.can_prepare(call.request).ok:
        raise Refused(426, "A WebSocket is required here", headers={"Upgrade": "websocket"})
    socket.headers.update(call.headers or {})
    await socket.prepare(call.request)
    holder = _Holder(call, robot.name, wanted, socket)
    try:
        await holder.until_over()
    except (OSError, TimeoutError) as error:
        _log.info("%s: who held the button is gone: %s", robot.name, error)
    return socket


class _Holder:
    """Who holds the button, at the other end of a connection."""

    def __init__(
        self, call: Call, robot: str, wanted: JogWanted, socket: web.WebSocketResponse
    ) -> None:
        self._call = call
        self._robot = robot
        self._wanted = wanted
        self._socket = socket
        self._language: Language = call.language
        self._beats: OrderedDict[int, float] = OrderedDict()
        """Number -> when it was sent."""
        self._jog: Jog | None = None

    async def until_over(self) -> None:
        """Raises OSError, TimeoutError where the other end is gone."""
        listening = asyncio.create_task(self._listen(), name=f"{self._robot} jog holder")
        beating = asyncio.create_task(self._beat(), name=f"{self._robot} jog beat")
        try:
            await asyncio.wait({listening, beating}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # also where this call is cancelled: nobody holds the button any more
            if self._jog is not None:
                self._jog.end("closed")
            for task in (listening, beating):
                task.cancel()
            results = await asyncio.gather(listening, beating, return_exceptions=True)
        refused = next((one for one in results if isinstance(one, RobotqError)), None)
        if refused is not None:
            await self._say(
                wire.JogRefused(
                    type="refused",
                    error_code=refused.code.name,
                    message=refused.text(self._language),
                )
            )
        elif self._jog is not None:
            await self._jog.done.wait()
            await self._say(self._ended(self._jog))
        await self._socket.close()

    async def _beat(self) -> None:
        """Until the jog is over, or does not begin."""
        until = time.monotonic() + _BEGIN_S
        number = 0
        while not self._socket.closed:
            if self._jog is not None and self._jog.done.is_set():
                return
            if self._jog is None and time.monotonic() > until:
                return
            number += 1
            self._beats[number] = time.monotonic()
            if len(self._beats) > _KEPT:
                self._beats.popitem(last=False)
            await self._say(wire.Beat(type="beat", n=number))
            await asyncio.sleep(_BEAT_S)

    async def _listen(self) -> None:
        """Until the connection ends or the button is let go. Raises RobotqError where there is no
        jog."""
        while True:
            message = await self._socket.receive()
            if message.type is not WSMsgType.TEXT:
                return
            said = _said(message.data)
            since = self._beats.get(said) if isinstance(said, int) else None
            if said == "release":
                if self._jog is not None:
                    self._jog.end("released")
                return
            if since is None or time.monotonic() - since >= LIFE_S:
                # it was on its way for too long
                continue
            if self._jog is None:
                engine = self._call.engine
                self._jog = await engine.jogging.begin(
                    self._robot, self._wanted, actor=self._call.actor, since=since
                )
            else:
                self._jog.renew(since)

    async def _say(self, message: wire.Beat | wire.JogRefused | wire.JogEnded) -> None:
        if self._socket.closed:
            return
        async with asyncio.timeout(_SEND_S):
            await self._socket.send_str(encoded(message).decode())

    def _ended(self, jog: Jog) -> wire.JogEnded:
        result = jog.result
        args = {"error": result.get("error", "")}
        return wire.JogEnded(
            type="ended",
            reason=jog.reason,
            message=text(f"jog.{jog.reason}", args, self._language),
            moved_mm=result.get("moved_mm"),
            start=result.get("start", {}),
            end=result.get("end", {}),
        )


def _said(data: str) -> Any:
    """The number of a beat, "release", or None for what nobody understands."""
    try:
        read = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(read, dict):
        return None
    if read.get("release") is True:
        return "release"
    number = read.get("n")
    return None if isinstance(number, bool) else number
