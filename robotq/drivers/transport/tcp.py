"""A connection in place of a serial port."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from urllib.parse import urlsplit

_CONNECT_S = 5.0
"""Longest that a connection may take to be made."""

_SILENT_S = 5
_ASK_AGAIN_S = 2
_ASKED = 3
"""A device at the other end that is gone without a word counts as lost after 11 s, on Linux."""


class TcpSocket:
    """A connection, with the methods of pyserial's that are used here. Pyserial's own one can
    neither be closed after the other end has gone, nor sends a stop while a line before it is
    not confirmed."""

    def __init__(self, url: str) -> None:
        """Raises OSError, ValueError."""
        where = urlsplit(url)
        address = (where.hostname or "", where.port or 0)
        self._socket = socket.create_connection(address, timeout=_CONNECT_S)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _notice_silence(self._socket)

    def fileno(self) -> int:
        return self._socket.fileno()

    def reset_output_buffer(self) -> None:
        """What the system has taken it sends."""

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _notice_silence(connection: socket.socket) -> None:
    """Have the system ask a device that says nothing: one without power does not hang up."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        for option, value in (
            (socket.TCP_KEEPIDLE, _SILENT_S),
            (socket.TCP_KEEPINTVL, _ASK_AGAIN_S),
            (socket.TCP_KEEPCNT, _ASKED),
            (socket.TCP_USER_TIMEOUT, (_SILENT_S + _ASKED * _ASK_AGAIN_S) * 1000),
        ):
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
