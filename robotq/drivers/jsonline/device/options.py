"""What a device is made from: its port, and how it speaks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from robotq.drivers.jsonline.wire import (
    SETTLES,
)


class DevicePort(Protocol):
    def read(self) -> bytes:
        """Wait for bytes; none at the end."""

    def write(self, data: bytes) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceOptions:
    name: str
    crc: bool = True
    max_line: int = 4096
    beat_s: float = 0.5
    remembers: int = 16
    """Commands, and as many answers to other requests, that are remembered by their ids."""
    newest: int = SETTLES
    """The newest version of the protocol that it speaks."""
    memory: Path | None = None
    """A file in which the commands are remembered over a restart of the device."""
