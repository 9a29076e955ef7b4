"""Lets in what a WebSocket sends, a little at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from robotq.api.connections.share import Share

_LEAST = 1_024
_MOST = 65_536
"""Bytes of a piece: the least where messages are short, more where one is long."""


class Meter:
    """Hands on a small piece, and the next one when its reader has taken what was in it.

    A block that the system hands over can hold ten thousand messages. Taken whole, the event
    loop would stand still while they are parsed, and they would all be kept until the reader
    comes to them. Nothing is read from the connection meanwhile: who sends faster has to wait.
    """

    __slots__ = (
        "_at",
        "_data",
        "_given",
        "_hungry",
        "_loop",
        "_piece",
        "_scheduled",
        "_share",
        "_small",
        "_take",
        "_transport",
    )

    def __init__(self, take: Callable[[bytes], None], transport: asyncio.BaseTransport) -> None:
        self._take = take
        # what serves a connection reads and writes, whatever its type says
        self._transport: asyncio.Transport | None = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()
        self._data = b""
        self._at = 0
        self._hungry = False
        self._scheduled = False
        self._piece = _LEAST
        self._given = 0
        """Bytes since the reader has asked for a message."""
        self._share: Share | None = None
        self._small = 0

    def share(self, share: Share, small: int) -> None:
        """A message above `small` bytes waits for its turn among those of other connections."""
        self._share, self._small = share, small

    def put(self, data: bytes) -> None:
        """What has come."""
        if self._at < len(self._data):
            self._data = self._data[self._at :] + data
        else:
            self._data = data
        self._at = 0
        self._pause()
        self._schedule()

    def hungry(self) -> None:
        """The reader asks for a message, and waits where there is none."""
        self._hungry = True
        self._piece = _LEAST
        self._given = 0
        if self._share is not None:
            self._share.done(self)
        self._schedule()

    def fed(self) -> None:
        """The reader has a message. Its turn, where it was a large one, lasts until the reader
        asks for the next."""
        self._hungry = False
        if self._share is not None:
            self._share.arrived(self)

    def go_on(self) -> None:
        """It is the turn of this connection to send something large."""
        self._schedule()

    def cut(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def let_go(self) -> None:
        """Nobody reads messages here any more: hand on the rest as it is."""
        if self._share is not None:
            self._share.done(self)
            self._share = None
        if self._at < len(self._data):
            rest, self._data, self._at = self._data[self._at :], b"", 0
            self._take(rest)
            self._resume()

    def close(self) -> None:
        self._transport = None
        if self._share is not None:
            self._share.done(self)
            self._share = None
        self._data, self._at = b"", 0

    def _schedule(self) -> None:
        # in the next turn: where the reader has something already, it is not hungry then
        if self._hungry and not self._scheduled and self._at < len(self._data):
            self._scheduled = True
            self._loop.call_soon(self._give)

    def _give(self) -> None:
        self._scheduled = False
        if not self._hungry or self._transport is None or self._at >= len(self._data):
            return
        large = self._given + self._piece > self._small
        if self._share is not None and large and not self._share.ask(self):
            return
        piece = self._data[self._at : self._at + self._piece]
        self._given += len(piece)
        self._at += len(piece)
        self._piece = min(self._piece * 2, _MOST)
        self._take(piece)
        if self._at >= len(self._data):
            self._data, self._at = b"", 0
            self._resume()
        else:
            # one message may be longer than that
            self._schedule()

    def _pause(self) -> None:
        transport = self._transport
        if transport is not None and not transport.is_closing() and transport.is_reading():
            transport.pause_reading()

    def _resume(self) -> None:
        transport = self._transport
        if transport is not None and not transport.is_closing() and not transport.is_reading():
            transport.resume_reading()
