"""A pseudo-terminal: to programs on this machine it looks like a serial port."""

from __future__ import annotations

import errno
import os
import pty
import select
import tty
from pathlib import Path

_READ_BYTES = 4096
_WRITE_S = 0.1
"""Longest that a host may take to make room; a wire does not wait for anybody."""


class PtyPort:
    """The device's end. `path` is what the host opens, with the same name for as long as this
    lives, however often the host opens and closes it."""

    def __init__(self, link: Path | None = None) -> None:
        """`link` is a symbolic link to make to `path`; one that is there is replaced."""
        self._device, self._host = pty.openpty()
        # as a serial port: no echo, no line editing, every byte as it is
        tty.setraw(self._host)
        self.path = os.ttyname(self._host)
        self._link = link
        if link is not None:
            link.unlink(missing_ok=True)
            link.symlink_to(self.path)
        os.set_blocking(self._device, False)
        self._woken, self._waking = os.pipe()

    def read(self) -> bytes:
        """Wait for bytes; comes back with none once for each `stop`."""
        waiting = select.poll()
        waiting.register(self._device, select.POLLIN)
        waiting.register(self._woken, select.POLLIN)
        if any(fd == self._woken for fd, _ in waiting.poll()):
            os.read(self._woken, 1)
            return b""
        return os.read(self._device, _READ_BYTES)

    def write(self, data: bytes) -> bool:
        """False where nobody takes the bytes: as on a wire, they are lost then."""
        rest = memoryview(data)
        room = select.poll()
        room.register(self._device, select.POLLOUT)
        while rest:
            if not room.poll(_WRITE_S * 1000):
                return False
            try:
                rest = rest[os.write(self._device, rest) :]
            except OSError as error:
                if error.errno != errno.EAGAIN:
                    return False
        return True

    def stop(self) -> None:
        """Let `read` return."""
        os.write(self._waking, b"\0")

    def close(self) -> None:
        """After `stop`, when nobody reads or writes any more: to the host it is unplugged."""
        link = self._link
        if link is not None and link.is_symlink() and str(link.readlink()) == self.path:
            link.unlink()
        for end in (self._device, self._host, self._woken, self._waking):
            os.close(end)
