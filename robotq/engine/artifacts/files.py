"""The files of all artifacts: one thread writes and removes them."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from robotq.engine.settings import Settings
from robotq.store.port import Store
from robotq.system.kept_files import FileRoom, NotAsKept, RoomFull, Sweep

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

FOLDER = "artifacts"
"""Below the data folder."""
_WAITING_BYTES = 64 * 2**20
"""What may wait for the disk, of all robots together."""
_AT_ONCE = 500
"""Hashes in one question to the database."""

NOWHERE = "reason.artifact_nowhere"
TOO_LARGE = "reason.artifact_too_large"
TOO_MANY = "reason.artifact_too_many"
NO_ROOM = "reason.artifact_no_room"
DISK = "reason.artifact_disk"
LATE = "reason.artifact_late"
OVER = "reason.artifact_over"


class NotKept(Exception):
    """An artifact is not there. `reason` is a code of `model.texts`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ArtifactFiles:
    """Each content once, however many tasks have it. What is written is pinned until it is
    released: a sweep takes none that is on its way into the database."""

    def __init__(self, folder: Path | None, settings: Settings) -> None:
        """`folder`: that of the data; None: nothing is kept, as with a database in memory."""
        self._settings = settings
        self._room = (
            None
            if folder is None
            else FileRoom(folder / FOLDER, lambda: settings.config.artifacts.max_bytes)
        )
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._waiting = 0
        self._anything = False
        """Something was kept, by this daemon or one before."""

    def write(self, content: bytes) -> Future[str]:
        """Bring it to the disk, and pin it there: its hash. NotKept is raised from the future.
        From any thread."""
        room, size = self._room, len(content)
        if room is None:
            return _failed(NOWHERE)
        if size > self._settings.config.artifacts.each_bytes:
            return _failed(TOO_LARGE)
        with self._lock:
            if self._waiting + size > _WAITING_BYTES:
                return _failed(LATE)
            self._waiting += size
        self._anything = True
        future = self._run(lambda: _put(room, content))

        def over(_: Future[str]) -> None:
            with self._lock:
                self._waiting -= size

        future.add_done_callback(over)
        return future

    def release(self, written: Iterable[Future[str]]) -> None:
        """The database names what came of these, or nobody needs it."""
        for future in written:
            future.add_done_callback(self._release)

    async def opened(self, sha256: str) -> BinaryIO:
        """To be read on other threads than the loop's, and closed. Raises NotAsKept."""
        room = self._room
        if room is None:
            raise NotAsKept("the database is in memory")
        return await asyncio.to_thread(room.open, sha256)

    def prepare(self) -> None:
        """Clear what a process has left that was killed while it wrote. Before anything is written.
        Blocks. Raises OSError."""
        if self._room is not None:
            self._anything = self._room.folder.is_dir()
            self._room.clear_halves()

    async def sweep(self, store: Store, spare: Callable[[Iterable[str]], set[str]]) -> Sweep | None:
        """Remove what no task names, without those that `spare` picks of it. None where nothing is
        kept at all. Raises StoreUnavailable, OSError."""
        room = self._room
        if room is None or not self._anything:
            return None
        with ExitStack() as stack:
            sweep = await asyncio.wrap_future(
                self._run(lambda: stack.enter_context(room.sweeping()))
            )
            # those that are pinned from now on stay, so the database may be asked now
            unnamed: list[str] = []
            for first in range(0, len(sweep.found), _AT_ONCE):
                unnamed += await store.unnamed_files(sweep.found[first : first + _AT_ONCE])
            gone = set(unnamed) - spare(unnamed)
            stay = [one for one in sweep.found if one not in gone]
            await asyncio.wrap_future(self._run(lambda: sweep.remove_all_but(set(stay))))
        return sweep

    def close(self) -> None:
        """Its thread ends after what was handed over. Waits for nothing: what no task names by now
        is named by none."""
        self._jobs.put(None)

    def _release(self, future: Future[str]) -> None:
        if self._room is not None and future.exception() is None:
            self._room.release(future.result())

    def _run(self, work: Callable[[], _T]) -> Future[_T]:
        future: Future[_T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - whoever asked gets it
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._lock:
            if self._thread is None:
                # a daemon thread: a disk that hangs must not keep the process from ending
                self._thread = threading.Thread(target=self._work, name="robotq-files", daemon=True)
                self._thread.start()
        self._jobs.put(job)
        return future

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            # the content that it has would stay here until the next one
            del job


def _put(room: FileRoom, content: bytes) -> str:
    try:
        return room.put(content)
    except RoomFull as error:
        raise NotKept(NO_ROOM) from error
    except OSError as error:
        _log.error("an artifact could not be written: %s", error)
        raise NotKept(DISK) from error


def _failed(reason: str) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(NotKept(reason))
    return future
