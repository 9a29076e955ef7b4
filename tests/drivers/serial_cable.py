"""A serial line between two ptys, that can be pulled out, go dumb in one direction, keep bytes back
and spoil them. A line that is pulled out is silent: nobody is told."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import threading
import tty
from collections.abc import Callable


class SerialCable:
    def __init__(self) -> None:
        self.out = False
        self.mute = False
        """What the far end says is lost from now on."""
        self.kept = False
        self.echoes = False
        """The near adapter hears what it sends."""
        self.spoils: Callable[[bytes, bool], bool] = lambda _data, _back: False
        """Of what is said, and whether it is an answer: whether a bit of it is turned over."""
        self._keeps: Callable[[bytes], bool] | None = None
        self._back: list[bytes] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._masters, self._slaves = zip(*(pty.openpty() for _ in range(2)), strict=True)
        for fd in self._slaves:
            # held open: a master whose other end nobody has open reads errors
            tty.setraw(fd)
        self.path, self.far = (os.ttyname(fd) for fd in self._slaves)
        self._threads = [
            threading.Thread(target=self._carry, args=(back,), daemon=True)
            for back in (False, True)
        ]
        for thread in self._threads:
            thread.start()

    def as_new(self) -> None:
        self.out = self.mute = self.echoes = False
        self.spoils = lambda _data, _back: False
        with self._lock:
            self.kept, self._keeps, self._back = False, None, []

    def pull(self) -> None:
        self.out = True

    def plug(self) -> None:
        self.out = False

    def keep(self, when: Callable[[bytes], bool] | None = None) -> None:
        """Keep back what the near end says until `let_through`: everything, or, if `when` is given,
        that of which it is true."""
        with self._lock:
            self.kept, self._keeps = False, when or (lambda _: True)

    def let_through(self) -> None:
        with self._lock:
            self._keeps = None
            kept, self._back = self._back, []
        for data in kept:
            os.write(self._masters[1], data)

    def close(self) -> None:
        self._closed.set()
        for thread in self._threads:
            thread.join(5)
        for fd in (*self._masters, *self._slaves):
            with contextlib.suppress(OSError):
                os.close(fd)

    def _carry(self, back: bool) -> None:
        one, other = self._masters if not back else reversed(self._masters)
        while not self._closed.is_set():
            if not select.select([one], [], [], 0.1)[0]:
                continue
            data = os.read(one, 65_536)
            if self.echoes and not back:
                os.write(one, data)
            if self.out or (back and self.mute):
                continue
            if not back and (self._kept_back(data) or self.out):
                continue
            if self.spoils(data, back):
                data = bytes([data[0] ^ 1]) + data[1:]
            os.write(other, data)

    def _kept_back(self, data: bytes) -> bool:
        with self._lock:
            if self._keeps is None or not self._keeps(data):
                return False
            self.kept = True
            self._back.append(data)
            return True
