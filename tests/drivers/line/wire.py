"""A TCP port behind which something answers lines: a small device of these tests, or a simulator
that somebody else has written."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from tests.drivers.killed import until

Answer = Callable[[str], str | list[str] | None]
"""What the device says to a line, without line ends; None for nothing."""


class Wire:
    """Carries out lines in the order in which they come, and answers in this order, each answer
    as late as `delay_s` says. An answer goes to whoever is connected then, as behind a converter
    from serial to TCP."""

    def __init__(
        self,
        answer: Answer,
        *,
        receive: str = "\r\n",
        send: str = "\r\n",
        echo: bool = False,
    ) -> None:
        self.delay_s: Callable[[str], float] = lambda _: 0.0
        self.lost: Callable[[str], bool] = lambda _: False
        """Whether the answer to a line is lost on its way."""
        self.heard: list[str] = []
        """All lines that the device got."""
        self.connections = 0
        self._answer = answer
        self._receive, self._send, self._echo = receive.encode("latin-1"), send, echo
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._peer: socket.socket | None = None
        self._changed = threading.Condition()
        self._due: deque[tuple[float, bytes]] = deque()
        self._closed = False
        for work in (self._accept, self._talk):
            threading.Thread(target=work, daemon=True).start()

    @property
    def url(self) -> str:
        return f"socket://127.0.0.1:{self.port}"

    def say(self, line: str, after_s: float = 0.0) -> None:
        """Say something, asked or not."""
        with self._changed:
            due = time.monotonic() + after_s
            if self._due:
                due = max(due, self._due[-1][0])
            self._due.append((due, (line + self._send).encode("latin-1")))
            self._changed.notify_all()

    def unplug(self) -> None:
        """Break the link, and take no other one."""
        with suppress(OSError):
            # a closed one would still be accepted from
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._hang_up()

    def plug_in(self) -> None:
        def listens() -> bool:
            try:
                self._server = socket.create_server(("127.0.0.1", self.port))
            except OSError as error:
                # somebody on this machine goes out by it for the moment
                if error.errno != errno.EADDRINUSE:
                    raise
                return False
            return True

        until(listens)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._closed = True
        self.unplug()
        with self._changed:
            self._changed.notify_all()

    def _hang_up(self) -> None:
        peer, self._peer = self._peer, None
        if peer is not None:
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
            peer.close()

    def _accept(self) -> None:
        server = self._server
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._hang_up()
            self._peer = peer
            self.connections += 1
            threading.Thread(target=self._read, args=(peer,), daemon=True).start()

    def _read(self, peer: socket.socket) -> None:
        begun = b""
        while True:
            try:
                data = peer.recv(4096)
            except OSError:
                return
            if not data:
                return
            *lines, begun = (begun + data).split(self._receive)
            for line in lines:
                self._take(line.decode("latin-1"))

    def _take(self, line: str) -> None:
        self.heard.append(line)
        if self._echo:
            self.say(line)
        told = self._answer(line)
        if told is None or self.lost(line):
            return
        for each in [told] if isinstance(told, str) else told:
            self.say(each, self.delay_s(line))

    def _talk(self) -> None:
        with self._changed:
            while not self._closed:
                if not self._due:
                    self._changed.wait()
                    continue
                left = self._due[0][0] - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                    continue
                _, data = self._due.popleft()
                if self._peer is not None:
                    with suppress(OSError):
                        self._peer.sendall(data)
