"""What all emulated devices share: a thread, a port, an end."""

from __future__ import annotations

import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Self

from robotq.testing.emulators.faults import Fault, FaultKind, Faults
from robotq.testing.emulators.pty import PtyPort


class Device(ABC):
    """Runs on a thread of its own between `__enter__` and `__exit__`."""

    def __init__(self, link: Path, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self._port = PtyPort(link)
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._ended = False
        self._began = time.monotonic()
        self._partial = bytearray()
        self._late: list[tuple[float, bytes]] = []
        """Answers that are kept back, and until when."""
        self.dead = False
        self.line_end = b"\n"
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)

    @property
    def port(self) -> str:
        """What a driver opens."""
        return self._port.name

    def __enter__(self) -> Self:
        self._port.plug()
        self.boot()
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended = True
        self._port.wake()
        self._thread.join(5.0)
        self._port.close()

    def order(self, action: Callable[[], None]) -> None:
        """Have something done between two bytes, and wait until it is done."""
        done = threading.Event()

        def carry_out() -> None:
            action()
            done.set()

        self._orders.put(carry_out)
        self._port.wake()
        if not done.wait(5.0):
            raise RuntimeError("the emulated device does not answer its owner")

    def unplug(self) -> None:
        self.order(self._port.unplug)

    def replug(self, link: Path | None = None) -> None:
        """Plug it in again, under another name where one is given. It was powered all along."""
        self.order(lambda: self._port.plug(link))

    def reboot(self) -> None:
        """Power it off and on, with its port open."""
        self.order(self.boot)

    def die(self) -> None:
        """Say and do nothing any more, with the port open."""
        self.order(self._die)

    def _die(self) -> None:
        self.dead = True

    # -- for the firmware ------------------------------------------------------------------------

    @abstractmethod
    def boot(self) -> None:
        """Start anew and forget everything but what is stored."""

    @abstractmethod
    def take(self, data: bytes) -> None:
        """Bytes have arrived."""

    @abstractmethod
    def work(self) -> float:
        """Do what can be done; returns the seconds until there is more to do."""

    def now(self) -> float:
        """Seconds since the device was made."""
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        """Send a line that is no answer."""
        self._send(text.encode("latin-1") + b"\n")

    def answer(self, text: str, fault: Fault | None = None) -> None:
        """Send the answer to a line, unless something befalls it."""
        data = text.encode("latin-1") + self.line_end
        if fault is not None:
            if fault.kind is FaultKind.DELAY_ANSWER:
                self._late.append((self.now() + fault.seconds, data))
                return
            data = self.faults.answer(fault.kind, data)
        self._send(data)

    def _send(self, data: bytes) -> None:
        if self._late:
            # nothing overtakes
            self._late.append((0.0, data))
        else:
            self._port.write(data)

    def befallen(self, fault: Fault | None) -> bool:
        """Let a fault of the device itself happen; True where it has ended what it did."""
        if fault is not None and fault.kind is FaultKind.DIE:
            self._die()
            return True
        if fault is not None and fault.kind is FaultKind.REBOOT:
            self.boot()
            return True
        return False

    # -- the thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        pause = 0.0
        while not self._ended:
            data = self._port.read(pause)
            while not self._orders.empty():
                self._orders.get()()
            if self.dead:
                pause = 1.0
                continue
            if data:
                self._arrived(data)
            pause = self.work()
            pause = min(pause, self._say_late())

    def _say_late(self) -> float:
        while self._late:
            at, data = self._late[0]
            left = at - self.now()
            if left > 0:
                return left
            self._late.pop(0)
            self._port.write(data)
        return 3600.0

    def _arrived(self, data: bytes) -> None:
        if not self.faults:
            self.take(data)
            return
        data = self.urgent(data)
        self._partial += data
        while b"\n" in self._partial:
            line, _, rest = bytes(self._partial).partition(b"\n")
            self._partial = bytearray(rest)
            self.take(self.faults.inbound(line + b"\n"))

    def urgent(self, data: bytes) -> bytes:
        """Take out of `data` what is acted upon at once, and act; returns the rest."""
        return data
