"""A controller of the GRBL family at the far end of a pty that notes when the stop byte came."""

from __future__ import annotations

import os
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_RESET = b"\x18"
_JOIN_S = 5.0


class Wire(Protocol):
    """Where a stop comes out."""

    stopped_at: float
    """When the first stop byte since it was set to 0 was read, by `time.perf_counter`."""


class GrblWire:
    """Acknowledges every line at once, and stands wherever it is."""

    def __init__(self) -> None:
        self._device, self._host = os.openpty()
        tty.setraw(self._host)
        self.path = os.ttyname(self._host)
        self.stopped_at = 0.0
        self.motions = 0
        """Lines that would have moved something."""
        self._over = False

    def serve(self) -> None:
        while not self._over:
            data = os.read(self._device, 4096)
            if _RESET in data and not self.stopped_at:
                self.stopped_at = time.perf_counter()
            os.write(self._device, self._answer(data))

    def _answer(self, data: bytes) -> bytes:
        self.motions += data.count(b"G1 ") + data.count(b"G1X")
        answer = b""
        if _RESET in data:
            answer += b"\r\nGrbl 1.1h ['$' for help]\r\n"
        answer += b"<Idle|MPos:0.000,0.000,0.000|FS:0,0>\r\n" * data.count(b"?")
        if b"$G" in data:
            answer += b"[GC:G0 G54 G17 G21 G90]\r\n"
        return answer + b"ok\r\n" * data.count(b"\n")

    def end(self) -> None:
        self._over = True
        # a byte that comes as from the host wakes the reading thread
        os.write(self._host, b" ")


@contextmanager
def grbl() -> Iterator[GrblWire]:
    wire = GrblWire()
    serving = threading.Thread(target=wire.serve, daemon=True)
    serving.start()
    try:
        yield wire
    finally:
        wire.end()
        serving.join(_JOIN_S)
