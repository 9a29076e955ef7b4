"""A cable between a host and a device that can be damaged, cut, and plugged in elsewhere."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from robotq.drivers.jsonline.device import PtyPort


class Wire:
    """The device's port. Each time that it is plugged in it has another name."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.pattern = str(folder / "robot-*")
        """What the host's configuration names."""
        self._folder = folder
        self._plugged = 0
        self._port: PtyPort | None = None
        self._changed = threading.Condition()
        self._over = False
        self.to_device: Callable[[bytes], bytes] = bytes
        self.to_host: Callable[[bytes], bytes] = bytes
        self.heard = bytearray()
        """What arrived at the device."""
        self.heard_at: dict[bytes, float] = {}
        """When a byte of interest arrived, on `time.perf_counter`."""
        self.plug()

    @property
    def name(self) -> str:
        assert self._port is not None
        return self._port.path

    def plug(self) -> None:
        with self._changed:
            self._plugged += 1
            self._port = PtyPort(self._folder / f"robot-{self._plugged}")
            self._changed.notify_all()

    def unplug(self) -> None:
        """The cable is out; the device goes on with what it does."""
        with self._changed:
            port, self._port = self._port, None
            assert port is not None
            port.stop()
            self._changed.wait_for(lambda: self._left, 5)
            port.close()

    def end(self) -> None:
        """The device has no power any more: its `read` ends."""
        with self._changed:
            self._over = True
            if self._port is not None:
                self._port.stop()
            self._changed.notify_all()

    def close(self) -> None:
        if self._port is not None:
            self._port.close()

    # -- the device's side ---------------------------------------------------------------------

    _left = False

    def read(self) -> bytes:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._port is not None or self._over)
                port, self._left = self._port, False
                over = self._over
            if over or port is None:
                return b""
            data = port.read()
            with self._changed:
                self._left = True
                self._changed.notify_all()
                over = self._over
            if over:
                return b""
            if data:
                if b"\x18" in data:
                    self.heard_at.setdefault(b"\x18", time.perf_counter())
                self.heard += data
                data = self.to_device(data)
            if data:
                return data

    def write(self, data: bytes) -> bool:
        data = self.to_host(data)
        with self._changed:
            port = self._port
            if port is None or self._over:
                return False
            with contextlib.suppress(OSError):
                return port.write(data)
        return False

    def again(self) -> None:
        """Power is back, for a new device."""
        self._over = False


class Damage:
    """Does something to one line in so many, on the way it is put into."""

    def __init__(self, kind: str, seed: int, share: float = 0.15) -> None:
        self._kind = kind
        self._share = share
        self._random = Random(f"{kind}/{seed}")
        self.done = 0

    def __call__(self, data: bytes) -> bytes:
        return b"".join(self._line(line) for line in data.splitlines(keepends=True))

    def _line(self, line: bytes) -> bytes:
        # a stop byte is alone, and has a repetition of its own
        if len(line) < 2 or self._random.random() > self._share:
            return line
        self.done += 1
        at = self._random.randrange(len(line) - 1)
        match self._kind:
            case "dropped":
                return line[:at] + line[at + 1 :]
            case "doubled":
                return line[:at] + line[at : at + 1] + line[at:]
            case "line doubled":
                return line + line
            case "line lost":
                return b""
            case "corrupted":
                return line[:at] + bytes([line[at] ^ 0x11]) + line[at + 1 :]
            case "glued":
                return line.rstrip(b"\n")
            case "delayed":
                time.sleep(self._random.uniform(0.0, 0.1))
                return line
            case _:
                raise ValueError(self._kind)
