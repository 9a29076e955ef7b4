"""A network between client and daemon that breaks when it is told to."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto

_BLOCK = 65_536


class Fault(Enum):
    """What happens to a connection."""

    REFUSE = auto()
    """Closed before anything of the request was read."""
    LOSE = auto()
    """The daemon gets the request and answers; the answer is lost."""
    CUT = auto()
    """Half of the answer arrives."""
    GATEWAY = auto()
    """A proxy answers in place of the daemon, which gets the request all the same."""


class Proxy:
    """Passes connections on to a daemon. Every connection carries one request."""

    def __init__(self, port: int) -> None:
        self._daemon = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.faults: deque[Fault | None] = deque()
        """For the next connections, one each; None, and after them, all goes well."""
        self.late_s = 0.0
        """Wall seconds for which an answer is on its way before it is lost."""
        self.requests: list[bytes] = []
        """First lines of what was passed on, in order."""
        self._open: set[socket.socket] = set()

    def cut_all(self) -> None:
        """Break every connection that is open."""
        for one in list(self._open):
            # wakes the thread that reads from it
            one.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            fault = self.faults.popleft() if self.faults else None
            threading.Thread(target=self._pass_on, args=(client, fault), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _pass_on(self, client: socket.socket, fault: Fault | None) -> None:
        with client:
            if fault is Fault.REFUSE:
                return
            with socket.create_connection(("127.0.0.1", self._daemon)) as daemon:
                self._open.add(client)
                try:
                    self._carry(client, daemon, fault)
                except OSError:
                    return
                finally:
                    self._open.discard(client)

    def _carry(self, client: socket.socket, daemon: socket.socket, fault: Fault | None) -> None:
        request = _message(client)
        self.requests.append(request.partition(b"\r\n")[0])
        daemon.sendall(request)
        if fault is None:
            while block := daemon.recv(_BLOCK):
                client.sendall(block)
            return
        answer = _message(daemon)
        time.sleep(self.late_s)
        if fault is Fault.CUT:
            client.sendall(answer[: len(answer) // 2])
        elif fault is Fault.GATEWAY:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>")


def _message(source: socket.socket) -> bytes:
    """A whole request or answer, by its Content-Length."""
    received = b""
    while True:
        head, end, body = received.partition(b"\r\n\r\n")
        if end:
            lines = head.lower().split(b"\r\n")
            lengths = [line.split(b":")[1] for line in lines if line.startswith(b"content-length")]
            if len(body) >= int(lengths[0] if lengths else 0):
                return received
        block = source.recv(_BLOCK)
        if not block:
            return received
        received += block


@contextmanager
def breaking_network(port: int) -> Iterator[Proxy]:
    proxy = Proxy(port)
    serving = threading.Thread(target=proxy.serve, daemon=True)
    serving.start()
    try:
        yield proxy
    finally:
        proxy.close()
        serving.join()
