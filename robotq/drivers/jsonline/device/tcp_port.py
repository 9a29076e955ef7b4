"""A port in the network, as a serial server gives one: to hosts it is `socket://host:port`."""

from __future__ import annotations

import select
import socket
from contextlib import suppress

_READ_BYTES = 4096
_WRITE_S = 0.5
_CLIENTS = 8


class TcpPort:
    """The device's end. Without `one_client` it is the worst that a server can be: what comes
    over any connection goes to the device, and what that says goes to all. With it, a new
    connection cuts the one before."""

    def __init__(self, host: str, port: int, *, one_client: bool = False) -> None:
        self._server = socket.create_server((host, port), backlog=_CLIENTS)
        address, number = self._server.getsockname()[:2]
        self.path = f"socket://{address}:{number}"
        self._one_client = one_client
        self._clients: list[socket.socket] = []
        self._woken, self._waking = socket.socketpair()
        self._ended = False

    def read(self) -> bytes:
        """Wait for bytes; comes back with none after `stop`."""
        while not self._ended:
            waiting = [self._server, self._woken, *self._clients]
            for ready in select.select(waiting, [], [])[0]:
                if ready is self._server:
                    self._accept()
                elif (
                    ready is not self._woken
                    and ready in self._clients
                    and (data := self._received(ready))
                ):
                    return data
        return b""

    def _accept(self) -> None:
        client, _ = self._server.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.settimeout(_WRITE_S)
        for other in self._clients if self._one_client else self._clients[_CLIENTS - 1 :]:
            self._cut(other)
        self._clients = [*self._clients, client]

    def _received(self, client: socket.socket) -> bytes:
        data = b""
        with suppress(OSError):
            data = client.recv(_READ_BYTES)
        if not data:
            self._cut(client)
        return data

    def _cut(self, client: socket.socket) -> None:
        self._clients = [one for one in self._clients if one is not client]
        client.close()

    def write(self, data: bytes) -> bool:
        """False where nobody takes the bytes: as on a wire, they are lost then."""
        taken = False
        for client in self._clients:
            with suppress(OSError):
                client.sendall(data)
                taken = True
        return taken

    def stop(self) -> None:
        """Let `read` return."""
        self._ended = True
        self._waking.send(b"\0")

    def close(self) -> None:
        """After `stop`."""
        for one in (self._server, self._woken, self._waking, *self._clients):
            one.close()
