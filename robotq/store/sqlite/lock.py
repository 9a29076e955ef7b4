"""Keeps a second daemon off a data folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from robotq.model.errors import ConfigError

if sys.platform == "win32":
    import msvcrt

    # far behind the text, because a locked range of bytes cannot be read by others
    _LOCKED_BYTE = 1 << 30

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FolderLock:
    """The file `robotq.lock` of a data folder, held until `close` or the end of the process.

    It holds the process id of its holder, for people. The lock itself is the operating
    system's, so nothing is left over when the holder is killed.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder if absent, and take it.

        Raises ConfigError when another process has it, OSError when it cannot be written.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "robotq.lock"
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(self._descriptor)
        except OSError as error:
            holder = os.read(self._descriptor, 32).decode(errors="replace").strip()
            self.close()
            raise ConfigError(
                f"{folder.absolute()} is in use by another robotq (process {holder or 'unknown'})."
                " End that one, or give this one another folder with --data."
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def close(self) -> None:
        os.close(self._descriptor)
