"""The highest epoch of each robot that this daemon has seen, on its own disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from robotq.model.errors import DataUnavailable
from robotq.system.durable import write_durably

NAME = "epochs.json"
"""In the data folder. A database that was restored from a backup knows earlier ones."""


class Epochs:
    """Never lowered. Written whole and synced, in threads."""

    def __init__(self, folder: Path) -> None:
        """Blocks. Raises DataUnavailable for a file that cannot be read: to begin anew would be to
        believe any database."""
        self._file = folder / NAME
        self._lock = asyncio.Lock()
        try:
            self._seen = msgspec.json.decode(self._file.read_bytes(), type=dict[str, int])
        except FileNotFoundError:
            self._seen = {}
        except (OSError, msgspec.MsgspecError) as error:
            raise DataUnavailable(f"{self._file} cannot be read: {error}") from error

    def highest(self, robot: str) -> int:
        """0 where none was seen."""
        return self._seen.get(robot, 0)

    async def see(self, robot: str, epoch: int) -> None:
        """On disk when this returns. Raises DataUnavailable."""
        async with self._lock:
            if epoch <= self.highest(robot):
                return
            seen = {**self._seen, robot: epoch}
            try:
                await asyncio.to_thread(write_durably, self._file, msgspec.json.encode(seen))
            except OSError as error:
                raise DataUnavailable(f"{self._file} cannot be written: {error}") from error
            self._seen = seen
