"""A port without a machine: it says what was recorded, as long as it hears what was recorded."""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path
from typing import Any

import orjson

from robotq.drivers.base import LinkLost

_SHOWN = 60


class Mismatch(OSError):
    """The driver sent something else than what the recording has."""


def open_replay(path: Path) -> ReplayPort:
    """Raises LinkLost for what is no recording."""
    try:
        return ReplayPort(path)
    except (OSError, ValueError) as error:
        raise LinkLost(f"{path} cannot be replayed: {error}") from error


class ReplayPort:
    """The first opening of a recording.

    What the device said is said again as soon as everything that had been sent before it has
    been sent again; how it was cut into pieces does not matter, nor does time. Anything else
    that is sent breaks the link, with a reason that shows both. Bytes in `ignored` are left
    out of the comparison, e.g. status queries that depend on time.
    """

    def __init__(self, path: Path, *, ignored: bytes = b"") -> None:
        """Raises OSError, ValueError for a file that is no recording."""
        self._ignored = ignored
        self._turns: deque[tuple[int, bytes]] = deque()
        """What the device says, and how many bytes have to be sent before it."""
        self._expected = b""
        self._lost: str | None = None
        self._load(path)
        self._sent = 0
        self._open = True
        self._changed = threading.Condition()

    @property
    def finished(self) -> bool:
        """Everything was sent, and everything was said."""
        with self._changed:
            return not self._turns and self._sent == len(self._expected)

    by_turns = False

    def read(self, at_most_s: float | None = None) -> bytes:  # noqa: ARG002 - by one thread
        with self._changed:
            self._changed.wait_for(lambda: not self._open or self._due() or self._over())
            if not self._open:
                return b""
            if self._due():
                return self._turns.popleft()[1]
            raise OSError(f"so the recording ends: {self._lost}")

    def wake(self) -> None:
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def write_some(self, data: memoryview) -> int:
        sent = bytes(data).translate(None, self._ignored)
        with self._changed:
            expected = self._expected[self._sent : self._sent + len(sent)]
            if sent != expected:
                raise Mismatch(
                    f"sent {_shown(sent)}, the recording has {_shown(expected)} "
                    f"after {self._sent} bytes"
                )
            self._sent += len(sent)
            self._changed.notify_all()
        return len(data)

    def wait_writable(self, timeout_s: float) -> None:
        """There is always room."""

    def discard_output(self) -> None:
        """Everything has been sent already."""

    def holds_unread(self) -> bool:
        with self._changed:
            return self._due()

    def close(self, *, drain: bool) -> None:  # noqa: ARG002 - as every port
        self.wake()

    def _due(self) -> bool:
        return bool(self._turns) and self._turns[0][0] <= self._sent

    def _over(self) -> bool:
        return self._lost is not None and not self._turns and self._sent == len(self._expected)

    def _load(self, path: Path) -> None:
        sent = bytearray()
        for entry in sorted(_first_opening(path), key=lambda entry: float(entry.get("t", 0))):
            if "missing" in entry:
                raise ValueError(f"{path}: {entry['missing']} entries are missing")
            if "out" in entry:
                sent += entry["out"].encode("latin-1").translate(None, self._ignored)
            elif "in" in entry:
                self._turns.append((len(sent), entry["in"].encode("latin-1")))
            elif "close" in entry and entry["close"].startswith("the port is gone"):
                self._lost = entry["close"]
        self._expected = bytes(sent)


def _first_opening(path: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    openings = 0
    for line in path.read_bytes().splitlines():
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            if not entries:
                raise
            # a kill or a full disk cut it short, and with it this opening
            break
        if not isinstance(entry, dict):
            raise ValueError(f"{path} is no recording")
        openings += "open" in entry
        if openings > 1:
            break
        entries.append(entry)
    return entries


def _shown(data: bytes) -> str:
    return repr(data) if len(data) <= _SHOWN else f"{data[:_SHOWN]!r}..."
