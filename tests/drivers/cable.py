"""A cable to a port, that can be pulled out, go dumb in one direction, and keep bytes back."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

_LINGER_S = 5.0


class Cable:
    """Carries bytes to a port, as long as it is not pulled out."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.out = False
        self.mute = False
        """What the server says is lost from now on."""
        self.kept = False
        """Whether there is something that is kept back."""
        self._keeps: Callable[[bytes, socket.socket], bool] | None = None
        self._through = threading.Event()
        self._closed = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def as_new(self) -> None:
        self.out = self.mute = False
        self.let_through()

    def pull(self) -> None:
        self.out = True
        self.cut()

    def plug(self) -> None:
        self.out = False

    def _cut_if_out(self) -> None:
        # it may be pulled while a connection is being made
        if self.out:
            self.cut()

    def cut(self) -> None:
        with self._lock:
            ends, self._ends = self._ends, set()
        for each in ends:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def keep(self, when: Callable[[bytes], bool] | None = None) -> None:
        """Keep back what clients say until `let_through`: on the connections that there are now,
        or, if `when` is given, on any from where it is true of what is said. It arrives also where
        the client has gone meanwhile."""
        with self._lock:
            old = frozenset(self._ends)
        # other tests may have used it before
        self.kept, self._through = False, threading.Event()
        self._keeps = lambda said, by: by in old if when is None else when(said)

    def let_through(self) -> None:
        self._keeps = None
        self._through.set()

    def close(self) -> None:
        self._closed.set()
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
            self._cut_if_out()
            for pair in ((near, far, False), (far, near, True)):
                threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket, back: bool) -> None:
        kept = False
        with contextlib.suppress(OSError):
            while data := one.recv(65_536):
                keeps = self._keeps
                if not back and keeps is not None and keeps(data, one):
                    through = self._through
                    self.kept = kept = True
                    through.wait()
                if back and self.kept and not self._through.is_set():
                    # who has kept something back may be gone: the server does not know that yet
                    with contextlib.suppress(OSError):
                        other.sendall(data)
                elif not (self.mute and back):
                    other.sendall(data)
        if kept:
            # it gets to the server before the word that its client is gone
            self._closed.wait(_LINGER_S)
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        one.close()
