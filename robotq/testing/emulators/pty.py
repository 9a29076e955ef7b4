"""One end of a pseudo-terminal, with a name that can come and go like a USB port."""

from __future__ import annotations

import os
import select
import tty
from contextlib import suppress
from pathlib import Path


class PtyPort:
    """The device's end. Reads and writes never wait; unplugging is safe at any moment.

    Belongs to one thread, except `name`.
    """

    def __init__(self, link: Path) -> None:
        """`link` becomes a symbolic link to the port that a driver opens."""
        self._link = link
        self._master = -1
        self._slave = -1
        self._unsent = bytearray()
        self._woken, self._waking = os.pipe()
        os.set_blocking(self._waking, False)
        os.set_blocking(self._woken, False)

    @property
    def name(self) -> str:
        return str(self._link)

    @property
    def plugged(self) -> bool:
        return self._master >= 0

    def plug(self, link: Path | None = None) -> None:
        """Appear, under another name where one is given."""
        self._link = link or self._link
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._unsent.clear()
        self._link.unlink(missing_ok=True)
        # at once under its name, and not before it can be opened
        self._link.symlink_to(os.ttyname(self._slave))

    def unplug(self) -> None:
        """Disappear in the middle of whatever it is."""
        if not self.plugged:
            return
        self._link.unlink(missing_ok=True)
        master, slave = self._master, self._slave
        self._master = self._slave = -1
        os.close(master)
        os.close(slave)

    def read(self, timeout_s: float) -> bytes:
        """What has arrived by then; returns early when something does, and after `wake`."""
        fds = [self._woken] + ([self._master] if self.plugged else [])
        writing = [self._master] if self.plugged and self._unsent else []
        ready, writable, _ = select.select(fds, writing, [], max(0.0, timeout_s))
        if self._woken in ready:
            with suppress(BlockingIOError):
                os.read(self._woken, 4096)
        if writable:
            self.write(b"")
        if self._master not in ready:
            return b""
        try:
            return os.read(self._master, 4096)
        except (BlockingIOError, OSError):
            return b""

    def write(self, data: bytes) -> None:
        """Send; what the system does not take yet is sent later."""
        if not self.plugged:
            return
        self._unsent += data
        with suppress(BlockingIOError, OSError):
            del self._unsent[: os.write(self._master, self._unsent)]

    def wake(self) -> None:
        """Let `read` come back. From any thread."""
        with suppress(OSError):
            os.write(self._waking, b"\0")

    def close(self) -> None:
        self.unplug()
        os.close(self._woken)
        os.close(self._waking)
