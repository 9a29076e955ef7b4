"""A cable to a port, that can be pulled out, go dumb in one direction, and keep bytes back."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable


class Cable:
    """Carries bytes to a port, as long as it is not pulled out."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.out = False
        self.mute = False
        """What the server says is lost from now on."""
        self.kept = False
        """Whether there is something that is kept back."""
        self._keeps: Callable[[bytes], bool] | None = None
        self._old: frozenset[socket.socket] = frozenset()
        self._through = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def pull(self) -> None:
        self.out = True
        self.cut()

    def plug(self) -> None:
        self.out = False

    def cut(self) -> None:
        with self._lock:
            ends, self._ends = self._ends, set()
        for each in ends:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def keep(self, when: Callable[[bytes], bool] = lambda _: True) -> None:
        """Keep back what clients say from where `when` is true of it, until `let_through`; of the
        connections that there are now. It arrives also where the client has gone meanwhile."""
        with self._lock:
            self._old = frozenset(self._ends)
        self._keeps = when

    def let_through(self) -> None:
        self._keeps = None
        self._through.set()

    def close(self) -> None:
        self.let_through()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            try:
                if self.out:
                    raise OSError("pulled out")
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                near.close()
                continue
            with self._lock:
                self._ends |= {near, far}
            for pair in ((near, far, False), (far, near, True)):
                threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket, back: bool) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65_536):
                keeps = self._keeps
                if not back and keeps is not None and one in self._old and keeps(data):
                    self.kept = True
                    self._through.wait()
                if not (self.mute and back):
                    other.sendall(data)
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        one.close()
