"""A scanner with a network plug: one connection at a time, which it can lose and take again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class NetScanner:
    """Answers `who` with what it is, and each trigger with its next code."""

    def __init__(self, *codes: bytes, who: bytes = b"SN-1") -> None:
        self.codes = list(codes)
        self.who = who
        self.at_connect = b""
        """Sent to whoever connects: codes that it has kept meanwhile."""
        self.connections = 0
        self._peer: socket.socket | None = None
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._changed = threading.Condition()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def send(self, data: bytes) -> None:
        assert self._peer is not None
        self._peer.sendall(data)

    def hang_up(self) -> None:
        if self._peer is not None:
            # the other side may have hung up before
            with suppress(OSError):
                self._peer.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._door.close()
        self.hang_up()

    def until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, 20.0)

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._door.accept()
            except OSError:
                return
            with self._changed:
                self._peer, self.connections = peer, self.connections + 1
                self._changed.notify_all()
            if self.at_connect:
                peer.sendall(self.at_connect)
            self._talk(peer)
            self._peer = None
            peer.close()

    def _talk(self, peer: socket.socket) -> None:
        try:
            while data := peer.recv(4096):
                if b"WHO" in data:
                    peer.sendall(b"MODEL X7 " + self.who + b"\r\n")
                if b"TRG" in data and self.codes:
                    peer.sendall(self.codes.pop(0))
        except OSError:
            return
