"""Pictures that somebody else writes to a file, one after the other."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

from robotq.drivers.base import LinkLost
from robotq.drivers.scanner.camera.options import CameraOptions
from robotq.drivers.scanner.camera.picture import Asked, Picture, PictureRefused

_T = TypeVar("_T")

_SETTLED_S = 0.05
"""A file that was written to a shorter time ago may not be whole."""
_AHEAD_S = 5.0
_MOST_LOOKS = 100


class OnThread(Protocol):
    def __call__(self, work: Callable[[], _T]) -> Awaitable[_T]: ...


class ByFile:
    """Best written under another name and renamed; a file that is written in place is waited for
    until it rests."""

    def __init__(self, options: CameraOptions, file: Path, on_thread: OnThread) -> None:
        self._options = options
        self._file = file
        self._on_thread = on_thread

    async def fetch(self, asked: Asked) -> Picture:
        """Raises LinkLost where its folder is not there, PictureRefused where the file is older,
        or not there yet."""
        return await self._on_thread(lambda: self._read(asked))

    async def close(self) -> None:
        """Nothing stays open."""

    def _read(self, asked: Asked) -> Picture:
        try:
            data = self._whole(asked)
        except FileNotFoundError:
            if not self._file.parent.is_dir():
                raise LinkLost(f"{self._file.parent} is not there") from None
            raise PictureRefused("reason.picture_none") from None
        except OSError as error:
            raise LinkLost(f"{self._file} cannot be read: {error.strerror}") from error
        return Picture(data=data, dated=True)

    def _whole(self, asked: Asked) -> bytes:
        most = self._options.max_bytes
        # without waiting: a pipe has no writer, perhaps for ever
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        with os.fdopen(os.open(self._file, flags | getattr(os, "O_BINARY", 0)), "rb") as stream:
            for _ in range(_MOST_LOOKS):
                before = os.fstat(stream.fileno())
                if not stat.S_ISREG(before.st_mode):
                    raise LinkLost(f"{self._file} is no file")
                if before.st_mtime_ns <= asked.file_ns:
                    raise PictureRefused("reason.picture_old")
                if before.st_size > most:
                    raise PictureRefused("reason.picture_bytes", limit=most)
                rests_s = time.time() - before.st_mtime_ns / 1e9
                if rests_s < -_AHEAD_S:
                    raise PictureRefused("reason.picture_ahead", seconds=round(-rests_s))
                if rests_s < _SETTLED_S:
                    time.sleep(min(_SETTLED_S, max(0.001, _SETTLED_S - rests_s)))
                    continue
                stream.seek(0)
                data = stream.read(most + 1)
                after = os.fstat(stream.fileno())
                same = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
                if same and len(data) == before.st_size:
                    return data
        raise PictureRefused("reason.picture_unfinished")
