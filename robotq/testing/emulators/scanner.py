"""A barcode scanner: reads the next of its codes whenever it is triggered."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from robotq.testing.emulators.device import Device


class ScannerEmulator(Device):
    """Answers `trigger` with the next code; None and the end of the list are unreadable."""

    def __init__(
        self, link: Path, codes: Iterable[str | None], *, trigger: bytes = b"\x16T\r"
    ) -> None:
        super().__init__(link)
        self._codes = list(codes)
        self._trigger = trigger
        self._heard = b""
        self.triggered = 0

    def boot(self) -> None:
        self._heard = b""

    def take(self, data: bytes) -> None:
        self._heard += data
        while self._trigger in self._heard:
            self._heard = self._heard.partition(self._trigger)[2]
            self.triggered += 1
            code = self._codes.pop(0) if self._codes else None
            if code is not None:
                self._send(code.encode() + b"\r\n")

    def work(self) -> float:
        return 3600.0

    def show(self, code: str) -> None:
        """Put a code in front of a scanner that reads by itself."""
        self.order(lambda: self._send(code.encode() + b"\r\n"))
